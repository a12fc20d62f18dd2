/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Result codes. A code's class says what to do next; the number is stable for ever (SPEC.md, "Error numbers").
 *
 *   0x0000  outcomes  not errors: OK, AGAIN, DONE, SAME, REBOOT
 *   0x0100  RETRY     the world is slow or absent: back off and try again
 *   0x0200  REJECT    this offer or image is bad: drop it, report it
 *   0x0300  DEVICE    storage, boot control or crypto of this device failed: stop, report
 *   0x0400  USAGE     the caller or the configuration is wrong
 */
#ifndef OTA_ERROR_H
#define OTA_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The result of a function marked so must not be ignored. */
#if defined(__GNUC__) || defined(__clang__)
#define OTA_MUST_CHECK __attribute__((warn_unused_result))
#else
#define OTA_MUST_CHECK
#endif

/** X(name, number, what it means to a person). Numbers are never reused. */
#define OTA_ERR_LIST(X)                                                                          \
    X(OK, 0x000, "ok")                                                                           \
    X(AGAIN, 0x001, "not finished yet: call again")                                              \
    X(DONE, 0x002, "finished")                                                                   \
    X(SAME, 0x003, "nothing to do")                                                              \
    X(REBOOT, 0x004, "a restart of the device is needed to go on")                               \
    X(RETRY_NETWORK, 0x101, "server not reached")                                                \
    X(RETRY_TIMEOUT, 0x102, "server did not answer in time")                                     \
    X(RETRY_SLOW, 0x103, "transfer slower than the configured limit")                            \
    X(RETRY_SERVER, 0x104, "server failed (5xx)")                                                \
    X(RETRY_BUSY, 0x105, "server asks to come back later")                                       \
    X(RETRY_NOT_FOUND, 0x106, "server does not have the file")                                   \
    X(RETRY_REFUSED, 0x107, "server refuses the request (4xx)")                                  \
    X(RETRY_PROTOCOL, 0x108, "server's answer breaks the protocol")                              \
    X(RETRY_TRUNCATED, 0x109, "connection ended before the body did")                            \
    X(RETRY_REDIRECT, 0x10a, "redirect refused")                                                 \
    X(RETRY_TLS, 0x10b, "TLS: server not authenticated")                                         \
    X(RETRY_CLOCK, 0x10c, "clock unknown, or before a time that has passed")                       \
    X(RETRY_CANCELLED, 0x10d, "cancelled by the caller")                                         \
    X(RETRY_HELD, 0x10e, "held back: the device's owner or its state does not allow it now")     \
    X(RETRY_CERTIFICATE, 0x10f, "this device has no valid certificate: it is not attested")      \
    X(REJECT_SYNTAX, 0x201, "malformed document")                                                \
    X(REJECT_TYPE, 0x202, "field has the wrong type")                                            \
    X(REJECT_VALUE, 0x203, "field has a forbidden value")                                        \
    X(REJECT_MISSING, 0x204, "required field is missing")                                        \
    X(REJECT_DUPLICATE, 0x205, "field, key or signature appears twice")                          \
    X(REJECT_LIMIT, 0x206, "more or longer than the configured limit")                           \
    X(REJECT_SPEC, 0x207, "unsupported specification or format version")                         \
    X(REJECT_SIGNATURE, 0x208, "not signed by the threshold of trusted keys")                    \
    X(REJECT_KEY, 0x209, "key not usable or key id wrong")                                       \
    X(REJECT_VERSION, 0x20a, "version is not the one expected")                                  \
    X(REJECT_ROLLBACK, 0x20b, "older than what is already trusted")                              \
    X(REJECT_FREEZE, 0x20c, "expired")                                                           \
    X(REJECT_LENGTH, 0x20d, "length differs from the signed length")                             \
    X(REJECT_HASH, 0x20e, "digest differs from the signed digest")                               \
    X(REJECT_TARGET, 0x20f, "no trusted role vouches for this path")                             \
    X(REJECT_DELEGATION, 0x210, "delegation not usable")                                         \
    X(REJECT_SCOPE, 0x211, "metadata belongs to another scope")                                  \
    X(REJECT_PRODUCT, 0x212, "image or deployment is for another product")                       \
    X(REJECT_COMPONENT, 0x213, "image is for another component, or the component is unknown")    \
    X(REJECT_GROUP, 0x214, "deployment is for another device group")                             \
    X(REJECT_SEQUENCE, 0x215, "deployment older than one already installed")                     \
    X(REJECT_SECURITY, 0x216, "image's security version is below the device's floor")            \
    X(REJECT_TOO_BIG, 0x217, "image does not fit the slot")                                      \
    X(REJECT_CODEC, 0x218, "no encoding of the image that this device can read")                 \
    X(REJECT_CORRUPT, 0x219, "image data cannot be decoded")                                     \
    X(REJECT_HEALTH, 0x21a, "new image failed its health check")                                 \
    X(REJECT_TRIAL, 0x21b, "new image did not stay up: the boot loader went back")               \
    X(REJECT_APP, 0x21c, "application rejected the new image")                                   \
    X(REJECT_SILENT, 0x21d, "new image gave no verdict before the deadline")                     \
    X(REJECT_REQUIRES, 0x21e, "a component requires what nothing in the deployment provides")     \
    X(REJECT_NONCE, 0x224, "evidence answers another challenge")                                 \
    X(REJECT_DEVICE, 0x225, "is for another device")                                             \
    X(REJECT_USED, 0x226, "was used up before")                                                  \
    X(REJECT_CAPABILITY, 0x227, "no capability of this device allows it")                        \
    X(DEVICE_STORE, 0x301, "state store cannot be read or written")                              \
    X(DEVICE_FULL, 0x302, "no space left in the state store")                                    \
    X(DEVICE_SLOT, 0x303, "slot cannot be read, erased or written")                              \
    X(DEVICE_READBACK, 0x304, "slot holds other bytes than were written")                        \
    X(DEVICE_BOOT, 0x305, "boot control failed")                                                 \
    X(DEVICE_CRYPTO, 0x306, "crypto service failed")                                             \
    X(DEVICE_JOURNAL, 0x307, "journal not usable")                                               \
    X(DEVICE_ROOT, 0x308, "no trusted root metadata")                                            \
    X(DEVICE_LOCKED, 0x309, "another agent uses this state or slot")                             \
    X(DEVICE_ABSENT, 0x30a, "no such record in the store")                                       \
    X(DEVICE_HEALTH, 0x30b, "health check could not be run")                                     \
    X(DEVICE_CONDITIONS, 0x30c, "power, link or consent could not be asked for")                 \
    X(DEVICE_IDENTITY, 0x30d, "identity of the device (key, TPM) cannot be used")                \
    X(USAGE_ARGUMENT, 0x401, "argument missing or out of range")                                 \
    X(USAGE_CONFIG, 0x402, "configuration missing or out of range")                              \
    X(USAGE_MEMORY, 0x403, "workspace too small")                                                \
    X(USAGE_STATE, 0x404, "call not allowed in this state")                                      \
    X(USAGE_ABI, 0x405, "caller was built against another version of the library")                 \
    X(USAGE_UNSUPPORTED, 0x406, "this device does not have the ability")

