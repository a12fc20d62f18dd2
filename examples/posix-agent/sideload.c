/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing of what was brought is believed: the owners' signatures say that it may be looked at, the component's key says what it is,
 * and what lies in the slot is what was verified, or it is not started. */
#define _POSIX_C_SOURCE 200809L /* pread */
#include "sideload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device_boot.h"
#include "ota/image.h"
#include "ota/monitor.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define PIECE 65536u
#define POLICY_SIDELOAD 2u

static uint8_t piece[PIECE];

/* ---- the capability ---- */

static ota_err digest_of(struct ota_crypto *c, const void *p, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256);

    if (err != OTA_OK)
        return err;
    err = c->ops->hash_add(c, &h, p, len);
    ota_err ended = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? ended : err;
}

bool sideload_session(struct ota_crypto *crypto, uint8_t out[OTA_SHA256_LEN])
{
    char text[64] = "";
    FILE *f = fopen(BOOT_ID, "r");
    bool read = f && fgets(text, sizeof text, f);

    if (f)
        (void)fclose(f);
    text[strcspn(text, "\n")] = '\0';
    return read && strlen(text) == 36 && digest_of(crypto, text, 36, out) == OTA_OK;
}

ota_err sideload_owners(const struct agent_config *c, struct brought *b, struct schema_fault *fault)
{
    for (b->key_count = 0; c->owner.keys[b->key_count]; b->key_count++) {
        const char *path = c->owner.keys[b->key_count];
        struct ota_posix_package_key k;
        struct ota_fault why = { .err = OTA_OK };
        char key[48];
        ota_err err = ota_posix_package_key_load(&k, path, &why);

        (void)snprintf(key, sizeof key, "sideload.owners[%zu]", b->key_count);
        if (err == OTA_OK && k.kind != OTA_KEY_P256)
            err = ota_fault_set(&why, OTA_REJECT_KEY, key, 0);
        if (err != OTA_OK)
            return device_fail(fault, key, path, OTA_USAGE_CONFIG, &why);
        memcpy(b->keys[b->key_count], k.bytes, OTA_CAPABILITY_KEY_LEN);
    }
    return OTA_OK;
}

static ota_err load_installed(struct device *d, struct brought *b, struct ota_fault *why)
{
    struct ota_store *s = d->cfg.store;
    int32_t code = 0;
    ota_err err = s->ops->read(s, "capability", b->file, sizeof b->file, &b->file_len, &code);

    if (err == OTA_DEVICE_ABSENT)
        return ota_fault_set(why, OTA_REJECT_CAPABILITY, "capability", 0);
    if (err != OTA_OK)
        return ota_fault_set(why, OTA_DEVICE_STORE, "capability", code);
    if (b->file_len > sizeof b->file)
        b->file_len = sizeof b->file; /* longer than any that is good */
    return OTA_OK;
}

ota_err sideload_judge(struct device *d, const struct agent_config *c, struct brought *b, struct ota_capability *cap, struct ota_fault *why)
{
    struct ota_capability_check check = { .device = c->device_id, .keys = b->keys[0], .key_count = b->key_count,
        .threshold = c->owner.threshold, .session = b->has_session ? b->session : NULL };

    memset(cap, 0, sizeof *cap);
    if (b->key_count == 0)
        return ota_fault_set(why, OTA_REJECT_CAPABILITY, "sideload.owners", 0);
    ota_err err = b->file_len ? OTA_OK : load_installed(d, b, why);
    if (err == OTA_OK && d->cfg.clock->ops->utc_s(d->cfg.clock, &check.now_s) != OTA_OK)
        err = ota_fault_set(why, OTA_RETRY_CLOCK, "clock", 0);
    if (err == OTA_OK)
        err = ota_capability_used_load(d->cfg.store, &check.used, why);
    if (err == OTA_OK)
        err = ota_capability_verify(b->file, b->file_len, &check, d->cfg.crypto, cap, why);
    return err;
}

/* ---- the package ---- */

