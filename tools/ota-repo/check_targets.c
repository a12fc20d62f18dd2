/* SPDX-License-Identifier: Apache-2.0 */
/* What targets promise: their files, the description of images, and what pointers name. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "commands.h"
#include "file.h"
#include "delta_file.h"
#include "fleet.h"
#include "index_file.h"
#include "levels.h"
#include "ota/records.h"
#include "settings.h"
#include "zstd_file.h"

/* One part of a pattern against one part of a path; '*' takes any run, '?' one character. */
static bool part_matches(const char *pattern, size_t pattern_len, const char *part, size_t part_len)
{
    size_t p = 0, s = 0, star = SIZE_MAX, retry = 0;

    while (s < part_len) {
        if (p < pattern_len && pattern[p] == '*') {
            star = p++;
            retry = s;
        } else if (p < pattern_len && (pattern[p] == '?' || pattern[p] == part[s])) {
            p++;
            s++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            s = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern_len && pattern[p] == '*')
        p++;
    return p == pattern_len;
}

static bool pattern_matches(const char *pattern, const char *path)
{
    for (;;) {
        size_t a = strcspn(pattern, "/"), b = strcspn(path, "/");
        if (!part_matches(pattern, a, path, b) || pattern[a] != path[b])
            return false;
        if (pattern[a] == '\0')
            return true;
        pattern += a + 1;
        path += b + 1;
    }
}

bool path_matches(const cJSON *patterns, const char *path)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, patterns)
        if (pattern_matches(item->valuestring, path))
            return true;
    return false;
}

/* A path that could leave the targets folder is never opened. */
static bool path_safe(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && strstr(path, "..") == NULL && strstr(path, "//") == NULL &&
           path[strlen(path) - 1] != '/';
}

static const char *role_file(const struct repo *r, const struct role *role)
{
    return repo_file(r, "metadata/%" PRIu64 ".%s.json", member_number(role->doc, "version"), role->name);
}

static int check_file(const struct repo *r, struct at target, const char *path)
{
    struct at hashes;
    const char *sha256;
    uint64_t length, real_length;
    char real[DIGEST_HEX];
    int rc = at_number(target, "length", 0, UINT64_C(1) << 53, &length);

    if (rc == TOOL_OK)
        rc = at_object(target, "hashes", &hashes);
    if (rc == TOOL_OK)
        rc = at_string(hashes, "sha256", &sha256);
    if (rc == TOOL_OK && !digest_ok(sha256))
        rc = at_bad(hashes, "sha256", "must be 64 lower-case hex digits");
    if (rc != TOOL_OK)
        return rc;
    struct at file = { r->t, repo_target_file(r, path, sha256), "", NULL };
    rc = file_digest(r->t, file.file, &real_length, real);
    if (rc != TOOL_OK)
        return TOOL_FAILED;
    if (real_length != length)
        return at_bad(file, "length", "is %" PRIu64 ", must be %" PRIu64, real_length, length);
    return strcmp(real, sha256) == 0 ? TOOL_OK : at_bad(file, "sha256", "is %s, must be %s", real, sha256);
}

static int check_deflate(struct at a)
{
    uint64_t n;
    int rc = at_number(a, "window", 9, 15, &n);

    if (rc == TOOL_OK)
        rc = at_number(a, "block", 1, UINT32_MAX, &n);
    if (rc == TOOL_OK && !is_power_of_two((unsigned long)n))
        rc = at_bad(a, "block", "must be a power of two");
    return rc;
}

/* It is unpacked, as a device will do it. */
static int check_zstd(struct at a, struct repo *r, const cJSON *image)
{
    const char *why = NULL;
    uint64_t window, block;
    int rc = at_number(a, "window", OTA_ZSTD_WINDOW_BITS_MIN, OTA_ZSTD_WINDOW_BITS_MAX, &window);

    if (rc == TOOL_OK)
        rc = at_number(a, "block", 0, UINT32_MAX, &block);
    if (rc == TOOL_OK && block != 0 && !is_power_of_two((unsigned long)block))
        rc = at_bad(a, "block", "must be 0 or a power of two");
    if (rc != TOOL_OK)
        return rc;
    const char *packed = repo_target_file(r, member_text(a.obj, "path"), member_text(a.obj, "sha256"));
    const char *plain = repo_target_file(r, image->string, member_text(member(image, "hashes"), "sha256"));
    rc = zstd_file_check(r->t, plain, packed, (unsigned)window, (uint32_t)block, &why);
    return rc == TOOL_OK ? rc : at_bad(a, "path", "%s: %s", packed, why);
}

