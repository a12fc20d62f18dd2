/* SPDX-License-Identifier: Apache-2.0 */
/* Two copies, written in turn: whatever happens to one, the other counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "fake_store.h"
#include "journal.h"
#include "ota/ota.h"

#define BODY 1435u   /* SPEC.md: the layout is fixed, so is its size */
#define BODY_0 1394u /* of minor 0 */

static struct fake_store store;
static struct otai_journal full, j;
static struct ota_fault fault;
static uint8_t scratch[OTAI_JOURNAL_MAX];

/* Every field another value. */
static void fill(struct otai_journal *f)
{
    memset(f, 0, sizeof *f);
    f->generation = 7;
    f->starts = 0xfffffffe;
    f->state = OTA_ST_COUNT - 1;
    f->trial_starts = 255;
    f->arms = 3;
    f->outcome = OTA_OUTCOME_REFUSED;
    f->report_id = 11;
    f->report_last = 12;
    f->deferred_s = 13;
    f->full_utc_s = -14;
    f->fresh_until_s = INT64_MAX;
    f->fetched = UINT64_MAX;
    f->seq = 1ull << 40;
    f->seq_floor = 18;
    memset(f->deployment, 0xd1, 32);
    memset(f->confirmed, 0xd2, 32);
    memset(f->blocked, 0xd3, 32);
    f->cause = (struct ota_fault){ .err = OTA_REJECT_HASH, .port_code = -19, .state = 6, .component = OTA_COMPONENT_NONE, .where = "image.sha256" };
    memset(f->etag, 'e', OTA_ETAG_MAX - 1);
    f->time_floor_s = 1ll << 33;
    f->ruled = true;
    f->poll_s = 31;
    f->defer_system_min = 32;
    f->defer_application_min = 33;
    f->kept_from = 34;
    f->held_by = 0xfffffffd;
    for (uint8_t i = 0; i < OTA_COMPONENTS_MAX; i++) {
        f->progress[i] = (struct otai_progress){ .wanted = i & 1, .slot = i == 2 ? OTA_SLOT_NONE : i & 1, .security = 20u + i,
                                                 .length = 21u + i, .out_off = 22u + i, .src_off = 23u + i,
                                                 .codec = (uint8_t)(1 + i), .why = (uint8_t)(11 + i), .failed = (uint8_t)(21 + i) };
        memset(f->progress[i].sha256, 0x40 + i, 32);
        memset(f->progress[i].src_sha256, 0x50 + i, 32);
        (void)snprintf(f->progress[i].version, OTA_VERSION_MAX, "1.%u", i);
        (void)snprintf(f->progress[i].etag, OTA_ETAG_MAX, "\"%u\"", i);
        f->installed[i] = (struct otai_installed){ .known = !(i & 1), .security_floor = 30u + i };
        memset(f->installed[i].sha256, 0x60 + i, 32);
        (void)snprintf(f->installed[i].version, OTA_VERSION_MAX, "0.%u", i);
    }
}

static int setup(void **state)
{
    (void)state;
    fake_store_init(&store);
    fill(&full);
    memset(&fault, 0, sizeof fault);
    return 0;
}

/* The encoding is a function of the values, so equal encodings are equal journals. */
static void assert_same(const struct otai_journal *a, const struct otai_journal *b)
{
    static uint8_t x[OTAI_JOURNAL_MAX], y[OTAI_JOURNAL_MAX];
    size_t len = otai_journal_encode(a, x);

    assert_int_equal(otai_journal_encode(b, y), len);
    assert_memory_equal(x, y, len);
}

static void reseal(uint8_t *p, size_t len)
{
    otai_put_le32(p + len - 4, otai_crc32(0, p, len - 4));
}

static void every_field_makes_the_round_trip(void **state)
{
    const char *why = "";
    size_t len = otai_journal_encode(&full, scratch);

    (void)state;
    assert_int_equal(len, 12 + BODY + 4);
    assert_int_equal(otai_journal_decode(scratch, len, &j, &why), OTA_OK);
    assert_null(why);
    assert_same(&j, &full);
    assert_int_equal(j.generation, 7);
    assert_true(j.starts == full.starts && j.full_utc_s == -14 && j.fetched == UINT64_MAX && j.cause.port_code == -19);
    assert_true(j.ruled && j.poll_s == 31 && j.defer_system_min == 32 && j.defer_application_min == 33);
    assert_true(j.kept_from == 34 && j.held_by == 0xfffffffd);
    assert_int_equal(j.cause.err, OTA_REJECT_HASH);
    assert_string_equal(j.cause.where, "image.sha256");
    assert_string_equal(j.etag, full.etag);
    assert_memory_equal(j.deployment, full.deployment, 96);
    for (int i = 0; i < OTA_COMPONENTS_MAX; i++) {
        assert_int_equal(j.progress[i].wanted, full.progress[i].wanted);
        assert_int_equal(j.progress[i].slot, full.progress[i].slot);
        assert_true(j.progress[i].src_off == full.progress[i].src_off && j.progress[i].security == full.progress[i].security);
        assert_string_equal(j.progress[i].etag, full.progress[i].etag);
        assert_true(j.progress[i].codec == 1 + i && j.progress[i].why == 11 + i && j.progress[i].failed == 21 + i);
        assert_int_equal(j.installed[i].known, full.installed[i].known);
        assert_string_equal(j.installed[i].version, full.installed[i].version);
    }
}

