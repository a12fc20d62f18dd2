/* SPDX-License-Identifier: Apache-2.0 */
/* Redirects: "URL\nLocation". What is accepted keeps the scheme, has a host and would be allowed as a URL of its own. */
#include <stdlib.h>
#include <string.h>

#include "fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[2 * OTA_URL_MAX], out[OTA_URL_MAX];

    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *location = strchr(text, '\n');
    if (!location)
        return (void)otai_url_allowed(text, true), 0;
    *location++ = '\0';
    if (!otai_url_allowed(text, true) || otai_url_redirect(text, location, out, sizeof out) != OTA_OK)
        return 0;
    require(strlen(out) < sizeof out);
    require(otai_url_allowed(out, true));
    require(strncmp(out, text, strcspn(text, ":") + 3) == 0);
    require(strcspn(out + strcspn(out, ":") + 3, "/?") > 0);
    return 0;
}
