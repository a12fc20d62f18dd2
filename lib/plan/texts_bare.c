/* SPDX-License-Identifier: Apache-2.0 */
/* For builds without OTA_TEXTS: numbers say the same. */
#include "ota/records.h"

const char *ota_codec_name(enum ota_codec codec)
{
    (void)codec;
    return "";
}

const char *ota_why_name(enum ota_why why)
{
    (void)why;
    return "";
}
