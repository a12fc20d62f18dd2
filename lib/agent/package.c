/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEAL of a component whose images must be packages: the bytes that the seal reads back, those that will start, go through
 * the verification of the package as well. Only when both hold is there an image to arm.
 */
#ifndef OTAI_PACKAGE_HEADER
#define OTAI_PACKAGE_HEADER "package_on.h" /* this is its other half, whatever the rest was built with */
#endif
#include "agent.h"

/* Behind the seal's own memory. */
struct check {
    struct ota_package_verify verify;
    struct ota_package package;
};

size_t otai_package_len(void)
{
    return OTAI_ALIGN_UP(sizeof(struct check));
}

static struct check *check_of(const struct ota *a)
{
    return (struct check *)(void *)(a->region + OTAI_ALIGN_UP(sizeof(struct otai_seal)));
}

static const struct ota_package_want *wanted(const struct ota *a)
{
    return a->packages ? a->packages[a->plan.component] : NULL;
}

ota_err otai_package_begin(struct ota *a, struct otai_arena *rest)
{
    struct check *c = otai_arena_take(rest, sizeof *c);

    if (!wanted(a))
        return OTA_OK;
    return ota_package_verify_begin(&c->verify, a->cfg.crypto, wanted(a), &a->fault);
}

ota_err otai_package_seal(struct ota *a, uint64_t before, ota_err sealed)
{
    struct check *c = check_of(a);

    if (!wanted(a) || (sealed != OTA_AGAIN && sealed != OTA_DONE))
        return sealed;
    ota_err err = ota_package_verify_add(&c->verify, a->m.seal->buf, (size_t)(a->m.seal->off - before));
    if (err == OTA_OK && sealed == OTA_DONE)
        err = ota_package_verify_end(&c->verify, &c->package);
    if (err == OTA_OK)
        return sealed;
    a->plan.source.codec = OTA_CODEC_PLAIN; /* no detour: another encoding would bring the same bytes */
    return err;
}

void otai_package_end(struct ota *a)
{
    if (wanted(a))
        ota_package_verify_cancel(&check_of(a)->verify);
}

ota_err ota_demand_packages(struct ota *a, const struct ota_package_want *const *want, size_t count)
{
    struct ota_package_verify v;

    if (!a || !want || count != a->cfg.component_count)
        return OTA_USAGE_ARGUMENT;
    if (a->state != OTA_ST_START)
        return OTA_USAGE_STATE;
    for (size_t i = 0; i < count; i++) {
        ota_err err = want[i] ? ota_package_verify_begin(&v, a->cfg.crypto, want[i], NULL) : OTA_OK;
        if (err != OTA_OK)
            return err;
        if (want[i])
            ota_package_verify_cancel(&v);
    }
    a->packages = want;
    return OTA_OK;
}
