/* SPDX-License-Identifier: Apache-2.0 */
/* Fill a spare slot in order, erase ahead of the writes, and seal it: read everything back and hash it. */
#ifndef OTAI_SLOT_H
#define OTAI_SLOT_H

#include "ota/port_crypto.h"
#include "ota/port_slot.h"

/* Writer. buf (cap bytes, a multiple of the write unit) collects whole write units. */
struct otai_writer {
    struct ota_slot *slot;
    struct ota_slot_geometry g;
    uint8_t *buf;
    size_t cap, fill;
    uint64_t off;         /* slot offset of buf[0] */
    uint64_t length;      /* image length */
    uint64_t erased;      /* slot is erased up to here */
    struct ota_fault *fault;
};

/* Begin or resume at `from`, a multiple of the erase unit and write unit. REJECT_TOO_BIG, DEVICE_SLOT, DEVICE_LOCKED,
 * USAGE_MEMORY (cap not a multiple of the write unit), USAGE_ARGUMENT (from misaligned or beyond length). */
OTA_MUST_CHECK ota_err otai_writer_open(struct otai_writer *w, struct ota_slot *slot, uint8_t *buf, size_t cap,
                                        uint64_t length, uint64_t from, struct ota_fault *fault);
/* Append. REJECT_LENGTH beyond `length`; DEVICE_SLOT. Large runs bypass buf. */
OTA_MUST_CHECK ota_err otai_writer_add(struct otai_writer *w, const uint8_t *p, size_t len);
/* Bytes added so far, from the start of the image. */
uint64_t otai_writer_pos(const struct otai_writer *w);
/* Make everything added durable. The position must be a multiple of the write unit or the end of the image (then the
 * last unit is padded with 0xff). */
OTA_MUST_CHECK ota_err otai_writer_sync(struct otai_writer *w);

/* Seal: reads and hashes `length` bytes in bounded steps. */
struct otai_seal {
    struct ota_slot *slot;
    struct ota_crypto *crypto;
    struct ota_hash hash;
    bool hashing;
    uint8_t *buf;
    size_t cap;
    uint64_t off;
    struct ota_image want;
    struct ota_fault *fault;
};

OTA_MUST_CHECK ota_err otai_seal_begin(struct otai_seal *s, struct ota_slot *slot, struct ota_crypto *crypto, uint8_t *buf,
                                       size_t cap, const struct ota_plan *plan, struct ota_fault *fault);
/* OTA_AGAIN: call again. OTA_DONE: *out is the proof. REJECT_HASH: other bytes than signed. DEVICE_SLOT, DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_seal_step(struct otai_seal *s, struct ota_image *out);
/* Give up; frees the hash. Safe at any time after begin. */
void otai_seal_end(struct otai_seal *s);

#endif
