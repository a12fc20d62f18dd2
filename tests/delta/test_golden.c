/* SPDX-License-Identifier: Apache-2.0 */
/* A patch that version 2 of the format made: it must give the same image for ever. `delta_golden --make` prints one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "patches.h"

static struct pair pair;
static uint8_t out[IMAGE_MAX], patch[IMAGE_MAX];

static void version_2_is_read(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FLAVOURS; f++) {
        size_t made, len = patches_read(GOLDEN_DIR, f, patch, sizeof patch);

        patches_images(&pair, f, 50, 77);
        assert_int_equal(patches_decode(&pair, patch, len, &(struct feed){ .in = 33 }, out, sizeof out, &made), OTA_DONE);
        assert_int_equal(made, pair.new_len);
        assert_memory_equal(out, pair.new, made);
    }
}

static int make(void)
{
    for (unsigned flavour = 0; flavour < FLAVOURS; flavour++) {
        char name[4096];

        (void)snprintf(name, sizeof name, "%s/%s", GOLDEN_DIR, patches_kept[flavour]);
        FILE *f = fopen(name, "w");
        if (!f)
            return 1;
        patches_images(&pair, flavour, 50, 77);
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(version_2_is_read) };

    if (argc == 2 && strcmp(argv[1], "--make") == 0)
        return make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
