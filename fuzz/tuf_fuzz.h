/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the fuzz targets for TUF metadata. One signature, r = s = 1, is valid by every key over everything, and key
 * ids are any text, so that a mutated file still gets past the signatures to the code behind them. An input is one or
 * more files with a NUL between them, an empty one being absent; files that a target does not mutate are the fixed ones
 * below.
 */
#ifndef TUF_FUZZ_H
#define TUF_FUZZ_H

#include "tuf_fuzz_crypto.h"
#include "tuf_fuzz_files.h"

#define FUZZ_SIG "{\"signatures\":[{\"keyid\":\"k\",\"sig\":\"3006020101020101\"}],\"signed\":"
#define FUZZ_HEAD(type) "{\"_type\":\"" type "\",\"expires\":\"2030-01-01T00:00:00Z\",\"spec_version\":\"1.0.34\",\"version\":1"
#define FUZZ_KEY                                                                                                                 \
    "{\"k\":{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"-----BEGIN PUBLIC KEY-----\\n"                                       \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\n"                                                        \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\\n"                                                            \
    "-----END PUBLIC KEY-----\\n\"},\"scheme\":\"ecdsa-sha2-nistp256\"}}"
#define FUZZ_ROLE "{\"keyids\":[\"k\"],\"threshold\":1}"

static const char fuzz_root[] = FUZZ_SIG FUZZ_HEAD("root") ",\"consistent_snapshot\":true,\"keys\":" FUZZ_KEY
                                                           ",\"roles\":{\"root\":" FUZZ_ROLE ",\"snapshot\":" FUZZ_ROLE
                                                           ",\"targets\":" FUZZ_ROLE ",\"timestamp\":" FUZZ_ROLE "}}}";
static const char fuzz_timestamp[] = FUZZ_SIG FUZZ_HEAD("timestamp") ",\"meta\":{\"snapshot.json\":{\"version\":1}}}}";
static const char fuzz_snapshot[] = FUZZ_SIG FUZZ_HEAD(
    "snapshot") ",\"meta\":{\"pub.json\":{\"version\":1},\"targets.json\":{\"version\":1}}}}";

/* What the driver serves: for each role a fixed file, or else the next one of the input. */
struct fuzz_world {
    const char *fixed[4]; /* root (from the factory), timestamp, snapshot, targets */
    bool stored_snapshot; /* the first file of the input is in the store as the old snapshot */
    const uint8_t *data;
    size_t size;
    struct fuzz_file stored[4];
};

static int fuzz_role(const char *role)
{
    static const char *const names[] = { "root", "timestamp", "snapshot", "targets" };

    for (int i = 0; i < 4; i++)
        if (strcmp(role, names[i]) == 0)
            return i;
    return -1;
}

/* Find the bytes that a want asks for. */
static struct fuzz_file fuzz_bring(struct fuzz_world *w, const struct ota_tuf_want *want)
{
    int role = fuzz_role(want->role);

    if (want->kind == OTA_TUF_LOAD)
        return role > 0 ? w->stored[role] : (struct fuzz_file){ NULL, 0 };
    if (role > 0 && w->fixed[role])
        return (struct fuzz_file){ (const uint8_t *)w->fixed[role], strlen(w->fixed[role]) };
    return role == 0 && w->fixed[0] ? (struct fuzz_file){ NULL, 0 } : fuzz_next(&w->data, &w->size);
}

/* A search loads snapshot and targets again. */
static void fuzz_keep(struct fuzz_world *w, const struct ota_tuf_want *want)
{
    static uint8_t kept[4][32768];
    int role = fuzz_role(want->role);

    if (role < 0)
        return;
    memcpy(kept[role], want->buf, want->len);
    w->stored[role] = (struct fuzz_file){ kept[role], want->len };
}

static void fuzz_answer(struct ota_tuf *t, struct fuzz_world *w, const struct ota_tuf_want *want)
{
    enum ota_tuf_answer answer = OTA_TUF_STORED;
    struct fuzz_file f = { NULL, 0 };

    if (want->kind == OTA_TUF_LOAD || want->kind == OTA_TUF_FETCH) {
        f = fuzz_bring(w, want);
        answer = !f.p ? OTA_TUF_ABSENT : f.len > want->cap ? OTA_TUF_TOO_LONG : OTA_TUF_GOT;
        if (answer == OTA_TUF_GOT && f.len)
            memcpy(want->buf, f.p, f.len);
    }
    if (want->kind == OTA_TUF_STORE)
        fuzz_keep(w, want);
    if (ota_tuf_answer(t, answer, answer == OTA_TUF_GOT ? f.len : 0) != OTA_OK)
        abort();
}

static ota_err fuzz_drive(struct ota_tuf *t, struct fuzz_world *w)
{
    struct ota_tuf_want want;
    struct ota_fault fault;
    ota_err err;

    for (unsigned n = 0; (err = ota_tuf_next(t, &want)) == OTA_OK; n++) {
        if (n > 1000)
            abort(); /* it must end, whatever it is told */
        fuzz_answer(t, w, &want);
    }
    ota_tuf_fault(t, &fault);
    for (const char *c = fault.where; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            abort();
    if (fault.err != (err == OTA_DONE ? OTA_OK : err))
        abort();
    return err;
}

/* A whole refresh and a search over the world. */
static int fuzz_run(struct fuzz_world *w)
{
    static uint64_t memory[8192];
    static struct ota_crypto crypto = { &fuzz_ops };
    struct ota_tuf_config cfg = { .size = sizeof cfg, .crypto = &crypto, .loose_keyids = true };
    struct ota_tuf *t;
    struct fuzz_file root = { (const uint8_t *)w->fixed[0], w->fixed[0] ? strlen(w->fixed[0]) : 0 };

    if (!w->fixed[0])
        root = fuzz_next(&w->data, &w->size);
    cfg.root = root.p;
    cfg.root_len = root.len;
    if (w->stored_snapshot)
        w->stored[2] = fuzz_next(&w->data, &w->size);
    if (ota_tuf_init(&t, &cfg, memory, sizeof memory) != OTA_OK)
        return 0;
    if (ota_tuf_refresh(t, 1750000000) != OTA_OK)
        abort();
    if (fuzz_drive(t, w) != OTA_DONE)
        return 0;
    if (ota_tuf_find(t, "app/one") != OTA_OK)
        abort();
    const struct ota_tuf_target *target = fuzz_drive(t, w) == OTA_DONE ? ota_tuf_target(t) : NULL;
    if (target && target->custom) {
        const char *low = (const char *)memory, *high = low + sizeof memory;

        if (target->custom < low || target->custom + target->custom_len > high)
            abort();
    }
    return 0;
}

#endif
