/* SPDX-License-Identifier: Apache-2.0 */
/* An old snapshot in the store and a new one: both are parsed and compared. */
#include "tuf_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_world w = {
        .fixed = { fuzz_root, fuzz_timestamp, NULL, NULL }, .stored_snapshot = true, .data = data, .size = size
    };

    return fuzz_run(&w);
}
