/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "keys.h"

static const char *const top_roles[] = { "root", "snapshot", "targets", "timestamp" };

/* How a document is verified, and what the document above says of it. */
struct trust {
    const cJSON *keys;    /* key objects by id */
    const cJSON *entry;   /* keyids, threshold */
    const cJSON *meta;    /* version, length, hashes; NULL for root and timestamp */
};

/* Where everything but the roots lies. */
static const char *folder(const struct repo *r)
{
    return r->shard == NULL ? "metadata" : tool_format(r->t, "metadata/%s", r->shard);
}

static const char *versioned(const struct repo *r, const char *role, const cJSON *doc)
{
    return repo_file(r, "%s/%" PRIu64 ".%s.json", folder(r), member_number(doc, "version"), role);
}

static const char *signature_of(const cJSON *signatures, const char *keyid)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, signatures)
        if (strcmp(member_text(item, "keyid"), keyid) == 0)
            return member_text(item, "sig");
    return NULL;
}

static bool signed_by(const char *sig, const uint8_t point[POINT_LEN], const uint8_t digest[DIGEST_LEN])
{
    uint8_t der[SIG_DER_MAX];
    size_t len = strlen(sig) / 2;

    return len <= sizeof der && hex_decode(sig, der, len) && ecdsa_verify(point, digest, der, len);
}

/* A key of a role, by id. That the id is the digest of the whole object makes one key never count under two ids. */
static int key_of(struct at a, const cJSON *keys, const char *keyid, uint8_t point[POINT_LEN])
{
    const cJSON *object = member(keys, keyid);
    char real[DIGEST_HEX];

    if (object == NULL || !key_point(object, point))
        return at_bad(a, "signatures", "key %s is %s", keyid, object == NULL ? "not listed" : "not a usable P-256 key");
    int rc = key_id(a.t, object, real);
    if (rc == TOOL_OK && strcmp(real, keyid) != 0)
        rc = at_bad(a, "signatures", "key %s has an id that is not its digest", keyid);
    return rc;
}

static int check_signatures(struct at a, const cJSON *signatures, const cJSON *doc, const struct trust *trust)
{
    size_t len;
    uint8_t digest[DIGEST_LEN], point[POINT_LEN];
    const cJSON *item;
    uint64_t valid = 0, threshold = member_number(trust->entry, "threshold");
    const char *text = json_print(a.t, doc, JSON_CANONICAL, &len);
    int rc = digest_of(a.t, text, len, digest);

    cJSON_ArrayForEach(item, member(trust->entry, "keyids")) {
        if (rc == TOOL_OK)
            rc = key_of(a, trust->keys, item->valuestring, point);
        if (rc != TOOL_OK)
            return rc;
        const char *sig = signature_of(signatures, item->valuestring);
        valid += sig != NULL && signed_by(sig, point, digest);
    }
    if (rc == TOOL_OK && valid < threshold)
        rc = at_bad(a, "signatures", "%" PRIu64 " valid of %" PRIu64 " needed", valid, threshold);
    return rc;
}

int check_signed(struct tool *t, const char *file, const cJSON *signatures, const cJSON *doc, const cJSON *keys, const cJSON *entry)
{
    const struct trust trust = { .keys = keys, .entry = entry };

    return check_signatures((struct at){ t, file, "", NULL }, signatures, doc, &trust);
}

/* {keyids, threshold}: names without repetition, threshold that they can reach. */
static int check_entry(struct at a)
{
    cJSON *keyids, *item, *other;
    uint64_t threshold;
    int rc = at_array(a, "keyids", &keyids);

    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, keyids) {
        if (!cJSON_IsString(item) || !digest_ok(item->valuestring))
            return at_bad(a, "keyids", "must be 64 hex digits each");
        for (other = keyids->child; other != item; other = other->next)
            if (strcmp(other->valuestring, item->valuestring) == 0)
                return at_bad(a, "keyids", "%s appears twice", item->valuestring);
    }
    return at_number(a, "threshold", 1, (uint64_t)cJSON_GetArraySize(keyids), &threshold);
}

static int check_common(struct at a, const char *type)
{
    const char *text;
    uint64_t version;
    int64_t expires;
    int rc = at_string(a, "_type", &text);

    if (rc == TOOL_OK && strcmp(text, type) != 0)
        return at_bad(a, "_type", "is \"%s\", must be \"%s\"", text, type);
    if (rc == TOOL_OK)
        rc = at_string(a, "spec_version", &text);
    if (rc == TOOL_OK && strncmp(text, "1.", 2) != 0)
        return at_bad(a, "spec_version", "is \"%s\", must be 1.x", text);
    if (rc == TOOL_OK)
        rc = at_number(a, "version", 1, UINT32_MAX, &version);
    if (rc == TOOL_OK)
        rc = at_string(a, "expires", &text);
    if (rc == TOOL_OK && !time_parse(text, &expires))
        rc = at_bad(a, "expires", "\"%s\" is not YYYY-MM-DDTHH:MM:SSZ", text);
    return rc;
}

