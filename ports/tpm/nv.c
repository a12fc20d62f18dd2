/* SPDX-License-Identifier: Apache-2.0 */
/* Counters. A TPM's counter begins where all that it ever had ended, so that none can be set back by making it anew; a second
 * index, which can be written once, keeps that beginning. Both can only be removed with the owner's authorisation. */
#include <string.h>

#include "tpm.h"

#define ACCESS (TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA)
#define COUNTS (ACCESS | (uint32_t)TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT)
#define BEGINS (ACCESS | TPMA_NV_WRITEDEFINE)
#define VALUE_LEN 8u
#define PIECE 512u

static TSS2_RC read_public(struct ota_tpm *t, ESYS_TR nv, TPMS_NV_PUBLIC *out)
{
    TPM2B_NV_PUBLIC *public = NULL;
    TSS2_RC rc = Esys_NV_ReadPublic(otat_esys(t), nv, OTAT_NONE, &public, NULL);

    if (rc == TSS2_RC_SUCCESS)
        *out = public->nvPublic;
    Esys_Free(public);
    return rc;
}

static TSS2_RC define(struct ota_tpm *t, uint32_t index, TPMA_NV attributes, ESYS_TR *nv)
{
    static const TPM2B_AUTH no_auth;
    const TPM2B_NV_PUBLIC public = {
        .nvPublic = { .nvIndex = index, .nameAlg = TPM2_ALG_SHA256, .attributes = attributes, .dataSize = VALUE_LEN }
    };

    return Esys_NV_DefineSpace(otat_esys(t), ESYS_TR_RH_OWNER, OTAT_PASSWORD, &no_auth, &public, nv);
}

/* An index of ours, made if absent. Attributes beyond ours are what became of it. */
static TSS2_RC open_index(struct ota_tpm *t, uint32_t index, TPMA_NV attributes, ESYS_TR *nv, TPMA_NV *now)
{
    TPMS_NV_PUBLIC public = { 0 };
    TSS2_RC rc = Esys_TR_FromTPMPublic(otat_esys(t), index, OTAT_NONE, nv);

    if (otat_is_absent(rc))
        rc = define(t, index, attributes, nv);
    if (rc == TSS2_RC_SUCCESS)
        rc = read_public(t, *nv, &public);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    *now = public.attributes;
    return (public.attributes & ~(TPMA_NV_WRITTEN | TPMA_NV_WRITELOCKED)) == attributes && public.dataSize == VALUE_LEN ? TSS2_RC_SUCCESS
                                                                                                                     : TPM2_RC_TYPE;
}

static TSS2_RC read_value(struct ota_tpm *t, ESYS_TR nv, uint64_t *value)
{
    TPM2B_MAX_NV_BUFFER *data = NULL;
    TSS2_RC rc = Esys_NV_Read(otat_esys(t), ESYS_TR_RH_OWNER, nv, OTAT_PASSWORD, VALUE_LEN, 0, &data);

    *value = 0;
    if (rc == TSS2_RC_SUCCESS && data->size != VALUE_LEN)
        rc = TPM2_RC_SIZE;
    for (size_t i = 0; rc == TSS2_RC_SUCCESS && i < VALUE_LEN; i++)
        *value = *value << 8 | data->buffer[i];
    Esys_Free(data);
    return rc;
}

static TSS2_RC write_value(struct ota_tpm *t, ESYS_TR nv, uint64_t value)
{
    TPM2B_MAX_NV_BUFFER data = { .size = VALUE_LEN };

    for (size_t i = 0; i < VALUE_LEN; i++)
        data.buffer[i] = (BYTE)(value >> 8 * (VALUE_LEN - 1 - i));
    return Esys_NV_Write(otat_esys(t), ESYS_TR_RH_OWNER, nv, OTAT_PASSWORD, &data, 0);
}

static TSS2_RC increment(struct ota_tpm *t, ESYS_TR nv)
{
    return Esys_NV_Increment(otat_esys(t), ESYS_TR_RH_OWNER, nv, OTAT_PASSWORD);
}

/* Where the counter began. Written with what it is now, and locked for good: nobody has read a value before that. A cut between the
 * two is made good by whoever comes next. */
