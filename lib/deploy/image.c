/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image description: the member "ota" in the "custom" data of an image's target. Unknown members are ignored:
 *
 *   "compatible"  array of product names; the device's own must be among them
 *   "component"   the component's name, equal to the pointer's
 *   "version"     1..31 characters of [A-Za-z0-9._+~-]
 *   "security"    0..2^32-1
 *   "encodings"   optional array of other ways to obtain the image; elements with an unknown "codec" are skipped, and
 *                 so is what comes after the number that this version keeps (3, deltas from other images not counted):
 *                 { "codec" "deflate", "path" target path, "length" 1..2^63-1, "sha256" 64 lower-case hex digits,
 *                   "window" 9..15, "block" 0 or a power of two up to 2^31 }
 *                 { "codec" "zstd", "path", "length", "sha256" as above: zstd frames (section 6.6); known to builds with it,
 *                   "window" 10..23, "block" 0 or a power of two up to 2^31 }
 *                 { "codec" "delta", "path", "length", "sha256" as above: a patch (section 6.1),
 *                   "base" sha256 and "base_length" 1..2^63-1 of the image that it begins from,
 *                   "memory" 1..2^32-1: bytes that its decoder needs }
 *                 { "codec" "index", "path", "length", "sha256" as above: an index (section 6.3),
 *                   "block" bytes of a block, "memory" 1..2^32-1: bytes that the search needs at least,
 *                   "estimate" 1..2^63-1: bytes that a device is expected to fetch in all, the index among them }
 *
 * The encoding's file below the targets URL is <directory>/<sha256>.<name> of its path.
 */
#include <string.h>

#include "deploy.h"
#include OTAI_ZSTD_HEADER
#include "text.h"

/* Members by index in their lists; those that must be there come first. */
enum { COMPATIBLE, COMPONENT, VERSION, SECURITY, REQUIRED, ENCODINGS = REQUIRED };
static const char *const members[] = { "compatible", "component", "version", "security", "encodings", NULL };

enum { CODEC, PATH, LENGTH, SHA256, WINDOW, BLOCK, BASE, BASE_LENGTH, MEMORY, ESTIMATE, UNKNOWN };
static const char *const encoding_members[] = { "codec", "path", "length", "sha256", "window", "block", "base", "base_length",
                                                "memory", "estimate", NULL };

/* What each codec needs of them, as bits. The other codecs' members are unknown members to it. */
#define BIT(member) (1u << (member))
#define ALWAYS (BIT(CODEC) | BIT(PATH) | BIT(LENGTH) | BIT(SHA256))
static const struct {
    const char *name;
    enum ota_codec codec;
    uint32_t needs;
} codecs[] = {
    { "deflate", OTA_CODEC_DEFLATE, ALWAYS | BIT(WINDOW) | BIT(BLOCK) },
    { "index", OTA_CODEC_INDEX, ALWAYS | BIT(BLOCK) | BIT(MEMORY) | BIT(ESTIMATE) },
    { "delta", OTA_CODEC_DELTA, ALWAYS | BIT(BASE) | BIT(BASE_LENGTH) | BIT(MEMORY) },
    OTAI_IF_ZSTD({ "zstd", OTA_CODEC_ZSTD, ALWAYS | BIT(WINDOW) | BIT(BLOCK) })
};
#define CODECS (sizeof codecs / sizeof codecs[0])

/* An element of "encodings" while it is read. */
struct encoding {
    struct ota_source source;
    char path[OTA_PATH_MAX];
};

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

static void take_encoding_member(struct otai_json *j, size_t member, struct encoding *e)
{
    struct ota_source *s = &e->source;

    switch (member) {
    case PATH: otai_take_path(j, e->path, sizeof e->path); break;
    case LENGTH: s->length = otai_take_number(j); break;
    case SHA256: otai_json_hex(j, s->sha256, sizeof s->sha256); break;
    case WINDOW: s->window_bits = (uint8_t)otai_json_u64(j, otai_window_bits_min(s->codec), otai_window_bits_max(s->codec)); break;
    case BLOCK: s->block = take_block(j); break;
    case BASE: otai_json_hex(j, s->base, sizeof s->base); break;
    case BASE_LENGTH: s->base_length = otai_take_number(j); break;
    case ESTIMATE: s->estimate = otai_take_number(j); break;
    case MEMORY: s->memory = (uint32_t)otai_json_u64(j, 1, UINT32_MAX); break;
    default: otai_json_skip(j);
    }
}

