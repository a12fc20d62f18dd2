/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image package, integers little-endian:
 *
 *   body, padded with zeros to a multiple of 4
 *   trailer: magic u32 0x4D345834, section count u32, sections, trailer length u32 (from magic to itself)
 *   signature: r, s big-endian, 64 or 96 bytes, over everything before it
 *
 * One section: id u16, length u16, data.
 */
#ifndef OTAI_PACKAGE_H
#define OTAI_PACKAGE_H

#include "ota/image.h"

#define OTAI_PACKAGE_MAGIC 0x4d345834u
#define OTAI_PACKAGE_HEAD 8u /* magic, section count */
#define OTAI_PACKAGE_FOOT 4u /* trailer length */
#define OTAI_SECTION_HEAD 4u
#define OTAI_IDENTITY_LEN 36u
#define OTAI_SIGNATURE_LEN 24u
#define OTAI_DEBUG_LEN 40u
#define OTAI_COMPRESSION_LEN 8u
#define OTAI_ABI_LEN 8u
#define OTAI_TRAILER_MIN (OTAI_PACKAGE_HEAD + OTAI_SECTION_HEAD + 1u + OTAI_PACKAGE_FOOT)

static inline uint16_t otai_get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline void otai_put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

/* Read the sections of a trailer, len bytes with magic and length, which are right. Leaves the lengths of body and
 * signature alone. */
OTA_MUST_CHECK ota_err otai_trailer_read(struct ota_package *out, const uint8_t *p, size_t len, struct ota_fault *fault);

/* Bytes of the trailer that begins at p, if one can lie there: the sections lead to its length. 0: none does. */
size_t otai_trailer_measure(const uint8_t *p, size_t len);

/* Bytes of a signature of this type; 0 for what is no type. */
uint16_t otai_signature_len(uint32_t type);

#endif