/** Result of every fallible function. */
typedef enum ota_err {
#define OTA_ERR_ENUM(name, number, text) OTA_##name = (number),
    OTA_ERR_LIST(OTA_ERR_ENUM)
#undef OTA_ERR_ENUM
} ota_err;

/** What to do about a code. */
enum ota_err_class { OTA_CLASS_OUTCOME = 0, OTA_CLASS_RETRY = 1, OTA_CLASS_REJECT = 2, OTA_CLASS_DEVICE = 3, OTA_CLASS_USAGE = 4 };

/** @return the class of err; unknown numbers keep the class of their range, numbers above 0x4ff are USAGE. */
enum ota_err_class ota_err_class(ota_err err);

/** @return a static name such as "REJECT_HASH"; "UNKNOWN" for a number that this library does not know; "" in builds
 *          without OTA_TEXTS. Never NULL. */
const char *ota_err_name(ota_err err);

/** @return a static sentence for a person, without a full stop; "" in builds without OTA_TEXTS. Never NULL. */
const char *ota_err_text(ota_err err);

/** Longest place in a fault, with its NUL. */
#define OTA_FAULT_WHERE_MAX 48

/**
 * A failure with its place: what is stored, logged and reported. Plain data, no pointers.
 * `where` names the field, file or port operation ("timestamp.signed.version", "slot.write").
 */
struct ota_fault {
    ota_err err;                     /**< OTA_OK: no fault */
    int32_t port_code;               /**< the port's own number (errno, CURLcode, PSA status); 0 if none */
    uint8_t state;                   /**< enum ota_state in which it happened */
    uint8_t component;               /**< index in the configuration, or OTA_COMPONENT_NONE */
    char where[OTA_FAULT_WHERE_MAX]; /**< NUL-terminated, printable ASCII */
};

#define OTA_COMPONENT_NONE 0xffu

/** Fill a fault. where is cut to fit; NULL means "". f may be NULL. @return err, so that callers can `return ota_fault_set(...)`. */
ota_err ota_fault_set(struct ota_fault *f, ota_err err, const char *where, int32_t port_code);

#ifdef __cplusplus
}
#endif
#endif
