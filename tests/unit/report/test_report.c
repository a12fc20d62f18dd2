/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "fake_store.h"
#include "report.h"

#define ONE 235u   /* SPEC.md: bytes of one report */

static struct fake_store store;
static struct otai_ring ring, back;
static struct ota_fault fault;
static uint8_t scratch[OTAI_REPORTS_BYTES];

static int setup(void **state)
{
    (void)state;
    fake_store_init(&store);
    memset(&ring, 0, sizeof ring);
    memset(&fault, 0, sizeof fault);
    return 0;
}

static struct ota_report make(uint32_t id, enum ota_outcome outcome, ota_err cause)
{
    struct ota_report r = { .id = id, .outcome = outcome, .seq = id + 100, .utc_s = -5, .count = 1, .fetched = 1ull << 33,
                            .version = "2.0.0", .running = "1.0.0", .codec = (uint8_t)(id + 1), .why = (uint8_t)(id + 2),
                            .event = (uint8_t)(outcome == OTA_OUTCOME_NONE ? OTA_REPORT_SIGNAL : OTA_REPORT_OUTCOME),
                            .component = 1, .boot = id + 3, .first_s = 9 };

    r.cause = (struct ota_fault){ .err = cause, .port_code = -7, .state = 3, .component = 1, .where = "image.sha256" };
    memset(r.deployment, (int)(0xa0 + id), sizeof r.deployment);
    memset(r.image, (int)(0xb0 + id), sizeof r.image);
    return r;
}

static void add(uint32_t id, enum ota_outcome outcome, ota_err cause)
{
    struct ota_report r = make(id, outcome, cause);

    otai_ring_add(&ring, &r);
}

static void assert_ids(const uint32_t *ids, size_t count)
{
    assert_int_equal(ring.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ring.report[i].id, ids[i]);
}

static void a_ring_makes_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= OTAI_REPORTS_MAX; n++) {
        size_t len = otai_ring_encode(&ring, scratch);
        assert_int_equal(len, 12 + n * ONE + 4);
        assert_int_equal(otai_ring_decode(scratch, len, &back), OTA_OK);
        assert_int_equal(back.count, n);
        assert_int_equal(back.last_id, ring.last_id);
        for (uint32_t i = 0; i < n; i++) {
            const struct ota_report *a = &ring.report[i], *b = &back.report[i];
            assert_true(a->id == b->id && a->outcome == b->outcome && a->seq == b->seq && a->utc_s == b->utc_s &&
                        a->count == b->count && a->fetched == b->fetched);
            assert_true(a->cause.err == b->cause.err && a->cause.port_code == b->cause.port_code && a->cause.state == 3 &&
                        b->cause.state == 3 && b->cause.component == 1);
            assert_memory_equal(a->deployment, b->deployment, 32);
            assert_string_equal(a->cause.where, b->cause.where);
            assert_string_equal(a->version, b->version);
            assert_string_equal(a->running, b->running);
            assert_true(a->codec == b->codec && a->why == b->why && b->why == a->id + 2);
            assert_true(a->event == b->event && b->component == 1 && b->boot == a->id + 3 && b->first_s == 9);
            assert_memory_equal(a->image, b->image, 32);
        }
        add(n + 1, OTA_OUTCOME_CONFIRMED, OTA_OK);
    }
}

static void no_damage_passes(void **state)
{
    size_t len;

    (void)state;
    add(1, OTA_OUTCOME_REFUSED, OTA_REJECT_HASH);
    add(2, OTA_OUTCOME_CONFIRMED, OTA_OK);
    len = otai_ring_encode(&ring, scratch);
    for (size_t i = 0; i < len; i++) {
        scratch[i] ^= 4;
        assert_int_equal(otai_ring_decode(scratch, len, &back), OTA_DEVICE_STORE);
        assert_true(otai_is_zero(&back, sizeof back));
        scratch[i] ^= 4;
        assert_int_equal(otai_ring_decode(scratch, i, &back), OTA_DEVICE_STORE);
    }
    assert_int_equal(otai_ring_decode(scratch, len + 1, &back), OTA_DEVICE_STORE);
    assert_int_equal(otai_ring_decode(scratch, len, &back), OTA_OK);
}

