/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "deflate.h"
#include "deltas.h"
#include "file.h"
#include "index_file.h"
#include "levels.h"
#include "ota/records.h"
#include "publish.h"
#include "settings.h"
#include "zstd_file.h"

/* A device keeps the file's path with the digest and a dot in front of the name in 191 characters. */
#define TARGET_PATH_MAX (191 - 65)
#define COMPATIBLE_MAX 16
#define ZSTD_SUFFIX ".zst"

static const struct option image_options[] = {
    { "product", "P", "whose image it is", OPTION_ONE, true },
    { "component", "C", "the part of the device that it is for", OPTION_ONE, true },
    { "version", "V", "its version, as devices and people see it", OPTION_ONE, true },
    { "security", "N", "security version: devices refuse less than their floor [0]", OPTION_ONE, false },
    { "compatible", "P1,P2", "products that may run it [the product]", OPTION_ONE, false },
    { "provides", "NAME=LEVEL", "an interface that it offers to other components", OPTION_MANY, false },
    { "requires", "NAME=LEVEL", "what another image must provide, at that level at least", OPTION_MANY, false },
    { "name", "NAME", "file name [COMPONENT-VERSION.img]", OPTION_ONE, false },
    { "no-deflate", NULL, "do not offer it deflated", OPTION_FLAG, false },
    { "window", "BITS", "log2 of the deflate window, 9..15 [settings]", OPTION_ONE, false },
    { "block", "BYTES", "image bytes between two restart points, power of two [settings]", OPTION_ONE, false },
    { "zstd", "BITS", "offer it in zstd frames of 2^BITS bytes, too, 10..23; 0 = do not [settings]", OPTION_ONE, false },
    { "delta-from", "V1,V2", "offer deltas from these versions; all, none [those deployed last, see settings]", OPTION_ONE, false },
    { "delta-memory", "32K,1M", "memory that a device may have for a delta [settings]", OPTION_ONE, false },
    { "no-index", NULL, "offer no index", OPTION_FLAG, false },
    { "index-block", "BYTES", "bytes of a block of the index, power of two, 256..65536 [settings]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* What the command line says about the new image. */
struct new_image {
    const char *file, *product, *component, *version, *path, *delta_from, *delta_memory;
    cJSON *compatible, *provides, *requires;
    unsigned security, window, block, zstd, index_block;
    bool deflate, index;
    uint64_t length;
    char sha256[DIGEST_HEX];
};

static int split_compatible(struct tool *t, const char *text, struct new_image *n)
{
    char *copy = tool_format(t, "%s", text);

    n->compatible = tool_keep(t, cJSON_CreateArray());
    for (char *part = copy; part != NULL;) {
        char *comma = strchr(part, ',');
        if (comma != NULL)
            *comma = '\0';
        if (!name_ok(part))
            return tool_usage(t, "--compatible: \"%s\" must be 1..31 characters of [a-z0-9-]", part);
        if (has_text(n->compatible, part))
            return tool_usage(t, "--compatible: \"%s\" given twice", part);
        cJSON_AddItemToArray(n->compatible, cJSON_CreateString(part));
        part = comma == NULL ? NULL : comma + 1;
    }
    if (cJSON_GetArraySize(n->compatible) > COMPATIBLE_MAX)
        return tool_usage(t, "--compatible: more than %d products", COMPATIBLE_MAX);
    if (!has_text(n->compatible, n->product))
        return tool_usage(t, "--compatible: does not have the product itself, \"%s\"", n->product);
    return TOOL_OK;
}

static int read_codec(struct tool *t, const struct args *a, struct new_image *n)
{
    n->deflate = t->settings.deflate && !args_has(a, "no-deflate");
    n->window = t->settings.window;
    n->block = t->settings.block;
    int rc = args_number(t, a, "window", 9, 15, &n->window);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "block", 4096, 1u << 24, &n->block);
    if (rc == TOOL_OK && !is_power_of_two(n->block))
        rc = tool_usage(t, "--block: %u is not a power of two", n->block);
    n->zstd = t->settings.zstd;
    if (rc == TOOL_OK)
        rc = args_number(t, a, "zstd", 0, OTA_ZSTD_WINDOW_BITS_MAX, &n->zstd);
    if (rc == TOOL_OK && n->zstd != 0 && n->zstd < OTA_ZSTD_WINDOW_BITS_MIN)
        return tool_usage(t, "--zstd: %u is not 0 or %d..%d", n->zstd, OTA_ZSTD_WINDOW_BITS_MIN, OTA_ZSTD_WINDOW_BITS_MAX);
    if (rc == TOOL_OK && n->zstd != 0 && !zstd_file_here())
        return tool_usage(t, "--zstd: this ota-repo was built without zstd");
    n->index = t->settings.index && !args_has(a, "no-index");
    n->index_block = t->settings.index_block;
    if (rc == TOOL_OK)
        rc = args_number(t, a, "index-block", 256, 65536, &n->index_block);
    if (rc == TOOL_OK && n->index_block != 0 && !is_power_of_two(n->index_block))
        rc = tool_usage(t, "--index-block: %u is not a power of two", n->index_block);
    return rc;
}

/* Versions may have characters that paths may not. */
static char *default_name(struct tool *t, const struct new_image *n)
{
    char *name = tool_format(t, "%s-%s.img", n->component, n->version);

    for (char *p = name; *p != '\0'; p++)
        if (*p == '+' || *p == '~')
            *p = '_';
    return name;
}

static int set_path(struct tool *t, const struct args *a, struct new_image *n)
{
    const char *name = args_get(a, "name");

    if (name == NULL)
        name = default_name(t, n);
    if (!file_name_ok(name))
        return tool_usage(t, "--name: \"%s\" must be 1..95 characters of [A-Za-z0-9._-], without \"..\"", name);
    size_t name_len = strlen(name);
    if (name_len > 2 && name[name_len - 2] == '.' && strchr("zdx", name[name_len - 1]) != NULL)
        return tool_usage(t, "--name: \"%s\" must not end in .z, .d or .x, which mark deflated images, deltas and indexes", name);
    if (name_len > 4 && strcmp(name + name_len - 4, ZSTD_SUFFIX) == 0)
        return tool_usage(t, "--name: \"%s\" must not end in " ZSTD_SUFFIX ", which marks images in zstd frames", name);
    n->path = strcmp(n->component, "os") == 0 ? tool_format(t, "os/img/%s", name)
                                              : tool_format(t, "app/%s/%s", n->component, name);
    int longest = TARGET_PATH_MAX - (n->zstd != 0 ? (int)strlen(ZSTD_SUFFIX) : 2);
    if (strlen(n->path) > (size_t)longest)
        return tool_usage(t, "--name: path %s is longer than %d characters", n->path, longest);
    return TOOL_OK;
}

static int read_new_image(struct tool *t, const struct args *a, struct new_image *n)
{
    n->file = a->operand;
    n->product = args_get(a, "product");
    n->component = args_get(a, "component");
    n->version = args_get(a, "version");
    n->delta_from = args_get(a, "delta-from");
    n->delta_memory = args_get(a, "delta-memory");
    if (!name_ok(n->component))
        return tool_usage(t, "--component: \"%s\" must be 1..31 characters of [a-z0-9-]", n->component);
    if (!version_ok(n->version))
        return tool_usage(t, "--version: \"%s\" must be 1..31 characters of [A-Za-z0-9._+~-]", n->version);
    int rc = args_number(t, a, "security", 0, UINT32_MAX, &n->security);
    if (rc == TOOL_OK)
        rc = read_codec(t, a, n);
    if (rc == TOOL_OK)
        rc = set_path(t, a, n);
    if (rc == TOOL_OK)
        rc = levels_option(t, a, "provides", &n->provides);
    if (rc == TOOL_OK)
        rc = levels_option(t, a, "requires", &n->requires);
    if (rc == TOOL_OK)
        rc = split_compatible(t, args_has(a, "compatible") ? args_get(a, "compatible") : n->product, n);
    return rc;
}

static cJSON *custom_of(const struct new_image *n, cJSON *encodings)
{
    cJSON *custom = cJSON_CreateObject(), *ota = cJSON_AddObjectToObject(custom, "ota");

    cJSON_AddStringToObject(ota, "component", n->component);
    cJSON_AddStringToObject(ota, "version", n->version);
    cJSON_AddNumberToObject(ota, "security", n->security);
    cJSON_AddItemToObject(ota, "compatible", cJSON_Duplicate(n->compatible, true));
    if (n->provides != NULL)
        cJSON_AddItemToObject(ota, "provides", cJSON_Duplicate(n->provides, true));
    if (n->requires != NULL)
        cJSON_AddItemToObject(ota, "requires", cJSON_Duplicate(n->requires, true));
    if (encodings != NULL)
        cJSON_AddItemToObject(ota, "encodings", encodings);
    return custom;
}

static bool same_levels(const cJSON *x, const cJSON *y)
{
    return (x == NULL && y == NULL) || cJSON_Compare(x, y, true);
}

/* A target of that path is there. @return TOOL_OK only if it is the same image */
static int same_image(struct tool *t, const struct new_image *n, const cJSON *there)
{
    const cJSON *ota = member(member(there, "custom"), "ota");
    const char *differs = NULL;

    if (strcmp(member_text(member(there, "hashes"), "sha256"), n->sha256) != 0)
        differs = "content";
    else if (strcmp(member_text(ota, "version"), n->version) != 0)
        differs = "version";
    else if (member_number(ota, "security") != n->security)
        differs = "security";
    else if (!cJSON_Compare(member(ota, "compatible"), n->compatible, true))
        differs = "compatible";
    else if (!same_levels(member(ota, "provides"), n->provides))
        differs = "provides";
    else if (!same_levels(member(ota, "requires"), n->requires))
        differs = "requires";
    if (differs == NULL)
        return TOOL_OK;
    return tool_failed(t, "%s: published already with other %s; an image never changes: give it a new --version",
                       n->path, differs);
}

/* Within a product a version names one image, whatever its file is called. */
static int check_version_free(struct tool *t, const struct role *role, const struct new_image *n)
{
    const cJSON *item;
    struct named_image other;

    cJSON_ArrayForEach(item, n->compatible)
        if (image_find(t, role, item->valuestring, n->component, n->version, &other) == TOOL_OK)
            return tool_failed(t, "--version: %s of component %s is published for product %s already, as %s", n->version,
                               n->component, item->valuestring, other.path);
    t->error[0] = '\0';
    return TOOL_OK;
}

static uint64_t cheapest_for_all(const struct new_image *n, const cJSON *encodings)
{
    uint64_t least = n->length;
    const cJSON *item;

    cJSON_ArrayForEach(item, encodings)
        if (strcmp(member_text(item, "codec"), "deflate") == 0 && member_number(item, "length") < least)
            least = member_number(item, "length");
    return least;
}

/* Pack what is published already, so that all are made from the same bytes. Keep it only if it is smaller than what there is. */
static int add_packed(struct repo *r, struct role *role, const struct new_image *n, bool zstd, cJSON **encodings)
{
    const char *path = tool_format(r->t, "%s%s", n->path, zstd ? ZSTD_SUFFIX : ".z");
    const char *image = repo_target_file(r, n->path, n->sha256);
    char *temp, sha256[DIGEST_HEX];
    uint64_t length;
    int rc = target_temp(r, path, &temp);

    if (rc == TOOL_OK)
        rc = zstd ? zstd_file(r->t, image, temp, n->zstd, &length, sha256)
                  : deflate_file(r->t, image, temp, n->window, n->block, &length, sha256);
    if (rc != TOOL_OK)
        return rc;
    if (length >= cheapest_for_all(n, *encodings)) {
        file_discard(temp);
        return TOOL_OK;
    }
    rc = publish_temp(r, temp, path, length, sha256);
    if (rc != TOOL_OK)
        return rc;
    role_put_target(role, path, length, sha256, NULL);
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "codec", zstd ? "zstd" : "deflate");
    cJSON_AddStringToObject(entry, "path", path);
    cJSON_AddStringToObject(entry, "sha256", sha256);
    cJSON_AddNumberToObject(entry, "length", (double)length);
    cJSON_AddNumberToObject(entry, "block", zstd ? 1u << n->zstd : n->block);
    cJSON_AddNumberToObject(entry, "window", zstd ? n->zstd : n->window);
    if (*encodings == NULL)
        *encodings = cJSON_CreateArray();
    cJSON_AddItemToArray(*encodings, entry);
    return TOOL_OK;
}

