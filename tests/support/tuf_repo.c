/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf_repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo_text.h"

#define GOOD_EXPIRES "2030-01-01T00:00:00Z"

struct repo_file *tuf_repo_file(struct tuf_repo *r, const char *name)
{
    for (int i = 0; i < r->files; i++)
        if (strcmp(r->file[i].name, name) == 0)
            return &r->file[i];
    return NULL;
}

void repo_file_set(struct repo_file *f, const char *name, const void *bytes, size_t len)
{
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    uint8_t *copy = malloc(len ? len : 1);
    repo_need(copy != NULL, "memory");
    if (len)
        memcpy(copy, bytes, len);
    free(f->bytes);
    f->bytes = copy;
    f->len = len;
}

void tuf_repo_put(struct tuf_repo *r, const char *name, const void *bytes, size_t len)
{
    struct repo_file *f = tuf_repo_file(r, name);

    if (!f) {
        repo_need(r->files < REPO_FILES, "too many files");
        f = &r->file[r->files++];
        memset(f, 0, sizeof *f);
    }
    repo_file_set(f, name, bytes, len);
}

uint8_t *tuf_repo_copy(const struct repo_file *f, size_t *len)
{
    uint8_t *p = malloc(f->len + 1);

    repo_need(p != NULL, "memory");
    memcpy(p, f->bytes, f->len);
    *len = f->len;
    return p;
}

static void add_encoded(struct buf *b, const char *name)
{
    for (; *name; name++) {
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", *name) != NULL;

        buf_add(b, plain ? "%c" : "%%%02X", plain ? *name : (uint8_t)*name);
    }
}

static void file_name(const struct tuf_repo *r, int role, char *out, size_t cap)
{
    struct buf b = { 0 };

    if (role == REPO_ROOT || (r->consistent && role != REPO_TIMESTAMP))
        buf_add(&b, "%u.", r->role[role].version);
    add_encoded(&b, r->role[role].name);
    buf_add(&b, ".json");
    repo_need(b.len < cap, "file name");
    memcpy(out, b.p, b.len + 1);
    free(b.p);
}

/* ---- metadata */

static void add_head(struct buf *b, const struct tuf_repo *r, int role, const char *type)
{
    buf_add(b, "{\"_type\":\"%s\",\"expires\":\"%s\",\"spec_version\":\"1.0.34\",\"version\":%u", type, r->role[role].expires,
        r->role[role].version);
    if (r->scope && role != REPO_ROOT)
        buf_add(b, ",\"x-scope\":\"%s\"", r->scope);
}

static void add_keys(struct buf *b, const struct tuf_repo *r, int first, int last, int parent)
{
    bool any = false, done[REPO_KEYS] = { false };

    buf_add(b, "{");
    for (int i = first; i < last; i++) {
        for (int k = 0; k < r->role[i].keys && r->role[i].parent == parent; k++) {
            int index = r->role[i].key[k];

            if (done[index])
                continue;
            done[index] = true;
            buf_add(b, "%s\"%s\":%s", any ? "," : "", r->key[index].id, r->key[index].json);
            any = true;
        }
    }
    buf_add(b, "}");
}

static void add_keyids(struct buf *b, const struct tuf_repo *r, int role)
{
    buf_add(b, "\"keyids\":[");
    for (int k = 0; k < r->role[role].keys; k++)
        buf_add(b, "%s\"%s\"", k ? "," : "", r->key[r->role[role].key[k]].id);
    buf_add(b, "]");
}

static void write_root(struct buf *b, const struct tuf_repo *r)
{
    add_head(b, r, REPO_ROOT, "root");
    buf_add(b, ",\"consistent_snapshot\":%s,\"keys\":", r->consistent ? "true" : "false");
    add_keys(b, r, 0, REPO_TOP, -1);
    buf_add(b, ",\"roles\":{");
    for (int i = 0; i < REPO_TOP; i++) {
        buf_add(b, "%s\"%s\":{", i ? "," : "", r->role[i].name);
        add_keyids(b, r, i);
        buf_add(b, ",\"threshold\":%u}", r->role[i].threshold);
    }
    buf_add(b, "}}");
}

