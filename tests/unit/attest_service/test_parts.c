/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts of the attestation service: requests in pieces, challenges, the list of devices, reference values, its file. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "files.h"
#include "ota/posix.h"
#include "service.h"

static struct ota_posix_crypto crypto;
static char dir[] = "/tmp/ota-attest-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* ---- HTTP ---- */

#define JSON "Content-Type: application/json\r\n"

struct request {
    int status;
    const char *text;
};

static const struct request requests[] = {
    { 200, "POST /v1/start HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}" },
    { 200, "POST /v1/start HTTP/1.0\r\ncontent-length:02 \r\n" JSON "\r\n{}" },
    { 200, "POST /v1/start HTTP/1.1\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 0\r\n\r\n" },
    { 400, "POST /v1/start HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}P" },
    { 400, "POST /v1/start HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}" },
    { 400, "POST /v1/start HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}" },
    { 400, "POST /v1/start HTTP/1.1\r\nContent-Length: \r\n\r\n{}" },
    { 400, "POST /v1/start HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}" },
    { 400, "POST /v1/start HTTP/1.1\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}" },
    { 400, "POST /v1/start HTTP/1.1\r\nX: a\x01\r\nContent-Length: 2\r\n\r\n{}" },
    { 400, "POST /v1/start HTTP/1.1\r\n: a\r\nContent-Length: 2\r\n\r\n{}" },
    { 400, "POST /v1/start HTTP/1.1\r\n" JSON JSON "Content-Length: 2\r\n\r\n{}" },
    { 400, "POST /v1/start\r\n\r\n" },
    { 400, "POST v1/start HTTP/1.1\r\n\r\n" },
    { 400, " /v1/start HTTP/1.1\r\n\r\n" },
    { 400, "POST /v1/start HTTP/1.1 \r\n\r\n" },
    { 400, "POST /v1/start FTTP/1.1\r\n\r\n" },
    { 404, "POST /a-path-that-is-longer-than-any-that-the-service-could-ever-have-in-it HTTP/1.1\r\n\r\n" },
    { 405, "GET /v1/start HTTP/1.1\r\n\r\n" },
    { 405, "POSTS /v1/start HTTP/1.1\r\n\r\n" },
    { 411, "POST /v1/start HTTP/1.1\r\n\r\n" },
    { 413, "POST /v1/start HTTP/1.1\r\nContent-Length: 101\r\n\r\n" },
    { 413, "POST /v1/start HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n" },
    { 415, "POST /v1/start HTTP/1.1\r\nContent-Type: text/json\r\nContent-Length: 2\r\n\r\n{}" },
    { 501, "POST /v1/start HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { 501, "POST /v1/start HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}" },
    { 505, "POST /v1/start HTTP/2.0\r\n\r\n" },
};

/* Every prefix waits, until it is whole or wrong; a prefix of a good one is never wrong. */
static void requests_are_read_in_every_piece(void **state)
{
    struct http_request r;

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        size_t len = strlen(requests[i].text);
        for (size_t n = 0; n < len; n++) {
            int status = http_read(requests[i].text, n, 100, &r);
            if (requests[i].status == 200 ? status != 0 : status != 0 && status != requests[i].status && status != 200)
                fail_msg("%zu bytes of request %zu: %d", n, i, status);
        }
        int status = http_read(requests[i].text, len, 100, &r);
        if (status != requests[i].status)
            fail_msg("request %zu: %d, must be %d: %s", i, status, requests[i].status, requests[i].text);
        assert_string_not_equal(http_reason(status), "Error");
    }
}

static void a_head_is_bounded(void **state)
{
    static char text[HTTP_HEAD_MAX + 100];
    struct http_request r;
    int n = snprintf(text, sizeof text, "POST /v1/start HTTP/1.1\r\nContent-Length: 0\r\nX: ");

    (void)state;
    memset(text + n, 'x', sizeof text - (size_t)n);
    assert_int_equal(http_read(text, HTTP_HEAD_MAX - 1, 100, &r), 0);
    assert_int_equal(http_read(text, HTTP_HEAD_MAX, 100, &r), 431);
    memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(http_read(text, HTTP_HEAD_MAX, 100, &r), 200);
    memcpy(text + HTTP_HEAD_MAX - 4, "xx\r\n\r\n", 6);
    assert_int_equal(http_read(text, HTTP_HEAD_MAX + 2, 100, &r), 431);
}