static void append_index(cJSON **encodings, const char *path, const struct index_made *made)
{
    cJSON *entry = cJSON_CreateObject();

    if (*encodings == NULL)
        *encodings = cJSON_CreateArray();
    cJSON_AddStringToObject(entry, "codec", "index");
    cJSON_AddStringToObject(entry, "path", path);
    cJSON_AddStringToObject(entry, "sha256", made->sha256);
    cJSON_AddNumberToObject(entry, "length", (double)made->length);
    cJSON_AddNumberToObject(entry, "block", made->block);
    cJSON_AddNumberToObject(entry, "memory", made->memory);
    cJSON_AddNumberToObject(entry, "estimate", (double)made->estimate);
    cJSON_AddItemToArray(*encodings, entry);
}

/* Against which images its worth is measured: those that were deployed last. */
static int index_olds(struct repo *r, struct role *role, const struct new_image *n, struct index_job *job)
{
    const struct delta_job like = { .product = n->product, .component = n->component, .path = n->path };
    cJSON *versions = tool_keep(r->t, cJSON_CreateArray());
    const cJSON *version;
    struct named_image base;
    int rc = TOOL_OK;

    deltas_last_deployed(r->t, role, &like, versions);
    cJSON_ArrayForEach(version, versions) {
        rc = image_find(r->t, role, n->product, n->component, version->valuestring, &base);
        if (rc != TOOL_OK || job->olds == INDEX_BASES_MAX)
            break;
        job->old[job->olds++] = repo_target_file(r, base.path, base.sha256);
    }
    return rc;
}

