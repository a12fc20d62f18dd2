/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without deltas take this instead of patch.c: the planner finds no memory for one, so none is ever chosen. */
#include "agent.h"

uint32_t otai_delta_memory(const struct ota_limits *limits)
{
    (void)limits;
    return 0;
}

size_t otai_patch_len(const struct ota_limits *limits)
{
    (void)limits;
    return 0;
}

ota_err otai_patch_open(struct ota *a, struct otai_patch *p, struct otai_arena *rest, const struct ota_slot_geometry *g)
{
    (void)p;
    (void)rest;
    (void)g;
    return otai_fail(a, OTA_REJECT_CODEC, "delta");
}

ota_err otai_patch_push(struct ota *a, struct otai_download *d, size_t cap, size_t *made)
{
    (void)d;
    (void)cap;
    *made = 0;
    return otai_fail(a, OTA_REJECT_CODEC, "delta");
}

uint64_t otai_patch_src(const struct otai_patch *p)
{
    (void)p;
    return 0;
}

ota_err otai_patch_save(struct ota *a, struct otai_patch *p)
{
    (void)p;
    return otai_fail(a, OTA_REJECT_CODEC, "delta");
}

ota_err otai_patch_begin_check(struct ota *a, struct otai_download *d)
{
    (void)d;
    return otai_fail(a, OTA_REJECT_CODEC, "delta");
}

ota_err otai_patch_check(struct ota *a, struct otai_download *d)
{
    (void)d;
    return otai_fail(a, OTA_REJECT_CODEC, "delta");
}

void otai_patch_forget(struct ota *a)
{
    (void)a;
}
