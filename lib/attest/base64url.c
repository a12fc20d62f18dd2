/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void otai_put_base64url(struct otai_out *o, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        char quad[4];

        for (size_t k = 0; k <= n; k++)
            quad[k] = digits[bits >> (18 - 6 * k) & 63u];
        otai_out_bytes(o, quad, n + 1);
    }
}

static int digit(uint8_t c)
{
    for (int i = 0; i < 64; i++)
        if (digits[i] == (char)c)
            return i;
    return -1;
}

bool otai_base64url_decode(struct otai_span text, uint8_t *out, size_t *len)
{
    uint32_t bits = 0;
    unsigned pending = 0;

    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int d = digit(text.p[i]);
        if (d < 0)
            return false;
        bits = bits << 6 | (uint32_t)d;
        pending += 6;
        if (pending < 8)
            continue;
        pending -= 8;
        out[(*len)++] = (uint8_t)(bits >> pending);
        bits &= (1u << pending) - 1u;
    }
    return text.len % 4 != 1 && bits == 0; /* only one text for the same bytes */
}
