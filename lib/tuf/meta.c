/* SPDX-License-Identifier: Apache-2.0 */
/* What all roles have in common; timestamp and snapshot. */
#include "encode.h"
#include "tuf_i.h"

#include <string.h>

enum { SEEN_TYPE = 1, SEEN_SPEC = 2, SEEN_VERSION = 4, SEEN_EXPIRES = 8, SEEN_SCOPE = 16 };

void otai_tuf_open_signed(struct otai_json *j, struct otai_span file)
{
    otai_json_init(j, file.p, file.len);
    for (otai_json_object(j); otai_json_member(j); otai_json_skip(j)) {
        if (!otai_json_name_is(j, "signed"))
            continue;
        otai_json_object(j);
        return;
    }
    otai_json_fail(j, OTA_REJECT_MISSING, "signed");
}

ota_err otai_tuf_close_signed(struct ota_tuf *t, struct otai_json *j)
{
    while (otai_json_member(j))
        otai_json_skip(j);
    otai_json_end(j);
    return otai_json_fault(j, t->doc, &t->fault);
}

/* Section 4.3: "1.x" or "1.x.y": another major version may mean anything. */
static bool spec_ok(struct otai_span raw)
{
    if (raw.len < 3 || raw.p[0] != '1' || raw.p[1] != '.')
        return false;
    for (size_t i = 2; i < raw.len; i++)
        if ((raw.p[i] < '0' || raw.p[i] > '9') && (raw.p[i] != '.' || raw.p[i - 1] == '.'))
            return false;
    return raw.p[raw.len - 1] != '.';
}

static int64_t take_time(struct otai_json *j)
{
    char text[21];
    int64_t s = 0;

    if (!otai_json_raw_copy(otai_json_string_raw(j), text, sizeof text) || !otai_time_parse(text, &s))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    return s;
}

/* Take a string that must be `text`. */
static void take_exactly(struct otai_json *j, const char *text, ota_err otherwise)
{
    if (!otai_json_raw_is(otai_json_string_raw(j), text))
        otai_json_fail(j, otherwise, NULL);
}

static bool scoped(const struct ota_tuf *t, enum tuf_role type)
{
    return t->cfg.scope && type != TUF_ROOT;
}

bool otai_tuf_head_member(struct ota_tuf *t, struct otai_json *j, struct tuf_head *head, enum tuf_role type)
{
    uint32_t seen = 0;

    if (otai_json_name_is(j, "_type")) {
        take_exactly(j, otai_tuf_role_name[type], OTA_REJECT_TYPE);
        seen = SEEN_TYPE;
    } else if (otai_json_name_is(j, "spec_version")) {
        if (!spec_ok(otai_json_string_raw(j)))
            otai_json_fail(j, OTA_REJECT_SPEC, NULL);
        seen = SEEN_SPEC;
    } else if (otai_json_name_is(j, "version")) {
        head->version = (uint32_t)otai_json_u64(j, 1, UINT32_MAX);
        seen = SEEN_VERSION;
    } else if (otai_json_name_is(j, "expires")) {
        head->expires_s = take_time(j);
        seen = SEEN_EXPIRES;
    } else if (scoped(t, type) && otai_json_name_is(j, "x-scope")) {
        take_exactly(j, t->cfg.scope, OTA_REJECT_SCOPE);
        seen = SEEN_SCOPE;
    }
    head->seen |= seen;
    return seen != 0;
}

void otai_tuf_head_need(struct ota_tuf *t, struct otai_json *j, const struct tuf_head *head, enum tuf_role type)
{
    otai_json_need(j, head->seen & SEEN_TYPE, "_type");
    otai_json_need(j, head->seen & SEEN_SPEC, "spec_version");
    otai_json_need(j, head->seen & SEEN_VERSION, "version");
    otai_json_need(j, head->seen & SEEN_EXPIRES, "expires");
    if (scoped(t, type) && !(head->seen & SEEN_SCOPE))
        otai_json_fail(j, OTA_REJECT_SCOPE, "x-scope");
}

/* Digests of other algorithms are left alone, but without one that is understood there is no promise at all. */
void otai_tuf_hashes(struct otai_json *j, struct tuf_hashes *out)
{
    memset(out, 0, sizeof *out);
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "sha256")) {
            otai_json_hex(j, out->sha256, sizeof out->sha256);
            out->has_sha256 = true;
        } else if (otai_json_name_is(j, "sha512")) {
            otai_json_hex(j, out->sha512, sizeof out->sha512);
            out->has_sha512 = true;
        } else {
            (void)otai_json_string_raw(j);
        }
    }
    if (!out->has_sha256 && !out->has_sha512)
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