/* A vector, made by another program after SPEC.md: these bytes are out in the field. */
static void the_layout_stands(void **state)
{
    static const uint8_t head[] = { 'O', 'T', 'A', 'J', 1, 3, 0x9b, 0x05, 7, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 15, 255, 3, 3, 11, 0, 0, 0 };

    (void)state;
    assert_int_equal(otai_journal_encode(&full, scratch), 12 + BODY + 4);
    assert_memory_equal(scratch, head, sizeof head);
    assert_int_equal(otai_get_le32(scratch + 12 + BODY), 0xb0ace30e);
}

static void a_fresh_store_is_no_error(void **state)
{
    (void)state;
    memset(&j, 0x55, sizeof j);
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_SAME);
    assert_true(otai_is_zero(&j, sizeof j));
}

static void copies_are_written_in_turn(void **state)
{
    (void)state;
    full.generation = 0;
    for (uint32_t g = 1; g <= 6; g++) {
        full.starts = g;
        assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), OTA_OK);
        assert_int_equal(full.generation, g);
        assert_int_equal(otai_get_le32(fake_find(&store.store, g & 1 ? "journal.1" : "journal.0")->bytes + 8), g);
        assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
        assert_int_equal(j.generation, g);
        assert_same(&j, &full);
    }
}

static void a_failed_write_changes_nothing(void **state)
{
    static const ota_err said[] = { OTA_DEVICE_FULL, OTA_DEVICE_STORE, OTA_AGAIN };

    (void)state;
    assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), OTA_OK);
    for (int i = 0; i < 3; i++) {
        store.write_err = said[i];
        assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), i == 0 ? OTA_DEVICE_FULL : OTA_DEVICE_STORE);
        assert_int_equal(full.generation, 8);
        assert_int_equal(fault.port_code, 28);
        assert_string_equal(fault.where, "journal.1");
    }
}

/* Save generations 8 (copy 0) and 9 (copy 1). */
static void two_copies(void)
{
    setup(NULL);
    full.starts = 8;
    assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), OTA_OK);
    full.starts = 9;
    assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), OTA_OK);
}

static void any_damaged_byte_leaves_the_other_copy(void **state)
{
    static const char *const names[] = { "journal.0", "journal.1" };

    (void)state;
    two_copies();
    for (int copy = 0; copy < 2; copy++)
        for (size_t i = 0; i < 12 + BODY + 4; i += 3) {
            struct fake_record *r = fake_find(&store.store, names[copy]);
            r->bytes[i] ^= 0x80;
            assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
            assert_int_equal(j.starts, copy == 0 ? 9 : 8);
            assert_int_equal(j.generation, copy == 0 ? 9 : 8);
            r->bytes[i] ^= 0x80;
        }
    assert_int_equal(fault.err, OTA_OK);
}

static void any_torn_write_leaves_the_other_copy(void **state)
{
    (void)state;
    two_copies();
    struct fake_record *r = fake_find(&store.store, "journal.1");
    for (size_t len = 0; len < 12 + BODY + 4; len++) {
        r->len = len;
        assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
        assert_int_equal(j.generation, 8);
    }
    r->len = 4096;
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
    assert_int_equal(j.generation, 8);
    /* The next write goes over the torn copy, never over the good one. */
    assert_int_equal(otai_journal_save(&store.store, &j, scratch, &fault), OTA_OK);
    assert_int_equal(otai_get_le32(r->bytes + 8), 9);
    assert_int_equal(otai_get_le32(fake_find(&store.store, "journal.0")->bytes + 8), 8);
}

static void no_valid_copy_says_why(void **state)
{
    (void)state;
    two_copies();
    fake_find(&store.store, "journal.0")->bytes[100] ^= 1;
    fake_find(&store.store, "journal.1")->bytes[0] ^= 1;
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_DEVICE_JOURNAL);
    assert_true(otai_is_zero(&j, sizeof j));
    assert_string_equal(fault.where, "journal.crc");
    fake_find(&store.store, "journal.0")->present = false;
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_DEVICE_JOURNAL);
    assert_string_equal(fault.where, "journal.magic");
}

