/* SPDX-License-Identifier: Apache-2.0 */
/* Targets files (section 4.5): targets and delegations. */
#include "tuf_i.h"

#include <string.h>

/* What one reading of a targets file is after. */
struct reading {
    struct ota_tuf *t;
    const char *path;                    /* NULL: only the form is checked */
    char digest[2 * OTA_SHA256_LEN + 1]; /* of path, in hexadecimal */
    struct otai_span keys;               /* text of the delegations' keys */
    uint8_t base;                        /* where the next delegation is put: before all that waited at the start */
    bool found, stop;                    /* stop: a terminating delegation matched, later ones do not count */
};

struct delegation {
    char name[OTA_TUF_ROLE_MAX];
    struct otai_span keyids;
    uint32_t threshold;
    bool named, terminating, told, by_path, by_prefix, matches;
};

struct listed {
    uint64_t length;
    struct tuf_hashes hashes;
    struct otai_span custom;
};

/* Take one target's length, digests and custom data. */
static void take_target(struct otai_json *j, struct listed *l)
{
    bool sized = false, hashed = false;

    l->custom.p = NULL;
    l->custom.len = 0;
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "length")) {
            l->length = otai_json_u64(j, 0, INT64_MAX);
            sized = true;
        } else if (otai_json_name_is(j, "hashes")) {
            otai_tuf_hashes(j, &l->hashes);
            hashed = true;
        } else if (otai_json_name_is(j, "custom")) {
            l->custom = otai_json_value(j);
        } else {
            otai_json_skip(j);
        }
    }
    otai_json_need(j, sized, "length");
    otai_json_need(j, hashed, "hashes");
}

static void keep_target(struct ota_tuf_target *out, const struct listed *l)
{
    out->length = l->length;
    out->has_sha256 = l->hashes.has_sha256;
    out->has_sha512 = l->hashes.has_sha512;
    memcpy(out->sha256, l->hashes.sha256, sizeof out->sha256);
    memcpy(out->sha512, l->hashes.sha512, sizeof out->sha512);
    out->custom = (const char *)l->custom.p;
    out->custom_len = l->custom.len;
}

static void take_targets(struct otai_json *j, struct reading *r)
{
    for (otai_json_object(j); otai_json_member(j);) {
        bool wanted = r->path && otai_json_name_is(j, r->path);
        struct listed l;

        take_target(j, &l);
        if (wanted && j->err == OTA_OK) {
            keep_target(&r->t->target, &l);
            r->found = true;
        }
    }
}

static bool take_paths(struct otai_json *j, const struct reading *r)
{
    char pattern[OTA_PATH_MAX];
    bool any = false;

    for (otai_json_array(j); otai_json_element(j);) {
        otai_json_string(j, pattern, sizeof pattern);
        any |= r->path && otai_tuf_glob(pattern, r->path);
    }
    return any;
}

static bool take_prefixes(struct otai_json *j, const struct reading *r)
{
    bool any = false;

    for (otai_json_array(j); otai_json_element(j);) {
        struct otai_span prefix = otai_json_string_raw(j);

        if (prefix.len > 2 * OTA_SHA256_LEN)
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
        else
            any |= r->path && prefix.p && memcmp(prefix.p, r->digest, prefix.len) == 0;
    }
    return any;
}

/* Take the members that delegations of both kinds have. */
static bool signer_member(struct otai_json *j, struct delegation *d)
{
    if (otai_json_name_is(j, "keyids")) {
        if (otai_json_peek(j) != OTAI_JSON_ARRAY)
            otai_json_fail(j, OTA_REJECT_TYPE, NULL);
        d->keyids = otai_json_value(j);
    } else if (otai_json_name_is(j, "threshold")) {
        d->threshold = (uint32_t)otai_json_u64(j, 1, UINT32_MAX);
    } else {
        return false;
    }
    return true;
}

