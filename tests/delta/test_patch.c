/* SPDX-License-Identifier: Apache-2.0 */
/* Patches do what they are for, however they are fed, saved and resumed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "patches.h"

static struct pair pair;
static uint8_t out[IMAGE_MAX + 16];

static void expect_new(const uint8_t *patch, size_t len, const struct feed *f)
{
    size_t made;

    memset(out, 0xee, sizeof out);
    assert_int_equal(patches_decode(&pair, patch, len, f, out, sizeof out, &made), OTA_DONE);
    assert_int_equal(made, pair.new_len);
    assert_memory_equal(out, pair.new, pair.new_len);
    assert_int_equal(out[made], 0xee);
}

static void every_flavour_and_memory(void **state)
{
    static const uint32_t memory[] = { 16384, 20000, 32768, 131072, 1048576 };

    (void)state;
    for (unsigned flavour = 0; flavour < FLAVOURS; flavour++)
        for (unsigned m = 0; m < 5; m++) {
            struct ota_delta_info info;

            patches_images(&pair, flavour, 120, 7 + flavour);
            patches_make(&pair, memory[m]);
            assert_int_equal(ota_delta_peek(&info, pair.patch.p, pair.patch.len), OTA_OK);
            assert_true(info.memory <= memory[m]);
            assert_true(info.patch_len == pair.patch.len && info.out_len == pair.new_len && info.base_len == pair.old_len);
            expect_new(pair.patch.p, pair.patch.len, &(struct feed){ 0 });
            assert_true(pair.patch.len < pair.new_len / 10);
            patches_free(&pair);
        }
}

static void lengths_around_nothing(void **state)
{
    static const uint32_t lens[] = { 0, 1, 2, 3, 7, 63, 64, 65, 1023, 1025 };

    (void)state;
    for (unsigned a = 0; a < 10; a++)
        for (unsigned b = 0; b < 10; b++) {
            patches_images(&pair, THUMB_CODE, 40, 3);
            pair.old_len = lens[a];
            pair.new_len = lens[b];
            patches_make(&pair, 16384);
            expect_new(pair.patch.p, pair.patch.len, &(struct feed){ 0 });
            expect_new(pair.patch.p, pair.patch.len, &(struct feed){ .in = 1, .out = 1 });
            patches_free(&pair);
        }
}

static void every_division_gives_the_same(void **state)
{
    (void)state;
    patches_images(&pair, THUMB_CODE, 60, 11);
    patches_make(&pair, 16384);
    for (size_t in = 1; in < 40; in++)
        for (size_t o = 1; o < 5000; o = o * 3 + 1)
            expect_new(pair.patch.p, pair.patch.len, &(struct feed){ .in = in, .out = o });
    for (size_t in = 1; in < pair.patch.len; in++)
        expect_new(pair.patch.p, pair.patch.len, &(struct feed){ .in = in });
    patches_free(&pair);
}

static void resumes_from_everywhere(void **state)
{
    (void)state;
    for (unsigned flavour = 0; flavour < FLAVOURS; flavour++) {
        patches_images(&pair, flavour, 80, 23);
        patches_make(&pair, 16384);
        expect_new(pair.patch.p, pair.patch.len, &(struct feed){ .in = 5, .out = 61, .save_every = 1 });
        expect_new(pair.patch.p, pair.patch.len, &(struct feed){ .out = 4096, .save_every = 4096 });
        expect_new(pair.patch.p, pair.patch.len, &(struct feed){ .in = 17, .out = 1000, .save_every = 3000 });
        patches_free(&pair);
    }
}

static void the_same_images_give_the_same_patch(void **state)
{
    struct bytes first;

    (void)state;
    patches_images(&pair, ARM_CODE, 100, 5);
    patches_make(&pair, 65536);
    first = pair.patch;
    patches_make(&pair, 65536);
    assert_int_equal(first.len, pair.patch.len);
    assert_memory_equal(first.p, pair.patch.p, first.len);
    free(first.p);
    patches_free(&pair);
}

/* References are predicted: a function that was inserted moves all others, and costs little more than itself. */
static void moved_code_costs_little(void **state)
{
    static const uint32_t most[FLAVOURS] = { 5000, 700, 800, 800, 800, 900 };

    (void)state;
    for (unsigned flavour = THUMB_CODE; flavour < FLAVOURS; flavour++) {
        patches_images(&pair, flavour, 250, 99);
        patches_make(&pair, 1 << 20);
        if (pair.patch.len > most[flavour])
            fail_msg("flavour %u: %zu bytes", flavour, pair.patch.len);
        patches_free(&pair);
    }
}


/* ---- code of 32-bit x86 ------------------------------------------------------------------------------------------------- */

#define CODE_AT 128u
#define FUNCTION_LEN 96u

static void put_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* Where function k begins, when some bytes were put in before the 100th. */
static uint32_t begin_of(uint32_t k, uint32_t more)
{
    return CODE_AT + k * FUNCTION_LEN + (k >= 100 ? more : 0);
}

/* An ELF file for `machine` with 200 functions that call one another. */
static uint32_t elf_of_calls(uint8_t *image, uint8_t machine, uint32_t more)
{
    static const uint8_t head[] = { 0x7f, 'E', 'L', 'F', 1, 1, 1 };
    uint32_t seed = 77, len = begin_of(200, more);

    memset(image, 0x90, len);
    memset(image, 0, CODE_AT);
    memcpy(image, head, sizeof head);
    image[16] = 3;
    image[18] = machine;
    image[28] = 52; /* the program headers: one of 32 bytes */
    image[42] = 32;
    image[44] = 1;
    image[52] = 1; /* loaded: all of the file at its offsets */
    put_le32(image + 52 + 16, len);
    put_le32(image + 52 + 20, len);
    for (uint32_t k = 0; k < 200; k++)
        for (uint32_t at = begin_of(k, more); at + 12 < begin_of(k, more) + FUNCTION_LEN; at += 12) {
            put_le32(image + at, patches_random(&seed));
            image[at + 4] = 0xe8;
            put_le32(image + at + 5, begin_of(patches_random(&seed) % 200, more) - (at + 9));
        }
    return len;
}

static size_t patch_of_calls(uint8_t machine)
{
    pair.old_len = elf_of_calls(pair.old, machine, 0);
    pair.new_len = elf_of_calls(pair.new, machine, 36);
    patches_make(&pair, 1u << 20);
    expect_new(pair.patch.p, pair.patch.len, &(struct feed){ .in = 1 });
    size_t len = pair.patch.len;
    patches_free(&pair);
    return len;
}

/* It was taken for no code that is known: an i386 library of 1.7 MB cost 10 % more. */
static void calls_of_i386_are_followed(void **state)
{
    enum { I386 = 3, MIPS = 8, X86_64 = 62 };

    (void)state;
    size_t known = patch_of_calls(I386);
    assert_true(known * 4 < patch_of_calls(MIPS));
    assert_int_equal(known, patch_of_calls(X86_64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flavour_and_memory),
        cmocka_unit_test(lengths_around_nothing),
        cmocka_unit_test(every_division_gives_the_same),
        cmocka_unit_test(resumes_from_everywhere),
        cmocka_unit_test(the_same_images_give_the_same_patch),
        cmocka_unit_test(moved_code_costs_little),
        cmocka_unit_test(calls_of_i386_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
