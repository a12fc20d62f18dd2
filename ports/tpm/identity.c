/* SPDX-License-Identifier: Apache-2.0 */
/* The identity port over a TPM 2.0. After any error the connection is dropped; the next call makes it anew, and makes sure that it is
 * the same TPM. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "quiet.h"
#include "tpm.h"

#define EK_CERTIFICATE_INDEX UINT32_C(0x01c0000a) /* of template L-2 (TCG EK Credential Profile 2.5, 2.2.1.4) */
#define RANDOM_PIECE 32u
#define OTHER_TPM TSS2_ESYS_RC_BAD_VALUE /* what answers now is not what was opened */

/* ---- the connection ---- */

void otat_unlink(struct ota_tpm *t)
{
    ESYS_CONTEXT *esys = t->esys;
    TSS2_TCTI_CONTEXT *tcti = t->tcti;

    if (esys)
        Esys_Finalize(&esys);
    if (tcti)
        Tss2_TctiLdr_Finalize(&tcti);
    t->esys = t->tcti = NULL;
    t->key_object = ESYS_TR_NONE;
}

static TSS2_RC open_transport(struct ota_tpm *t)
{
    TSS2_TCTI_CONTEXT *tcti = NULL;
    ESYS_CONTEXT *esys = NULL;
    TSS2_RC rc = Tss2_TctiLdr_Initialize(t->cfg.tcti, &tcti);

    t->tcti = tcti;
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Esys_Initialize(&esys, tcti, NULL);
    t->esys = esys;
    return rc;
}

static TSS2_RC set_owner_auth(struct ota_tpm *t)
{
    TPM2B_AUTH auth = { 0 };

    if (!t->cfg.owner_auth)
        return TSS2_RC_SUCCESS;
    auth.size = (UINT16)strlen(t->cfg.owner_auth);
    memcpy(auth.buffer, t->cfg.owner_auth, auth.size);
    return Esys_TR_SetAuth(otat_esys(t), ESYS_TR_RH_OWNER, &auth);
}

static void put_text(char *out, size_t at, uint32_t four)
{
    for (size_t i = 0; i < 4; i++) {
        char c = (char)(four >> (24 - 8 * i) & 0xff);
        out[at + i] = c >= ' ' && c < 0x7f ? c : '\0';
    }
}

static TSS2_RC read_maker(struct ota_tpm *t, char maker[5], char vendor[17])
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TSS2_RC rc = Esys_GetCapability(otat_esys(t), OTAT_NONE, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER, 5, NULL, &data);
    const TPML_TAGGED_TPM_PROPERTY *all = data ? &data->data.tpmProperties : NULL;

    memset(maker, 0, 5);
    memset(vendor, 0, 17);
    for (UINT32 i = 0; rc == TSS2_RC_SUCCESS && i < all->count; i++) {
        TPM2_PT tag = all->tpmProperty[i].property;

        if (tag == TPM2_PT_MANUFACTURER)
            put_text(maker, 0, all->tpmProperty[i].value);
        else if (tag >= TPM2_PT_VENDOR_STRING_1 && tag <= TPM2_PT_VENDOR_STRING_4)
            put_text(vendor, 4 * (tag - TPM2_PT_VENDOR_STRING_1), all->tpmProperty[i].value);
    }
    Esys_Free(data);
    return rc;
}

/* Programs that are TPMs. What is not known to be one is believed: nothing that a TPM says of itself can be proven but by its maker's
 * certificate, which is the verifier's to judge. */
static enum ota_strength strength_of(const char maker[5], const char vendor[17])
{
    static const struct {
        const char *maker, *vendor;
    } programs[] = { { "IBM ", "SW" }, { "IBM", "SW" }, { "XYZZ", "" }, { "MSFT", "xCG fTPM" } };

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(maker, programs[i].maker) == 0 && strncmp(vendor, programs[i].vendor, strlen(programs[i].vendor)) == 0)
            return OTA_STRENGTH_SOFT;
    return OTA_STRENGTH_TPM;
}