/* ---- challenges ---- */

static void a_challenge_is_good_once_and_for_a_while(void **state)
{
    static struct nonces n;
    const struct nonce *a = NULL, *b = NULL;
    uint8_t value[32], id[16], first[32];
    uint64_t wait;

    (void)state;
    nonces_init(&n, 2, 1000);
    assert_int_equal(nonces_open(&n, &crypto.port, 5000, &a, &wait), OTA_OK);
    assert_int_equal(nonces_open(&n, &crypto.port, 5400, &b, &wait), OTA_OK);
    assert_memory_not_equal(a->value, b->value, 32);
    memcpy(id, a->id, sizeof id);
    memcpy(first, a->value, sizeof first);
    const struct nonce *c;
    assert_int_equal(nonces_open(&n, &crypto.port, 5400, &c, &wait), OTA_RETRY_BUSY);
    assert_int_equal(wait, 600);
    assert_int_equal(nonces_take(&n, id, 5999, value), OTA_OK);
    assert_memory_equal(value, first, 32);
    assert_int_equal(nonces_take(&n, id, 5999, value), OTA_REJECT_NONCE);
    memcpy(id, b->id, sizeof id);
    assert_int_equal(nonces_take(&n, id, 6400, value), OTA_REJECT_FREEZE);
    assert_int_equal(nonces_take(&n, id, 6400, value), OTA_REJECT_NONCE);
    memset(id, 0, sizeof id); /* what a free place holds */
    assert_int_equal(nonces_take(&n, id, 6400, value), OTA_REJECT_NONCE);
    /* One that expired gives its place to the next. */
    assert_int_equal(nonces_open(&n, &crypto.port, 7000, &a, &wait), OTA_OK);
    assert_int_equal(nonces_open(&n, &crypto.port, 7000, &b, &wait), OTA_OK);
    assert_int_equal(nonces_open(&n, &crypto.port, 8000, &c, &wait), OTA_OK);
}

/* ---- devices ---- */

static struct devices devices;

static struct device device_of(unsigned n)
{
    struct device d = { .key = { 4, (uint8_t)n, (uint8_t)(n >> 8) }, .product = "p", .group = "g" };

    return d;
}

static void devices_are_kept(void **state)
{
    struct device d;
    size_t line;

    (void)state;
    unlink(path_of("devices"));
    assert_true(devices_load(&devices, path_of("devices"), &line)); /* absent: none */
    for (unsigned i = 0; i < 5; i++) {
        d = device_of(i);
        assert_int_equal(devices_add(&devices, &d), OTA_OK);
    }
    assert_true(devices_load(&devices, path_of("devices"), &line));
    assert_int_equal(devices_count(&devices, "p", "g"), 5);
    assert_int_equal(devices_count(&devices, "p", "h"), 0);
    d = device_of(3);
    assert_non_null(devices_find(&devices, d.key));
    d = device_of(9);
    assert_null(devices_find(&devices, d.key));
    /* A list that cannot be written: nothing is registered, and the old one stands. */
    devices.path = "/nowhere/devices";
    assert_int_equal(devices_add(&devices, &d), OTA_DEVICE_STORE);
    assert_null(devices_find(&devices, d.key));
    assert_int_equal(devices.count, 5);
}

