/* SPDX-License-Identifier: Apache-2.0 */
/* Targets files (section 4.5): targets and delegations. */
#include "json_members.h"
#include "tuf_i.h"

#include <string.h>

struct listed {
    uint64_t length;
    struct tuf_hashes hashes;
    struct otai_span custom;
};

/* Take one target's length, digests and custom data. */
static void take_target(struct otai_json *j, struct listed *l)
{
    enum { LENGTH, HASHES };
    static const struct otai_member members[] = {
        [LENGTH] = { "length", 0, OTAI_OWN, true },
        [HASHES] = { "hashes", 0, OTAI_OWN, true },
        { "custom", offsetof(struct listed, custom), OTAI_JSON_NONE, false },
    };
    uint32_t left = OTAI_ALL(members);
    int member;

    l->custom = (struct otai_span){ NULL, 0 };
    otai_json_object(j);
    while ((member = otai_json_take(j, members, l, &left)) >= 0) {
        if (member == LENGTH)
            l->length = otai_json_u64(j, 0, INT64_MAX);
        else
            otai_tuf_hashes(j, &l->hashes);
    }
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

void otai_tuf_targets(struct ota_tuf *t, struct otai_json *j)
{
    for (otai_json_object(j); otai_json_member(j);) {
        bool wanted = t->in.path && otai_json_name_is(j, t->in.path);
        struct listed l;

        take_target(j, &l);
        if (wanted) { /* the file was read once before, without a path: there is no error to meet */
            keep_target(&t->target, &l);
            t->in.found = true;
        }
    }
}

/* One delegation, or the one of all bins. */
struct delegation {
    struct tuf_visit role;
    struct otai_span keyids, prefix;
    uint32_t bits;
    bool terminating, matches;
};

static bool take_paths(struct otai_json *j, const struct tuf_reading *in)
{
    char pattern[OTA_PATH_MAX];
    bool any = false;

    for (otai_json_array(j); otai_json_element(j);) {
        otai_json_string(j, pattern, sizeof pattern);
        any |= in->path && otai_tuf_glob(pattern, in->path);
    }
    return any;
}

/* Do the digits of the path's digest begin like that? */
static bool take_prefixes(struct otai_json *j, const struct tuf_reading *in)
{
    char hex[2 * OTA_SHA256_LEN + 1];
    struct otai_text text;
    bool any = false;

    otai_text_init(&text, hex, sizeof hex);
    otai_text_hex(&text, in->path_digest, sizeof in->path_digest);
    for (otai_json_array(j); otai_json_element(j);) {
        struct otai_span prefix = otai_json_string_raw(j);

        if (prefix.len > 2 * OTA_SHA256_LEN)
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
        else
            any |= in->path && memcmp(prefix.p, hex, prefix.len) == 0;
    }
    return any;
}

/* TAP 15: the first bits of the path's digest number the bin; its name has just as many digits as the last one needs. */
static bool bin_name(struct delegation *d, const uint8_t *digest)
{
    char start[OTA_TUF_ROLE_MAX], hex[2 * sizeof(uint32_t) + 1];
    struct otai_text t;

    if (!otai_json_raw_copy(d->prefix, start, sizeof start) || start[0] == '\0')
        return false;
    uint32_t top = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
    uint32_t bin = top >> (32 - d->bits);
    const uint8_t bytes[] = { (uint8_t)(bin >> 24), (uint8_t)(bin >> 16), (uint8_t)(bin >> 8), (uint8_t)bin };
    otai_text_init(&t, hex, sizeof hex);
    otai_text_hex(&t, bytes, sizeof bytes);
    otai_text_init(&t, d->role.name, sizeof d->role.name);
    otai_text_add(&t, start);
    otai_text_add(&t, "-");
    otai_text_add(&t, hex + 2 * sizeof bytes - (d->bits + 3) / 4);
    return !t.full;
}

/* Judge a delegation that was read, and follow it if it matches. */
static void follow(struct ota_tuf *t, struct otai_json *j, struct delegation *d)
{
    struct otai_json ids;

    /* A delegated role must not pass for a top-level one. */
    if (d->role.name[0] == '\0' || otai_tuf_top_role(d->role.name) < TUF_TOP_ROLES)
        otai_json_fail(j, OTA_REJECT_DELEGATION, "name");
    if (j->err != OTA_OK || t->in.stop || !t->in.path || !d->matches)
        return;
    otai_json_init(&ids, d->keyids.p, d->keyids.len);
    otai_tuf_keyids(t, &ids, &t->u.search.ring, &d->role.signers.keys);
    if (ids.err != OTA_OK)
        otai_json_fail(j, ids.err, "keyids");
    else if (otai_tuf_visit(t, &d->role) != OTA_OK)
        otai_json_fail(j, OTA_REJECT_DUPLICATE, "name");
    else if (d->terminating)
        otai_tuf_visit_no_others(t);
}

enum { NAME, PATHS, PREFIXES, TERMINATING, BITS, BIN_PREFIX, KEYIDS, THRESHOLD };

static const struct otai_member members[] = {
    [NAME] = { "name", 0, OTAI_OWN, true },
    [PATHS] = { "paths", 0, OTAI_OWN, false },
    [PREFIXES] = { "path_hash_prefixes", 0, OTAI_OWN, false },
    [TERMINATING] = { "terminating", offsetof(struct delegation, terminating), OTAI_JSON_BOOL, true },
    [BITS] = { "bit_length", offsetof(struct delegation, bits), OTAI_JSON_NUMBER, true },
    [BIN_PREFIX] = { "name_prefix", offsetof(struct delegation, prefix), OTAI_JSON_STRING, true },
    [KEYIDS] = { "keyids", offsetof(struct delegation, keyids), OTAI_JSON_ARRAY, true },
    [THRESHOLD] = { "threshold", offsetof(struct delegation, role.signers.threshold), OTAI_JSON_NUMBER, true },
};

#define SIGNERS (1u << KEYIDS | 1u << THRESHOLD)
#define BY_PATH (1u << PATHS)
#define BY_PREFIX (1u << PREFIXES)

static void take_role(struct ota_tuf *t, struct otai_json *j)
{
    uint32_t left = SIGNERS | BY_PATH | BY_PREFIX | 1u << NAME | 1u << TERMINATING;
    struct delegation d;
    int member;

    memset(&d, 0, sizeof d);
    otai_json_object(j);
    while ((member = otai_json_take(j, members, &d, &left)) >= 0) {
        if (member == NAME)
            otai_json_string(j, d.role.name, sizeof d.role.name);
        else if (member == PATHS)
            d.matches |= take_paths(j, &t->in);
        else
            d.matches |= take_prefixes(j, &t->in);
    }
    if (!(left & BY_PATH) == !(left & BY_PREFIX))
        otai_json_fail(j, OTA_REJECT_DELEGATION, "paths");
    follow(t, j, &d);
}

static void take_bins(struct ota_tuf *t, struct otai_json *j)
{
    uint32_t left = SIGNERS | 1u << BITS | 1u << BIN_PREFIX;
    struct delegation d;

    memset(&d, 0, sizeof d);
    d.matches = d.terminating = true; /* as the other clients do: a path has one bin */
    otai_json_object(j);
    (void)otai_json_take(j, members, &d, &left);
    if (d.bits > 32)
        otai_json_fail(j, OTA_REJECT_VALUE, "bit_length");
    if (j->err == OTA_OK && !bin_name(&d, t->in.path_digest))
        otai_json_fail(j, OTA_REJECT_VALUE, "name_prefix");
    follow(t, j, &d);
}

void otai_tuf_delegations(struct ota_tuf *t, struct otai_json *j)
{
    enum { ROLES, BINS };
    static const struct otai_member parts[] = {
        [ROLES] = { "roles", 0, OTAI_OWN, false },
        [BINS] = { "succinct_roles", 0, OTAI_OWN, false },
        { "keys", offsetof(struct ota_tuf, in.keys), OTAI_JSON_OBJECT, true },
    };
    uint32_t left = OTAI_ALL(parts);
    int member;

    otai_tuf_keys_ahead(t, j);
    otai_json_object(j);
    while ((member = otai_json_take(j, parts, t, &left)) >= 0) {
        if (member == BINS) {
            take_bins(t, j);
            continue;
        }
        for (otai_json_array(j); otai_json_element(j);)
            take_role(t, j);
    }
    if (left == 0 || left == (1u << ROLES | 1u << BINS))
        otai_json_fail(j, OTA_REJECT_DELEGATION, "roles");
}
