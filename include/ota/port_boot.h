/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Boot control port: which slots run, and a trial of others with a bounded number of starts. It covers all components
 * of one agent, so that a set of slots is armed, confirmed and reverted as one. Words follow the PSA Certified
 * Firmware Update API 1.0 (IHI 0093): armed = STAGED, started = TRIAL, confirm = accept, revert = reject.
 */
#ifndef OTA_PORT_BOOT_H
#define OTA_PORT_BOOT_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the boot control knows now. Arrays are indexed by component. */
struct ota_boot_view {
    uint8_t running[OTA_COMPONENTS_MAX];   /**< slot index that runs now; OTA_SLOT_NONE = nothing installed */
    uint8_t armed[OTA_COMPONENTS_MAX];     /**< slot index that a trial names, started or not; OTA_SLOT_NONE = none, OTA_SLOT_REMOVE = it is taken out */
    bool trial;                            /**< the running set is on trial: started and not confirmed */
    bool pending;                          /**< a trial is armed and was not started yet */
    uint8_t tries_left;                    /**< starts left for the armed trial; 0 if none is armed */
    bool spent;                            /**< the last trial used up its starts unconfirmed, and neither revert() nor arm()
                                                was called since. A boot loader that cannot tell leaves it false: then a cut
                                                while a trial is armed may let a bad image have its tries again, once */
};

struct ota_boot;
struct ota_boot_ops {
    /** Read the view. Repeatable, no side effect. @return OTA_OK or DEVICE_BOOT */
    ota_err (*view)(struct ota_boot *b, struct ota_boot_view *out, int32_t *port_code);
    /**
     * Arm a trial of slot[0..count-1] (OTA_SLOT_NONE keeps a component as it is) with `tries` starts. Replaces an armed
     * trial. OTA_SLOT_REMOVE, which comes only where a component is configured as removable: nothing of it runs in the trial,
     * view() shows OTA_SLOT_NONE as running; a port that switches one component only answers DEVICE_BOOT. A loader that cannot count so far gives fewer, at least one: the view tells. Atomic and durable on OTA_OK;
     * after a power cut armed as a whole or not at all. Repeating is safe.
     * @return OTA_OK or DEVICE_BOOT
     */
    ota_err (*arm)(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code);
    /** Make the running trial permanent. Atomic and durable; without a trial it is OTA_OK and does nothing. */
    ota_err (*confirm)(struct ota_boot *b, int32_t *port_code);
    /**
     * Give up the trial, started or not: the next start uses the confirmed slots. Without a trial it only makes the view
     * forget that one was `spent`. Atomic and durable; repeatable.
     */
    ota_err (*revert)(struct ota_boot *b, int32_t *port_code);
    /**
     * Ask for a restart. Returns at once: OTA_OK when the restart is under way or asked for; the caller then leaves
     * ota_run()/its loop with OTA_REBOOT. @return OTA_OK or DEVICE_BOOT
     */
    ota_err (*reboot)(struct ota_boot *b, int32_t *port_code);
};

/** First member of the port's own struct. After an error view() must not go on showing a change that a restart may undo. */
struct ota_boot {
    const struct ota_boot_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