static TSS2_RC beginning(struct ota_tpm *t, uint32_t index, uint64_t now, uint64_t *begin)
{
    ESYS_TR nv = ESYS_TR_NONE;
    TPMA_NV state = 0;
    TSS2_RC rc = open_index(t, index, BEGINS, &nv, &state);

    if (rc == TSS2_RC_SUCCESS && !(state & TPMA_NV_WRITTEN))
        rc = write_value(t, nv, now);
    if (rc == TSS2_RC_SUCCESS && !(state & TPMA_NV_WRITELOCKED))
        rc = Esys_NV_WriteLock(otat_esys(t), ESYS_TR_RH_OWNER, nv, OTAT_PASSWORD);
    if (rc == TSS2_RC_SUCCESS)
        rc = read_value(t, nv, begin);
    if (nv != ESYS_TR_NONE)
        (void)Esys_TR_Close(otat_esys(t), &nv);
    return rc == TSS2_RC_SUCCESS && *begin > now ? TPM2_RC_VALUE : rc;
}

static TSS2_RC raise(struct ota_tpm *t, ESYS_TR nv, uint64_t steps, uint64_t *now)
{
    TSS2_RC rc = TSS2_RC_SUCCESS;

    for (; rc == TSS2_RC_SUCCESS && steps > 0; steps--)
        rc = increment(t, nv);
    return rc == TSS2_RC_SUCCESS ? read_value(t, nv, now) : rc;
}

TSS2_RC otat_counter(struct ota_tpm *t, uint32_t which, uint64_t at_least, uint64_t *value, bool *too_far)
{
    uint32_t index = t->cfg.nv_index + 2 * which;
    uint64_t now = 0, begin = 0;
    ESYS_TR nv = ESYS_TR_NONE;
    TPMA_NV state = 0;
    TSS2_RC rc = open_index(t, index, COUNTS, &nv, &state);

    *too_far = false;
    if (rc == TSS2_RC_SUCCESS && !(state & TPMA_NV_WRITTEN))
        rc = increment(t, nv); /* it has no value before the first */
    if (rc == TSS2_RC_SUCCESS)
        rc = read_value(t, nv, &now);
    if (rc == TSS2_RC_SUCCESS)
        rc = beginning(t, index + 1, now, &begin);
    if (rc == TSS2_RC_SUCCESS && at_least > now - begin) {
        *too_far = at_least - (now - begin) > OTA_IDENTITY_RAISE_MAX;
        if (!*too_far)
            rc = raise(t, nv, at_least - (now - begin), &now);
    }
    if (nv != ESYS_TR_NONE)
        (void)Esys_TR_Close(otat_esys(t), &nv);
    *value = rc == TSS2_RC_SUCCESS ? now - begin : 0;
    return rc;
}

TSS2_RC otat_nv_read(struct ota_tpm *t, uint32_t index, uint8_t *buf, size_t cap, size_t *len)
{
    TPMS_NV_PUBLIC public = { 0 };
    ESYS_TR nv = ESYS_TR_NONE;
    TSS2_RC rc = Esys_TR_FromTPMPublic(otat_esys(t), index, OTAT_NONE, &nv);

    *len = 0;
    if (otat_is_absent(rc))
        return TSS2_RC_SUCCESS;
    if (rc == TSS2_RC_SUCCESS)
        rc = read_public(t, nv, &public);
    if (rc == TSS2_RC_SUCCESS && (public.attributes & TPMA_NV_WRITTEN))
        *len = public.dataSize;
    for (size_t at = 0; rc == TSS2_RC_SUCCESS && *len <= cap && at < *len;) {
        TPM2B_MAX_NV_BUFFER *data = NULL;
        UINT16 piece = (UINT16)(*len - at < PIECE ? *len - at : PIECE);

        rc = Esys_NV_Read(otat_esys(t), nv, nv, OTAT_PASSWORD, piece, (UINT16)at, &data);
        if (rc == TSS2_RC_SUCCESS && data->size != piece)
            rc = TPM2_RC_SIZE;
        if (rc == TSS2_RC_SUCCESS)
            memcpy(buf + at, data->buffer, piece);
        Esys_Free(data);
        at += piece;
    }
    if (nv != ESYS_TR_NONE)
        (void)Esys_TR_Close(otat_esys(t), &nv);
    return rc;
}
