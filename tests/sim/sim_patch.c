/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_patch.h"

#include <stdlib.h>
#include <string.h>

#include "create.h"
#include "ota/delta.h"
#include "sim_key.h"
#include "sim_must.h"

size_t sim_patch(const struct sim_patch_job *job, uint8_t *out, size_t cap, uint32_t *needs)
{
    struct create_job create = { .old = job->old, .new = job->new, .old_len = job->old_len, .new_len = job->new_len,
                                 .memory = job->memory };
    struct bytes patch = { 0 };

    sim_sha256(job->old, job->old_len, create.old_sha256);
    sim_sha256(job->new, job->new_len, create.new_sha256);
    const char *wrong = create_patch(&create, &patch);
    struct ota_delta_info info;
    MUST(!wrong && patch.len <= cap && ota_delta_peek(&info, patch.p, patch.len) == OTA_OK);
    *needs = info.memory;
    size_t len = patch.len;
    memcpy(out, patch.p, len);
    free(patch.p);
    return len;
}
