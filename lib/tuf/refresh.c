/* SPDX-License-Identifier: Apache-2.0 */
/* The detailed client workflow, section 5.3 to 5.6: what each file that arrives means. */
#include "tuf_i.h"

#include <string.h>

static bool expired(const struct ota_tuf *t, int64_t expires_s)
{
    return t->now_s >= expires_s;
}

ota_err otai_tuf_forgive(struct ota_tuf *t, ota_err err)
{
    if (ota_err_class(err) != OTA_CLASS_REJECT)
        return err;
    ota_fault_set(&t->fault, OTA_OK, "", 0);
    return OTA_OK;
}

static ota_err verify_top(struct ota_tuf *t, struct otai_span file, enum tuf_role role)
{
    return otai_tuf_verify(t, file, &t->root.ring, t->root.signers[role]);
}

/* A root that vouches for itself. */
static ota_err own_root(struct ota_tuf *t, struct otai_span file, struct tuf_root *out)
{
    ota_err err = otai_tuf_root_parse(t, file, out);

    return err == OTA_OK ? otai_tuf_verify(t, file, &out->ring, out->signers[TUF_ROOT]) : err;
}

/* Section 5.2: begin with the stored root, or with the one from the factory when that is newer or the only one. */
ota_err otai_tuf_root_loaded(struct ota_tuf *t, struct otai_span got)
{
    const struct otai_span factory = { t->cfg.root, t->cfg.root_len };
    ota_err stored = OTA_DEVICE_ROOT, made = OTA_DEVICE_ROOT;

    if (got.p)
        stored = own_root(t, got, &t->root);
    if (factory.p && stored != OTA_DEVICE_CRYPTO)
        made = own_root(t, factory, &t->u.root);
    if (made == OTA_OK && (stored != OTA_OK || t->u.root.version > t->root.version)) {
        t->root = t->u.root;
        stored = OTA_OK;
    }
    if (stored != OTA_OK || made == OTA_DEVICE_CRYPTO) {
        bool crypto = stored == OTA_DEVICE_CRYPTO || made == OTA_DEVICE_CRYPTO;

        t->root.version = 0; /* nothing is trusted */
        return otai_tuf_refuse(t, crypto ? OTA_DEVICE_CRYPTO : OTA_DEVICE_ROOT, "");
    }
    ota_fault_set(&t->fault, OTA_OK, "", 0);
    t->step = TUF_ROOT_FETCH;
    return OTA_OK;
}

static bool has_key(const struct tuf_root *r, enum tuf_role role, const struct tuf_key *k)
{
    for (uint8_t i = 0; i < r->ring.count; i++)
        if ((r->signers[role].keys & 1u << i) && memcmp(r->ring.key[i].id, k->id, sizeof k->id) == 0)
            return true;
    return false;
}

static bool all_keys_in(const struct tuf_root *a, const struct tuf_root *b, enum tuf_role role)
{
    for (uint8_t i = 0; i < a->ring.count; i++)
        if ((a->signers[role].keys & 1u << i) && !has_key(b, role, &a->ring.key[i]))
            return false;
    return true;
}

/* Section 5.3.11. */
static bool rotated(const struct tuf_root *a, const struct tuf_root *b, enum tuf_role role)
{
    return a->signers[role].threshold != b->signers[role].threshold || !all_keys_in(a, b, role) || !all_keys_in(b, a, role);
}

/* Section 5.3.10, after the last root. */
static ota_err roots_done(struct ota_tuf *t)
{
    if (expired(t, t->root.expires_s))
        return otai_tuf_refuse(t, OTA_REJECT_FREEZE, "signed.expires");
    t->step = TUF_TIMESTAMP_LOAD;
    return OTA_OK;
}

/* Section 5.3.3 to 5.3.8. Timestamp and snapshot of rotated keys are forgotten before the root that says so is stored:
 * a power cut in between only means that it is fetched again. */
ota_err otai_tuf_root_fetched(struct ota_tuf *t, struct otai_span got)
{
    struct tuf_root *next = &t->u.root;

    if (!got.p)
        return roots_done(t);
    ota_err err = verify_top(t, got, TUF_ROOT);
    if (err == OTA_OK)
        err = own_root(t, got, next);
    if (err != OTA_OK)
        return err;
    if (next->version != t->root.version + 1)
        return otai_tuf_refuse(t, OTA_REJECT_VERSION, "signed.version");
    t->len = got.len;
    t->step = rotated(&t->root, next, TUF_TIMESTAMP) || rotated(&t->root, next, TUF_SNAPSHOT) ? TUF_TIMESTAMP_FORGET
                                                                                              : TUF_ROOT_STORE;
    return OTA_OK;
}

