/* SPDX-License-Identifier: Apache-2.0 */
/* What a device demands of a package, against what the package says. */
#include <string.h>

#include "package.h"

#define REVOKED_BITS 32u

static ota_err check_security(const struct ota_package *p, const struct ota_package_want *want, struct ota_fault *fault)
{
    if (p->security < want->security_min)
        return ota_fault_set(fault, OTA_REJECT_SECURITY, "package.security", (int32_t)p->security);
    if (p->security < REVOKED_BITS && want->revoked & 1u << p->security)
        return ota_fault_set(fault, OTA_REJECT_SECURITY, "package.security.revoked", (int32_t)p->security);
    return OTA_OK;
}

/* Type 0 names no interface: nothing is needed. */
static bool met(const struct ota_abi *need, const struct ota_package_want *want)
{
    for (size_t i = 0; i < want->provided_count; i++)
        if (want->provided[i].type == need->type && want->provided[i].version >= need->version)
            return true;
    return need->type == 0;
}

static ota_err check_abi(const struct ota_package *p, const struct ota_package_want *want, struct ota_fault *fault)
{
    if (!want->provided)
        return OTA_OK;
    for (size_t i = 0; i < p->depends_count; i++)
        if (!met(&p->depends[i], want))
            return ota_fault_set(fault, OTA_REJECT_REQUIRES, "package.abi_depends", (int32_t)p->depends[i].type);
    return OTA_OK;
}

ota_err ota_package_check(const struct ota_package *p, const struct ota_package_want *want, struct ota_fault *fault)
{
    if (want->component && memcmp(p->component, want->component, OTA_UID_LEN) != 0)
        return ota_fault_set(fault, OTA_REJECT_COMPONENT, "package.identity.component", 0);
    if (p->temporary & ~want->temporary)
        return ota_fault_set(fault, OTA_REJECT_VALUE, "package.temporary", (int32_t)p->temporary);
    if (p->has & OTA_PACKAGE_HAS_COMPRESSION && !want->compressed)
        return ota_fault_set(fault, OTA_REJECT_CODEC, "package.compression", (int32_t)p->compression);
    ota_err err = check_security(p, want, fault);
    return err != OTA_OK ? err : check_abi(p, want, fault);
}
