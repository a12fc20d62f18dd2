/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/port_store.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_mark(char c)
{
    return c == '.' || c == '_' || c == '%' || c == '~' || c == '-';
}

bool ota_store_name_ok(const char *name)
{
    size_t len = 0;

    if (!name || name[0] == '.')
        return false;
    while (len < OTA_STORE_NAME_MAX && (is_alnum(name[len]) || is_mark(name[len])))
        len++;
    return len > 0 && len < OTA_STORE_NAME_MAX && name[len] == '\0';
}
