/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 over the point arithmetic of libsodium, whose own verifier wants the whole message at once.
 *
 * Stricter than RFC 8032 where implementations differ: a key or R outside the prime-order group is refused, so that the
 * equation with and without the cofactor is the same one and everybody comes to the same verdict.
 */
#include <sodium.h>
#include <string.h>

#include "ed25519.h"

#define SCALAR crypto_core_ed25519_SCALARBYTES
#define POINT crypto_core_ed25519_BYTES

/* Is S below the order of the group? Otherwise adding the order would make another signature of it. */
static bool is_reduced(const uint8_t s[SCALAR])
{
    uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = { 0 }, reduced[SCALAR];

    memcpy(wide, s, SCALAR);
    crypto_core_ed25519_scalar_reduce(reduced, wide);
    return memcmp(reduced, s, SCALAR) == 0;
}

/* R = S*B - k*A, encoded. false: k or S is zero, or R is the neutral element: what nobody signs. */
static bool expected_r(const uint8_t *key, const uint8_t *hash, const uint8_t *s, uint8_t r[POINT])
{
    uint8_t k[SCALAR], sb[POINT], ka[POINT];

    crypto_core_ed25519_scalar_reduce(k, hash);
    return crypto_scalarmult_ed25519_base_noclamp(sb, s) == 0 && crypto_scalarmult_ed25519_noclamp(ka, k, key) == 0 &&
           crypto_core_ed25519_sub(r, sb, ka) == 0 && crypto_core_ed25519_is_valid_point(r) == 1;
}

ota_err otap_ed25519_check(const uint8_t key[OTAP_ED25519_KEY_LEN], const uint8_t *hash, size_t hash_len, const uint8_t *sig,
                           size_t sig_len)
{
    uint8_t r[POINT];

    if (sodium_init() < 0)
        return OTA_DEVICE_CRYPTO;
    if (crypto_core_ed25519_is_valid_point(key) != 1)
        return OTA_REJECT_KEY;
    if (hash_len != crypto_core_ed25519_NONREDUCEDSCALARBYTES || sig_len != OTAP_ED25519_SIG_LEN)
        return OTA_REJECT_SIGNATURE;
    if (!is_reduced(sig + POINT) || !expected_r(key, hash, sig + POINT, r))
        return OTA_REJECT_SIGNATURE;
    return memcmp(r, sig, POINT) == 0 ? OTA_OK : OTA_REJECT_SIGNATURE;
}