static ota_err read_piece(const struct brought *b, uint64_t off, size_t len, struct ota_fault *why)
{
    ssize_t n = pread(b->fd, piece, len, (off_t)off);

    if (n == (ssize_t)len)
        return OTA_OK;
    return ota_fault_set(why, OTA_REJECT_LENGTH, "package", n < 0 ? errno : 0);
}

static size_t piece_at(const struct brought *b, uint64_t off)
{
    return b->len - off < PIECE ? (size_t)(b->len - off) : PIECE;
}

/* One pass: the signature's verification, and the digest that the slot must come to. */
static ota_err verify(struct device *d, const struct brought *b, const struct ota_package_want *want, struct ota_package *p,
                      uint8_t sha256[OTA_SHA256_LEN], struct ota_fault *why)
{
    static struct ota_package_verify v;
    struct ota_crypto *c = d->cfg.crypto;
    struct ota_hash h;
    ota_err err = ota_package_verify_begin(&v, c, want, why);

    if (err != OTA_OK)
        return err;
    err = c->ops->hash_start(c, &h, OTA_SHA256);
    if (err != OTA_OK) {
        ota_package_verify_cancel(&v);
        return ota_fault_set(why, err, "crypto.hash", 0);
    }
    for (uint64_t off = 0; off < b->len && err == OTA_OK; off += piece_at(b, off)) {
        err = read_piece(b, off, piece_at(b, off), why);
        if (err == OTA_OK)
            err = ota_package_verify_add(&v, piece, piece_at(b, off));
        if (err == OTA_OK)
            err = c->ops->hash_add(c, &h, piece, piece_at(b, off));
    }
    ota_err ended = c->ops->hash_end(c, &h, err == OTA_OK ? sha256 : NULL);
    if (err != OTA_OK || ended != OTA_OK) {
        ota_package_verify_cancel(&v);
        return err != OTA_OK ? err : ota_fault_set(why, ended, "crypto.hash", 0);
    }
    return ota_package_verify_end(&v, p);
}

static bool is_wanted_here(struct device *d, size_t i, const struct ota_capability *cap, struct ota_package_want *want)
{
    if (!d->wants[i])
        return false;
    *want = *d->wants[i];
    if (cap->kind == OTA_CAPABILITY_DEVELOPMENT)
        want->temporary |= OTA_TEMPORARY_UNDER_DEVELOPMENT;
    return true;
}

/* The first component whose key and identifier it bears. None: what the last one said. */
static ota_err find_component(struct device *d, const struct brought *b, const struct ota_capability *cap, struct ota_package *p,
                              struct ota_local *local, struct ota_fault *why)
{
    struct ota_package_want want;
    ota_err err = ota_fault_set(why, OTA_REJECT_COMPONENT, "components.package", 0); /* no component takes packages */

    for (size_t i = 0; i < d->cfg.component_count; i++) {
        if (!is_wanted_here(d, i, cap, &want))
            continue;
        local->image.component = (uint8_t)i;
        err = verify(d, b, &want, p, local->image.sha256, why);
        if (err != OTA_REJECT_COMPONENT && err != OTA_REJECT_SIGNATURE && err != OTA_REJECT_KEY)
            break;
    }
    if (err == OTA_OK && cap->kind == OTA_CAPABILITY_SERVICING && !(p->policy & POLICY_SIDELOAD))
        err = ota_fault_set(why, OTA_REJECT_CAPABILITY, "package.policy", 0);
    return err;
}

/* ---- the slot ---- */

static ota_err slot_failed(struct ota_fault *why, ota_err err, const char *where, int32_t code)
{
    return ota_fault_set(why, ota_err_class(err) == OTA_CLASS_DEVICE ? err : OTA_DEVICE_SLOT, where, code);
}

/* Before the capability is used up: it is not to be lost to what could never have been written. */
static ota_err check_fits(struct ota_slot *s, const struct brought *b, struct ota_slot_geometry *g, struct ota_fault *why)
{
    int32_t code = 0;
    ota_err err = s->ops->geometry(s, g, &code);

    if (err != OTA_OK)
        return slot_failed(why, err, "slot.geometry", code);
    return b->len > g->size ? ota_fault_set(why, OTA_REJECT_TOO_BIG, "slot.size", 0) : OTA_OK;
}