/* A target with this digest and length: the image that a delta begins from. */
static const cJSON *find_base(const struct role *role, const char *sha256, uint64_t length)
{
    const cJSON *target;

    cJSON_ArrayForEach(target, member(role->doc, "targets"))
        if (strcmp(member_text(member(target, "hashes"), "sha256"), sha256) == 0 && member_number(target, "length") == length)
            return target;
    return NULL;
}

/* A delta is applied, as a device will do it. Where its base was removed from the metadata, its header must do. */
static int check_delta(struct at a, struct repo *r, const struct role *role, const cJSON *image)
{
    const char *base, *why = NULL;
    uint64_t base_length, memory;
    int rc = at_string(a, "base", &base);

    if (rc == TOOL_OK && !digest_ok(base))
        rc = at_bad(a, "base", "must be 64 lower-case hex digits");
    if (rc == TOOL_OK)
        rc = at_number(a, "base_length", 1, UINT64_C(1) << 53, &base_length);
    if (rc == TOOL_OK)
        rc = at_number(a, "memory", 1, UINT32_MAX, &memory);
    if (rc != TOOL_OK)
        return rc;
    const cJSON *old = find_base(role, base, base_length);
    const char *sha256 = member_text(member(image, "hashes"), "sha256");
    const struct patch_pair pair = { old != NULL ? repo_target_file(r, old->string, base) : NULL,
                                     repo_target_file(r, image->string, sha256), base, sha256 };
    const char *patch = repo_target_file(r, member_text(a.obj, "path"), member_text(a.obj, "sha256"));
    rc = old != NULL ? patch_check(r->t, &pair, patch, (uint32_t)memory, &why)
                     : patch_check_header(r->t, &pair, patch, (uint32_t)memory, &why);
    return rc == TOOL_OK ? rc : at_bad(a, "path", "%s: %s", patch, why);
}

/* An index is made anew and compared. */
static int check_index(struct at a, struct repo *r, const cJSON *image)
{
    uint64_t block, memory, estimate;
    const char *why = NULL;
    int rc = at_number(a, "block", 256, 65536, &block);

    if (rc == TOOL_OK && !is_power_of_two((unsigned long)block))
        rc = at_bad(a, "block", "must be a power of two");
    if (rc == TOOL_OK)
        rc = at_number(a, "memory", 1, UINT32_MAX, &memory);
    if (rc == TOOL_OK)
        rc = at_number(a, "estimate", 1, UINT64_C(1) << 53, &estimate);
    if (rc != TOOL_OK)
        return rc;
    const char *sha256 = member_text(member(image, "hashes"), "sha256");
    const char *index = repo_target_file(r, member_text(a.obj, "path"), member_text(a.obj, "sha256"));
    const struct index_job job = { .file = repo_target_file(r, image->string, sha256), .sha256 = sha256, .block = (unsigned)block };
    rc = index_check(r->t, &job, index, &why);
    return rc == TOOL_OK ? rc : at_bad(a, "path", "%s: %s", index, why);
}

/* An encoding must be a target of the same role with the same length and digest. */
static int check_encoding(struct at a, struct repo *r, const struct role *role, const cJSON *image)
{
    const char *path, *codec, *sha256;
    uint64_t length;
    int rc = at_string(a, "codec", &codec);

    if (rc == TOOL_OK)
        rc = at_string(a, "path", &path);
    if (rc == TOOL_OK)
        rc = at_string(a, "sha256", &sha256);
    if (rc == TOOL_OK)
        rc = at_number(a, "length", 1, UINT64_C(1) << 53, &length);
    if (rc == TOOL_OK && strcmp(codec, "deflate") == 0)
        rc = check_deflate(a);
    if (rc != TOOL_OK)
        return rc;
    const cJSON *target = role_target(role, path);
    if (target == NULL)
        return at_bad(a, "path", "%s is not a target", path);
    if (member_number(target, "length") != length)
        return at_bad(a, "length", "differs from that of target %s", path);
    if (strcmp(member_text(member(target, "hashes"), "sha256"), sha256) != 0)
        return at_bad(a, "sha256", "differs from that of target %s", path);
    if (strcmp(codec, "zstd") == 0)
        return check_zstd(a, r, image);
    if (strcmp(codec, "index") == 0)
        return check_index(a, r, image);
    return strcmp(codec, "delta") == 0 ? check_delta(a, r, role, image) : TOOL_OK;
}

