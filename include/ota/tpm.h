/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Identity in a TPM 2.0 (library ota_tpm, builds with OTA_TPM), through libtss2-esys.
 *
 * Made in the TPM on the first use: the device's key and the key of quotes (ECC P-256, persistent, under the owner hierarchy), and per
 * counter that is used two NV indices. Nothing of it can be copied out. Who holds the TPM's owner authorisation can remove all of it,
 * and counters with it; without a password of the owner that is whoever may talk to the TPM.
 *
 * Strength is what the TPM says of its maker: OTA_STRENGTH_TPM, or OTA_STRENGTH_SOFT for one that is known to be a program
 * (libtpms and swtpm, the reference simulator). The latter's state is a file that may come back from a backup: rollback is OTA_STRENGTH_NONE.
 */
#ifndef OTA_TPM_H
#define OTA_TPM_H

#include "ota/port_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_TPM_KEY_HANDLE UINT32_C(0x8100f0a0) /**< persistent: the device's key; the next one: the key of quotes */
#define OTA_TPM_NV_INDEX UINT32_C(0x018f0a00)   /**< counter n: index + 2 n counts, index + 2 n + 1 keeps where it began */

struct ota_tpm_config {
    const char *tcti;        /**< how to reach it, as tpm2-tools say it: "device:/dev/tpmrm0", "swtpm:path=/run/tpm.sock" */
    const char *owner_auth;  /**< the owner's password; NULL = none */
    const char *certificate; /**< file with the chain of the device's certificate in DER; NULL, or not there: none */
    uint32_t key_handle;     /**< 0 = OTA_TPM_KEY_HANDLE */
    uint32_t nv_index;       /**< 0 = OTA_TPM_NV_INDEX */
};

struct ota_tpm {
    struct ota_identity port;
    struct ota_tpm_config cfg;
    char maker[5];           /**< seen: TPM_PT_MANUFACTURER, such as "IBM" */
    char vendor[17];         /**< seen: TPM_PT_VENDOR_STRING_1 to _4 */
    uint8_t key[OTA_IDENTITY_KEY_LEN];
    void *esys, *tcti;       /* NULL: not connected now */
    uint32_t key_object;
};

/**
 * Connect, and on the first use make the keys. Strings of cfg must outlive t. The connection is made again by the next call after one that failed.
 * @return OTA_OK; USAGE_ARGUMENT; USAGE_UNSUPPORTED: built without OTA_TPM; DEVICE_IDENTITY (the TPM's or tss2's response code)
 */
OTA_MUST_CHECK ota_err ota_tpm_open(struct ota_tpm *t, const struct ota_tpm_config *cfg, struct ota_fault *fault);
void ota_tpm_close(struct ota_tpm *t);

#define OTA_TPM_SECRET_MAX 32u

/**
 * Answer a verifier's ota_posix_credential_make(): only the TPM with that endorsement key and that key of quotes can.
 * @param blob    TPM2B_ID_OBJECT, then TPM2B_ENCRYPTED_SECRET
 * @return OTA_OK; REJECT_SYNTAX: not such a blob; REJECT_SIGNATURE: made for another TPM or another key, or altered; DEVICE_IDENTITY
 */
OTA_MUST_CHECK ota_err ota_tpm_activate(struct ota_tpm *t, const uint8_t *blob, size_t len, uint8_t secret[OTA_TPM_SECRET_MAX],
                                        size_t *secret_len, int32_t *port_code);

#ifdef __cplusplus
}
#endif
#endif
