/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed: members that all roles have, and what timestamp and snapshot list. */
#include "encode.h"
#include "json_members.h"
#include "tuf_i.h"

#include <string.h>

/* Section 4.3: "1.x" or "1.x.y": another major version may mean anything. */
static bool spec_ok(struct otai_span raw)
{
    bool digit = false;

    if (raw.len < 2 || raw.p[0] != '1' || raw.p[1] != '.')
        return false;
    for (size_t i = 2; i < raw.len; i++) {
        bool dot = raw.p[i] == '.';

        if (dot ? !digit : raw.p[i] < '0' || raw.p[i] > '9')
            return false;
        digit = !dot;
    }
    return digit;
}

static bool time_ok(struct otai_span raw, int64_t *out)
{
    char text[21];

    return otai_json_raw_copy(raw, text, sizeof text) && otai_time_parse(text, out);
}

/* Digests of other algorithms are left alone, but without one that is understood there is no promise at all. */
void otai_tuf_hashes(struct otai_json *j, struct tuf_hashes *out)
{
    memset(out, 0, sizeof *out);
    for (otai_json_object(j); otai_json_member(j);) {
        bool sha256 = otai_json_name_is(j, "sha256"), sha512 = otai_json_name_is(j, "sha512");

        if (sha256 || sha512)
            otai_json_hex(j, sha256 ? out->sha256 : out->sha512, sha256 ? sizeof out->sha256 : sizeof out->sha512);
        else
            (void)otai_json_string_raw(j);
        out->has_sha256 |= sha256;
        out->has_sha512 |= sha512;
    }
    if (!out->has_sha256 && !out->has_sha512)
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

/* Take what one file's metadata says of another (METAFILES, section 4.4). */
static void take_meta(struct otai_json *j, struct tuf_meta *m, uint32_t length_max)
{
    static const struct otai_member members[] = {
        { "hashes", 0, OTAI_OWN, false },
        { "length", offsetof(struct tuf_meta, length), OTAI_JSON_NUMBER, false },
        { "version", offsetof(struct tuf_meta, version), OTAI_JSON_NUMBER, true },
    };
    uint32_t left = OTAI_ALL(members);

    memset(m, 0, sizeof *m);
    otai_json_object(j);
    while (otai_json_take(j, members, m, &left) >= 0)
        otai_tuf_hashes(j, &m->hashes);
    if (m->length > length_max)
        otai_json_fail(j, OTA_REJECT_LIMIT, "length");
}

/* A timestamp speaks of the snapshot and of nothing else. A snapshot speaks of many, but the limit on length concerns
 * only the file that is going to be read. */
static void take_list(struct ota_tuf *t, struct otai_json *j)
{
    bool timestamp = t->in.role == TUF_TIMESTAMP;
    const char *role = timestamp ? otai_tuf_role_name[TUF_SNAPSHOT] : otai_tuf_visited(t)->name;
    uint32_t length_max = timestamp ? t->cfg.limits.snapshot_max : t->cfg.limits.targets_max;
    char name[OTA_TUF_ROLE_MAX + sizeof ".json"];
    struct otai_text text;

    otai_text_init(&text, name, sizeof name);
    otai_text_add(&text, role);
    otai_text_add(&text, ".json");
    t->listed.version = 0;
    for (otai_json_object(j); otai_json_member(j);) {
        bool wanted = otai_json_name_is(j, name);
        struct tuf_meta other;

        if (timestamp && !wanted)
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
        take_meta(j, wanted ? &t->listed : &other, wanted ? length_max : UINT32_MAX);
    }
    otai_json_need(j, t->listed.version, role);
}

void otai_tuf_keys_ahead(struct ota_tuf *t, const struct otai_json *j)
{
    t->in.keys = (struct otai_span){ j->p + j->pos, j->len - j->pos };
    otai_tuf_narrow(&t->in.keys, TUF_SPAN("keys"));
}

enum { TYPE, SPEC, VERSION, EXPIRES, SCOPE, ISSUED, KEYS, ROLES, CONSISTENT, META, TARGETS, DELEGATIONS };

static const struct otai_member members[] = {
    [TYPE] = { "_type", 0, OTAI_OWN, true },
    [SPEC] = { "spec_version", 0, OTAI_OWN, true },
    [VERSION] = { "version", offsetof(struct ota_tuf, in.version), OTAI_JSON_NUMBER, true },
    [EXPIRES] = { "expires", 0, OTAI_OWN, true },
    [SCOPE] = { "x-scope", 0, OTAI_OWN, false },
    [ISSUED] = { "x-issued", 0, OTAI_OWN, false },
    [KEYS] = { "keys", offsetof(struct ota_tuf, in.keys), OTAI_JSON_OBJECT, true },
    [ROLES] = { "roles", 0, OTAI_OWN, true },
    [CONSISTENT] = { "consistent_snapshot", offsetof(struct ota_tuf, u.root.consistent), OTAI_JSON_BOOL, false },
    [META] = { "meta", 0, OTAI_OWN, true },
    [TARGETS] = { "targets", 0, OTAI_OWN, true },
    [DELEGATIONS] = { "delegations", 0, OTAI_OWN, false },
};

#define EVERY (1u << TYPE | 1u << SPEC | 1u << VERSION | 1u << EXPIRES)
static const uint16_t members_of[TUF_TOP_ROLES] = {
    [TUF_ROOT] = EVERY | 1u << KEYS | 1u << ROLES | 1u << CONSISTENT,
    [TUF_TIMESTAMP] = EVERY | 1u << SCOPE | 1u << ISSUED | 1u << META,
    [TUF_SNAPSHOT] = EVERY | 1u << SCOPE | 1u << META,
    [TUF_TARGETS] = EVERY | 1u << SCOPE | 1u << TARGETS | 1u << DELEGATIONS,
};

/* Take a string that must mean something. */
static void take_text(struct ota_tuf *t, struct otai_json *j, int member)
{
    struct otai_span text = otai_json_string_raw(j);
    ota_err err = OTA_OK;

    if (member == TYPE && !otai_json_raw_is(text, otai_tuf_role_name[t->in.role]))
        err = OTA_REJECT_TYPE;
    if (member == SPEC && !spec_ok(text))
        err = OTA_REJECT_SPEC;
    if (member == EXPIRES && !time_ok(text, &t->in.expires_s))
        err = OTA_REJECT_VALUE;
    if (member == ISSUED && !time_ok(text, &t->in.issued_s))
        err = OTA_REJECT_VALUE;
    if (member == SCOPE && !otai_json_raw_is(text, t->cfg.scope))
        err = OTA_REJECT_SCOPE;
    if (err != OTA_OK)
        otai_json_fail(j, err, NULL);
}

static void take_own(struct ota_tuf *t, struct otai_json *j, int member)
{
    switch (member) {
    case ROLES:
        otai_tuf_root_roles(t, j);
        break;
    case META:
        take_list(t, j);
        break;
    case TARGETS:
        otai_tuf_targets(t, j);
        break;
    case DELEGATIONS:
        otai_tuf_delegations(t, j);
        break;
    default:
        take_text(t, j, member);
    }
}

static void take_signed(struct ota_tuf *t, struct otai_json *j)
{
    uint32_t left = members_of[t->in.role];
    int member;

    if (!t->cfg.scope)
        left &= ~(1u << SCOPE);
    if (t->in.role == TUF_ROOT)
        otai_tuf_keys_ahead(t, j);
    otai_json_object(j);
    while ((member = otai_json_take(j, members, t, &left)) >= 0)
        take_own(t, j, member);
    if (left & 1u << SCOPE)
        otai_json_fail(j, OTA_REJECT_SCOPE, "x-scope");
}

ota_err otai_tuf_end(struct ota_tuf *t, struct otai_json *j)
{
    otai_json_end(j);
    return otai_json_fault(j, t->doc, &t->fault);
}

ota_err otai_tuf_parse(struct ota_tuf *t, enum tuf_role role, const char *path)
{
    static const struct otai_member file[] = { { "signed", 0, OTAI_OWN, true } };
    uint32_t left = OTAI_ALL(file);
    struct otai_json j;

    memset(&t->in, 0, sizeof t->in);
    t->in.role = (uint8_t)role;
    t->in.path = path;
    t->in.base = t->u.search.visited;
    if (path) {
        const struct otai_span text = { (const uint8_t *)path, strlen(path) };
        ota_err err = otai_tuf_hash(t, OTA_SHA256, text, t->in.path_digest);
        if (err != OTA_OK)
            return err;
    }
    otai_json_init(&j, t->file.p, t->file.len);
    otai_json_object(&j);
    while (otai_json_take(&j, file, t, &left) >= 0)
        take_signed(t, &j);
    return otai_tuf_end(t, &j);
}

/* Text of the entries of a snapshot. */
static struct otai_span entries(struct otai_span file)
{
    otai_tuf_narrow(&file, TUF_SPAN("signed"));
    otai_tuf_narrow(&file, TUF_SPAN("meta"));
    return file;
}

static void open(struct otai_json *j, struct otai_span object)
{
    otai_json_init(j, object.p, object.len);
    otai_json_object(j);
}

/* Version of the entry, found by going on from where j stands: both files are in the same order as a rule, so that the
 * second look from the start is rare. 0: not there. */
static uint32_t entry_version(struct otai_json *j, struct otai_span all, struct otai_span name)
{
    for (int look = 0; look < 2; look++) {
        while (otai_json_member(j)) {
            bool same = otai_json_same(otai_json_name_raw(j), name);
            struct tuf_meta m;

            take_meta(j, &m, UINT32_MAX);
            if (same)
                return m.version;
        }
        open(j, all);
    }
    return 0;
}

ota_err otai_tuf_snapshot_compare(struct ota_tuf *t, struct otai_span old)
{
    struct otai_span all = entries(t->file);
    struct otai_json o, f;
    struct tuf_meta m;

    open(&f, all);
    for (open(&o, entries(old)); otai_json_member(&o);) {
        uint32_t now = entry_version(&f, all, otai_json_name_raw(&o));

        take_meta(&o, &m, UINT32_MAX);
        if (now < m.version)
            return otai_tuf_refuse(t, OTA_REJECT_ROLLBACK, "signed.meta");
    }
    return OTA_OK;
}
