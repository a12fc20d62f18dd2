/* SPDX-License-Identifier: Apache-2.0 */
/* Text forms of bytes and times, read strictly. */
#ifndef OTAI_ENCODE_H
#define OTAI_ENCODE_H

#include "bytes.h"

enum otai_hex_case { OTAI_HEX_ANY, OTAI_HEX_LOWER };

/* Decode text.len / 2 bytes. false: an odd length, or another character than the digits; out is then undefined. */
bool otai_hex_decode(struct otai_span text, uint8_t *out, enum otai_hex_case letters);

/* Base64 (RFC 4648 section 4), one character at a time, for text that is broken into lines. */
struct otai_base64 {
    uint8_t *out;
    size_t cap, len;
    uint32_t bits; /* not yet written, the lowest `pending` bits count */
    uint8_t pending, quad, padding;
    bool bad; /* latches: a foreign character, a wrong end, or more than cap bytes */
};

void otai_base64_init(struct otai_base64 *b, uint8_t *out, size_t cap);
void otai_base64_add(struct otai_base64 *b, uint32_t c);
/* true if everything was well formed: whole quads, padding only at the end, no bits behind the last byte. */
bool otai_base64_end(const struct otai_base64 *b);

/* Year, month, day, hour, minute and second of a date that exists, years 1..9999, as Unix seconds. */
bool otai_time_make(const uint32_t v[6], uint32_t second_max, int64_t *utc_s);

/* Exactly "YYYY-MM-DDTHH:MM:SSZ" with a date that exists, years 0001..9999, as Unix seconds. No leap seconds. */
bool otai_time_parse(const char *text, int64_t *utc_s);

#endif
