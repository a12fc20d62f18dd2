/* SPDX-License-Identifier: Apache-2.0 */
/* Section 2 of docs/patch-format.md. */
#ifndef DELTA_REFERENCE_DECIDE_H
#define DELTA_REFERENCE_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

enum { REF_CLASSES = 7, REF_RUNS = 6 };

struct ref_counter {
    int32_t p, n;
};

/* The last byte that followed a context, how often in a row, and whose context it is. */
struct ref_run {
    uint8_t byte, check, length;
};

struct ref_coder {
    const char *why;                   /* the payload is refused */
    unsigned S, R;
    uint8_t *payload;
    uint64_t payload_len, used;
    uint32_t range, code;
    struct {
        uint32_t p, n;
    } flag[104];
    struct ref_counter number[REF_CLASSES][136];
    struct ref_counter *mixed;         /* 2^S */
    struct ref_run *run;               /* 2^R, zeroed */
    struct ref_counter trust[REF_RUNS][8][8];
    int32_t hit_weight[32][5], byte_weight[9][REF_RUNS + 1][12];
};

/* What a byte is decided with. */
struct ref_contexts {
    uint32_t counter[6], run[REF_RUNS];
    unsigned k, kind;
};

void ref_begin(struct ref_coder *d);
uint32_t ref_flag(struct ref_coder *d, uint32_t which);
uint32_t ref_hit(struct ref_coder *d, const uint32_t *h, unsigned set);
uint8_t ref_byte(struct ref_coder *d, const struct ref_contexts *x);
void ref_learn_runs(struct ref_coder *d, const uint32_t *h, uint8_t byte);
uint32_t ref_hash(uint32_t salt, uint64_t v);
uint32_t ref_number(struct ref_coder *d, unsigned class);
uint32_t ref_signed(struct ref_coder *d, unsigned class);
uint64_t ref_wide(struct ref_coder *d);

#endif
