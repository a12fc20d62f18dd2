/* SPDX-License-Identifier: Apache-2.0 */
/* A log on its way from the boot stage that measured to whoever makes evidence of it. */
#include <string.h>

#include "claims.h"
#include "json_members.h"

static void put_hex(struct otai_text *t, const char *name, const uint8_t digest[OTA_SHA256_LEN])
{
    otai_text_add(t, name);
    otai_text_hex(t, digest, OTA_SHA256_LEN);
}

static void put_entry(struct otai_text *t, const struct ota_measurement *m)
{
    char what[OTAI_WHAT_MAX];

    otai_what(m, what);
    otai_text_add(t, "{\"what\":\"");
    otai_text_add(t, what);
    put_hex(t, "\",\"digest\":\"", m->digest);
    otai_text_add(t, "\",\"version\":\"");
    otai_text_add(t, m->version);
    put_hex(t, "\",\"signer\":\"", m->signer);
    otai_text_add(t, "\"}");
}

/* One entry at a time, so that what does not fit is still counted. */
ota_err ota_attest_log_write(const struct ota_attest_log *log, char *out, size_t cap, size_t *len)
{
    struct otai_out o = { (uint8_t *)out, cap, 0 };
    char entry[512];
    struct otai_text t;

    otai_out_text(&o, "{\"version\":1,\"log\":[");
    for (size_t i = 0; i < log->count; i++) {
        otai_text_init(&t, entry, sizeof entry);
        put_entry(&t, &log->entry[i]);
        otai_out_text(&o, i ? "," : "");
        otai_out_text(&o, entry);
    }
    otai_out_text(&o, "]}\n");
    *len = o.len;
    return o.len <= cap ? OTA_OK : OTA_USAGE_MEMORY;
}

enum { VERSION, LOG };
static const struct otai_member members[] = { [VERSION] = { "version", 0, OTAI_OWN, true }, [LOG] = { "log", 0, OTAI_OWN, true } };

ota_err ota_attest_log_read(const void *text, size_t len, struct ota_crypto *c, struct ota_attest_log *log, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t left = OTAI_ALL(members);
    int member;

    memset(log, 0, sizeof *log);
    otai_json_init(&j, text, len);
    otai_json_object(&j);
    while ((member = otai_json_take(&j, members, NULL, &left)) >= 0) {
        if (member == LOG)
            otai_take_log(&j, c, log);
        else if (otai_json_u64(&j, 0, UINT32_MAX) != 1)
            otai_json_fail(&j, OTA_REJECT_SPEC, NULL);
    }
    otai_json_end(&j);
    if (j.err != OTA_OK)
        memset(log, 0, sizeof *log);
    return otai_json_fault(&j, "measurements", fault);
}
