/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without image packages take this instead of secure.c: who asks for them is told. */
#include "secure.h"

ota_err secure_open(struct secure *s, const char *key_path, const char *component, uint32_t security_min, struct ota_fault *fault)
{
    (void)s, (void)key_path, (void)component, (void)security_min;
    return ota_fault_set(fault, OTA_USAGE_ABI, "package", 0);
}

ota_err secure_check(const struct secure *s, int fd, uint32_t security_min, struct secure_body *body, struct ota_fault *fault)
{
    (void)s, (void)fd, (void)security_min, (void)body;
    return ota_fault_set(fault, OTA_USAGE_ABI, "package", 0);
}
