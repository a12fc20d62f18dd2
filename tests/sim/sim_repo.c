/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_repo.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bytes.h"
#include "sim_must.h"

/* Documents are built in canonical form (sorted members, no spaces), which is what signatures cover. */
struct doc {
    char text[SIM_JSON_MAX];
    struct otai_text t;
};

static void doc_begin(struct doc *d)
{
    otai_text_init(&d->t, d->text, sizeof d->text);
}

static void add(struct doc *d, const char *s)
{
    otai_text_add(&d->t, s);
}

static void add_number(struct doc *d, const char *before, uint64_t v)
{
    add(d, before);
    otai_text_u64(&d->t, v);
}

static void add_time(struct doc *d, int64_t s)
{
    time_t when = (time_t)s;
    struct tm tm;
    char text[40];

    MUST(gmtime_r(&when, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm));
    add(d, "\"");
    add(d, text);
    add(d, "\"");
}

static void add_expires(struct doc *d, int64_t s)
{
    add(d, "\"expires\":");
    add_time(d, s);
    add(d, ",");
}

/* The file: canonical text with its newlines escaped, as JSON demands, and the signature. */
static void upload(struct sim_repo *r, const char *file, const struct doc *d, const struct sim_key *key, uint32_t *file_len,
    char sha[65])
{
    static char out[SIM_JSON_MAX * 2];
    char hex[SIM_SIG_HEX_MAX], url[SIM_URL_MAX];
    uint8_t digest[32];
    struct otai_text t;

    MUST(!d->t.full);
    sim_key_sign(key, d->text, d->t.len, hex);
    otai_text_init(&t, out, sizeof out);
    otai_text_add(&t, "{\"signatures\":[{\"keyid\":\"");
    otai_text_add(&t, key->keyid);
    otai_text_add(&t, "\",\"sig\":\"");
    otai_text_add(&t, hex);
    otai_text_add(&t, "\"}],\"signed\":");
    for (size_t i = 0; i < d->t.len; i++)
        otai_text_bytes(&t, d->text[i] == '\n' ? "\\n" : &d->text[i], d->text[i] == '\n' ? 2 : 1);
    otai_text_add(&t, "}");
    MUST(!t.full);
    (void)snprintf(url, sizeof url, "%s%s%s", r->metadata_url, r->folder, file);
    sim_web_put(r->web, r->pool, url, out, t.len);
    sim_sha256(out, t.len, digest);
    sim_hex(digest, sizeof digest, sha);
    *file_len = (uint32_t)t.len;
}

static void add_keys(struct doc *d, const struct sim_key *const *keys, size_t count)
{
    bool done[SIM_ROLES_MAX + 1] = { false };

    add(d, "\"keys\":{");
    for (size_t n = 0; n < count; n++) {
        size_t least = count;

        for (size_t i = 0; i < count; i++)
            if (!done[i] && (least == count || strcmp(keys[i]->keyid, keys[least]->keyid) < 0))
                least = i;
        done[least] = true;
        add(d, n ? ",\"" : "\"");
        add(d, keys[least]->keyid);
        add(d, "\":");
        add(d, keys[least]->json);
    }
    add(d, "}");
}

static void add_root_role(struct doc *d, const char *before, const char *role, const struct sim_key *key)
{
    add(d, before);
    add(d, "\"");
    add(d, role);
    add(d, "\":{\"keyids\":[\"");
    add(d, key->keyid);
    add(d, "\"],\"threshold\":1}");
}

void sim_repo_root(struct sim_repo *r)
{
    const struct sim_key *keys[] = { &r->root_key, &r->online_key, &r->role[0].key };
    static struct doc d;
    char file[40], sha[65];
    uint32_t len;

    doc_begin(&d);
    add(&d, "{\"_type\":\"root\",\"consistent_snapshot\":true,");
    add_expires(&d, r->expires_s + 10LL * 365 * 86400);
    add_keys(&d, keys, 3);
    add_root_role(&d, ",\"roles\":{", "root", &r->root_key);
    add_root_role(&d, ",", "snapshot", &r->online_key);
    add_root_role(&d, ",", "targets", &r->role[0].key);
    add_root_role(&d, ",", "timestamp", &r->online_key);
    add_number(&d, "},\"spec_version\":\"1.0.34\",\"version\":", ++r->root_version);
    add(&d, "}");
    (void)snprintf(file, sizeof file, "%u.root.json", (unsigned)r->root_version);
    upload(r, file, &d, &r->root_key, &len, sha);
}

