/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf_i.h"

#include <string.h>

/* RFC 3986 section 2.3: these need no encoding, wherever they stand. */
#define UNRESERVED "-._~"

static bool plain(uint8_t c, const char *marks)
{
    uint8_t lower = c | 0x20;

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || strchr(marks, c);
}

/* All but letters, digits and marks is encoded. */
static void encode(struct otai_text *t, const char *s, const char *end, const char *marks)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; s < end; s++) {
        uint8_t c = (uint8_t)*s;
        char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };

        if (plain(c, marks))
            otai_text_bytes(t, s, 1);
        else
            otai_text_bytes(t, escaped, sizeof escaped);
    }
}

void otai_tuf_file_name(char *out, size_t cap, uint32_t version, const char *role)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    if (version) {
        otai_text_u64(&t, version);
        otai_text_add(&t, ".");
    }
    encode(&t, role, role + strlen(role), UNRESERVED);
    otai_text_add(&t, ".json");
}

bool otai_tuf_target_name(struct ota_tuf_target *target, bool with_digest)
{
    const char *slash = strrchr(target->path, '/');
    const char *name = slash ? slash + 1 : target->path;
    bool sha256 = target->has_sha256;
    struct otai_text t;

    otai_text_init(&t, target->file, sizeof target->file);
    encode(&t, target->path, name, UNRESERVED "/");
    if (with_digest) {
        otai_text_hex(&t, sha256 ? target->sha256 : target->sha512, sha256 ? sizeof target->sha256 : sizeof target->sha512);
        otai_text_add(&t, ".");
    }
    encode(&t, name, name + strlen(name), UNRESERVED "/");
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
