/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index of an image, integers little-endian:
 *
 *   0   4  magic "OTAX"
 *   4   1  version: 1. Another one is refused
 *   5   1  block: its binary logarithm, 8..16
 *   6   2  zero
 *   8   8  image length
 *   16  12 first bytes of the image's SHA-256
 *   28  4  CRC-32 of the 28 bytes before
 *   32  pages: at most 32 entries, in the order of the image's blocks (the last block may be short), then their CRC-32
 *
 * One entry: weak u32, strong 8.
 *   weak    a | b << 16, of the block's n bytes x[0]..x[n-1]: a = sum of x[i], b = sum of (n - i) x[i], both modulo 2^16
 *   strong  first bytes of the block's SHA-256
 */
#include "index.h"

#include <string.h>

#include "bytes.h"

#define VERSION 1u
#define HEAD_CRC 28u
#define DIGEST_AT 16u
#define DIGEST_LEN 12u
#define PAGE_LEN (OTAI_INDEX_PAGE * OTAI_INDEX_ENTRY)
#define CRC_LEN 4u
#define NONE UINT16_MAX
#define CAPACITY_MAX (UINT16_MAX / OTAI_INDEX_PAGE * OTAI_INDEX_PAGE)
/* Blocks of one window whose weak hash was right and whose strong one was not. From then on whole blocks are skipped: what
 * a strange index can cost is bounded. */
#define ALARMS_MAX 1024u
/* A window is looked for this many times its own length to either side of its place. */
#define REACH 8u

static uint64_t round_up(uint64_t v, uint32_t unit)
{
    uint64_t mask = unit - 1u;

    return (v + mask) & ~mask;
}

static uint64_t blocks_of(uint64_t length, uint32_t block)
{
    return length / block + (length % block != 0);
}

static uint64_t offset_of(uint64_t n)
{
    return OTAI_INDEX_HEAD + n * OTAI_INDEX_ENTRY + (n + OTAI_INDEX_PAGE - 1u) / OTAI_INDEX_PAGE * CRC_LEN;
}

uint64_t otai_index_len(uint64_t length, uint32_t block)
{
    return offset_of(blocks_of(length, block));
}

static size_t memory_for(uint32_t block, size_t entries)
{
    return 2u * (size_t)block + entries * (sizeof(struct otai_index_entry) + sizeof(uint16_t));
}

size_t otai_index_memory(uint32_t block)
{
    return memory_for(block, OTAI_INDEX_PAGE);
}

static bool block_ok(uint32_t block)
{
    return block >= OTAI_INDEX_BLOCK_MIN && block <= OTAI_INDEX_BLOCK_MAX && (block & (block - 1u)) == 0;
}

ota_err otai_index_open(struct otai_index *x, void *mem, size_t mem_len, uint64_t length, uint32_t block,
                        const uint8_t *sha256, struct ota_crypto *crypto)
{
    uint32_t buckets = OTAI_INDEX_PAGE;

    memset(x, 0, sizeof *x);
    if (!block_ok(block))
        return OTA_REJECT_VALUE;
    if (mem_len < otai_index_memory(block))
        return OTA_REJECT_LIMIT;
    size_t capacity = (mem_len - memory_for(block, 0)) / (sizeof(struct otai_index_entry) + sizeof(uint16_t));
    capacity = capacity < CAPACITY_MAX ? capacity / OTAI_INDEX_PAGE * OTAI_INDEX_PAGE : CAPACITY_MAX;
    while (buckets * 2u <= capacity)
        buckets *= 2u;
    x->crypto = crypto;
    x->sha256 = sha256;
    x->length = length;
    x->block = block;
    x->capacity = (uint32_t)capacity;
    x->entry = mem;
    x->head = (uint16_t *)(void *)(x->entry + capacity);
    x->head_mask = buckets - 1u;
    x->buf = (uint8_t *)(x->head + capacity);
    return OTA_OK;
}

void otai_index_window(struct otai_index *x, uint64_t n)
{
    uint64_t all = blocks_of(x->length, x->block);

    x->first = n / OTAI_INDEX_PAGE * OTAI_INDEX_PAGE;
    x->skip = (uint32_t)(n - x->first);
    x->count = 0;
    x->fill = x->unfound = x->alarms = 0;
    x->src = x->first ? offset_of(x->first) : 0;
    x->src_end = offset_of(all - x->first < x->capacity ? all : x->first + x->capacity);
    memset(x->head, 0xff, ((size_t)x->head_mask + 1u) * sizeof *x->head);
}

/* ---- the file ---- */

