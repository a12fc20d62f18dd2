/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "keys.h"
#include "settings.h"

static enum days_of days_kind(const char *role)
{
    if (strcmp(role, "root") == 0)
        return DAYS_ROOT;
    if (strcmp(role, "timestamp") == 0)
        return DAYS_TIMESTAMP;
    return strcmp(role, "snapshot") == 0 ? DAYS_SNAPSHOT : DAYS_TARGETS;
}

static unsigned days_for(const struct tool *t, const char *role)
{
    enum days_of kind = days_kind(role);

    return t->days[kind] != 0 ? t->days[kind] : t->settings.days[kind];
}

static size_t len_max(const char *role)
{
    static const size_t max[DAYS_COUNT] = { ROOT_LEN_MAX, TARGETS_LEN_MAX, SNAPSHOT_LEN_MAX, TIMESTAMP_LEN_MAX };

    return max[days_kind(role)];
}

static void stamp(const struct repo *r, const char *role, cJSON *doc, uint64_t version)
{
    char expires[TIME_LEN];

    time_print(r->t->now_s + (int64_t)days_for(r->t, role) * 86400, expires);
    put_item(doc, "version", cJSON_CreateNumber((double)version));
    put_item(doc, "expires", cJSON_CreateString(expires));
    if (strcmp(role, "timestamp") == 0) { /* devices with a doubtful clock go by it */
        time_print(r->t->now_s, expires);
        put_item(doc, "x-issued", cJSON_CreateString(expires));
    }
}

/* "<version>.<role>.json", or 0. */
static uint64_t version_in_name(const char *name, const char *role)
{
    size_t digits = strspn(name, "0123456789");
    char text[20];
    unsigned long version;

    if (digits == 0 || digits >= sizeof text || name[digits] != '.')
        return 0;
    memcpy(text, name, digits);
    text[digits] = '\0';
    const char *rest = name + digits + 1;
    size_t role_len = strlen(role);
    if (strncmp(rest, role, role_len) != 0 || strcmp(rest + role_len, ".json") != 0)
        return 0;
    return number_parse(text, 1, UINT32_MAX, &version) ? version : 0;
}

static int next_version(const struct repo *r, const char *role, uint64_t *next)
{
    const char *path = repo_file(r, "metadata");
    DIR *dir = opendir(path);

    if (dir == NULL)
        return tool_failed(r->t, "%s: cannot open: %s", path, strerror(errno));
    *next = 1;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        uint64_t version = version_in_name(e->d_name, role);
        if (version >= *next)
            *next = version + 1;
    }
    (void)closedir(dir);
    return TOOL_OK;
}

static bool has_signature(const cJSON *signatures, const char *keyid)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, signatures)
        if (strcmp(member_text(item, "keyid"), keyid) == 0)
            return true;
    return false;
}

static int sign_one(struct tool *t, const struct key *key, const uint8_t digest[DIGEST_LEN], cJSON *signatures)
{
    uint8_t der[SIG_DER_MAX];
    char hex[2 * SIG_DER_MAX + 1];
    size_t len;
    int rc = ecdsa_sign(t, key->scalar, digest, der, &len);

    if (rc != TOOL_OK)
        return rc;
    hex_encode(der, len, hex);
    cJSON *signature = cJSON_CreateObject();
    cJSON_AddStringToObject(signature, "keyid", key->keyid);
    cJSON_AddStringToObject(signature, "sig", hex);
    cJSON_AddItemToArray(signatures, signature);
    return TOOL_OK;
}

/* Add a signature of each key of a role that is in D/keys; `threshold` of them must be. */
static int sign_with(const struct repo *r, const char *role, const uint8_t digest[DIGEST_LEN], const cJSON *keyids,
                     uint64_t threshold, cJSON *signatures)
{
    const cJSON *item;
    uint64_t have = 0;
    struct key key;

    cJSON_ArrayForEach(item, keyids) {
        int rc = has_signature(signatures, item->valuestring)
                     ? TOOL_OK : key_find(r->t, r->scope, role, item->valuestring, &key);
        if (rc == TOOL_OK && !has_signature(signatures, item->valuestring))
            rc = sign_one(r->t, &key, digest, signatures);
        key_forget(&key);
        if (rc == TOOL_FAILED)
            return rc;
        have += rc == TOOL_OK;
    }
    if (have >= threshold)
        return TOOL_OK;
    return tool_failed(r->t, "%s: role %s needs %" PRIu64 " private keys, %s/keys has %" PRIu64 " of them", r->name, role,
                       threshold, r->t->dir, have);
}

static int sign_entry(const struct repo *r, const char *role, const uint8_t digest[DIGEST_LEN], const cJSON *entry,
                      cJSON *signatures)
{
    return sign_with(r, role, digest, member(entry, "keyids"), member_number(entry, "threshold"), signatures);
}

static int digest_signed(struct tool *t, const cJSON *doc, uint8_t digest[DIGEST_LEN])
{
    size_t len;
    const char *text = json_print(t, doc, JSON_CANONICAL, &len);

    return digest_of(t, text, len, digest);
}

