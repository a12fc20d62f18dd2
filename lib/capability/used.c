/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was used up: the store record "capability.used", integers little-endian:
 *
 *   0   4  magic "OTAU"
 *   4   1  version: 1
 *   5   3  zero
 *   8   8  the highest counter of a capability that was good for one time
 *   16  4  CRC-32 of everything before it
 *
 * It only rises. One that is damaged is an error, not a 0: everything that was used up could be used again.
 */
#include <string.h>

#include "bytes.h"
#include "ota/capability.h"

#define NAME "capability.used"
#define RECORD_LEN 20u

ota_err ota_capability_used_load(struct ota_store *store, uint64_t *used, struct ota_fault *fault)
{
    uint8_t r[RECORD_LEN];
    size_t len = 0;
    int32_t code = 0;
    ota_err err = store->ops->read(store, NAME, r, sizeof r, &len, &code);

    *used = 0;
    if (err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    if (err != OTA_OK || len != sizeof r || memcmp(r, "OTAU\x01\0\0", 8) != 0 ||
        otai_get_le32(r + 16) != otai_crc32(0, r, 16))
        return ota_fault_set(fault, OTA_DEVICE_STORE, NAME, code);
    *used = otai_get_le64(r + 8);
    return OTA_OK;
}

ota_err ota_capability_use(struct ota_store *store, const struct ota_capability *cap, struct ota_fault *fault)
{
    uint8_t r[RECORD_LEN];
    uint64_t used;
    int32_t code = 0;

    if (cap->use != OTA_CAPABILITY_ONCE)
        return OTA_OK;
    ota_err err = ota_capability_used_load(store, &used, fault);
    if (err != OTA_OK)
        return err;
    if (cap->counter <= used)
        return ota_fault_set(fault, OTA_REJECT_USED, "capability.signed.counter", 0);
    memcpy(r, "OTAU\x01\0\0", 8);
    otai_put_le64(r + 8, cap->counter);
    otai_put_le32(r + 16, otai_crc32(0, r, 16));
    err = store->ops->write(store, NAME, r, sizeof r, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err == OTA_DEVICE_FULL ? err : OTA_DEVICE_STORE, NAME, code);
}