void otai_index_head(uint8_t out[OTAI_INDEX_HEAD], uint64_t length, uint32_t block, const uint8_t *sha256)
{
    memset(out, 0, OTAI_INDEX_HEAD);
    memcpy(out, "OTAX", 4);
    out[4] = VERSION;
    while (block >> out[5] > 1u)
        out[5]++;
    otai_put_le64(out + 8, length);
    memcpy(out + DIGEST_AT, sha256, DIGEST_LEN);
    otai_put_le32(out + HEAD_CRC, otai_crc32(0, out, HEAD_CRC));
}

/* All of it is known from signed metadata: it must say the same. */
static ota_err check_head(const struct otai_index *x, const char **where)
{
    uint8_t want[OTAI_INDEX_HEAD];

    otai_index_head(want, x->length, x->block, x->sha256);
    *where = "index.head";
    if (memcmp(x->buf, want, 4) == 0 && x->buf[4] != VERSION)
        return OTA_REJECT_SPEC;
    return memcmp(x->buf, want, sizeof want) == 0 ? OTA_OK : OTA_REJECT_VALUE;
}

static uint32_t bucket_of(const struct otai_index *x, uint32_t weak)
{
    return (weak * 0x9e3779b1u >> 16) & x->head_mask;
}

static void take_entry(struct otai_index *x, const uint8_t *p)
{
    uint32_t i = x->count++;
    struct otai_index_entry *e = &x->entry[i];

    e->weak = otai_get_le32(p);
    e->from = OTAI_INDEX_MISSING;
    memcpy(e->strong, p + 4, sizeof e->strong);
    if (i < x->skip || otai_index_block_len(x, i) < x->block)
        return;
    uint16_t *head = &x->head[bucket_of(x, e->weak)];
    e->next = *head;
    *head = (uint16_t)i;
    x->unfound++;
}

static ota_err take_page(struct otai_index *x, size_t len, const char **where)
{
    *where = "index.page";
    if (otai_crc32(0, x->buf, len - CRC_LEN) != otai_get_le32(x->buf + len - CRC_LEN))
        return OTA_REJECT_CORRUPT;
    for (size_t at = 0; at < len - CRC_LEN; at += OTAI_INDEX_ENTRY)
        take_entry(x, x->buf + at);
    return OTA_OK;
}

/* Bytes of the head or page under way. */
static size_t piece_len(const struct otai_index *x)
{
    uint64_t left = x->src_end - (x->src - x->fill);

    if (x->src - x->fill == 0)
        return OTAI_INDEX_HEAD;
    return left < PAGE_LEN + CRC_LEN ? (size_t)left : PAGE_LEN + CRC_LEN;
}

ota_err otai_index_add(struct otai_index *x, const uint8_t *p, size_t len, const char **where)
{
    ota_err err = OTA_OK;

    while (err == OTA_OK && len) {
        size_t piece = piece_len(x), take = len < piece - x->fill ? len : piece - x->fill;
        memcpy(x->buf + x->fill, p, take);
        p += take;
        len -= take;
        x->fill += take;
        x->src += take;
        if (x->fill < piece)
            break;
        err = x->src == OTAI_INDEX_HEAD ? check_head(x, where) : take_page(x, piece, where);
        x->fill = 0;
        if (err == OTA_OK && x->src == x->src_end)
            return OTA_DONE;
    }
    return err;
}

/* ---- hashes ---- */

static void sum_up(const uint8_t *p, size_t len, uint32_t *sum, uint32_t *weighted)
{
    uint32_t a = 0, b = 0;

    for (size_t i = 0; i < len; i++) {
        a += p[i];
        b += a;
    }
    *sum = a;
    *weighted = b;
}

static uint32_t weak_of(uint32_t sum, uint32_t weighted)
{
    return (sum & 0xffffu) | weighted << 16;
}

uint32_t otai_index_weak(const uint8_t *p, size_t len)
{
    uint32_t sum, weighted;

    sum_up(p, len, &sum, &weighted);
    return weak_of(sum, weighted);
}