ota_err otai_tuf_root_stored(struct ota_tuf *t, struct otai_span got)
{
    (void)got;
    t->root = t->u.root;
    t->rotations++;
    if (t->rotations >= t->cfg.limits.rotations_max || t->root.version == UINT32_MAX)
        return roots_done(t);
    t->step = TUF_ROOT_FETCH;
    return OTA_OK;
}

struct timestamp {
    struct tuf_head head;
    struct tuf_meta snapshot;
};

static ota_err read_timestamp(struct ota_tuf *t, struct otai_span file, struct timestamp *out)
{
    ota_err err = verify_top(t, file, TUF_TIMESTAMP);

    return err == OTA_OK ? otai_tuf_listing_parse(t, file, TUF_TIMESTAMP, "snapshot", &out->head, &out->snapshot) : err;
}

static void trust_timestamp(struct ota_tuf *t, const struct timestamp *ts)
{
    t->timestamp_version = ts->head.version;
    t->timestamp_expires_s = ts->head.expires_s;
    t->snapshot = ts->snapshot;
}

ota_err otai_tuf_timestamp_loaded(struct ota_tuf *t, struct otai_span got)
{
    ota_err err = OTA_REJECT_MISSING;
    struct timestamp ts;

    t->timestamp_version = 0;
    t->step = TUF_TIMESTAMP_FETCH;
    if (got.p)
        err = read_timestamp(t, got, &ts);
    if (err == OTA_OK)
        trust_timestamp(t, &ts);
    return otai_tuf_forgive(t, err);
}

/* Section 5.4.2 to 5.4.5. version 0: no trusted timestamp to compare with. */
ota_err otai_tuf_timestamp_fetched(struct ota_tuf *t, struct otai_span got)
{
    struct timestamp ts;

    ota_err err = read_timestamp(t, got, &ts);
    if (err != OTA_OK)
        return err;
    if (ts.head.version < t->timestamp_version)
        return otai_tuf_refuse(t, OTA_REJECT_ROLLBACK, "signed.version");
    bool same = ts.head.version == t->timestamp_version;
    if (!same && t->timestamp_version && ts.snapshot.version < t->snapshot.version)
        return otai_tuf_refuse(t, OTA_REJECT_ROLLBACK, "signed.meta.snapshot.json.version");
    /* An equal version is not even compared: the trusted one stays in use, and must be fresh. */
    if (expired(t, same ? t->timestamp_expires_s : ts.head.expires_s))
        return otai_tuf_refuse(t, OTA_REJECT_FREEZE, "signed.expires");
    if (!same)
        trust_timestamp(t, &ts);
    t->len = got.len;
    t->step = same ? TUF_SNAPSHOT_LOAD : TUF_TIMESTAMP_STORE;
    return OTA_OK;
}

static ota_err check_hash(struct ota_tuf *t, struct otai_span file, enum ota_hash_alg alg, const uint8_t *want)
{
    uint8_t digest[OTA_HASH_LEN_MAX];

    ota_err err = otai_tuf_hash(t, alg, file.p, file.len, digest);
    if (err == OTA_OK && memcmp(digest, want, ota_hash_len(alg)) != 0)
        err = OTA_REJECT_HASH;
    return err == OTA_OK ? OTA_OK : otai_tuf_refuse(t, err, "");
}

ota_err otai_tuf_check_meta(struct ota_tuf *t, struct otai_span file, const struct tuf_meta *meta)
{
    if (meta->length && file.len != meta->length)
        return otai_tuf_refuse(t, OTA_REJECT_LENGTH, "");
    ota_err err = meta->hashes.has_sha256 ? check_hash(t, file, OTA_SHA256, meta->hashes.sha256) : OTA_OK;
    if (err == OTA_OK && meta->hashes.has_sha512)
        err = check_hash(t, file, OTA_SHA512, meta->hashes.sha512);
    return err;
}

/* What does a snapshot say, if the right keys signed it? */
static ota_err read_snapshot(struct ota_tuf *t, struct otai_span file, struct tuf_head *head, struct tuf_meta *targets)
{
    ota_err err = verify_top(t, file, TUF_SNAPSHOT);

    return err == OTA_OK ? otai_tuf_listing_parse(t, file, TUF_SNAPSHOT, "targets", head, targets) : err;
}

