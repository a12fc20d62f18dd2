/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true, or the fuzzer has found something. */
#ifndef FUZZ_REQUIRE_H
#define FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdlib.h>

static inline void require(bool good)
{
    if (!good)
        abort();
}

#endif
