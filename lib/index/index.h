/* SPDX-License-Identifier: Apache-2.0 */
/* Index of an image: a short and a longer hash of each of its blocks, from which a device finds out what it holds already,
 * whatever version that comes from. No I/O: bytes in, places out. One window of the index is in memory at a time. */
#ifndef OTAI_INDEX_H
#define OTAI_INDEX_H

#include "ota/port_crypto.h"
#include "ota/records.h"

#define OTAI_INDEX_HEAD 32u
#define OTAI_INDEX_ENTRY 12u
#define OTAI_INDEX_STRONG 8u
#define OTAI_INDEX_PAGE 32u                /* entries between two checksums */
#define OTAI_INDEX_BLOCK_MIN 256u
#define OTAI_INDEX_BLOCK_MAX 65536u
#define OTAI_INDEX_MISSING UINT64_MAX
#define OTAI_INDEX_SPARE (1ull << 63)      /* in a place: it is in the slot that is written */

struct otai_index_entry {
    uint64_t from;                         /* where the block is, MISSING, or SPARE | where */
    uint32_t weak;
    uint16_t next;                         /* of the same bucket */
    uint8_t strong[OTAI_INDEX_STRONG];
};

/* Fields are read by the owner, written only by index.c. */
struct otai_index {
    struct ota_crypto *crypto;
    const uint8_t *sha256;                 /* of the image */
    uint64_t length;                       /* of the image */
    uint64_t first;                        /* block of entry[0]: a multiple of OTAI_INDEX_PAGE */
    uint64_t src;                          /* index byte that otai_index_add wants next ... */
    uint64_t src_end;                      /* ... up to here */
    uint32_t block;
    uint32_t capacity, count;              /* entries that fit, and that are there */
    uint32_t skip;                         /* entries before these are not looked for */
    uint32_t unfound;                      /* whole blocks that were not found yet */
    struct otai_index_entry *entry;
    uint16_t *head;                        /* buckets */
    uint32_t head_mask;
    uint8_t *buf;                          /* two blocks: page of the index, bytes that are looked through, block under way */
    size_t fill, off;                      /* of buf; where the look is */
    uint64_t base;                         /* slot offset of buf[0] */
    uint32_t unit;                         /* > 0: the slot that is written is looked through; its units */
    uint32_t sum, weighted;                /* of the block at buf[off] ... */
    bool stale;                            /* ... but for a jump */
    uint32_t alarms;
};

/* Bytes of memory that a device needs at least for blocks of this size, and bytes of the index's file. */
size_t otai_index_memory(uint32_t block);
uint64_t otai_index_len(uint64_t length, uint32_t block);

/* Begin. sha256 outlives it. OTA_OK; REJECT_VALUE (block); REJECT_LIMIT (mem_len). */
OTA_MUST_CHECK ota_err otai_index_open(struct otai_index *x, void *mem, size_t mem_len, uint64_t length, uint32_t block,
                                       const uint8_t *sha256, struct ota_crypto *crypto);

/* A window that begins with the page of block `n`, which must exist. x->src .. x->src_end are the bytes to add. */
void otai_index_window(struct otai_index *x, uint64_t n);
/* OTA_OK: go on. OTA_DONE: the window is there; none of its blocks was found yet. REJECT_SPEC, REJECT_VALUE (head),
 * REJECT_CORRUPT (checksum). *where names the field. */
OTA_MUST_CHECK ota_err otai_index_add(struct otai_index *x, const uint8_t *p, size_t len, const char **where);

/* Look through a slot from `at` on: put bytes where there is room and say how many. unit > 0: it is the slot that is
 * written, in such units: what stands before the place of a block will be gone when its turn comes. Stop when nothing is
 * unfound any more. */
void otai_index_look(struct otai_index *x, uint64_t at, uint32_t unit);
uint8_t *otai_index_room(const struct otai_index *x, size_t *cap);
OTA_MUST_CHECK ota_err otai_index_looked(struct otai_index *x, size_t len);
/* From where to where a slot of this size is worth a look: not everywhere, so that what all windows of an image cost grows
 * with its length and not with its square. *from may be raised. */
uint64_t otai_index_reach(const struct otai_index *x, uint64_t size, uint64_t *from);

/* Of entry i of the window: bytes of its block; whether p holds it (OTA_OK, REJECT_HASH, DEVICE_CRYPTO). */
size_t otai_index_block_len(const struct otai_index *x, uint32_t i);
OTA_MUST_CHECK ota_err otai_index_check(const struct otai_index *x, uint32_t i, const uint8_t *p);
/* It is not where it was found. */
void otai_index_lost(struct otai_index *x, uint32_t i);
/* Bytes of entries i.. that are missing, and the entry behind those that one request shall bring: it bridges up to `gap`
 * bytes that are not missing. Entry i is missing. */
uint64_t otai_index_missing(const struct otai_index *x, uint32_t i);
uint32_t otai_index_run(const struct otai_index *x, uint32_t i, uint32_t gap);

/* What makers and readers of the file share. head: NULL, or the name of what is wrong with it. */
uint32_t otai_index_weak(const uint8_t *p, size_t len);
OTA_MUST_CHECK ota_err otai_index_strong(struct ota_crypto *crypto, const uint8_t *p, size_t len, uint8_t out[OTAI_INDEX_STRONG]);
void otai_index_head(uint8_t out[OTAI_INDEX_HEAD], uint64_t length, uint32_t block, const uint8_t *sha256);

#endif