/* The net below the deltas, last in the list. Kept only if it serves the devices better than the whole image. */
static int add_index(struct repo *r, struct role *role, const struct new_image *n, cJSON **encodings)
{
    struct index_job job = { .file = repo_target_file(r, n->path, n->sha256), .sha256 = n->sha256, .block = n->index_block };
    const char *path = tool_format(r->t, "%s.x", n->path);
    struct index_made made;
    char *temp;
    int rc = index_olds(r, role, n, &job);

    if (rc != TOOL_OK || job.olds == 0)
        return rc;
    rc = target_temp(r, path, &temp);
    if (rc == TOOL_OK)
        rc = index_make(r->t, &job, temp, &made);
    if (rc != TOOL_OK)
        return rc;
    if (made.estimate >= cheapest_for_all(n, *encodings)) {
        file_discard(temp);
        tool_say(r->t, "index: %llu bytes to be fetched, not worth it", (unsigned long long)made.estimate);
        return TOOL_OK;
    }
    rc = publish_temp(r, temp, path, made.length, made.sha256);
    if (rc != TOOL_OK)
        return rc;
    role_put_target(role, path, made.length, made.sha256, NULL);
    append_index(encodings, path, &made);
    tool_say(r->t, "index: %llu bytes with blocks of %u, %llu bytes to be fetched in all", (unsigned long long)made.length,
             made.block, (unsigned long long)made.estimate);
    return TOOL_OK;
}

