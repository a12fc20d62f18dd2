/* SPDX-License-Identifier: Apache-2.0 */
/* Events and reports for syslog: the calls of syslog(3) are noted, and a socket of the test's stands for /dev/log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "ota/posix.h"

static char noted[1024], ident_seen[32];
static int priority_seen, facility_seen, lines;

void __wrap_openlog(const char *ident, int option, int facility);
void __wrap_openlog(const char *ident, int option, int facility)
{
    (void)option;
    (void)snprintf(ident_seen, sizeof ident_seen, "%s", ident);
    facility_seen = facility;
}

void __wrap_closelog(void);
void __wrap_closelog(void)
{
}

__attribute__((format(printf, 2, 0))) static void note(int priority, const char *format, va_list args)
{
    (void)vsnprintf(noted, sizeof noted, format, args);
    priority_seen = priority;
    lines++;
}

void __wrap_syslog(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap_syslog(int priority, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(priority, format, args);
    va_end(args);
}

/* What it becomes where the C library checks its callers. */
void __wrap___syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
void __wrap___syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    note(priority, format, args);
    va_end(args);
}

static struct ota_posix_syslog l;

static void open_log(const char *facility, bool states)
{
    const struct ota_posix_syslog_config cfg = { .facility = facility, .states = states };

    assert_int_equal(ota_posix_syslog_open(&l, &cfg, NULL), OTA_OK);
    lines = 0;
}

static void event(enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    noted[0] = '\0';
    l.port.ops->event(&l.port, ev, a, b, fault);
}

static void events_are_lines_that_begin_with_their_numbers(void **state)
{
    (void)state;
    open_log(NULL, false);
    assert_string_equal(ident_seen, "ota-agent");
    assert_int_equal(facility_seen, LOG_DAEMON);
    event(OTA_EV_BACKOFF, 30, 2, NULL);
    assert_string_equal(noted, "event=40 a=30 b=2 text=\"waiting 30 s before the next try (attempt 2)\"");
    assert_int_equal(priority_seen, LOG_DAEMON | LOG_INFO);
    event(OTA_EV_STATE, 1, 2, NULL);
    assert_int_equal(lines, 1);
    ota_posix_syslog_close(&l);
    open_log("local3", true);
    event(OTA_EV_STATE, 1, 2, NULL);
    assert_string_equal(noted, "event=1 a=1 b=2 text=\"state 1 -> 2\"");
    assert_int_equal(priority_seen, LOG_LOCAL3 | LOG_DEBUG);
    ota_posix_syslog_close(&l);
}

static void a_fault_is_there_in_numbers_and_in_words(void **state)
{
    static const struct {
        ota_err err;
        int priority;
    } rows[] = { { OTA_RETRY_TLS, LOG_NOTICE }, { OTA_REJECT_HEALTH, LOG_WARNING }, { OTA_DEVICE_SLOT, LOG_ERR }, { OTA_USAGE_STATE, LOG_ERR },
                 { OTA_SAME, LOG_INFO } };
    struct ota_fault f = { 0 };

    (void)state;
    open_log("daemon", false);
    (void)ota_fault_set(&f, OTA_DEVICE_SLOT, "slot.write", -28);
    event(OTA_EV_FAULT, 0, 0, &f);
    char expected[256];
    (void)snprintf(expected, sizeof expected, "event=41 a=0 b=0 err=%d name=DEVICE_SLOT where=slot.write port=-28 text=\"failed: %s\"",
                   (int)OTA_DEVICE_SLOT, ota_err_text(OTA_DEVICE_SLOT));
    assert_string_equal(noted, expected);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)ota_fault_set(&f, rows[i].err, "", 0);
        event(OTA_EV_REFUSED, INT64_MIN, INT64_MAX, &f);
        assert_int_equal(priority_seen, LOG_DAEMON | rows[i].priority);
        assert_non_null(strstr(noted, "where=- port=0 text="));
        assert_non_null(strstr(noted, "a=-9223372036854775808 b=9223372036854775807"));
    }
    f.err = OTA_OK;
    event(OTA_EV_REFUSED, 1, 2, &f);
    assert_null(strstr(noted, "err="));
    ota_posix_syslog_close(&l);
}

