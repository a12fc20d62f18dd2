/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without libtss2 take this: who asks for a TPM is told. */
#include <string.h>

#include "ota/tpm.h"

ota_err ota_tpm_open(struct ota_tpm *t, const struct ota_tpm_config *cfg, struct ota_fault *fault)
{
    (void)cfg;
    if (t)
        memset(t, 0, sizeof *t);
    return ota_fault_set(fault, OTA_USAGE_UNSUPPORTED, "identity.tpm", 0);
}

void ota_tpm_close(struct ota_tpm *t)
{
    (void)t;
}

ota_err ota_tpm_activate(struct ota_tpm *t, const uint8_t *blob, size_t len, uint8_t secret[OTA_TPM_SECRET_MAX], size_t *secret_len,
                         int32_t *port_code)
{
    (void)t, (void)blob, (void)len, (void)secret, (void)port_code;
    *secret_len = 0;
    return OTA_USAGE_UNSUPPORTED;
}