static int check_time(const struct repo *r, struct at a)
{
    const char *text = member_text(a.obj, "expires");
    int64_t expires = 0;

    if (!r->strict_time || (time_parse(text, &expires) && expires > r->t->now_s))
        return TOOL_OK;
    return at_bad(a, "expires", "expired at %s", text);
}

static int check_length_and_hash(struct at a, const char *text, size_t len, const cJSON *meta)
{
    char hex[DIGEST_HEX];
    int rc = digest_hex(a.t, text, len, hex);

    if (rc == TOOL_OK && len != member_number(meta, "length"))
        rc = at_bad(a, "length", "is %zu, must be %" PRIu64, len, member_number(meta, "length"));
    if (rc == TOOL_OK && strcmp(hex, member_text(member(meta, "hashes"), "sha256")) != 0)
        rc = at_bad(a, "sha256", "is %s, must be %s", hex, member_text(member(meta, "hashes"), "sha256"));
    return rc;
}

/* Read, parse, and verify one metadata file; *out is its "signed" part, inside a tree that lives until tool_end. */
static int read_doc(const struct repo *r, const char *file, const char *type, const struct trust *trust, struct at *out)
{
    char *text;
    size_t len;
    cJSON *envelope, *signatures;
    int rc = file_read(r->t, file, &text, &len);

    if (rc != TOOL_OK)
        return rc;
    struct at top = { r->t, file, "", NULL };
    if (trust->meta != NULL)
        rc = check_length_and_hash(top, text, len, trust->meta);
    if (rc == TOOL_OK)
        rc = json_parse_own(r->t, file, text, len, &envelope);
    if (rc != TOOL_OK)
        return rc;
    top.obj = envelope;
    rc = at_array(top, "signatures", &signatures);
    if (rc == TOOL_OK)
        rc = at_object(top, "signed", out);
    if (rc == TOOL_OK && trust->entry != NULL)
        rc = check_signatures(top, signatures, out->obj, trust);
    if (rc == TOOL_OK)
        rc = check_common(*out, type);
    if (rc == TOOL_OK && trust->meta != NULL && member_number(out->obj, "version") != member_number(trust->meta, "version"))
        rc = at_bad(*out, "version", "is %" PRIu64 ", must be %" PRIu64, member_number(out->obj, "version"),
                    member_number(trust->meta, "version"));
    return rc;
}

static int check_root_shape(struct at root)
{
    bool consistent;
    struct at keys, roles, entry;
    int rc = at_bool(root, "consistent_snapshot", &consistent);

    if (rc == TOOL_OK && !consistent)
        rc = at_bad(root, "consistent_snapshot", "must be true");
    if (rc == TOOL_OK)
        rc = at_object(root, "keys", &keys);
    if (rc == TOOL_OK)
        rc = at_object(root, "roles", &roles);
    for (size_t i = 0; rc == TOOL_OK && i < sizeof top_roles / sizeof top_roles[0]; i++) {
        rc = at_object(roles, top_roles[i], &entry);
        if (rc == TOOL_OK)
            rc = check_entry(entry);
    }
    return rc;
}

static struct trust root_trust(const cJSON *root, const char *role)
{
    return (struct trust){ .keys = member(root, "keys"), .entry = member(member(root, "roles"), role) };
}

static int read_root(struct repo *r, uint64_t version, struct at *out)
{
    const char *file = repo_file(r, "metadata/%" PRIu64 ".root.json", version);
    /* Only a shape check comes before the signatures: the first root's keys are in the document itself. */
    struct trust before = r->root == NULL ? (struct trust){ 0 } : root_trust(r->root, "root");
    int rc = read_doc(r, file, "root", &before, out);

    if (rc == TOOL_OK)
        rc = check_root_shape(*out);
    if (rc != TOOL_OK)
        return rc;
    struct trust self = root_trust(out->obj, "root");
    rc = read_doc(r, file, "root", &self, out);
    if (rc == TOOL_OK && member_number(out->obj, "version") != version)
        rc = at_bad(*out, "version", "is %" PRIu64 ", must be %" PRIu64, member_number(out->obj, "version"), version);
    return rc;
}

int check_root(struct repo *r)
{
    struct at root = { 0 };
    uint64_t version = 1;
    int rc = read_root(r, version, &root);

    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
    while (rc == TOOL_OK) {
        r->root = root.obj;
        rc = read_root(r, ++version, &root);
    }
    if (rc != TOOL_ABSENT)
        return rc;
    const char *file = repo_file(r, "metadata/%" PRIu64 ".root.json", version - 1);
    return check_time(r, (struct at){ r->t, file, "signed", r->root });
}

/* One entry of a "meta" object. */
static int check_meta(struct at list, const char *name)
{
    struct at entry, hashes;
    uint64_t number;
    const char *hex;
    int rc = at_object(list, name, &entry);

    if (rc == TOOL_OK)
        rc = at_number(entry, "version", 1, UINT32_MAX, &number);
    if (rc == TOOL_OK)
        rc = at_number(entry, "length", 1, FILE_TEXT_MAX, &number);
    if (rc == TOOL_OK)
        rc = at_object(entry, "hashes", &hashes);
    if (rc == TOOL_OK)
        rc = at_string(hashes, "sha256", &hex);
    if (rc == TOOL_OK && !digest_ok(hex))
        rc = at_bad(hashes, "sha256", "must be 64 lower-case hex digits");
    return rc;
}

