/* SPDX-License-Identifier: Apache-2.0 */
/* What people write down about image packages: public keys as PEM files, identifiers as text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ota/posix.h"

#define PEM_MAX 4096u
#define P256_LEN 65u
#define P384_LEN 97u
#define TEXT_LEN (OTA_POSIX_PACKAGE_ID_LEN - 1u)

/* RFC 5480: all that stands before the point. */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t p384_head[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                     0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };

static int digit64(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* The lines between the marks: digits, line ends, and padding only behind the last digit. @return bytes, 0 if malformed */
static size_t decode64(const char *p, const char *end, uint8_t *out, size_t cap)
{
    uint32_t bits = 0;
    size_t digits = 0, pads = 0, len = 0;

    for (; p < end; p++) {
        if (*p == '\n' || *p == '\r')
            continue;
        if (*p == '=') {
            pads++;
            continue;
        }
        int v = digit64(*p);
        if (v < 0 || pads > 0)
            return 0;
        bits = bits << 6 | (uint32_t)v;
        if (++digits % 4 == 1)
            continue;
        if (len == cap)
            return 0;
        out[len++] = (uint8_t)(bits >> (6u - 2u * ((digits - 1) % 4)));
    }
    return pads <= 2 && (digits + pads) % 4 == 0 ? len : 0;
}

static bool take_point(struct ota_posix_package_key *k, const uint8_t *der, size_t len, const uint8_t *head, size_t head_len,
                       size_t point_len)
{
    if (len != head_len + point_len || memcmp(der, head, head_len) != 0 || der[head_len] != 0x04)
        return false;
    k->kind = point_len == P256_LEN ? OTA_KEY_P256 : OTA_KEY_P384;
    k->len = point_len;
    memcpy(k->bytes, der + head_len, point_len);
    return true;
}

static bool read_pem(struct ota_posix_package_key *k, const char *text)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----", end[] = "-----END PUBLIC KEY-----";
    uint8_t der[sizeof p384_head + P384_LEN];
    const char *from = strstr(text, begin), *to = from ? strstr(from, end) : NULL;

    if (!to)
        return false;
    size_t len = decode64(from + sizeof begin - 1, to, der, sizeof der);
    return take_point(k, der, len, p256_head, sizeof p256_head, P256_LEN) ||
           take_point(k, der, len, p384_head, sizeof p384_head, P384_LEN);
}

ota_err ota_posix_package_key_load(struct ota_posix_package_key *k, const char *path, struct ota_fault *fault)
{
    char text[PEM_MAX + 1];
    FILE *f = path ? fopen(path, "re") : NULL;

    if (!f)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "package.key", path ? errno : 0);
    size_t len = fread(text, 1, PEM_MAX, f);
    (void)fclose(f);
    text[len] = '\0';
    memset(k, 0, sizeof *k);
    return read_pem(k, text) ? OTA_OK : ota_fault_set(fault, OTA_REJECT_KEY, "package.key", 0);
}

/* Where byte i of the file's order stands in the text, in digits. */
static const uint8_t place[OTA_UID_LEN] = { 6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34 };

static int digit16(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    if (!at)
        return -1;
    return (int)(at - digits) < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

bool ota_posix_package_id_parse(const char *text, uint8_t id[OTA_UID_LEN])
{
    if (strlen(text) != TEXT_LEN || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
        return false;
    for (size_t i = 0; i < OTA_UID_LEN; i++) {
        int high = digit16(text[place[i]]), low = digit16(text[place[i] + 1]);
        if (high < 0 || low < 0)
            return false;
        id[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void ota_posix_package_id_print(const uint8_t id[OTA_UID_LEN], char text[OTA_POSIX_PACKAGE_ID_LEN])
{
    static const char digits[] = "0123456789abcdef";

    memset(text, '-', TEXT_LEN);
    text[TEXT_LEN] = '\0';
    for (size_t i = 0; i < OTA_UID_LEN; i++) {
        text[place[i]] = digits[id[i] >> 4];
        text[place[i] + 1] = digits[id[i] & 15];
    }
}