static int add_deltas(struct repo *r, struct role *role, const struct new_image *n, cJSON **encodings, unsigned *added)
{
    const struct delta_job job = { n->product, n->component, n->path, n->sha256, n->length, n->delta_from, n->delta_memory };

    return deltas_add(r, role, &job, encodings, added);
}

/* What comes behind all deltas: devices keep the first few that can serve them. Taken out of the list, in its order. */
static cJSON *detach_last(cJSON *encodings)
{
    cJSON *last = cJSON_CreateArray(), *item = encodings == NULL ? NULL : encodings->child;

    while (item != NULL) {
        cJSON *next = item->next;
        const char *codec = member_text(item, "codec");
        if (strcmp(codec, "zstd") == 0 || strcmp(codec, "index") == 0)
            cJSON_AddItemToArray(last, cJSON_DetachItemViaPointer(encodings, item));
        item = next;
    }
    return last;
}

/* The image is there; deltas that were asked for may not be. They are all that ever comes to a published image. */
static int add_missing_deltas(struct repo *r, struct role *role, const struct new_image *n, const cJSON *there)
{
    cJSON *custom = tool_keep(r->t, cJSON_Duplicate(member(there, "custom"), true)), *ota = member(custom, "ota");
    cJSON *encodings = cJSON_DetachItemFromObjectCaseSensitive(ota, "encodings");
    cJSON *last = tool_keep(r->t, detach_last(encodings));
    unsigned added = 0;
    int rc = add_deltas(r, role, n, &encodings, &added);

    while (last->child != NULL)
        cJSON_AddItemToArray(encodings, cJSON_DetachItemFromArray(last, 0));
    if (encodings != NULL)
        cJSON_AddItemToObject(ota, "encodings", encodings);
    r->t->already = rc == TOOL_OK && added == 0;
    if (rc != TOOL_OK || added == 0)
        return rc;
    role_put_target(role, n->path, n->length, n->sha256, cJSON_Duplicate(custom, true));
    return repo_publish(r);
}