static int read_timestamp(struct repo *r)
{
    struct trust trust = root_trust(r->root, "timestamp");
    struct at doc, meta;
    int rc = read_doc(r, repo_file(r, "%s/timestamp.json", folder(r)), "timestamp", &trust, &doc);

    if (rc != TOOL_OK)
        return rc;
    rc = at_object(doc, "meta", &meta);
    if (rc == TOOL_OK && cJSON_GetArraySize(meta.obj) != 1)
        rc = at_bad(doc, "meta", "must have exactly snapshot.json");
    if (rc == TOOL_OK)
        rc = check_meta(meta, "snapshot.json");
    if (rc == TOOL_OK)
        rc = check_time(r, doc);
    r->timestamp = doc.obj;
    return rc;
}

/* A file that the document above lists: it must be there. */
static int read_listed(struct repo *r, const char *role, const char *type, struct trust *trust, struct at *out)
{
    const char *file = versioned(r, role, trust->meta);
    int rc = read_doc(r, file, type, trust, out);

    if (rc == TOOL_ABSENT)
        return TOOL_FAILED;
    return rc != TOOL_OK ? rc : check_time(r, *out);
}

static int read_snapshot(struct repo *r)
{
    struct trust trust = root_trust(r->root, "snapshot");
    struct at doc, meta;
    const cJSON *item;

    trust.meta = member(member(r->timestamp, "meta"), "snapshot.json");
    int rc = read_listed(r, "snapshot", "snapshot", &trust, &doc);
    if (rc == TOOL_OK)
        rc = at_object(doc, "meta", &meta);
    if (rc != TOOL_OK)
        return rc;
    r->snapshot = doc.obj;
    cJSON_ArrayForEach(item, meta.obj)
        if (rc == TOOL_OK)
            rc = check_meta(meta, item->string);
    return rc;
}

static int read_role(struct repo *r, const char *name, struct trust trust)
{
    const char *file = tool_format(r->t, "%s.json", name);
    struct at doc, targets;

    trust.meta = member(member(r->snapshot, "meta"), file);
    if (trust.meta == NULL)
        return tool_failed(r->t, "%s: signed.meta: %s is missing", versioned(r, "snapshot", r->snapshot), file);
    if (r->role_count == ROLES_MAX)
        return tool_failed(r->t, "%s: more than %d delegated roles", r->dir, ROLES_MAX - 1);
    int rc = read_listed(r, name, "targets", &trust, &doc);
    if (rc == TOOL_OK)
        rc = at_object(doc, "targets", &targets);
    if (rc == TOOL_OK)
        r->role[r->role_count++] = (struct role){ .name = name, .doc = doc.obj };
    return rc;
}

static int check_delegation(struct at a)
{
    const char *name;
    cJSON *paths, *item;
    int rc = at_string(a, "name", &name);

    if (rc == TOOL_OK && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
        rc = at_bad(a, "name", "\"%s\" is not made of [a-z0-9-]", name);
    for (size_t i = 0; rc == TOOL_OK && i < sizeof top_roles / sizeof top_roles[0]; i++)
        if (strcmp(name, top_roles[i]) == 0)
            rc = at_bad(a, "name", "\"%s\" cannot be delegated to", name);
    if (rc == TOOL_OK)
        rc = at_array(a, "paths", &paths);
    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, paths)
        if (!cJSON_IsString(item))
            return at_bad(a, "paths", "must be strings");
    return check_entry(a);
}

static int read_delegated(struct repo *r)
{
    struct at top = { r->t, versioned(r, "targets", r->role[0].doc), "signed", r->role[0].doc }, block, keys;
    cJSON *roles, *item;
    int index = 0;
    int rc = at_object(top, "delegations", &block);

    if (rc == TOOL_OK)
        rc = at_object(block, "keys", &keys);
    if (rc == TOOL_OK)
        rc = at_array(block, "roles", &roles);
    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, roles) {
        struct at here = { r->t, top.file, tool_format(r->t, "signed.delegations.roles[%d]", index++), item };
        rc = check_delegation(here);
        if (rc == TOOL_OK && repo_role(r, member_text(item, "name")) != NULL)
            rc = at_bad(here, "name", "\"%s\" appears twice", member_text(item, "name"));
        if (rc == TOOL_OK)
            rc = read_role(r, member_text(item, "name"), (struct trust){ .keys = keys.obj, .entry = item });
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}

int check_top(struct repo *r)
{
    int rc = read_timestamp(r);

    if (rc == TOOL_OK)
        rc = read_snapshot(r);
    return rc != TOOL_OK ? rc : read_role(r, "targets", root_trust(r->root, "targets"));
}

int check_metadata(struct repo *r)
{
    int rc = check_root(r);

    if (rc == TOOL_OK)
        rc = check_top(r);
    return rc != TOOL_OK ? rc : read_delegated(r);
}
