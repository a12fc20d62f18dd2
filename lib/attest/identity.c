/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same above every identity. */
#include "bytes.h"
#include "claims.h"
#include "ota/port_identity.h"

static ota_err sign(struct ota_signer *port, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    struct ota_identity_signer *s = (struct ota_identity_signer *)port;

    return s->identity->ops->sign(s->identity, digest, sig, &s->port_code);
}

static const struct ota_signer_ops ops = { sign };

void ota_identity_signer_init(struct ota_identity_signer *s, struct ota_identity *identity)
{
    *s = (struct ota_identity_signer){ { &ops }, identity, 0 };
}

ota_err ota_identity_device_id(struct ota_identity *s, struct ota_crypto *c, char out[OTA_IDENTITY_DEVICE_ID_LEN],
                               struct ota_fault *fault)
{
    uint8_t key[OTA_IDENTITY_KEY_LEN], digest[OTA_SHA256_LEN];
    const struct otai_span all = { key, sizeof key };
    struct otai_text t;
    int32_t code = 0;
    size_t len = 0;

    out[0] = '\0';
    ota_err err = s->ops->get(s, OTA_IDENTITY_KEY, key, sizeof key, &len, &code);
    if (err == OTA_OK && len != sizeof key)
        err = OTA_DEVICE_IDENTITY;
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "identity.key", code);
    err = otai_hash(c, &all, 1, digest);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "identity.key", 0);
    otai_text_init(&t, out, OTA_IDENTITY_DEVICE_ID_LEN);
    otai_text_hex(&t, digest, sizeof digest);
    return OTA_OK;
}
