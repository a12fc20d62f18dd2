/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#include <string.h>

bool otai_span_is(struct otai_span s, const char *text)
{
    size_t len = strlen(text);

    return s.len == len && memcmp(s.p, text, len) == 0;
}

void otai_put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void otai_put_le64(uint8_t *p, uint64_t v)
{
    otai_put_le32(p, (uint32_t)v);
    otai_put_le32(p + 4, (uint32_t)(v >> 32));
}

uint32_t otai_get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t otai_get_le64(const uint8_t *p)
{
    return (uint64_t)otai_get_le32(p) | (uint64_t)otai_get_le32(p + 4) << 32;
}

uint32_t otai_crc32(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

bool otai_equal(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;
    uint8_t diff = 0;

    for (size_t i = 0; i < len; i++)
        diff |= (uint8_t)(x[i] ^ y[i]);
    return diff == 0;
}

bool otai_is_zero(const void *a, size_t len)
{
    const uint8_t *x = a;
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++)
        any |= x[i];
    return any == 0;
}

bool otai_copy(char *dst, size_t cap, const char *src)
{
    size_t len = src ? strlen(src) : 0;

    if (len >= cap) {
        dst[0] = '\0';
        return false;
    }
    if (len)
        memcpy(dst, src, len);
    dst[len] = '\0';
    return true;
}

void otai_text_init(struct otai_text *t, char *buf, size_t cap)
{
    t->p = buf;
    t->cap = cap;
    t->len = 0;
    t->full = cap == 0;
    if (cap)
        buf[0] = '\0';
}

void otai_text_bytes(struct otai_text *t, const void *s, size_t len)
{
    if (t->full || len >= t->cap - t->len) {
        t->full = true;
        return;
    }
    memcpy(t->p + t->len, s, len);
    t->len += len;
    t->p[t->len] = '\0';
}

void otai_text_add(struct otai_text *t, const char *s)
{
    otai_text_bytes(t, s, strlen(s));
}

void otai_text_u64(struct otai_text *t, uint64_t v)
{
    char digits[20];
    size_t n = sizeof digits;

    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    otai_text_bytes(t, digits + n, sizeof digits - n);
}

void otai_text_i64(struct otai_text *t, int64_t v)
{
    if (v < 0)
        otai_text_add(t, "-");
    otai_text_u64(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void otai_text_hex(struct otai_text *t, const uint8_t *p, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        char two[2] = { digits[p[i] >> 4], digits[p[i] & 15] };
        otai_text_bytes(t, two, 2);
    }
}

void otai_text_json(struct otai_text *t, const char *s)
{
    otai_text_add(t, "\"");
    for (; *s; s++) {
        uint8_t c = (uint8_t)*s;

        if (c < 0x20 || c > 0x7e) {
            otai_text_add(t, "\\u00");
            otai_text_hex(t, &c, 1);
            continue;
        }
        if (c == '"' || c == '\\')
            otai_text_add(t, "\\");
        otai_text_bytes(t, s, 1);
    }
    otai_text_add(t, "\"");
}

void otai_arena_init(struct otai_arena *a, void *mem, size_t cap)
{
    a->p = mem;
    a->cap = cap;
    a->used = 0;
}

void *otai_arena_take(struct otai_arena *a, size_t len)
{
    size_t need = OTAI_ALIGN_UP(len);

    if (need < len || need > a->cap - a->used)
        return NULL;
    void *p = a->p + a->used;
    a->used += need;
    return p;
}