static int check_encodings(struct at ota, struct repo *r, const struct role *role, const cJSON *image)
{
    cJSON *list, *item;
    int index = 0;

    if (member(ota.obj, "encodings") == NULL)
        return TOOL_OK;
    int rc = at_array(ota, "encodings", &list);
    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, list) {
        struct at here = { ota.t, ota.file, tool_format(ota.t, "%s.encodings[%d]", ota.prefix, index++), item };
        rc = check_encoding(here, r, role, image);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}

/* The target of one device names that device and its group. */
static int check_device(struct at ota, const char *path)
{
    struct at devices;
    const char *group;
    int rc = at_object(ota, "devices", &devices);

    if (rc != TOOL_OK)
        return rc;
    const cJSON *one = devices.obj->child;
    if (one == NULL || one->next != NULL || strcmp(tool_format(ota.t, "device/%s.json", one->string), path) != 0)
        return at_bad(ota, "devices", "must name the device of its path");
    return at_string(devices, one->string, &group);
}

static int check_custom(struct at target, struct repo *r, const struct role *role)
{
    struct at custom, ota;
    const char *text;
    uint64_t n;
    cJSON *list;

    if (member(target.obj, "custom") == NULL)
        return TOOL_OK;
    int rc = at_object(target, "custom", &custom);
    if (rc == TOOL_OK)
        rc = at_object(custom, "ota", &ota);
    if (rc == TOOL_OK && member(ota.obj, "devices") != NULL)
        return check_device(ota, target.obj->string);
    if (rc == TOOL_OK)
        rc = at_string(ota, "component", &text);
    if (rc == TOOL_OK)
        rc = at_string(ota, "version", &text);
    if (rc == TOOL_OK)
        rc = at_number(ota, "security", 0, UINT32_MAX, &n);
    if (rc == TOOL_OK)
        rc = at_array(ota, "compatible", &list);
    if (rc == TOOL_OK)
        rc = levels_check(ota, "provides");
    if (rc == TOOL_OK)
        rc = levels_check(ota, "requires");
    return rc != TOOL_OK ? rc : check_encodings(ota, r, role, target.obj);
}

static int check_target(struct repo *r, const struct role *role, cJSON *target)
{
    const cJSON *paths = member(repo_role_entry(r, role->name), "paths");
    struct at here = { r->t, role_file(r, role), tool_format(r->t, "signed.targets.%s", target->string), target };

    if (!cJSON_IsObject(target))
        return at_bad(here, "", "must be an object");
    if (!path_safe(target->string))
        return at_bad(here, "", "is not a plain path");
    if (paths != NULL && !path_matches(paths, target->string))
        return at_bad(here, "", "is outside the paths of role %s", role->name);
    int rc = check_file(r, here, target->string);
    return rc != TOOL_OK ? rc : check_custom(here, r, role);
}

int check_target_files(struct repo *r, unsigned *files)
{
    for (size_t i = 0; i < r->role_count; i++) {
        cJSON *target;
        cJSON_ArrayForEach(target, member(r->role[i].doc, "targets")) {
            int rc = check_target(r, &r->role[i], target);
            if (rc != TOOL_OK)
                return rc;
            (*files)++;
        }
    }
    return TOOL_OK;
}

/* An image of a pointer, found again where its path belongs: same length and digest, for this component and product. */
static int check_named(struct at a, struct repo *os, struct repo *product, const cJSON *settings)
{
    const char *component, *path, *sha256;
    struct role *role;
    uint64_t length;
    int rc = at_string(a, "component", &component);

    if (rc == TOOL_OK)
        rc = at_string(a, "path", &path);
    if (rc == TOOL_OK)
        rc = at_string(a, "sha256", &sha256);
    if (rc == TOOL_OK)
        rc = at_number(a, "length", 1, UINT64_C(1) << 53, &length);
    if (rc == TOOL_OK && image_role(a.t, os, product, settings, component, &role) != TOOL_OK)
        rc = at_bad(a, "component", "product has no component \"%s\"", component);
    if (rc != TOOL_OK)
        return rc;
    const cJSON *target = role_target(role, path), *ota = member(member(target, "custom"), "ota");
    if (target == NULL)
        return at_bad(a, "path", "%s is not a target of role %s", path, role->name);
    if (member_number(target, "length") != length)
        return at_bad(a, "length", "is %" PRIu64 ", the target's is %" PRIu64, length, member_number(target, "length"));
    if (strcmp(member_text(member(target, "hashes"), "sha256"), sha256) != 0)
        return at_bad(a, "sha256", "differs from the target's");
    if (strcmp(member_text(ota, "component"), component) != 0)
        return at_bad(a, "component", "%s is for component \"%s\"", path, member_text(ota, "component"));
    if (!has_text(member(ota, "compatible"), product->name))
        return at_bad(a, "path", "%s is not for product %s", path, product->name);
    return TOOL_OK;
}

