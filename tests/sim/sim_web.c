/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "sim_must.h"

struct sim_block {
    struct sim_block *next;
    max_align_t data[];
};

void *sim_pool_take(struct sim_pool *p, const void *data, size_t len)
{
    struct sim_block *b = calloc(1, sizeof *b + len + 1);

    MUST(b);
    b->next = p->blocks;
    p->blocks = b;
    if (data && len)
        memcpy(b->data, data, len);
    return b->data;
}

void sim_pool_free(struct sim_pool *p)
{
    while (p->blocks) {
        struct sim_block *next = p->blocks->next;

        free(p->blocks);
        p->blocks = next;
    }
}

/* FNV-1a. */
static uint32_t hash_of(const char *url)
{
    uint32_t h = 2166136261u;

    for (; *url; url++)
        h = (h ^ (uint8_t)*url) * 16777619u;
    return h;
}

static struct sim_file *find(const struct sim_web *w, const char *url)
{
    uint32_t hash = hash_of(url);

    for (size_t i = 0; i < w->count; i++)
        if (w->file[i].hash == hash && strcmp(w->file[i].url, url) == 0)
            return (struct sim_file *)(uintptr_t)&w->file[i];
    return NULL;
}

void sim_web_put(struct sim_web *w, struct sim_pool *p, const char *url, const void *data, size_t len)
{
    struct sim_file *f = find(w, url);

    if (!f) {
        MUST(w->count < SIM_WEB_FILES_MAX);
        f = &w->file[w->count++];
        f->url = sim_pool_take(p, url, strlen(url));
        f->hash = hash_of(url);
    }
    f->data = sim_pool_take(p, data, len);
    f->len = len;
    (void)snprintf(f->etag, sizeof f->etag, "\"%08x-%zx\"", (unsigned)otai_crc32(0, data, len), len & 0xffffffu);
}

void sim_web_remove(struct sim_web *w, const char *url)
{
    struct sim_file *f = find(w, url);

    MUST(f);
    *f = w->file[--w->count];
}

const struct sim_file *sim_web_get(const struct sim_web *w, const char *url)
{
    return find(w, url);
}

const struct sim_file *sim_web_ending(const struct sim_web *w, const char *end)
{
    size_t n = strlen(end);

    for (size_t i = 0; i < w->count; i++) {
        size_t len = strlen(w->file[i].url);

        if (len >= n && strcmp(w->file[i].url + len - n, end) == 0)
            return &w->file[i];
    }
    FAIL_SIM("a file with this ending");
    return NULL;
}

void sim_web_flip(struct sim_web *w, struct sim_pool *p, const char *url, size_t off)
{
    struct sim_file *f = find(w, url);

    MUST(f && off < f->len);
    uint8_t *copy = sim_pool_take(p, f->data, f->len);
    copy[off] ^= 1u;
    f->data = copy;
}
