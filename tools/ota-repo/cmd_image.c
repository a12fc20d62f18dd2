/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "deflate.h"
#include "deltas.h"
#include "file.h"
#include "publish.h"
#include "settings.h"

/* A device keeps the file's path with the digest and a dot in front of the name in 191 characters. */
#define TARGET_PATH_MAX (191 - 65)
#define COMPATIBLE_MAX 16

static const struct option image_options[] = {
    { "product", "P", "whose image it is", OPTION_ONE, true },
    { "component", "C", "the part of the device that it is for", OPTION_ONE, true },
    { "version", "V", "its version, as devices and people see it", OPTION_ONE, true },
    { "security", "N", "security version: devices refuse less than their floor [0]", OPTION_ONE, false },
    { "compatible", "P1,P2", "products that may run it [the product]", OPTION_ONE, false },
    { "name", "NAME", "file name [COMPONENT-VERSION.img]", OPTION_ONE, false },
    { "no-deflate", NULL, "do not offer it deflated", OPTION_FLAG, false },
    { "window", "BITS", "log2 of the deflate window, 9..15 [settings]", OPTION_ONE, false },
    { "block", "BYTES", "image bytes between two restart points, power of two [settings]", OPTION_ONE, false },
    { "delta-from", "V1,V2", "offer deltas from these versions; all, none [those deployed last, see settings]", OPTION_ONE, false },
    { "delta-memory", "32K,1M", "memory that a device may have for a delta [settings]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* What the command line says about the new image. */
struct new_image {
    const char *file, *product, *component, *version, *path, *delta_from, *delta_memory;
    cJSON *compatible;
    unsigned security, window, block;
    bool deflate;
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
    if (name_len > 2 && (strcmp(name + name_len - 2, ".z") == 0 || strcmp(name + name_len - 2, ".d") == 0))
        return tool_usage(t, "--name: \"%s\" must not end in .z or .d, which mark deflated images and deltas", name);
    n->path = strcmp(n->component, "os") == 0 ? tool_format(t, "os/img/%s", name)
                                              : tool_format(t, "app/%s/%s", n->component, name);
    if (strlen(n->path) + 2 > TARGET_PATH_MAX)
        return tool_usage(t, "--name: path %s is longer than %d characters", n->path, TARGET_PATH_MAX - 2);
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
    if (encodings != NULL)
        cJSON_AddItemToObject(ota, "encodings", encodings);
    return custom;
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

/* Deflate what is published already, so that both are made from the same bytes. Keep it only if it is smaller. */
static int add_deflated(struct repo *r, struct role *role, const struct new_image *n, cJSON **encodings)
{
    const char *path = tool_format(r->t, "%s.z", n->path);
    char *temp, sha256[DIGEST_HEX];
    uint64_t length;
    int rc = target_temp(r, path, &temp);

    if (rc == TOOL_OK)
        rc = deflate_file(r->t, repo_target_file(r, n->path, n->sha256), temp, n->window, n->block, &length, sha256);
    if (rc != TOOL_OK)
        return rc;
    if (length >= n->length) {
        file_discard(temp);
        return TOOL_OK;
    }
    rc = publish_temp(r, temp, path, length, sha256);
    if (rc != TOOL_OK)
        return rc;
    role_put_target(role, path, length, sha256, NULL);
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "codec", "deflate");
    cJSON_AddStringToObject(entry, "path", path);
    cJSON_AddStringToObject(entry, "sha256", sha256);
    cJSON_AddNumberToObject(entry, "length", (double)length);
    cJSON_AddNumberToObject(entry, "block", n->block);
    cJSON_AddNumberToObject(entry, "window", n->window);
    *encodings = cJSON_CreateArray();
    cJSON_AddItemToArray(*encodings, entry);
    return TOOL_OK;
}

static int add_deltas(struct repo *r, struct role *role, const struct new_image *n, cJSON **encodings, unsigned *added)
{
    const struct delta_job job = { n->product, n->component, n->path, n->sha256, n->length, n->delta_from, n->delta_memory };

    return deltas_add(r, role, &job, encodings, added);
}

/* The image is there; deltas that were asked for may not be. They are all that ever comes to a published image. */
static int add_missing_deltas(struct repo *r, struct role *role, const struct new_image *n, const cJSON *there)
{
    cJSON *custom = tool_keep(r->t, cJSON_Duplicate(member(there, "custom"), true)), *ota = member(custom, "ota");
    cJSON *encodings = cJSON_DetachItemFromObjectCaseSensitive(ota, "encodings");
    unsigned added = 0;
    int rc = add_deltas(r, role, n, &encodings, &added);

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
        rc = add_deflated(r, role, n, &encodings);
    if (rc == TOOL_OK)
        rc = add_deltas(r, role, n, &encodings, &added);
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

static const cJSON *find_deflated(const cJSON *encodings)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, encodings)
        if (strcmp(member_text(item, "codec"), "deflate") == 0)
            return item;
    return NULL;
}

static void report_image(struct tool *t, const struct role *role, const struct new_image *n)
{
    const cJSON *target = role_target(role, n->path);
    const cJSON *z = find_deflated(member(member(member(target, "custom"), "ota"), "encodings"));

    cJSON_AddItemToObject(t->result, "image", cJSON_Duplicate(target, true));
    cJSON_AddStringToObject(t->result, "path", n->path);
    tool_say(t, "%s %s: %s, %llu bytes%s%s", n->component, n->version, n->path, (unsigned long long)n->length,
             z != NULL ? tool_format(t, ", deflated %llu", (unsigned long long)member_number(z, "length")) : "",
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
               "also offered deflated if that is smaller, and as deltas from the versions that were deployed last. A published\n"
               "image never changes; run again with --delta-from it gets more deltas.",
    .options = image_options,
    .run = run_image_add,
};