ota_err otai_index_strong(struct ota_crypto *crypto, const uint8_t *p, size_t len, uint8_t out[OTAI_INDEX_STRONG])
{
    uint8_t digest[OTA_SHA256_LEN];
    struct ota_hash h;

    if (crypto->ops->hash_start(crypto, &h, OTA_SHA256) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    ota_err added = crypto->ops->hash_add(crypto, &h, p, len);
    if (crypto->ops->hash_end(crypto, &h, digest) != OTA_OK || added != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    memcpy(out, digest, OTAI_INDEX_STRONG);
    return OTA_OK;
}

/* ---- what is there already ---- */

void otai_index_look(struct otai_index *x, uint64_t at, uint32_t unit)
{
    x->base = at;
    x->unit = unit;
    x->fill = x->off = 0;
    x->stale = true;
}

uint64_t otai_index_reach(const struct otai_index *x, uint64_t size, uint64_t *from)
{
    uint64_t here = x->first * x->block, reach = (uint64_t)x->capacity * x->block * REACH;

    if (here > reach && *from < here - reach)
        *from = here - reach;
    return size > here && size - here > reach ? here + reach : size;
}

uint8_t *otai_index_room(const struct otai_index *x, size_t *cap)
{
    *cap = 2u * (size_t)x->block - x->fill;
    return x->buf + x->fill;
}

/* Will a block of the slot that is written be there still when entry i's turn comes? */
static bool lasts(const struct otai_index *x, uint32_t i, uint64_t at)
{
    return x->unit == 0 || at >= round_up((x->first + i) * x->block, x->unit);
}

/* Is what stands at buf[off] wanted? *jump: it is, or enough was tried. */
static ota_err try_here(struct otai_index *x, bool *jump)
{
    uint32_t weak = weak_of(x->sum, x->weighted);
    uint64_t at = x->base + x->off;
    uint8_t strong[OTAI_INDEX_STRONG];
    bool hashed = false;

    *jump = false;
    for (uint32_t i = x->head[bucket_of(x, weak)]; i != NONE; i = x->entry[i].next) {
        struct otai_index_entry *e = &x->entry[i];
        if (e->weak != weak || e->from != OTAI_INDEX_MISSING || !lasts(x, i, at))
            continue;
        ota_err err = hashed ? OTA_OK : otai_index_strong(x->crypto, x->buf + x->off, x->block, strong);
        if (err != OTA_OK)
            return err;
        hashed = true;
        if (memcmp(strong, e->strong, sizeof strong) != 0)
            continue;
        e->from = x->unit ? OTAI_INDEX_SPARE | at : at;
        x->unfound--;
        *jump = true;
    }
    if (hashed && !*jump)
        *jump = ++x->alarms > ALARMS_MAX;
    return OTA_OK;
}

/* Move to the next place that is to be tried. false: its bytes are not all there yet. */
static bool advance(struct otai_index *x)
{
    size_t there = x->fill - x->off;

    if (x->stale) {
        if (there < x->block)
            return false;
        sum_up(x->buf + x->off, x->block, &x->sum, &x->weighted);
        x->stale = false;
        return true;
    }
    if (there <= x->block)
        return false;
    x->sum += (uint32_t)x->buf[x->off + x->block] - x->buf[x->off];
    x->weighted += x->sum - x->block * x->buf[x->off];
    x->off++;
    return true;
}

ota_err otai_index_looked(struct otai_index *x, size_t len)
{
    bool jump;

    x->fill += len;
    while (x->unfound && advance(x)) {
        ota_err err = try_here(x, &jump);
        if (err != OTA_OK)
            return err;
        if (jump) {
            x->off += x->block;
            x->stale = true;
        }
    }
    x->fill -= x->off;
    x->base += x->off;
    memmove(x->buf, x->buf + x->off, x->fill);
    x->off = 0;
    return OTA_OK;
}

/* ---- one after the other ---- */

size_t otai_index_block_len(const struct otai_index *x, uint32_t i)
{
    uint64_t left = x->length - (x->first + i) * x->block;

    return left < x->block ? (size_t)left : x->block;
}

ota_err otai_index_check(const struct otai_index *x, uint32_t i, const uint8_t *p)
{
    uint8_t strong[OTAI_INDEX_STRONG];
    ota_err err = otai_index_strong(x->crypto, p, otai_index_block_len(x, i), strong);

    if (err != OTA_OK)
        return err;
    return memcmp(strong, x->entry[i].strong, sizeof strong) == 0 ? OTA_OK : OTA_REJECT_HASH;
}

void otai_index_lost(struct otai_index *x, uint32_t i)
{
    x->entry[i].from = OTAI_INDEX_MISSING;
}

uint64_t otai_index_missing(const struct otai_index *x, uint32_t i)
{
    uint64_t bytes = 0;

    for (; i < x->count; i++)
        bytes += x->entry[i].from == OTAI_INDEX_MISSING ? otai_index_block_len(x, i) : 0;
    return bytes;
}

uint32_t otai_index_run(const struct otai_index *x, uint32_t i, uint32_t gap)
{
    uint32_t end = i + 1u;

    for (uint32_t k = end; k < x->count && (uint64_t)(k - end) * x->block <= gap; k++)
        if (x->entry[k].from == OTAI_INDEX_MISSING)
            end = k + 1u;
    return end;
}
