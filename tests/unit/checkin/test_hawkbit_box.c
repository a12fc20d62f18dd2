/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: its bytes, damage, and a store that fails or loses power at each of its calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "hawkbit.h"
#include "hawkbit_box.h"

static const struct otai_hb_box full = {
    .state = OTAI_HB_OWED,
    .result = OTAI_HB_FAILURE,
    .download = OTAI_HB_FORCED,
    .update = OTAI_HB_ATTEMPT,
    .window = OTAI_HB_WINDOW_OPEN,
    .said = 3,
    .again = 9,
    .has_digest = true,
    .code = OTA_REJECT_HEALTH,
    .report_base = 0x01020304,
    .attributes_crc = 0xdeadbeef,
    .sleep_s = 86400,
    .seq = UINT64_MAX,
    .digest = { 1, 2, 3 },
    .action = "9223372036854775807",
    .mark = "-2127183556",
    .denied = "7",
    .denied_mark = "-1",
    .where = "health.command",
    .version = "1.0.0",
};

static void what_is_written_is_read(void **state)
{
    uint8_t bytes[OTAI_HB_BOX_MAX];
    struct otai_hb_box back, none = { .state = 0 };

    (void)state;
    size_t len = otai_hb_box_encode(&full, bytes);
    assert_int_equal(otai_hb_box_decode(bytes, len, &back), OTA_OK);
    assert_memory_equal(&back, &full, sizeof back);
    len = otai_hb_box_encode(&none, bytes);
    assert_int_equal(otai_hb_box_decode(bytes, len, &back), OTA_OK);
    assert_memory_equal(&back, &none, sizeof back);
}

/* Written by another program from SPEC.md; it never changes. */
static void the_golden_record_is_read_and_written(void **state)
{
    uint8_t bytes[OTAI_HB_BOX_MAX], again[OTAI_HB_BOX_MAX];
    struct otai_hb_box back;
    unsigned byte;
    size_t len = 0;

    (void)state;
    FILE *f = fopen(OTA_SOURCE_DIR "/tests/compat/golden/hawkbit-1.hex", "r");
    assert_non_null(f);
    while (len < sizeof bytes && fscanf(f, "%2x", &byte) == 1)
        bytes[len++] = (uint8_t)byte;
    fclose(f);
    assert_int_equal(otai_hb_box_decode(bytes, len, &back), OTA_OK);
    assert_memory_equal(&back, &full, sizeof back);
    assert_int_equal(otai_hb_box_encode(&full, again), len);
    assert_memory_equal(again, bytes, len);
}

static void every_flipped_bit_and_every_cut_is_found(void **state)
{
    uint8_t bytes[OTAI_HB_BOX_MAX];
    struct otai_hb_box back, none = { .state = 0 };
    size_t len = otai_hb_box_encode(&full, bytes);

    (void)state;
    for (size_t i = 0; i < 8 * len; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(otai_hb_box_decode(bytes, len, &back), OTA_DEVICE_STORE);
        assert_memory_equal(&back, &none, sizeof back);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(otai_hb_box_decode(bytes, cut, &back), OTA_DEVICE_STORE);
}

static ota_err decode_changed(size_t at, uint8_t value)
{
    uint8_t bytes[OTAI_HB_BOX_MAX];
    struct otai_hb_box back;
    size_t len = otai_hb_box_encode(&full, bytes);

    bytes[at] = value;
    otai_put_le32(bytes + len - 4, otai_crc32(0, bytes, len - 4));
    return otai_hb_box_decode(bytes, len, &back);
}

static void values_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_changed(8, OTAI_HB_OWED), OTA_OK);
    assert_int_equal(decode_changed(4, 0), OTA_DEVICE_STORE); /* version */
    assert_int_equal(decode_changed(5, 1), OTA_DEVICE_STORE);
    assert_int_equal(decode_changed(8, 5), OTA_DEVICE_STORE);                   /* state */
    assert_int_equal(decode_changed(8, OTAI_HB_OPEN), OTA_DEVICE_STORE);        /* with a result */
    assert_int_equal(decode_changed(9, 0), OTA_DEVICE_STORE);                   /* owed, but nothing */
    assert_int_equal(decode_changed(10, 3), OTA_DEVICE_STORE);                  /* download */
    assert_int_equal(decode_changed(12, 3), OTA_DEVICE_STORE);                  /* window */
    assert_int_equal(decode_changed(15, 2), OTA_DEVICE_STORE);                  /* has_digest */
    assert_int_equal(decode_changed(8 + 8 + 16 + 8 + 32, 0), OTA_DEVICE_STORE); /* an action without a name */
    assert_int_equal(decode_changed(8 + 8 + 16 + 8 + 32, 7), OTA_DEVICE_STORE);
}

