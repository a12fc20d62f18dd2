/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTAT_TPM_H
#define OTAT_TPM_H

#include <tss2/tss2_esys.h>

#include "ota/tpm.h"

/* Sessions of a command without further ones, and with the password of its object. */
#define OTAT_NONE ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE
#define OTAT_PASSWORD ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE

static inline struct ota_tpm *otat_self(struct ota_identity *s)
{
    return (struct ota_tpm *)s;
}

static inline ESYS_CONTEXT *otat_esys(const struct ota_tpm *t)
{
    return t->esys;
}

/* Is there no such handle? */
static inline bool otat_is_absent(TSS2_RC rc)
{
    return rc == (TPM2_RC_HANDLE | TPM2_RC_1);
}

/* Connect unless connected. */
TSS2_RC otat_link(struct ota_tpm *t);
void otat_unlink(struct ota_tpm *t);
/* The result of commands: after any error the connection is given up, and the next call makes it anew. */
ota_err otat_result(struct ota_tpm *t, TSS2_RC rc, int32_t *port_code);

/* ---- keys.c ---- */

/* The device's key: its object, and its 65 bytes. Made if absent. */
TSS2_RC otat_device_key(struct ota_tpm *t, ESYS_TR *object, uint8_t key[OTA_IDENTITY_KEY_LEN]);
/* The key of quotes. Close it with Esys_TR_Close(). */
TSS2_RC otat_quote_key(struct ota_tpm *t, ESYS_TR *object);
/* The endorsement key, made from its standard template. Flush it. */
TSS2_RC otat_endorsement_key(struct ota_tpm *t, ESYS_TR *object);
/* Its public area as TPMT_PUBLIC. */
TSS2_RC otat_public_area(struct ota_tpm *t, ESYS_TR object, uint8_t *buf, size_t cap, size_t *len);

/* ---- nv.c ---- */

TSS2_RC otat_counter(struct ota_tpm *t, uint32_t which, uint64_t at_least, uint64_t *value, bool *too_far);
/* All of an NV index; absent: len 0. */
TSS2_RC otat_nv_read(struct ota_tpm *t, uint32_t index, uint8_t *buf, size_t cap, size_t *len);

/* ---- quote.c ---- */

TSS2_RC otat_quote(struct ota_tpm *t, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len);
TSS2_RC otat_register(struct ota_tpm *t, uint32_t reg, uint8_t value[OTA_SHA256_LEN]);

#endif
