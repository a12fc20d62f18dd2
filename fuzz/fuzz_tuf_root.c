/* SPDX-License-Identifier: Apache-2.0 */
/* The root from the factory, then new roots: signatures, keys, thresholds, versions. */
#include "tuf_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_world w = { .fixed = { NULL, fuzz_timestamp, fuzz_snapshot, NULL }, .data = data, .size = size };

    return fuzz_run(&w);
}
