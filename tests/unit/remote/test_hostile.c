/* SPDX-License-Identifier: Apache-2.0 */
/* What the other end of a line does wrong, by name, and what it never makes of noise. */
#include "rig.h"

/* ---- what the other end does wrong ---- */

static void nobody_answers(void **state)
{
    struct ota_boot_view v;
    int32_t code = 0;
    uint64_t begun = host.clock.now_ms;

    (void)state;
    line.mute = true;
    assert_int_equal(write_some(&code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_REMOTE_SILENT);
    assert_in_range(host.clock.now_ms - begun, 4000, 4100);
    assert_int_equal(host.boot.port.ops->view(&host.boot.port, &v, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, OTA_REMOTE_SILENT);
    line.mute = false;
    assert_int_equal(write_some(&code), OTA_OK);
    assert_string_equal(host.remote.firmware, "1.0.0");
}

/* A hello's answer with a byte changed, in a frame of its own. */
static int32_t greeted_by(size_t at, uint8_t value, size_t len)
{
    static const uint8_t good[OTA_REMOTE_HEAD + 52] = { 'h', 9, 0, 0, 0, 0, 0, 0, 0, OTA_REMOTE_VERSION, 0, 0, 4, 8,
                                                        0,   0, 0, 0, 2, 0, 0, 0, 16 };
    uint8_t content[OTA_REMOTE_HEAD + 52 + 4], frame[160] = { 0x7e };
    size_t n = 1;
    struct ota_slot_geometry g;
    int32_t code = 0;

    memcpy(content, good, sizeof good);
    for (unsigned i = 0; i < 4; i++)
        content[5 + i] = (uint8_t)((host.remote.number + 1u) >> 8 * i);
    content[at] = value;
    uint32_t crc = ota_boot_record_crc(0, content, len);
    for (unsigned i = 0; i < 4; i++)
        content[len + i] = (uint8_t)(crc >> 8 * i);
    for (size_t i = 0; i < len + 4; i++) {
        if (content[i] == 0x7e || content[i] == 0x7d)
            frame[n++] = 0x7d, content[i] ^= 0x20;
        frame[n++] = content[i];
    }
    frame[n++] = 0x7e;
    mcu.say = frame, mcu.say_len = n;
    (void)host.slot[0].port.ops->geometry(&host.slot[0].port, &g, &code);
    mcu.say = NULL;
    host.remote.greeted = false;
    return code;
}

static void a_greeting_is_looked_at(void **state)
{
    enum { ALL = OTA_REMOTE_HEAD + 52 };

    (void)state;
    assert_int_equal(greeted_by(0, 'h', ALL), 0);
    assert_int_equal(greeted_by(1, 0, ALL), OTA_REMOTE_ANSWER);       /* no session */
    assert_int_equal(greeted_by(9, 2, ALL), OTA_REMOTE_PROTOCOL);     /* version */
    assert_int_equal(greeted_by(12, 0, ALL), OTA_REMOTE_ANSWER);      /* piece: 0 */
    assert_int_equal(greeted_by(12, 5, ALL), OTA_REMOTE_ANSWER);      /* piece: too long */
    assert_int_equal(greeted_by(13, 9, ALL), OTA_REMOTE_ANSWER);      /* write unit: no power of two */
    assert_int_equal(greeted_by(13, 0, ALL), OTA_REMOTE_ANSWER);      /* write unit: 0 */
    assert_int_equal(greeted_by(18, 3, ALL), OTA_REMOTE_ANSWER);      /* erase unit */
    assert_int_equal(greeted_by(22, 0, ALL), OTA_REMOTE_ANSWER);      /* size: 0 */
    assert_int_equal(greeted_by(21, 1, ALL), OTA_REMOTE_ANSWER);      /* size: not whole units */
    assert_int_equal(greeted_by(29, 7, ALL), OTA_REMOTE_ANSWER);      /* version of the firmware: no text */
    assert_int_equal(greeted_by(0, 'h', ALL - 1), OTA_REMOTE_ANSWER); /* too short */
    assert_int_equal(greeted_by(0, 'x', ALL), OTA_REMOTE_ANSWER);
    assert_int_equal(greeted_by(0, 's', ALL), OTA_REMOTE_SILENT);
    host_start();
}

/* A request of any content. @return the first byte of a refusal's data, 0 when it was not refused, 0xff without an answer */
static uint8_t asked(uint8_t kind, uint32_t session, const uint8_t *data, size_t len)
{
    static uint32_t number = 1000;
    uint8_t content[256] = { kind }, answer[256];
    size_t n = 0, all = OTA_REMOTE_HEAD + len;

    number++;
    for (unsigned i = 0; i < 4; i++) {
        content[1 + i] = (uint8_t)(session >> 8 * i);
        content[5 + i] = (uint8_t)(number >> 8 * i);
    }
    memcpy(content + OTA_REMOTE_HEAD, data, len);
    uint32_t crc = ota_boot_record_crc(0, content, all);
    for (unsigned i = 0; i < 4; i++)
        content[all + i] = (uint8_t)(crc >> 8 * i);
    carry(&line.to_mcu, (const uint8_t[]){ 0x7e }, 1);
    for (size_t i = 0; i < all + 4; i++) {
        bool special = content[i] == 0x7e || content[i] == 0x7d;
        uint8_t byte[2] = { 0x7d, (uint8_t)(special ? content[i] ^ 0x20 : content[i]) };
        carry(&line.to_mcu, special ? byte : byte + 1, special ? 2 : 1);
    }
    carry(&line.to_mcu, (const uint8_t[]){ 0x7e }, 1);
    ota_remote_end_poll(&mcu.end);
    n = take(&line.to_host, answer, sizeof answer);
    if (n < 12)
        return 0xff;
    return answer[1] == 'x' ? answer[1 + OTA_REMOTE_HEAD] : 0;
}

static void requests_are_looked_at(void **state)
{
    enum { OTHER_SESSION = 1, OTHER_VERSION = 2, MALFORMED = 3, FAILED = 4 };
    static const struct {
        uint8_t kind, want, len;
        uint8_t data[16];
    } cases[] = {
        { 'H', OTHER_VERSION, 1, { 2 } },
        { 'H', OTHER_VERSION, 0, { 0 } },
        { 'E', MALFORMED, 8, { 0 } },
        { 'E', MALFORMED, 9, { 2, 0, 0, 0, 0, 0, 2 } },                /* no such slot */
        { 'E', MALFORMED, 9, { 1, 0, 1, 0, 0, 0, 2 } },                /* not on units */
        { 'E', MALFORMED, 9, { 1, 0, 0x10, 0, 0, 0, 2 } },             /* outside */
        { 'E', MALFORMED, 9, { 1, 0, 2, 0, 0, 0, 0xfe, 0xff, 0xff } }, /* wraps round */
        { 'W', MALFORMED, 12, { 1, 0, 0, 0, 0, 8 } },                  /* fewer bytes than it says */
        { 'W', MALFORMED, 13, { 1, 0, 0, 0, 0, 4 } },                  /* not on units */
        { 'R', MALFORMED, 9, { 1, 0, 0, 0, 0, 1, 4 } },                /* more than a piece */
        { 'R', MALFORMED, 10, { 1, 0, 0, 0, 0, 8 } },
        { 'Y', MALFORMED, 0, { 0 } },
        { 'Y', MALFORMED, 1, { 2 } },
        { 'A', MALFORMED, 1, { 1 } },
        { 'A', FAILED, 2, { 0, 3 } }, /* that slot runs */
        { 'A', FAILED, 2, { 1, 0 } }, /* no tries */
        { 'A', FAILED, 2, { 9, 3 } },
        { 'C', MALFORMED, 1, { 0 } },
        { 'B', MALFORMED, 1, { 0 } },
        { 'Q', MALFORMED, 0, { 0 } },
        { 0, MALFORMED, 0, { 0 } },
    };
    uint32_t ops = mcu.flash.ops;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(asked(cases[i].kind, mcu.session, cases[i].data, cases[i].len), cases[i].want);
    assert_int_equal(asked('C', mcu.session + 1, some, 0), OTHER_SESSION);
    assert_int_equal(asked('Y', mcu.session, some + 3, 1), 0);
    assert_int_equal(mcu.flash.ops, ops + 1); /* that sync */
    assert_false(mcu.restart);
}

static void noise_changes_nothing(void **state)
{
    uint32_t ops = mcu.flash.ops;
    int32_t code = 0;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        uint8_t noise[1024];

        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (uint8_t)(any() % 5 ? any() : 0x7e);
        carry(&line.to_mcu, noise, sizeof noise);
        ota_remote_end_poll(&mcu.end);
    }
    assert_int_equal(mcu.flash.ops, ops);
    assert_true(mcu.end.in.damaged > 1000);
    line.to_host.at = line.to_host.len = 0;
    assert_int_equal(write_some(&code), OTA_OK);
}

static void outside_is_told_by_the_host(void **state)
{
    struct ota_slot *s = &host.slot[1].port;
    uint8_t byte[16] = { 0 };
    int32_t code = 0;

    (void)state;
    assert_int_equal(s->ops->read(s, SLOT_LEN, byte, 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_MCU_RANGE);
    assert_int_equal(s->ops->write(s, 4, byte, 8, &code), OTA_DEVICE_SLOT);
    assert_int_equal(s->ops->write(s, UINT64_C(1) << 32, byte, 8, &code), OTA_DEVICE_SLOT);
    assert_int_equal(s->ops->erase(s, 8, UNIT, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_MCU_RANGE);
    assert_int_equal(mcu.flash.ops, 3); /* those of the fresh boot record */
}

static void an_end_is_looked_at_when_it_opens(void **state)
{
    struct ota_remote_end_config cfg = mcu.end.cfg;
    struct ota_remote_end e;
    struct ota_fault fault = { 0 };

    (void)state;
    cfg.session = 0;
    assert_int_equal(ota_remote_end_open(&e, &cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "end.session");
    cfg = mcu.end.cfg, cfg.piece = 63;
    assert_int_equal(ota_remote_end_open(&e, &cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "end.piece");
    cfg = mcu.end.cfg;
    struct ota_mcu_area half = { &mcu.port, 0, SLOT_LEN / 2 };
    struct ota_mcu_slot shorter;
    assert_int_equal(ota_mcu_slot_open(&shorter, &half, NULL), OTA_OK);
    cfg.slot[1] = &shorter.port;
    assert_int_equal(ota_remote_end_open(&e, &cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "end.slot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_answers, set_up),
        cmocka_unit_test_setup(a_greeting_is_looked_at, set_up),
        cmocka_unit_test_setup(requests_are_looked_at, set_up),
        cmocka_unit_test_setup(noise_changes_nothing, set_up),
        cmocka_unit_test_setup(outside_is_told_by_the_host, set_up),
        cmocka_unit_test_setup(an_end_is_looked_at_when_it_opens, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
