/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor reads, and when; how it begins. */
#include "monitor_device.h"

/* ---- looking ---- */

static void a_whole_slot_is_fine_round_after_round(void **state)
{
    (void)state;
    begin();
    run_until(3);
    run(40);
    struct ota_monitor_status s = status();
    assert_int_equal(s.part[0].kind, OTA_MONITOR_FINE);
    assert_true(s.part[0].known && s.part[1].known && s.part[1].rounds >= 2);
    assert_int_equal(owner.pending + owner.told, 0);
    assert_int_equal(slots[0][1].reads + slots[1][1].reads, 0); /* only what runs is read */
    assert_true(ota_ram_log_seen(&events, OTA_EV_MONITOR_GOOD) > 0);
}

/* One byte in each block, changed before the first round and behind it: found in that round, and behind the first, located. */
static void a_byte_in_any_block_is_found_within_one_round(void **state)
{
    static const size_t counts[] = { 0, 8, 64 }; /* marks for both components */

    (void)state;
    for (size_t k = 0; k < 3; k++)
        for (uint32_t first = 0; first < 2; first++)
            for (uint64_t i = 0; i <= LENGTH / PACE; i++) {
                uint64_t at = i < LENGTH / PACE ? i * PACE + i : LENGTH - 1;
                size_t count = counts[k];
                uint64_t block = count == 8 ? 2048 : PACE;

                tear_down(state);
                set_up(state);
                cfg.mark_count = count;
                begin();
                if (first == 0)
                    run_until(1);
                slots[0][0].mem[at] ^= 0x80;
                uint32_t rounds = status().part[0].rounds;
                settle();
                assert_int_equal(status().part[0].rounds, rounds + 1);
                assert_int_equal(owner.last.kind, OTA_MONITOR_TAMPERED);
                assert_int_equal(owner.last.done, OTA_MONITOR_TOLD);
                assert_int_equal(owner.last.component, 0);
                assert_int_equal(owner.last.cause.err, OTA_REJECT_HASH);
                assert_int_equal(owner.last.located, first == 0 && count > 0);
                if (owner.last.located) {
                    assert_true(owner.last.off <= at && at < owner.last.off + owner.last.len);
                    assert_int_equal(owner.last.off % block, 0);
                    assert_int_equal(owner.last.len, LENGTH - owner.last.off < block ? LENGTH - owner.last.off : block);
                }
                assert_int_equal(status().part[0].kind, OTA_MONITOR_TAMPERED);
                assert_true(ota_ram_log_seen(&events, OTA_EV_MONITOR_TAMPERED) == 1);
                run(200); /* told once, and the rounds go on */
                assert_int_equal(owner.told, 1);
                slots[0][0].mem[at] ^= 0x80;
                rounds = status().part[0].rounds;
                run_until(rounds + 2);
                assert_int_equal(status().part[0].kind, OTA_MONITOR_FINE);
            }
}

/* What lies behind the image is nobody's. */
static void bytes_behind_the_image_do_not_count(void **state)
{
    (void)state;
    begin();
    slots[0][0].mem[LENGTH] ^= 1;
    run_until(2);
    assert_int_equal(owner.pending, 0);
}

static void a_slip_on_the_way_is_no_change(void **state)
{
    (void)state;
    begin();
    run_until(1);
    slots[0][0].slip_at = slots[0][0].reads + 4;
    run_until(2);
    assert_int_equal(owner.pending, 0);
    assert_true(slots[0][0].reads > slots[0][0].slip_at);
}

static void the_pace_is_kept(void **state)
{
    struct ota_wait wait;

    (void)state;
    begin();
    run(3);
    uint64_t bytes = slots[0][0].bytes;
    for (int i = 0; i < 1000; i++) { /* no time passes: nothing is read, however often it is stepped */
        wait.ms = 60000;
        assert_int_equal(ota_monitor_step(&mon, &wait), OTA_OK);
        assert_in_range(wait.ms, 1, 100);
    }
    assert_int_equal(slots[0][0].bytes, bytes);
    uint64_t t0 = clock_.now_ms;
    for (int i = 0; i < 400; i++) {
        clock_.now_ms += 10;
        wait.ms = 1;
        assert_int_equal(ota_monitor_step(&mon, &wait), OTA_OK);
        assert_int_equal(wait.ms > 1, 0); /* who sleeps less anyway keeps his sleep */
        uint64_t read = slots[0][0].bytes + slots[1][0].bytes - bytes;
        assert_true(read <= ((clock_.now_ms - t0) / 100u + 1u) * PACE);
    }
    assert_int_equal(slots[0][0].most, PACE);
    for (uint32_t rounds = status().part[1].rounds; status().part[1].rounds == rounds;)
        run(1);
    uint64_t done = clock_.now_ms;
    uint32_t reads = slots[0][0].reads;
    while (slots[0][0].reads == reads)
        run(1);
    assert_in_range(clock_.now_ms - done, 5000, 5200); /* the rest between two rounds */
}