static ota_err write_slot(struct ota_slot *s, const struct ota_slot_geometry *g, const struct brought *b, struct ota_fault *why)
{
    int32_t code = 0;
    ota_err err = OTA_OK;

    for (uint64_t off = 0; off < b->len; off += piece_at(b, off)) {
        size_t len = piece_at(b, off);
        size_t padded = (len + g->write_unit - 1u) / g->write_unit * g->write_unit;

        err = read_piece(b, off, len, why);
        if (err != OTA_OK)
            return err;
        memset(piece + len, 0xff, padded - len);
        err = s->ops->write(s, off, piece, padded, &code);
        if (err != OTA_OK)
            return slot_failed(why, err, "slot.write", code);
    }
    err = s->ops->sync(s, &code);
    return err == OTA_OK ? OTA_OK : slot_failed(why, err, "slot.sync", code);
}

/* What the medium gives back must be what was verified, whatever became of the file meanwhile. */
static ota_err read_back(struct device *d, struct ota_slot *s, const struct ota_image *image, struct ota_fault *why)
{
    struct ota_crypto *c = d->cfg.crypto;
    uint8_t sha256[OTA_SHA256_LEN];
    struct ota_hash h;
    int32_t code = 0;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256);

    if (err != OTA_OK)
        return ota_fault_set(why, err, "crypto.hash", 0);
    for (uint64_t off = 0; off < image->length && err == OTA_OK; off += PIECE) {
        size_t len = image->length - off < PIECE ? (size_t)(image->length - off) : PIECE;

        err = s->ops->read(s, off, piece, len, &code);
        if (err == OTA_OK)
            err = c->ops->hash_add(c, &h, piece, len);
    }
    ota_err ended = c->ops->hash_end(c, &h, err == OTA_OK ? sha256 : NULL);
    if (err != OTA_OK || ended != OTA_OK)
        return slot_failed(why, err != OTA_OK ? err : ended, "slot.read", code);
    return memcmp(sha256, image->sha256, sizeof sha256) == 0 ? OTA_OK : ota_fault_set(why, OTA_REJECT_HASH, "slot", 0);
}

static void name_it(struct ota_local *local)
{
    const uint8_t *h = local->image.sha256;

    (void)snprintf(local->version, sizeof local->version, "brought-%02x%02x%02x%02x%02x%02x", h[0], h[1], h[2], h[3], h[4], h[5]);
}

ota_err sideload_package(struct device *d, const struct agent_config *c, const struct brought *b, const struct ota_capability *cap,
                         struct ota_fault *why)
{
    struct ota_local local = { .image = { .length = b->len } };
    struct ota_package p;
    struct ota_status status;

    (void)c;
    ota_err err = find_component(d, b, cap, &p, &local, why);
    if (err != OTA_OK)
        return err;
    ota_status(d->agent, &status);
    uint8_t runs = status.component[local.image.component].slot;
    if (runs > 1)
        return ota_fault_set(why, OTA_USAGE_STATE, "nothing is installed", 0);
    if (status.state != OTA_ST_IDLE)
        return ota_fault_set(why, OTA_USAGE_STATE, ota_state_name(status.state), 0);
    local.image.slot = (uint8_t)(1 - runs);
    local.security = p.security;
    name_it(&local);
    struct ota_slot *s = d->component[local.image.component].slot[local.image.slot];
    struct ota_slot_geometry g;
    err = check_fits(s, b, &g, why);
    if (err == OTA_OK)
        err = ota_capability_use(d->cfg.store, cap, why);
    if (err == OTA_OK)
        err = write_slot(s, &g, b, why);
    if (err == OTA_OK)
        err = read_back(d, s, &local.image, why);
    return err == OTA_OK ? ota_try_local(d->agent, &local, 1, true, why) : err;
}