static ota_err trust_snapshot(struct ota_tuf *t, struct otai_span file, const struct tuf_meta *targets)
{
    t->targets = *targets;
    return otai_tuf_hash(t, OTA_SHA256, file.p, file.len, t->snapshot_digest);
}

/* The trusted snapshot serves twice: as what a newer one is compared with, and, if it is the current one, as itself. */
ota_err otai_tuf_snapshot_loaded(struct ota_tuf *t, struct otai_span got)
{
    struct tuf_meta targets;
    struct tuf_head head;

    t->step = TUF_SNAPSHOT_FETCH;
    t->old_snapshot_len = 0;
    if (!got.p)
        return OTA_OK;
    ota_err err = read_snapshot(t, got, &head, &targets);
    if (err != OTA_OK)
        return otai_tuf_forgive(t, err);
    t->old_snapshot_len = got.len;
    if (head.version != t->snapshot.version || expired(t, head.expires_s))
        return OTA_OK;
    err = otai_tuf_check_meta(t, got, &t->snapshot);
    if (err != OTA_OK)
        return otai_tuf_forgive(t, err);
    t->step = TUF_TARGETS_LOAD;
    return trust_snapshot(t, got, &targets);
}

/* Section 5.5.2 to 5.5.6. */
ota_err otai_tuf_snapshot_fetched(struct ota_tuf *t, struct otai_span got)
{
    const struct otai_span old = { t->buf, t->old_snapshot_len };
    struct tuf_meta targets;
    struct tuf_head head;

    ota_err err = otai_tuf_check_meta(t, got, &t->snapshot);
    if (err == OTA_OK)
        err = read_snapshot(t, got, &head, &targets);
    if (err != OTA_OK)
        return err;
    if (head.version != t->snapshot.version)
        return otai_tuf_refuse(t, OTA_REJECT_VERSION, "signed.version");
    if (old.len) {
        err = otai_tuf_snapshot_compare(t, old, got);
        if (err != OTA_OK)
            return err;
    }
    if (expired(t, head.expires_s))
        return otai_tuf_refuse(t, OTA_REJECT_FREEZE, "signed.expires");
    t->len = got.len;
    t->step = TUF_SNAPSHOT_STORE;
    return trust_snapshot(t, got, &targets);
}

ota_err otai_tuf_check_targets(struct ota_tuf *t, struct otai_span file, const struct tuf_meta *meta, const struct tuf_ring *ring,
                               struct tuf_signers signers)
{
    struct tuf_head head;
    bool found;

    ota_err err = otai_tuf_check_meta(t, file, meta);
    if (err == OTA_OK)
        err = otai_tuf_verify(t, file, ring, signers);
    if (err == OTA_OK)
        err = otai_tuf_targets_parse(t, file, NULL, &head, &found);
    if (err != OTA_OK)
        return err;
    if (head.version != meta->version)
        return otai_tuf_refuse(t, OTA_REJECT_VERSION, "signed.version");
    if (expired(t, head.expires_s))
        return otai_tuf_refuse(t, OTA_REJECT_FREEZE, "signed.expires");
    return OTA_OK;
}

static ota_err check_top_targets(struct ota_tuf *t, struct otai_span file)
{
    ota_err err = otai_tuf_check_targets(t, file, &t->targets, &t->root.ring, t->root.signers[TUF_TARGETS]);
    return err == OTA_OK ? otai_tuf_hash(t, OTA_SHA256, file.p, file.len, t->targets_digest) : err;
}

static ota_err refresh_done(struct ota_tuf *t)
{
    t->fresh = true;
    t->step = TUF_IDLE;
    return OTA_DONE;
}

ota_err otai_tuf_targets_loaded(struct ota_tuf *t, struct otai_span got)
{
    ota_err err = got.p ? check_top_targets(t, got) : OTA_REJECT_MISSING;

    if (err == OTA_OK)
        return refresh_done(t);
    t->step = TUF_TARGETS_FETCH;
    return otai_tuf_forgive(t, err);
}

ota_err otai_tuf_targets_fetched(struct ota_tuf *t, struct otai_span got)
{
    ota_err err = check_top_targets(t, got);
    t->len = got.len;
    t->step = TUF_TARGETS_STORE;
    return err;
}

ota_err otai_tuf_targets_stored(struct ota_tuf *t, struct otai_span got)
{
    (void)got;
    return refresh_done(t);
}
