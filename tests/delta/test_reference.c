/* SPDX-License-Identifier: Apache-2.0 */
/* The library and a decoder that was written from docs/patch-format.md alone agree about every patch: kept ones, those that
 * are made, scripts that no maker would write, and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "delta_reference.h"
#include "scripts.h"

static struct pair pair;
static uint8_t out[IMAGE_MAX + 16], patch[2 * IMAGE_MAX];

/* Both decode it, or both refuse it. */
static void expect_same(const uint8_t *p, size_t len, bool good)
{
    size_t made;
    ota_err err = patches_decode(&pair, p, len, &(struct feed){ .in = 4096 }, out, sizeof out, &made);
    struct reference_result r = reference_decode(pair.old, pair.old_len, p, len, IMAGE_MAX, NULL);

    if ((err == OTA_DONE) != (r.why == NULL))
        fail_msg("%s; the reference: %s", ota_err_name(err), r.why ? r.why : "done");
    if (good && r.why)
        fail_msg("refused: %s", r.why);
    assert_true(r.why ? made <= r.made : made == r.made);
    if (made)
        assert_memory_equal(out, r.out, made);
    if (good) {
        assert_int_equal(made, pair.new_len);
        assert_memory_equal(out, pair.new, made);
    }
    free(r.out);
}

static void kept_patches(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FLAVOURS; f++) {
        patches_images(&pair, f, 50, 77);
        expect_same(patch, patches_read(GOLDEN_DIR, f, patch, sizeof patch), true);
    }
}

static void every_flavour_and_memory(void **state)
{
    static const uint32_t memory[] = { 16384, 24000, 65536, 1048576 };

    (void)state;
    for (unsigned f = 0; f < FLAVOURS; f++)
        for (unsigned m = 0; m < 4; m++) {
            patches_images(&pair, f, 60 + 20 * m, 7 + f + 10 * m);
            patches_make(&pair, memory[m]);
            expect_same(pair.patch.p, pair.patch.len, true);
            patches_free(&pair);
        }
}

/* Every mode, several parts, segments, copies outside of the map, sizes of frame and memory. */
static void scripts_of_every_mode(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 90; seed++) {
        size_t len = scripts_make(&pair, seed, patch, sizeof patch);

        expect_same(patch, len, true);
    }
}

/* Parts whose heads are longer than what is held back of the payload came to an end between two frames. */
static void heads_longer_than_the_lookahead(void **state)
{
    (void)state;
    size_t len = scripts_long_heads(&pair, patch, sizeof patch);
    assert_true(len > 40 * OTAI_STEP_MAX);
    expect_same(patch, len, true);
}

/* With right checksums and a changed payload the content is nonsense: it is decoded alike as far as it makes sense. */
static void nonsense(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 90; seed++) {
        size_t len = scripts_make(&pair, seed, patch, sizeof patch);

        scripts_damage(patch, len, seed);
        expect_same(patch, len, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_patches),
        cmocka_unit_test(every_flavour_and_memory),
        cmocka_unit_test(scripts_of_every_mode),
        cmocka_unit_test(heads_longer_than_the_lookahead),
        cmocka_unit_test(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
