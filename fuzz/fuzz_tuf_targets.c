/* SPDX-License-Identifier: Apache-2.0 */
/* The targets file, then delegated ones: targets, delegations, patterns, bins. */
#include "tuf_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_world w = { .fixed = { fuzz_root, fuzz_timestamp, fuzz_snapshot, NULL }, .data = data, .size = size };

    return fuzz_run(&w);
}
