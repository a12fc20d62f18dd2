/* SPDX-License-Identifier: Apache-2.0 */
/* The service's configuration file: JSON, strict. README.md describes its members. */
#ifndef ATTEST_SETTINGS_H
#define ATTEST_SETTINGS_H

#include "nonces.h"
#include "ota/attest.h"
#include "reference.h"

#define CONFIG_MAX 65536u
#define CONFIG_GROUPS_MAX 16u
#define CONFIG_PATH_MAX 256u

struct config_path {
    char text[CONFIG_PATH_MAX];
};

struct config_group {
    char product[OTA_NAME_MAX], group[OTA_NAME_MAX];
    struct config_path ca_cert, ca_key, reference[REFERENCE_FILES];
    size_t reference_count;
    bool has_token;
    uint8_t token_sha256[OTA_SHA256_LEN];
    uint32_t devices_max;
    enum ota_strength strength_min;
};

struct config {
    char address[48];
    uint16_t port;
    struct config_path port_file, tls_cert, tls_key, devices;
    uint32_t certificate_s, nonce_s, nonces_max, timeout_s;
    size_t group_count;
    struct config_group group[CONFIG_GROUPS_MAX];
};

/* OTA_OK; REJECT_* with the member in *fault, such as "config.groups[0].ca_key" */
ota_err config_read(struct config *c, const char *text, size_t len, struct ota_fault *fault);

#endif
