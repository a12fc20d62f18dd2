/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Ownership: a device belongs to one owner and one product for life, unless a threshold of the owner's keys gives it away. Bytes in, an
 * answer out: no I/O, no allocation, but for the store record that keeps the claim.
 *
 *     ota_owner_load(store, identity, device, buf, &claim, &fault);
 *     ota_owner_transfer(&claim, file, len, now_s, crypto, &next, &fault);
 *     ota_owner_keep(store, identity, file, len, &next, &fault);
 *
 * A transfer names the device, the product and the keys of whom it belongs to from then on. It is signed by a threshold of the
 * present owner's keys, and by a threshold of the next owner's, who thereby takes it. The first one, of a device that nobody owns yet, is signed
 * by the keys in it. Each has the version after the last one's, so none can be used twice. Its bytes: SPEC.md, "Ownership". Built with
 * OTA_CAPABILITY.
 */
#ifndef OTA_OWNER_H
#define OTA_OWNER_H

#include "ota/capability.h"
#include "ota/port_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_OWNER_RECORD "owner" /**< store record: the last transfer, byte by byte */

/** Whose a device is. */
struct ota_claim {
    uint64_t version;                       /**< 0: nobody's yet; the rest is then zero but for `device` */
    char device[OTA_CAPABILITY_DEVICE_MAX]; /**< the device that it is about */
    char product[OTA_NAME_MAX];             /**< the one product that it takes updates of */
    int64_t expires_s;                      /**< until when the transfer could be brought; a claim that was taken has no end */
    size_t threshold;
    size_t key_count;                       /**< 1..OTA_CAPABILITY_KEYS_MAX, all different */
    uint8_t keys[OTA_CAPABILITY_KEYS_MAX][OTA_CAPABILITY_KEY_LEN];
};

/**
 * Read a transfer without believing it: for showing it to people. Pure.
 * @param fault  may be NULL; gets the member, such as "transfer.signed.threshold"
 * @return OTA_OK; REJECT_SYNTAX, _TYPE, _VALUE, _MISSING, _DUPLICATE (also a key that stands there twice), _LIMIT; REJECT_SPEC: another
 *         type or version of the format
 */
OTA_MUST_CHECK ota_err ota_owner_read(const void *file, size_t len, struct ota_claim *out, struct ota_fault *fault);

/**
 * Judge a transfer. *next is filled only when it may be kept, else zero.
 * @param now    the present claim; version 0, with `device` set: nobody's yet
 * @param now_s  Unix time; one that cannot be believed is the caller's to refuse
 * @return OTA_OK; what ota_owner_read() returns; REJECT_DEVICE: for another one; REJECT_ROLLBACK: not newer than the present claim;
 *         REJECT_VERSION: one or more before it are missing; REJECT_FREEZE: expired; REJECT_SIGNATURE: "transfer.signatures": not by the
 *         present owner, "transfer.acceptance": not by the next one; REJECT_KEY: a key is none; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_owner_transfer(const struct ota_claim *now, const void *file, size_t len, int64_t now_s, struct ota_crypto *crypto,
                                          struct ota_claim *next, struct ota_fault *fault);

/**
 * Read the claim of this device from the store. Absent: version 0.
 * @param identity  whose counter OTA_COUNTER_OWNER must not be above the claim's version; NULL: not compared
 * @param buf  OTA_CAPABILITY_MAX bytes
 * @return OTA_OK; DEVICE_STORE: cannot be read, or is damaged; REJECT_DEVICE: another device's; REJECT_ROLLBACK: the store was set back to
 *         before the last transfer; DEVICE_IDENTITY: the counter cannot be read
 */
OTA_MUST_CHECK ota_err ota_owner_load(struct ota_store *store, struct ota_identity *identity, const char *device, uint8_t *buf,
                                      struct ota_claim *out, struct ota_fault *fault);

/**
 * Keep a transfer that ota_owner_transfer() said may be: the record first, then the counter. After an error or a power cut the device is the
 * present owner's or the next one's; repeating is safe.
 * @return OTA_OK; DEVICE_STORE, DEVICE_FULL; DEVICE_IDENTITY: kept, but the counter was not raised
 */
OTA_MUST_CHECK ota_err ota_owner_keep(struct ota_store *store, struct ota_identity *identity, const void *file, size_t len,
                                      const struct ota_claim *next, struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