static void take_delegation(struct otai_json *j, const struct reading *r, struct delegation *d)
{
    for (otai_json_object(j); otai_json_member(j);) {
        if (signer_member(j, d))
            continue;
        if (otai_json_name_is(j, "name")) {
            otai_json_string(j, d->name, sizeof d->name);
            d->named = true;
        } else if (otai_json_name_is(j, "terminating")) {
            d->terminating = otai_json_bool(j);
            d->told = true;
        } else if (otai_json_name_is(j, "paths")) {
            d->matches |= take_paths(j, r);
            d->by_path = true;
        } else if (otai_json_name_is(j, "path_hash_prefixes")) {
            d->matches |= take_prefixes(j, r);
            d->by_prefix = true;
        } else {
            otai_json_skip(j);
        }
    }
    otai_json_need(j, d->named, "name");
    otai_json_need(j, d->told, "terminating");
    if (d->by_path == d->by_prefix)
        otai_json_fail(j, OTA_REJECT_DELEGATION, "paths");
}

/* A delegated role must not pass for a top-level one. */
static bool name_ok(const char *name)
{
    for (size_t i = 0; i < TUF_TOP_ROLES; i++)
        if (strcmp(name, otai_tuf_role_name[i]) == 0)
            return false;
    return name[0] != '\0';
}

/* Judge a delegation that was read, and follow it if it matches. */
static void follow(struct otai_json *j, struct reading *r, const struct delegation *d)
{
    struct tuf_search *s = &r->t->u.search;
    struct tuf_signers signers = { 0, d->threshold };
    struct otai_json ids;

    otai_json_need(j, d->keyids.p, "keyids");
    otai_json_need(j, d->threshold, "threshold");
    if (!name_ok(d->name))
        otai_json_fail(j, OTA_REJECT_DELEGATION, "name");
    if (j->err != OTA_OK || r->stop || !r->path || !d->matches)
        return;
    otai_json_init(&ids, d->keyids.p, d->keyids.len);
    otai_tuf_keyids(r->t, &ids, r->keys, &s->ring, &signers.keys);
    if (ids.err != OTA_OK)
        otai_json_fail(j, ids.err, "keyids");
    else if (otai_tuf_visit(s, &r->base, r->t->cfg.limits.roles_max, d->name, signers) != OTA_OK)
        otai_json_fail(j, OTA_REJECT_DUPLICATE, "name");
    else if (d->terminating) {
        /* Section 5.6.7.2.1: whatever waited from before is not looked at any more. */
        uint8_t dropped = (uint8_t)(r->base - s->visited);

        memmove(&s->role[s->visited], &s->role[r->base], (size_t)(s->count - r->base) * sizeof s->role[0]);
        s->count = (uint8_t)(s->count - dropped);
        r->base = s->visited;
        r->stop = true;
    }
}

static void take_roles(struct otai_json *j, struct reading *r)
{
    for (otai_json_array(j); otai_json_element(j);) {
        struct delegation d;

        memset(&d, 0, sizeof d);
        take_delegation(j, r, &d);
        follow(j, r, &d);
    }
}

/* TAP 15: the first bits of the path's digest number the bin; its name has just as many digits as the last one needs. */
static bool bin_name(struct delegation *d, struct otai_span prefix, const char *digest, uint32_t bits)
{
    char start[OTA_TUF_ROLE_MAX];
    uint64_t top = 0;
    struct otai_text t;

    if (!otai_json_raw_copy(prefix, start, sizeof start) || start[0] == '\0')
        return false;
    for (size_t i = 0; i < 8; i++)
        top = top << 4 | (uint64_t)(digest[i] <= '9' ? digest[i] - '0' : digest[i] - 'a' + 10);
    uint32_t bin = (uint32_t)(top >> (32 - bits));
    otai_text_init(&t, d->name, sizeof d->name);
    otai_text_add(&t, start);
    otai_text_add(&t, "-");
    for (uint32_t shift = (bits + 3) / 4 * 4; shift > 0; shift -= 4) {
        uint32_t digit = bin >> (shift - 4) & 15;
        char c = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);

        otai_text_bytes(&t, &c, 1);
    }
    return !t.full;
}