/* The file's text. doc stays the caller's. */
static int seal(const struct repo *r, const char *role, cJSON *doc, cJSON *signatures, const char **text, size_t *len)
{
    cJSON *envelope = tool_keep(r->t, cJSON_CreateObject());

    cJSON_AddItemToObject(envelope, "signatures", signatures);
    cJSON_AddItemReferenceToObject(envelope, "signed", doc);
    *text = json_print(r->t, envelope, JSON_FILE, len);
    if (*len <= len_max(role))
        return TOOL_OK;
    return tool_failed(r->t, "%s: metadata of role %s would have %zu bytes; devices accept %zu", r->name, role, *len,
                       len_max(role));
}

/* Stamp, sign, and describe a document as snapshot and timestamp list it. */
static int make_file(const struct repo *r, const char *role, cJSON *doc, uint64_t version, const char **text, size_t *len,
                     cJSON **meta)
{
    uint8_t digest[DIGEST_LEN];
    char hex[DIGEST_HEX];

    stamp(r, role, doc, version);
    int rc = digest_signed(r->t, doc, digest);
    if (rc != TOOL_OK)
        return rc;
    cJSON *signatures = cJSON_CreateArray();
    rc = sign_entry(r, role, digest, repo_role_entry(r, role), signatures);
    if (rc == TOOL_OK && r->also_role != NULL && strcmp(r->also_role, role) == 0)
        rc = sign_entry(r, role, digest, r->also, signatures);
    if (rc != TOOL_OK) {
        cJSON_Delete(signatures);
        return rc;
    }
    rc = seal(r, role, doc, signatures, text, len);
    if (rc == TOOL_OK)
        rc = digest_hex(r->t, *text, *len, hex);
    if (rc != TOOL_OK)
        return rc;
    *meta = cJSON_CreateObject();
    cJSON_AddNumberToObject(*meta, "version", (double)version);
    cJSON_AddNumberToObject(*meta, "length", (double)*len);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(*meta, "hashes"), "sha256", hex);
    return TOOL_OK;
}

/* Publish N.<role>.json. @param meta  gets the entry for the document above it */
static int publish_versioned(const struct repo *r, const char *role, cJSON *doc, cJSON **meta)
{
    uint64_t version = 0;
    const char *text;
    size_t len;
    int rc = next_version(r, role, &version);

    if (rc == TOOL_OK)
        rc = make_file(r, role, doc, version, &text, &len, meta);
    if (rc != TOOL_OK)
        return rc;
    rc = file_publish(r->t, repo_file(r, "metadata/%" PRIu64 ".%s.json", version, role), text, len);
    if (rc != TOOL_OK)
        cJSON_Delete(*meta);
    return rc;
}

/* Delegated roles first, targets (role[0]) last: nothing names a file that is not there. */
static int publish_roles(struct repo *r, cJSON *snapshot_meta)
{
    for (size_t i = r->role_count; i-- > 0;) {
        struct role *role = &r->role[i];
        const char *file = tool_format(r->t, "%s.json", role->name);
        cJSON *meta;
        if (!role->dirty)
            continue;
        int rc = publish_versioned(r, role->name, role->doc, &meta);
        if (rc != TOOL_OK)
            return rc;
        put_item(snapshot_meta, file, meta);
        role->dirty = false;
    }
    return TOOL_OK;
}

static cJSON *new_list(struct tool *t, const char *type)
{
    cJSON *doc = tool_keep(t, cJSON_CreateObject());

    cJSON_AddStringToObject(doc, "_type", type);
    cJSON_AddStringToObject(doc, "spec_version", SPEC_VERSION);
    cJSON_AddObjectToObject(doc, "meta");
    return doc;
}

static int publish_timestamp(struct repo *r, cJSON *snapshot_meta)
{
    uint64_t version = r->timestamp == NULL ? 1 : member_number(r->timestamp, "version") + 1;
    const char *text;
    size_t len;
    cJSON *meta;

    if (r->timestamp == NULL)
        r->timestamp = new_list(r->t, "timestamp");
    put_item(member(r->timestamp, "meta"), "snapshot.json", snapshot_meta);
    int rc = make_file(r, "timestamp", r->timestamp, version, &text, &len, &meta);
    if (rc != TOOL_OK)
        return rc;
    cJSON_Delete(meta);
    return file_replace(r->t, repo_file(r, "metadata/timestamp.json"), text, len, 0644);
}

int repo_publish(struct repo *r)
{
    cJSON *meta;

    if (r->snapshot == NULL)
        r->snapshot = new_list(r->t, "snapshot");
    int rc = publish_roles(r, member(r->snapshot, "meta"));
    if (rc == TOOL_OK)
        rc = publish_versioned(r, "snapshot", r->snapshot, &meta);
    if (rc == TOOL_OK)
        rc = publish_timestamp(r, meta);
    if (rc == TOOL_OK)
        warn_expiring(r);
    return rc;
}

