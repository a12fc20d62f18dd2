/* SPDX-License-Identifier: Apache-2.0 */
/* The PSA Firmware Update API on our ports, walked state by state. */
#include "psa_device.h"

/* READY to STAGED. */
static void stage(void)
{
    uint8_t digest[OTA_HASH_LEN_MAX];

    digest_of(image, sizeof image, digest);
    in_state(PSA_FWU_READY);
    assert_int_equal(psa_fwu_start(0, digest, OTA_SHA256_LEN), PSA_SUCCESS);
    in_state(PSA_FWU_WRITING);
    write_image();
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    in_state(PSA_FWU_CANDIDATE);
    d.version[query().location] = (uint8_t)(query().version.major + 1);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    in_state(PSA_FWU_STAGED);
    assert_memory_equal(d.mem[query().location], image, sizeof image);
}

static void the_good_way(void **state)
{
    (void)state;
    make(256, 4096, false);
    assert_int_equal(query().version.major, 1);
    assert_int_equal(query().max_size, SIZE);
    assert_int_equal(query().flags, PSA_FWU_FLAG_VOLATILE_STAGING);
    for (uint8_t round = 0; round < 3; round++) { /* into one slot, then the other */
        stage();
        assert_int_equal(psa_fwu_request_reboot(), PSA_SUCCESS);
        restart();
        in_state(PSA_FWU_TRIAL);
        assert_int_equal(query().version.major, round + 2);
        assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
        in_state(PSA_FWU_UPDATED);
        assert_int_equal(psa_fwu_clean(0), PSA_SUCCESS);
        in_state(PSA_FWU_READY);
        restart();
        in_state(PSA_FWU_READY);
        assert_int_equal(query().version.major, round + 2);
    }
}

static void the_bad_ways(void **state)
{
    (void)state;
    make(256, 4096, false);
    stage(); /* rejected before the restart */
    assert_int_equal(psa_fwu_reject(PSA_ERROR_NOT_PERMITTED), PSA_SUCCESS);
    in_state(PSA_FWU_FAILED);
    assert_int_equal(query().error, PSA_ERROR_NOT_PERMITTED);
    restart();
    assert_int_equal(query().version.major, 1);
    in_state(PSA_FWU_READY);
    stage(); /* rejected in the trial */
    restart();
    assert_int_equal(psa_fwu_reject(PSA_ERROR_GENERIC_ERROR), PSA_SUCCESS_REBOOT);
    in_state(PSA_FWU_REJECTED);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_STORAGE_FAILURE); /* given up is given up */
    restart();
    in_state(PSA_FWU_READY);
    assert_int_equal(query().version.major, 1);
    stage(); /* any restart without a word takes it back */
    restart();
    in_state(PSA_FWU_TRIAL);
    restart();
    in_state(PSA_FWU_FAILED);
    assert_int_equal(query().error, PSA_ERROR_GENERIC_ERROR);
    assert_int_equal(query().version.major, 1);
    assert_int_equal(psa_fwu_start(0, image, OTA_SHA256_LEN), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_clean(0), PSA_SUCCESS);
    stage(); /* and the next one has its turn */
}

static void given_up_while_it_is_written(void **state)
{
    (void)state;
    make(1, 0, true);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_cancel(0), PSA_SUCCESS);
    in_state(PSA_FWU_FAILED);
    assert_int_equal(psa_fwu_clean(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_SUCCESS);
    write_image();
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_cancel(0), PSA_SUCCESS);
    in_state(PSA_FWU_FAILED);
    assert_int_equal(psa_fwu_clean(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_SUCCESS);
    restart(); /* volatile staging */
    in_state(PSA_FWU_READY);
}

/* Every call in every state in which the specification does not have it. */
static void calls_out_of_turn(void **state)
{
    (void)state;
    make(1, 0, true);
    assert_int_equal(psa_fwu_write(0, 0, image, 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_finish(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_cancel(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_clean(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_reject(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_clean(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    write_image();
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(0, sizeof image, image, 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_finish(0), PSA_ERROR_BAD_STATE);
    d.version[1] = 2;
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_cancel(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_BAD_STATE);
    restart();
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_clean(0), PSA_ERROR_BAD_STATE);
}

static void bad_arguments(void **state)
{
    psa_fwu_component_info_t info;
    uint8_t wrong[OTA_SHA256_LEN] = { 1 };

    (void)state;
    make(256, 4096, false);
    assert_int_equal(psa_fwu_query(1, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_fwu_start(1, wrong, sizeof wrong), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_fwu_query(0, NULL), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_ERROR_INVALID_ARGUMENT); /* who vouches for it? */
    assert_int_equal(psa_fwu_start(0, wrong, 31), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_start(0, wrong, sizeof wrong), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(0, 1, image, 10), PSA_ERROR_INVALID_ARGUMENT); /* a gap */
    assert_int_equal(psa_fwu_write(0, 0, image, PSA_FWU_MAX_WRITE_SIZE + 1), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(0, 0, NULL, 1), PSA_ERROR_INVALID_ARGUMENT);
    for (unsigned off = 0; off < SIZE; off += 4096)
        assert_int_equal(psa_fwu_write(0, off, image, 4096), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(0, SIZE, image, 1), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_fwu_finish(0), PSA_ERROR_INVALID_SIGNATURE); /* the digest is another one's */
    in_state(PSA_FWU_FAILED);
    assert_int_equal(query().error, PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
}

static void media_that_fail(void **state)
{
    uint8_t digest[OTA_HASH_LEN_MAX];

    (void)state;
    make(256, 4096, false);
    digest_of(image, sizeof image, digest);
    assert_int_equal(psa_fwu_start(0, digest, OTA_SHA256_LEN), PSA_SUCCESS);
    d.slot[1].fail = (struct ota_ram_fail){ .at = 1, .for_good = true };
    assert_int_equal(psa_fwu_write(0, 0, image, 4096), PSA_ERROR_STORAGE_FAILURE);
    d.slot[1].fail = (struct ota_ram_fail){ 0 };
    write_image();
    d.mem[1][5000] ^= 1; /* flash that lies */
    assert_int_equal(psa_fwu_finish(0), PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_fwu_clean(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_start(0, digest, OTA_SHA256_LEN), PSA_SUCCESS);
    write_image();
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    d.boot.fail = (struct ota_ram_fail){ .at = 1 };
    assert_int_equal(psa_fwu_install(), PSA_ERROR_STORAGE_FAILURE);
    in_state(PSA_FWU_CANDIDATE);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
}

static void versions(void **state)
{
    static const struct {
        const char *text;
        struct ota_fwu_version want;
    } list[] = {
        { "1.2.3+4", { 1, 2, 3, 4 } }, { "v10.0", { 10, 0, 0, 0 } }, { "", { 0, 0, 0, 0 } }, { NULL, { 0, 0, 0, 0 } },
        { "300.256.70000.99999999999", { 255, 255, 65535, UINT32_MAX } }, { "2024-03-01", { 255, 3, 1, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct ota_fwu_version v;

        ota_fwu_version(list[i].text, &v);
        assert_memory_equal(&v, &list[i].want, sizeof v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_way),
        cmocka_unit_test(the_bad_ways),
        cmocka_unit_test(given_up_while_it_is_written),
        cmocka_unit_test(calls_out_of_turn),
        cmocka_unit_test(bad_arguments),
        cmocka_unit_test(media_that_fail),
        cmocka_unit_test(versions),
    };

    fill_image();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
