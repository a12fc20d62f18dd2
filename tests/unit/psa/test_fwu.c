/* SPDX-License-Identifier: Apache-2.0 */
/* The PSA Firmware Update API on our ports, walked state by state; and our ports on the API, on top of it: the agent's boot
 * contract has to hold through both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ota/posix.h"
#include "ota/psa_fwu.h"
#include "ota/ram.h"
#include <psa/update.h>

#define SIZE 16384u

static struct ota_posix_crypto crypto;

/* A device with one component. Slot 0 runs version 1.0.0; what is installed next is 2.0.0, then 3.0.0. */
static struct device {
    struct ota_ram_boot boot;
    struct ota_ram_slot slot[2];
    struct ota_component component;
    struct ota_fwu fwu;
    struct ota_ram_store store;
    struct ota_psa_port port;
    uint8_t mem[2][SIZE], store_mem[1024];
    uint8_t version[2];     /* of what is in the slots */
    bool optional;
} d;

static void use(void)
{
    uint8_t running = d.boot.record.running[0];
    struct ota_fwu_config cfg = { .boot = &d.boot.port, .crypto = &crypto.port, .components = &d.component, .component_count = 1,
        .manifest_optional = d.optional };

    cfg.version[0].major = d.version[running];
    assert_int_equal(ota_fwu_use(&d.fwu, &cfg), OTA_OK);
}

static void make(uint32_t write_unit, uint32_t erase_unit, bool optional)
{
    const struct ota_slot_geometry g = { SIZE, write_unit, erase_unit };

    memset(&d, 0, sizeof d);
    assert_int_equal(ota_posix_crypto_open(&crypto, NULL, NULL), OTA_OK);
    ota_ram_boot_init(&d.boot, (const uint8_t[]){ 0 }, 1);
    for (int i = 0; i < 2; i++)
        ota_ram_slot_init(&d.slot[i], d.mem[i], &g);
    d.component = (struct ota_component){ "os", { &d.slot[0].port, &d.slot[1].port }, NULL };
    ota_ram_store_init(&d.store, d.store_mem, sizeof d.store_mem);
    d.version[0] = 1;
    d.version[1] = 0;
    d.optional = optional;
    use();
}

/* The memory of the API goes, the boot control starts what it has to. */
static void restart(void)
{
    (void)ota_ram_boot_start(&d.boot);
    use();
}

static psa_fwu_component_info_t query(void)
{
    psa_fwu_component_info_t info;

    assert_int_equal(psa_fwu_query(0, &info), PSA_SUCCESS);
    return info;
}

static void in_state(unsigned state)
{
    assert_int_equal(query().state, state);
}

static void digest_of(const uint8_t *data, size_t len, uint8_t out[OTA_HASH_LEN_MAX])
{
    struct ota_hash h;

    assert_int_equal(crypto.port.ops->hash_start(&crypto.port, &h, OTA_SHA256), OTA_OK);
    assert_int_equal(crypto.port.ops->hash_add(&crypto.port, &h, data, len), OTA_OK);
    assert_int_equal(crypto.port.ops->hash_end(&crypto.port, &h, out), OTA_OK);
}

static uint8_t image[10001];

static void fill_image(void)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + i / 251);
}

static void write_image(void)
{
    for (size_t off = 0; off < sizeof image;) {
        size_t n = sizeof image - off < 4096 ? sizeof image - off : 4096;

        assert_int_equal(psa_fwu_write(0, off, image + off, n), PSA_SUCCESS);
        off += n;
    }
}

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

/* ---- our ports on the API, on top of the API on our ports */

static bool read_image(void *of, bool active, uint64_t off, void *buf, size_t len)
{
    uint8_t running = d.boot.record.running[0];

    (void)of;
    memcpy(buf, d.mem[active ? running : 1 - running] + off, len);
    return true;
}

static struct ota_boot_view view(void)
{
    struct ota_boot_view v;
    int32_t code = 0;

    assert_int_equal(d.port.boot.ops->view(&d.port.boot, &v, &code), OTA_OK);
    return v;
}

static void open_port(void)
{
    const struct ota_psa_port_config cfg = { 0, &d.store.port, read_image, NULL };
    int32_t code = 0;

    assert_int_equal(ota_psa_port_open(&d.port, &cfg, &code), OTA_OK);
}

static void restart_port(void)
{
    restart();
    open_port();
}

/* What the agent does: write the spare slot, read it back, arm it. */
static void install_by_port(void)
{
    uint8_t spare = (uint8_t)(1 - view().running[0]), back[100], wanted[1] = { spare };
    struct ota_slot *s = &d.port.slot[spare].port;
    uint8_t real = (uint8_t)(1 - d.boot.record.running[0]);
    struct ota_slot_geometry g;
    int32_t code = 0;

    assert_int_equal(s->ops->geometry(s, &g, &code), OTA_OK);
    assert_int_equal(g.size, SIZE);
    assert_int_equal(s->ops->write(s, 0, image, 6000, &code), OTA_OK); /* longer than the API takes at once */
    assert_int_equal(s->ops->write(s, 6000, image + 6000, sizeof image - 6000, &code), OTA_OK);
    assert_int_equal(s->ops->sync(s, &code), OTA_OK);
    assert_int_equal(s->ops->read(s, 5990, back, sizeof back, &code), OTA_OK);
    assert_memory_equal(back, image + 5990, sizeof back);
    if (d.slot[0].geometry.write_unit == 1) /* else its last bytes wait for the end */
        assert_memory_equal(d.mem[real], image, sizeof image);
    d.version[real] = (uint8_t)(d.version[1 - real] + 1);
    assert_int_equal(d.port.boot.ops->arm(&d.port.boot, wanted, 1, 3, &code), OTA_OK);
}

