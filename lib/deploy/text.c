/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

size_t otai_member_index(const struct otai_json *j, const char *const *names)
{
    size_t i = 0;

    while (names[i] && !otai_json_name_is(j, names[i]))
        i++;
    return i;
}

void otai_need_members(struct otai_json *j, uint32_t seen, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        otai_json_need(j, seen >> i & 1, names[i]);
}

uint64_t otai_take_number(struct otai_json *j)
{
    return otai_json_u64(j, 1, INT64_MAX);
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Letters, digits and the characters of `more`, at least one. */
static bool consists_of(const char *s, bool upper, const char *more)
{
    bool any = s[0] != '\0';

    for (; *s; s++)
        if (!is_lower_or_digit(*s) && !(upper && *s >= 'A' && *s <= 'Z') && !strchr(more, *s))
            return false;
    return any;
}

static void need_value(struct otai_json *j, bool good)
{
    if (!good)
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

void otai_take_name(struct otai_json *j, char *out, size_t cap)
{
    otai_json_string(j, out, cap);
    need_value(j, consists_of(out, false, "-"));
}

void otai_take_version(struct otai_json *j, char *out, size_t cap)
{
    otai_json_string(j, out, cap);
    need_value(j, consists_of(out, true, "._+~-"));
}

/* No part that a file system or a web server might read as something else than a name. */
static bool parts_ok(const char *path)
{
    char before = '/';

    for (; *path; before = *path++)
        if ((before == '/' && (*path == '/' || *path == '.')) || (before == '.' && *path == '.'))
            return false;
    return before != '/';
}

void otai_take_path(struct otai_json *j, char *out, size_t cap)
{
    otai_json_string(j, out, cap);
    need_value(j, consists_of(out, true, "._/-") && parts_ok(out));
}

void otai_take_exactly(struct otai_json *j, const char *want, ota_err err)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err == OTA_OK && !otai_json_raw_is(raw, want))
        otai_json_fail(j, err, NULL);
}
