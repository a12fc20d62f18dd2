/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the patch engine: what its files share. Decoder and encoder run the same code: the encoder brings a coder that
 * writes bits instead of reading them, and a script that says what is to be written. */
#ifndef OTAI_DELTA_I_H
#define OTAI_DELTA_I_H

#include "bytes.h"
#include "ota/delta.h"

/* One binary decision with the probability of a 1 in 1..65535 of 65536. A decoder ignores `bit` and returns the bit that
 * was sent; an encoder sends `bit` and returns it. */
struct otai_coder {
    unsigned (*bit)(struct otai_coder *c, uint32_t p1, unsigned bit);
};

/* Range decoder over bytes that are all there. Past the end it reads zeros: the owner sees `over`. */
struct otai_unrange {
    struct otai_coder coder;
    const uint8_t *p;
    size_t len, at;
    uint32_t range, code;
    bool over;
};

unsigned otai_unrange_bit(struct otai_coder *c, uint32_t p1, unsigned bit);
#define OTAI_UNRANGE_BEGIN 4u  /* bytes that a stream begins with before its first bit */

/* ---- model: probabilities ------------------------------------------------------------------------------------------ */

#define OTAI_RUNS 6u                   /* contexts of a byte that have a run */
#define OTAI_SLOTS_MAX 6u              /* contexts of a byte that have counters */
#define OTAI_MIX_INPUTS (OTAI_RUNS + OTAI_SLOTS_MAX)
#define OTAI_HIT_INPUTS 5u
#define OTAI_HIT_SETS 32u
#define OTAI_BYTE_KINDS 9u             /* literals by their place, missed bytes by theirs */
#define OTAI_RUN_MAX 7u                /* a run's length is counted so far */

/* Kinds of numbers, each with statistics of its own. */
enum otai_number { OTAI_N_MISC, OTAI_N_GAP, OTAI_N_LEN, OTAI_N_OLD, OTAI_N_LIT, OTAI_N_COPY, OTAI_N_FROM, OTAI_N_COUNT };
#define OTAI_NUMBER_SLOTS 136u

/* A probability that may come near to 0 or 1. */
struct otai_flag {
    uint16_t p;
    uint16_t n;
};
#define OTAI_FLAGS 104u

struct otai_model {
    struct otai_coder *coder;
    uint16_t *slot;        /* 2^slots_log2 counters: 12 bits of probability, 4 of confidence */
    uint16_t *run;         /* 2^runs_log2 runs: the byte that followed, 5 bits of check, 3 of how often it did so lately */
    uint8_t slots_log2, runs_log2;
    uint16_t trust[OTAI_RUNS][OTAI_RUN_MAX][8];    /* counters: is a run of this length right in this bit? */
    uint16_t number[OTAI_N_COUNT * OTAI_NUMBER_SLOTS];
    struct otai_flag flag[OTAI_FLAGS];
    int16_t hit_weight[OTAI_HIT_SETS][OTAI_HIT_INPUTS];
    int16_t weight[OTAI_BYTE_KINDS][OTAI_RUNS + 1][OTAI_MIX_INPUTS];
};

/* What the next byte may depend on: hashes of what is known. */
struct otai_context {
    uint32_t slot[OTAI_SLOTS_MAX], run[OTAI_RUNS];
    uint32_t slots;                    /* hashes in slot */
    uint32_t kind;                     /* chooses the weights */
};

void otai_model_init(struct otai_model *m);
unsigned otai_code_flag(struct otai_model *m, unsigned which, unsigned bit);
/* The bit's probability is mixed from the counters that the hashes in h choose; `set` chooses the weights. */
unsigned otai_code_hit(struct otai_model *m, const uint32_t h[OTAI_HIT_INPUTS], unsigned set, unsigned bit);
uint8_t otai_code_byte(struct otai_model *m, const struct otai_context *c, uint8_t byte);
/* Let the runs of these contexts learn a byte that is known. */
void otai_teach_runs(struct otai_model *m, const uint32_t h[OTAI_RUNS], uint8_t byte);
uint32_t otai_code_number(struct otai_model *m, enum otai_number kind, uint32_t v);
int32_t otai_code_signed(struct otai_model *m, enum otai_number kind, int32_t v);

/* ---- map: where old addresses went --------------------------------------------------------------------------------- */

#define OTAI_SPANS 8u

/* A stretch of the image and its address relative to the base address. */
struct otai_segment {
    uint32_t off, addr, len;
};

/* One image's addresses. Without segments an address is an offset. */
struct otai_layout {
    uint64_t base;
    uint32_t len;                            /* bytes of the image's part */
    uint8_t count;
    struct otai_segment segment[OTAI_SPANS];
};