static void take_succinct(struct otai_json *j, struct reading *r)
{
    struct otai_span prefix = { NULL, 0 };
    struct delegation d;
    uint32_t bits = 0;

    memset(&d, 0, sizeof d);
    d.matches = d.terminating = true; /* as the other clients do: a path has one bin */
    for (otai_json_object(j); otai_json_member(j);) {
        if (signer_member(j, &d))
            continue;
        if (otai_json_name_is(j, "bit_length"))
            bits = (uint32_t)otai_json_u64(j, 1, 32);
        else if (otai_json_name_is(j, "name_prefix"))
            prefix = otai_json_string_raw(j);
        else
            otai_json_skip(j);
    }
    otai_json_need(j, bits, "bit_length");
    otai_json_need(j, prefix.p, "name_prefix");
    if (j->err == OTA_OK && !bin_name(&d, prefix, r->digest, bits))
        otai_json_fail(j, OTA_REJECT_VALUE, "name_prefix");
    follow(j, r, &d);
}

/* Text of the delegations' keys; j stays where it is. */
static struct otai_span find_keys(struct otai_json j)
{
    for (otai_json_object(&j); otai_json_member(&j); otai_json_skip(&j))
        if (otai_json_name_is(&j, "keys") && otai_json_peek(&j) == OTAI_JSON_OBJECT)
            return otai_json_value(&j);
    return (struct otai_span){ NULL, 0 };
}

static void take_delegations(struct otai_json *j, struct reading *r)
{
    bool roles = false, succinct = false;

    r->keys = find_keys(*j);
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "roles")) {
            take_roles(j, r);
            roles = true;
        } else if (otai_json_name_is(j, "succinct_roles")) {
            take_succinct(j, r);
            succinct = true;
        } else {
            otai_json_skip(j);
        }
    }
    otai_json_need(j, r->keys.p, "keys");
    if (roles == succinct)
        otai_json_fail(j, OTA_REJECT_DELEGATION, "roles");
}

/* Digest of the path as hexadecimal text: what hash prefixes and bins go by. */
static ota_err hash_path(struct reading *r)
{
    uint8_t digest[OTA_SHA256_LEN];
    struct otai_text text;

    ota_err err = otai_tuf_hash(r->t, OTA_SHA256, r->path, strlen(r->path), digest);
    otai_text_init(&text, r->digest, sizeof r->digest);
    otai_text_hex(&text, digest, sizeof digest);
    return err;
}

ota_err otai_tuf_targets_parse(struct ota_tuf *t, struct otai_span file, const char *path, struct tuf_head *head, bool *found)
{
    struct reading r = { .t = t, .path = path, .digest = "00000000" };
    bool listed = false;
    struct otai_json j;

    r.base = path ? t->u.search.count : 0;
    ota_err err = path ? hash_path(&r) : OTA_OK;
    if (err != OTA_OK)
        return otai_tuf_refuse(t, err, "");
    memset(head, 0, sizeof *head);
    for (otai_tuf_open_signed(&j, file); otai_json_member(&j);) {
        if (otai_tuf_head_member(t, &j, head, TUF_TARGETS))
            continue;
        if (otai_json_name_is(&j, "targets")) {
            take_targets(&j, &r);
            listed = true;
        } else if (otai_json_name_is(&j, "delegations")) {
            take_delegations(&j, &r);
        } else {
            otai_json_skip(&j);
        }
    }
    otai_tuf_head_need(t, &j, head, TUF_TARGETS);
    otai_json_need(&j, listed, "targets");
    *found = r.found;
    return otai_tuf_close_signed(t, &j);
}
