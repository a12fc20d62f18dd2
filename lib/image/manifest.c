/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifest, the body of a package; integers little-endian:
 *
 *   0   2  version: 3
 *   2   2  images
 *   4   2  bytes of this head: 16
 *   6   2  bytes of an entry: 76, or more
 *   8   8  build time, Unix seconds
 *   16  entries
 *
 * One entry: image 16, component 16, image type u16, partition u16, length u32, uncompressed length u32,
 * provides 2 x {version u32, type u32}, depends likewise; and, where entries have 108 bytes or more, SHA-256 32.
 */
#include <string.h>

#include "bytes.h"
#include "package.h"

#define VERSION 3u
#define ENTRY_MIN 76u
#define COMPONENT_AT 16u
#define ABI_AT 44u
#define DIGEST_AT ENTRY_MIN
#define PAD_MAX 3u /* behind the last entry: a package pads its body */

static const uint8_t *entry_at(const struct ota_manifest *m, size_t i)
{
    return m->p + m->head_len + i * m->entry_len;
}

static ota_err check_sizes(const struct ota_manifest *m, size_t len, struct ota_fault *fault)
{
    if (m->head_len < OTA_MANIFEST_HEAD_LEN || m->head_len > len)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "manifest.head_len", m->head_len);
    if (m->entry_len < ENTRY_MIN)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "manifest.entry_len", m->entry_len);
    if (m->count > OTA_MANIFEST_IMAGES_MAX)
        return ota_fault_set(fault, OTA_REJECT_LIMIT, "manifest.images", m->count);
    size_t used = m->head_len + (size_t)m->count * m->entry_len;
    if (used > len || len - used > PAD_MAX || !otai_is_zero(m->p + used, len - used))
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "manifest.images", m->count);
    return OTA_OK;
}

static ota_err check_entry(const struct ota_manifest *m, size_t i, struct ota_fault *fault)
{
    const uint8_t *e = entry_at(m, i);

    for (size_t k = 0; k < i; k++) {
        const uint8_t *other = entry_at(m, k);
        if (memcmp(e, other, OTA_UID_LEN) == 0)
            return ota_fault_set(fault, OTA_REJECT_DUPLICATE, "manifest.entry.image", (int32_t)i);
        if (memcmp(e + COMPONENT_AT, other + COMPONENT_AT, OTA_UID_LEN) == 0)
            return ota_fault_set(fault, OTA_REJECT_DUPLICATE, "manifest.entry.component", (int32_t)i);
    }
    if (m->hashed && otai_is_zero(e + DIGEST_AT, OTA_SHA256_LEN))
        return ota_fault_set(fault, OTA_REJECT_MISSING, "manifest.entry.sha256", (int32_t)i);
    return OTA_OK;
}

ota_err ota_manifest_open(struct ota_manifest *m, const uint8_t *body, size_t len, bool hashes, struct ota_fault *fault)
{
    memset(m, 0, sizeof *m);
    if (len < OTA_MANIFEST_HEAD_LEN)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "manifest.head", (int32_t)len);
    if (otai_get_le16(body) != VERSION)
        return ota_fault_set(fault, OTA_REJECT_SPEC, "manifest.version", otai_get_le16(body));
    m->count = otai_get_le16(body + 2);
    m->head_len = otai_get_le16(body + 4);
    m->entry_len = otai_get_le16(body + 6);
    m->built_s = otai_get_le64(body + 8);
    m->hashed = m->entry_len >= OTA_MANIFEST_ENTRY_LEN;
    m->p = body;
    ota_err err = check_sizes(m, len, fault);
    if (err == OTA_OK && hashes && !m->hashed)
        return ota_fault_set(fault, OTA_REJECT_MISSING, "manifest.entry.sha256", 0);
    for (size_t i = 0; err == OTA_OK && i < m->count; i++)
        err = check_entry(m, i, fault);
    return err;
}

static void get_abi(const uint8_t *p, struct ota_abi to[OTA_MANIFEST_ABI_MAX])
{
    for (size_t i = 0; i < OTA_MANIFEST_ABI_MAX; i++) {
        to[i].version = otai_get_le32(p + i * OTAI_ABI_LEN);
        to[i].type = otai_get_le32(p + i * OTAI_ABI_LEN + 4);
    }
}

static void put_abi(uint8_t *p, const struct ota_abi from[OTA_MANIFEST_ABI_MAX])
{
    for (size_t i = 0; i < OTA_MANIFEST_ABI_MAX; i++) {
        otai_put_le32(p + i * OTAI_ABI_LEN, from[i].version);
        otai_put_le32(p + i * OTAI_ABI_LEN + 4, from[i].type);
    }
}

void ota_manifest_get(const struct ota_manifest *m, size_t i, struct ota_manifest_entry *out)
{
    const uint8_t *e = entry_at(m, i);

    memset(out, 0, sizeof *out);
    memcpy(out->image, e, OTA_UID_LEN);
    memcpy(out->component, e + COMPONENT_AT, OTA_UID_LEN);
    out->image_type = otai_get_le16(e + 32);
    out->partition = otai_get_le16(e + 34);
    out->length = otai_get_le32(e + 36);
    out->uncompressed_len = otai_get_le32(e + 40);
    get_abi(e + ABI_AT, out->provides);
    get_abi(e + ABI_AT + OTA_MANIFEST_ABI_MAX * OTAI_ABI_LEN, out->depends);
    if (m->hashed)
        memcpy(out->sha256, e + DIGEST_AT, OTA_SHA256_LEN);
}

static void put_entry(uint8_t *e, const struct ota_manifest_entry *from)
{
    memcpy(e, from->image, OTA_UID_LEN);
    memcpy(e + COMPONENT_AT, from->component, OTA_UID_LEN);
    otai_put_le16(e + 32, from->image_type);
    otai_put_le16(e + 34, from->partition);
    otai_put_le32(e + 36, from->length);
    otai_put_le32(e + 40, from->uncompressed_len);
    put_abi(e + ABI_AT, from->provides);
    put_abi(e + ABI_AT + OTA_MANIFEST_ABI_MAX * OTAI_ABI_LEN, from->depends);
    memcpy(e + DIGEST_AT, from->sha256, OTA_SHA256_LEN);
}

ota_err ota_manifest_write(uint8_t *buf, size_t cap, uint64_t built_s, const struct ota_manifest_entry *entry, size_t count,
                           size_t *len, struct ota_fault *fault)
{
    struct ota_manifest m;

    if (count > OTA_MANIFEST_IMAGES_MAX || cap < OTA_MANIFEST_HEAD_LEN + count * OTA_MANIFEST_ENTRY_LEN)
        return ota_fault_set(fault, OTA_REJECT_LIMIT, "manifest.images", (int32_t)count);
    otai_put_le16(buf, VERSION);
    otai_put_le16(buf + 2, (uint16_t)count);
    otai_put_le16(buf + 4, OTA_MANIFEST_HEAD_LEN);
    otai_put_le16(buf + 6, OTA_MANIFEST_ENTRY_LEN);
    otai_put_le64(buf + 8, built_s);
    for (size_t i = 0; i < count; i++)
        put_entry(buf + OTA_MANIFEST_HEAD_LEN + i * OTA_MANIFEST_ENTRY_LEN, &entry[i]);
    *len = OTA_MANIFEST_HEAD_LEN + count * OTA_MANIFEST_ENTRY_LEN;
    return ota_manifest_open(&m, buf, *len, true, fault);
}
