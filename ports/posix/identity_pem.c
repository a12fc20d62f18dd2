/* SPDX-License-Identifier: Apache-2.0 */
#include "identity_pem.h"

#include <string.h>

#define LINE_DIGITS 64u
#define DER_LEN 138u
#define DIGITS (DER_LEN / 3u * 4u)

static const char begin_line[] = "-----BEGIN PRIVATE KEY-----\n", end_line[] = "-----END PRIVATE KEY-----\n";
static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* All that stands before the private key, and between it and the public one (RFC 5958, RFC 5915, RFC 5480). */
static const uint8_t head[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const uint8_t middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };

_Static_assert(sizeof head + OTAP_PRIVATE_LEN + sizeof middle + OTAP_PUBLIC_LEN == DER_LEN, "PKCS #8");
_Static_assert(sizeof begin_line - 1 + DIGITS + 3 + sizeof end_line - 1 == OTAP_PEM_LEN, "PEM");

static void wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}

static char *put_text(char *p, const char *text)
{
    size_t len = strlen(text);

    memcpy(p, text, len);
    return p + len;
}

static char *put_lines(char *p, const uint8_t der[DER_LEN])
{
    for (size_t i = 0, n = 0; i < DER_LEN; i += 3) {
        uint32_t bits = (uint32_t)der[i] << 16 | (uint32_t)der[i + 1] << 8 | der[i + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            *p++ = digits64[bits >> shift & 63u];
        n += 4;
        if (n % LINE_DIGITS == 0 || n == DIGITS)
            *p++ = '\n';
    }
    return p;
}

void otap_pem_write(const uint8_t priv[OTAP_PRIVATE_LEN], const uint8_t pub[OTAP_PUBLIC_LEN], char out[OTAP_PEM_LEN])
{
    uint8_t der[DER_LEN], *p = der;

    memcpy(p, head, sizeof head);
    p += sizeof head;
    memcpy(p, priv, OTAP_PRIVATE_LEN);
    p += OTAP_PRIVATE_LEN;
    memcpy(p, middle, sizeof middle);
    memcpy(p + sizeof middle, pub, OTAP_PUBLIC_LEN);
    memcpy(put_lines(put_text(out, begin_line), der), end_line, sizeof end_line - 1);
    wipe(der, sizeof der);
}

/* Digits alone matter here: whether all else is right, the comparison with what would be written tells. */
static void take_digits(const char *in, uint8_t der[DER_LEN])
{
    const char *p = in + sizeof begin_line - 1;
    uint32_t bits = 0;
    size_t len = 0;

    for (size_t n = 1; n <= DIGITS; p++) {
        const char *at = *p == '\n' || *p == '\0' ? NULL : strchr(digits64, *p);

        if (*p == '\n')
            continue;
        bits = bits << 6 | (at ? (uint32_t)(at - digits64) : 0);
        if (n++ % 4 == 0) {
            der[len++] = (uint8_t)(bits >> 16);
            der[len++] = (uint8_t)(bits >> 8);
            der[len++] = (uint8_t)bits;
        }
    }
}

bool otap_pem_read(const char in[OTAP_PEM_LEN], uint8_t priv[OTAP_PRIVATE_LEN], uint8_t pub[OTAP_PUBLIC_LEN])
{
    char again[OTAP_PEM_LEN];
    uint8_t der[DER_LEN] = { 0 };

    for (size_t i = 0, lines = 0; i < OTAP_PEM_LEN; i++) {
        lines += in[i] == '\n';
        if (in[i] == '\0' || lines > 5)
            return false;
    }
    take_digits(in, der);
    memcpy(priv, der + sizeof head, OTAP_PRIVATE_LEN);
    memcpy(pub, der + sizeof head + OTAP_PRIVATE_LEN + sizeof middle, OTAP_PUBLIC_LEN);
    otap_pem_write(priv, pub, again);
    bool same = memcmp(again, in, OTAP_PEM_LEN) == 0;
    wipe(der, sizeof der);
    wipe(again, sizeof again);
    return same;
}
