/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side: a store of trusted files, and a client that is driven over it and a repository. */
#include "tuf_repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "tuf_client: %s\n", what);
    abort();
}

void tuf_store_free(struct tuf_store *s)
{
    for (int i = 0; i < s->records; i++)
        free(s->record[i].bytes);
    memset(s, 0, sizeof *s);
}

struct repo_file *tuf_store_find(struct tuf_store *s, const char *role)
{
    for (int i = 0; i < s->records; i++)
        if (strcmp(s->record[i].name, role) == 0 && s->record[i].bytes)
            return &s->record[i];
    return NULL;
}

void tuf_store_put(struct tuf_store *s, const char *role, const void *bytes, size_t len)
{
    struct repo_file *f = tuf_store_find(s, role);

    if (!f) {
        need(s->records < REPO_ROLES, "too many records");
        f = &s->record[s->records++];
        memset(f, 0, sizeof *f);
    }
    repo_file_set(f, role, bytes, len);
    s->writes++;
}

static void forget(struct tuf_store *s, const char *role)
{
    struct repo_file *f = tuf_store_find(s, role);

    s->removes++;
    if (!f)
        return;
    free(f->bytes);
    *f = s->record[--s->records];
    memset(&s->record[s->records], 0, sizeof s->record[0]);
}

void tuf_store_copy(struct tuf_store *to, const struct tuf_store *from)
{
    tuf_store_free(to);
    for (int i = 0; i < from->records; i++)
        tuf_store_put(to, from->record[i].name, from->record[i].bytes, from->record[i].len);
}

bool tuf_store_same(struct tuf_store *a, struct tuf_store *b)
{
    if (a->records != b->records)
        return false;
    for (int i = 0; i < a->records; i++) {
        const struct repo_file *x = &a->record[i], *y = tuf_store_find(b, x->name);

        if (!y || x->len != y->len || memcmp(x->bytes, y->bytes, x->len) != 0)
            return false;
    }
    return true;
}

/* ---- client */

void tuf_client_config(struct ota_tuf_config *cfg, struct ota_crypto *crypto, const struct repo_file *root)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->size = sizeof *cfg;
    cfg->crypto = crypto;
    cfg->root = root ? root->bytes : NULL;
    cfg->root_len = root ? root->len : 0;
}

struct ota_tuf *tuf_client(const struct ota_tuf_config *cfg, void **mem)
{
    size_t len = ota_tuf_len(cfg);
    struct ota_tuf *t = NULL;

    *mem = malloc(len);
    need(*mem != NULL, "memory");
    need(ota_tuf_init(&t, cfg, *mem, len) == OTA_OK, "client");
    return t;
}

static void bring(const struct repo_file *f, const struct ota_tuf_want *w, enum ota_tuf_answer *answer, size_t *len)
{
    *answer = !f ? OTA_TUF_ABSENT : f->len > w->cap ? OTA_TUF_TOO_LONG : OTA_TUF_GOT;
    *len = 0;
    if (*answer != OTA_TUF_GOT)
        return;
    memcpy(w->buf, f->bytes, f->len);
    *len = f->len;
}

ota_err tuf_drive(struct ota_tuf *t, struct tuf_repo *r, struct tuf_store *s)
{
    struct ota_tuf_want w;
    ota_err err;

    while ((err = ota_tuf_next(t, &w)) == OTA_OK) {
        enum ota_tuf_answer answer = OTA_TUF_STORED;
        size_t len = 0;

        if (w.kind == OTA_TUF_LOAD) {
            bring(tuf_store_find(s, w.role), &w, &answer, &len);
        } else if (w.kind == OTA_TUF_FETCH) {
            r->fetches++;
            need(strlen(r->log) + strlen(w.file) + 2 < sizeof r->log, "too many requests");
            strcat(strcat(r->log, w.file), " ");
            bring(tuf_repo_file(r, w.file), &w, &answer, &len);
        } else if (w.kind == OTA_TUF_STORE) {
            tuf_store_put(s, w.role, w.buf, w.len);
        } else {
            forget(s, w.role);
        }
        need(ota_tuf_answer(t, answer, len) == OTA_OK, "answer");
    }
    return err;
}

ota_err tuf_refresh(struct ota_tuf *t, struct tuf_repo *r, struct tuf_store *s)
{
    r->log[0] = '\0';
    r->fetches = 0;
    need(ota_tuf_refresh(t, REPO_NOW) == OTA_OK, "refresh");
    return tuf_drive(t, r, s);
}

ota_err tuf_find(struct ota_tuf *t, struct tuf_repo *r, struct tuf_store *s, const char *path)
{
    r->log[0] = '\0';
    ota_err err = ota_tuf_find(t, path);
    return err == OTA_OK ? tuf_drive(t, r, s) : err;
}