static void a_bad_list_is_named_by_its_line(void **state)
{
    static const char key[] = "0411111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111";
    const struct {
        const char *before, *after; /* around the key */
        size_t skip, line;          /* digits of the key that are left out at its end */
    } bad[] = {
        { "", " p g h\n", 0, 1 }, { "", " p\n", 0, 1 },   { "# x\n\n", " p\n", 0, 3 }, { "", " p g", 0, 1 },
        { "1", " p g\n", 0, 1 },  { "", " p g\n", 1, 1 }, { "", "AA p g\n", 2, 1 },     { "05", " p g\n", 2, 1 },
        { "", "  g\n", 0, 1 },    { "", " p g \n", 0, 1 }, { "", " a-name-that-is-longer-than-names-are g\n", 0, 1 },
    };
    char text[1024];
    size_t line;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "%s%.*s%s", bad[i].before, (int)(sizeof key - 1 - bad[i].skip), key, bad[i].after);
        assert_true(file_replace(path_of("bad"), text, strlen(text)));
        if (devices_load(&devices, path_of("bad"), &line) || line != bad[i].line)
            fail_msg("list %zu: line %zu", i, line);
    }
    snprintf(text, sizeof text, "%s p g\n%s p g\n", key, key); /* twice */
    assert_true(file_replace(path_of("bad"), text, strlen(text)));
    assert_false(devices_load(&devices, path_of("bad"), &line));
    assert_int_equal(line, 2);
    snprintf(text, sizeof text, "# the first\n\n%s p g\n", key);
    assert_true(file_replace(path_of("good"), text, strlen(text)));
    assert_true(devices_load(&devices, path_of("good"), &line));
    assert_int_equal(devices.count, 1);
}

/* ---- reference values ---- */

static ota_err read_reference(const char *text, struct ota_fault *fault)
{
    static struct reference r;

    memset(&r, 0, sizeof r);
    r.product = "p";
    r.group = "g";
    memset(fault, 0, sizeof *fault);
    return reference_read(&r, text, strlen(text), fault);
}

#define DIGEST "0000000000000000000000000000000000000000000000000000000000000000"
#define REFERENCE(more, entry) "{\"version\":1" more ",\"references\":[{\"what\":\"image/os\",\"digest\":\"" DIGEST "\"}" entry "]}"

static void references_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        ota_err err;
        const char *where;
    } all[] = {
        { REFERENCE("", ""), OTA_OK, "" },
        { REFERENCE(",\"product\":\"p\",\"group\":\"g\",\"later\":[]", ""), OTA_OK, "" },
        { REFERENCE(",\"product\":\"q\"", ""), OTA_REJECT_SCOPE, "reference.product" },
        { REFERENCE(",\"group\":\"h\"", ""), OTA_REJECT_SCOPE, "reference.group" },
        { REFERENCE("", ",{\"what\":\"image/OS\",\"digest\":\"" DIGEST "\"}"), OTA_REJECT_VALUE, "reference.references[1].what" },
        { REFERENCE("", ",{\"what\":\"image/os\",\"digest\":\"00\"}"), OTA_REJECT_VALUE, "reference.references[1].digest" },
        { REFERENCE("", ",{\"what\":\"image/os\"}"), OTA_REJECT_MISSING, "reference.references[1].digest" },
        { REFERENCE("", ",{\"what\":\"image/os\",\"digest\":\"" DIGEST "\",\"required\":1}"), OTA_REJECT_TYPE, "reference.references[1].required" },
        { "{\"version\":2,\"references\":[]}", OTA_REJECT_SPEC, "reference.version" },
        { "{\"version\":1}", OTA_REJECT_MISSING, "reference.references" },
        { "", OTA_REJECT_SYNTAX, "reference" },
    };
    struct ota_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ota_err err = read_reference(all[i].text, &fault);
        if (err != all[i].err || strcmp(fault.where, all[i].where) != 0)
            fail_msg("%zu: %s at %s, must be %s at %s", i, ota_err_name(err), fault.where, ota_err_name(all[i].err), all[i].where);
    }
}

static void references_have_a_limit(void **state)
{
    static char text[(REFERENCE_MAX + 2) * 110];
    struct ota_fault fault;

    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        char *p = text + sprintf(text, "{\"version\":1,\"references\":[");
        for (unsigned i = 0; i < REFERENCE_MAX + extra; i++)
            p += sprintf(p, "%s{\"what\":\"image/os\",\"digest\":\"%064x\"}", i ? "," : "", i);
        sprintf(p, "]}");
        assert_int_equal(read_reference(text, &fault), extra ? OTA_REJECT_LIMIT : OTA_OK);
    }
}