static void an_unreadable_copy_is_a_damaged_one(void **state)
{
    (void)state;
    two_copies();
    store.read_err = OTA_DEVICE_STORE;
    store.bad_name = "journal.1";
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
    assert_int_equal(j.generation, 8);
    store.bad_name = "journal.0";
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
    assert_int_equal(j.generation, 9);
    store.bad_name = NULL;
    store.read_err = OTA_DONE;   /* a port that misspeaks */
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, 9);
    assert_true(otai_is_zero(&j, sizeof j));
    store.read_err = OTA_DEVICE_STORE;
    store.bad_name = "journal.1";
    fake_find(&store.store, "journal.0")->bytes[50] ^= 1;
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_DEVICE_STORE);
    fake_find(&store.store, "journal.0")->present = false;
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_DEVICE_STORE);
}

static void a_copy_in_the_wrong_place_does_not_count(void **state)
{
    (void)state;
    two_copies();
    struct fake_record *r = fake_find(&store.store, "journal.0");
    memcpy(r->bytes, fake_find(&store.store, "journal.1")->bytes, sizeof r->bytes);
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
    assert_int_equal(j.generation, 9);
    fake_find(&store.store, "journal.1")->present = false;
    assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_DEVICE_JOURNAL);
    assert_string_equal(fault.where, "journal.generation");
}

static void another_major_is_refused_by_name(void **state)
{
    static const uint8_t majors[] = { 0, 2, 255 };
    const char *why;
    size_t len = otai_journal_encode(&full, scratch);

    (void)state;
    for (int i = 0; i < 3; i++) {
        scratch[4] = majors[i];
        reseal(scratch, len);
        assert_int_equal(otai_journal_decode(scratch, len, &j, &why), OTA_DEVICE_JOURNAL);
        assert_string_equal(why, "journal.major");
    }
}

static void a_newer_minor_is_read_and_its_news_ignored(void **state)
{
    const char *why;
    size_t len = otai_journal_encode(&full, scratch);

    (void)state;
    for (size_t more = 0; more <= OTAI_JOURNAL_MAX - len; more += 37) {
        len = otai_journal_encode(&full, scratch) + more;
        memset(scratch + len - more - 4, 0xc3, more);
        scratch[5] = 9;
        scratch[6] = (uint8_t)(BODY + more);
        scratch[7] = (uint8_t)((BODY + more) >> 8);
        reseal(scratch, len);
        assert_int_equal(otai_journal_decode(scratch, len, &j, &why), OTA_OK);
        assert_same(&j, &full);
        len -= more;
    }
}

static void an_older_minor_leaves_zeros(void **state)
{
    const char *why;
    size_t len = otai_journal_encode(&full, scratch) - (BODY - BODY_0) - 32;   /* without the last version text of minor 0 */

    (void)state;
    scratch[6] = (uint8_t)(BODY_0 - 32);
    scratch[7] = (uint8_t)((BODY_0 - 32) >> 8);
    reseal(scratch, len);
    assert_int_equal(otai_journal_decode(scratch, len, &j, &why), OTA_OK);
    full.installed[3].version[0] = '\0';
    full.time_floor_s = 0;
    for (int i = 0; i < OTA_COMPONENTS_MAX; i++)
        full.progress[i].codec = full.progress[i].why = full.progress[i].failed = 0;
    full.ruled = false;
    full.poll_s = full.defer_system_min = full.defer_application_min = full.kept_from = full.held_by = 0;
    assert_same(&j, &full);
    (void)otai_journal_encode(&full, scratch);
    scratch[6] = (uint8_t)(BODY_0 - 31);   /* inside a field */
    scratch[7] = (uint8_t)((BODY_0 - 31) >> 8);
    reseal(scratch, len + 1);
    assert_int_equal(otai_journal_decode(scratch, len + 1, &j, &why), OTA_DEVICE_JOURNAL);
    assert_string_equal(why, "body");
    assert_true(otai_is_zero(&j, sizeof j));
}

