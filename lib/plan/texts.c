/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/records.h"

const char *ota_codec_name(enum ota_codec codec)
{
    static const char *const names[OTA_CODEC_COUNT] = { "plain", "deflate", "delta", "index", "zstd" };

    return (unsigned)codec < OTA_CODEC_COUNT ? names[codec] : "none";
}

const char *ota_why_name(enum ota_why why)
{
    static const char *const names[OTA_WHY_COUNT] = { "none", "cheapest", "no-base", "memory", "failed", "resumed" };

    return (unsigned)why < OTA_WHY_COUNT ? names[why] : "none";
}
