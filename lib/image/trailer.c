/* SPDX-License-Identifier: Apache-2.0 */
/* Read a trailer. Every length is compared with what is left before it is believed. */
#include <string.h>

#include "bytes.h"
#include "package.h"

uint16_t otai_signature_len(uint32_t type)
{
    if (type == OTA_PACKAGE_ECDSA256)
        return 64;
    return type == OTA_PACKAGE_ECDSA384 ? 96 : 0;
}

static ota_err read_identity(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    (void)len;
    (void)fault;
    o->image_type = otai_get_le16(p);
    memcpy(o->component, p + 4, OTA_UID_LEN);
    memcpy(o->image, p + 4 + OTA_UID_LEN, OTA_UID_LEN);
    return OTA_OK;
}

static ota_err read_signature(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    (void)len;
    memcpy(o->thumbprint, p, OTA_PACKAGE_THUMBPRINT_LEN);
    o->signature_type = otai_get_le32(p + OTA_PACKAGE_THUMBPRINT_LEN);
    if (otai_signature_len(o->signature_type) == 0)
        return ota_fault_set(fault, OTA_REJECT_VALUE, "package.signature.type", (int32_t)o->signature_type);
    return OTA_OK;
}

/* Printed by people's tools: no control bytes, and an end. */
static ota_err read_debug(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    size_t n = 0;

    (void)len;
    o->built_s = otai_get_le64(p);
    memcpy(o->name, p + 8, OTA_PACKAGE_NAME_MAX);
    while (n < OTA_PACKAGE_NAME_MAX && (uint8_t)o->name[n] >= ' ' && o->name[n] != 0x7f)
        n++;
    if (n == OTA_PACKAGE_NAME_MAX || o->name[n] != '\0')
        return ota_fault_set(fault, OTA_REJECT_VALUE, "package.debug.name", (int32_t)n);
    return OTA_OK;
}

static ota_err read_compression(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    (void)len;
    (void)fault;
    o->uncompressed_len = otai_get_le32(p);
    o->compression = otai_get_le32(p + 4);
    return OTA_OK;
}

static ota_err read_abi(const uint8_t *p, size_t len, struct ota_abi *to, uint8_t *count, const char *where,
                        struct ota_fault *fault)
{
    uint32_t n = len < 4 ? 0 : otai_get_le32(p);

    if (n > OTA_PACKAGE_ABI_MAX)
        return ota_fault_set(fault, OTA_REJECT_LIMIT, where, 0);
    if (len != 4 + (size_t)n * OTAI_ABI_LEN)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, where, (int32_t)len);
    for (uint32_t i = 0; i < n; i++) {
        to[i].version = otai_get_le32(p + 4 + i * OTAI_ABI_LEN);
        to[i].type = otai_get_le32(p + 8 + i * OTAI_ABI_LEN);
    }
    *count = (uint8_t)n;
    return OTA_OK;
}

static ota_err read_depends(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    return read_abi(p, len, o->depends, &o->depends_count, "package.abi_depends.count", fault);
}

static ota_err read_provides(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    return read_abi(p, len, o->provides, &o->provides_count, "package.abi_provides.count", fault);
}

static ota_err read_temporary(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    (void)len;
    (void)fault;
    o->temporary = otai_get_le32(p);
    return OTA_OK;
}

static ota_err read_security(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    (void)len;
    (void)fault;
    o->security = otai_get_le32(p);
    return OTA_OK;
}

static ota_err read_offset(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    (void)len;
    (void)fault;
    o->flash_offset = otai_get_le32(p);
    return OTA_OK;
}

static ota_err read_policy(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    (void)len;
    (void)fault;
    o->policy = otai_get_le32(p);
    return OTA_OK;
}

/* Bit i of `has` is row i. len 0: the section's reader knows. */
static const struct known {
    uint16_t id, len;
    const char *where;
    ota_err (*read)(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault);
} known[] = {
    { OTA_PACKAGE_IDENTITY, OTAI_IDENTITY_LEN, "package.identity", read_identity },
    { OTA_PACKAGE_SIGNATURE, OTAI_SIGNATURE_LEN, "package.signature", read_signature },
    { OTA_PACKAGE_DEBUG, OTAI_DEBUG_LEN, "package.debug", read_debug },
    { OTA_PACKAGE_TEMPORARY, 4, "package.temporary", read_temporary },
    { OTA_PACKAGE_ABI_DEPENDS, 0, "package.abi_depends", read_depends },
    { OTA_PACKAGE_ABI_PROVIDES, 0, "package.abi_provides", read_provides },
    { OTA_PACKAGE_COMPRESSION, OTAI_COMPRESSION_LEN, "package.compression", read_compression },
    { OTA_PACKAGE_SECURITY, 4, "package.security", read_security },
    { OTA_PACKAGE_FLASH_OFFSET, 4, "package.flash_offset", read_offset },
    { OTA_PACKAGE_POLICY, 4, "package.policy", read_policy },
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

static size_t row_of(uint16_t id)
{
    size_t i = 0;

    while (i < KNOWN_COUNT && known[i].id != id)
        i++;
    return i;
}

/* A section whose data are there. */
static ota_err take_section(struct ota_package *o, const struct ota_package_section *s, struct ota_fault *fault)
{
    size_t i = row_of(s->id);

    o->section[o->section_count++] = *s;
    if (i == KNOWN_COUNT)
        return OTA_OK;
    if (o->has & 1u << i)
        return ota_fault_set(fault, OTA_REJECT_DUPLICATE, known[i].where, 0);
    o->has |= 1u << i;
    if (known[i].len && s->len != known[i].len)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, known[i].where, s->len);
    return known[i].read(o, s->data, s->len, fault);
}