int root_publish(struct repo *r, const cJSON *before, cJSON *root)
{
    uint64_t version = before == NULL ? 1 : member_number(before, "version") + 1;
    uint8_t digest[DIGEST_LEN];
    const char *text;
    size_t len;

    stamp(r, "root", root, version);
    int rc = digest_signed(r->t, root, digest);
    if (rc != TOOL_OK)
        return rc;
    cJSON *signatures = cJSON_CreateArray();
    if (before != NULL)
        rc = sign_entry(r, "root", digest, member(member(before, "roles"), "root"), signatures);
    if (rc == TOOL_OK)
        rc = sign_entry(r, "root", digest, member(member(root, "roles"), "root"), signatures);
    if (rc != TOOL_OK) {
        cJSON_Delete(signatures);
        return rc;
    }
    rc = seal(r, "root", root, signatures, &text, &len);
    if (rc == TOOL_OK)
        rc = file_publish(r->t, repo_file(r, "metadata/%" PRIu64 ".root.json", version), text, len);
    if (rc == TOOL_OK)
        r->root = root;
    return rc;
}

int publish_next(const struct repo *r, const char *role, cJSON *doc)
{
    uint64_t version = member_number(doc, "version") + 1;
    int rc = strcmp(role, "root") == 0 ? TOOL_OK : next_version(r, role, &version);

    if (rc == TOOL_OK)
        stamp(r, role, doc, version);
    return rc;
}

int publish_sign(struct tool *t, const cJSON *doc, const struct key *key, cJSON *signatures)
{
    uint8_t digest[DIGEST_LEN];
    int rc = digest_signed(t, doc, digest);

    return rc != TOOL_OK ? rc : sign_one(t, key, digest, signatures);
}

int publish_signed(struct repo *r, const char *role, cJSON *doc, cJSON *signatures)
{
    bool is_root = strcmp(role, "root") == 0;
    char hex[DIGEST_HEX];
    const char *text;
    size_t len;
    int rc = seal(r, role, doc, signatures, &text, &len);

    if (rc == TOOL_OK)
        rc = digest_hex(r->t, text, len, hex);
    if (rc == TOOL_OK)
        rc = file_publish(r->t, repo_file(r, "metadata/%" PRIu64 ".%s.json", member_number(doc, "version"), role), text, len);
    if (rc != TOOL_OK || is_root)
        return rc;
    cJSON *meta = cJSON_CreateObject();
    cJSON_AddNumberToObject(meta, "version", (double)member_number(doc, "version"));
    cJSON_AddNumberToObject(meta, "length", (double)len);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(meta, "hashes"), "sha256", hex);
    put_item(member(r->snapshot, "meta"), "targets.json", meta);
    r->role[0].doc = doc;
    r->role[0].dirty = false;
    return repo_publish(r);
}

int target_temp(struct repo *r, const char *path, char **temp)
{
    char *dir = repo_file(r, "targets/%s", path);

    *strrchr(dir, '/') = '\0';
    *temp = file_temp(r->t, dir);
    return file_mkdirs(r->t, dir, 0755);
}

int publish_temp(struct repo *r, const char *temp, const char *path, uint64_t length, const char *sha256)
{
    const char *file = repo_target_file(r, path, sha256);
    uint64_t there_len;
    char there[DIGEST_HEX];
    int rc = file_digest(r->t, file, &there_len, there);

    if (rc == TOOL_ABSENT)
        return file_place(r->t, temp, file);
    file_discard(temp);
    if (rc == TOOL_OK && (there_len != length || strcmp(there, sha256) != 0))
        rc = tool_failed(r->t, "%s: its content does not fit its name; refusing to overwrite it", file);
    return rc;
}

int publish_document(struct repo *r, struct role *role, const char *path, const cJSON *document)
{
    char sha256[DIGEST_HEX];
    char *temp;
    size_t len;
    const char *text = json_print(r->t, document, JSON_FILE, &len);
    int rc = len > POINTER_LEN_MAX
                 ? tool_failed(r->t, "%s: would have %zu bytes; devices accept %d", path, len, POINTER_LEN_MAX) : TOOL_OK;

    if (rc == TOOL_OK)
        rc = digest_hex(r->t, text, len, sha256);
    if (rc == TOOL_OK)
        rc = target_temp(r, path, &temp);
    if (rc == TOOL_OK)
        rc = file_publish(r->t, repo_target_file(r, path, sha256), text, len);
    if (rc == TOOL_OK)
        role_put_target(role, path, len, sha256, NULL);
    return rc;
}

static void warn_one(struct repo *r, const char *role, const cJSON *doc)
{
    int64_t expires;

    if (!time_parse(member_text(doc, "expires"), &expires))
        return;
    if (expires <= r->t->now_s)
        tool_warn(r->t, "%s: role %s expired at %s", r->name, role, member_text(doc, "expires"));
    else if (expires - r->t->now_s < (int64_t)days_for(r->t, role) * 86400 / 4)
        tool_warn(r->t, "%s: role %s expires at %s; renew it with: refresh --all", r->name, role,
                  member_text(doc, "expires"));
}

void warn_expiring(struct repo *r)
{
    warn_one(r, "root", r->root);
    for (size_t i = 0; i < r->role_count; i++)
        warn_one(r, r->role[i].name, r->role[i].doc);
}
