/* SPDX-License-Identifier: Apache-2.0 */
/* Our boot and slot ports on the PSA Firmware Update API, on top of the API on our ports: the agent's boot contract has to hold
 * through both. */
#include "psa_device.h"

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

/* A platform that keeps its states over a restart: only the port's memory goes. */
static void restart_port_only(void)
{
    (void)ota_ram_boot_start(&d.boot);
    open_port();
}

static void write_some(size_t off, size_t len)
{
    struct ota_slot *s = &d.port.slot[1].port;
    int32_t code = 0;

    assert_int_equal(s->ops->write(s, off, image + off, len, &code), OTA_OK);
    assert_int_equal(s->ops->sync(s, &code), OTA_OK);
}

static void arm_by_port(void)
{
    int32_t code = 0;

    d.version[1] = 2;
    assert_int_equal(d.port.boot.ops->arm(&d.port.boot, (const uint8_t[]){ 1 }, 1, 1, &code), OTA_OK);
    in_state(PSA_FWU_STAGED);
    assert_memory_equal(d.mem[1], image, sizeof image);
}

/* In WRITING: the download goes on behind what was synced, and no further. */
static void a_download_goes_on_after_a_restart(void **state)
{
    struct ota_slot *s = &d.port.slot[1].port;
    int32_t code = 0;

    (void)state;
    make(256, 4096, true);
    open_port();
    write_some(0, 4096);
    restart_port_only();
    in_state(PSA_FWU_WRITING);
    assert_int_equal(s->ops->write(s, 8192, image + 8192, 256, &code), OTA_DEVICE_SLOT); /* never synced */
    assert_int_equal(code, PSA_ERROR_BAD_STATE);
    write_some(4096, 4096);
    restart_port_only();
    write_some(8192, sizeof image - 8192);
    restart_port_only(); /* all is there: it only has to be finished */
    assert_int_equal(s->ops->read(s, 0, (uint8_t[1]){ 0 }, 1, &code), OTA_OK);
    arm_by_port();
    restart_port_only();
    in_state(PSA_FWU_TRIAL);
    assert_int_equal(d.port.boot.ops->confirm(&d.port.boot, &code), OTA_OK);
    restart_port_only(); /* UPDATED stays until the next image: clean, then start */
    in_state(PSA_FWU_UPDATED);
    assert_true(view().running[0] == 1 && !view().trial && !view().spent);
    s = &d.port.slot[0].port;
    assert_int_equal(s->ops->write(s, 0, image, 256, &code), OTA_OK);
    in_state(PSA_FWU_WRITING);
    restart_port_only(); /* nothing of it was synced: what the last image left noted does not count */
    assert_int_equal(s->ops->write(s, 4096, image, 256, &code), OTA_DEVICE_SLOT);
    assert_int_equal(s->ops->write(s, 0, image, 256, &code), OTA_OK); /* begins again */
}

/* In CANDIDATE: power failed between finishing and installing. It is installed, or makes room for another one. */
static void a_candidate_is_installed_after_a_restart(void **state)
{
    struct ota_slot *s = &d.port.slot[1].port;
    int32_t code = 0;

    (void)state;
    for (int round = 0; round < 2; round++) {
        make(256, 4096, true);
        open_port();
        write_some(0, sizeof image);
        assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
        restart_port_only();
        in_state(PSA_FWU_CANDIDATE);
        assert_false(view().pending);
        assert_int_equal(s->ops->write(s, 4096, image, 256, &code), OTA_DEVICE_SLOT); /* it is finished */
        if (round == 1) {
            memset(d.mem[1], 0, sizeof image);
            write_some(0, sizeof image);
            in_state(PSA_FWU_WRITING);
        }
        arm_by_port();
    }
}

/* In READY: the platform has forgotten the image, although its bytes are there. It must not look like one that can be armed. */
static void an_image_that_was_forgotten_cannot_be_read(void **state)
{
    struct ota_slot *s = &d.port.slot[1].port;
    int32_t code = 0;
    uint8_t byte;

    (void)state;
    make(256, 4096, true);
    open_port();
    write_some(0, 8192);
    restart_port();
    in_state(PSA_FWU_READY);
    assert_memory_equal(d.mem[1], image, 8192);
    assert_int_equal(s->ops->read(s, 0, &byte, 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, PSA_ERROR_BAD_STATE);
    assert_int_equal(s->ops->write(s, 4096, image, 256, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, PSA_ERROR_BAD_STATE);
    s = &d.port.slot[0].port;
    assert_int_equal(s->ops->read(s, 0, &byte, 1, &code), OTA_OK); /* what runs can always be */
    install_by_port();
}

/* The record of the bytes cannot be written, or is none: the agent hears of it, and begins again. */
static void a_note_that_fails_is_said(void **state)
{
    struct ota_slot *s = &d.port.slot[1].port;
    int32_t code = 0;

    (void)state;
    make(256, 4096, true);
    open_port();
    assert_int_equal(s->ops->write(s, 0, image, 4096, &code), OTA_OK);
    d.store.fail = (struct ota_ram_fail){ .at = 1, .for_good = true };
    assert_int_equal(s->ops->sync(s, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, PSA_ERROR_STORAGE_FAILURE);
    d.store.fail = (struct ota_ram_fail){ 0 };
    assert_int_equal(s->ops->sync(s, &code), OTA_OK);
    assert_int_equal(d.store.port.ops->write(&d.store.port, "psa-fwu-at", "short", 5, &code), OTA_OK);
    restart_port_only();
    assert_int_equal(s->ops->write(s, 4096, image, 256, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, PSA_ERROR_BAD_STATE);
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
        cmocka_unit_test(states_map_one_to_one),
        cmocka_unit_test(trials_that_end_badly),
        cmocka_unit_test(cuts_between_the_two),
        cmocka_unit_test(a_download_goes_on_after_a_restart),
        cmocka_unit_test(a_candidate_is_installed_after_a_restart),
        cmocka_unit_test(an_image_that_was_forgotten_cannot_be_read),
        cmocka_unit_test(a_note_that_fails_is_said),
        cmocka_unit_test(what_the_port_refuses),
    };

    fill_image();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
