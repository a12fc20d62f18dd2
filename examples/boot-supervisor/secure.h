/* SPDX-License-Identifier: Apache-2.0 */
/* Secure boot: is what a slot holds a package that the configured key signed? */
#ifndef BOOT_SECURE_H
#define BOOT_SECURE_H

#include "ota/image.h"
#include "ota/posix.h"

struct secure {
    struct ota_posix_crypto crypto;
    struct ota_posix_package_key key;
    uint8_t component[OTA_UID_LEN];
    struct ota_package_want want;
};

/* key_path: a public key in PEM; component: an identifier as text, or NULL. OTA_OK; USAGE_CONFIG, REJECT_KEY (key file),
 * USAGE_ARGUMENT (component), DEVICE_CRYPTO; USAGE_ABI: built without OTA_IMAGE. */
ota_err secure_open(struct secure *s, const char *key_path, const char *component, uint32_t security_min,
                    struct ota_fault *fault);

/* What is known of a package that may run. */
struct secure_body {
    uint64_t len;        /* the body is what lies in front of it */
    uint64_t whole;      /* bytes of the package */
    uint32_t security;
};

/* Judge all that can be read from a descriptor. security_min: lowest security version, if that is higher than the one of secure_open(). */
ota_err secure_check(const struct secure *s, int fd, uint32_t security_min, struct secure_body *body, struct ota_fault *fault);

#endif
