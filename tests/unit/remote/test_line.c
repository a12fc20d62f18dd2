/* SPDX-License-Identifier: Apache-2.0 */
/* A microcontroller at the other end of a line: the contract suites and the power cuts over it, on a clean line and on one that
 * loses and damages bytes; restarts of either end. */
#include "rig.h"

static void print_check(struct ota_contract_report *report, const char *name, bool passed)
{
    (void)report;
    if (!passed)
        print_message("FAILED %s\n", name);
}

/* ---- the contract, also on a bad line ---- */

static void contract_slot(void **state)
{
    static const uint32_t bad[] = { 0, 3000, 600 };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ota_contract_report report = { print_check, 0, 0 };

        (void)set_up(state);
        line.bad_each = bad[i];
        host.remote.tries = 40; /* the suite takes no failure for an answer */
        assert_int_equal(ota_contract_slot(&host.slot[1].port, &report), 0);
        assert_true(report.checks >= 18);
        assert_null(mcu.flash.misuse);
        assert_true(bad[i] ? host.remote.again > 0 : host.remote.again == 0);
    }
}

static bool restart(struct ota_contract_device *d)
{
    (void)d;
    host_start();
    host.remote.tries = 40;
    return mcu_start();
}

static void contract_boot(void **state)
{
    static const uint32_t bad[] = { 0, 60 };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ota_contract_report report = { print_check, 0, 0 };
        struct ota_contract_device d = { &host.boot.port, 1, restart, 0 };

        (void)set_up(state);
        line.bad_each = bad[i];
        host.remote.tries = 40;
        assert_int_equal(ota_contract_boot(&d, &report), 0);
        assert_true(report.checks >= 20);
        assert_null(mcu.flash.misuse);
    }
}

/* ---- power cuts of the microcontroller ---- */

static struct ota_slot *start_slot(struct ota_cut_rig *kit)
{
    (void)kit;
    host_start();
    return mcu_start() ? &host.slot[1].port : NULL;
}

static struct ota_boot *start_boot(struct ota_cut_rig *kit)
{
    (void)kit;
    host_start();
    return mcu_start() ? &host.boot.port : NULL;
}

static void found(struct ota_cut_rig *kit, const char *rule, uint32_t op, enum ota_cut_shape shape, uint32_t second)
{
    (void)kit;
    print_message("op %u %s, then %u: %s\n", (unsigned)op, ota_cut_shape_name(shape), (unsigned)second, rule);
}

static void power_cuts(void **state)
{
    struct ota_cut_rig kit = { .flash = &mcu.flash, .slot = start_slot, .boot = start_boot, .found = found };

    (void)state;
    assert_int_equal(ota_cuts_slot(&kit), 0);
    assert_true(kit.cuts > 100);
    assert_int_equal(ota_cuts_boot(&kit), 0);
}

/* ---- restarts ---- */

static void a_restart_is_told_while_something_may_be_lost(void **state)
{
    int32_t code = 0;

    (void)state;
    assert_int_equal(write_some(&code), OTA_OK);
    assert_true(mcu_start());
    assert_int_equal(sync_slot(&code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_REMOTE_RESTARTED);
    assert_int_equal(write_some(&code), OTA_OK); /* told once */
    assert_int_equal(sync_slot(&code), OTA_OK);
    assert_true(mcu_start());
    assert_int_equal(write_some(&code), OTA_OK); /* nothing could be lost */
    assert_int_equal(host.remote.restarts, 2);
}

static void a_confirmation_is_not_believed_over_a_restart(void **state)
{
    struct ota_boot *b = &host.boot.port;
    static const uint8_t other[1] = { 1 };
    struct ota_boot_view v;
    int32_t code = 0;

    (void)state;
    assert_int_equal(b->ops->arm(b, other, 1, 1, &code), OTA_OK);
    assert_int_equal(b->ops->reboot(b, &code), OTA_OK);
    assert_true(host.boot.restart_asked);
    assert_int_equal(b->ops->view(b, &v, &code), OTA_OK);
    assert_true(v.trial && v.running[0] == 1);
    assert_true(mcu_start()); /* crashed: out of tries, it runs the confirmed one */
    assert_int_equal(b->ops->confirm(b, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, OTA_REMOTE_RESTARTED);
    assert_int_equal(b->ops->view(b, &v, &code), OTA_OK);
    assert_true(!v.trial && v.running[0] == 0 && v.spent);
}

static void the_self_test_is_asked(void **state)
{
    struct ota_health *h = &host.health.port;
    struct ota_boot *b = &host.boot.port;
    static const uint8_t other[1] = { 1 };
    struct ota_remote_state s;
    int32_t code = 0;

    (void)state;
    assert_int_equal(h->ops->check(h, &code), OTA_REJECT_HEALTH);
    assert_int_equal(code, OTA_REMOTE_NO_TRIAL);
    assert_int_equal(b->ops->arm(b, other, 1, 3, &code), OTA_OK);
    assert_int_equal(b->ops->reboot(b, &code), OTA_OK);
    mcu.verdict = OTA_AGAIN;
    assert_int_equal(h->ops->check(h, &code), OTA_AGAIN);
    mcu.verdict = OTA_REJECT_HEALTH, mcu.reason = 7;
    assert_int_equal(h->ops->check(h, &code), OTA_REJECT_HEALTH);
    assert_int_equal(code, 7);
    mcu.verdict = OTA_OK, mcu.reason = 0;
    assert_int_equal(h->ops->check(h, &code), OTA_OK);
    mcu.end.busy = true, mcu.end.refused = 2, mcu.end.refused_reason = 0x208;
    assert_int_equal(ota_remote_state(&host.remote, &s, NULL), OTA_OK);
    assert_true(s.busy && s.refused == 2 && s.reason == 0x208 && s.view.tries_left == 2);
    line.mute = true;
    assert_int_equal(h->ops->check(h, &code), OTA_DEVICE_HEALTH);
    assert_int_equal(code, OTA_REMOTE_SILENT);
}

static void an_answer_that_gets_lost_is_given_again(void **state)
{
    int32_t code = 0;

    (void)state;
    assert_int_equal(write_some(&code), OTA_OK);
    uint32_t ops = mcu.flash.ops;
    line.drop = 2;
    assert_int_equal(sync_slot(&code), OTA_OK);
    assert_int_equal(mcu.flash.ops, ops + 1); /* carried out once */
    assert_int_equal(host.remote.again, 2);
    host_start(); /* a host that comes up anew finds it so */
    assert_int_equal(write_some(&code), OTA_OK);
    assert_null(mcu.flash.misuse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(contract_slot, set_up),
        cmocka_unit_test_setup(contract_boot, set_up),
        cmocka_unit_test_setup(power_cuts, set_up),
        cmocka_unit_test_setup(a_restart_is_told_while_something_may_be_lost, set_up),
        cmocka_unit_test_setup(a_confirmation_is_not_believed_over_a_restart, set_up),
        cmocka_unit_test_setup(the_self_test_is_asked, set_up),
        cmocka_unit_test_setup(an_answer_that_gets_lost_is_given_again, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
