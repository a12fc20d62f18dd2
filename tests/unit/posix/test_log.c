/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* the operating system beside the C library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ota/posix.h"

/* What an event looks like; "" when nothing was written. */
static const char *line_of(bool states, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    static char text[1024];
    struct ota_posix_log l;
    struct ota_posix_log_config cfg = { .states = states };
    int ends[2];
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    cfg.fd = ends[1];
    assert_int_equal(ota_posix_log_open(&l, &cfg, NULL), OTA_OK);
    l.port.ops->event(&l.port, ev, a, b, fault);
    ota_posix_log_close(&l);
    close(ends[1]);
    n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static void events_are_lines_with_their_numbers(void **state)
{
    (void)state;
    assert_string_equal(line_of(false, OTA_EV_BACKOFF, 30, 2, NULL), "ota: waiting 30 s before the next try (attempt 2)\n");
    assert_string_equal(line_of(false, OTA_EV_DOWNLOAD_DONE, INT64_MIN, INT64_MAX, NULL),
                        "ota: component -9223372036854775808: download complete, 9223372036854775807 bytes in the slot\n");
}

static void states_are_told_when_asked_for(void **state)
{
    (void)state;
    assert_string_equal(line_of(false, OTA_EV_STATE, 1, 2, NULL), "");
    assert_string_equal(line_of(true, OTA_EV_STATE, 1, 2, NULL), "ota: state 1 -> 2\n");
}

static void a_fault_is_named_with_its_place(void **state)
{
    struct ota_fault f = { 0 };

    (void)state;
    (void)ota_fault_set(&f, OTA_DEVICE_SLOT, "slot.write", 28);
    assert_string_equal(line_of(false, OTA_EV_FAULT, 0, 0, &f),
                        "ota: failed: slot cannot be read, erased or written (DEVICE_SLOT at slot.write, code 28)\n");
    (void)ota_fault_set(&f, OTA_RETRY_TLS, "", 0);
    assert_string_equal(line_of(false, OTA_EV_FAULT, 0, 0, &f), "ota: failed: TLS: server not authenticated (RETRY_TLS)\n");
    f.err = OTA_OK;
    assert_string_equal(line_of(false, OTA_EV_FAULT, 0, 0, &f), "ota: failed\n");
}

static void a_closed_log_stops_nothing(void **state)
{
    struct ota_posix_log_config cfg = { .fd = -1 };
    struct ota_posix_log l;
    struct ota_fault fault;

    (void)state;
    assert_int_equal(ota_posix_log_open(&l, &cfg, &fault), OTA_USAGE_ARGUMENT);
    cfg.fd = 1000; /* nobody has that open */
    assert_int_equal(ota_posix_log_open(&l, &cfg, &fault), OTA_OK);
    l.port.ops->event(&l.port, OTA_EV_READY, 0, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_lines_with_their_numbers),
        cmocka_unit_test(states_are_told_when_asked_for),
        cmocka_unit_test(a_fault_is_named_with_its_place),
        cmocka_unit_test(a_closed_log_stops_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
