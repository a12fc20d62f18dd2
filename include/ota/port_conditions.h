/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Conditions port, optional: what only the device knows and an update has to wait for. Power, the kind of link, local
 * time, and whether somebody agreed. The port tells; the library decides (struct ota_policy).
 */
#ifndef OTA_PORT_CONDITIONS_H
#define OTA_PORT_CONDITIONS_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_NOT_KNOWN (-1)
#define OTA_UTC_OFFSET_MAX_S 50400   /**< UTC+14; the other end is UTC-12 */

/** What the device is like now. The library sets every member to "not known" before the port fills in what it can tell. */
struct ota_conditions_now {
    int8_t battery_percent;   /**< 0..100 of the battery that the device runs from; OTA_NOT_KNOWN, also without a battery */
    int8_t on_mains;          /**< 1 runs from mains or is being charged, 0 does not; OTA_NOT_KNOWN */
    int8_t metered;           /**< 1 each byte of the link in use costs, 0 none does; OTA_NOT_KNOWN */
    bool offset_known;        /**< the next member was filled in */
    int32_t utc_offset_s;     /**< local time minus UTC in seconds, daylight saving included; -43200..50400 */
};

struct ota_conditions;
struct ota_conditions_ops {
    /**
     * Fill in what is known. Must not block: what takes longer is started by one call and answered by a later one.
     * Called once a second during a download, else at most once a minute. Repeating it is safe.
     * @return OTA_OK, also with nothing known; DEVICE_CONDITIONS: the device could not be asked, and nothing counts as known
     */
    ota_err (*read)(struct ota_conditions *c, struct ota_conditions_now *now, int32_t *port_code);
    /**
     * Has somebody agreed to the deployment with this sequence number? Called again and again while it waits; must not
     * block. NULL: this device has nobody to ask. An answer may be taken back until the update is installed.
     * @return OTA_OK yes; OTA_AGAIN not yet, or no; DEVICE_CONDITIONS: could not be asked, which counts as not yet
     */
    ota_err (*consent)(struct ota_conditions *c, uint64_t seq, int32_t *port_code);
};

/** First member of the port's own struct. */
struct ota_conditions {
    const struct ota_conditions_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