static void need_members(struct otai_json *j, uint32_t seen, uint32_t needs)
{
    for (size_t i = 0; encoding_members[i]; i++)
        otai_json_need(j, !(needs & ~seen & BIT(i)), encoding_members[i]);
}

static void take_known(struct otai_json *j, size_t codec, struct encoding *e)
{
    uint32_t seen = 0;

    e->source.codec = codecs[codec].codec;
    for (otai_json_object(j); otai_json_member(j);) {
        size_t member = otai_member_index(j, encoding_members);
        bool ours = codecs[codec].needs & BIT(member);
        take_encoding_member(j, ours ? member : UNKNOWN, e);
        seen |= BIT(member);
    }
    need_members(j, seen, codecs[codec].needs);
    if (e->source.codec != OTA_CODEC_INDEX)
        e->source.estimate = e->source.length;
    if (!make_file(&e->source, e->path))
        otai_json_fail(j, OTA_REJECT_LIMIT, "path");
}

/* The codec decides how the other members are read, wherever it stands among them: look ahead in a copy. A codec that
 * is absent or no text is an error; what else is wrong is found when the element is taken. CODECS: not known here. */
static size_t find_codec(struct otai_json *j)
{
    struct otai_json look = *j;
    bool seen = false;
    size_t codec = CODECS;

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
        for (codec = 0; codec < CODECS && !(look.err == OTA_OK && otai_json_raw_is(raw, codecs[codec].name)); codec++)
            ;
    }
    if (look.err == OTA_OK)
        otai_json_need(j, seen, encoding_members[CODEC]);
    return codec;
}

static void take_encoding(struct otai_json *j, const uint8_t *runs, struct ota_release_image *out)
{
    struct encoding e = { .path = "" };
    size_t codec = out->source_count == OTA_SOURCES_MAX ? CODECS : find_codec(j);

    if (codec == CODECS) {
        otai_json_skip(j);
        return;
    }
    take_known(j, codec, &e);
    if (e.source.codec == OTA_CODEC_DELTA && runs && !otai_equal(runs, e.source.base, sizeof e.source.base))
        out->other_base = true;
    else
        out->source[out->source_count++] = e.source;
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

static void take_encodings(struct otai_json *j, const uint8_t *runs, struct ota_release_image *out)
{
    for (otai_json_array(j); otai_json_element(j);)
        take_encoding(j, runs, out);
}

static void take_ota(struct otai_json *j, const struct otai_device *device, const char *component,
                     struct ota_release_image *out)
{
    uint32_t seen = 0;

    for (otai_json_object(j); otai_json_member(j);) {
        size_t member = otai_member_index(j, members);
        switch (member) {
        case COMPATIBLE: take_compatible(j, device->product); break;
        case COMPONENT: otai_take_exactly(j, component, OTA_REJECT_COMPONENT); break;
        case VERSION: otai_take_version(j, out->version, sizeof out->version); break;
        case SECURITY: out->security = (uint32_t)otai_json_u64(j, 0, UINT32_MAX); break;
        case ENCODINGS: take_encodings(j, device->runs, out); break;
        default: otai_json_skip(j);
        }
        seen |= 1u << member;
    }
    otai_need_members(j, seen, members, REQUIRED);
}

static ota_err take_custom(const struct ota_tuf_target *target, const struct otai_device *device, const char *component,
                           struct ota_release_image *out, struct ota_fault *fault)
{
    struct otai_json j;
    bool seen = false;

    otai_json_init(&j, target->custom, target->custom_len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        if (otai_json_name_is(&j, "ota"))
            take_ota(&j, device, component, out), seen = true;
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

ota_err otai_deploy_image(const struct otai_pointer_image *named, const struct ota_tuf_target *target,
                          const struct otai_device *device, struct ota_release_image *out, struct ota_fault *fault)
{
    struct ota_source *plain = &out->source[0];
    ota_err err = compare(named, target, fault);

    if (err != OTA_OK)
        return err;
    memset(plain, 0, sizeof *plain);
    plain->codec = OTA_CODEC_PLAIN;
    plain->length = plain->estimate = out->length = target->length;
    memcpy(plain->sha256, target->sha256, OTA_SHA256_LEN);
    memcpy(out->sha256, target->sha256, OTA_SHA256_LEN);
    if (!otai_copy(plain->file, sizeof plain->file, target->file))
        return ota_fault_set(fault, OTA_REJECT_LIMIT, "target.path", 0);
    out->source_count = 1;
    out->other_base = false;
    return take_custom(target, device, named->component, out, fault);
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
