/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Device capabilities: a signed file that lets one device do what devices in the field do not, such as taking an image from
 * somebody's hand. Bytes in, an answer out: no I/O, no allocation, but for the store record of what was used up.
 *
 *     ota_capability_used_load(store, &check.used, &fault);
 *     ota_capability_verify(file, len, &check, crypto, &cap, &fault);
 *     ota_capability_use(store, &cap, &fault);            before the first byte is written
 *
 * A capability is bound to one device by its id, has an end, and needs signatures by a threshold of the owner's keys. Its bytes:
 * SPEC.md, "Capabilities". Built with OTA_CAPABILITY.
 */
#ifndef OTA_CAPABILITY_H
#define OTA_CAPABILITY_H

#include "ota/port_crypto.h"
#include "ota/port_store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_CAPABILITY_MAX 4096u      /**< bytes of a file; a longer one is none */
#define OTA_CAPABILITY_SIGNATURES_MAX 8u
#define OTA_CAPABILITY_KEYS_MAX 8u    /**< keys of an owner */
#define OTA_CAPABILITY_DEVICE_MAX 128u/**< device id, with NUL */
#define OTA_CAPABILITY_KEY_LEN 65u    /**< ECDSA P-256: 0x04 X Y */

/** What it allows. Numbers are stable. */
enum ota_capability_kind {
    OTA_CAPABILITY_DEVELOPMENT = 1, /**< take any image that the component's key signed, also one that is under development */
    OTA_CAPABILITY_SERVICING = 2    /**< take images whose policy says that they may be brought (OTA_PACKAGE_SIDELOAD) */
};

/** How often. Numbers are stable. */
enum ota_capability_use {
    OTA_CAPABILITY_PERSISTENT = 1, /**< until it expires, or is removed */
    OTA_CAPABILITY_SESSION = 2,    /**< until the device starts again: it names the start for which it was made */
    OTA_CAPABILITY_ONCE = 3        /**< once: it has a counter, and the device takes only higher ones from then on */
};

/** @return "development", "servicing"; "none" for anything else. Never NULL. */
const char *ota_capability_kind_name(enum ota_capability_kind kind);
/** @return "persistent", "session", "once"; "none" for anything else. Never NULL. */
const char *ota_capability_use_name(enum ota_capability_use use);

struct ota_capability {
    enum ota_capability_kind kind;
    enum ota_capability_use use;
    char device[OTA_CAPABILITY_DEVICE_MAX];  /**< 1..127 characters of [A-Za-z0-9._-] */
    int64_t expires_s;                       /**< Unix time */
    uint64_t counter;                        /**< ONCE: 1..2^53 - 1; else 0 */
    uint8_t session[OTA_SHA256_LEN];         /**< SESSION; else zero */
};

/** Against what a capability is checked. */
struct ota_capability_check {
    const char *device;                      /**< this device's id */
    const uint8_t *keys;                     /**< the owner's, one behind the other */
    size_t key_count;                        /**< 1..OTA_CAPABILITY_KEYS_MAX, all different */
    size_t threshold;                        /**< of them that must have signed, 1..key_count */
    int64_t now_s;                           /**< Unix time; one that cannot be believed is the caller's to refuse */
    const uint8_t *session;                  /**< what names this start of the device, OTA_SHA256_LEN bytes; NULL: nothing does,
                                                  and no capability of a session is taken */
    uint64_t used;                           /**< highest counter that was used up; 0 = none */
};

/**
 * Read a file without believing it: for showing it to people. Pure.
 * @param fault  may be NULL; gets the member, such as "capability.signed.expires"
 * @return OTA_OK; REJECT_SYNTAX, _TYPE, _VALUE, _MISSING, _DUPLICATE, _LIMIT; REJECT_SPEC: another version of the format
 */
OTA_MUST_CHECK ota_err ota_capability_read(const void *file, size_t len, struct ota_capability *out, struct ota_fault *fault);

/**
 * Check a file. *out is filled only when all of it holds, else zero.
 * @return OTA_OK; what ota_capability_read() returns; REJECT_SIGNATURE: fewer than the threshold signed; REJECT_DEVICE: it is for
 *         another one; REJECT_FREEZE: expired; REJECT_NONCE: made for another start; REJECT_USED: used up before;
 *         REJECT_KEY: a key of the owner's is none; USAGE_ARGUMENT: the check cannot be; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_capability_verify(const void *file, size_t len, const struct ota_capability_check *check,
                                             struct ota_crypto *crypto, struct ota_capability *out, struct ota_fault *fault);

/**
 * The highest counter that was used up, from the store record "capability.used". Absent: 0.
 * @return OTA_OK; DEVICE_STORE: it cannot be read, or is damaged: then nobody knows what was used up
 */
OTA_MUST_CHECK ota_err ota_capability_used_load(struct ota_store *store, uint64_t *used, struct ota_fault *fault);
/**
 * Use a capability: one that is good for one time is used up, durably, before what it allows is begun. Others are not.
 * @return OTA_OK; REJECT_USED; DEVICE_STORE, DEVICE_FULL: it must not be used
 */
OTA_MUST_CHECK ota_err ota_capability_use(struct ota_store *store, const struct ota_capability *cap, struct ota_fault *fault);

/** What stands in the body of an Azure Sphere capability file (an image package of type 13): read, never believed. */
#define OTA_SPHERE_CAPABILITY_LEN 204u
#define OTA_SPHERE_CAPABILITIES_MAX 64u
enum { OTA_SPHERE_APP_DEVELOPMENT = 0xb, OTA_SPHERE_FIELD_SERVICING = 0xd };
struct ota_sphere_capability {
    uint8_t device[64];
    uint16_t value[OTA_SPHERE_CAPABILITIES_MAX];
    size_t count;
};
/**
 * @return OTA_OK; REJECT_LENGTH: not OTA_SPHERE_CAPABILITY_LEN bytes, or it says another number; REJECT_SYNTAX: other magic;
 *         REJECT_SPEC: other version; REJECT_MISSING: no capability; REJECT_DUPLICATE: one twice; REJECT_VALUE: one behind the end
 */
OTA_MUST_CHECK ota_err ota_sphere_capability_read(const uint8_t *body, size_t len, struct ota_sphere_capability *out,
                                                  struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
