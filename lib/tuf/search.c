/* SPDX-License-Identifier: Apache-2.0 */
/* The search for one target, section 5.6.7: a pre-order walk over delegations, at most a fixed number of roles. */
#include "tuf_i.h"

#include <string.h>

void otai_tuf_search_begin(struct ota_tuf *t)
{
    struct tuf_search *s = &t->u.search;

    memset(s, 0, sizeof *s);
    s->visited = s->count = 1;
    (void)otai_copy(s->role[0].name, sizeof s->role[0].name, "targets");
    s->role[0].signers = t->root.signers[TUF_TARGETS];
    t->role = t->targets;
    t->step = TUF_ROLE_LOAD;
}

const char *otai_tuf_role(const struct ota_tuf *t)
{
    return t->u.search.role[t->u.search.visited - 1].name;
}

static bool at_top(const struct ota_tuf *t)
{
    return t->u.search.visited == 1;
}

static void take_out(struct tuf_search *s, uint8_t index)
{
    s->count--;
    memmove(&s->role[index], &s->role[index + 1], (size_t)(s->count - index) * sizeof s->role[0]);
}

/* Make place for one role at *base. When all places are taken, the role that would be visited last gives way: with so
 * many before it, it would not have been visited. false: that one is the new one itself. */
static bool make_place(struct tuf_search *s, uint8_t *base, uint8_t limit)
{
    if (s->count >= limit) {
        if (*base == s->visited)
            return false;
        take_out(s, s->visited);
        (*base)--;
    }
    memmove(&s->role[*base + 1], &s->role[*base], (size_t)(s->count - *base) * sizeof s->role[0]);
    s->count++;
    return true;
}

ota_err otai_tuf_visit(struct tuf_search *s, uint8_t *base, uint8_t limit, const char *name, struct tuf_signers signers)
{
    for (uint8_t i = 0; i < s->count; i++) {
        if (strcmp(s->role[i].name, name) != 0)
            continue;
        if (i < s->visited)
            return OTA_OK;
        if (i >= *base)
            return OTA_REJECT_DUPLICATE;
        /* It waits for another delegator, but this one comes first. */
        take_out(s, i);
        (*base)--;
        break;
    }
    if (!make_place(s, base, limit))
        return OTA_OK;
    struct tuf_visit *v = &s->role[*base];
    memset(v, 0, sizeof *v);
    (void)otai_copy(v->name, sizeof v->name, name);
    v->signers = signers;
    return OTA_OK;
}

/* Go on to the role that comes next, or give up. */
static ota_err next_role(struct ota_tuf *t)
{
    struct tuf_search *s = &t->u.search;

    if (s->visited == s->count) {
        t->doc[0] = '\0';
        return otai_tuf_refuse(t, OTA_REJECT_TARGET, t->target.path);
    }
    struct tuf_visit next = s->role[s->count - 1];
    memmove(&s->role[s->visited + 1], &s->role[s->visited], (size_t)(s->count - 1 - s->visited) * sizeof next);
    s->role[s->visited++] = next;
    t->step = TUF_LOOKUP;
    return OTA_OK;
}

/* The snapshot that this session verified, read once more for what it says of the role. */
ota_err otai_tuf_looked_up(struct ota_tuf *t, struct otai_span got)
{
    uint8_t digest[OTA_SHA256_LEN];
    struct tuf_head head;

    if (!got.p)
        return otai_tuf_refuse(t, OTA_DEVICE_STORE, "");
    ota_err err = otai_tuf_hash(t, OTA_SHA256, got.p, got.len, digest);
    if (err != OTA_OK || memcmp(digest, t->snapshot_digest, sizeof digest) != 0)
        return otai_tuf_refuse(t, err != OTA_OK ? err : OTA_DEVICE_STORE, "");
    t->step = TUF_ROLE_LOAD;
    return otai_tuf_listing_parse(t, got, TUF_SNAPSHOT, otai_tuf_role(t), &head, &t->role);
}

/* Fill in what the metadata of the target does not say itself. Section 5.7.3: the digest is part of the name. */
static ota_err finish(struct ota_tuf *t)
{
    struct ota_tuf_target *out = &t->target;
    const uint8_t *digest = out->has_sha256 ? out->sha256 : out->sha512;
    size_t len = !t->root.consistent ? 0 : out->has_sha256 ? sizeof out->sha256 : sizeof out->sha512;

    (void)otai_copy(out->role, sizeof out->role, otai_tuf_role(t));
    if (!otai_tuf_target_name(out->file, sizeof out->file, out->path, digest, len))
        return otai_tuf_refuse(t, OTA_REJECT_LIMIT, "signed.targets");
    t->step = TUF_IDLE;
    return OTA_DONE;
}

/* Look for the target in a file that passed, and note the delegations to follow. */
static ota_err read_role(struct ota_tuf *t, struct otai_span file)
{
    struct tuf_search *s = &t->u.search;
    struct tuf_head head;

    if (s->visited == s->count) {
        s->ring.count = 0; /* no role waits for its keys */
        s->ring.used = 0;
    }
    return otai_tuf_targets_parse(t, file, t->target.path, &head, &t->found);
}

static ota_err go_on(struct ota_tuf *t)
{
    return t->found ? finish(t) : next_role(t);
}

static ota_err check_role(struct ota_tuf *t, struct otai_span file)
{
    const struct tuf_search *s = &t->u.search;
    const struct tuf_ring *ring = at_top(t) ? &t->root.ring : &s->ring;

    return otai_tuf_check_targets(t, file, &t->role, ring, s->role[s->visited - 1].signers);
}

/* The top-level targets file that this session verified needs no second verification. */
static ota_err check_loaded(struct ota_tuf *t, struct otai_span file)
{
    uint8_t digest[OTA_SHA256_LEN];

    if (!at_top(t))
        return check_role(t, file);
    ota_err err = otai_tuf_hash(t, OTA_SHA256, file.p, file.len, digest);
    if (err == OTA_OK && memcmp(digest, t->targets_digest, sizeof digest) != 0)
        err = check_role(t, file);
    return err;
}

ota_err otai_tuf_role_loaded(struct ota_tuf *t, struct otai_span got)
{
    t->step = TUF_ROLE_FETCH;
    ota_err err = got.p ? check_loaded(t, got) : OTA_REJECT_MISSING;
    if (err != OTA_OK)
        return otai_tuf_forgive(t, err);
    err = read_role(t, got);
    return err == OTA_OK ? go_on(t) : err;
}

/* Everything about the file is checked before it is stored, also what only this search looks at. */
ota_err otai_tuf_role_fetched(struct ota_tuf *t, struct otai_span got)
{
    ota_err err = check_role(t, got);
    if (err == OTA_OK)
        err = read_role(t, got);
    t->len = got.len;
    t->step = TUF_ROLE_STORE;
    return err;
}

ota_err otai_tuf_role_stored(struct ota_tuf *t, struct otai_span got)
{
    (void)got;
    return go_on(t);
}