/* The section at p, of which `left` bytes are there: head and data. */
static ota_err next_section(const uint8_t *p, size_t left, struct ota_package_section *s, struct ota_fault *fault)
{
    if (left < OTAI_SECTION_HEAD)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "package.section_count", 0);
    s->id = otai_get_le16(p);
    s->len = otai_get_le16(p + 2);
    s->data = p + OTAI_SECTION_HEAD;
    size_t i = row_of(s->id);
    if (s->len == 0 || s->len > left - OTAI_SECTION_HEAD)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, i < KNOWN_COUNT ? known[i].where : "package.section", s->len);
    return OTA_OK;
}

ota_err otai_trailer_read(struct ota_package *o, const uint8_t *p, size_t len, struct ota_fault *fault)
{
    uint32_t count = otai_get_le32(p + 4);
    size_t at = OTAI_PACKAGE_HEAD, end = len - OTAI_PACKAGE_FOOT;
    struct ota_package_section s;

    if (count == 0)
        return ota_fault_set(fault, OTA_REJECT_VALUE, "package.section_count", 0);
    if (count > OTA_PACKAGE_SECTIONS_MAX)
        return ota_fault_set(fault, OTA_REJECT_LIMIT, "package.section_count", 0);
    for (uint32_t i = 0; i < count; i++) {
        ota_err err = next_section(p + at, end - at, &s, fault);
        if (err == OTA_OK)
            err = take_section(o, &s, fault);
        if (err != OTA_OK)
            return err;
        at += OTAI_SECTION_HEAD + s.len;
    }
    if (at != end)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "package.trailer_len", 0);
    if (!(o->has & OTA_PACKAGE_HAS_IDENTITY))
        return ota_fault_set(fault, OTA_REJECT_MISSING, "package.identity", 0);
    return OTA_OK;
}

size_t otai_trailer_measure(const uint8_t *p, size_t len)
{
    struct ota_package_section s;
    size_t at = OTAI_PACKAGE_HEAD;

    if (len < OTAI_TRAILER_MIN || otai_get_le32(p) != OTAI_PACKAGE_MAGIC)
        return 0;
    uint32_t count = otai_get_le32(p + 4);
    if (count > OTA_PACKAGE_SECTIONS_MAX)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        if (next_section(p + at, len - at, &s, NULL) != OTA_OK)
            return 0;
        at += OTAI_SECTION_HEAD + s.len;
    }
    at += OTAI_PACKAGE_FOOT;
    return at <= len && at <= OTA_PACKAGE_TRAILER_MAX && otai_get_le32(p + at - OTAI_PACKAGE_FOOT) == at ? at : 0;
}

/* Bytes of the trailer before a signature of this length at the end of tail, 0 if there is none. */
static size_t trailer_before(const uint8_t *tail, size_t tail_len, size_t signature_len)
{
    if (tail_len < signature_len + OTAI_TRAILER_MIN)
        return 0;
    size_t end = tail_len - signature_len;
    uint32_t len = otai_get_le32(tail + end - OTAI_PACKAGE_FOOT);
    if (len < OTAI_TRAILER_MIN || len > OTA_PACKAGE_TRAILER_MAX || len > end)
        return 0;
    return otai_get_le32(tail + end - len) == OTAI_PACKAGE_MAGIC ? len : 0;
}

/* A trailer is there, but its length does not lead to it. */
static bool magic_somewhere(const uint8_t *tail, size_t tail_len)
{
    for (size_t i = 0; i + 4 <= tail_len; i++)
        if (otai_get_le32(tail + i) == OTAI_PACKAGE_MAGIC)
            return true;
    return false;
}

static ota_err no_trailer(const uint8_t *tail, size_t tail_len, struct ota_fault *fault)
{
    if (magic_somewhere(tail, tail_len))
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "package.trailer_len", 0);
    return ota_fault_set(fault, OTA_REJECT_MISSING, "package.trailer", 0);
}

/* The last bytes that matter, so that who gives more gets the same answer. */
static size_t surplus(size_t tail_len)
{
    return tail_len > OTA_PACKAGE_TAIL_MAX ? tail_len - OTA_PACKAGE_TAIL_MAX : 0;
}

ota_err ota_package_parse(struct ota_package *out, uint64_t length, const uint8_t *tail, size_t tail_len, struct ota_fault *fault)
{
    const uint8_t *end = tail + tail_len;
    uint16_t signature_len = otai_signature_len(OTA_PACKAGE_ECDSA256);

    memset(out, 0, sizeof *out);
    if (tail_len > length)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "package.length", 0);
    tail += surplus(tail_len);
    tail_len -= surplus(tail_len);
    size_t len = trailer_before(tail, tail_len, signature_len);
    if (len == 0) {
        signature_len = otai_signature_len(OTA_PACKAGE_ECDSA384);
        len = trailer_before(tail, tail_len, signature_len);
    }
    if (len == 0)
        return no_trailer(tail, tail_len, fault);
    out->length = length;
    out->trailer_len = (uint16_t)len;
    out->signature_len = signature_len;
    out->body_len = length - len - signature_len;
    if (out->body_len % 4 != 0)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "package.body", 0);
    ota_err err = otai_trailer_read(out, end - signature_len - len, len, fault);
    if (err != OTA_OK)
        return err;
    if (out->has & OTA_PACKAGE_HAS_SIGNATURE && otai_signature_len(out->signature_type) != signature_len)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "package.signature", signature_len);
    return OTA_OK;
}
