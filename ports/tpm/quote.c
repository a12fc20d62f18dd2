/* SPDX-License-Identifier: Apache-2.0 */
/* Registers, quotes of them, and the answer to a credential. */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "quiet.h"
#include "tpm.h"

static TPML_PCR_SELECTION selection(uint32_t registers)
{
    TPML_PCR_SELECTION s = { .count = 1 };

    s.pcrSelections[0].hash = TPM2_ALG_SHA256;
    s.pcrSelections[0].sizeofSelect = 3;
    for (unsigned i = 0; i < 3; i++)
        s.pcrSelections[0].pcrSelect[i] = (BYTE)(registers >> 8 * i);
    return s;
}

TSS2_RC otat_register(struct ota_tpm *t, uint32_t reg, uint8_t value[OTA_SHA256_LEN])
{
    const TPML_PCR_SELECTION wanted = selection(UINT32_C(1) << reg);
    TPML_PCR_SELECTION *got = NULL;
    TPML_DIGEST *digests = NULL;
    TSS2_RC rc = Esys_PCR_Read(otat_esys(t), OTAT_NONE, &wanted, NULL, &got, &digests);

    if (rc == TSS2_RC_SUCCESS && (digests->count != 1 || digests->digests[0].size != OTA_SHA256_LEN))
        rc = TPM2_RC_PCR; /* the TPM has no SHA-256 bank */
    if (rc == TSS2_RC_SUCCESS)
        memcpy(value, digests->digests[0].buffer, OTA_SHA256_LEN);
    Esys_Free(got);
    Esys_Free(digests);
    return rc;
}

static TSS2_RC put(const TPM2B_ATTEST *attest, const TPMT_SIGNATURE *signature, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t all[OTA_IDENTITY_QUOTE_MAX];
    TSS2_RC rc = Tss2_MU_TPM2B_ATTEST_Marshal(attest, all, sizeof all, len);

    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, all, sizeof all, len);
    if (rc == TSS2_RC_SUCCESS && *len <= cap)
        memcpy(out, all, *len);
    return rc;
}

TSS2_RC otat_quote(struct ota_tpm *t, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len)
{
    const TPML_PCR_SELECTION registers = selection(request->registers);
    const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
    TPM2B_DATA nonce = { .size = (UINT16)request->nonce_len };
    TPM2B_ATTEST *attest = NULL;
    TPMT_SIGNATURE *signature = NULL;
    ESYS_TR key = ESYS_TR_NONE;
    TSS2_RC rc = otat_quote_key(t, &key);

    memcpy(nonce.buffer, request->nonce, request->nonce_len);
    if (rc == TSS2_RC_SUCCESS && request->registers == 0)
        rc = Esys_Certify(otat_esys(t), t->key_object, key, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &nonce, &scheme, &attest,
                          &signature);
    else if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Quote(otat_esys(t), key, OTAT_PASSWORD, &nonce, &scheme, &registers, &attest, &signature);
    if (rc == TSS2_RC_SUCCESS)
        rc = put(attest, signature, out, cap, len);
    Esys_Free(attest);
    Esys_Free(signature);
    if (key != ESYS_TR_NONE)
        (void)Esys_TR_Close(otat_esys(t), &key);
    return rc;
}

/* ---- credentials ---- */

static TSS2_RC start_policy(struct ota_tpm *t, ESYS_TR *session)
{
    const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
    TSS2_RC rc = Esys_StartAuthSession(otat_esys(t), ESYS_TR_NONE, ESYS_TR_NONE, OTAT_NONE, NULL, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256,
                                       session);

    return rc != TSS2_RC_SUCCESS ? rc
                                 : Esys_PolicySecret(otat_esys(t), ESYS_TR_RH_ENDORSEMENT, *session, OTAT_PASSWORD, NULL, NULL, NULL, 0,
                                                     NULL, NULL);
}

static TSS2_RC activate(struct ota_tpm *t, ESYS_TR ek, const TPM2B_ID_OBJECT *id, const TPM2B_ENCRYPTED_SECRET *secret, TPM2B_DIGEST **out)
{
    ESYS_TR session = ESYS_TR_NONE, key = ESYS_TR_NONE;
    TSS2_RC rc = otat_quote_key(t, &key);

    if (rc == TSS2_RC_SUCCESS)
        rc = start_policy(t, &session);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_ActivateCredential(otat_esys(t), key, ek, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, id, secret, out);
    if (session != ESYS_TR_NONE)
        (void)Esys_FlushContext(otat_esys(t), session);
    if (key != ESYS_TR_NONE)
        (void)Esys_TR_Close(otat_esys(t), &key);
    return rc;
}

/* TPM2_ActivateCredential answers so when the blob is another's, cut or altered (part 3, 12.5): about its parameters 1 and 2, never about
 * the keys or the session. */
static bool is_refusal(TSS2_RC rc)
{
    return (rc & ~(TSS2_RC)0xfff) == 0 && (rc & TPM2_RC_FMT1) != 0 && (rc & TPM2_RC_P) != 0;
}

static ota_err do_activate(struct ota_tpm *t, const uint8_t *blob, size_t len, uint8_t secret[OTA_TPM_SECRET_MAX], size_t *secret_len,
                           int32_t *port_code)
{
    TPM2B_ID_OBJECT id = { 0 };
    TPM2B_ENCRYPTED_SECRET encrypted = { 0 };
    TPM2B_DIGEST *out = NULL;
    ESYS_TR ek = ESYS_TR_NONE;
    size_t at = 0;

    *secret_len = 0;
    if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob, len, &at, &id) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(blob, len, &at, &encrypted) != TSS2_RC_SUCCESS || at != len)
        return OTA_REJECT_SYNTAX;
    TSS2_RC rc = otat_link(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = otat_endorsement_key(t, &ek);
    if (rc == TSS2_RC_SUCCESS) {
        rc = activate(t, ek, &id, &encrypted, &out);
        (void)Esys_FlushContext(otat_esys(t), ek);
        if (is_refusal(rc)) {
            *port_code = (int32_t)rc;
            return OTA_REJECT_SIGNATURE;
        }
    }
    if (rc == TSS2_RC_SUCCESS && out->size > OTA_TPM_SECRET_MAX)
        rc = TPM2_RC_SIZE;
    if (rc == TSS2_RC_SUCCESS) {
        *secret_len = out->size;
        memcpy(secret, out->buffer, out->size);
    }
    Esys_Free(out);
    return otat_result(t, rc, port_code);
}

ota_err ota_tpm_activate(struct ota_tpm *t, const uint8_t *blob, size_t len, uint8_t secret[OTA_TPM_SECRET_MAX], size_t *secret_len,
                         int32_t *port_code)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    ota_err err = do_activate(t, blob, len, secret, secret_len, port_code);
    otat_quiet_end(&q);
    return err;
}
