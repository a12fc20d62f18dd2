/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image description: the member "ota" in the "custom" data of an image's target. Unknown members are ignored:
 *
 *   "compatible"  array of product names; the device's own must be among them
 *   "component"   the component's name, equal to the pointer's
 *   "version"     1..31 characters of [A-Za-z0-9._+~-]
 *   "security"    0..2^32-1
 *   "encodings"   optional array of other ways to obtain the image; elements with an unknown "codec" are skipped, and
 *                 so is what exceeds the number that this version keeps (1). With codec "deflate":
 *                 { "codec" "deflate", "path" target path, "length" 1..2^63-1, "sha256" 64 lower-case hex digits,
 *                   "window" 9..15, "block" 0 or a power of two up to 2^31 }
 *
 * The encoding's file below the targets URL is <directory>/<sha256>.<name> of its path.
 */
#include <string.h>

#include "deploy.h"
#include "text.h"

/* Members by index in their lists; those that must be there come first. */
enum { COMPATIBLE, COMPONENT, VERSION, SECURITY, REQUIRED, ENCODINGS = REQUIRED };
static const char *const members[] = { "compatible", "component", "version", "security", "encodings", NULL };

enum { CODEC, PATH, LENGTH, SHA256, WINDOW, BLOCK, ENCODING_REQUIRED };
static const char *const encoding_members[] = { "codec", "path", "length", "sha256", "window", "block", NULL };

/* Insert the digest before the last part of path. */
static bool make_file(struct ota_source *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
    struct otai_text t;

    otai_text_init(&t, s->file, sizeof s->file);
    otai_text_bytes(&t, path, dir);
    otai_text_hex(&t, s->sha256, sizeof s->sha256);
    otai_text_add(&t, ".");
    otai_text_add(&t, path + dir);
    return !t.full;
}

static uint32_t take_block(struct otai_json *j)
{
    uint32_t v = (uint32_t)otai_json_u64(j, 0, UINT32_MAX);

    if (v & (v - 1))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    return v;
}

static void take_encoding_member(struct otai_json *j, size_t member, struct ota_source *s, char path[OTA_PATH_MAX])
{
    switch (member) {
    case PATH: otai_take_path(j, path, OTA_PATH_MAX); break;
    case LENGTH: s->length = otai_take_number(j); break;
    case SHA256: otai_json_hex(j, s->sha256, sizeof s->sha256); break;
    case WINDOW: s->window_bits = (uint8_t)otai_json_u64(j, 9, 15); break;
    case BLOCK: s->block = take_block(j); break;
    default: otai_json_skip(j);
    }
}

static void take_deflate(struct otai_json *j, struct ota_source *s)
{
    char path[OTA_PATH_MAX] = "";
    uint32_t seen = 0;

    s->codec = OTA_CODEC_DEFLATE;
    for (otai_json_object(j); otai_json_member(j);) {
        size_t member = otai_member_index(j, encoding_members);
        take_encoding_member(j, member, s, path);
        seen |= 1u << member;
    }
    otai_need_members(j, seen, encoding_members, ENCODING_REQUIRED);
    if (!make_file(s, path))
        otai_json_fail(j, OTA_REJECT_LIMIT, "path");
}

/* The codec decides how the other members are read, wherever it stands among them: look ahead in a copy. A codec that
 * is absent or no text is an error; what else is wrong is found when the element is taken. */
static bool is_deflate(struct otai_json *j)
{
    struct otai_json look = *j;
    bool seen = false, deflate = false;

    if (otai_json_peek(&look) != OTAI_JSON_OBJECT)
        otai_json_fail(j, OTA_REJECT_TYPE, NULL);
    for (otai_json_object(&look); otai_json_member(&look);) {
        if (!otai_json_name_is(&look, encoding_members[CODEC])) {
            otai_json_skip(&look);
            continue;
        }
        seen = true;
        if (otai_json_peek(&look) != OTAI_JSON_STRING)
            otai_json_fail(j, OTA_REJECT_TYPE, encoding_members[CODEC]);
        struct otai_span raw = otai_json_string_raw(&look);
        deflate = look.err == OTA_OK && otai_json_raw_is(raw, "deflate");
    }
    if (look.err == OTA_OK)
        otai_json_need(j, seen, encoding_members[CODEC]);
    return deflate;
}

static void take_encoding(struct otai_json *j, struct ota_release_image *out)
{
    if (out->source_count == OTA_SOURCES_MAX || !is_deflate(j)) {
        otai_json_skip(j);
        return;
    }
    struct ota_source *s = &out->source[out->source_count++];
    memset(s, 0, sizeof *s);
    take_deflate(j, s);
}

