/* SPDX-License-Identifier: Apache-2.0 */
/* What a hawkBit configuration may say. */
#include <string.h>

#include "hawkbit.h"
#include "hawkbit_text.h"

static bool text_fits(const char *s, size_t min, size_t max, bool (*ok)(char))
{
    size_t n = 0;

    while (s && s[n] && n <= max && ok(s[n]))
        n++;
    return s && n >= min && n <= max && s[n] == '\0';
}

static bool visible(char c)
{
    return c > 0x20 && c < 0x7f;
}

static bool token_bad(const char *token)
{
    return token && !text_fits(token, 1, OTA_HAWKBIT_TOKEN_MAX, visible);
}

static bool attributes_bad(const struct ota_hawkbit *c)
{
    size_t len = 512; /* those of the library itself, and the frame */

    if (c->attribute_count > OTA_HAWKBIT_ATTRIBUTES_MAX || (c->attribute_count && !c->attributes))
        return true;
    for (size_t i = 0; i < c->attribute_count; i++) {
        const struct ota_hawkbit_attribute *a = &c->attributes[i];

        if (!text_fits(a->key, 1, 128, otai_hb_attribute_char) || !text_fits(a->value, 0, 128, otai_hb_attribute_char))
            return true;
        len += 2 * (strlen(a->key) + strlen(a->value)) + 6;
    }
    return len > OTAI_HB_BODY_MAX;
}

/* Percent-encoded, whatever it holds. */
static size_t longest(const char *s)
{
    return 3 * strlen(s);
}

/* Does it end in a slash, with room for the longest path that will be asked for? */
static bool url_bad(const struct ota_hawkbit *c, const char *device_id)
{
    size_t ids = longest(c->tenant ? c->tenant : "DEFAULT") + longest(c->controller_id ? c->controller_id : device_id);
    size_t rest = sizeof "/controller/v1//confirmationBase//feedback?c=" + 2 * OTAI_HB_ID_MAX;

    return ids + rest + sizeof OTAI_HB_HISTORY > OTAI_HB_FILE_MAX || ids + rest + strlen(c->url) > OTA_URL_MAX ||
           c->url[strlen(c->url) - 1] != '/';
}

const char *otai_hb_config_bad(const struct ota_hawkbit *c, const char *device_id)
{
    if (c->size != sizeof *c)
        return "hawkbit.size";
    if (c->tenant && !text_fits(c->tenant, 1, OTA_HAWKBIT_ID_MAX, visible))
        return "hawkbit.tenant";
    if (c->controller_id && !text_fits(c->controller_id, 1, OTA_HAWKBIT_ID_MAX, visible))
        return "hawkbit.controller_id";
    if (!c->url || !c->url[0] || url_bad(c, device_id))
        return "hawkbit.url";
    if (token_bad(c->target_token))
        return "hawkbit.target_token";
    if (token_bad(c->gateway_token) || (c->target_token && c->gateway_token))
        return "hawkbit.gateway_token";
    if (attributes_bad(c))
        return "hawkbit.attributes";
    if (c->installed_set && !text_fits(c->installed_set, 1, OTA_HAWKBIT_ID_MAX, otai_hb_attribute_char))
        return "hawkbit.installed_set";
    if (c->consent > OTA_HAWKBIT_WAIT)
        return "hawkbit.consent";
    if (c->poll_min_s && c->poll_max_s && c->poll_min_s > c->poll_max_s)
        return "hawkbit.poll_min_s";
    return NULL;
}

uint32_t otai_hb_sleep(const struct ota_hawkbit *c, const struct otai_hb_box *box, uint32_t otherwise)
{
    uint32_t min = c->poll_min_s ? c->poll_min_s : 30, max = c->poll_max_s ? c->poll_max_s : 86400;
    uint32_t s = box->sleep_s ? box->sleep_s : otherwise;

    s = s > max ? max : s;
    return s < min ? min : s;
}
