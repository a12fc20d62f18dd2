/* SPDX-License-Identifier: Apache-2.0 */
/* Slots by name, lists of names, numbers: what the variables of boot loaders are made of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

uint8_t otap_slot_named(const struct ota_posix_loader *l, const char *name, size_t len)
{
    for (uint8_t i = 0; i < 2; i++)
        if (strlen(l->cfg.name[i]) == len && memcmp(l->cfg.name[i], name, len) == 0)
            return i;
    return OTA_SLOT_NONE;
}

/* The next word at or after p; its length, 0 at the end. */
static const char *word(const char *p, size_t *len)
{
    p += strspn(p, " ");
    *len = strcspn(p, " ");
    return p;
}

uint8_t otap_words_first(const struct ota_posix_loader *l, const char *list)
{
    size_t len;

    for (const char *p = word(list, &len); len > 0; p = word(p + len, &len)) {
        uint8_t slot = otap_slot_named(l, p, len);

        if (slot != OTA_SLOT_NONE)
            return slot;
    }
    return OTA_SLOT_NONE;
}

static bool is_word(const char *p, size_t len, const char *want)
{
    return strlen(want) == len && memcmp(p, want, len) == 0;
}

bool otap_words_have(const char *list, const char *want)
{
    size_t len;

    for (const char *p = word(list, &len); len > 0; p = word(p + len, &len))
        if (is_word(p, len, want))
            return true;
    return false;
}

/* Append a word and a blank in front of it where one is needed. */
static bool append(char *out, const char *p, size_t len)
{
    size_t at = strlen(out);

    if (at + (at > 0) + len + 1 > OTAP_WORDS_MAX)
        return false;
    if (at > 0)
        out[at++] = ' ';
    memcpy(out + at, p, len);
    out[at + len] = '\0';
    return true;
}

int otap_words_move(const char *list, const char *want, bool front, char out[OTAP_WORDS_MAX])
{
    size_t len;
    bool fits;

    out[0] = '\0';
    fits = !front || append(out, want, strlen(want));
    for (const char *p = word(list, &len); fits && len > 0; p = word(p + len, &len))
        fits = is_word(p, len, want) || append(out, p, len);
    return fits ? 0 : ENAMETOOLONG;
}

bool otap_number(const char *text, int base, unsigned max, unsigned *out)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *p = base == 16 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
    size_t len = strlen(p);
    unsigned long v;

    /* No sign, no blank, nothing that strtoul() would forgive. */
    if (len == 0 || len > 8)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!memchr(digits, p[i], base == 16 ? 22 : 10))
            return false;
    v = strtoul(p, NULL, base);
    *out = (unsigned)v;
    return v <= max;
}
