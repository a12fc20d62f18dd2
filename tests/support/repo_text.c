/* SPDX-License-Identifier: Apache-2.0 */
#include "repo_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

void repo_need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "tuf_repo: %s\n", what);
    abort();
}

void buf_bytes(struct buf *b, const void *p, size_t len)
{
    if (b->len + len + 1 > b->cap) {
        b->cap = 2 * (b->len + len + 1);
        b->p = realloc(b->p, b->cap);
        repo_need(b->p != NULL, "memory");
    }
    memcpy(b->p + b->len, p, len);
    b->len += len;
    b->p[b->len] = 0;
}

void buf_add(struct buf *b, const char *format, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    repo_need(n >= 0 && (size_t)n < sizeof text, "text too long");
    buf_bytes(b, text, (size_t)n);
}

void buf_hex(struct buf *b, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_add(b, "%02x", p[i]);
}

void repo_digest(psa_algorithm_t alg, const void *p, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    repo_need(psa_hash_compute(alg, p, len, out, cap, out_len) == PSA_SUCCESS, "hash");
}

static ota_err put_canonical(void *ctx, const uint8_t *p, size_t len)
{
    buf_bytes(ctx, p, len);
    return OTA_OK;
}

/* The canonical form of text; the text itself when it has none. */
struct buf repo_canonical(const void *text, size_t len)
{
    struct buf out = { 0 };
    const struct otai_json_sink sink = { put_canonical, &out };
    struct otai_json j;

    otai_json_init(&j, text, len);
    if (otai_json_canonical(&j, &sink) != OTA_OK) {
        out.len = 0;
        buf_bytes(&out, text, len);
    }
    return out;
}
