/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers send to the attestation service, and what its files hold. Byte 0 chooses: 0 a connection's bytes, 1 a body, 2 reference
 * values, 3 the configuration. A connection's bytes are judged in every prefix: what was refused stays refused, what is whole has no
 * more to wait for.
 */
#include <string.h>

#include "settings.h"
#include "http.h"
#include "reference.h"
#include "require.h"
#include "wire.h"

#define IN_MAX (HTTP_HEAD_MAX + WIRE_BODY_MAX)

static void check_fault(ota_err err, const struct ota_fault *fault, const char *where)
{
    require(err == fault->err);
    require(err == OTA_OK || ota_err_class(err) == OTA_CLASS_REJECT);
    require(err == OTA_OK || strncmp(fault->where, where, strlen(where)) == 0);
}

static void body(const char *text, size_t len)
{
    static struct wire_attest a;
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = wire_read_attest(text, len, &a, &fault);

    check_fault(err, &fault, "request");
    if (err == OTA_OK) {
        require(a.form == OTA_TOKEN_COSE || a.form == OTA_TOKEN_JWT);
        require(a.evidence_len <= sizeof a.evidence && a.key[0] == 4 && a.update_key[0] == 4 && a.application_key[0] == 4);
        require(memchr(a.token, '\0', sizeof a.token) != NULL);
    }
    fault.err = OTA_OK;
    err = wire_read_start(text, len, &fault);
    check_fault(err, &fault, "request");
}

static void connection(const char *text, size_t len)
{
    struct http_request r;
    size_t step = len > 512 ? 97 : 1;
    int before = 0;

    for (size_t n = 0; n <= len; n += n + step <= len || n == len ? step : len - n) {
        int status = http_read(text, n, WIRE_BODY_MAX, &r);

        require(status == 0 || (status >= 200 && status < 600 && http_reason(status)[0]));
        require(before == 0 || before == 200 || status == before);
        require(before != 200 || status == 400); /* something behind a whole request */
        require(n < IN_MAX || status != 0);
        if (status == 200) {
            require(r.body >= text && r.body + r.body_len == text + n && r.path[0] == '/');
            body(r.body, r.body_len);
        }
        before = status;
        if (status != 0 && status != 200)
            break;
    }
}

static void references(const char *text, size_t len)
{
    static struct reference r;
    struct ota_fault fault = { .err = OTA_OK };

    memset(&r, 0, sizeof r);
    r.product = "p";
    ota_err err = reference_read(&r, text, len, &fault);
    check_fault(err, &fault, "reference");
    require(r.count <= REFERENCE_MAX && r.current_count <= r.count);
    for (size_t i = 0; i < r.count; i++)
        require(memchr(r.value[i].name, '\0', OTA_NAME_MAX) != NULL);
}

static void configuration(const char *text, size_t len)
{
    static struct config c;
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = config_read(&c, text, len, &fault);

    check_fault(err, &fault, "config");
    require(c.group_count <= CONFIG_GROUPS_MAX);
    for (size_t i = 0; err == OTA_OK && i < c.group_count; i++)
        require(c.group[i].product[0] && c.group[i].ca_key.text[0] && c.group[i].strength_min >= OTA_STRENGTH_SOFT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const char *, size_t) = { connection, body, references, configuration };

    if (size > 0 && size <= IN_MAX)
        targets[data[0] & 3]((const char *)data + 1, size - 1);
    return 0;
}
