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

/* Judge all that can be read from a descriptor. *body_len: what may run. */
ota_err secure_check(const struct secure *s, int fd, uint64_t *body_len, struct ota_fault *fault);

#endif
