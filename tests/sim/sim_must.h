/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulation itself relies on: a failure here is a bug of the test, and ends it with its place. */
#ifndef SIM_MUST_H
#define SIM_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define FAIL_SIM(what)                                                                    \
    do {                                                                                  \
        (void)fprintf(stderr, "%s:%d: simulation needs: %s\n", __FILE__, __LINE__, what); \
        abort();                                                                          \
    } while (0)

#define MUST(what)           \
    do {                     \
        if (!(what))         \
            FAIL_SIM(#what); \
    } while (0)

#endif
