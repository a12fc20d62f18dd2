/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* the operating system beside the C library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include "http_server.h"
#include "ota/posix.h"

#define FILE_LEN 300007u

static char dir[] = "/tmp/ota-net-XXXXXX";
static char file[64], url[128];
static struct test_http *server;
static struct ota_posix_net net;

struct result {
    ota_err head, end;
    struct ota_net_head h;
    uint64_t len;
    int32_t code;
};

/* Gives up after `patience` waits of 10 ms without news: a busy machine is slow, but it goes on. */
static struct result run(const struct ota_net_request *req, int patience)
{
    struct result r = { .head = OTA_AGAIN, .end = OTA_AGAIN };
    static uint8_t buf[4096];
    int polls = patience;

    assert_int_equal(net.port.ops->begin(&net.port, req), OTA_OK);
    for (; polls > 0 && r.head == OTA_AGAIN; polls--) {
        r.head = net.port.ops->head(&net.port, &r.h, &r.code);
        if (r.head == OTA_AGAIN)
            net.port.ops->wait(&net.port, 10);
    }
    polls = patience;
    while (r.head == OTA_OK && polls > 0 && (r.end == OTA_OK || r.end == OTA_AGAIN)) {
        size_t got = 0;

        r.end = net.port.ops->read(&net.port, buf, sizeof buf, &got, &r.code);
        r.len += got;
        if (got > 0)
            polls = patience;
        if (r.end == OTA_AGAIN) {
            net.port.ops->wait(&net.port, 10);
            polls--;
        }
    }
    net.port.ops->end(&net.port);
    return r;
}

static void open_net(void)
{
    const struct ota_posix_net_config cfg = { .connect_ms = 2000 };

    assert_int_equal(ota_posix_net_open(&net, &cfg, NULL), OTA_OK);
}

static struct result get(const struct test_http_fault *fault)
{
    const struct ota_net_request req = { .url = url };
    struct result r;

    if (fault) { /* on a connection of its own: what an earlier one left unread must not be taken for its answer */
        ota_posix_net_close(&net);
        open_net();
    }

    test_http_fault(server, "/file", fault);
    r = run(&req, fault && (fault->stall || fault->stall_head) ? 30 : 1000);
    test_http_fault(server, "/file", NULL);
    return r;
}

