/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what was issued: everything in one, so that it is replaced as a whole. */
#include <string.h>

#include "client.h"

static const uint8_t magic[8] = { 'O', 'T', 'A', 'A', 'T', 'T', '0', '1' };
enum { AT_MEASUREMENTS = 8, AT_NOT_BEFORE = 40, AT_NOT_AFTER = 48, AT_RENEW = 56, AT_LEN = 64, AT_OUTDATED = 72 };
#define CRC_LEN 4u

size_t otai_attest_put_head(uint8_t *p, const struct otai_attest_head *h)
{
    size_t len = OTAI_ATTEST_HEAD_LEN + h->len[0] + h->len[1];

    memset(p, 0, OTAI_ATTEST_HEAD_LEN);
    memcpy(p, magic, sizeof magic);
    memcpy(p + AT_MEASUREMENTS, h->measurements, OTA_SHA256_LEN);
    otai_put_le64(p + AT_NOT_BEFORE, (uint64_t)h->not_before_s);
    otai_put_le64(p + AT_NOT_AFTER, (uint64_t)h->not_after_s);
    otai_put_le64(p + AT_RENEW, (uint64_t)h->renew_at_s);
    for (size_t i = 0; i < OTA_CERTIFICATES; i++)
        otai_put_le32(p + AT_LEN + 4 * i, h->len[i]);
    memcpy(p + AT_OUTDATED, h->outdated, sizeof h->outdated);
    otai_put_le32(p + len, otai_crc32(0, p, len));
    return len + CRC_LEN;
}

bool otai_attest_get_head(const uint8_t *p, size_t len, struct otai_attest_head *h)
{
    memset(h, 0, sizeof *h);
    if (len < OTAI_ATTEST_HEAD_LEN + CRC_LEN || memcmp(p, magic, sizeof magic) != 0)
        return false;
    memcpy(h->measurements, p + AT_MEASUREMENTS, OTA_SHA256_LEN);
    h->not_before_s = (int64_t)otai_get_le64(p + AT_NOT_BEFORE);
    h->not_after_s = (int64_t)otai_get_le64(p + AT_NOT_AFTER);
    h->renew_at_s = (int64_t)otai_get_le64(p + AT_RENEW);
    for (size_t i = 0; i < OTA_CERTIFICATES; i++)
        h->len[i] = otai_get_le32(p + AT_LEN + 4 * i);
    memcpy(h->outdated, p + AT_OUTDATED, sizeof h->outdated);
    size_t left = len - OTAI_ATTEST_HEAD_LEN - CRC_LEN;
    if (h->len[0] == 0 || h->len[0] > left || h->len[1] != left - h->len[0])
        return false;
    return otai_get_le32(p + len - CRC_LEN) == otai_crc32(0, p, len - CRC_LEN) && h->outdated[sizeof h->outdated - 1] == '\0' &&
           h->not_before_s < h->not_after_s;
}

const uint8_t *otai_attest_bundle(const uint8_t *p, const struct otai_attest_head *h, enum ota_certificate which)
{
    return p + OTAI_ATTEST_HEAD_LEN + (which == OTA_CERTIFICATE_APPLICATION ? h->len[0] : 0);
}

const char *otai_attest_record_name(enum ota_certificate which)
{
    return which == OTA_CERTIFICATE_UPDATE ? OTA_ATTEST_UPDATE_PEM : OTA_ATTEST_APPLICATION_PEM;
}