static TSS2_RC meet(struct ota_tpm *t)
{
    uint8_t key[OTA_IDENTITY_KEY_LEN];
    char maker[5], vendor[17];
    ESYS_TR object = ESYS_TR_NONE;
    bool known = t->key[0] != 0;
    TSS2_RC rc = read_maker(t, maker, vendor);

    if (rc == TSS2_RC_SUCCESS && known && (strcmp(maker, t->maker) != 0 || strcmp(vendor, t->vendor) != 0))
        rc = OTHER_TPM; /* before a key is made in it */
    if (rc == TSS2_RC_SUCCESS)
        rc = otat_device_key(t, &object, key);
    if (rc == TSS2_RC_SUCCESS && known && memcmp(key, t->key, sizeof key) != 0)
        rc = OTHER_TPM;
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    memcpy(t->key, key, sizeof key);
    memcpy(t->maker, maker, sizeof maker);
    memcpy(t->vendor, vendor, sizeof vendor);
    t->key_object = object;
    return TSS2_RC_SUCCESS;
}

TSS2_RC otat_link(struct ota_tpm *t)
{
    if (t->esys)
        return TSS2_RC_SUCCESS;
    TSS2_RC rc = open_transport(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = set_owner_auth(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = meet(t);
    if (rc != TSS2_RC_SUCCESS)
        otat_unlink(t);
    return rc;
}

ota_err otat_result(struct ota_tpm *t, TSS2_RC rc, int32_t *port_code)
{
    if (rc == TSS2_RC_SUCCESS)
        return OTA_OK;
    otat_unlink(t);
    if (port_code)
        *port_code = (int32_t)rc;
    return OTA_DEVICE_IDENTITY;
}

/* ---- items ---- */

static ota_err give(const void *from, size_t from_len, void *buf, size_t cap, size_t *len)
{
    *len = from_len;
    if (from_len > cap)
        return OTA_USAGE_MEMORY;
    memcpy(buf, from, from_len);
    return OTA_OK;
}

static ota_err read_file(int fd, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        *port_code = EBADMSG;
        return OTA_DEVICE_IDENTITY;
    }
    *len = (size_t)st.st_size;
    if (*len == 0)
        return OTA_DEVICE_ABSENT;
    if (*len > cap)
        return OTA_USAGE_MEMORY;
    if (pread(fd, buf, *len, 0) == (ssize_t)*len)
        return OTA_OK;
    *port_code = EIO;
    return OTA_DEVICE_IDENTITY;
}

static ota_err get_certificate(struct ota_tpm *t, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    int fd = t->cfg.certificate ? open(t->cfg.certificate, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    if (fd < 0 && (!t->cfg.certificate || errno == ENOENT))
        return OTA_DEVICE_ABSENT;
    if (fd < 0) {
        *port_code = errno;
        return OTA_DEVICE_IDENTITY;
    }
    ota_err err = read_file(fd, buf, cap, len, port_code);
    (void)close(fd);
    return err;
}

static ota_err get_public_area(struct ota_tpm *t, bool endorsement, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    uint8_t area[sizeof(TPMT_PUBLIC)];
    ESYS_TR key = ESYS_TR_NONE;
    size_t area_len = 0;
    TSS2_RC rc = otat_link(t);

    if (rc == TSS2_RC_SUCCESS)
        rc = endorsement ? otat_endorsement_key(t, &key) : otat_quote_key(t, &key);
    if (rc == TSS2_RC_SUCCESS)
        rc = otat_public_area(t, key, area, sizeof area, &area_len);
    if (key != ESYS_TR_NONE && endorsement)
        (void)Esys_FlushContext(otat_esys(t), key);
    else if (key != ESYS_TR_NONE)
        (void)Esys_TR_Close(otat_esys(t), &key);
    return rc == TSS2_RC_SUCCESS ? give(area, area_len, buf, cap, len) : otat_result(t, rc, port_code);
}

static ota_err get_ek_certificate(struct ota_tpm *t, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    TSS2_RC rc = otat_link(t);

    if (rc == TSS2_RC_SUCCESS)
        rc = otat_nv_read(t, EK_CERTIFICATE_INDEX, buf, cap, len);
    if (rc != TSS2_RC_SUCCESS)
        return otat_result(t, rc, port_code);
    if (*len == 0)
        return OTA_DEVICE_ABSENT;
    return *len > cap ? OTA_USAGE_MEMORY : OTA_OK;
}

static ota_err get_register(struct ota_tpm *t, uint32_t reg, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    uint8_t value[OTA_SHA256_LEN];

    if (reg >= OTA_IDENTITY_REGISTERS)
        return OTA_USAGE_ARGUMENT;
    TSS2_RC rc = otat_link(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = otat_register(t, reg, value);
    return rc == TSS2_RC_SUCCESS ? give(value, sizeof value, buf, cap, len) : otat_result(t, rc, port_code);
}

static ota_err do_get(struct ota_identity *port, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct ota_tpm *t = otat_self(port);

    *len = 0;
    if (item >= OTA_IDENTITY_REGISTER)
        return get_register(t, item - OTA_IDENTITY_REGISTER, buf, cap, len, port_code);
    switch (item) {
    case OTA_IDENTITY_KEY: return give(t->key, sizeof t->key, buf, cap, len);
    case OTA_IDENTITY_CERTIFICATE: return get_certificate(t, buf, cap, len, port_code);
    case OTA_IDENTITY_AK: return get_public_area(t, false, buf, cap, len, port_code);
    case OTA_IDENTITY_EK: return get_public_area(t, true, buf, cap, len, port_code);
    case OTA_IDENTITY_EK_CERTIFICATE: return get_ek_certificate(t, buf, cap, len, port_code);
    default: return OTA_USAGE_ARGUMENT;
    }
}

/* ---- what it does ---- */

/* Numbers of a signature come without their leading zeros. */
static bool put_number(uint8_t out[32], const TPM2B_ECC_PARAMETER *number)
{
    if (number->size > 32)
        return false;
    memset(out, 0, 32);
    memcpy(out + 32 - number->size, number->buffer, number->size);
    return true;
}

static ota_err do_sign(struct ota_identity *port, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code)
{
    const TPMT_TK_HASHCHECK made_outside = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
    const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
    struct ota_tpm *t = otat_self(port);
    TPM2B_DIGEST what = { .size = OTA_SHA256_LEN };
    TPMT_SIGNATURE *made = NULL;
    TSS2_RC rc = otat_link(t);

    memcpy(what.buffer, digest, OTA_SHA256_LEN);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Sign(otat_esys(t), t->key_object, OTAT_PASSWORD, &what, &scheme, &made_outside, &made);
    if (rc == TSS2_RC_SUCCESS && (made->sigAlg != TPM2_ALG_ECDSA || !put_number(sig, &made->signature.ecdsa.signatureR) ||
                                  !put_number(sig + 32, &made->signature.ecdsa.signatureS)))
        rc = TPM2_RC_SIZE;
    Esys_Free(made);
    return otat_result(t, rc, port_code);
}

static ota_err do_random_bytes(struct ota_identity *port, void *out, size_t len, int32_t *port_code)
{
    struct ota_tpm *t = otat_self(port);
    uint8_t *p = out;

    if (len > OTA_IDENTITY_RANDOM_MAX)
        return OTA_USAGE_ARGUMENT;
    TSS2_RC rc = otat_link(t);
    while (rc == TSS2_RC_SUCCESS && len > 0) {
        TPM2B_DIGEST *bytes = NULL;

        rc = Esys_GetRandom(otat_esys(t), OTAT_NONE, (UINT16)(len < RANDOM_PIECE ? len : RANDOM_PIECE), &bytes);
        if (rc == TSS2_RC_SUCCESS && (bytes->size == 0 || bytes->size > len))
            rc = TPM2_RC_SIZE;
        if (rc == TSS2_RC_SUCCESS) {
            memcpy(p, bytes->buffer, bytes->size);
            p += bytes->size;
            len -= bytes->size;
        }
        Esys_Free(bytes);
    }
    return otat_result(t, rc, port_code);
}

static ota_err do_counter(struct ota_identity *port, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *port_code)
{
    struct ota_tpm *t = otat_self(port);
    bool too_far = false;

    *value = 0;
    if (which >= OTA_IDENTITY_COUNTERS)
        return OTA_USAGE_ARGUMENT;
    TSS2_RC rc = otat_link(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = otat_counter(t, which, at_least, value, &too_far);
    if (rc != TSS2_RC_SUCCESS)
        return otat_result(t, rc, port_code);
    return too_far ? OTA_REJECT_LIMIT : OTA_OK;
}

static ota_err do_extend(struct ota_identity *port, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *port_code)
{
    struct ota_tpm *t = otat_self(port);
    TPML_DIGEST_VALUES values = { .count = 1 };

    if (reg >= OTA_IDENTITY_REGISTERS)
        return OTA_USAGE_ARGUMENT;
    values.digests[0].hashAlg = TPM2_ALG_SHA256;
    memcpy(values.digests[0].digest.sha256, digest, OTA_SHA256_LEN);
    TSS2_RC rc = otat_link(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_PCR_Extend(otat_esys(t), ESYS_TR_PCR0 + reg, OTAT_PASSWORD, &values);
    return otat_result(t, rc, port_code);
}

static ota_err do_quote(struct ota_identity *port, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len,
                     int32_t *port_code)
{
    struct ota_tpm *t = otat_self(port);

    *len = 0;
    if (request->nonce_len == 0 || request->nonce_len > 32 || request->registers >> OTA_IDENTITY_REGISTERS != 0)
        return OTA_USAGE_ARGUMENT;
    TSS2_RC rc = otat_link(t);
    if (rc == TSS2_RC_SUCCESS)
        rc = otat_quote(t, request, out, cap, len);
    if (rc != TSS2_RC_SUCCESS)
        return otat_result(t, rc, port_code);
    return *len > cap ? OTA_USAGE_MEMORY : OTA_OK;
}

/* ---- the same without SIGPIPE ---- */

static ota_err get(struct ota_identity *port, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    ota_err err = do_get(port, item, buf, cap, len, port_code);
    otat_quiet_end(&q);
    return err;
}

static ota_err sign(struct ota_identity *port, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    ota_err err = do_sign(port, digest, sig, port_code);
    otat_quiet_end(&q);
    return err;
}

static ota_err random_bytes(struct ota_identity *port, void *out, size_t len, int32_t *port_code)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    ota_err err = do_random_bytes(port, out, len, port_code);
    otat_quiet_end(&q);
    return err;
}

static ota_err counter(struct ota_identity *port, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *port_code)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    ota_err err = do_counter(port, which, at_least, value, port_code);
    otat_quiet_end(&q);
    return err;
}

static ota_err extend(struct ota_identity *port, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *port_code)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    ota_err err = do_extend(port, reg, digest, port_code);
    otat_quiet_end(&q);
    return err;
}

static ota_err quote(struct ota_identity *port, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len,
                     int32_t *port_code)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    ota_err err = do_quote(port, request, out, cap, len, port_code);
    otat_quiet_end(&q);
    return err;
}

static const struct ota_identity_ops ops = { get, sign, random_bytes, counter, extend, quote };

/* ---- opening ---- */

ota_err ota_tpm_open(struct ota_tpm *t, const struct ota_tpm_config *cfg, struct ota_fault *fault)
{
    struct otat_quiet q;

    if (!t)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "identity", 0);
    *t = (struct ota_tpm){ .port = { &ops, OTA_STRENGTH_NONE, OTA_STRENGTH_NONE }, .key_object = ESYS_TR_NONE };
    if (!cfg || !cfg->tcti)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "identity.tcti", 0);
    t->cfg = *cfg;
    if (cfg->owner_auth && strlen(cfg->owner_auth) > sizeof((TPM2B_AUTH *)0)->buffer)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "identity.owner_auth", 0);
    if (t->cfg.key_handle == 0)
        t->cfg.key_handle = OTA_TPM_KEY_HANDLE;
    if (t->cfg.nv_index == 0)
        t->cfg.nv_index = OTA_TPM_NV_INDEX;
    otat_quiet_begin(&q);
    TSS2_RC rc = otat_link(t);
    otat_quiet_end(&q);
    if (rc != TSS2_RC_SUCCESS)
        return ota_fault_set(fault, OTA_DEVICE_IDENTITY, "identity.tpm", (int32_t)rc);
    t->port.strength = strength_of(t->maker, t->vendor);
    t->port.rollback = t->port.strength == OTA_STRENGTH_TPM ? OTA_STRENGTH_TPM : OTA_STRENGTH_NONE;
    return OTA_OK;
}

void ota_tpm_close(struct ota_tpm *t)
{
    struct otat_quiet q;

    otat_quiet_begin(&q);
    otat_unlink(t);
    otat_quiet_end(&q);
}
