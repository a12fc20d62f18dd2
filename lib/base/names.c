/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/port_crypto.h"

const char *ota_outcome_name(enum ota_outcome outcome)
{
    switch (outcome) {
    case OTA_OUTCOME_CONFIRMED: return "confirmed";
    case OTA_OUTCOME_ROLLED_BACK: return "rolled_back";
    case OTA_OUTCOME_REFUSED: return "refused";
    case OTA_OUTCOME_NONE: break;
    }
    return "none";
}

size_t ota_hash_len(enum ota_hash_alg alg)
{
    if (alg == OTA_SHA384)
        return 48;
    return alg == OTA_SHA512 ? 64 : 32;
}
