/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "files.h"

#define KEY_DIGITS (2u * OTA_ATTEST_KEY_LEN)
#define LINE_MAX_LEN (KEY_DIGITS + 2u * OTA_NAME_MAX + 4u)
#define FILE_MAX (DEVICES_MAX * LINE_MAX_LEN)

static bool take_word(const char **at, const char *end, char *out, size_t cap)
{
    size_t len = 0;

    while (*at + len < end && (*at)[len] != ' ')
        len++;
    if (len == 0 || len >= cap)
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return true;
}

static bool take_space(const char **at, const char *end)
{
    return *at < end && *(*at)++ == ' ';
}

static bool read_line(const char *line, const char *end, struct device *d)
{
    char digits[KEY_DIGITS + 1];

    return take_word(&line, end, digits, sizeof digits) && strlen(digits) == KEY_DIGITS &&
           otai_hex_decode((struct otai_span){ (const uint8_t *)digits, KEY_DIGITS }, d->key, OTAI_HEX_LOWER) && d->key[0] == 0x04 &&
           take_space(&line, end) && take_word(&line, end, d->product, sizeof d->product) && take_space(&line, end) &&
           take_word(&line, end, d->group, sizeof d->group) && line == end;
}

static bool add_line(struct devices *d, const char *line, const char *end)
{
    struct device new = { .product = "" };

    if (line == end || *line == '#')
        return true;
    if (d->count == DEVICES_MAX || !read_line(line, end, &new) || devices_find(d, new.key))
        return false;
    d->entry[d->count++] = new;
    return true;
}

bool devices_load(struct devices *d, const char *path, size_t *line)
{
    size_t len = 0;
    char *text = file_read(path, FILE_MAX, &len);
    bool ok = true;

    memset(d, 0, sizeof *d);
    d->path = path;
    *line = 0;
    if (!text)
        return errno == ENOENT;
    for (const char *at = text, *stop = text + len; ok && at < stop;) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));

        (*line)++;
        ok = end && add_line(d, at, end); /* without its end a line may have been cut */
        at = end ? end + 1 : stop;
    }
    free(text);
    return ok;
}

const struct device *devices_find(const struct devices *d, const uint8_t key[OTA_ATTEST_KEY_LEN])
{
    for (size_t i = 0; i < d->count; i++)
        if (memcmp(d->entry[i].key, key, OTA_ATTEST_KEY_LEN) == 0)
            return &d->entry[i];
    return NULL;
}

size_t devices_count(const struct devices *d, const char *product, const char *group)
{
    size_t n = 0;

    for (size_t i = 0; i < d->count; i++)
        n += strcmp(d->entry[i].product, product) == 0 && strcmp(d->entry[i].group, group) == 0;
    return n;
}

static void put_line(struct otai_text *t, const struct device *d)
{
    otai_text_hex(t, d->key, sizeof d->key);
    otai_text_add(t, " ");
    otai_text_add(t, d->product);
    otai_text_add(t, " ");
    otai_text_add(t, d->group);
    otai_text_add(t, "\n");
}

static bool store(const struct devices *d)
{
    size_t cap = d->count * LINE_MAX_LEN + 1;
    char *text = malloc(cap);
    struct otai_text t;
    bool ok;

    if (!text)
        return false;
    otai_text_init(&t, text, cap);
    for (size_t i = 0; i < d->count; i++)
        put_line(&t, &d->entry[i]);
    ok = !t.full && file_replace(d->path, text, t.len);
    free(text);
    return ok;
}

ota_err devices_add(struct devices *d, const struct device *new)
{
    if (d->count == DEVICES_MAX)
        return OTA_REJECT_LIMIT;
    d->entry[d->count++] = *new;
    if (store(d))
        return OTA_OK;
    d->count--;
    return OTA_DEVICE_STORE;
}