static void states_map_one_to_one(void **state)
{
    struct ota_boot_view v;
    int32_t code = 0;

    (void)state;
    make(1, 4096, true);
    open_port();
    v = view();
    assert_true(v.running[0] == 0 && !v.trial && !v.pending && !v.spent);
    for (uint8_t round = 0; round < 3; round++) {
        uint8_t home = view().running[0];

        install_by_port();
        in_state(PSA_FWU_STAGED);
        v = view();
        assert_true(v.pending && v.armed[0] == 1 - home && v.running[0] == home && v.tries_left == 1);
        restart_port();
        in_state(PSA_FWU_TRIAL);
        v = view();
        assert_true(v.trial && !v.pending && v.armed[0] == 1 - home && v.running[0] == 1 - home && v.tries_left == 0);
        assert_int_equal(d.port.boot.ops->confirm(&d.port.boot, &code), OTA_OK);
        in_state(PSA_FWU_UPDATED);
        assert_int_equal(view().running[0], 1 - home);
        restart_port();
        in_state(PSA_FWU_READY);
        v = view();
        assert_true(v.running[0] == 1 - home && !v.trial && !v.spent && v.armed[0] == OTA_SLOT_NONE);
    }
}

static void trials_that_end_badly(void **state)
{
    struct ota_boot_view v;
    int32_t code = 0;

    (void)state;
    make(256, 4096, true);
    open_port();
    install_by_port(); /* taken back before it started */
    assert_int_equal(d.port.boot.ops->revert(&d.port.boot, &code), OTA_OK);
    v = view();
    assert_true(!v.pending && !v.trial && !v.spent && v.running[0] == 0);
    install_by_port(); /* sick */
    restart_port();
    assert_int_equal(d.port.boot.ops->revert(&d.port.boot, &code), OTA_OK);
    in_state(PSA_FWU_REJECTED);
    v = view();
    assert_true(v.trial && v.armed[0] == OTA_SLOT_NONE && v.tries_left == 0);
    assert_int_equal(d.port.boot.ops->confirm(&d.port.boot, &code), OTA_DEVICE_BOOT);
    restart_port();
    assert_int_equal(view().running[0], 0);
    install_by_port(); /* silent: the loader takes it back, and the API has forgotten why */
    restart_port();
    restart_port();
    v = view();
    assert_true(v.spent && v.running[0] == 0 && !v.trial && !v.pending);
    assert_int_equal(d.port.boot.ops->revert(&d.port.boot, &code), OTA_OK);
    v = view();
    assert_true(!v.spent && v.running[0] == 0);
    in_state(PSA_FWU_READY);
    install_by_port();
    assert_true(view().pending);
}

/* Power fails between the record and the API's own step; both sides of each step. */
static void cuts_between_the_two(void **state)
{
    struct ota_boot_view v;
    int32_t code = 0;
    uint8_t record[10];
    size_t len;

    (void)state;
    make(256, 4096, true);
    open_port();
    install_by_port();
    restart_port();
    assert_int_equal(d.store.port.ops->read(&d.store.port, "psa-fwu", record, sizeof record, &len, &code), OTA_OK);
    record[1] = 2; /* accepting was noted, and not done: still on trial */
    assert_int_equal(d.store.port.ops->write(&d.store.port, "psa-fwu", record, sizeof record, &code), OTA_OK);
    assert_true(view().trial && view().running[0] == 1);
    assert_int_equal(psa_fwu_accept(), PSA_SUCCESS); /* done, and that was not noted */
    assert_true(!view().trial && view().running[0] == 1);
    restart_port();
    v = view();
    assert_true(!v.trial && v.running[0] == 1 && !v.spent);
    install_by_port();
    assert_true(view().pending && view().running[0] == 1);
}

static void what_the_port_refuses(void **state)
{
    const struct ota_psa_port_config no_store = { 0, NULL, read_image, NULL }, other = { 3, &d.store.port, read_image, NULL };
    struct ota_slot *s;
    int32_t code = 0;

    (void)state;
    make(256, 4096, true);
    assert_int_equal(ota_psa_port_open(&d.port, &no_store, &code), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_psa_port_open(&d.port, &other, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, PSA_ERROR_DOES_NOT_EXIST);
    open_port();
    s = &d.port.slot[0].port;
    assert_int_equal(s->ops->write(s, 0, image, 1, &code), OTA_DEVICE_SLOT); /* it runs */
    assert_int_equal(code, PSA_ERROR_NOT_PERMITTED);
    s = &d.port.slot[1].port;
    assert_int_equal(s->ops->write(s, 4096, image, 1, &code), OTA_DEVICE_SLOT); /* where a restart forgot the beginning */
    assert_int_equal(code, PSA_ERROR_BAD_STATE);
    assert_int_equal(s->ops->erase(s, 0, 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(d.port.boot.ops->arm(&d.port.boot, (const uint8_t[]){ 0 }, 1, 1, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(d.port.boot.ops->arm(&d.port.boot, (const uint8_t[]){ 1 }, 1, 1, &code), OTA_DEVICE_BOOT); /* nothing written */
    assert_int_equal(code, PSA_ERROR_BAD_STATE);
    assert_false(view().pending);
    install_by_port();
    restart_port();
    code = 0;
    assert_int_equal(s->ops->write(&d.port.slot[0].port, 0, image, 1, &code), OTA_DEVICE_SLOT); /* a trial runs */
    assert_int_equal(code, PSA_ERROR_BAD_STATE);
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
        cmocka_unit_test(states_map_one_to_one),
        cmocka_unit_test(trials_that_end_badly),
        cmocka_unit_test(cuts_between_the_two),
        cmocka_unit_test(what_the_port_refuses),
    };

    fill_image();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
