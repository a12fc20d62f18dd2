/* SPDX-License-Identifier: Apache-2.0 */
/* Sections 4 and 5 of docs/patch-format.md, for delta_reference.c. */
#ifndef DELTA_REFERENCE_PREDICT_H
#define DELTA_REFERENCE_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

struct ref_segment {
    uint32_t off, addr, len;
};

struct ref_layout {
    uint64_t base;
    uint32_t size;                 /* bytes of the part in this image */
    uint32_t count;
    struct ref_segment segment[8];
};

struct ref_copy {
    uint32_t old, new, len;
};

struct ref_register {
    bool is_set;
    uint32_t set, old, new, target, guess;
};

struct ref_pool {
    bool used;
    uint32_t off, reg, old_pc, new_pc;
};

struct ref_predictor {
    const uint8_t *old;            /* the part's */
    struct ref_layout was, now;
    struct ref_copy *map;
    uint32_t count;
    uint32_t *learned;             /* 2^log2 pairs */
    unsigned log2;
    struct ref_copy copy;          /* that is being made */
    unsigned mode;
    struct ref_register reg[32];
    struct ref_pool pool[32];
    unsigned pool_next;
};

struct ref_group {
    uint32_t len, kind, basis;
    uint8_t bytes[8];              /* predicted */
    uint32_t x, g;
    uint32_t detail;               /* register, entry of the pool, or where the field begins */
};

/* The group at old offset f, new offset a; `left` bytes of the copy are left. */
void ref_predict(struct ref_predictor *p, uint32_t f, uint32_t a, uint32_t left, struct ref_group *g);
/* It became these bytes. */
void ref_became(struct ref_predictor *p, uint32_t a, const struct ref_group *g, const uint8_t *bytes);

#endif
