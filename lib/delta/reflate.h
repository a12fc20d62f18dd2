/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compress as zlib or gzip did, bit for bit: the matches that their deflate would find, in the blocks that it would make
 * (RFC 1951 leaves both to the compressor). It is not linked from zlib, because what zlib's own compressor gives is promised
 * for no other version of it, and gzip's differs from all of them.
 */
#ifndef OTAI_REFLATE_H
#define OTAI_REFLATE_H

#include "bytes.h"
#include "ota/records.h"

#define OTAI_REFLATE_HALF 32768u              /* distance that deflate can reach, and half of the window */
#define OTAI_REFLATE_WINDOW (2 * OTAI_REFLATE_HALF)
#define OTAI_REFLATE_LEVEL_MIN 4u             /* those that look one byte ahead before they take a match */
#define OTAI_REFLATE_LEVEL_MAX 9u
#define OTAI_REFLATE_HASH_MAX 16u
#define OTAI_REFLATE_SYMBOLS_MAX 15u

#define OTAI_LIT_CODES 288u
#define OTAI_DIST_CODES 30u
#define OTAI_LEN_CODES 19u
#define OTAI_TREE_NODES 573u

/* How it was compressed. */
struct otai_reflate_way {
    uint8_t level;                 /* 4..9 */
    uint8_t hash_log2;             /* of the hash table: 15 or 16 */
    uint8_t symbols_log2;          /* of the symbols of a block: 14 or 15 */
    bool early;                    /* gzip: a block that compresses well is ended early */
};

struct otai_code {
    uint16_t bits[OTAI_LIT_CODES];
    uint8_t len[OTAI_LIT_CODES];
};

/* Huffman codes under construction. */
struct otai_tree {
    uint16_t freq[OTAI_TREE_NODES], parent[OTAI_TREE_NODES], heap[OTAI_TREE_NODES];
    uint8_t depth[OTAI_TREE_NODES], len[OTAI_TREE_NODES];
    uint32_t heap_len, heap_max;
};

enum otai_reflate_phase { OTAI_RF_MATCH, OTAI_RF_ORDER, OTAI_RF_LENS, OTAI_RF_SYMBOLS, OTAI_RF_STORED, OTAI_RF_END };

struct otai_reflate {
    struct otai_reflate_way way;
    /* The caller's memory. */
    uint8_t *window, *length;      /* OTAI_REFLATE_WINDOW; a symbol's length - 3, or its byte */
    uint16_t *prev, *head, *distance;   /* OTAI_REFLATE_HALF; 2^hash_log2; a symbol's distance, 0: a byte */
    /* The search. Positions in the window; 0 also means none. */
    uint32_t at, ahead, match_at, match_len;
    int32_t block_at;              /* negative: the block's begin left the window */
    uint64_t left;                 /* bytes that will still come */
    bool pending;                  /* the byte before `at` awaits its fate */
    bool ended;                    /* no more input is looked for */
    uint32_t symbols, copies;      /* of the block so far */
    uint32_t copy_bits;            /* gzip's estimate of what the block's distances take */
    /* A block on its way out. */
    uint8_t phase;
    bool last;
    uint32_t emit_at, emit_end;
    uint64_t bits;                 /* not yet given out, the first one lowest */
    uint32_t bit_count;
    uint16_t order_count;
    uint16_t runs;
    uint8_t run[2 * (OTAI_LIT_CODES + OTAI_DIST_CODES)];   /* code lengths: a symbol and its extra bits */
    struct otai_code lit;
    uint16_t dist_bits[OTAI_DIST_CODES], len_bits[OTAI_LEN_CODES];
    uint8_t dist_len[OTAI_DIST_CODES], len_len[OTAI_LEN_CODES];
    struct otai_tree tree;
};

bool otai_reflate_way_ok(const struct otai_reflate_way *w);
/* Memory behind the struct for ways up to these tables. */
size_t otai_reflate_memory(unsigned hash_log2, unsigned symbols_log2);
void otai_reflate_attach(struct otai_reflate *r, uint8_t *mem, unsigned hash_log2, unsigned symbols_log2);
/* A stream of `len` bytes. The memory is attached. */
void otai_reflate_begin(struct otai_reflate *r, const struct otai_reflate_way *way, uint64_t len);
/* Take input, at least one byte unless output is due, and give output. OTA_DONE: the stream is complete and given out. */
ota_err otai_reflate_push(struct otai_reflate *r, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t cap, size_t *made);

/* No index in what was read from a saved state points outside. */
bool otai_reflate_plausible(const struct otai_reflate *r);

/* ---- between the search and the coding ------------------------------------------------------------------------------- */

/* Code the symbols of a block; `bytes` are its own `len` bytes, NULL when they left the window. */
void otai_reflate_block(struct otai_reflate *r, const uint8_t *bytes, uint32_t len, bool last);
/* Give out what is due of the block. true: all of it */
bool otai_reflate_emit(struct otai_reflate *r, uint8_t *out, size_t cap, size_t *made);
unsigned otai_reflate_distance_code(uint32_t distance);
unsigned otai_reflate_distance_extra(unsigned code);

#endif