static void add_meta(struct buf *b, struct tuf_repo *r, int role)
{
    char name[256];
    uint8_t hash[32];
    size_t len;

    file_name(r, role, name, sizeof name);
    const struct repo_file *f = tuf_repo_file(r, name);
    buf_add(b, "\"%s.json\":{", r->role[role].name);
    if (r->hashes && f) {
        repo_digest(PSA_ALG_SHA_256, f->bytes, f->len, hash, sizeof hash, &len);
        buf_add(b, "\"hashes\":{\"sha256\":\"");
        buf_hex(b, hash, len);
        buf_add(b, "\"},\"length\":%zu,", f->len);
    }
    buf_add(b, "\"version\":%u}", r->role[role].version);
}

static void write_timestamp(struct buf *b, struct tuf_repo *r)
{
    add_head(b, r, REPO_TIMESTAMP, "timestamp");
    buf_add(b, ",\"meta\":{");
    add_meta(b, r, REPO_SNAPSHOT);
    buf_add(b, "}}");
}

static void write_snapshot(struct buf *b, struct tuf_repo *r)
{
    bool any = false;

    add_head(b, r, REPO_SNAPSHOT, "snapshot");
    buf_add(b, ",\"meta\":{");
    for (int i = r->roles - 1; i >= REPO_TARGETS_ROLE; i--) {
        if (r->role[i].no_meta)
            continue;
        buf_add(b, "%s", any ? "," : "");
        add_meta(b, r, i);
        any = true;
    }
    buf_add(b, "}}");
}

static void add_delegations(struct buf *b, const struct tuf_repo *r, int parent)
{
    bool any = false;

    if (r->role[parent].delegations) {
        buf_bytes(b, r->role[parent].delegations, strlen(r->role[parent].delegations));
        return;
    }
    for (int i = REPO_TOP; i < r->roles; i++) {
        if (r->role[i].parent != parent)
            continue;
        if (!any) {
            buf_add(b, ",\"delegations\":{\"keys\":");
            add_keys(b, r, REPO_TOP, r->roles, parent);
            buf_add(b, ",\"roles\":[");
        }
        buf_add(b, "%s{", any ? "," : "");
        add_keyids(b, r, i);
        buf_add(b, ",\"name\":\"%s\",%s,\"terminating\":%s,\"threshold\":%u}", r->role[i].name, r->role[i].paths,
            r->role[i].terminating ? "true" : "false", r->role[i].threshold);
        any = true;
    }
    if (any)
        buf_add(b, "]}");
}

static void write_targets(struct buf *b, const struct tuf_repo *r, int role)
{
    bool any = false;

    add_head(b, r, role, "targets");
    add_delegations(b, r, role);
    buf_add(b, ",\"targets\":{");
    for (int i = 0; i < r->targets; i++) {
        if (r->target[i].role != role)
            continue;
        buf_add(b, "%s\"%s\":%s", any ? "," : "", r->target[i].path, r->target[i].json);
        any = true;
    }
    buf_add(b, "}}");
}

static void apply_edits(struct buf *b, struct tuf_repo *r, int role)
{
    for (int i = 0; i < r->edits; i++) {
        const struct repo_edit *e = &r->edit[i];
        struct buf out = { 0 };

        if (e->role != role)
            continue;
        char *found = strstr((char *)b->p, e->from);
        if (!found) {
            r->edits_missed++;
            continue;
        }
        size_t at = (size_t)(found - (char *)b->p), from = *e->from ? strlen(e->from) : b->len;
        buf_bytes(&out, b->p, at);
        buf_add(&out, "%s", e->to);
        buf_bytes(&out, b->p + at + from, b->len - at - from);
        free(b->p);
        *b = out;
    }
}

