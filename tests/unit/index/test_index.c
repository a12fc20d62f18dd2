/* SPDX-License-Identifier: Apache-2.0 */
/* The index's engine against images that are made, cut and moved here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "index.h"
#include "ota/posix.h"

#define BLOCK 512u
#define MAX (400u * BLOCK)
#define FILE_MAX (OTAI_INDEX_HEAD + 400u * OTAI_INDEX_ENTRY + 13u * 4u)

static struct otai_index x;
static _Alignas(16) uint8_t memory[64 * 1024];
static uint8_t image[MAX], old[MAX], file[FILE_MAX];
static size_t file_len;
static const uint8_t digest[OTA_SHA256_LEN] = { 1, 2, 3 };
static struct ota_crypto *real;

/* A crypto service that fails when it is told to. */
static unsigned fail_start, fail_add, fail_end, hashes;

static bool now(unsigned *n)
{
    return *n && --*n == 0;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    hashes++;
    return now(&fail_start) ? OTA_DEVICE_CRYPTO : real->ops->hash_start(real, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return now(&fail_add) ? OTA_DEVICE_CRYPTO : real->ops->hash_add(real, h, data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    ota_err err = real->ops->hash_end(real, h, out);

    (void)c;
    return now(&fail_end) ? OTA_DEVICE_CRYPTO : err;
}

static const struct ota_crypto_ops ops = { .hash_start = hash_start, .hash_add = hash_add, .hash_end = hash_end };
static struct ota_crypto crypto = { &ops };

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(seed >> 24);
    }
}

/* The file, by the specification. */
static void make(size_t len)
{
    size_t at = OTAI_INDEX_HEAD, page = at, n = 0;

    otai_index_head(file, len, BLOCK, digest);
    for (size_t off = 0; off < len; off += BLOCK) {
        size_t size = len - off < BLOCK ? len - off : BLOCK;
        otai_put_le32(file + at, otai_index_weak(image + off, size));
        assert_int_equal(otai_index_strong(&crypto, image + off, size, file + at + 4), OTA_OK);
        at += OTAI_INDEX_ENTRY;
        if (++n % OTAI_INDEX_PAGE && off + BLOCK < len)
            continue;
        otai_put_le32(file + at, otai_crc32(0, file + page, at - page));
        page = at += 4;
    }
    file_len = at;
    assert_true(file_len == otai_index_len(len, BLOCK));
}

static int setup(void **state)
{
    static struct ota_posix_crypto posix;

    (void)state;
    fail_start = fail_add = fail_end = hashes = 0;
    if (!real) {
        assert_int_equal(ota_posix_crypto_open(&posix, NULL, NULL), OTA_OK);
        real = &posix.port;
    }
    fill(image, sizeof image, 1);
    fill(old, sizeof old, 2);
    return 0;
}

static void open_index(size_t len, size_t mem)
{
    make(len);
    assert_int_equal(otai_index_open(&x, memory, mem, len, BLOCK, digest, &crypto), OTA_OK);
}

/* In pieces of this size. */
static ota_err load(uint64_t n, size_t piece)
{
    const char *where = NULL;
    ota_err err = OTA_OK;

    otai_index_window(&x, n);
    while (err == OTA_OK) {
        size_t left = (size_t)(x.src_end - x.src);
        err = otai_index_add(&x, file + x.src, left < piece ? left : piece, &where);
    }
    assert_true(err == OTA_DONE || where);
    return err;
}

static ota_err look_at(const uint8_t *p, size_t len, uint64_t at, uint32_t unit, size_t piece)
{
    ota_err err = OTA_OK;
    size_t cap;

    otai_index_look(&x, at, unit);
    for (size_t off = (size_t)at; off < len && x.unfound && err == OTA_OK;) {
        uint8_t *to = otai_index_room(&x, &cap);
        size_t n = len - off < cap ? len - off : cap;
        n = n < piece ? n : piece;
        assert_true(n > 0);
        memcpy(to, p + off, n);
        err = otai_index_looked(&x, n);
        off += n;
    }
    return err;
}

/* Everything that was found is there. */
static uint32_t found(const uint8_t *p, uint64_t flag)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < x.count; i++) {
        if (x.entry[i].from == OTAI_INDEX_MISSING || (x.entry[i].from & OTAI_INDEX_SPARE) != flag)
            continue;
        assert_memory_equal(p + (x.entry[i].from & ~OTAI_INDEX_SPARE), image + (x.first + i) * BLOCK, BLOCK);
        n++;
    }
    return n;
}

static void the_weak_hash_is_what_the_specification_says(void **state)
{
    static const uint8_t p[3] = { 5, 7, 255 };

    (void)state;
    assert_int_equal(otai_index_weak(p, 3), 267u | (3u * 5 + 2 * 7 + 255) << 16);
    assert_int_equal(otai_index_weak(p, 0), 0);
}

