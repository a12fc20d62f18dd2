/* SPDX-License-Identifier: Apache-2.0 */
/* The device's identity, and the lowest security version that may run, kept where it cannot go back: in a counter of it. */
#ifndef BOOT_FLOOR_H
#define BOOT_FLOOR_H

#include "ota/posix_identity.h"
#include "ota/tpm.h"

struct floor {
    const char *dir, *tcti;      /* one of them; both NULL = no counter */
    uint32_t counter;            /* OTA_COUNTER_SECURITY + component */
    union {
        struct ota_posix_identity file;
        struct ota_tpm tpm;
    } as;
    struct ota_identity *identity;   /* NULL: not open now */
};

/* The identity, opened if it is not. *out is NULL with OTA_OK: none is named. DEVICE_IDENTITY, USAGE_UNSUPPORTED (of ota_tpm_open()) */
ota_err floor_identity(struct floor *f, struct ota_identity **out, struct ota_fault *fault);

/* Read it; *min is raised to it, never lowered. OTA_OK also without a counter; DEVICE_IDENTITY: nobody knows. */
ota_err floor_read(struct floor *f, uint32_t *min, struct ota_fault *fault);

/* What runs was confirmed with this security version: nothing older may run from now on. OTA_OK; REJECT_LIMIT, DEVICE_IDENTITY */
ota_err floor_raise(struct floor *f, uint32_t security, struct ota_fault *fault);

/* After whatever was done at this start: no image runs beside an open key. */
void floor_close(struct floor *f);

#endif