/* Is the product in the list? */
static void take_compatible(struct otai_json *j, const char *product)
{
    bool found = false;

    for (otai_json_array(j); otai_json_element(j);) {
        struct otai_span raw = otai_json_string_raw(j);
        found |= j->err == OTA_OK && otai_json_raw_is(raw, product);
    }
    if (!found)
        otai_json_fail(j, OTA_REJECT_PRODUCT, NULL);
}

static void take_encodings(struct otai_json *j, struct ota_release_image *out)
{
    for (otai_json_array(j); otai_json_element(j);)
        take_encoding(j, out);
}

static void take_ota(struct otai_json *j, const char *product, const char *component, struct ota_release_image *out)
{
    uint32_t seen = 0;

    for (otai_json_object(j); otai_json_member(j);) {
        size_t member = otai_member_index(j, members);
        switch (member) {
        case COMPATIBLE: take_compatible(j, product); break;
        case COMPONENT: otai_take_exactly(j, component, OTA_REJECT_COMPONENT); break;
        case VERSION: otai_take_version(j, out->version, sizeof out->version); break;
        case SECURITY: out->security = (uint32_t)otai_json_u64(j, 0, UINT32_MAX); break;
        case ENCODINGS: take_encodings(j, out); break;
        default: otai_json_skip(j);
        }
        seen |= 1u << member;
    }
    otai_need_members(j, seen, members, REQUIRED);
}

static ota_err take_custom(const struct ota_tuf_target *target, const char *product, const char *component,
                           struct ota_release_image *out, struct ota_fault *fault)
{
    struct otai_json j;
    bool seen = false;

    otai_json_init(&j, target->custom, target->custom_len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        if (otai_json_name_is(&j, "ota"))
            take_ota(&j, product, component, out), seen = true;
        else
            otai_json_skip(&j);
    }
    otai_json_need(&j, seen, "ota");
    otai_json_end(&j);
    return otai_json_fault(&j, "custom", fault);
}

/* The pointer and the publisher must say the same of the image. */
static ota_err compare(const struct otai_pointer_image *named, const struct ota_tuf_target *target, struct ota_fault *fault)
{
    if (strcmp(named->path, target->path) != 0)
        return ota_fault_set(fault, OTA_REJECT_TARGET, "target.path", 0);
    if (named->length != target->length)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "target.length", 0);
    if (!target->has_sha256)
        return ota_fault_set(fault, OTA_REJECT_MISSING, "target.hashes.sha256", 0);
    if (memcmp(named->sha256, target->sha256, OTA_SHA256_LEN) != 0)
        return ota_fault_set(fault, OTA_REJECT_HASH, "target.hashes.sha256", 0);
    if (!target->custom)
        return ota_fault_set(fault, OTA_REJECT_MISSING, "target.custom", 0);
    return OTA_OK;
}

ota_err otai_deploy_image(const struct otai_pointer_image *named, const struct ota_tuf_target *target, const char *product,
                          struct ota_release_image *out, struct ota_fault *fault)
{
    struct ota_source *plain = &out->source[0];
    ota_err err = compare(named, target, fault);

    if (err != OTA_OK)
        return err;
    memset(plain, 0, sizeof *plain);
    plain->codec = OTA_CODEC_PLAIN;
    plain->length = out->length = target->length;
    memcpy(plain->sha256, target->sha256, OTA_SHA256_LEN);
    memcpy(out->sha256, target->sha256, OTA_SHA256_LEN);
    if (!otai_copy(plain->file, sizeof plain->file, target->file))
        return ota_fault_set(fault, OTA_REJECT_LIMIT, "target.path", 0);
    out->source_count = 1;
    return take_custom(target, product, named->component, out, fault);
}

/* Length of the longest prefix in the list that path begins with; 0 if none. */
static size_t claim(const struct ota_repo *repo, const char *path)
{
    size_t longest = 0;

    for (const char *const *prefix = repo->prefixes; prefix && *prefix; prefix++) {
        size_t len = strlen(*prefix);
        if (len > longest && strncmp(path, *prefix, len) == 0)
            longest = len;
    }
    return longest;
}

int otai_repo_for(const struct ota_repo *repos, size_t count, const char *path)
{
    size_t longest = 0;
    int owner = -1;

    for (size_t i = 0; i < count; i++) {
        size_t len = claim(&repos[i], path);
        if (len > longest) {
            longest = len;
            owner = (int)i;
        }
    }
    return owner;
}
