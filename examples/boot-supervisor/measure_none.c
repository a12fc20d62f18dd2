/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without attestation take this instead of measure.c: who asks for measurements is told. */
#include "measure.h"

bool measure_option(struct measure *m, const char *text)
{
    (void)m, (void)text;
    return false;
}

void measure_forget(const struct measure *m)
{
    (void)m;
}

ota_err measure_image(struct measure *m, struct ota_crypto *c, struct ota_identity *identity, int image, uint64_t length,
                      const uint8_t *key, size_t key_len, struct ota_fault *fault)
{
    (void)m, (void)c, (void)identity, (void)image, (void)length, (void)key, (void)key_len;
    return ota_fault_set(fault, OTA_USAGE_ABI, "measure", 0);
}