struct otai_map {
    uint32_t *from, *to, *len;   /* in the order of `to` */
    uint16_t *order;             /* indices in the order of `from` */
    uint32_t count;
    struct otai_layout was, now;
};

/* What a mapped address rests on: the surer the higher. */
enum otai_source { OTAI_FROM_NOTHING, OTAI_FROM_REGION, OTAI_FROM_GAP, OTAI_FROM_MAP, OTAI_FROM_COPY, OTAI_FROM_EXACT };

void otai_map_sort(struct otai_map *m);
uint32_t otai_offset_to_addr(const struct otai_layout *l, uint32_t off);
bool otai_addr_to_offset(const struct otai_layout *l, uint32_t addr, uint32_t *off);
/* An old address's place in the new image. */
enum otai_source otai_map_addr(const struct otai_map *m, uint32_t addr, uint32_t *out);

/* Addresses that moved otherwise than the map says, learned from what was decoded. */
struct otai_learned {
    uint32_t *entry;             /* pairs: old address + 1 (0: empty), new address */
    uint8_t log2;                /* of the pairs */
};

bool otai_learned_find(const struct otai_learned *l, uint32_t addr, uint32_t *out);
void otai_learned_put(struct otai_learned *l, uint32_t addr, uint32_t to);

/* ---- walk: what the next bytes of a copy will be -------------------------------------------------------------------- */

enum otai_mode {
    OTAI_M_RAW, OTAI_M_THUMB, OTAI_M_ARM, OTAI_M_A64, OTAI_M_PTR32, OTAI_M_PTR64, OTAI_M_REL32, OTAI_M_RISCV, OTAI_M_X86,
    OTAI_M_COUNT
};

/* Kinds of references. */
enum otai_kind {
    OTAI_K_NONE, OTAI_K_POOL, OTAI_K_POOL_REL, OTAI_K_PTR32, OTAI_K_PTR64, OTAI_K_REL32,
    OTAI_K_T_BL, OTAI_K_T_BW, OTAI_K_T_B, OTAI_K_T_BCC, OTAI_K_T_CBZ, OTAI_K_T_LDR, OTAI_K_T_LDRW, OTAI_K_T_MOV,
    OTAI_K_A_B, OTAI_K_A_LDR, OTAI_K_A_ADR, OTAI_K_A_MOV,
    OTAI_K_B26, OTAI_K_B19, OTAI_K_B14, OTAI_K_ADRP, OTAI_K_LOW12, OTAI_K_ADR,
    OTAI_K_R_JAL, OTAI_K_R_B, OTAI_K_R_CJ, OTAI_K_R_CB, OTAI_K_R_HIGH, OTAI_K_R_LOW,
    OTAI_K_X_REL, OTAI_K_COUNT
};

#define OTAI_GROUP_MAX 8u
#define OTAI_LOOKAHEAD 48u

/* The bytes that are predicted at once: an instruction, a word, or a few bytes without a reference. */
struct otai_group {
    uint8_t len, kind, source;
    uint8_t arg;                       /* register, or where in the group the field is */
    uint8_t pred[OTAI_GROUP_MAX];
    uint32_t target, guess;            /* addresses, old and new, when kind has one */
};

/* A register that holds part of an address. */
struct otai_reg {
    uint32_t set_at;                   /* old offset of the instruction that set it, + 1; 0: none */
    uint32_t pc;                       /* of that instruction, in the new image */
    uint32_t old_part, target, guess;
    uint32_t new_part;
};

/* A literal that code met so far refers to. */
struct otai_pool {
    uint32_t off;                      /* old offset + 1; 0: none */
    uint32_t old_pc, new_pc;           /* of the addition that makes it relative; 0: an absolute word */
    uint8_t reg;
};
#define OTAI_POOLS 32u

struct otai_walk {
    uint32_t from, to, left;           /* next old and new offset, bytes left of this copy */
    uint32_t copy_from, copy_to, copy_len;
    uint8_t mode;
    uint8_t pool_next;
    struct otai_group group;
    struct otai_reg reg[32];
    struct otai_pool pool[OTAI_POOLS];
};

/* A piece of the old image that is held in memory. */
struct otai_window {
    struct ota_delta_base *base;
    uint64_t origin;                   /* of the offsets that are asked for */
    uint32_t limit;                    /* no offset at or beyond it exists */
    uint32_t off, len;
    uint8_t bytes[OTA_DELTA_READ_MAX];
};

/* Old bytes [off, off + want), fewer at the image's end: *len says how many. NULL when reading failed. */
const uint8_t *otai_window_at(struct otai_window *w, uint32_t off, size_t want, size_t *len, ota_err *err);

/* What all predictors may look at. */
struct otai_scene {
    struct otai_map map;
    struct otai_learned learned;
    struct otai_window window;
};