static void publish_role(struct tuf_repo *r, int role)
{
    struct buf text = { 0 }, file = { 0 };
    char name[256];

    if (role == REPO_ROOT)
        write_root(&text, r);
    else if (role == REPO_TIMESTAMP)
        write_timestamp(&text, r);
    else if (role == REPO_SNAPSHOT)
        write_snapshot(&text, r);
    else
        write_targets(&text, r, role);
    apply_edits(&text, r, role);
    struct buf form = repo_canonical(text.p, text.len);
    buf_add(&file, "{%s\"signatures\":[", r->indent);
    for (int k = 0; k < r->role[role].signs; k++) {
        buf_add(&file, "%s", k ? "," : "");
        repo_add_signature(&file, r, &r->key[r->role[role].sign[k]], r->role[role].sign_id[k], &form);
    }
    if (r->role[role].sigs)
        buf_bytes(&file, r->role[role].sigs, strlen(r->role[role].sigs));
    buf_add(&file, "],%s\"signed\":", r->indent);
    buf_bytes(&file, text.p, text.len);
    buf_add(&file, "}%s", r->indent);
    file_name(r, role, name, sizeof name);
    tuf_repo_put(r, name, file.p, file.len);
    free(text.p);
    free(form.p);
    free(file.p);
}

void tuf_repo_publish(struct tuf_repo *r)
{
    for (int i = r->roles - 1; i >= REPO_TARGETS_ROLE; i--)
        publish_role(r, i);
    publish_role(r, REPO_SNAPSHOT);
    publish_role(r, REPO_TIMESTAMP);
    publish_role(r, REPO_ROOT);
}

void tuf_repo_next_day(struct tuf_repo *r)
{
    for (int i = REPO_TIMESTAMP; i < r->roles; i++)
        r->role[i].version++;
    tuf_repo_publish(r);
}

void tuf_repo_signer(struct tuf_repo *r, int role, int key)
{
    struct repo_role *x = &r->role[role];

    tuf_repo_key(r, key, REPO_P256);
    x->key[x->keys++] = (uint8_t)key;
    x->sign[x->signs++] = (uint8_t)key;
}

static int add_role(struct tuf_repo *r, const char *name, int parent, int key)
{
    repo_need(r->roles < REPO_ROLES, "too many roles");
    struct repo_role *x = &r->role[r->roles];
    memset(x, 0, sizeof *x);
    (void)snprintf(x->name, sizeof x->name, "%s", name);
    x->parent = parent;
    x->version = 1;
    x->threshold = 1;
    x->expires = GOOD_EXPIRES;
    tuf_repo_signer(r, r->roles, key);
    return r->roles++;
}

int tuf_repo_delegate(struct tuf_repo *r, int parent, const char *name, const char *paths, bool terminating, int key)
{
    int role = add_role(r, name, parent, key);

    r->role[role].paths = paths;
    r->role[role].terminating = terminating;
    return role;
}

void tuf_repo_target(struct tuf_repo *r, int role, const char *path, const char *json)
{
    repo_need(r->targets < REPO_TARGETS, "too many targets");
    r->target[r->targets++] = (struct repo_target){ role, path, json };
}

void tuf_repo_edit(struct tuf_repo *r, int role, const char *from, const char *to)
{
    repo_need(r->edits < REPO_EDITS, "too many edits");
    r->edit[r->edits++] = (struct repo_edit){ role, from, to };
}

static void drop_files(struct tuf_repo *r)
{
    for (int i = 0; i < r->files; i++)
        free(r->file[i].bytes);
    memset(r->file, 0, sizeof r->file);
    r->files = 0;
}

void tuf_repo_init(struct tuf_repo *r)
{
    static const char *const names[] = { "root", "timestamp", "snapshot", "targets" };

    drop_files(r);
    r->roles = r->targets = r->edits = r->edits_missed = 0;
    r->consistent = r->hashes = true;
    r->scope = NULL;
    r->indent = "";
    r->log[0] = '\0';
    r->fetches = 0;
    for (int i = 0; i < REPO_TOP; i++)
        (void)add_role(r, names[i], -1, i);
    int pub = tuf_repo_delegate(r, REPO_TARGETS_ROLE, "pub", "\"paths\":[\"app/*\"]", true, 4);
    tuf_repo_target(r, pub, "app/one",
                    "{\"custom\":{\"ota\":{\"version\":\"1.0.0\"}},\"hashes\":{\"sha256\":"
                    "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"},\"length\":1000}");
    tuf_repo_publish(r);
}

void tuf_repo_free(struct tuf_repo *r)
{
    drop_files(r);
    memset(r, 0, sizeof *r);
}