/* With a good checksum, so that it is the value that is refused. */
static void values_out_of_range_are_refused(void **state)
{
    static const struct { size_t at; uint8_t value; } rows[] = {
        { 4, 0 }, { 4, 2 }, { 4, 4 }, { 12 + 189, OTA_REPORT_UNREAD + 1 }, { 5, 1 }, { 5, 3 }, { 5, OTAI_REPORTS_MAX + 1 }, { 8, 1 }, { 12, 0 }, { 12, 2 }, { 12, 3 }, { 12 + 4, 4 },
        { 12 + 5 + 2, 1 }, { 12 + 15, 0x0a }, { 12 + 15 + 47, 'x' }, { 12 + 111, 0 }, { 12 + 123 + 31, 'x' }, { 12 + 155, 0xff },
    };

    (void)state;
    add(1, OTA_OUTCOME_CONFIRMED, OTA_REJECT_HASH);
    add(2, OTA_OUTCOME_CONFIRMED, OTA_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = otai_ring_encode(&ring, scratch);
        scratch[rows[i].at] = rows[i].value;
        otai_put_le32(scratch + len - 4, otai_crc32(0, scratch, len - 4));
        if (otai_ring_decode(scratch, len, &back) != OTA_DEVICE_STORE)
            fail_msg("row %zu", i);
    }
}

static void an_id_counts_once(void **state)
{
    const uint32_t ids[] = { 5, 7 };

    (void)state;
    add(5, OTA_OUTCOME_CONFIRMED, OTA_OK);
    add(5, OTA_OUTCOME_ROLLED_BACK, OTA_REJECT_HEALTH);
    add(4, OTA_OUTCOME_ROLLED_BACK, OTA_REJECT_HEALTH);
    add(7, OTA_OUTCOME_ROLLED_BACK, OTA_REJECT_HEALTH);
    assert_ids(ids, 2);
    otai_ring_ack(&ring, 7);
    add(7, OTA_OUTCOME_ROLLED_BACK, OTA_REJECT_HEALTH);   /* acknowledged: never again */
    assert_ids(ids, 1);
    assert_int_equal(ring.last_id, 7);
}

static void a_repeated_refusal_only_counts_up(void **state)
{
    struct ota_report r = make(1, OTA_OUTCOME_REFUSED, OTA_REJECT_HASH);

    (void)state;
    for (uint32_t id = 1; id <= 20; id++) {
        r.id = id;
        otai_ring_add(&ring, &r);
    }
    assert_int_equal(ring.count, 1);
    assert_int_equal(ring.report[0].count, 20);
    assert_int_equal(ring.report[0].id, 20);
    ring.report[0].count = UINT32_MAX;
    r.id = 21;
    otai_ring_add(&ring, &r);
    assert_int_equal(ring.report[0].count, UINT32_MAX);
    r.id = 22;
    r.cause.err = OTA_REJECT_LENGTH;   /* another cause */
    otai_ring_add(&ring, &r);
    r.id = 23;
    r.deployment[31] ^= 1;             /* another deployment */
    otai_ring_add(&ring, &r);
    r.id = 24;
    strcpy(r.cause.where, "elsewhere");
    otai_ring_add(&ring, &r);
    assert_int_equal(ring.count, 4);
    assert_int_equal(ring.report[0].boot, 4);
    r.id = 25;
    r.utc_s = 77;                      /* the same again, later, in another boot: first seen when it was first seen */
    r.boot = 99;
    otai_ring_add(&ring, &r);
    assert_int_equal(ring.count, 4);
    assert_true(ring.report[3].utc_s == 77 && ring.report[3].boot == 99 && ring.report[3].first_s == 9);
    r = make(30, OTA_OUTCOME_ROLLED_BACK, OTA_REJECT_HEALTH);
    otai_ring_add(&ring, &r);
    r.id = 31;                         /* what became of a trial is never folded */
    otai_ring_add(&ring, &r);
    assert_int_equal(ring.count, 6);
}

static void a_report_without_a_count_counts_one(void **state)
{
    struct ota_report r = make(1, OTA_OUTCOME_CONFIRMED, OTA_OK);

    (void)state;
    r.count = 0;
    otai_ring_add(&ring, &r);
    assert_int_equal(ring.report[0].count, 1);
}

static void a_full_ring_drops_refusals_first(void **state)
{
    const uint32_t without_refusal[] = { 1, 2, 4, 5, 6, 7, 8, 9 }, then_oldest[] = { 2, 4, 5, 6, 7, 8, 9, 10 };

    (void)state;
    for (uint32_t id = 1; id <= 8; id++)
        add(id, id == 3 ? OTA_OUTCOME_REFUSED : OTA_OUTCOME_CONFIRMED, OTA_OK);
    add(9, OTA_OUTCOME_CONFIRMED, OTA_OK);
    assert_ids(without_refusal, 8);
    add(10, OTA_OUTCOME_CONFIRMED, OTA_OK);
    assert_ids(then_oldest, 8);
    ring.report[4].event = OTA_REPORT_EXIT;   /* a crash gives way as well */
    const uint32_t without_crash[] = { 2, 4, 5, 6, 8, 9, 10, 11 };
    add(11, OTA_OUTCOME_CONFIRMED, OTA_OK);
    assert_ids(without_crash, 8);
}

