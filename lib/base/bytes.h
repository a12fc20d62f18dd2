/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian integers, a CRC, bounded text and a bump allocator: what several stages need, with no OS and no I/O. */
#ifndef OTAI_BYTES_H
#define OTAI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of somebody else's bytes. */
struct otai_span {
    const uint8_t *p;
    size_t len;
};

bool otai_span_is(struct otai_span s, const char *text);

/* Integers of the journal and the boot record: little-endian, whatever the machine. */
void otai_put_le32(uint8_t *p, uint32_t v);
void otai_put_le64(uint8_t *p, uint64_t v);
uint32_t otai_get_le32(const uint8_t *p);
uint64_t otai_get_le64(const uint8_t *p);

/* CRC-32 (ISO-HDLC, reflected 0xEDB88320). Start with crc = 0. */
uint32_t otai_crc32(uint32_t crc, const void *data, size_t len);

/* Same bytes? Time does not depend on where they differ. */
bool otai_equal(const void *a, const void *b, size_t len);
bool otai_is_zero(const void *a, size_t len);

/* Copy a NUL-terminated text. false (and "" in dst) when it does not fit. src may be NULL = "". */
bool otai_copy(char *dst, size_t cap, const char *src);

/* Bounded text under construction, always NUL-terminated. `full` latches: check it once at the end. */
struct otai_text {
    char *p;
    size_t cap, len;
    bool full;
};

void otai_text_init(struct otai_text *t, char *buf, size_t cap);
void otai_text_add(struct otai_text *t, const char *s);
void otai_text_bytes(struct otai_text *t, const void *s, size_t len);
void otai_text_u64(struct otai_text *t, uint64_t v);
void otai_text_i64(struct otai_text *t, int64_t v);
void otai_text_hex(struct otai_text *t, const uint8_t *p, size_t len);
/* s as a JSON string with its quotes; bytes outside printable ASCII become \u00XX. */
void otai_text_json(struct otai_text *t, const char *s);

/* Bump allocator over the caller's workspace. No free: regions are laid over each other by resetting. */
struct otai_arena {
    uint8_t *p;
    size_t cap, used;
};

void otai_arena_init(struct otai_arena *a, void *mem, size_t cap);
/* NULL when full; aligned for any type. */
void *otai_arena_take(struct otai_arena *a, size_t len);
#define OTAI_ALIGN 16u
#define OTAI_ALIGN_UP(n) (((size_t)(n) + (OTAI_ALIGN - 1u)) & ~(size_t)(OTAI_ALIGN - 1u))

#endif