/* Offsets in the record: head, then the fields in the order of SPEC.md. */
static void values_out_of_range_are_refused_by_name(void **state)
{
    static const struct { size_t at; uint8_t value; const char *why; } rows[] = {
        { 6, 0x75, "journal.length" }, { 16, OTA_ST_COUNT, "state" }, { 16, 0xff, "state" }, { 19, 4, "outcome" },
        { 12 + 156 + 2, 1, "cause.err" }, { 12 + 156 + 8, OTA_ST_COUNT, "cause.state" }, { 12 + 156 + 10, 0x1f, "cause.where" },
        { 12 + 156 + 10, 0x80, "cause.where" }, { 12 + 156 + 10 + 47, 'x', "cause.where" }, { 12 + 156 + 10 + 30, 'x', "cause.where" },
        { 12 + 214 + 79, 'x', "etag" }, { 12 + 214 + 3, '\n', "etag" }, { 12 + 294, 2, "progress.wanted" },
        { 12 + 295, 2, "progress.slot" }, { 12 + 295, 0xfe, "progress.slot" }, { 12 + 294 + 94 + 31, 'v', "progress.version" },
        { 12 + 294 + 126, 0x7f, "progress.etag" }, { 12 + 294 + 3 * 206 + 1, 7, "progress.slot" },
        { 12 + 1118 + 4, 0, NULL }, { 12 + 294 + 824, 2, "installed.known" }, { 12 + 294 + 824 + 37, 9, "installed.version" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = "";
        size_t len = otai_journal_encode(&full, scratch);
        scratch[rows[i].at] = rows[i].value;
        reseal(scratch, len);
        ota_err err = otai_journal_decode(scratch, len, &j, &why);
        if (err != (rows[i].why ? OTA_DEVICE_JOURNAL : OTA_OK) || (why == NULL) != (rows[i].why == NULL) ||
            (why && strcmp(why, rows[i].why) != 0))
            fail_msg("row %zu: %s", i, why ? why : "taken");
    }
}

static void generation_zero_is_no_record(void **state)
{
    const char *why;

    (void)state;
    full.generation = 0;
    size_t len = otai_journal_encode(&full, scratch);
    assert_int_equal(otai_journal_decode(scratch, len, &j, &why), OTA_DEVICE_JOURNAL);
    assert_string_equal(why, "journal.generation");
}

/* Regression: after four thousand million writes the generation became 0, which no reader takes: the newest state was
 * lost with the next start. */
static void the_generation_wraps(void **state)
{
    (void)state;
    full.generation = UINT32_MAX - 2;
    for (unsigned n = 0; n < 6; n++) {
        full.starts = 100 + n;
        assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), OTA_OK);
        assert_int_not_equal(full.generation, 0);
        assert_int_equal(otai_journal_load(&store.store, &j, scratch, &fault), OTA_OK);
        assert_int_equal(j.starts, 100 + n);
        assert_int_equal(j.generation, full.generation);
    }
    assert_int_equal(full.generation, 5);
}

/* A save that fails on the far side of the wrap leaves the last one before it. */
static void a_failed_write_does_not_wrap(void **state)
{
    (void)state;
    full.generation = UINT32_MAX - 1;
    assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), OTA_OK);
    store.write_err = OTA_DEVICE_FULL;
    assert_int_equal(otai_journal_save(&store.store, &full, scratch, &fault), OTA_DEVICE_FULL);
    assert_int_equal(full.generation, UINT32_MAX);
}

static void what_is_written_can_be_read(void **state)
{
    const char *why;

    (void)state;
    memset(full.etag, '\x01', sizeof full.etag);   /* neither printable nor terminated */
    size_t len = otai_journal_encode(&full, scratch);
    assert_int_equal(otai_journal_decode(scratch, len, &j, &why), OTA_OK);
    assert_int_equal(strlen(j.etag), OTA_ETAG_MAX - 1);
    assert_int_equal(j.etag[0], '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_field_makes_the_round_trip, setup),
        cmocka_unit_test_setup(the_layout_stands, setup),
        cmocka_unit_test_setup(a_fresh_store_is_no_error, setup),
        cmocka_unit_test_setup(copies_are_written_in_turn, setup),
        cmocka_unit_test_setup(a_failed_write_changes_nothing, setup),
        cmocka_unit_test_setup(any_damaged_byte_leaves_the_other_copy, setup),
        cmocka_unit_test_setup(any_torn_write_leaves_the_other_copy, setup),
        cmocka_unit_test_setup(no_valid_copy_says_why, setup),
        cmocka_unit_test_setup(an_unreadable_copy_is_a_damaged_one, setup),
        cmocka_unit_test_setup(a_copy_in_the_wrong_place_does_not_count, setup),
        cmocka_unit_test_setup(another_major_is_refused_by_name, setup),
        cmocka_unit_test_setup(a_newer_minor_is_read_and_its_news_ignored, setup),
        cmocka_unit_test_setup(an_older_minor_leaves_zeros, setup),
        cmocka_unit_test_setup(values_out_of_range_are_refused_by_name, setup),
        cmocka_unit_test_setup(generation_zero_is_no_record, setup),
        cmocka_unit_test_setup(the_generation_wraps, setup),
        cmocka_unit_test_setup(a_failed_write_does_not_wrap, setup),
        cmocka_unit_test_setup(what_is_written_can_be_read, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
