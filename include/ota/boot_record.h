/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The boot record: how an agent and the program that starts its slots (a boot supervisor, a boot loader) agree on what
 * to run. All of it is pure: no I/O, no allocation. ports/posix keeps it in a file, ports/ram in memory, ports/mcu in NOR
 * flash.
 */
#ifndef OTA_BOOT_RECORD_H
#define OTA_BOOT_RECORD_H

#include "ota/port_boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** State of the trial in a boot record. */
enum ota_boot_trial_state {
    OTA_BOOT_TRIAL_NONE = 0,     /**< no trial */
    OTA_BOOT_TRIAL_ARMED = 1,    /**< the next start runs the trial slots */
    OTA_BOOT_TRIAL_STARTED = 2,  /**< the trial slots run, unconfirmed; another start takes another try */
    OTA_BOOT_TRIAL_DROPPED = 3   /**< given up while they run: the next start runs the confirmed slots */
};

/** What became of the last trial. Kept until the next one is armed. */
enum ota_boot_fate {
    OTA_BOOT_FATE_NONE = 0,
    OTA_BOOT_FATE_CONFIRMED = 1,
    OTA_BOOT_FATE_REVERTED = 2,     /**< somebody asked for it */
    OTA_BOOT_FATE_OUT_OF_TRIES = 3  /**< all starts were used up without a confirmation */
};

/**
 * The boot record: the agreement between an agent and the boot supervisor that starts its slots. Arrays are indexed by
 * component and hold 0, 1 or OTA_SLOT_NONE; in a trial also OTA_SLOT_REMOVE.
 */
struct ota_boot_record {
    uint64_t generation;                    /**< counts stores; the copy with the higher one is the newer */
    uint8_t confirmed[OTA_COMPONENTS_MAX];  /**< slots to run when no trial is due; NONE = nothing installed yet */
    uint8_t running[OTA_COMPONENTS_MAX];    /**< slots that the last start chose */
    uint8_t trial[OTA_COMPONENTS_MAX];      /**< slots of the trial; NONE = component is not part of it, REMOVE = it is taken out */
    uint8_t state;                          /**< enum ota_boot_trial_state */
    uint8_t tries;                          /**< starts that the trial still gets, 0..15 */
    uint8_t fate;                           /**< enum ota_boot_fate */
};

/**
 * Bytes of one encoded copy:
 *
 *     offset size  meaning
 *          0    4  "OTAB"
 *          4    1  format, 1
 *          5    1  trial state
 *          6    1  tries left, 0..15
 *          7    1  fate of the last trial
 *          8    8  generation, little-endian
 *         16    4  confirmed slot of components 0..3, each 0, 1 or 0xff
 *         20    4  running slots
 *         24    4  trial slots, likewise, or 0xfe: the component is taken out
 *         28    4  CRC-32 (ISO-HDLC) of bytes 0..27, little-endian
 *
 * A boot record file has OTA_BOOT_RECORD_FILE_LEN bytes: copy 0 at offset 0, copy 1 at OTA_BOOT_RECORD_COPY_OFF, the rest
 * zero. A store writes the older copy in place and syncs it: a torn write leaves the newer one untouched.
 */
#define OTA_BOOT_RECORD_LEN 32u
#define OTA_BOOT_RECORD_COPY_OFF 4096u
#define OTA_BOOT_RECORD_FILE_LEN 8192u

/** CRC-32 (ISO-HDLC) of `data`, going on from `crc`; 0 begins. For ports that have none of their own. Pure. */
uint32_t ota_boot_record_crc(uint32_t crc, const void *data, size_t len);

/** Make a fresh record in which slot[0..count-1] are confirmed and run. Components beyond count get OTA_SLOT_NONE. */
void ota_boot_record_init(struct ota_boot_record *r, const uint8_t *slot, size_t count);

/** Encode one copy. Pure. */
void ota_boot_record_encode(const struct ota_boot_record *r, uint8_t out[OTA_BOOT_RECORD_LEN]);

/** Decode and check one copy. Pure. @return false, with *r untouched, when it is torn, foreign or contradictory */
bool ota_boot_record_decode(struct ota_boot_record *r, const uint8_t in[OTA_BOOT_RECORD_LEN]);

/** What a start does. */
enum ota_boot_start {
    OTA_BOOT_START_CONFIRMED,   /**< run r->running: the confirmed slots */
    OTA_BOOT_START_TRIAL,       /**< run r->running: the trial; a try was taken */
    OTA_BOOT_START_FELL_BACK    /**< run r->running: the confirmed slots, and a trial was dropped just now */
};

/**
 * Called by the boot supervisor at every start, before anything runs: choose the slots. Pure. When *changed is set, the
 * record must be stored before the slots are started; if that fails, try again, and at last start the confirmed slots:
 * an uncounted try would let a bad image run for ever.
 *
 *     armed or started, tries > 0    -> a try is taken, state STARTED, the trial slots run
 *     armed or started, tries == 0   -> trial dropped, fate OUT_OF_TRIES, the confirmed slots run
 *     dropped                        -> trial dropped, the confirmed slots run
 *     none                           -> the confirmed slots run
 */
enum ota_boot_start ota_boot_record_start(struct ota_boot_record *r, bool *changed);

/**
 * Arm a trial of slot[0..count-1]; OTA_SLOT_NONE keeps a component, OTA_SLOT_REMOVE takes it out. Pure. Replaces an armed trial.
 * @return OTA_OK; USAGE_ARGUMENT: no slot named, a slot that is confirmed or runs, a slot above 1, a removal of what
 *         is not installed, tries not in 1..15,
 *         count above OTA_COMPONENTS_MAX; USAGE_STATE: a trial runs
 */
OTA_MUST_CHECK ota_err ota_boot_record_arm(struct ota_boot_record *r, const uint8_t *slot, size_t count, uint8_t tries);

/** The running trial becomes permanent; one that was given up does not. Pure. @return true when the record changed */
bool ota_boot_record_confirm(struct ota_boot_record *r);

/** Give the trial up, started or not; one that ran out of tries counts as given up. Pure. @return true when the record changed */
bool ota_boot_record_revert(struct ota_boot_record *r);

/**
 * What the boot port shows of a record. Pure. A trial given up while it runs stays `trial` until the restart, because its
 * slots are the ones that run, unconfirmed; but nothing is `armed` any more and no try is left.
 */
void ota_boot_record_view(const struct ota_boot_record *r, struct ota_boot_view *out);

#ifdef __cplusplus
}
#endif
#endif