static void nothing_is_read_while_the_owner_is_busy(void **state)
{
    (void)state;
    begin();
    run(5);
    uint64_t bytes = slots[0][0].bytes;
    owner.busy = OTA_MONITOR_BUSY_SLOTS;
    run(50);
    assert_true(status().paused);
    assert_int_equal(slots[0][0].bytes, bytes);
    owner.busy = 0;
    run_until(1);
    assert_false(status().paused);
    assert_int_equal(slots[0][0].bytes, LENGTH); /* it went on where it was */
}

static void another_image_begins_its_own_round(void **state)
{
    (void)state;
    begin();
    run(5);
    assert_true(status().part[0].off > 0);
    owner.runs[0] = 1;
    run_until(1);
    assert_int_equal(slots[0][1].bytes, LENGTH);
    owner.image[0][1].length = 4000;
    digest_of(slots[0][1].mem, 4000, owner.image[0][1].sha256);
    run_until(2);
    owner.image[0][1].sha256[0] ^= 1; /* another digest for the same bytes */
    run(30);
    settle();
    assert_int_equal(owner.last.slot, 1);
}

/* In the middle of a round: longer, other bytes, or nobody knows any more. */
static void what_changes_meanwhile_begins_anew(void **state)
{
    struct ota_monitor_image was;

    (void)state;
    begin();
    was = owner.image[0][0];
    for (int what = 0; what < 3; what++) {
        while (status().part[0].off < 1024)
            run(1);
        owner.known[0][0] = what != 0;
        owner.image[0][0].length -= what == 1;
        owner.image[0][0].sha256[0] ^= (uint8_t)(what == 2);
        run(2);
        assert_true(status().part[0].off <= PACE);
        owner.known[0][0] = true;
        owner.image[0][0] = was;
        mon.phase = OTAI_MON_REST;
        otai_mon_end_hashes(&mon);
        mon.part = 0;
    }
    uint32_t rounds = status().part[0].rounds;
    run_until(rounds + 1);
    assert_int_equal(owner.pending, 0);
}

/* Another image that was tampered with is another finding. */
static void the_next_image_is_found_again(void **state)
{
    (void)state;
    begin();
    run_until(1);
    slots[0][0].mem[3] ^= 1;
    settle();
    owner.runs[0] = 1;
    slots[0][1].mem[3] ^= 1;
    for (int i = 0; i < 10000 && owner.told < 2; i++)
        run(1);
    assert_int_equal(owner.told, 2);
    assert_int_equal(owner.last.slot, 1);
}

static void what_nobody_knows_is_not_watched(void **state)
{
    (void)state;
    owner.runs[0] = OTA_SLOT_NONE;
    owner.known[1][0] = false;
    begin();
    run(50);
    assert_false(status().part[0].known || status().part[1].known);
    assert_int_equal(slots[0][0].reads + slots[1][0].reads, 0);
    owner.known[1][0] = true;
    owner.image[1][0].slot = 2;
    run(50);
    assert_false(status().part[1].known);
    owner.image[1][0].slot = 0;
    owner.image[1][0].length = 0;
    run(50);
    assert_false(status().part[1].known);
    owner.image[1][0].length = 1024;
    run(50);
    assert_true(status().part[1].known && status().part[1].rounds > 0);
}

/* A slot that cannot be read is told once, whatever the answer is, and says nothing about what runs. */
static void a_slot_that_cannot_be_read_is_told(void **state)
{
    static const ota_err says[] = { OTA_DEVICE_SLOT, OTA_DEVICE_LOCKED, OTA_REJECT_HASH };

    for (size_t i = 0; i < 3; i++) {
        tear_down(state);
        set_up(state);
        cfg.answer = OTA_MONITOR_REVERT;
        slots[0][0].fails = says[i];
        begin();
        settle();
        assert_int_equal(owner.last.kind, OTA_MONITOR_UNREAD);
        assert_int_equal(owner.last.done, OTA_MONITOR_TOLD);
        assert_int_equal(owner.last.cause.err, i == 1 ? OTA_DEVICE_LOCKED : OTA_DEVICE_SLOT);
        assert_int_equal(owner.last.cause.port_code, 5);
        assert_int_equal(ota_ram_log_seen(&events, OTA_EV_MONITOR_UNREAD), 1);
        run(200);
        assert_int_equal(owner.told, 1);
        assert_int_equal(owner.reverts, 0);
        slots[0][0].fails = OTA_OK;
        run_until(1);
        assert_int_equal(status().part[0].kind, OTA_MONITOR_FINE);
    }
}