/* ---- configuration ---- */

#define GROUP "{\"product\":\"p\",\"group\":\"g\",\"ca_cert\":\"c\",\"ca_key\":\"k\",\"reference\":[\"r\"]}"
#define CONFIG(more, groups) "{\"tls_cert\":\"c\",\"tls_key\":\"k\",\"devices\":\"d\"" more ",\"groups\":[" groups "]}"

static void the_configuration_is_strict(void **state)
{
    static const struct {
        const char *text;
        ota_err err;
        const char *where;
    } all[] = {
        { CONFIG("", GROUP), OTA_OK, "" },
        { CONFIG("", ""), OTA_REJECT_VALUE, "config.groups" },
        { CONFIG("", GROUP "," GROUP), OTA_REJECT_DUPLICATE, "config.groups[1]" },
        { CONFIG(",\"port\":65536", GROUP), OTA_REJECT_VALUE, "config.port" },
        { CONFIG(",\"nonce_s\":0", GROUP), OTA_REJECT_VALUE, "config.nonce_s" },
        { CONFIG(",\"nonces_max\":1025", GROUP), OTA_REJECT_VALUE, "config.nonces_max" },
        { CONFIG(",\"certificate_s\":604801", GROUP), OTA_REJECT_VALUE, "config.certificate_s" },
        { CONFIG(",\"timeout\":1", GROUP), OTA_REJECT_VALUE, "config.timeout" },
        { CONFIG(",\"devices\":\"e\"", GROUP), OTA_REJECT_DUPLICATE, "config.devices" },
        { CONFIG(",\"port_file\":\"\"", GROUP), OTA_REJECT_VALUE, "config.port_file" },
        { "{\"tls_cert\":\"c\"}", OTA_REJECT_MISSING, "config.tls_key" },
        { CONFIG("", "{\"product\":\"p\",\"group\":\"g\",\"ca_cert\":\"c\",\"ca_key\":\"k\",\"reference\":[]}"), OTA_REJECT_VALUE, "config.groups[0].reference" },
        { CONFIG("", "{\"product\":\"p\",\"group\":\"g\",\"ca_cert\":\"c\",\"ca_key\":\"k\"}"), OTA_REJECT_MISSING, "config.groups[0].reference" },
        { CONFIG("", "{\"product\":\"p\",\"token_sha256\":\"00\"}"), OTA_REJECT_VALUE, "config.groups[0].token_sha256" },
        { CONFIG("", "{\"product\":\"p,O=x\"}"), OTA_REJECT_VALUE, "config.groups[0].product" },
    };
    static struct config c;
    struct ota_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        memset(&fault, 0, sizeof fault);
        ota_err err = config_read(&c, all[i].text, strlen(all[i].text), &fault);
        if (err != all[i].err || strcmp(fault.where, all[i].where) != 0)
            fail_msg("%zu: %s at %s, must be %s at %s", i, ota_err_name(err), fault.where, ota_err_name(all[i].err), all[i].where);
    }
    assert_int_equal(config_read(&c, all[0].text, strlen(all[0].text), &fault), OTA_OK);
    assert_int_equal(c.certificate_s, 86400);
    assert_int_equal(c.group[0].strength_min, OTA_STRENGTH_TPM); /* a key in a file is not enough unless somebody says so */
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) && ota_posix_crypto_open(&crypto, NULL, NULL) == OTA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    ota_posix_crypto_close(&crypto);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_in_every_piece),
        cmocka_unit_test(a_head_is_bounded),
        cmocka_unit_test(a_challenge_is_good_once_and_for_a_while),
        cmocka_unit_test(devices_are_kept),
        cmocka_unit_test(a_bad_list_is_named_by_its_line),
        cmocka_unit_test(references_are_read_strictly),
        cmocka_unit_test(references_have_a_limit),
        cmocka_unit_test(the_configuration_is_strict),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
