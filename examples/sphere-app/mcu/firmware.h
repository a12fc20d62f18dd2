/* SPDX-License-Identifier: Apache-2.0 */
/* A microcontroller that a host updates: what its firmware links. Portable C, no heap, no globals. The boot stage chooses a slot,
 * counts a try and verifies the package in it; the firmware serves the line. A board brings a flash driver (five functions), a byte
 * pipe (two), a restart and a clock; SPEC.md 5.2 has the bytes on the line, 5 those of the boot record.
 *
 *     mcu_boot(&m, &cfg, &why)  ->  m.slot  ->  start the image in it, which does
 *     for (;;) mcu_poll(&m, now_ms);
 *
 * On a chip where boot stage and firmware are two programs, each links this and calls its half. */
#ifndef MCU_FIRMWARE_H
#define MCU_FIRMWARE_H

#include "ota/image.h"
#include "ota/remote.h"

#define MCU_FIND_BUFFER 1024u

struct mcu_config {
    struct ota_mcu_pipe *pipe;
    struct ota_mcu_area slot[2], boot;
    struct ota_crypto *crypto;
    struct ota_package_want want; /* key, component, least security version */
    struct ota_health *health;    /* self-test */
    uint32_t session;             /* another one at each start */
    uint32_t trial_ms;            /* an unconfirmed trial is restarted after this long: a try is gone. 0 = never */
    uint16_t piece;               /* 0 = the most */
    void (*restart)(struct ota_mcu_boot *b);
};

/* What a start did. */
struct mcu {
    struct mcu_config cfg;
    struct ota_mcu_slot slots[2];
    struct ota_mcu_boot boot;
    struct ota_remote_end end;
    uint8_t slot; /* runs; OTA_SLOT_NONE: neither holds what may run. The line is served: an update repairs it */
    bool trial;
    uint8_t refused;                    /* bit n: slot n */
    struct ota_fault why;               /* of the last refusal */
    uint64_t body_len, package_len; /* of the image that runs, and of all that was verified */
    char version[OTA_PACKAGE_NAME_MAX]; /* the name in its debug section */
    uint64_t begun_ms;
    struct ota_package_verify verify;
    uint8_t buffer[MCU_FIND_BUFFER];
};

/* The boot stage. @return OTA_OK, also when no slot may run; DEVICE_BOOT, DEVICE_SLOT, DEVICE_CRYPTO, USAGE_ARGUMENT: try again */
OTA_MUST_CHECK ota_err mcu_boot(struct mcu *m, const struct mcu_config *cfg, struct ota_fault *fault);

/* The firmware's half: begin to serve. now_ms from the board's clock. */
OTA_MUST_CHECK ota_err mcu_serve(struct mcu *m, uint64_t now_ms, struct ota_fault *fault);

/* Call it from the main loop. */
void mcu_poll(struct mcu *m, uint64_t now_ms);

#endif
