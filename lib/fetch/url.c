/* SPDX-License-Identifier: Apache-2.0 */
/* The little that the core knows of URLs: which are allowed, and where a redirect may lead. */
#include <string.h>

#include "fetch.h"

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Visible ASCII only, without what some client would read in another way than we do. */
static bool is_plain(const char *s)
{
    for (; *s; s++)
        if (*s < 0x21 || *s > 0x7e || *s == '\\' || *s == '#')
            return false;
    return true;
}

/* Length of "scheme://authority"; 0 if there is none, or if it carries credentials. */
static size_t origin_len(const char *url)
{
    const char *host = strstr(url, "://");

    if (!host || host == url)
        return 0;
    host += 3;
    size_t len = strcspn(host, "/?");
    if (len == 0 || memchr(host, '@', len))
        return 0;
    return (size_t)(host - url) + len;
}

bool otai_url_allowed(const char *url, bool plain_http)
{
    if (!is_plain(url))
        return false;
    if (begins(url, "file:///"))
        return true;
    return (begins(url, "https://") || (plain_http && begins(url, "http://"))) && origin_len(url) != 0;
}

bool otai_url_leaves(const char *url, const char *location)
{
    size_t origin = origin_len(url);

    return location[0] != '/' && (origin != origin_len(location) || strncmp(url, location, origin) != 0);
}

ota_err otai_url_redirect(const char *url, const char *location, char *out, size_t cap)
{
    size_t scheme = strcspn(url, ":") + strlen("://"), origin = origin_len(url);
    size_t keep = location[0] == '/' ? origin : 0, len = strlen(location);

    if (origin == 0 || !is_plain(location))
        return OTA_RETRY_REDIRECT;
    if (keep ? location[1] == '/' : strncmp(url, location, scheme) != 0 || origin_len(location) == 0)
        return OTA_RETRY_REDIRECT;
    if (keep + len >= cap)
        return OTA_RETRY_REDIRECT;
    memmove(out, url, keep);
    memcpy(out + keep, location, len + 1);
    return OTA_OK;
}