/* How each misbehaviour looks to the core. */
static const struct {
    const char *what;
    struct test_http_fault fault;
    ota_err head, end;
    uint64_t len;
} rows[] = {
    { "well-behaved", { 0 }, OTA_OK, OTA_DONE, FILE_LEN },
    { "slow", { .slow_bytes = 20000 }, OTA_OK, OTA_DONE, FILE_LEN },
    { "chunked", { .chunked = true }, OTA_OK, OTA_DONE, FILE_LEN },
    { "no length", { .no_length = true }, OTA_OK, OTA_DONE, FILE_LEN },
    { "five early hints", { .interim = 5 }, OTA_OK, OTA_DONE, FILE_LEN },
    { "early hints for ever", { .interim = 100000 }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "dropped before the body", { .drop = true }, OTA_OK, OTA_RETRY_TRUNCATED, 0 },
    { "dropped after a byte", { .drop = true, .drop_after = 1 }, OTA_OK, OTA_RETRY_TRUNCATED, 1 },
    { "dropped before the last byte", { .drop = true, .drop_after = FILE_LEN - 1 }, OTA_OK, OTA_RETRY_TRUNCATED, FILE_LEN - 1 },
    { "dropped in a chunk", { .drop = true, .drop_after = 70000, .chunked = true }, OTA_OK, OTA_RETRY_TRUNCATED, 70000 },
    { "promises more", { .length_lie = 100, .drop = true, .drop_after = FILE_LEN }, OTA_OK, OTA_RETRY_TRUNCATED, FILE_LEN },
    { "promises less", { .length_lie = -100 }, OTA_OK, OTA_DONE, FILE_LEN - 100 },
    { "stalls before the head", { .stall_head = true }, OTA_AGAIN, OTA_AGAIN, 0 },
    { "stalls in the body", { .stall = true, .stall_after = 100000 }, OTA_OK, OTA_AGAIN, 100000 },
    { "a head of 15 KiB", { .flood = 15000 }, OTA_OK, OTA_DONE, FILE_LEN },
    { "a head of 17 KiB", { .flood = 17000 }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "a head of 10 MB", { .flood = 10000000 }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "503", { .status = 503, .fields = "Retry-After: 7\r\n" }, OTA_OK, OTA_DONE, 0 },
    { "redirect", { .status = 302, .fields = "Location: /other\r\n" }, OTA_OK, OTA_DONE, 0 },
    { "redirect to a file", { .status = 301, .fields = "Location: file:///etc/passwd\r\n" }, OTA_OK, OTA_DONE, 0 },
    { "not HTTP", { .raw = "SSH-2.0-OpenSSH_9.2\r\n" }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "HTTP/0.9", { .raw = "<html>hello</html>" }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "nothing at all", { .raw = "" }, OTA_RETRY_NETWORK, OTA_AGAIN, 0 },
    { "half a head", { .raw = "HTTP/1.1 200 OK\r\nContent-Le" }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "a head cut after its length", { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "transfer coding gzip", { .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
      OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "an odd chunk", { .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n" }, OTA_OK, OTA_RETRY_TRUNCATED, 0 },
    { "a length below zero", { .raw = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc" }, OTA_RETRY_PROTOCOL, OTA_AGAIN, 0 },
    { "content coding is left alone", { .raw = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc" },
      OTA_OK, OTA_DONE, 3 },
};

static void every_misbehaviour_has_its_answer(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct result r = get(&rows[i].fault);

        if (r.head != rows[i].head || r.end != rows[i].end || r.len != rows[i].len) {
            print_error("%s: head %s, end %s, %llu bytes, code %d\n", rows[i].what, ota_err_name(r.head), ota_err_name(r.end),
                        (unsigned long long)r.len, (int)r.code);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_true(sizeof rows / sizeof rows[0] > 25);
    assert_true(get(NULL).len == FILE_LEN);
}

/* Found by tests/badnet: libcurl keeps every trailer, and nothing counted them. */
static void trailers_are_bounded(void **state)
{
    static char raw[200000] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
    static const struct test_http_fault many = { .raw = raw };
    struct result r;

    (void)state;
    while (strlen(raw) < sizeof raw - 64)
        strcat(raw, "X-Trailer: 0123456789012345678901234567890123456\r\n");
    r = get(&many);
    assert_int_equal(r.head, OTA_OK);
    assert_int_equal(r.end, OTA_RETRY_PROTOCOL);
}

static void answers_are_told_as_they_are(void **state)
{
    static const struct test_http_fault busy = { .status = 503, .fields = "Retry-After: 7\r\n" };
    static const struct test_http_fault moved = { .status = 302, .fields = "Location: /other\r\n" };
    struct result r = get(&busy);

    (void)state;
    assert_int_equal(r.h.status, 503);
    assert_int_equal(r.h.retry_after_s, 7);
    r = get(&moved);
    assert_int_equal(r.h.status, 302);
    assert_string_equal(r.h.location, "/other");
}

static void the_request_says_what_it_must_and_no_more(void **state)
{
    const struct ota_net_request req = { .url = url, .range_from = 5, .if_range = "\"x\"", .if_none_match = "\"y\"",
                                         .extra = "X-One: 1\nX-Two: 2" };
    struct test_http_seen seen;

    (void)state;
    (void)run(&req, 1000);
    test_http_seen(server, &seen);
    assert_non_null(strstr(seen.request, "GET /file HTTP/1.1\r\n"));
    assert_non_null(strstr(seen.request, "\r\nRange: bytes=5-\r\n"));
    assert_non_null(strstr(seen.request, "\r\nIf-Range: \"x\"\r\n"));
    assert_non_null(strstr(seen.request, "\r\nIf-None-Match: \"y\"\r\n"));
    assert_non_null(strstr(seen.request, "\r\nX-One: 1\r\nX-Two: 2\r\n"));
    assert_non_null(strstr(seen.request, "\r\nUser-Agent: libota/"));
    assert_null(strstr(seen.request, "Accept-Encoding"));
    assert_null(strstr(seen.request, "Authorization"));
    assert_true(strlen(seen.request) < 400);
    (void)get(NULL);
    test_http_seen(server, &seen);
    assert_null(strstr(seen.request, "Range"));
    assert_null(strstr(seen.request, "X-One"));
}

static void one_connection_serves_them_all(void **state)
{
    struct test_http_seen seen;

    (void)state;
    (void)get(NULL);
    test_http_reset(server);
    for (int i = 0; i < 20; i++)
        assert_int_equal(get(NULL).end, OTA_DONE);
    test_http_seen(server, &seen);
    assert_int_equal(seen.requests, 20);
    assert_int_equal(seen.connections, 0);
}

/* A dead proxy in the environment would make every request fail. */
static void the_environment_chooses_no_proxy(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    assert_int_equal(get(NULL).end, OTA_DONE);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static ota_err begin(const char *text, enum ota_net_method method)
{
    const struct ota_net_request req = { .url = text, .method = method };
    ota_err err = net.port.ops->begin(&net.port, &req);

    net.port.ops->end(&net.port);
    return err;
}

static void odd_urls_are_refused(void **state)
{
    static const char *const odd[] = { "", "nonsense", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "http://", "http://[::1/x",
                                       "http://127.0.0.1:99999/", "file://other.host/etc/passwd", "file:relative",
                                       "file:///a%00b", "file:///a%zz", "file:///a%2", "ldap://127.0.0.1/" };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_int_equal(begin(odd[i], OTA_NET_GET), OTA_USAGE_ARGUMENT);
}

static void only_one_exchange_is_open(void **state)
{
    const struct ota_net_request req = { .url = url };
    size_t got;
    int32_t code;
    char byte;
    struct ota_net_head h;

    (void)state;
    assert_int_equal(net.port.ops->begin(&net.port, &req), OTA_OK);
    assert_int_equal(net.port.ops->begin(&net.port, &req), OTA_USAGE_STATE);
    net.port.ops->end(&net.port);
    assert_int_equal(net.port.ops->head(&net.port, &h, &code), OTA_USAGE_STATE);
    assert_int_equal(net.port.ops->read(&net.port, &byte, 1, &got, &code), OTA_USAGE_STATE);
}

static unsigned file_status(const char *text, enum ota_net_method method)
{
    const struct ota_net_request req = { .url = text, .method = method };

    return run(&req, 10).h.status;
}

static void file_urls_answer_as_http_would(void **state)
{
    char text[128];

    (void)state;
    snprintf(text, sizeof text, "file://%s", file);
    assert_int_equal(file_status(text, OTA_NET_GET), 200);
    assert_int_equal(file_status(text, OTA_NET_PUT), 405);
    snprintf(text, sizeof text, "file://localhost%s/%%66ile", dir);
    assert_int_equal(file_status(text, OTA_NET_GET), 200);
    assert_int_equal(file_status("file:///nonexistent", OTA_NET_GET), 404);
    assert_int_equal(file_status("file:///tmp", OTA_NET_GET), 404);
    assert_int_equal(file_status("file:///dev/zero", OTA_NET_GET), 404);
    assert_int_equal(file_status("file:///etc/hostname/x", OTA_NET_GET), 404);
}

static void bad_settings_are_named(void **state)
{
    struct ota_posix_net_config cfg = { .ca_file = "/nonexistent/ca.pem" };
    static struct ota_posix_net n;
    struct ota_fault fault;

    (void)state;
    assert_int_equal(ota_posix_net_open(&n, &cfg, &fault), OTA_USAGE_CONFIG);
    assert_string_equal(fault.where, "net.ca_file");
    assert_int_equal(fault.port_code, ENOENT);
    cfg = (struct ota_posix_net_config){ .cert_file = file };
    assert_int_equal(ota_posix_net_open(&n, &cfg, &fault), OTA_USAGE_CONFIG);
    assert_string_equal(fault.where, "net.key_file");
    assert_int_equal(ota_posix_net_open(&n, NULL, &fault), OTA_USAGE_ARGUMENT);
    ota_posix_net_close(&n);
}

static int set_up(void **state)
{
    FILE *f;

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof file, "%s/file", dir);
    f = fopen(file, "wb");
    if (!f)
        return -1;
    for (unsigned i = 0; i < FILE_LEN; i++)
        fputc((int)(i * 7u % 251u), f);
    fclose(f);
    server = test_http_start(dir);
    snprintf(url, sizeof url, "%sfile", test_http_url(server));
    open_net();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ota_posix_net_close(&net);
    ota_posix_net_close(&net);
    test_http_stop(server);
    unlink(file);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_misbehaviour_has_its_answer),
        cmocka_unit_test(trailers_are_bounded),
        cmocka_unit_test(answers_are_told_as_they_are),
        cmocka_unit_test(the_request_says_what_it_must_and_no_more),
        cmocka_unit_test(one_connection_serves_them_all),
        cmocka_unit_test(the_environment_chooses_no_proxy),
        cmocka_unit_test(odd_urls_are_refused),
        cmocka_unit_test(only_one_exchange_is_open),
        cmocka_unit_test(file_urls_answer_as_http_would),
        cmocka_unit_test(bad_settings_are_named),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
