/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deploy.h"
#include OTAI_ZSTD_HEADER

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD "{\"ota\":{\"compatible\":[\"toaster\",\"thermostat\"],\"component\":\"os\",\"security\":7,\"version\":\"2.0.0\""
#define DEFLATE "{\"block\":65536,\"codec\":\"deflate\",\"length\":400,\"path\":\"os/img/a.img.z\",\"sha256\":\"" HEX "\",\"window\":15}"
#define B1 "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1"
#define DELTA_FROM(base) "{\"base\":\"" base "\",\"base_length\":900,\"codec\":\"delta\",\"length\":50,\"memory\":16384,\"path\":\"os/img/a.img.d\",\"sha256\":\"" HEX "\"}"
#define INDEX "{\"block\":4096,\"codec\":\"index\",\"estimate\":123,\"length\":60,\"memory\":10000,\"path\":\"os/img/a.img.x\",\"sha256\":\"" HEX "\"}"
#define WITH(encodings) HEAD ",\"encodings\":[" encodings "]}}"

static struct otai_pointer_image named;
static struct ota_tuf_target target;
static struct ota_release_image image;
static struct ota_fault fault;
static const uint8_t *runs;
static const uint8_t base_digest[32] = { 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1,
                                         0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1 };

static int setup(void **state)
{
    (void)state;
    runs = base_digest;
    named = (struct otai_pointer_image){ .component = "os", .path = "os/img/a.img", .length = 1000, .sha256 = { 1, 2, 3 } };
    target = (struct ota_tuf_target){ .length = 1000, .sha256 = { 1, 2, 3 }, .has_sha256 = true, .path = "os/img/a.img",
                                      .file = "os/img/0102.a.img" };
    return 0;
}

static ota_err describe(const char *custom)
{
    memset(&fault, 0, sizeof fault);
    memset(&image, 0xa5, sizeof image);
    image.component = 2;
    image.repo = 1;
    target.custom = custom;
    target.custom_len = custom ? strlen(custom) : 0;
    const struct otai_device device = { "thermostat", runs };
    return otai_deploy_image(&named, &target, &device, &image, &fault);
}

static void a_whole_description(void **state)
{
    (void)state;
    assert_int_equal(describe(WITH(DEFLATE)), OTA_OK);
    assert_true(image.component == 2 && image.repo == 1 && image.source_count == 2 && image.security == 7 && image.length == 1000);
    assert_string_equal(image.version, "2.0.0");
    assert_memory_equal(image.sha256, target.sha256, 32);
    assert_true(image.source[0].codec == OTA_CODEC_PLAIN && image.source[0].length == 1000 && image.source[0].block == 0);
    assert_string_equal(image.source[0].file, "os/img/0102.a.img");
    assert_memory_equal(image.source[0].sha256, target.sha256, 32);
    assert_true(image.source[1].codec == OTA_CODEC_DEFLATE && image.source[1].length == 400 && image.source[1].block == 65536 &&
                image.source[1].window_bits == 15);
    assert_string_equal(image.source[1].file, "os/img/" HEX ".a.img.z");
    assert_int_equal(image.source[1].sha256[1], 0x11);
}

