/* SPDX-License-Identifier: Apache-2.0 */
/* What the trusted side looks at, at commit and again at each start. */
#include "monitor_inside.h"

#define CHUNK 512u
#define ABI_MAX (MONITOR_IMAGES_MAX * OTA_MANIFEST_ABI_MAX + OTA_PACKAGE_ABI_MAX)

static enum monitor_error error_of(ota_err err)
{
    switch (err) {
    case OTA_OK:
        return MONITOR_OK;
    case OTA_REJECT_COMPONENT:
        return MONITOR_INVALID_COMPONENT;
    case OTA_REJECT_SECURITY:
        return MONITOR_SECURITY_VERSION;
    case OTA_REJECT_REQUIRES:
        return MONITOR_REQUIREMENTS_UNMET;
    default:
        return MONITOR_VERIFICATION_FAILED;
    }
}

/* The bytes of the cell into the verification and the digest. */
static ota_err read_through(struct monitor *m, const struct monitor_image *image, struct ota_hash *hash)
{
    const struct ota_mcu_area *cell = &m->cell[image->cell];
    uint8_t chunk[CHUNK];
    ota_err err = OTA_OK;

    for (uint32_t at = 0; err == OTA_OK && at < image->length; at += CHUNK) {
        uint32_t n = image->length - at < CHUNK ? image->length - at : CHUNK;
        if (cell->flash->ops->read(cell->flash, cell->off + at, chunk, n) != 0)
            return OTA_DEVICE_SLOT;
        err = ota_package_verify_add(&m->verify, chunk, n);
        if (err == OTA_OK)
            err = m->cfg.crypto->ops->hash_add(m->cfg.crypto, hash, chunk, n);
    }
    return err;
}

static ota_err verify_package(struct monitor *m, const struct monitor_image *image, const struct ota_package_want *want,
                              struct ota_package *p)
{
    struct ota_crypto *c = m->cfg.crypto;
    uint8_t digest[OTA_SHA256_LEN];
    struct ota_hash hash;
    ota_err err = c->ops->hash_start(c, &hash, OTA_SHA256);

    if (err != OTA_OK)
        return ota_fault_set(&m->why, err, "hash", 0);
    err = ota_package_verify_begin(&m->verify, c, want, &m->why);
    if (err == OTA_OK)
        err = read_through(m, image, &hash);
    ota_err ended = c->ops->hash_end(c, &hash, err == OTA_OK ? digest : NULL);
    if (err != OTA_OK || ended != OTA_OK) {
        ota_package_verify_cancel(&m->verify);
        return ota_fault_set(&m->why, err != OTA_OK ? err : ended, "cell", image->cell);
    }
    err = ota_package_verify_end(&m->verify, p);
    if (err == OTA_OK && memcmp(digest, image->sha256, sizeof digest) != 0)
        err = ota_fault_set(&m->why, OTA_REJECT_HASH, "manifest.entry.sha256", 0);
    return err;
}

enum monitor_error monitor_verify(struct monitor *m, const struct monitor_set *set, const struct monitor_image *image,
                                  uint32_t security_min, uint32_t *security)
{
    struct ota_package_want want = m->cfg.want;
    struct ota_abi provided[ABI_MAX];
    struct ota_package p;
    size_t n = 0;

    for (size_t i = 0; i < want.provided_count && n < ABI_MAX; i++)
        provided[n++] = want.provided[i];
    for (size_t i = 0; i < set->abi_count && n < ABI_MAX; i++)
        provided[n++] = set->abi[i];
    want.provided = provided;
    want.provided_count = n;
    want.component = image->component;
    want.security_min = security_min;
    ota_err err = verify_package(m, image, &want, &p);
    if (err != OTA_OK)
        return error_of(err);
    if (memcmp(p.image, image->image, OTA_UID_LEN) != 0) {
        (void)ota_fault_set(&m->why, OTA_REJECT_VALUE, "package.identity.image", 0);
        return MONITOR_IDENTITY_INCONSISTENT;
    }
    *security = p.security;
    return MONITOR_OK;
}

enum monitor_error monitor_verify_set(struct monitor *m, const struct monitor_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        uint32_t security;
        enum monitor_error e = monitor_verify(m, set, &set->image[i], set->image[i].security, &security);

        if (e != MONITOR_OK)
            return e;
    }
    return MONITOR_OK;
}