/* Take what one file's metadata says of another (METAFILES, section 4.4). */
static void take_meta(struct otai_json *j, struct tuf_meta *m, uint32_t length_max)
{
    memset(m, 0, sizeof *m);
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "version")) {
            m->version = (uint32_t)otai_json_u64(j, 1, UINT32_MAX);
        } else if (otai_json_name_is(j, "length")) {
            m->length = (uint32_t)otai_json_u64(j, 1, UINT32_MAX);
            if (m->length > length_max)
                otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
        } else if (otai_json_name_is(j, "hashes")) {
            otai_tuf_hashes(j, &m->hashes);
        } else {
            otai_json_skip(j);
        }
    }
    otai_json_need(j, m->version, "version");
}

/* Take METAFILES, and keep what it says of `role`. The limit on length concerns only the file that is going to be read.
 * A timestamp speaks of the snapshot and of nothing else. */
static void take_listing(struct otai_json *j, const char *role, uint32_t length_max, bool alone, struct tuf_meta *out)
{
    char name[OTA_TUF_ROLE_MAX + sizeof ".json"];
    struct otai_text text;
    struct tuf_meta other;

    otai_text_init(&text, name, sizeof name);
    otai_text_add(&text, role);
    otai_text_add(&text, ".json");
    for (otai_json_object(j); otai_json_member(j);) {
        bool wanted = otai_json_name_is(j, name);

        if (alone && !wanted)
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
        take_meta(j, wanted ? out : &other, wanted ? length_max : UINT32_MAX);
    }
    otai_json_need(j, out->version, role);
}

ota_err otai_tuf_listing_parse(struct ota_tuf *t, struct otai_span file, enum tuf_role type, const char *role,
                               struct tuf_head *head, struct tuf_meta *out)
{
    bool timestamp = type == TUF_TIMESTAMP, listed = false;
    struct otai_json j;

    memset(head, 0, sizeof *head);
    out->version = 0;
    for (otai_tuf_open_signed(&j, file); otai_json_member(&j);) {
        if (otai_tuf_head_member(t, &j, head, type))
            continue;
        if (otai_json_name_is(&j, "meta")) {
            take_listing(&j, role, timestamp ? t->cfg.limits.snapshot_max : t->cfg.limits.targets_max, timestamp, out);
            listed = true;
        } else {
            otai_json_skip(&j);
        }
    }
    otai_tuf_head_need(t, &j, head, type);
    otai_json_need(&j, listed, "meta");
    return otai_tuf_close_signed(t, &j);
}

/* Stand before the first entry of a snapshot that was parsed before. */
static void open_entries(struct otai_json *j, struct otai_span file)
{
    for (otai_tuf_open_signed(j, file); otai_json_member(j); otai_json_skip(j)) {
        if (!otai_json_name_is(j, "meta"))
            continue;
        otai_json_object(j);
        return;
    }
}

/* Version of the entry, found by going on from where j stands: both files are in the same order as a rule, so that the
 * second look from the start is rare. 0: not there. */
static uint32_t entry_version(struct otai_json *j, struct otai_span file, struct otai_span name)
{
    for (int look = 0; look < 2; look++) {
        while (otai_json_member(j)) {
            bool same = otai_json_same(otai_json_name_raw(j), name);
            struct tuf_meta m;

            take_meta(j, &m, UINT32_MAX);
            if (same)
                return m.version;
        }
        open_entries(j, file);
    }
    return 0;
}

ota_err otai_tuf_snapshot_compare(struct ota_tuf *t, struct otai_span old, struct otai_span fresh)
{
    struct otai_json o, f;
    struct tuf_meta m;

    open_entries(&f, fresh);
    for (open_entries(&o, old); otai_json_member(&o);) {
        uint32_t now = entry_version(&f, fresh, otai_json_name_raw(&o));

        take_meta(&o, &m, UINT32_MAX);
        if (now < m.version)
            return otai_tuf_refuse(t, OTA_REJECT_ROLLBACK, "signed.meta");
    }
    return OTA_OK;
}
