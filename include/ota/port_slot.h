/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Slot port: one place that holds one image of one component.
 */
#ifndef OTA_PORT_SLOT_H
#define OTA_PORT_SLOT_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ota_slot_geometry {
    uint64_t size;         /**< bytes that fit */
    uint32_t write_unit;   /**< writes start and end at multiples of it; power of two, 1..4096 */
    uint32_t erase_unit;   /**< erases start and end at multiples of it; power of two; 0 = no erase needed before a write */
};

struct ota_slot;
struct ota_slot_ops {
    /** Describe the slot. Repeatable. @return OTA_OK or DEVICE_SLOT; DEVICE_LOCKED when another process holds it */
    ota_err (*geometry)(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *port_code);
    /**
     * Make [off, off+len) writable. Multiples of erase_unit. Repeating is safe; may be torn by a power cut. Not called
     * when erase_unit is 0. May block for the time of the flash's erase of that range.
     */
    ota_err (*erase)(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *port_code);
    /**
     * Write [off, off+len). Multiples of write_unit (the core pads the last write with 0xff). All of len or an error;
     * after an error or a power cut the range holds anything. Rewriting the range after erasing its blocks is safe.
     */
    ota_err (*write)(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *port_code);
    /** Read [off, off+len) from the medium, past any cache where the platform can. All of len or an error. */
    ota_err (*read)(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *port_code);
    /** Make everything written so far durable. On OTA_OK it survives a power cut. */
    ota_err (*sync)(struct ota_slot *s, int32_t *port_code);
};

/** First member of the port's own struct. All operations return OTA_OK or DEVICE_SLOT and set *port_code on failure. */
struct ota_slot {
    const struct ota_slot_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
