/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Identity in files (library ota_posix): strength soft, and nothing that keeps its counters from going back when the whole folder
 * is restored from a backup. What the files hold says SPEC.md, section 14.
 */
#ifndef OTA_POSIX_IDENTITY_H
#define OTA_POSIX_IDENTITY_H

#include "ota/port_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ota_posix_identity_config {
    const char *dir;         /**< this identity's alone; made with mode 0700 if absent (not its parents) */
    const char *certificate; /**< chain of the device's certificate in DER; NULL = "certificate.der" in dir. Absent: none yet */
};

/**
 * Key, counters and registers of a device in a folder. Several processes may have it open; each change is under a lock.
 * Registers begin anew with each start of the kernel. A counter that is lower than this process has seen it is DEVICE_IDENTITY (ESTALE).
 */
struct ota_posix_identity {
    struct ota_identity port;
    const char *certificate;
    int dir_fd;
    uint32_t key_id; /* PSA's, for as long as it is open */
    uint8_t key[OTA_IDENTITY_KEY_LEN];
    uint64_t seen[OTA_IDENTITY_COUNTERS];
};

/**
 * Open, and on the first use make the key. Strings of cfg must outlive s. fault.where tells what is wrong: "identity.dir",
 * "identity.key" (damaged: EBADMSG; gone while counters are not: ENOENT), "identity.counters", each with ".owner" (not this process's
 * user) or ".mode" (others may read or change it).
 * @return OTA_OK; USAGE_ARGUMENT; DEVICE_IDENTITY (errno, or PSA status where negative)
 */
OTA_MUST_CHECK ota_err ota_posix_identity_file_open(struct ota_posix_identity *s, const struct ota_posix_identity_config *cfg,
                                                    struct ota_fault *fault);
void ota_posix_identity_close(struct ota_posix_identity *s);

/* -------------------------------------------------------------------------------------------- credentials -- */

#define OTA_POSIX_SECRET_MAX 32u
#define OTA_POSIX_CREDENTIAL_MAX (2u + 2u + 32u + 2u + OTA_POSIX_SECRET_MAX + 2u + 2u * (2u + 32u))

/** What a verifier who has no TPM binds together. */
struct ota_posix_credential {
    const uint8_t *ek;     /**< TPMT_PUBLIC of the endorsement key, whose certificate the caller has checked: P-256, template L-2 */
    size_t ek_len;
    const uint8_t *ak;     /**< TPMT_PUBLIC of the key of quotes, as the device told it */
    size_t ak_len;
    const uint8_t *secret; /**< random, never used before; whoever tells it again has both keys in one TPM */
    size_t secret_len;     /**< 1..OTA_POSIX_SECRET_MAX */
};

/**
 * Make a credential, as TPM2_MakeCredential does: TPM2B_ID_OBJECT, then TPM2B_ENCRYPTED_SECRET, for ota_tpm_activate().
 * @param fault  may be NULL
 * @return OTA_OK; USAGE_ARGUMENT: secret_len; REJECT_KEY: ek is not such a key; DEVICE_CRYPTO (PSA status)
 */
OTA_MUST_CHECK ota_err ota_posix_credential_make(const struct ota_posix_credential *c, uint8_t out[OTA_POSIX_CREDENTIAL_MAX],
                                                 size_t *len, struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