/* Version N reads what N + 1 wrote: fields behind those that it knows. */
static void a_longer_record_is_read(void **state)
{
    uint8_t bytes[OTAI_HB_BOX_MAX + 8];
    struct otai_hb_box back;
    size_t len = otai_hb_box_encode(&full, bytes);

    (void)state;
    bytes[4] = 2;
    memset(bytes + len - 4, 0x5a, 8);
    otai_put_le32(bytes + len + 4, otai_crc32(0, bytes, len + 4));
    assert_int_equal(otai_hb_box_decode(bytes, len + 8, &back), OTA_OK);
    assert_memory_equal(&back, &full, sizeof back);
}

/* ---- a store that fails at a write of our choice; a write that "loses power" has happened or not ---- */

static struct {
    struct ota_store port;
    uint8_t bytes[512];
    size_t len;
    bool absent, read_fails;
    uint32_t calls, fail_at;
    bool happens;
    ota_err err;
} store;

static ota_err store_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    (void)s;
    assert_string_equal(name, "hawkbit");
    if (store.read_fails) {
        *code = 5;
        return store.err;
    }
    if (store.absent)
        return OTA_DEVICE_ABSENT;
    *len = store.len;
    memcpy(buf, store.bytes, store.len < cap ? store.len : cap);
    return OTA_OK;
}

static ota_err store_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *code)
{
    bool fails = ++store.calls == store.fail_at;

    (void)s;
    assert_string_equal(name, "hawkbit");
    if (!fails || store.happens) {
        memcpy(store.bytes, buf, len);
        store.len = len;
        store.absent = false;
    }
    *code = fails ? 28 : 0;
    return fails ? store.err : OTA_OK;
}

static const struct ota_store_ops store_ops = { store_read, store_write, NULL };

static int new_store(void **state)
{
    (void)state;
    memset(&store, 0, sizeof store);
    store.port.ops = &store_ops;
    store.absent = true;
    store.err = OTA_DEVICE_STORE;
    return 0;
}

static void loading(void **state)
{
    struct ota_fault why = { .err = OTA_OK };
    struct otai_hb_box b, none = { .state = 0 };

    (void)state;
    assert_int_equal(otai_hb_box_load(&store.port, &b, &why), OTA_OK);
    assert_memory_equal(&b, &none, sizeof b);
    assert_int_equal(why.err, OTA_OK);
    assert_int_equal(otai_hb_box_save(&store.port, &full, &why), OTA_OK);
    assert_int_equal(otai_hb_box_load(&store.port, &b, &why), OTA_OK);
    assert_memory_equal(&b, &full, sizeof b);
    /* Damaged: told, and begun anew. */
    store.bytes[20] ^= 1;
    assert_int_equal(otai_hb_box_load(&store.port, &b, &why), OTA_OK);
    assert_memory_equal(&b, &none, sizeof b);
    assert_int_equal(why.err, OTA_DEVICE_STORE);
    assert_string_equal(why.where, "hawkbit");
    store.read_fails = true;
    assert_int_equal(otai_hb_box_load(&store.port, &b, &why), OTA_DEVICE_STORE);
    assert_int_equal(why.port_code, 5);
}

static void saving_fails_by_name(void **state)
{
    struct ota_fault why = { .err = OTA_OK };

    (void)state;
    store.fail_at = 1;
    store.err = OTA_DEVICE_FULL;
    assert_int_equal(otai_hb_box_save(&store.port, &full, &why), OTA_DEVICE_FULL);
    assert_int_equal(why.port_code, 28);
    store.fail_at = 2;
    store.err = OTA_RETRY_NETWORK; /* a port must not, but may */
    assert_int_equal(otai_hb_box_save(&store.port, &full, &why), OTA_DEVICE_STORE);
}

/* ---- a whole action with power lost at every write of the box and at every answer ---- */

enum { SERVER_OPEN, SERVER_CLOSED };

/* The server's side: one action, and what it heard of it. */
static struct {
    int state;
    uint32_t proceeding, results, differing;
    char result[16];
} server;

