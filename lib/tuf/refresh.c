/* SPDX-License-Identifier: Apache-2.0 */
/* The detailed client workflow, section 5.3 to 5.6: what each file that arrives means. */
#include "tuf_i.h"

#include <string.h>

static ota_err check_expiry(struct ota_tuf *t, int64_t expires_s)
{
    return t->now_s >= expires_s ? otai_tuf_refuse(t, OTA_REJECT_FREEZE, "signed.expires") : OTA_OK;
}

static ota_err check_version(struct ota_tuf *t, uint32_t version)
{
    return t->in.version != version ? otai_tuf_refuse(t, OTA_REJECT_VERSION, "signed.version") : OTA_OK;
}

/* What does a file say, if the right keys signed it? */
static ota_err read_top(struct ota_tuf *t, enum tuf_role role)
{
    ota_err err = otai_tuf_verify(t, &t->root.ring, &t->root.signers[role]);

    return err == OTA_OK ? otai_tuf_parse(t, role, NULL) : err;
}

/* Read a root that vouches for itself. */
static ota_err read_root(struct ota_tuf *t)
{
    struct tuf_root *next = &t->u.root;

    memset(next, 0, sizeof *next);
    otai_tuf_ring_clear(t, &next->ring);
    ota_err err = otai_tuf_parse(t, TUF_ROOT, NULL);
    next->version = t->in.version;
    next->expires_s = t->in.expires_s;
    return err == OTA_OK ? otai_tuf_verify(t, &next->ring, &next->signers[TUF_ROOT]) : err;
}

/* The candidate becomes the trusted root, and its keys' half of the memory the one that is kept. */
static void trust_root(struct ota_tuf *t)
{
    t->root = t->u.root;
    t->free_half = (uint16_t)(t->cfg.limits.key_bytes - t->free_half);
}

/* Section 5.2: begin with the stored root, or with the one from the factory when that is newer or the only one. */
ota_err otai_tuf_root_loaded(struct ota_tuf *t)
{
    t->root.version = 0;
    for (int factory = 0; factory < 2; factory++) {
        if (factory)
            t->file = (struct otai_span){ t->cfg.root, t->cfg.root_len };
        t->signed_by = 0;
        ota_err err = read_root(t);
        if (err == OTA_DEVICE_CRYPTO) {
            t->root.version = 0; /* nothing is trusted */
            return err;
        }
        if (err == OTA_OK && t->u.root.version > t->root.version)
            trust_root(t);
    }
    return t->root.version ? OTA_OK : OTA_DEVICE_ROOT;
}

static bool has_key(const struct tuf_root *r, enum tuf_role role, const struct tuf_key *k)
{
    const struct tuf_key *other = r->ring.key;

    for (uint32_t keys = r->signers[role].keys; keys; keys >>= 1, other++)
        if ((keys & 1) && memcmp(other->id, k->id, sizeof k->id) == 0)
            return true;
    return false;
}

static bool all_keys_in(const struct tuf_root *a, const struct tuf_root *b, enum tuf_role role)
{
    const struct tuf_key *k = a->ring.key;

    for (uint32_t keys = a->signers[role].keys; keys; keys >>= 1, k++)
        if ((keys & 1) && !has_key(b, role, k))
            return false;
    return true;
}

/* Section 5.3.11. */
static bool rotated(const struct tuf_root *a, const struct tuf_root *b, enum tuf_role role)
{
    return a->signers[role].threshold != b->signers[role].threshold || !all_keys_in(a, b, role) || !all_keys_in(b, a, role);
}

/* Section 5.3.3 to 5.3.8. Timestamp and snapshot of rotated keys are forgotten before the root that says so is stored:
 * a power cut in between only means that it is fetched again. */
ota_err otai_tuf_root_fetched(struct ota_tuf *t)
{
    ota_err err = otai_tuf_verify(t, &t->root.ring, &t->root.signers[TUF_ROOT]);

    if (err == OTA_OK)
        err = read_root(t);
    if (err == OTA_OK)
        err = check_version(t, t->root.version + 1);
    if (err == OTA_OK && !rotated(&t->root, &t->u.root, TUF_TIMESTAMP) && !rotated(&t->root, &t->u.root, TUF_SNAPSHOT))
        t->step = TUF_ROOT_STORE;
    return err;
}

ota_err otai_tuf_roots_done(struct ota_tuf *t)
{
    otai_tuf_search_begin(t);
    t->step = TUF_TIMESTAMP_LOAD;
    return check_expiry(t, t->root.expires_s);
}

