/* SPDX-License-Identifier: Apache-2.0 */
/** @file Clock port: a monotonic clock, the wall clock if known, and sleep. */
#ifndef OTA_PORT_CLOCK_H
#define OTA_PORT_CLOCK_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ota_clock;
struct ota_clock_ops {
    /** Milliseconds since any fixed point of this boot; never goes back; cannot fail. */
    uint64_t (*monotonic_ms)(struct ota_clock *c);
    /** Wall clock as Unix UTC seconds. @return OTA_OK, or RETRY_CLOCK while it is not known */
    ota_err (*utc_s)(struct ota_clock *c, int64_t *out);
    /** Sleep. May return early. Used by ota_run() only. */
    void (*sleep_ms)(struct ota_clock *c, uint32_t ms);
};

/** First member of the port's own struct. */
struct ota_clock {
    const struct ota_clock_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