static void wrong_settings_are_named(void **state)
{
    struct ota_fault f = { 0 };

    (void)state;
    assert_int_equal(ota_posix_syslog_open(&l, &(struct ota_posix_syslog_config){ .facility = "mail" }, &f), OTA_USAGE_ARGUMENT);
    assert_string_equal(f.where, "syslog.facility");
    assert_int_equal(ota_posix_syslog_open(&l, NULL, &f), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_posix_syslog_open(NULL, &(struct ota_posix_syslog_config){ 0 }, &f), OTA_USAGE_ARGUMENT);
    assert_string_equal(f.where, "syslog");
}

/* ---- reports ---- */

static char dir[] = "/tmp/ota-syslog-XXXXXX";
static struct ota_posix_net net;

static unsigned put(const char *url, const char *body)
{
    const struct ota_net_request req = { .method = OTA_NET_PUT, .url = url, .body = body, .body_len = strlen(body) };
    struct ota_net_head h;
    int32_t code = 0;

    assert_int_equal(net.port.ops->begin(&net.port, &req), OTA_OK);
    assert_int_equal(net.port.ops->head(&net.port, &h, &code), OTA_OK);
    net.port.ops->end(&net.port);
    return h.status;
}

static const char *url_of(const char *rest)
{
    static char url[256];

    (void)snprintf(url, sizeof url, "file://%s/%s", dir, rest);
    return url;
}

static int listen_at(const char *name, int type)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, type, 0);

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", dir, name);
    (void)unlink(at.sun_path);
    assert_true(fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

/* The next line, without "<priority>time ". */
static const char *next_line(int fd, int *priority)
{
    static char line[8192];
    ssize_t n = recv(fd, line, sizeof line - 1, MSG_DONTWAIT);

    if (n < 0)
        return NULL;
    line[n] = '\0';
    assert_int_equal(sscanf(line, "<%d>", priority), 1);
    return strstr(line, "ota-agent[");
}

static void reports_are_lines_with_their_names(void **state)
{
    char expected[256];
    int priority = 0, log = listen_at("log", SOCK_DGRAM);

    (void)state;
    assert_int_equal(put(url_of("log/dev-1/4-7.json"), "{\"id\":7,\"type\":\"planned\"}"), 201);
    const char *line = next_line(log, &priority);
    (void)snprintf(expected, sizeof expected, "ota-agent[%ld]: report=dev-1/4-7.json {\"id\":7,\"type\":\"planned\"}", (long)getpid());
    assert_string_equal(line, expected);
    assert_int_equal(priority, LOG_DAEMON | LOG_NOTICE);
    assert_int_equal(put(url_of("log/dev-1/4-8.json"), "{\"type\":\"unplanned\"}"), 201);
    assert_non_null(next_line(log, &priority));
    assert_int_equal(priority, LOG_DAEMON | LOG_WARNING);
    close(log);
}

/* Whatever did not take the report has not acknowledged it. */
static void nobody_who_listens_is_no_acknowledgement(void **state)
{
    static char large[8192];
    int priority, log = listen_at("log", SOCK_DGRAM), stream = listen_at("stream", SOCK_STREAM);

    (void)state;
    assert_int_equal(put(url_of("stream/d/1-1.json"), "{}"), 503);
    assert_int_equal(put(url_of("d/1-1.json"), "{}"), 405);
    assert_int_equal(put(url_of("log"), "{}"), 405);
    assert_int_equal(put("file:///1-1.json", "{}"), 405);
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(put(url_of("log/d/1-1.json"), large), 413);
    assert_null(next_line(log, &priority));
    unsigned taken = 0, status;
    while ((status = put(url_of("log/d/1-1.json"), "{}")) == 201 && taken < 100000)
        taken++;
    assert_int_equal(status, 503); /* the queue is full */
    assert_true(taken > 0);
    assert_non_null(next_line(log, &priority));
    assert_int_equal(put(url_of("log/d/1-1.json"), "{}"), 201);
    close(log);
    assert_int_equal(put(url_of("log/d/1-1.json"), "{}"), 503);
    close(stream);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) && ota_posix_net_open(&net, &(struct ota_posix_net_config){ 0 }, NULL) == OTA_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    static const char *const names[] = { "log", "stream" };
    char path[256];

    (void)state;
    ota_posix_net_close(&net);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_lines_that_begin_with_their_numbers), cmocka_unit_test(a_fault_is_there_in_numbers_and_in_words),
        cmocka_unit_test(wrong_settings_are_named), cmocka_unit_test(reports_are_lines_with_their_names),
        cmocka_unit_test(nobody_who_listens_is_no_acknowledgement),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