static void ack_removes_one(void **state)
{
    const uint32_t left[] = { 1, 3 };

    (void)state;
    for (uint32_t id = 1; id <= 3; id++)
        add(id, OTA_OUTCOME_CONFIRMED, OTA_OK);
    otai_ring_ack(&ring, 9);
    assert_int_equal(ring.count, 3);
    otai_ring_ack(&ring, 2);
    assert_ids(left, 2);
    otai_ring_ack(&ring, 3);
    otai_ring_ack(&ring, 1);
    otai_ring_ack(&ring, 1);
    assert_int_equal(ring.count, 0);
}

static void the_store_keeps_it(void **state)
{
    (void)state;
    memset(&back, 0x55, sizeof back);
    assert_int_equal(otai_ring_load(&store.store, &back, scratch, &fault), OTA_OK);
    assert_true(otai_is_zero(&back, sizeof back));
    assert_int_equal(fault.err, OTA_OK);
    add(1, OTA_OUTCOME_REFUSED, OTA_REJECT_HASH);
    assert_int_equal(otai_ring_save(&store.store, &ring, scratch, &fault), OTA_OK);
    assert_int_equal(otai_ring_load(&store.store, &back, scratch, &fault), OTA_OK);
    assert_int_equal(back.count, 1);
    assert_int_equal(fault.err, OTA_OK);
}

static void a_damaged_ring_is_dropped_and_said(void **state)
{
    (void)state;
    add(1, OTA_OUTCOME_REFUSED, OTA_REJECT_HASH);
    assert_int_equal(otai_ring_save(&store.store, &ring, scratch, &fault), OTA_OK);
    fake_find(&store.store, "reports")->bytes[30] ^= 1;
    assert_int_equal(otai_ring_load(&store.store, &back, scratch, &fault), OTA_OK);
    assert_int_equal(back.count, 0);
    assert_int_equal(fault.err, OTA_DEVICE_STORE);
    assert_string_equal(fault.where, "reports");
    for (size_t more = 0; more < 2; more++) { /* too long, and longer than can be read */
        memset(&fault, 0, sizeof fault);
        fake_find(&store.store, "reports")->len = OTAI_REPORTS_BYTES + more;
        assert_int_equal(otai_ring_load(&store.store, &back, scratch, &fault), OTA_OK);
        assert_int_equal(back.count, 0);
        assert_int_equal(fault.err, OTA_DEVICE_STORE);
    }
}

