/* SPDX-License-Identifier: Apache-2.0 */
/* What a capability lets somebody bring: its judgement, and the image's way into a slot. */
#ifndef AGENT_SIDELOAD_H
#define AGENT_SIDELOAD_H

#include "device.h"
#include "ota/capability.h"

/** What was read before the sandbox was entered. */
struct brought {
    int fd;                                          /* the package; -1 = a folder with repositories */
    uint64_t len;
    uint8_t keys[OTA_CAPABILITY_KEYS_MAX][OTA_CAPABILITY_KEY_LEN];
    size_t key_count;
    uint8_t session[OTA_SHA256_LEN];
    bool has_session;
    uint8_t file[OTA_CAPABILITY_MAX + 1];            /* the capability */
    size_t file_len;                                 /* 0: the one that is installed, if there is one */
};

/** SHA-256 of what the kernel calls this start. @return false: it does not say */
bool sideload_session(struct ota_crypto *crypto, uint8_t out[OTA_SHA256_LEN]);

/** Read the owners' keys. @return OTA_OK, or an error with *fault */
ota_err sideload_owners(const struct agent_config *c, struct brought *b, struct schema_fault *fault);

/** Judge the capability. Nothing is used up. @return OTA_OK, or an error with *why */
ota_err sideload_judge(struct device *d, const struct agent_config *c, struct brought *b, struct ota_capability *cap, struct ota_fault *why);

/**
 * Verify the package for a component of this device, use the capability up, write the spare slot, read it back, and put it on
 * trial. @return OTA_OK: it is armed; or an error with *why: then nothing is
 */
ota_err sideload_package(struct device *d, const struct agent_config *c, const struct brought *b, const struct ota_capability *cap,
                         struct ota_fault *why);

#endif
