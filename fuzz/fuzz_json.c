/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the reader takes has a canonical form, and that form is its own canonical form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct text {
    uint8_t *p;
    size_t len, cap;
};

static ota_err put(void *ctx, const uint8_t *p, size_t len)
{
    struct text *t = ctx;

    if (len > t->cap - t->len)
        abort(); /* the form is never longer than the text */
    memcpy(t->p + t->len, p, len);
    t->len += len;
    return OTA_OK;
}

static ota_err canonical(const uint8_t *p, size_t len, struct text *out)
{
    const struct otai_json_sink sink = { put, out };
    struct otai_json j;

    out->p = malloc(len + 1);
    out->len = 0;
    out->cap = len + 1;
    otai_json_init(&j, p, len);
    ota_err err = otai_json_canonical(&j, &sink);
    if (err == OTA_OK) {
        otai_json_end(&j);
        err = j.err;
    }
    return err;
}

/* In the form control bytes stand as they are, which the reader refuses. */
static bool has_control(const struct text *t)
{
    for (size_t i = 0; i < t->len; i++)
        if (t->p[i] < 0x20)
            return true;
    return false;
}

static ota_err walk(const uint8_t *p, size_t len)
{
    struct ota_fault fault;
    struct otai_json j;

    otai_json_init(&j, p, len);
    otai_json_skip(&j);
    otai_json_end(&j);
    if (otai_json_fault(&j, "fuzz", &fault) != OTA_OK && strncmp(fault.where, "fuzz", 4) != 0)
        abort();
    return j.err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text once, twice = { NULL, 0, 0 };

    ota_err err = canonical(data, size, &once);
    if (err != walk(data, size))
        abort();
    if (err == OTA_OK && !has_control(&once))
        if (canonical(once.p, once.len, &twice) != OTA_OK || twice.len != once.len || memcmp(twice.p, once.p, once.len) != 0)
            abort();
    free(once.p);
    free(twice.p);
    return 0;
}