static const struct sim_key *trusted(const struct sim_role *role)
{
    return role->trusted ? role->trusted : &role->key;
}

static void add_delegations(struct doc *d, const struct sim_repo *r)
{
    const struct sim_key *keys[SIM_ROLES_MAX];

    if (r->role_count == 1)
        return;
    for (size_t i = 1; i < r->role_count; i++)
        keys[i - 1] = trusted(&r->role[i]);
    add(d, "\"delegations\":{");
    add_keys(d, keys, r->role_count - 1);
    add(d, ",\"roles\":[");
    for (size_t i = 1; i < r->role_count; i++) {
        add(d, i > 1 ? ",{\"keyids\":[\"" : "{\"keyids\":[\"");
        add(d, trusted(&r->role[i])->keyid);
        add(d, "\"],\"name\":\"");
        add(d, r->role[i].name);
        add(d, "\",\"paths\":");
        add(d, r->role[i].paths);
        add(d, ",\"terminating\":true,\"threshold\":1}");
    }
    add(d, "]},");
}

/* The end of a signed part: whose it is, and nothing else's. */
static void add_scope(struct doc *d, const struct sim_repo *r)
{
    if (r->scope[0]) {
        add(d, ",\"x-scope\":\"");
        add(d, r->scope);
        add(d, "\"");
    }
    add(d, "}");
}

static void publish_role(struct sim_repo *r, struct sim_role *role)
{
    static struct doc d;
    char file[64], sha[65];
    uint32_t len;

    doc_begin(&d);
    add(&d, "{\"_type\":\"targets\",");
    if (role == &r->role[0])
        add_delegations(&d, r);
    add_expires(&d, r->expires_s);
    add(&d, "\"spec_version\":\"1.0.34\",\"targets\":{");
    for (size_t i = 0; i < role->count; i++) {
        add(&d, i ? ",\"" : "\"");
        add(&d, role->target[i].path);
        add(&d, "\":");
        add(&d, role->target[i].json);
    }
    add_number(&d, "},\"version\":", ++role->version);
    add_scope(&d, r);
    (void)snprintf(file, sizeof file, "%u.%s.json", (unsigned)role->version, role->name);
    upload(r, file, &d, &role->key, &len, sha);
    role->changed = false;
}

/* "targets.json" stands between "groups" and "z...": the roles are looked through in order of their names. */
static void add_snapshot_meta(struct doc *d, const struct sim_repo *r)
{
    bool done[SIM_ROLES_MAX] = { false };

    for (size_t n = 0; n < r->role_count; n++) {
        size_t least = r->role_count;

        for (size_t i = 0; i < r->role_count; i++)
            if (!done[i] && (least == r->role_count || strcmp(r->role[i].name, r->role[least].name) < 0))
                least = i;
        done[least] = true;
        add(d, n ? ",\"" : "\"");
        add(d, r->role[least].name);
        add_number(d, ".json\":{\"version\":", r->role[least].version);
        add(d, "}");
    }
}

static void publish_snapshot(struct sim_repo *r, uint32_t *len, char sha[65])
{
    static struct doc d;
    char file[40];

    doc_begin(&d);
    add(&d, "{\"_type\":\"snapshot\",");
    add_expires(&d, r->expires_s);
    add(&d, "\"meta\":{");
    add_snapshot_meta(&d, r);
    add_number(&d, "},\"spec_version\":\"1.0.34\",\"version\":", ++r->snapshot_version);
    add_scope(&d, r);
    (void)snprintf(file, sizeof file, "%u.snapshot.json", (unsigned)r->snapshot_version);
    upload(r, file, &d, &r->online_key, len, sha);
}

static void publish_timestamp(struct sim_repo *r, uint32_t snapshot_len, const char *snapshot_sha)
{
    static struct doc d;
    uint32_t len;
    char sha[65];

    doc_begin(&d);
    add(&d, "{\"_type\":\"timestamp\",");
    add_expires(&d, r->expires_s);
    add(&d, "\"meta\":{\"snapshot.json\":{\"hashes\":{\"sha256\":\"");
    add(&d, snapshot_sha);
    add_number(&d, "\"},\"length\":", snapshot_len);
    add_number(&d, ",\"version\":", r->snapshot_version);
    add_number(&d, "}},\"spec_version\":\"1.0.34\",\"version\":", ++r->timestamp_version);
    if (r->issued_s) {
        add(&d, ",\"x-issued\":");
        add_time(&d, r->issued_s);
    }
    add_scope(&d, r);
    upload(r, "timestamp.json", &d, &r->online_key, &len, sha);
}