static void encodings_are_optional_and_unknown_ones_skipped(void **state)
{
    static const struct { const char *custom; uint8_t sources; uint64_t length; } rows[] = {
        { HEAD "}}", 1, 0 }, { WITH(""), 1, 0 },
        { WITH("{\"codec\":\"brotli\",\"window\":\"huge\",\"block\":[1]}"), 1, 0 },
        { WITH("{\"block\":-1,\"codec\":\"brotli\"}," DEFLATE), 2, 400 },
        /* more than are kept: not read */
        { WITH(DEFLATE "," DEFLATE "," DEFLATE ",{\"codec\":\"deflate\",\"nonsense\":true}"), 4, 400 },
        { "{\"a\":{},\"ota\":{\"new\":1,\"version\":\"1\",\"security\":4294967295,\"component\":\"os\",\"compatible\":[\"thermostat\"]},\"z\":0}", 1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ota_err err = describe(rows[i].custom);
        if (err != OTA_OK || image.source_count != rows[i].sources)
            fail_msg("%s: %s at %s", rows[i].custom, ota_err_name(err), fault.where);
        assert_true(rows[i].sources == 1 || image.source[1].length == rows[i].length);
    }
    assert_true(image.security == UINT32_MAX);
}

static void a_file_without_a_directory(void **state)
{
    (void)state;
    assert_int_equal(describe(WITH("{\"block\":0,\"codec\":\"deflate\",\"length\":1,\"path\":\"x.z\",\"sha256\":\"" HEX "\",\"window\":9}")), OTA_OK);
    assert_string_equal(image.source[1].file, HEX ".x.z");
    assert_int_equal(image.source[1].block, 0);
}

static void a_delta_from_what_runs_is_kept(void **state)
{
    (void)state;
    assert_int_equal(describe(WITH(DEFLATE "," DELTA_FROM(HEX) "," DELTA_FROM(B1))), OTA_OK);
    assert_int_equal(image.source_count, 3);
    assert_true(image.other_base);
    const struct ota_source *s = &image.source[2];
    assert_true(s->codec == OTA_CODEC_DELTA && s->length == 50 && s->memory == 16384 && s->base_length == 900);
    assert_memory_equal(s->base, base_digest, 32);
    assert_string_equal(s->file, "os/img/" HEX ".a.img.d");
    assert_int_equal(describe(WITH(DELTA_FROM(B1))), OTA_OK);
    assert_true(image.source_count == 2 && !image.other_base);
}

static void an_index_has_an_estimate_and_the_others_their_length(void **state)
{
    (void)state;
    assert_int_equal(describe(WITH(DEFLATE "," INDEX "," DELTA_FROM(B1))), OTA_OK);
    assert_int_equal(image.source_count, 4);
    const struct ota_source *s = &image.source[2];
    assert_true(s->codec == OTA_CODEC_INDEX && s->block == 4096 && s->estimate == 123 && s->length == 60 && s->memory == 10000);
    assert_string_equal(s->file, "os/img/" HEX ".a.img.x");
    assert_true(image.source[0].estimate == 1000 && image.source[1].estimate == 400 && image.source[3].estimate == 50);
}

#define ZSTD(window) "{\"block\":262144,\"codec\":\"zstd\",\"length\":300,\"path\":\"os/img/a.img.zst\",\"sha256\":\"" HEX "\",\"window\":" window "}"

/* Known where the build has it; elsewhere an unknown codec like any other. */
static void zstd_is_known_where_it_is_built(void **state)
{
    bool known = otai_window_bits_max(OTA_CODEC_ZSTD) == OTA_ZSTD_WINDOW_BITS_MAX;
    static const struct { const char *custom; ota_err err; } rows[] = {
        { WITH(ZSTD("10")), OTA_OK }, { WITH(ZSTD("23")), OTA_OK }, { WITH(ZSTD("9")), OTA_REJECT_VALUE }, { WITH(ZSTD("24")), OTA_REJECT_VALUE },
        { WITH("{\"codec\":\"zstd\",\"window\":12}"), OTA_REJECT_MISSING },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(describe(rows[i].custom), known ? rows[i].err : OTA_OK);
        if (rows[i].err == OTA_OK || !known)
            assert_int_equal(image.source_count, known ? 2 : 1);
    }
    assert_int_equal(describe(WITH(DEFLATE "," ZSTD("18") "," DELTA_FROM(HEX) "," INDEX)), OTA_OK);
    assert_int_equal(image.source_count, known ? 4 : 3);
    const struct ota_source *s = &image.source[2];
    if (known) {
        assert_true(s->codec == OTA_CODEC_ZSTD && s->window_bits == 18 && s->block == 262144 && s->length == 300 && s->estimate == 300);
        assert_string_equal(s->file, "os/img/" HEX ".a.img.zst");
    }
}

static void deltas_from_other_images_take_no_place(void **state)
{
    (void)state;
    assert_int_equal(describe(WITH(DELTA_FROM(HEX) "," DELTA_FROM(HEX) "," DELTA_FROM(HEX) "," DELTA_FROM(HEX) "," DELTA_FROM(B1))), OTA_OK);
    assert_true(image.source_count == 2 && image.other_base);
    assert_memory_equal(image.source[1].base, base_digest, 32);
}

/* A device that does not know what it runs looks before it fetches: every delta is kept. */
static void every_delta_is_kept_where_the_base_is_not_known(void **state)
{
    (void)state;
    runs = NULL;
    assert_int_equal(describe(WITH(DELTA_FROM(HEX) "," DELTA_FROM(B1))), OTA_OK);
    assert_true(image.source_count == 3 && !image.other_base);
}

static void every_error_names_its_field(void **state)
{
#define PATCH(m) WITH("{\"codec\":\"delta\"," m "}")
#define LISTED(m) WITH("{\"codec\":\"index\"," m "}")
#define ENCODING(m) WITH("{\"codec\":\"deflate\"," m "}")
#define E "custom.ota.encodings[0]"
    static const struct { const char *custom; ota_err err; const char *where; } rows[] = {
        { NULL, OTA_REJECT_MISSING, "target.custom" }, { "5", OTA_REJECT_TYPE, "custom" }, { "{}", OTA_REJECT_MISSING, "custom.ota" },
        { "{\"ota\":[]}", OTA_REJECT_TYPE, "custom.ota" }, { HEAD "}} x", OTA_REJECT_SYNTAX, "custom" },
        { "{\"ota\":{\"compatible\":[\"toaster\"]}}", OTA_REJECT_PRODUCT, "custom.ota.compatible" },
        { "{\"ota\":{\"compatible\":[]}}", OTA_REJECT_PRODUCT, "custom.ota.compatible" },
        { "{\"ota\":{\"compatible\":\"thermostat\"}}", OTA_REJECT_TYPE, "custom.ota.compatible" },
        { "{\"ota\":{\"compatible\":[\"thermostat\",5]}}", OTA_REJECT_TYPE, "custom.ota.compatible[1]" },
        { "{\"ota\":{\"component\":\"app\"}}", OTA_REJECT_COMPONENT, "custom.ota.component" },
        { "{\"ota\":{\"component\":5}}", OTA_REJECT_TYPE, "custom.ota.component" },
        { "{\"ota\":{\"version\":\"\"}}", OTA_REJECT_VALUE, "custom.ota.version" },
        { "{\"ota\":{\"version\":\"1 0\"}}", OTA_REJECT_VALUE, "custom.ota.version" },
        { "{\"ota\":{\"version\":\"1\\n\"}}", OTA_REJECT_VALUE, "custom.ota.version" },
        { "{\"ota\":{\"version\":\"12345678901234567890123456789012\"}}", OTA_REJECT_LIMIT, "custom.ota.version" },
        { "{\"ota\":{\"security\":4294967296}}", OTA_REJECT_VALUE, "custom.ota.security" },
        { "{\"ota\":{\"security\":-1}}", OTA_REJECT_VALUE, "custom.ota.security" },
        { "{\"ota\":{\"component\":\"os\",\"security\":1,\"version\":\"1\"}}", OTA_REJECT_MISSING, "custom.ota.compatible" },
        { "{\"ota\":{\"compatible\":[\"thermostat\"],\"security\":1,\"version\":\"1\"}}", OTA_REJECT_MISSING, "custom.ota.component" },
        { "{\"ota\":{\"compatible\":[\"thermostat\"],\"component\":\"os\",\"version\":\"1\"}}", OTA_REJECT_MISSING, "custom.ota.security" },
        { "{\"ota\":{\"compatible\":[\"thermostat\"],\"component\":\"os\",\"security\":1}}", OTA_REJECT_MISSING, "custom.ota.version" },
        { HEAD ",\"encodings\":{}}}", OTA_REJECT_TYPE, "custom.ota.encodings" },
        { WITH("7"), OTA_REJECT_TYPE, E }, { WITH("{}"), OTA_REJECT_MISSING, E ".codec" }, { WITH("{\"codec\":5}"), OTA_REJECT_TYPE, E ".codec" },
        { WITH("{\"block\":0,\"codec\":\"deflate\",\"length\":1,\"sha256\":\"" HEX "\",\"window\":9}"), OTA_REJECT_MISSING, E ".path" },
        { ENCODING("\"block\":1000"), OTA_REJECT_VALUE, E ".block" }, { ENCODING("\"block\":4294967296"), OTA_REJECT_VALUE, E ".block" },
        { ENCODING("\"window\":8"), OTA_REJECT_VALUE, E ".window" }, { ENCODING("\"window\":16"), OTA_REJECT_VALUE, E ".window" },
        { ENCODING("\"length\":0"), OTA_REJECT_VALUE, E ".length" }, { ENCODING("\"path\":\"../a\""), OTA_REJECT_VALUE, E ".path" },
        { ENCODING("\"path\":\"a%b\""), OTA_REJECT_VALUE, E ".path" }, { ENCODING("\"sha256\":\"00\""), OTA_REJECT_VALUE, E ".sha256" },
        /* a delta from another image is checked like one from this */
        { PATCH("\"base\":\"00\""), OTA_REJECT_VALUE, E ".base" }, { PATCH("\"base\":\"" HEX "\",\"base_length\":0"), OTA_REJECT_VALUE, E ".base_length" },
        { PATCH("\"base_length\":9223372036854775808"), OTA_REJECT_VALUE, E ".base_length" }, { PATCH("\"memory\":0"), OTA_REJECT_VALUE, E ".memory" },
        { PATCH("\"memory\":4294967296"), OTA_REJECT_VALUE, E ".memory" }, { PATCH("\"memory\":\"1\""), OTA_REJECT_TYPE, E ".memory" },
        { PATCH("\"path\":\"x.d\",\"length\":1,\"sha256\":\"" HEX "\",\"base_length\":1,\"memory\":1"), OTA_REJECT_MISSING, E ".base" },
        { PATCH("\"path\":\"x.d\",\"length\":1,\"sha256\":\"" HEX "\",\"base\":\"" HEX "\",\"memory\":1"), OTA_REJECT_MISSING, E ".base_length" },
        { PATCH("\"path\":\"x.d\",\"length\":1,\"sha256\":\"" HEX "\",\"base\":\"" HEX "\",\"base_length\":1"), OTA_REJECT_MISSING, E ".memory" },
        { LISTED("\"estimate\":0"), OTA_REJECT_VALUE, E ".estimate" }, { LISTED("\"block\":3"), OTA_REJECT_VALUE, E ".block" },
        { LISTED("\"path\":\"x\",\"length\":1,\"sha256\":\"" HEX "\",\"estimate\":1,\"memory\":1"), OTA_REJECT_MISSING, E ".block" },
        { LISTED("\"path\":\"x\",\"length\":1,\"sha256\":\"" HEX "\",\"estimate\":1,\"block\":512"), OTA_REJECT_MISSING, E ".memory" },
        { LISTED("\"path\":\"x\",\"length\":1,\"sha256\":\"" HEX "\",\"block\":512,\"memory\":1"), OTA_REJECT_MISSING, E ".estimate" },
        { WITH("{\"codec\":\"brotli\"},{\"codec\":\"deflate\",\"length\":true}"), OTA_REJECT_TYPE, "custom.ota.encodings[1].length" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ota_err err = describe(rows[i].custom);
        if (err != rows[i].err || fault.err != err || strcmp(fault.where, rows[i].where) != 0)
            fail_msg("%s: %s at %s", rows[i].custom ? rows[i].custom : "none", ota_err_name(err), fault.where);
    }
}

static void an_encoding_whose_file_would_be_too_long(void **state)
{
    char custom[1024] = HEAD ",\"encodings\":[{\"block\":0,\"codec\":\"deflate\",\"length\":1,\"path\":\"";
    size_t at = strlen(custom), room = OTA_PATH_MAX - 1 - 65;

    (void)state;
    memset(custom + at, 'p', room);
    strcpy(custom + at + room, "\",\"sha256\":\"" HEX "\",\"window\":9}]}}");
    assert_int_equal(describe(custom), OTA_OK);
    assert_int_equal(strlen(image.source[1].file), OTA_PATH_MAX - 1);
    memset(custom + at, 'p', room + 1);
    strcpy(custom + at + room + 1, "\",\"sha256\":\"" HEX "\",\"window\":9}]}}");
    assert_int_equal(describe(custom), OTA_REJECT_LIMIT);
    assert_string_equal(fault.where, "custom.ota.encodings[0].path");
}

static void pointer_and_publisher_must_agree(void **state)
{
    (void)state;
    named.length = 999;
    assert_int_equal(describe(WITH("")), OTA_REJECT_LENGTH);
    assert_string_equal(fault.where, "target.length");
    setup(NULL);
    named.sha256[31] ^= 1;
    assert_int_equal(describe(WITH("")), OTA_REJECT_HASH);
    assert_string_equal(fault.where, "target.hashes.sha256");
    setup(NULL);
    target.has_sha256 = false;
    assert_int_equal(describe(WITH("")), OTA_REJECT_MISSING);
    setup(NULL);
    strcpy(target.path, "os/img/b.img");
    assert_int_equal(describe(WITH("")), OTA_REJECT_TARGET);
    setup(NULL);
    memset(target.file, 'f', OTA_PATH_MAX);
    assert_int_equal(describe(WITH("")), OTA_REJECT_LIMIT);
    assert_string_equal(fault.where, "target.path");
    target.file[OTA_PATH_MAX - 1] = '\0';
    assert_int_equal(describe(WITH("")), OTA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_whole_description, setup),
        cmocka_unit_test_setup(encodings_are_optional_and_unknown_ones_skipped, setup),
        cmocka_unit_test_setup(a_file_without_a_directory, setup),
        cmocka_unit_test_setup(a_delta_from_what_runs_is_kept, setup),
        cmocka_unit_test_setup(an_index_has_an_estimate_and_the_others_their_length, setup),
        cmocka_unit_test_setup(deltas_from_other_images_take_no_place, setup),
        cmocka_unit_test_setup(zstd_is_known_where_it_is_built, setup),
        cmocka_unit_test_setup(every_delta_is_kept_where_the_base_is_not_known, setup),
        cmocka_unit_test_setup(every_error_names_its_field, setup),
        cmocka_unit_test_setup(an_encoding_whose_file_would_be_too_long, setup),
        cmocka_unit_test_setup(pointer_and_publisher_must_agree, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
