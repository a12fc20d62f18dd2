/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <stdlib.h>

#include "tuf_repo.h"

bool repo_ed25519_pair(uint8_t secret[64], uint8_t public_key[32])
{
    return sodium_init() >= 0 && crypto_sign_keypair(public_key, secret) == 0;
}

void repo_ed25519_sign(const uint8_t secret[64], const void *text, size_t len, uint8_t sig[64])
{
    if (crypto_sign_detached(sig, NULL, text, len, secret) != 0)
        abort();
}
