/* SPDX-License-Identifier: Apache-2.0 */
/* A static web root in memory: absolute URLs and their bytes. It is a plain value: assign it to keep a picture of what
 * a server held at one moment. The bytes belong to the pool, which only grows. */
#ifndef SIM_WEB_H
#define SIM_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_WEB_FILES_MAX 256
#define SIM_URL_MAX 256

struct sim_file {
    const char *url;
    const uint8_t *data;
    size_t len;
    uint32_t hash;    /* of url, to find it quickly */
    char etag[24];    /* with its quotes */
};

struct sim_web {
    size_t count;
    struct sim_file file[SIM_WEB_FILES_MAX];
};

/* Memory that lives until sim_pool_free(). */
struct sim_pool {
    struct sim_block *blocks;
};

void *sim_pool_take(struct sim_pool *p, const void *data, size_t len);   /* a copy, or zeros for data == NULL */
void sim_pool_free(struct sim_pool *p);

/* Add a file, or replace the one with this URL. */
void sim_web_put(struct sim_web *w, struct sim_pool *p, const char *url, const void *data, size_t len);
void sim_web_remove(struct sim_web *w, const char *url);
/* NULL if absent. */
const struct sim_file *sim_web_get(const struct sim_web *w, const char *url);
/* The first file whose URL ends so; the test fails if there is none. */
const struct sim_file *sim_web_ending(const struct sim_web *w, const char *end);
/* Replace a file by a copy with one bit changed in byte `off`. */
void sim_web_flip(struct sim_web *w, struct sim_pool *p, const char *url, size_t off);

#endif
