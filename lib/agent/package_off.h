/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without image packages: nothing is demanded, and nothing of it is left. */
#ifndef OTAI_AGENT_PACKAGE_H
#define OTAI_AGENT_PACKAGE_H

static inline size_t otai_package_len(void)
{
    return 0;
}

static inline ota_err otai_package_begin(struct ota *a, struct otai_arena *rest)
{
    (void)a;
    (void)rest;
    return OTA_OK;
}

static inline ota_err otai_package_seal(struct ota *a, uint64_t before, ota_err sealed)
{
    (void)a;
    (void)before;
    return sealed;
}

static inline void otai_package_end(struct ota *a)
{
    (void)a;
}

#endif
