/* SPDX-License-Identifier: Apache-2.0 */
/** @file Health port: asks the device whether the running images do their job. */
#ifndef OTA_PORT_HEALTH_H
#define OTA_PORT_HEALTH_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ota_health;
struct ota_health_ops {
    /**
     * One look. Non-blocking: a long check is started by the first call and polled by the next ones.
     * @return OTA_OK healthy; OTA_AGAIN no verdict yet; REJECT_HEALTH sick (*port_code may say why, e.g. an exit
     *         status); DEVICE_HEALTH when the check itself could not be run (counts as no verdict: silence is sick at
     *         the deadline)
     */
    ota_err (*check)(struct ota_health *h, int32_t *port_code);
};

/** First member of the port's own struct. */
struct ota_health {
    const struct ota_health_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
