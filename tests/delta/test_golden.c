/* SPDX-License-Identifier: Apache-2.0 */
/* A patch that version 1 of the format made: it must give the same image for ever. `delta_golden --make` prints one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "patches.h"

static struct pair pair;
static uint8_t out[IMAGE_MAX], patch[IMAGE_MAX];

static const struct { enum flavour flavour; const char *file; } rows[] = {
    { PLAIN_DATA, GOLDEN_DIR "/patch-1-data.hex" }, { THUMB_CODE, GOLDEN_DIR "/patch-1-thumb.hex" },
    { ARM_CODE, GOLDEN_DIR "/patch-1-arm.hex" },    { A64_CODE, GOLDEN_DIR "/patch-1-a64.hex" },
    { RISCV_CODE, GOLDEN_DIR "/patch-1-riscv.hex" }, { X86_CODE, GOLDEN_DIR "/patch-1-x86.hex" },
};

static size_t read_hex(const char *name)
{
    FILE *f = fopen(name, "r");
    size_t n = 0;
    unsigned byte;

    assert_non_null(f);
    while (n < sizeof patch && fscanf(f, "%2x", &byte) == 1)
        patch[n++] = (uint8_t)byte;
    (void)fclose(f);
    return n;
}

static void version_1_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t made, len = read_hex(rows[i].file);

        patches_images(&pair, rows[i].flavour, 50, 77);
        assert_int_equal(patches_decode(&pair, patch, len, &(struct feed){ .in = 33 }, out, sizeof out, &made), OTA_DONE);
        assert_int_equal(made, pair.new_len);
        assert_memory_equal(out, pair.new, made);
    }
}

static int make(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        FILE *f = fopen(rows[i].file, "w");

        if (!f)
            return 1;
        patches_images(&pair, rows[i].flavour, 50, 77);
        patches_make(&pair, 16384);
        for (size_t k = 0; k < pair.patch.len; k++)
            (void)fprintf(f, "%02x%s", pair.patch.p[k], k % 32 == 31 || k + 1 == pair.patch.len ? "\n" : "");
        patches_free(&pair);
        if (fclose(f) != 0)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(version_1_is_read) };

    if (argc == 2 && strcmp(argv[1], "--make") == 0)
        return make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
