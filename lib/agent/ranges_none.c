/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without indexes take this instead of ranges.c: the planner finds no memory for one, so none is ever chosen. */
#include "agent.h"

uint32_t otai_ranges_memory(const struct ota_limits *limits)
{
    (void)limits;
    return 0;
}

size_t otai_ranges_len(const struct ota_limits *limits)
{
    (void)limits;
    return 0;
}

ota_err otai_ranges_open(struct ota *a, struct otai_download *d, struct otai_arena *rest)
{
    (void)d;
    (void)rest;
    return otai_fail(a, OTA_REJECT_CODEC, "index");
}

ota_err otai_ranges_step(struct ota *a)
{
    return otai_fail(a, OTA_REJECT_CODEC, "index");
}