static const char *serve(const struct otai_hb_request *q, uint16_t *status)
{
    *status = 200;
    if (q->method == OTA_NET_GET && strstr(q->file, "/deploymentBase/"))
        return "{\"id\":\"8\",\"deployment\":{\"download\":\"forced\",\"update\":\"forced\",\"chunks\":[{\"metadata\":[{\"key\":"
               "\"ota.seq\",\"value\":\"3\"}]}]}}";
    if (q->method == OTA_NET_GET)
        return server.state == SERVER_OPEN ? "{\"_links\":{\"deploymentBase\":{\"href\":\"/deploymentBase/8?c=1\"}}}" : "{}";
    if (q->method == OTA_NET_PUT)
        return "";
    const char *result = strstr(q->body, "\"closed\"") ? strstr(q->body, "success") ? "success" : "failure" : NULL;
    if (!result) {
        server.proceeding++;
        return "";
    }
    if (server.state == SERVER_CLOSED)
        *status = 410;
    server.results++;
    server.differing += server.result[0] && strcmp(server.result, result) != 0;
    (void)otai_copy(server.result, sizeof server.result, result);
    server.state = SERVER_CLOSED;
    return "";
}

static const struct ota_hawkbit cfg = { .size = sizeof cfg, .url = "http://h/" };

/* A check-in; false: power was lost. cut_answer > 0: at that answer, which the server has given. */
static bool check_in(struct otai_hb_box *b, uint32_t cut_answer, uint32_t *answers, ota_err *end)
{
    static struct otai_hb h;
    const struct otai_hb_facts facts = { .device_id = "d", .product = "p", .group = "g", .version = "1", .utc_s = 1 };
    struct otai_hb_request q;
    struct ota_fault why;

    otai_hb_begin(&h, &cfg, b, &facts, OTAI_HB_ALL);
    for (;;) {
        *end = otai_hb_next(&h, &q);
        if (h.save && otai_hb_box_save(&store.port, b, &why) != OTA_OK)
            return false;
        h.save = false;
        if (*end != OTA_AGAIN)
            return true;
        uint16_t status;
        const char *answer = serve(&q, &status);
        if (++*answers == cut_answer)
            return false;
        otai_hb_body(&h, (const uint8_t *)answer, strlen(answer));
        assert_int_equal(otai_hb_answered(&h, status == 410 ? OTA_RETRY_NOT_FOUND : OTA_DONE, status, &why), OTA_OK);
    }
}

/* One life of the device: false if power was lost in it. The update itself takes no time here; it ends as `good` says. */
static bool live(bool good, uint32_t cut_answer, uint32_t *answers)
{
    const struct ota_fault bad = { .err = OTA_REJECT_HEALTH, .where = "x" };
    struct ota_fault why = { .err = OTA_OK };
    struct otai_hb_box b;
    ota_err end;

    assert_int_equal(otai_hb_box_load(&store.port, &b, &why), OTA_OK);
    assert_int_equal(why.err, OTA_OK);
    if (!check_in(&b, cut_answer, answers, &end))
        return false;
    if (end == OTA_SAME)
        return true;
    if (otai_hb_result(&b, good ? OTAI_HB_SUCCESS : OTAI_HB_FAILURE, good ? NULL : &bad, "2") &&
        otai_hb_box_save(&store.port, &b, &why) != OTA_OK)
        return false;
    return check_in(&b, cut_answer, answers, &end);
}

/* Power fails once, at write number `write` of the store (before or after it became durable) or at answer number `answer`. */
static bool cut_once(bool good, uint32_t write, bool happens, uint32_t answer)
{
    uint32_t answers = 0;
    bool cut = false;

    (void)new_store(NULL);
    memset(&server, 0, sizeof server);
    store.happens = happens;
    for (int life = 0; life < 4; life++) {
        store.calls = life ? 1000 : 0;
        store.fail_at = life ? 0 : write;
        cut |= !live(good, life ? 0 : answer, &answers);
    }
    assert_int_equal(server.state, SERVER_CLOSED);
    assert_string_equal(server.result, good ? "success" : "failure");
    assert_int_equal(server.differing, 0);
    assert_in_range(server.proceeding, 1, 2);
    assert_in_range(server.results, 1, 2);
    return cut;
}

static void no_cut_loses_or_changes_a_result(void **state)
{
    uint32_t cuts = 0;

    (void)state;
    for (int good = 0; good < 2; good++) {
        assert_false(cut_once(good, 0, false, 0));
        assert_int_equal(server.results, 1);
        for (uint32_t n = 1; n <= 20; n++) {
            cuts += cut_once(good, n, false, 0);
            cuts += cut_once(good, n, true, 0);
            cuts += cut_once(good, 0, false, n);
        }
    }
    assert_in_range(cuts, 25, 80); /* a test that never cut anything proves nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_golden_record_is_read_and_written),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_found),
        cmocka_unit_test(values_that_make_no_sense_are_refused),
        cmocka_unit_test(a_longer_record_is_read),
        cmocka_unit_test_setup(loading, new_store),
        cmocka_unit_test_setup(saving_fails_by_name, new_store),
        cmocka_unit_test(no_cut_loses_or_changes_a_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
