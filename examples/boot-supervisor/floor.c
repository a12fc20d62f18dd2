/* SPDX-License-Identifier: Apache-2.0 */
#include "floor.h"

static ota_err open_identity(struct floor *f, struct ota_fault *fault)
{
    ota_err err;

    if (f->identity)
        return OTA_OK;
    if (f->dir)
        err = ota_posix_identity_file_open(&f->as.file, &(struct ota_posix_identity_config){ .dir = f->dir }, fault);
    else
        err = ota_tpm_open(&f->as.tpm, &(struct ota_tpm_config){ .tcti = f->tcti }, fault);
    if (err == OTA_OK)
        f->identity = f->dir ? &f->as.file.port : &f->as.tpm.port;
    return err;
}

ota_err floor_identity(struct floor *f, struct ota_identity **out, struct ota_fault *fault)
{
    ota_err err = f->dir || f->tcti ? open_identity(f, fault) : OTA_OK;

    *out = err == OTA_OK ? f->identity : NULL;
    return err;
}

/* A counter that is read is one that is raised to nothing. */
static ota_err count(struct floor *f, uint64_t at_least, uint64_t *value, struct ota_fault *fault)
{
    int32_t code = 0;
    ota_err err = open_identity(f, fault);

    if (err != OTA_OK)
        return err;
    err = f->identity->ops->counter(f->identity, f->counter, at_least, value, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "identity.counter", code);
}

ota_err floor_read(struct floor *f, uint32_t *min, struct ota_fault *fault)
{
    uint64_t value = 0;

    if (!f->dir && !f->tcti)
        return OTA_OK;
    ota_err err = count(f, 0, &value, fault);
    if (err == OTA_OK && value > *min)
        *min = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
    return err;
}

ota_err floor_raise(struct floor *f, uint32_t security, struct ota_fault *fault)
{
    uint64_t value = 0;

    return f->dir || f->tcti ? count(f, security, &value, fault) : OTA_OK;
}

void floor_close(struct floor *f)
{
    if (f->identity && f->dir)
        ota_posix_identity_close(&f->as.file);
    if (f->identity && !f->dir)
        ota_tpm_close(&f->as.tpm);
    f->identity = NULL;
}