static int check_text(struct at a, const char *name, const char *want)
{
    const char *text = NULL;
    int rc = at_string(a, name, &text);

    if (rc == TOOL_OK && strcmp(text, want) != 0)
        rc = at_bad(a, name, "is \"%s\", must be \"%s\"", text, want);
    return rc;
}

static int check_os_feed(struct at a, struct repo *os, const char *product)
{
    const char *feed;

    if (member(a.obj, "os_feed") == NULL)
        return TOOL_OK;
    int rc = at_string(a, "os_feed", &feed);
    if (rc == TOOL_OK && !feed_ok(feed))
        rc = at_bad(a, "os_feed", "\"%s\" is not a feed", feed);
    if (rc != TOOL_OK)
        return rc;
    const struct role *role = repo_role(os, feed_role(feed));
    if (role == NULL || role_target(role, feed_path(a.t, feed, product)) == NULL)
        return at_bad(a, "os_feed", "feed %s has nothing for product %s", feed, product);
    return TOOL_OK;
}

static int check_pointer(struct at a, const char *kind, const char *name, struct repo *os, struct repo *product,
                         const cJSON *settings)
{
    uint64_t n;
    cJSON *images = NULL, *item;
    const char *policy;
    int index = 0;
    int rc = at_number(a, "format", 1, 1, &n);

    if (rc == TOOL_OK)
        rc = at_number(a, "seq", 1, UINT64_C(1) << 53, &n);
    if (rc == TOOL_OK)
        rc = check_text(a, "product", product->name);
    if (rc == TOOL_OK)
        rc = check_text(a, kind, name);
    if (rc == TOOL_OK)
        rc = at_string(a, "policy", &policy);
    if (rc == TOOL_OK && !policy_ok(policy))
        rc = at_bad(a, "policy", "must be \"all\" or \"os-only\"");
    if (rc == TOOL_OK)
        rc = check_os_feed(a, os, product->name);
    if (rc == TOOL_OK)
        rc = fleet_check(a);
    if (rc == TOOL_OK)
        rc = rollout_check(a);
    if (rc == TOOL_OK)
        rc = at_array(a, "images", &images);
    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, images) {
        struct at here = { a.t, a.file, tool_format(a.t, "images[%d]", index++), item };
        rc = check_named(here, os, product, settings);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}

/* What one pointer check needs. `owner` holds the pointer. */
struct pointer_place {
    struct repo *owner;
    const char *role, *path, *kind, *name;
};

static int check_one(const struct pointer_place *p, struct repo *os, struct repo *product, const cJSON *settings,
                     unsigned *pointers)
{
    const struct role *role = repo_role(p->owner, p->role);
    cJSON *pointer;

    if (role == NULL)
        return tool_failed(os->t, "%s: has no role %s", p->owner->dir, p->role);
    int rc = pointer_read(p->owner, role, p->path, &pointer);
    if (rc != TOOL_OK || pointer == NULL)
        return rc;
    (*pointers)++;
    const char *sha256 = member_text(member(role_target(role, p->path), "hashes"), "sha256");
    struct at here = { os->t, repo_target_file(p->owner, p->path, sha256), "", pointer };
    return check_pointer(here, p->kind, p->name, os, product, settings);
}

int check_pointers(struct repo *os, struct repo *product, const cJSON *settings, unsigned *pointers)
{
    static const char *const feeds[] = { "retail", "retaileval" };
    struct tool *t = os->t;
    const cJSON *group;

    cJSON_ArrayForEach(group, member(settings, "groups")) {
        const char *slug = member_text(group, "slug");
        struct pointer_place p = { product, "groups", group_path(t, slug), "group", slug };
        int rc = check_one(&p, os, product, settings, pointers);
        if (rc != TOOL_OK)
            return rc;
    }
    for (size_t i = 0; i < 2; i++) {
        struct pointer_place p = { os, feed_role(feeds[i]), feed_path(t, feeds[i], product->name), "feed", feeds[i] };
        int rc = check_one(&p, os, product, settings, pointers);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}