static int publish_image(struct repo *r, struct role *role, const struct new_image *n, const char *temp)
{
    cJSON *encodings = NULL;
    unsigned added;
    int rc = publish_temp(r, temp, n->path, n->length, n->sha256);

    if (rc == TOOL_OK && n->deflate)
        rc = add_packed(r, role, n, false, &encodings);
    if (rc == TOOL_OK)
        rc = add_deltas(r, role, n, &encodings, &added);
    if (rc == TOOL_OK && n->zstd != 0)
        rc = add_packed(r, role, n, true, &encodings);
    if (rc == TOOL_OK && n->index)
        rc = add_index(r, role, n, &encodings);
    if (rc != TOOL_OK)
        return rc;
    role_put_target(role, n->path, n->length, n->sha256, custom_of(n, encodings));
    return repo_publish(r);
}

static int take_file(struct repo *r, struct role *role, struct new_image *n)
{
    char *temp;
    int rc = target_temp(r, n->path, &temp);

    if (rc == TOOL_OK)
        rc = file_copy(r->t, n->file, temp, &n->length, n->sha256);
    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
    if (n->length == 0)
        rc = tool_failed(r->t, "%s: is empty", n->file);
    const cJSON *there = role_target(role, n->path);
    if (rc == TOOL_OK && there != NULL) {
        rc = same_image(r->t, n, there);
        r->t->already = rc == TOOL_OK;
    } else if (rc == TOOL_OK) {
        rc = check_version_free(r->t, role, n);
    }
    if (rc == TOOL_OK && !r->t->already)
        return publish_image(r, role, n, temp);
    file_discard(temp);
    return rc == TOOL_OK && n->delta_from != NULL ? add_missing_deltas(r, role, n, there) : rc;
}

/* What is said of one way to get the image; nothing if it is not offered. */
static const char *packed_text(struct tool *t, const cJSON *encodings, const char *codec, const char *verb)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, encodings)
        if (strcmp(member_text(item, "codec"), codec) == 0)
            return tool_format(t, ", %s %llu", verb, (unsigned long long)member_number(item, "length"));
    return "";
}

static void report_image(struct tool *t, const struct role *role, const struct new_image *n)
{
    const cJSON *target = role_target(role, n->path);
    const cJSON *encodings = member(member(member(target, "custom"), "ota"), "encodings");

    cJSON_AddItemToObject(t->result, "image", cJSON_Duplicate(target, true));
    cJSON_AddStringToObject(t->result, "path", n->path);
    tool_say(t, "%s %s: %s, %llu bytes%s%s%s", n->component, n->version, n->path, (unsigned long long)n->length,
             packed_text(t, encodings, "deflate", "deflated"), packed_text(t, encodings, "zstd", "in zstd frames"),
             t->already ? ": already there" : "");
}

static int run_image_add(struct tool *t, const struct args *a)
{
    struct new_image n = { 0 };
    struct repo r;
    struct role *role;
    cJSON *product;
    int rc = read_new_image(t, a, &n);

    if (rc == TOOL_OK)
        rc = product_need(t, n.product, &product);
    if (rc == TOOL_OK)
        rc = repo_open(t, strcmp(n.component, "os") == 0 ? NULL : n.product, &r);
    if (rc == TOOL_OK)
        rc = image_role(t, &r, &r, product, n.component, &role);
    if (rc == TOOL_OK)
        rc = take_file(&r, role, &n);
    if (rc == TOOL_OK)
        report_image(t, role, &n);
    return rc;
}

const struct command command_image_add = {
    .name = "image add",
    .operand = "FILE",
    .summary = "Publish an image for one component of a product. No device installs it before it is deployed.",
    .details = "Component os goes to the OS repository (os/img/...), others to the product's (app/COMPONENT/...). An image is\n"
               "also offered deflated if that is smaller, as deltas from the versions that were deployed last, and with an index\n"
               "for devices on any other version. A published image never changes; run again with --delta-from it gets more deltas.",
    .options = image_options,
    .run = run_image_add,
};
