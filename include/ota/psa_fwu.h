/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The PSA Certified Firmware Update API 1.0 (Arm IHI 0093), both ways round.
 *
 * libota_psa_fwu gives psa_fwu_*() (psa/update.h) on libota's boot and slot ports, to those whose program is written against
 * them. libota_psa_port gives libota's agent a boot and a slot port on a platform's own psa_fwu_*(), such as TF-M's.
 *
 *     READY       nothing armed, nothing written        STAGED     armed, pending
 *     WRITING     the spare slot is being written       TRIAL      started, on trial, one start
 *     CANDIDATE   written, read back, its digest right   REJECTED   given up while it runs
 *     FAILED      went back, or refused                 UPDATED    confirmed
 */
#ifndef OTA_PSA_FWU_H
#define OTA_PSA_FWU_H

#include "ota/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------- psa_fwu_*() on ours -- */

/** Four numbers of a version text, such as "1.2.3+4"; what is missing is 0, what is too large the largest. */
struct ota_fwu_version {
    uint8_t major, minor;
    uint16_t patch;
    uint32_t build;
};

struct ota_fwu_config {
    struct ota_boot *boot;
    struct ota_crypto *crypto;
    const struct ota_component *components;  /**< component i of the API is components[i] */
    size_t component_count;
    struct ota_fwu_version version[OTA_COMPONENTS_MAX]; /**< of what runs */
    /**
     * psa_fwu_start() takes as manifest the SHA-256 of the image, 32 bytes, which psa_fwu_finish() compares with what it reads
     * back. true: it may be left out, because the caller checks the slot himself before he installs it.
     */
    bool manifest_optional;
};

/** Largest write unit of a slot that psa_fwu_write() can serve. */
#define OTA_FWU_UNIT_MAX 512u

/** Everything about one component's second image. Volatile: a restart forgets what was written and not installed. */
struct ota_fwu_component {
    uint8_t state;                       /**< READY, WRITING, CANDIDATE, FAILED or UPDATED; the rest the boot control knows */
    int32_t error;
    uint8_t slot;
    bool has_digest;
    uint8_t digest[OTA_SHA256_LEN];
    struct ota_slot_geometry geometry;
    uint64_t written, erased;            /**< bytes taken from the caller; bytes of the slot made writable */
    uint8_t unit[OTA_FWU_UNIT_MAX];      /**< the last of them that do not fill a unit of the slot */
    uint32_t unit_len;
};

struct ota_fwu {
    struct ota_fwu_config cfg;
    struct ota_fwu_component component[OTA_COMPONENTS_MAX];
};

/**
 * Make psa_fwu_*() work on these ports. The functions have no argument for a device, so there is one; *f must stay.
 * @return OTA_OK; USAGE_ARGUMENT
 */
OTA_MUST_CHECK ota_err ota_fwu_use(struct ota_fwu *f, const struct ota_fwu_config *cfg);

void ota_fwu_version(const char *text, struct ota_fwu_version *out);

/* ------------------------------------------------------------------------------ our ports on psa_fwu_*() -- */

struct ota_psa_port;

/** What the API has no function for, and the agent cannot do without. */
struct ota_psa_port_config {
    uint8_t component;
    struct ota_store *store;    /**< keeps the records "psa-fwu", which of the two is the active image, and "psa-fwu-at" */
    /**
     * Read bytes of the active image (active) or of the second one. The agent reads every image back before it arms it.
     * @return true when all of len was read
     */
    bool (*read)(void *of, bool active, uint64_t off, void *buf, size_t len);
    void *of;
};

/**
 * One component: the boot port, and the two slots that the agent's configuration names. The platform has one place to write
 * to, so what the agent calls slot 0 and slot 1 is the active and the second image by turns. A trial has one start.
 *
 * After a restart psa_fwu_query() decides: in WRITING the download goes on where it was synced last, a CANDIDATE is read back
 * and installed, STAGED and TRIAL are what they say, FAILED and UPDATED are cleaned before the next image. In READY the
 * platform has forgotten what was written: reading or continuing the second image is DEVICE_SLOT with PSA_ERROR_BAD_STATE,
 * and the agent begins again. Where the platform always forgets (PSA_FWU_FLAG_VOLATILE_STAGING, WRITING kept in memory),
 * set limits.block to the size of the slot, so that no progress is noted that would be in vain.
 */
struct ota_psa_slot {
    struct ota_slot port;
    struct ota_psa_port *owner;
    uint8_t index;
};

struct ota_psa_port {
    struct ota_boot boot;
    struct ota_psa_slot slot[2];
    struct ota_psa_port_config cfg;
    uint64_t written;           /**< of the second image, since psa_fwu_start() */
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_BOOT with the psa_status_t in *port_code: the platform does not know the component */
OTA_MUST_CHECK ota_err ota_psa_port_open(struct ota_psa_port *p, const struct ota_psa_port_config *cfg, int32_t *port_code);

#ifdef __cplusplus
}
#endif
#endif