void otai_walk_copy(struct otai_walk *w, uint32_t from, uint32_t to, uint32_t len);
/* Predict the next group into w->group. Needs w->left > 0. */
OTA_MUST_CHECK ota_err otai_walk_next(struct otai_walk *w, struct otai_scene *s);
/* The group became these bytes: learn from them and go on. */
void otai_walk_took(struct otai_walk *w, struct otai_scene *s, const uint8_t *actual);

/* Where a target goes, and on what the answer rests. */
uint32_t otai_predict(const struct otai_walk *w, const struct otai_scene *s, uint32_t target, uint8_t *source);
void otai_learn(struct otai_scene *s, uint32_t target, uint32_t guess, uint32_t actual);

/* For each instruction set: recognise the instruction at p (n bytes can be seen, at least 1) and predict it. */
struct otai_sight {
    const uint8_t *p;
    size_t n;
    uint32_t old_pc, new_pc;           /* addresses of p */
};
void otai_thumb_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at);
void otai_arm_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at);
void otai_a64_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at);
void otai_riscv_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at);
void otai_x86_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at);
void otai_words_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at);
/* The new bytes of a group with a reference: its target, when they hold the same kind of reference. */
bool otai_thumb_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target);
bool otai_arm_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target);
bool otai_a64_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target);
bool otai_riscv_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target);
bool otai_x86_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target);
bool otai_words_took(const struct otai_walk *w, const struct otai_scene *s, const uint8_t *p, uint32_t pc, uint32_t *target);

/* ---- body: the syntax of the payload -------------------------------------------------------------------------------- */

/* What an encoder wants to send. All offsets are relative to the part's. */
struct otai_copy {
    uint32_t from, to, len;
};
struct otai_part {
    uint64_t origin;                   /* where in the old image this part's offsets begin */
    uint32_t old_len, out_len;
    uint32_t prime_off, prime_len;     /* old bytes to learn from before the first one is coded */
    struct otai_layout was, now;
    uint32_t count;                    /* copies in the map */
    uint32_t minors;                   /* copies outside of it */
    bool whole;                        /* the part is all of both images */
};
struct otai_script {
    const struct otai_part *part;      /* the current one */
    const struct otai_copy *map, *minor;
    const uint8_t *mode;               /* of each KiB of the part */
    const uint8_t *out;                /* the part's new bytes */
};

/* New bytes of one step: a unit of 64, whose last group may reach beyond it. */
#define OTAI_MADE_MAX (64u + OTAI_GROUP_MAX)

enum otai_phase { OTAI_P_PART, OTAI_P_LAYOUT, OTAI_P_MAP, OTAI_P_PRIME, OTAI_P_RUN, OTAI_P_END };

struct otai_body {
    struct otai_model model;
    struct otai_scene scene;
    struct otai_walk walk;
    const struct otai_script *script;  /* NULL in a decoder */
    uint64_t base_len, out_len, out_off;   /* of the whole images; out_off: where this part begins */
    struct otai_part part;
    uint32_t map_max;
    uint8_t phase;
    uint8_t layout_step;               /* LAYOUT: base address, segments, of the old one and then of the new one */
    uint32_t index;                    /* MAP: entries done; RUN: next entry */
    uint32_t at;                       /* RUN: new offset; PRIME: bytes done */
    uint32_t minor_index;              /* encoder */
    uint32_t gap_end;                  /* literals up to here; then a copy, a minor one if minor_len is not 0 */
    uint32_t minor_from, minor_len;
    uint32_t unit_end;                 /* RUN: the flag of the current unit holds up to here */
    uint32_t mode_block;               /* block whose mode is known, + 1 */
    bool unit_good;
    uint8_t unit_history, hit_history, unit_misses, group_at, group_misses;
    uint8_t last_diff[OTAI_K_COUNT];
    uint64_t seen;                     /* the last eight new bytes, the newest lowest */
    uint8_t made[OTAI_MADE_MAX];
    uint8_t made_len;
};

#define OTAI_LAYOUT_STEPS (OTAI_SPANS + 1u)

/*
 * More payload bytes than any step can take. A modelled decision takes at most 12.1 bits (its probability is 1/4096 or more), any
 * other one; a number is 10 of the former and 26 of the latter at most: 147 bits. The longest steps are a part's place (8 numbers
 * and 2 flags, 150 bytes) and a group of 8 bytes (6 flags, 8 hits and 8 bytes that missed, 118 bytes).
 */
#define OTAI_STEP_MAX 192u

void otai_body_init(struct otai_body *b);
/* One step: made_len new bytes, or none. OTA_DONE: all bytes of the image were made. REJECT_CORRUPT; a reading error. */
OTA_MUST_CHECK ota_err otai_body_step(struct otai_body *b);

#endif