/* Every call of the crypto service fails once: told, and the next round is fine. */
static void a_crypto_service_that_fails_is_told(void **state)
{
    uint32_t cases = 0;

    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t at = 1;; at++) {
            tear_down(state);
            set_up(state);
            cfg.part_count = 1;
            begin();
            run_until(round);
            crypto.fail_at = crypto.calls + at;
            run_until(round + 1);
            if (crypto.calls < crypto.fail_at)
                break;
            assert_int_equal(owner.told, 1);
            assert_int_equal(owner.last.kind, OTA_MONITOR_UNREAD);
            assert_int_equal(owner.last.cause.err, OTA_DEVICE_CRYPTO);
            cases++;
        }
    assert_true(cases > 60);
}

/* ---- beginning ---- */

static void bad_configurations_are_named(void **state)
{
    struct ota_fault fault;
    struct ota_monitor_part half = { { &slots[0][0].port, NULL } };
    struct ota_monitor_part other_half = { { NULL, &slots[0][0].port } };
    struct ota_monitor_config c;

#define BAD(field_, value_, where_)                                                                                              \
    do {                                                                                                                         \
        c = cfg;                                                                                                                 \
        c.field_ = value_;                                                                                                       \
        assert_int_equal(ota_monitor_init(&mon, &c, &fault), OTA_USAGE_CONFIG);                                                  \
        assert_string_equal(fault.where, where_);                                                                                \
    } while (0)
    (void)state;
    BAD(owner, NULL, "monitor.owner");
    BAD(crypto, NULL, "monitor.crypto");
    BAD(clock, NULL, "monitor.clock");
    BAD(buf, NULL, "monitor.buf");
    BAD(pace, 256, "monitor.pace");
    BAD(pace, 1000, "monitor.pace");
    BAD(marks, NULL, "monitor.marks");
    BAD(answer, (enum ota_monitor_answer)3, "monitor.answer");
    BAD(parts, NULL, "monitor.parts");
    BAD(part_count, 0, "monitor.parts");
    BAD(part_count, OTA_COMPONENTS_MAX + 1, "monitor.parts");
    BAD(parts, &half, "monitor.parts.slot");
    BAD(parts, &other_half, "monitor.parts.slot");
    c = cfg;
    c.size--;
    assert_int_equal(ota_monitor_init(&mon, &c, &fault), OTA_USAGE_ABI);
    assert_int_equal(ota_monitor_init(NULL, &cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_monitor_init(&mon, NULL, NULL), OTA_USAGE_ARGUMENT);
    begin();
    struct ota_wait wait = { .ms = 5 };
    assert_int_equal(ota_monitor_step(NULL, &wait), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_monitor_step(&mon, NULL), OTA_USAGE_ARGUMENT);
}

static void defaults_and_names(void **state)
{
    (void)state;
    cfg.every_ms = cfg.rest_ms = cfg.health_every_ms = cfg.health_deadline_ms = 0;
    cfg.log = NULL;
    begin();
    assert_int_equal(mon.cfg.every_ms, 1000);
    assert_int_equal(mon.cfg.rest_ms, 3600000);
    assert_int_equal(mon.cfg.health_every_ms, 60000);
    assert_int_equal(mon.cfg.health_deadline_ms, 60000);
    assert_int_equal(mon.cfg.health_times, 3);
    cfg.health_times = 7;
    begin();
    assert_int_equal(mon.cfg.health_times, 7);
    run_until(1);
    assert_string_equal(ota_monitor_kind_name(OTA_MONITOR_TAMPERED), "tampered");
    assert_string_equal(ota_monitor_kind_name((enum ota_monitor_kind)4), "none");
    assert_string_equal(ota_monitor_done_name(OTA_MONITOR_REFUSED), "refused");
    assert_string_equal(ota_monitor_done_name((enum ota_monitor_done)6), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_slot_is_fine_round_after_round),
        TEST(a_byte_in_any_block_is_found_within_one_round),
        TEST(bytes_behind_the_image_do_not_count),
        TEST(a_slip_on_the_way_is_no_change),
        TEST(the_pace_is_kept),
        TEST(nothing_is_read_while_the_owner_is_busy),
        TEST(another_image_begins_its_own_round),
        TEST(what_changes_meanwhile_begins_anew),
        TEST(the_next_image_is_found_again),
        TEST(what_nobody_knows_is_not_watched),
        TEST(a_slot_that_cannot_be_read_is_told),
        TEST(a_crypto_service_that_fails_is_told),
        TEST(bad_configurations_are_named),
        TEST(defaults_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