static void a_failing_store_is_told(void **state)
{
    (void)state;
    store.read_err = OTA_DONE;   /* a port that misspeaks */
    assert_int_equal(otai_ring_load(&store.store, &back, scratch, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, 9);
    store.write_err = OTA_DEVICE_FULL;
    assert_int_equal(otai_ring_save(&store.store, &ring, scratch, &fault), OTA_DEVICE_FULL);
    store.write_err = OTA_AGAIN;
    assert_int_equal(otai_ring_save(&store.store, &ring, scratch, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, 28);
}

static void a_body_is_this_json(void **state)
{
    struct ota_report r = make(1, OTA_OUTCOME_ROLLED_BACK, OTA_REJECT_HEALTH);
    char body[OTAI_REPORT_BODY_MAX];

    (void)state;
    strcpy(r.version, "\"\\\x7f\n");
    assert_int_equal(otai_report_body(&r, &(struct otai_report_texts){ "dev-1", "thermostat", "production", "delta", "cheapest", "os" }, body), OTA_OK);
    assert_string_equal(body,
        "{\"id\":1,\"outcome\":\"rolled_back\",\"cause\":{\"code\":538,\"name\":\"REJECT_HEALTH\",\"where\":\"image.sha256\",\"port\":-7},"
        "\"seq\":101,\"deployment\":\"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\",\"time\":-5,\"count\":1,"
        "\"fetched\":8589934592,\"version\":\"\\\"\\\\\\u007f\\u000a\",\"running\":\"1.0.0\",\"encoding\":\"delta\","
        "\"why\":\"cheapest\",\"device\":\"dev-1\",\"product\":\"thermostat\",\"group\":\"production\",\"boot\":4,"
        "\"event\":\"update-rolled_back\",\"type\":\"unplanned\",\"class\":\"os\",\"category\":\"REJECT_HEALTH\",\"first\":9,"
        "\"component\":\"os\",\"image\":\"b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1\"}");
}

static void the_largest_sane_body_fits_and_an_insane_one_is_refused(void **state)
{
    struct ota_report r = make(UINT32_MAX, OTA_OUTCOME_ROLLED_BACK, OTA_REJECT_DELEGATION);
    char body[OTAI_REPORT_BODY_MAX], device[128], name[OTA_NAME_MAX];

    (void)state;
    memset(device, 'd', 127);
    device[127] = '\0';
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct otai_report_texts texts = { device, name, name, "deflate", "cheapest", name };
    r.seq = r.fetched = UINT64_MAX;
    r.utc_s = INT64_MIN;
    r.count = UINT32_MAX;
    r.cause.port_code = INT32_MIN;
    memset(r.cause.where, 'w', sizeof r.cause.where - 1);
    memset(r.version, 'v', sizeof r.version - 1);
    memset(r.running, 'r', sizeof r.running - 1);
    assert_int_equal(otai_report_body(&r, &texts, body), OTA_OK);
    memset(r.cause.where, 1, sizeof r.cause.where - 1);
    memset(r.version, 1, sizeof r.version - 1);
    memset(r.running, 1, sizeof r.running - 1);
    assert_int_equal(otai_report_body(&r, &texts, body), OTA_REJECT_LIMIT);
}

static void expect_event(const struct ota_report *r, const char *component, const char *want)
{
    char body[OTAI_REPORT_BODY_MAX];

    assert_int_equal(otai_report_body(r, &(struct otai_report_texts){ "d", "p", "g", "none", "none", component }, body), OTA_OK);
    if (!strstr(body, want))
        fail_msg("%s is not in %s", want, body);
}

static void an_event_has_type_class_and_category(void **state)
{
    struct ota_report r = make(1, OTA_OUTCOME_CONFIRMED, OTA_OK);

    (void)state;
    expect_event(&r, "app", "\"event\":\"update-confirmed\",\"type\":\"planned\",\"class\":\"application\",\"category\":\"update\",\"first\":9,\"component\":\"app\"");
    r.first_s = 0; /* kept by an older library: seen when it was told */
    expect_event(&r, "", "\"type\":\"planned\",\"class\":\"os\",\"category\":\"update\",\"first\":-5,\"component\":\"\"");
    r.outcome = OTA_OUTCOME_NONE;
    r.event = OTA_REPORT_EXIT;
    expect_event(&r, "app", "\"event\":\"crash\",\"type\":\"unplanned\",\"class\":\"application\",\"category\":\"exit\"");
    r.event = OTA_REPORT_SIGNAL;
    expect_event(&r, "os", "\"event\":\"crash\",\"type\":\"unplanned\",\"class\":\"os\",\"category\":\"signal\"");
    r.cause.err = OTA_REJECT_HASH;
    r.event = OTA_REPORT_TAMPERED;
    expect_event(&r, "os", "\"event\":\"tampered\",\"type\":\"unplanned\",\"class\":\"os\",\"category\":\"REJECT_HASH\"");
    r.event = OTA_REPORT_SICK;
    expect_event(&r, "", "\"event\":\"sick\",\"type\":\"unplanned\"");
    r.event = OTA_REPORT_UNREAD;
    expect_event(&r, "app", "\"event\":\"unread\",\"type\":\"unplanned\"");
}

static void a_name_is_device_boot_and_id(void **state)
{
    struct ota_report r = make(42, OTA_OUTCOME_CONFIRMED, OTA_OK);
    char name[OTAI_REPORT_NAME_MAX], device[OTAI_REPORT_NAME_MAX];

    (void)state;
    assert_int_equal(otai_report_name(&r, "dev-1", name), OTA_OK);
    assert_string_equal(name, "dev-1/45-42.json");
    memset(device, 'd', sizeof device);
    device[OTAI_REPORT_NAME_MAX - 12] = '\0';
    assert_int_equal(otai_report_name(&r, device, name), OTA_OK);
    device[OTAI_REPORT_NAME_MAX - 12] = 'd';
    device[OTAI_REPORT_NAME_MAX - 11] = '\0';
    assert_int_equal(otai_report_name(&r, device, name), OTA_REJECT_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_ring_makes_the_round_trip, setup),
        cmocka_unit_test_setup(no_damage_passes, setup),
        cmocka_unit_test_setup(values_out_of_range_are_refused, setup),
        cmocka_unit_test_setup(an_id_counts_once, setup),
        cmocka_unit_test_setup(a_repeated_refusal_only_counts_up, setup),
        cmocka_unit_test_setup(a_report_without_a_count_counts_one, setup),
        cmocka_unit_test_setup(a_full_ring_drops_refusals_first, setup),
        cmocka_unit_test_setup(ack_removes_one, setup),
        cmocka_unit_test_setup(the_store_keeps_it, setup),
        cmocka_unit_test_setup(a_damaged_ring_is_dropped_and_said, setup),
        cmocka_unit_test_setup(a_failing_store_is_told, setup),
        cmocka_unit_test_setup(a_body_is_this_json, setup),
        cmocka_unit_test_setup(the_largest_sane_body_fits_and_an_insane_one_is_refused, setup),
        cmocka_unit_test_setup(an_event_has_type_class_and_category, setup),
        cmocka_unit_test_setup(a_name_is_device_boot_and_id, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
