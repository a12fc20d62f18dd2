/* SPDX-License-Identifier: Apache-2.0 */
/* Strings taken out of JSON: compared, decoded, as hexadecimal. */
#include "encode.h"
#include "json_text.h"

#include <string.h>

bool otai_json_raw_is(struct otai_span raw, const char *text)
{
    size_t pos = 0;
    uint32_t cp;

    while (otai_json_char(raw.p, raw.len, &pos, &cp)) {
        uint8_t utf8[4];
        size_t n = otai_json_utf8(cp, utf8);

        if (strncmp(text, (const char *)utf8, n) != 0)
            return false;
        text += n;
    }
    return raw.p && *text == '\0';
}

bool otai_json_same(struct otai_span a, struct otai_span b)
{
    return otai_json_order(a, b) == 0;
}

bool otai_json_raw_copy(struct otai_span raw, char *out, size_t cap)
{
    struct otai_text t;
    size_t pos = 0;
    uint32_t cp;

    otai_text_init(&t, out, cap);
    while (otai_json_char(raw.p, raw.len, &pos, &cp)) {
        uint8_t utf8[4];

        otai_text_bytes(&t, utf8, otai_json_utf8(cp, utf8));
    }
    if (raw.p && !t.full)
        return true;
    if (cap)
        out[0] = '\0';
    return false;
}

void otai_json_string(struct otai_json *j, char *out, size_t cap)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (!otai_json_raw_copy(raw, out, cap))
        otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
}

void otai_json_hex(struct otai_json *j, uint8_t *out, size_t len)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (raw.p && raw.len == 2 * len && otai_hex_decode(raw, out, OTAI_HEX_LOWER))
        return;
    memset(out, 0, len);
    otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}
