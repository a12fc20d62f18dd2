/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes. Bytes 0..4: log2 of the block less 7, blocks of the image, bytes of its last block, piece, spare; from 5 on half
 * the input is the index's file, as far as it goes, and all of it is the slot that is looked through. What was found must be
 * where it was found, and no check may be wrong about it. An index whose checksums are wrong is looked at with right ones.
 */
#include "index.h"

#include "bytes.h"
#include "tuf_fuzz_crypto.h"

#define FILE_MAX 4096u

static _Alignas(16) uint8_t memory[256 * 1024];
static uint8_t file[FILE_MAX];

/* As much as is needed to tell blocks apart, and quick: false alarms are what costs most here. */
static ota_err sum_words(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t word;

    (void)c;
    for (; len >= sizeof word; p += sizeof word, len -= sizeof word) {
        memcpy(&word, p, sizeof word);
        fuzz_sum(h)[0] = (fuzz_sum(h)[0] ^ word) * 1099511628211u;
    }
    return fuzz_ops.hash_add(c, h, p, len);
}

static void require(bool good)
{
    if (!good)
        abort();
}

/* The checksums of whole pages are made right, and so is the head. */
static void mend(uint64_t length, uint32_t block, size_t file_len, const uint8_t *digest)
{
    otai_index_head(file, length, block, digest);
    for (size_t at = OTAI_INDEX_HEAD; at < file_len;) {
        size_t n = file_len - at < 388 ? file_len - at : 388;
        otai_put_le32(file + at + n - 4, otai_crc32(0, file + at, n - 4));
        at += n;
    }
}

static ota_err load(struct otai_index *x, uint64_t n, size_t piece)
{
    const char *where = NULL;
    ota_err err = OTA_OK;

    otai_index_window(x, n);
    while (err == OTA_OK) {
        size_t left = (size_t)(x->src_end - x->src);
        require(left > 0 && x->src_end <= FILE_MAX);
        err = otai_index_add(x, file + x->src, left < piece ? left : piece, &where);
        require(err == OTA_OK || err == OTA_DONE || (ota_err_class(err) == OTA_CLASS_REJECT && where));
    }
    return err;
}

static void search(struct otai_index *x, const uint8_t *slot, size_t len, uint32_t unit, size_t piece)
{
    size_t cap;

    otai_index_look(x, 0, unit);
    for (size_t off = 0; off < len && x->unfound;) {
        uint8_t *to = otai_index_room(x, &cap);
        size_t n = len - off < cap ? len - off : cap;
        n = n < piece ? n : piece;
        require(n > 0);
        memcpy(to, slot + off, n);
        require(otai_index_looked(x, n) == OTA_OK);
        off += n;
    }
    for (uint32_t i = 0; i < x->count; i++) {
        uint64_t from = x->entry[i].from;
        if (from == OTAI_INDEX_MISSING) {
            uint32_t end = otai_index_run(x, i, unit);
            require(end > i && end <= x->count && otai_index_missing(x, i) >= 1);
            continue;
        }
        require((from & ~OTAI_INDEX_SPARE) + x->block <= len && otai_index_block_len(x, i) == x->block);
        require(otai_index_check(x, i, slot + (from & ~OTAI_INDEX_SPARE)) == OTA_OK);
        require(!unit || (from & ~OTAI_INDEX_SPARE) >= (x->first + i) * x->block);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digest[OTA_SHA256_LEN] = { 7 };
    static const struct ota_crypto_ops ops = { .hash_start = fuzz_hash_start, .hash_add = sum_words, .hash_end = fuzz_hash_end };
    struct ota_crypto crypto = { &ops };
    struct otai_index x;

    if (size < 6)
        return 0;
    uint32_t block = 1u << (7 + data[0] % 10), unit = data[4] % 2 ? 1u << data[4] % 12 : 0;
    uint64_t length = (uint64_t)(data[1] % 200) * block + data[2] + 1u;
    size_t piece = (size_t)data[3] + 1, half = (size - 5) / 2;
    ota_err err = otai_index_open(&x, memory, data[4] % 4 ? sizeof memory : otai_index_memory(512), length, block, digest, &crypto);

    require(err == OTA_OK || err == OTA_REJECT_VALUE || err == OTA_REJECT_LIMIT);
    if (err != OTA_OK)
        return 0;
    size_t file_len = (size_t)otai_index_len(length, block);
    memset(file, 0, sizeof file);
    memcpy(file, data + 5, half < file_len ? half : file_len);
    if (load(&x, 0, piece) != OTA_DONE)
        mend(length, block, file_len, digest);
    for (uint64_t n = 0; n * block < length; n = x.first + x.count) {
        if (load(&x, n, piece) != OTA_DONE)
            abort();
        require(x.count > 0 && x.count <= x.capacity);
        search(&x, data + 5, size - 5, unit, piece * 8);
    }
    return 0;
}
