/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the TPM: made from fixed templates, so that the same TPM makes the same ones, and kept at persistent handles. */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "tpm.h"

#define OURS (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | \
              TPMA_OBJECT_SIGN_ENCRYPT)

/* PolicySecret(endorsement): TCG EK Credential Profile 2.5, B.3.4. */
static const uint8_t ek_policy[32] = { 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
                                       0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa };

static TPM2B_PUBLIC signing_template(const char *label, bool restricted)
{
    TPM2B_PUBLIC t = { .publicArea = { .type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256, .objectAttributes = OURS } };
    TPMS_ECC_PARMS *ecc = &t.publicArea.parameters.eccDetail;

    if (restricted)
        t.publicArea.objectAttributes |= TPMA_OBJECT_RESTRICTED;
    ecc->symmetric.algorithm = TPM2_ALG_NULL;
    ecc->scheme.scheme = TPM2_ALG_ECDSA;
    ecc->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    ecc->curveID = TPM2_ECC_NIST_P256;
    ecc->kdf.scheme = TPM2_ALG_NULL;
    t.publicArea.unique.ecc.x.size = (UINT16)strlen(label);
    memcpy(t.publicArea.unique.ecc.x.buffer, label, strlen(label));
    return t;
}

/* Template L-2 of that profile: ECC on P-256. */
static TPM2B_PUBLIC endorsement_template(void)
{
    TPM2B_PUBLIC t = { .publicArea = { .type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256 } };
    TPMS_ECC_PARMS *ecc = &t.publicArea.parameters.eccDetail;

    t.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                    TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
    t.publicArea.authPolicy.size = sizeof ek_policy;
    memcpy(t.publicArea.authPolicy.buffer, ek_policy, sizeof ek_policy);
    ecc->symmetric.algorithm = TPM2_ALG_AES;
    ecc->symmetric.keyBits.aes = 128;
    ecc->symmetric.mode.aes = TPM2_ALG_CFB;
    ecc->scheme.scheme = TPM2_ALG_NULL;
    ecc->curveID = TPM2_ECC_NIST_P256;
    ecc->kdf.scheme = TPM2_ALG_NULL;
    t.publicArea.unique.ecc.x.size = 32;
    t.publicArea.unique.ecc.y.size = 32;
    return t;
}

static TSS2_RC create(struct ota_tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *object)
{
    static const TPM2B_SENSITIVE_CREATE nothing_secret;
    static const TPM2B_DATA nothing_outside;
    static const TPML_PCR_SELECTION no_registers;
    TPM2B_PUBLIC *made = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;
    TSS2_RC rc = Esys_CreatePrimary(otat_esys(t), hierarchy, OTAT_PASSWORD, &nothing_secret, template, &nothing_outside, &no_registers,
                                    object, &made, &data, &hash, &ticket);

    Esys_Free(made);
    Esys_Free(data);
    Esys_Free(hash);
    Esys_Free(ticket);
    return rc;
}

static TSS2_RC create_persistent(struct ota_tpm *t, const TPM2B_PUBLIC *template, uint32_t handle, ESYS_TR *object)
{
    ESYS_TR transient = ESYS_TR_NONE;
    TSS2_RC rc = create(t, ESYS_TR_RH_OWNER, template, &transient);

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Esys_EvictControl(otat_esys(t), ESYS_TR_RH_OWNER, transient, OTAT_PASSWORD, handle, object);
    (void)Esys_FlushContext(otat_esys(t), transient);
    return rc;
}

/* Is what lies there a key like the template's? Somebody else's at this handle must not sign for the device. */
static bool is_like(const TPMT_PUBLIC *a, const TPMT_PUBLIC *template)
{
    const TPMS_ECC_PARMS *p = &a->parameters.eccDetail, *q = &template->parameters.eccDetail;

    return a->type == template->type && a->nameAlg == template->nameAlg && a->objectAttributes == template->objectAttributes &&
           a->authPolicy.size == 0 && p->curveID == q->curveID && p->scheme.scheme == q->scheme.scheme &&
           p->scheme.details.ecdsa.hashAlg == q->scheme.details.ecdsa.hashAlg && a->unique.ecc.x.size == 32 && a->unique.ecc.y.size == 32;
}

static TSS2_RC persistent(struct ota_tpm *t, const TPM2B_PUBLIC *template, uint32_t handle, ESYS_TR *object, uint8_t *key)
{
    TPM2B_PUBLIC *public = NULL;
    TSS2_RC rc = Esys_TR_FromTPMPublic(otat_esys(t), handle, OTAT_NONE, object);

    if (otat_is_absent(rc))
        rc = create_persistent(t, template, handle, object);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_ReadPublic(otat_esys(t), *object, OTAT_NONE, &public, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if (!is_like(&public->publicArea, &template->publicArea))
        rc = TPM2_RC_TYPE;
    if (rc == TSS2_RC_SUCCESS && key) {
        key[0] = 4;
        memcpy(key + 1, public->publicArea.unique.ecc.x.buffer, 32);
        memcpy(key + 33, public->publicArea.unique.ecc.y.buffer, 32);
    }
    Esys_Free(public);
    return rc;
}

TSS2_RC otat_device_key(struct ota_tpm *t, ESYS_TR *object, uint8_t key[OTA_IDENTITY_KEY_LEN])
{
    const TPM2B_PUBLIC template = signing_template("ota.device", false);

    return persistent(t, &template, t->cfg.key_handle, object, key);
}

TSS2_RC otat_quote_key(struct ota_tpm *t, ESYS_TR *object)
{
    const TPM2B_PUBLIC template = signing_template("ota.quote", true);

    return persistent(t, &template, t->cfg.key_handle + 1, object, NULL);
}

TSS2_RC otat_endorsement_key(struct ota_tpm *t, ESYS_TR *object)
{
    const TPM2B_PUBLIC template = endorsement_template();

    return create(t, ESYS_TR_RH_ENDORSEMENT, &template, object);
}

TSS2_RC otat_public_area(struct ota_tpm *t, ESYS_TR object, uint8_t *buf, size_t cap, size_t *len)
{
    TPM2B_PUBLIC *public = NULL;
    TSS2_RC rc = Esys_ReadPublic(otat_esys(t), object, OTAT_NONE, &public, NULL, NULL);

    *len = 0;
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, buf, cap, len);
    Esys_Free(public);
    return rc;
}
