/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"
#include "signature_vectors.h"

#define VECTORS (sizeof signature_vectors / sizeof signature_vectors[0])
#define BYTES_MAX 600

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static size_t bytes(const char *hex, uint8_t out[BYTES_MAX])
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return len;
}

static ota_err verdict(struct ota_crypto *c, const struct signature_vector *v)
{
    uint8_t key[BYTES_MAX], hash[BYTES_MAX], sig[BYTES_MAX];
    size_t key_len = bytes(v->key, key), hash_len = bytes(v->hash, hash), sig_len = bytes(v->sig, sig);

    return c->ops->verify(c, (enum ota_sig_alg)v->alg, (enum ota_key_kind)v->kind, key, key_len, hash, hash_len, sig, sig_len);
}

/* An algorithm may be absent, but for P-256: then its good signatures are refused for their keys' sake, and so is all else. */
static bool has(struct ota_crypto *c, uint8_t alg)
{
    for (size_t i = 0; i < VECTORS; i++)
        if (signature_vectors[i].alg == alg && signature_vectors[i].want == OTA_OK)
            return verdict(c, &signature_vectors[i]) != OTA_REJECT_KEY;
    return true;
}

unsigned ota_contract_signatures(struct ota_crypto *c, struct ota_contract_report *r)
{
    unsigned before = r->failures;
    bool there[OTA_SIG_ED25519 + 1];

    for (uint8_t alg = 0; alg <= OTA_SIG_ED25519; alg++)
        there[alg] = alg == OTA_SIG_ECDSA_SHA256 || has(c, alg);
    for (size_t i = 0; i < VECTORS; i++) {
        const struct signature_vector *v = &signature_vectors[i];

        contract_check(r, v->name, verdict(c, v) == (there[v->alg] ? v->want : OTA_REJECT_KEY));
    }
    return r->failures - before;
}