ota_err otai_tuf_root_stored(struct ota_tuf *t)
{
    trust_root(t);
    t->rotations++;
    if (t->rotations >= t->cfg.limits.rotations_max || t->root.version == UINT32_MAX)
        return otai_tuf_roots_done(t);
    t->step = TUF_ROOT_FETCH;
    return OTA_OK;
}

/* Section 5.4.2 to 5.4.5. */
ota_err otai_tuf_timestamp_answered(struct ota_tuf *t)
{
    bool loaded = t->step == TUF_TIMESTAMP_FETCH;

    ota_err err = read_top(t, TUF_TIMESTAMP);
    if (err != OTA_OK)
        return err;
    if (t->in.version < t->timestamp_version)
        return otai_tuf_refuse(t, OTA_REJECT_ROLLBACK, "signed.version");
    if (t->in.version == t->timestamp_version) {
        /* It is not even compared: the trusted one stays in use, and must be fresh. */
        t->step = TUF_SNAPSHOT_LOAD;
        return check_expiry(t, t->timestamp_expires_s);
    }
    if (t->timestamp_version && t->listed.version < t->snapshot.version)
        return otai_tuf_refuse(t, OTA_REJECT_ROLLBACK, "signed.meta.snapshot.json.version");
    if (!loaded)
        err = check_expiry(t, t->in.expires_s);
    if (err != OTA_OK)
        return err;
    t->timestamp_version = t->in.version;
    t->timestamp_expires_s = t->in.expires_s;
    t->timestamp_issued_s = t->in.issued_s;
    t->snapshot = t->listed;
    return OTA_OK;
}

static ota_err check_hash(struct ota_tuf *t, enum ota_hash_alg alg, const uint8_t *want)
{
    uint8_t digest[OTA_HASH_LEN_MAX];

    ota_err err = otai_tuf_hash(t, alg, t->file, digest);
    return err == OTA_OK && memcmp(digest, want, ota_hash_len(alg)) != 0 ? OTA_REJECT_HASH : err;
}

/* Are length and digests of the file those that meta tells? */
static ota_err check_meta(struct ota_tuf *t, const struct tuf_meta *meta)
{
    if (meta->length && t->file.len != meta->length)
        return OTA_REJECT_LENGTH;
    ota_err err = meta->hashes.has_sha256 ? check_hash(t, OTA_SHA256, meta->hashes.sha256) : OTA_OK;
    if (err == OTA_OK && meta->hashes.has_sha512)
        err = check_hash(t, OTA_SHA512, meta->hashes.sha512);
    return err;
}

/* Section 5.5.2 to 5.5.6. The trusted snapshot serves twice: as what a newer one is compared with, and, if it is the
 * current one, as itself. */
ota_err otai_tuf_snapshot_answered(struct ota_tuf *t)
{
    const struct otai_span old = { t->buf, t->old_snapshot_len };
    bool loaded = t->step == TUF_SNAPSHOT_FETCH;
    ota_err listed = check_meta(t, &t->snapshot);

    if (listed != OTA_OK && !loaded)
        return listed;
    ota_err err = read_top(t, TUF_SNAPSHOT);
    if (err != OTA_OK)
        return err;
    if (loaded)
        t->old_snapshot_len = t->file.len;
    err = listed == OTA_OK ? check_version(t, t->snapshot.version) : listed;
    t->targets = t->listed;
    if (err == OTA_OK && old.len)
        err = otai_tuf_snapshot_compare(t, old);
    if (err == OTA_OK)
        err = check_expiry(t, t->in.expires_s);
    if (err == OTA_OK)
        err = otai_tuf_hash(t, OTA_SHA256, t->file, t->snapshot_digest);
    if (err == OTA_OK && loaded)
        t->step = TUF_ROLE_LOAD;
    return err;
}

ota_err otai_tuf_check_role(struct ota_tuf *t, const struct tuf_ring *ring)
{
    ota_err err = check_meta(t, &t->listed);

    if (err == OTA_OK)
        err = otai_tuf_verify(t, ring, &otai_tuf_visited(t)->signers);
    if (err == OTA_OK)
        err = otai_tuf_parse(t, TUF_TARGETS, NULL);
    if (err == OTA_OK)
        err = check_version(t, t->listed.version);
    return err == OTA_OK ? check_expiry(t, t->in.expires_s) : err;
}
