/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf_i.h"

#include <string.h>

/* RFC 3986 section 2.3: these need no encoding, wherever they stand. */
static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

static void encode(struct otai_text *t, const char *s, size_t len, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)s[i];
        char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };

        if (unreserved(s[i]) || (keep_slash && c == '/'))
            otai_text_bytes(t, s + i, 1);
        else
            otai_text_bytes(t, escaped, sizeof escaped);
    }
}

bool otai_tuf_file_name(char *out, size_t cap, uint32_t version, const char *role)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    if (version) {
        otai_text_u64(&t, version);
        otai_text_add(&t, ".");
    }
    encode(&t, role, strlen(role), false);
    otai_text_add(&t, ".json");
    return !t.full;
}

bool otai_tuf_target_name(char *out, size_t cap, const char *path, const uint8_t *digest, size_t digest_len)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct otai_text t;

    otai_text_init(&t, out, cap);
    encode(&t, path, (size_t)(name - path), true);
    if (digest_len) {
        otai_text_hex(&t, digest, digest_len);
        otai_text_add(&t, ".");
    }
    encode(&t, name, strlen(name), true);
    return !t.full;
}

static const char *next_char(const char *s)
{
    do
        s++;
    while (((uint8_t)*s & 0xc0) == 0x80);
    return s;
}

bool otai_tuf_glob(const char *pattern, const char *path)
{
    const char *star = NULL, *resume = NULL;

    while (*path || *pattern) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = path;
        } else if (*path && *path != '/' && *pattern == '?') {
            pattern++;
            path = next_char(path);
        } else if (*path && *path == *pattern) {
            if (*path == '/')
                star = NULL; /* what an earlier part of the path matched is settled */
            pattern++;
            path++;
        } else if (star && *resume && *resume != '/') {
            pattern = star;
            path = ++resume;
        } else {
            return false;
        }
    }
    return true;
}

bool otai_tuf_path_ok(const char *path)
{
    size_t part = 0, dots = 0;

    for (;; path++) {
        uint8_t c = (uint8_t)*path;

        if (c == '/' || c == 0) {
            if (part == 0 || (part == dots && dots <= 2))
                return false;
            if (c == 0)
                return true;
            part = dots = 0;
            continue;
        }
        if (c < 0x20 || c == 0x7f || c == '\\')
            return false;
        part++;
        dots += c == '.';
    }
}
