/* SPDX-License-Identifier: Apache-2.0 */
/* The search for one target, section 5.6.7: a pre-order walk over delegations, at most a fixed number of roles. */
#include "tuf_i.h"

#include <string.h>

void otai_tuf_search_begin(struct ota_tuf *t)
{
    struct tuf_search *s = &t->u.search;

    memset(s, 0, sizeof *s);
    otai_tuf_ring_clear(t, &s->ring);
    s->visited = s->count = 1;
    (void)otai_copy(s->role[0].name, sizeof s->role[0].name, "targets");
    s->role[0].signers = t->root.signers[TUF_TARGETS];
    t->listed = t->targets;
    t->step = TUF_ROLE_LOAD;
}

const struct tuf_visit *otai_tuf_visited(const struct ota_tuf *t)
{
    return &t->u.search.role[t->u.search.visited - 1];
}

ota_err otai_tuf_visit(struct ota_tuf *t, const struct tuf_visit *role)
{
    struct tuf_search *s = &t->u.search;
    struct tuf_visit *place = &s->role[t->in.base];
    uint8_t i = 0;

    while (i < s->count && strcmp(s->role[i].name, role->name) != 0)
        i++;
    if (i < s->visited)
        return OTA_OK;
    if (i < t->in.base)
        return OTA_REJECT_DUPLICATE;
    if (i == s->count) {
        if (s->count < t->cfg.limits.roles_max)
            s->count++;
        else if (t->in.base == s->count)
            return OTA_OK; /* with so many before it, it will not be visited */
        i = (uint8_t)(s->count - 1);
    }
    /* Role i gives way: it is the same role, which waits for another delegator, or a new place, or the last of too many. */
    memmove(place + 1, place, (size_t)(i - t->in.base) * sizeof *place);
    *place = *role;
    t->in.base++;
    return OTA_OK;
}

void otai_tuf_visit_no_others(struct ota_tuf *t)
{
    t->u.search.count = t->in.base;
    t->in.stop = true;
}

/* Go on to the role that comes next, or give up. */
static ota_err next_role(struct ota_tuf *t)
{
    struct tuf_search *s = &t->u.search;

    if (s->visited == s->count)
        return ota_fault_set(&t->fault, OTA_REJECT_TARGET, t->target.path, 0);
    s->visited++;
    t->step = TUF_LOOKUP;
    return OTA_OK;
}

/* OTA_OK: t->file is the one that this session verified before. OTA_SAME: it is not. */
static ota_err known(struct ota_tuf *t, const uint8_t *digest)
{
    uint8_t now[OTA_SHA256_LEN];

    ota_err err = otai_tuf_hash(t, OTA_SHA256, t->file, now);
    return err == OTA_OK && memcmp(now, digest, sizeof now) != 0 ? OTA_SAME : err;
}

/* The snapshot that this session verified, read once more for what it says of the role. */
ota_err otai_tuf_looked_up(struct ota_tuf *t)
{
    ota_err err = known(t, t->snapshot_digest);

    t->step = TUF_ROLE_LOAD;
    if (err == OTA_SAME)
        err = OTA_DEVICE_STORE;
    if (err == OTA_OK)
        err = otai_tuf_parse(t, TUF_SNAPSHOT, NULL);
    return err;
}

/* Fill in what the metadata of the target does not say itself. Section 5.7.3: the digest is part of the name. */
static ota_err finish(struct ota_tuf *t)
{
    (void)otai_copy(t->target.role, sizeof t->target.role, otai_tuf_visited(t)->name);
    t->step = TUF_IDLE;
    return otai_tuf_target_name(&t->target, t->root.consistent) ? OTA_DONE
                                                                : otai_tuf_refuse(t, OTA_REJECT_LIMIT, "signed.targets");
}

/* The trusted copy of the role is up to date. */
ota_err otai_tuf_role_stored(struct ota_tuf *t)
{
    if (t->fresh)
        return t->in.found ? finish(t) : next_role(t);
    t->fresh = true;
    t->step = TUF_IDLE;
    return OTA_DONE;
}

/* The top-level targets file that this session verified needs no second verification. */
static ota_err check(struct ota_tuf *t)
{
    if (t->u.search.visited > 1)
        return otai_tuf_check_role(t, &t->u.search.ring);
    ota_err err = t->fresh ? known(t, t->targets_digest) : OTA_SAME;
    if (err != OTA_SAME)
        return err;
    err = otai_tuf_check_role(t, &t->root.ring);
    return err == OTA_OK ? otai_tuf_hash(t, OTA_SHA256, t->file, t->targets_digest) : err;
}

/* Look for the target in a file that passed, and note the delegations to follow. */
static ota_err look(struct ota_tuf *t)
{
    struct tuf_search *s = &t->u.search;

    if (s->visited == s->count)
        otai_tuf_ring_clear(t, &s->ring); /* no role waits for its keys */
    return otai_tuf_parse(t, TUF_TARGETS, t->target.path);
}

/* Everything about a fetched file is checked before it is stored, also what only this search looks at. */
ota_err otai_tuf_role_answered(struct ota_tuf *t)
{
    bool loaded = t->step == TUF_ROLE_FETCH;

    ota_err err = check(t);
    if (err != OTA_OK)
        return err;
    if (loaded)
        t->step = TUF_LOOKUP; /* another copy would not be another file */
    if (t->fresh)
        err = look(t);
    return err == OTA_OK && loaded ? otai_tuf_role_stored(t) : err;
}
