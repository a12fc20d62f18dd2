/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Store port: small named records that survive power cuts. Names are 1..OTA_STORE_NAME_MAX-1 characters of
 * [A-Za-z0-9._%~-], never begin with '.', and are compared byte by byte.
 */
#ifndef OTA_PORT_STORE_H
#define OTA_PORT_STORE_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_STORE_NAME_MAX 96

struct ota_store;
struct ota_store_ops {
    /**
     * Read a record. *len gets its whole length, also when it is larger than cap (then buf holds the first cap bytes).
     * @return OTA_OK, DEVICE_ABSENT, DEVICE_STORE
     */
    ota_err (*read)(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *port_code);
    /**
     * Replace a record as a whole: after OTA_OK the new bytes are durable; after an error or a power cut it holds the
     * old bytes or the new ones, never a mixture. Other records are never touched. Repeating is safe.
     * @return OTA_OK, DEVICE_FULL, DEVICE_STORE
     */
    ota_err (*write)(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *port_code);
    /** Remove a record, durably. Removing one that is absent is OTA_OK. @return OTA_OK, DEVICE_STORE */
    ota_err (*remove)(struct ota_store *s, const char *name, int32_t *port_code);
};

/** First member of the port's own struct. */
struct ota_store {
    const struct ota_store_ops *ops;
};

/** @return true if name keeps the rules at the top of this page; every port refuses others with USAGE_ARGUMENT. */
bool ota_store_name_ok(const char *name);

#ifdef __cplusplus
}
#endif
#endif