void sim_repo_publish(struct sim_repo *r)
{
    uint32_t len;
    char sha[65];

    for (size_t i = r->role_count; i-- > 0;)
        if (r->role[i].changed)
            publish_role(r, &r->role[i]);
    publish_snapshot(r, &len, sha);
    publish_timestamp(r, len, sha);
}

static void key_for(struct sim_key *k, const char *repo, const char *role)
{
    char seed[128];

    (void)snprintf(seed, sizeof seed, "%s/%s", repo, role);
    sim_key_make(k, seed);
}

void sim_repo_open(struct sim_repo *r, const char *name, const char *base, struct sim_web *web, struct sim_pool *pool,
    int64_t expires_s)
{
    char url[SIM_URL_MAX];

    memset(r, 0, sizeof *r);
    r->web = web;
    r->pool = pool;
    r->expires_s = expires_s;
    r->issued_s = expires_s - 30LL * 86400;
    (void)snprintf(r->metadata_url, sizeof r->metadata_url, "%smetadata/", base);
    (void)snprintf(r->targets_url, sizeof r->targets_url, "%stargets/", base);
    key_for(&r->root_key, name, "root");
    key_for(&r->online_key, name, "online");
    r->role_count = 1;
    (void)snprintf(r->role[0].name, sizeof r->role[0].name, "targets");
    key_for(&r->role[0].key, name, "targets");
    r->role[0].changed = true;
    sim_repo_root(r);
    (void)snprintf(url, sizeof url, "%s1.root.json", r->metadata_url);
    r->root = sim_web_get(web, url)->data;
    r->root_len = sim_web_get(web, url)->len;
}

struct sim_role *sim_repo_delegate(struct sim_repo *r, const char *role, const char *paths)
{
    MUST(r->role_count < SIM_ROLES_MAX);
    struct sim_role *d = &r->role[r->role_count++];

    (void)snprintf(d->name, sizeof d->name, "%s", role);
    d->paths = paths;
    key_for(&d->key, r->metadata_url, role);
    d->changed = true;
    r->role[0].changed = true;
    return d;
}

void sim_repo_file(const char *path, const void *data, size_t len, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    uint8_t digest[32];
    char hex[65];

    MUST(slash);
    sim_sha256(data, len, digest);
    sim_hex(digest, sizeof digest, hex);
    (void)snprintf(out, cap, "%.*s%s.%s", (int)(slash + 1 - path), path, hex, slash + 1);
}

static struct sim_target *place_for(struct sim_role *role, const char *path)
{
    size_t at = 0;

    while (at < role->count && strcmp(role->target[at].path, path) < 0)
        at++;
    if (at < role->count && strcmp(role->target[at].path, path) == 0)
        return &role->target[at];
    MUST(role->count < SIM_TARGETS_MAX && strlen(path) < sizeof role->target[0].path);
    memmove(&role->target[at + 1], &role->target[at], (role->count - at) * sizeof role->target[0]);
    role->count++;
    return &role->target[at];
}

void sim_repo_target(struct sim_repo *r, struct sim_role *role, const char *path, const void *data, size_t len,
    const char *custom)
{
    struct sim_target *t = place_for(role, path);
    char url[SIM_URL_MAX], file[SIM_URL_MAX], hex[65];
    uint8_t digest[32];

    sim_sha256(data, len, digest);
    sim_hex(digest, sizeof digest, hex);
    (void)snprintf(t->path, sizeof t->path, "%s", path);
    int n = snprintf(t->json, sizeof t->json, "{%s%s%s\"hashes\":{\"sha256\":\"%s\"},\"length\":%zu}",
                     custom ? "\"custom\":" : "", custom ? custom : "", custom ? "," : "", hex, len);
    MUST(n > 0 && (size_t)n < sizeof t->json);
    sim_repo_file(path, data, len, file, sizeof file);
    MUST(snprintf(url, sizeof url, "%s%s", r->targets_url, file) < (int)sizeof url);
    sim_web_put(r->web, r->pool, url, data, len);
    role->changed = true;
}

void sim_repo_rotate(struct sim_repo *r, const char *seed)
{
    key_for(&r->online_key, r->metadata_url, seed);
    sim_repo_root(r);
    sim_repo_publish(r);
}
