/* SPDX-License-Identifier: Apache-2.0 */
/* Write a trailer. What was written is read again at the end: nothing leaves that this library would refuse. */
#include <string.h>

#include "bytes.h"
#include "package.h"

void ota_package_write_begin(struct ota_package_writer *w, uint8_t *buf, size_t cap)
{
    w->p = buf;
    w->cap = cap < OTA_PACKAGE_TRAILER_MAX ? cap : OTA_PACKAGE_TRAILER_MAX;
    w->len = OTAI_PACKAGE_HEAD;
    w->count = 0;
    w->err = w->cap < OTAI_PACKAGE_HEAD + OTAI_PACKAGE_FOOT ? OTA_REJECT_LIMIT : OTA_OK;
}

/* The data of a new section, or NULL. The place of the trailer's length is kept free. */
static uint8_t *section(struct ota_package_writer *w, uint16_t id, size_t len)
{
    if (w->err == OTA_OK && (len > UINT16_MAX || w->cap - OTAI_PACKAGE_FOOT - w->len < OTAI_SECTION_HEAD + len))
        w->err = OTA_REJECT_LIMIT;
    if (w->err != OTA_OK)
        return NULL;
    uint8_t *p = w->p + w->len;
    otai_put_le16(p, id);
    otai_put_le16(p + 2, (uint16_t)len);
    w->len += OTAI_SECTION_HEAD + len;
    w->count++;
    return p + OTAI_SECTION_HEAD;
}

void ota_package_write_section(struct ota_package_writer *w, uint16_t id, const void *data, size_t len)
{
    uint8_t *p = section(w, id, len);

    if (p && len)
        memcpy(p, data, len);
}

void ota_package_write_identity(struct ota_package_writer *w, uint16_t image_type, const uint8_t component[OTA_UID_LEN],
                                const uint8_t image[OTA_UID_LEN])
{
    uint8_t *p = section(w, OTA_PACKAGE_IDENTITY, OTAI_IDENTITY_LEN);

    if (!p)
        return;
    otai_put_le16(p, image_type);
    otai_put_le16(p + 2, 0);
    memcpy(p + 4, component, OTA_UID_LEN);
    memcpy(p + 4 + OTA_UID_LEN, image, OTA_UID_LEN);
}

void ota_package_write_signature(struct ota_package_writer *w, const uint8_t thumbprint[OTA_PACKAGE_THUMBPRINT_LEN],
                                 uint32_t type)
{
    uint8_t *p = section(w, OTA_PACKAGE_SIGNATURE, OTAI_SIGNATURE_LEN);

    if (!p)
        return;
    memcpy(p, thumbprint, OTA_PACKAGE_THUMBPRINT_LEN);
    otai_put_le32(p + OTA_PACKAGE_THUMBPRINT_LEN, type);
}

void ota_package_write_debug(struct ota_package_writer *w, uint64_t built_s, const char *name)
{
    size_t len = strlen(name);
    uint8_t *p = section(w, OTA_PACKAGE_DEBUG, OTAI_DEBUG_LEN);

    if (p && len >= OTA_PACKAGE_NAME_MAX)
        w->err = OTA_REJECT_LIMIT;
    if (!p || w->err != OTA_OK)
        return;
    otai_put_le64(p, built_s);
    memset(p + 8, 0, OTA_PACKAGE_NAME_MAX);
    memcpy(p + 8, name, len);
}

void ota_package_write_compression(struct ota_package_writer *w, uint32_t uncompressed_len, uint32_t type)
{
    uint8_t *p = section(w, OTA_PACKAGE_COMPRESSION, OTAI_COMPRESSION_LEN);

    if (!p)
        return;
    otai_put_le32(p, uncompressed_len);
    otai_put_le32(p + 4, type);
}

void ota_package_write_abi(struct ota_package_writer *w, enum ota_package_id id, const struct ota_abi *abi, size_t count)
{
    uint8_t *p = section(w, (uint16_t)id, count > OTA_PACKAGE_ABI_MAX ? SIZE_MAX : 4 + count * OTAI_ABI_LEN);

    if (!p)
        return;
    otai_put_le32(p, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        otai_put_le32(p + 4 + i * OTAI_ABI_LEN, abi[i].version);
        otai_put_le32(p + 8 + i * OTAI_ABI_LEN, abi[i].type);
    }
}

void ota_package_write_u32(struct ota_package_writer *w, enum ota_package_id id, uint32_t value)
{
    uint8_t *p = section(w, (uint16_t)id, 4);

    if (p)
        otai_put_le32(p, value);
}

ota_err ota_package_write_end(struct ota_package_writer *w, size_t *len, struct ota_fault *fault)
{
    struct ota_package p;

    if (w->err != OTA_OK)
        return ota_fault_set(fault, w->err, "package.trailer", 0);
    otai_put_le32(w->p, OTAI_PACKAGE_MAGIC);
    otai_put_le32(w->p + 4, w->count);
    *len = w->len + OTAI_PACKAGE_FOOT;
    otai_put_le32(w->p + w->len, (uint32_t)*len);
    memset(&p, 0, sizeof p);
    return otai_trailer_read(&p, w->p, *len, fault);
}