static void blocks_are_found_wherever_they_are(void **state)
{
    static const size_t shifts[] = { 0, 1, 511, 512, 513, 7777 }, pieces[] = { 1, 100, 512, 1024 };

    (void)state;
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++)
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            setup(NULL);
            open_index(100 * BLOCK + 17, sizeof memory);
            assert_int_equal(load(0, pieces[k]), OTA_DONE);
            assert_true(x.count == 101 && x.unfound == 100);
            memcpy(old + shifts[i], image, 100 * BLOCK);
            old[shifts[i] + 50 * BLOCK] ^= 1;
            assert_int_equal(look_at(old, 120 * BLOCK, 0, 0, pieces[k]), OTA_OK);
            assert_int_equal(found(old, 0), 99);
            assert_int_equal(x.entry[50].from, OTAI_INDEX_MISSING);
            assert_int_equal(x.entry[100].from, OTAI_INDEX_MISSING); /* short */
            assert_true(otai_index_missing(&x, 0) == BLOCK + 17 && otai_index_missing(&x, 51) == 17);
        }
}

/* Equal blocks are one search, and a search ends when nothing is missing. */
static void equal_blocks_are_found_at_once(void **state)
{
    (void)state;
    memset(image, 0, 90 * BLOCK);
    memset(old, 0, 10 * BLOCK);
    open_index(90 * BLOCK, sizeof memory);
    assert_int_equal(load(0, 4096), OTA_DONE);
    hashes = 0;
    assert_int_equal(look_at(old, 20 * BLOCK, 0, 0, 600), OTA_OK);
    assert_int_equal(found(old, 0), 90);
    assert_int_equal(hashes, 1);
}

static void windows_begin_with_any_block(void **state)
{
    size_t mem = otai_index_memory(BLOCK);

    (void)state;
    open_index(300 * BLOCK, mem);
    assert_int_equal(x.capacity, OTAI_INDEX_PAGE);
    for (uint64_t n = 0; n < 300; n++) {
        assert_int_equal(load(n, 100), OTA_DONE);
        assert_true(x.first == n / 32 * 32 && x.skip == n % 32 && x.count == (n < 288 ? 32u : 12u) && x.unfound == x.count - x.skip);
        assert_true(x.entry[x.skip].weak == otai_index_weak(image + n * BLOCK, BLOCK));
        assert_int_equal(otai_index_check(&x, x.skip, image + n * BLOCK), OTA_OK);
        assert_int_equal(otai_index_check(&x, x.skip, old), OTA_REJECT_HASH);
    }
    assert_int_equal(look_at(image, 300 * BLOCK, 0, 0, 512), OTA_OK);
    assert_true(x.first == 288 && found(image, 0) == 1);
}

/* In the slot that is written, what stands before a block's place is gone by its turn, and so is the unit around it. */
static void what_will_be_overwritten_does_not_count(void **state)
{
    static const uint32_t units[] = { 1, 16, 512, 2048 };

    (void)state;
    for (size_t k = 0; k < 4; k++)
        for (int shift = -3; shift <= 3; shift++) {
            setup(NULL);
            open_index(64 * BLOCK, sizeof memory);
            assert_int_equal(load(0, 4096), OTA_DONE);
            memcpy(old + 4 * BLOCK + shift * 100, image + 4 * BLOCK, 20 * BLOCK);
            assert_int_equal(look_at(old, 64 * BLOCK, 0, units[k], 1000), OTA_OK);
            uint32_t n = found(old, OTAI_INDEX_SPARE);
            for (uint32_t i = 0; i < 64; i++)
                if (x.entry[i].from != OTAI_INDEX_MISSING)
                    assert_true((x.entry[i].from & ~OTAI_INDEX_SPARE) >= ((uint64_t)i * BLOCK + units[k] - 1) / units[k] * units[k]);
            assert_int_equal(n, shift < 0 ? 0 : units[k] <= 512 ? 20 : shift == 0 ? 5 : 5);
        }
}

static void runs_bridge_small_gaps(void **state)
{
    static const uint8_t there[] = { 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1 };
    static const struct { uint32_t from, gap, end; } rows[] = {
        { 0, 0, 1 }, { 0, 511, 1 }, { 0, 512, 3 }, { 0, 1023, 3 }, { 0, 1024, 6 }, { 0, 1536, 11 }, { 2, 1024, 6 }, { 9, 0, 11 },
        { 10, 9999, 11 }, { 9, 9999, 11 },
    };

    (void)state;
    open_index(12 * BLOCK, sizeof memory);
    assert_int_equal(load(0, 4096), OTA_DONE);
    for (uint32_t i = 0; i < 12; i++)
        x.entry[i].from = there[i] ? 0 : OTAI_INDEX_MISSING;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(otai_index_run(&x, rows[i].from, rows[i].gap), rows[i].end);
    otai_index_lost(&x, 11);
    assert_int_equal(otai_index_run(&x, 9, 0), 12);
}

