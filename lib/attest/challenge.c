/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"
#include "ota/attest_client.h"

ota_err ota_attest_challenge(struct ota_crypto *c, const uint8_t nonce[OTA_ATTEST_CHALLENGE_LEN],
                             const uint8_t update_key[OTA_ATTEST_KEY_LEN], const uint8_t application_key[OTA_ATTEST_KEY_LEN],
                             uint8_t out[OTA_ATTEST_CHALLENGE_LEN])
{
    static const uint8_t label[] = { 'o', 't', 'a', ' ', 'a', 't', 't', 'e', 's', 't', ' ', 'k', 'e', 'y', 's', ' ', '1' };
    const struct otai_span parts[] = {
        { label, sizeof label },
        { nonce, OTA_ATTEST_CHALLENGE_LEN },
        { update_key, OTA_ATTEST_KEY_LEN },
        { application_key, OTA_ATTEST_KEY_LEN },
    };

    return otai_hash(c, parts, sizeof parts / sizeof parts[0], out);
}