static void every_bit_of_the_file_counts(void **state)
{
    (void)state;
    open_index(70 * BLOCK + 1, sizeof memory);
    for (size_t bit = 0; bit < file_len * 8; bit++) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ota_err err = load(0, 300);
        ota_err want = bit / 8 >= OTAI_INDEX_HEAD ? OTA_REJECT_CORRUPT : bit / 8 == 4 ? OTA_REJECT_SPEC : OTA_REJECT_VALUE;
        assert_int_equal(err, want);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(load(0, 300), OTA_DONE);
}

static void what_cannot_be(void **state)
{
    static const uint32_t bad[] = { 0, 1, 128, 513, 131072, 0x80000000u };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(otai_index_open(&x, memory, sizeof memory, 1000, bad[i], digest, &crypto), OTA_REJECT_VALUE);
    assert_int_equal(otai_index_open(&x, memory, otai_index_memory(4096) - 1, 1000, 4096, digest, &crypto), OTA_REJECT_LIMIT);
    assert_int_equal(otai_index_open(&x, memory, otai_index_memory(4096), 1000, 4096, digest, &crypto), OTA_OK);
    assert_true(otai_index_len(1, 512) == 48 && otai_index_len(512 * 32, 512) == 420 && otai_index_len(512 * 32 + 1, 512) == 436);
    assert_true(otai_index_len(INT64_MAX, 512) == 32 + (1ull << 54) * 12 + (1ull << 49) * 4);
}

/* Windows of 32 blocks of 512 bytes reach 131,072 bytes to either side. */
static void a_slot_is_looked_at_around_the_window(void **state)
{
    static const struct { uint64_t n, size, from, want_from, want_end; } rows[] = {
        { 0, 1000, 0, 0, 1000 }, { 0, 131072, 0, 0, 131072 }, { 0, 131073, 0, 0, 131072 }, { 320, 100000, 0, 32768, 100000 },
        { 320, 200000, 0, 32768, 200000 }, { 320, 900000, 0, 32768, 294912 }, { 320, 900000, 163840, 163840, 294912 },
        { 320, 900000, 40000, 40000, 294912 }, { 256, 900000, 0, 0, 262144 },
    };

    (void)state;
    open_index(MAX, otai_index_memory(BLOCK));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t from = rows[i].from;
        otai_index_window(&x, rows[i].n);
        assert_true(otai_index_reach(&x, rows[i].size, &from) == rows[i].want_end && from == rows[i].want_from);
    }
}

/* Weak hashes that are right and strong ones that are not: the work is bounded. */
static void false_alarms_are_bounded(void **state)
{
    size_t len = 300 * BLOCK;

    (void)state;
    memset(image, 7, BLOCK);
    memset(old, 7, len);
    open_index(len, sizeof memory);
    file[OTAI_INDEX_HEAD + 4] ^= 1;
    otai_put_le32(file + OTAI_INDEX_HEAD + 32 * 12, otai_crc32(0, file + OTAI_INDEX_HEAD, 32 * 12));
    assert_int_equal(load(0, 4096), OTA_DONE);
    hashes = 0;
    assert_int_equal(look_at(old, len, 0, 0, 1000), OTA_OK);
    assert_int_equal(found(old, 0), 0);
    assert_in_range(hashes, 1024, 1024 + 300);
}

static void a_crypto_service_that_fails(void **state)
{
    (void)state;
    open_index(20 * BLOCK, sizeof memory);
    assert_int_equal(load(0, 4096), OTA_DONE);
    fail_start = 3;
    assert_int_equal(look_at(image, 20 * BLOCK, 0, 0, 512), OTA_DEVICE_CRYPTO);
    fail_add = 1;
    assert_int_equal(otai_index_check(&x, 1, image + BLOCK), OTA_DEVICE_CRYPTO);
    fail_end = 1;
    assert_int_equal(otai_index_check(&x, 1, image + BLOCK), OTA_DEVICE_CRYPTO);
    assert_int_equal(otai_index_check(&x, 1, image + BLOCK), OTA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_weak_hash_is_what_the_specification_says, setup),
        cmocka_unit_test_setup(blocks_are_found_wherever_they_are, setup),
        cmocka_unit_test_setup(equal_blocks_are_found_at_once, setup),
        cmocka_unit_test_setup(windows_begin_with_any_block, setup),
        cmocka_unit_test_setup(what_will_be_overwritten_does_not_count, setup),
        cmocka_unit_test_setup(runs_bridge_small_gaps, setup),
        cmocka_unit_test_setup(every_bit_of_the_file_counts, setup),
        cmocka_unit_test_setup(what_cannot_be, setup),
        cmocka_unit_test_setup(a_slot_is_looked_at_around_the_window, setup),
        cmocka_unit_test_setup(false_alarms_are_bounded, setup),
        cmocka_unit_test_setup(a_crypto_service_that_fails, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
