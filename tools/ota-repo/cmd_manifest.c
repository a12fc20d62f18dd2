/* SPDX-License-Identifier: Apache-2.0 */
/* manifest show, convert, deployment: lists of images as Azure Sphere has them, and what they are here. */
#include <dirent.h>
#include <string.h>

#include "canon.h"
#include "commands.h"
#include "crypto.h"
#include "package.h"
#include "settings.h"

#define MANIFEST_TYPE_MIN 23
#define MANIFEST_TYPE_MAX 26
#define MANIFEST_BYTES_MAX (OTA_MANIFEST_HEAD_LEN + OTA_MANIFEST_IMAGES_MAX * OTA_MANIFEST_ENTRY_LEN)

static const struct option no_options[] = { { NULL, NULL, NULL, OPTION_FLAG, false } };
static const struct option convert_options[] = {
    { "out", "FILE", "the manifest with digests: the body of a package", OPTION_ONE, true },
    { "images", "DIRECTORY", "where the packages lie that it names", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option deployment_options[] = {
    { "product", "P", "whose images they are", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* A manifest, alone or in its package. */
static int manifest_open(struct tool *t, const char *file, struct file_map *m, bool hashes, struct ota_manifest *out)
{
    struct ota_package p;
    struct ota_fault fault = { .err = OTA_OK };
    int rc = file_map(t, file, m);

    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
    size_t len = m->len;
    if (ota_package_parse(&p, m->len, m->p, m->len, NULL) == OTA_OK) {
        if (p.image_type < MANIFEST_TYPE_MIN || p.image_type > MANIFEST_TYPE_MAX)
            return tool_failed(t, "%s: package.identity.type: is %s, not a manifest", file, package_type_name(t, p.image_type));
        len = (size_t)p.body_len;
    }
    return ota_manifest_open(out, m->p, len, hashes, &fault) == OTA_OK ? TOOL_OK : package_refused(t, file, &fault);
}

static void hash_text(const struct ota_manifest_entry *e, char hex[DIGEST_HEX])
{
    hex_encode(e->sha256, sizeof e->sha256, hex);
}

/* ---- show ---- */

static void show_entry(struct tool *t, const struct ota_manifest *m, size_t i, cJSON *list)
{
    struct ota_manifest_entry e;
    char hex[DIGEST_HEX];
    cJSON *row = cJSON_CreateObject();

    ota_manifest_get(m, i, &e);
    hash_text(&e, hex);
    cJSON_AddItemToArray(list, row);
    cJSON_AddStringToObject(row, "type", package_type_name(t, e.image_type));
    cJSON_AddStringToObject(row, "component", package_id_text(t, e.component));
    cJSON_AddStringToObject(row, "image", package_id_text(t, e.image));
    cJSON_AddNumberToObject(row, "partition", e.partition);
    cJSON_AddNumberToObject(row, "length", e.length);
    cJSON_AddNumberToObject(row, "uncompressed", e.uncompressed_len);
    if (m->hashed)
        cJSON_AddStringToObject(row, "sha256", hex);
    tool_say(t, "  %-16s component %s image %s, %u bytes, sha256 %s", package_type_name(t, e.image_type),
             package_id_text(t, e.component), package_id_text(t, e.image), (unsigned)e.length, m->hashed ? hex : "MISSING");
}

static int run_manifest_show(struct tool *t, const struct args *a)
{
    struct file_map m = { 0 };
    struct ota_manifest manifest;
    char time[TIME_LEN];
    int rc = manifest_open(t, a->operand, &m, false, &manifest);

    if (rc == TOOL_OK) {
        time_print(manifest.built_s > INT64_MAX ? INT64_MAX : (int64_t)manifest.built_s, time);
        cJSON_AddStringToObject(t->result, "built", time);
        cJSON_AddBoolToObject(t->result, "hashed", manifest.hashed);
        tool_say(t, "manifest of %u images, built %s%s", manifest.count, time,
                 manifest.hashed ? "" : ", WITHOUT digests: it cannot be deployed before manifest convert");
        cJSON *list = cJSON_AddArrayToObject(t->result, "images");
        for (size_t i = 0; i < manifest.count; i++)
            show_entry(t, &manifest, i, list);
    }
    file_unmap(&m);
    return rc;
}

/* ---- convert ---- */

struct convert {
    struct tool *t;
    struct ota_manifest manifest;
    struct ota_manifest_entry entry[OTA_MANIFEST_IMAGES_MAX];
    const char *found[OTA_MANIFEST_IMAGES_MAX];
};

/* A package of the directory takes its place in the manifest, if it has one. */
static int match(struct convert *c, const char *file, const struct file_map *m, const struct ota_package *p)
{
    for (size_t i = 0; i < c->manifest.count; i++) {
        struct ota_manifest_entry *e = &c->entry[i];
        if (memcmp(e->image, p->image, OTA_UID_LEN) != 0)
            continue;
        if (c->found[i] != NULL)
            return tool_failed(c->t, "%s: has the same image identifier as %s", file, c->found[i]);
        if (memcmp(e->component, p->component, OTA_UID_LEN) != 0)
            return tool_failed(c->t, "%s: package.identity.component: is another than in the manifest", file);
        if (e->image_type != p->image_type)
            return tool_failed(c->t, "%s: package.identity.type: is another than in the manifest", file);
        if (e->length != m->len)
            return tool_failed(c->t, "%s: has %zu bytes, and %u in the manifest", file, m->len, (unsigned)e->length);
        uint8_t digest[DIGEST_LEN];
        int rc = digest_of(c->t, m->p, m->len, digest);
        if (rc == TOOL_OK && c->manifest.hashed && memcmp(digest, e->sha256, sizeof digest) != 0)
            return tool_failed(c->t, "%s: has another digest than in the manifest", file);
        memcpy(e->sha256, digest, sizeof digest);
        c->found[i] = file;
        return rc;
    }
    return TOOL_OK;
}

/* What is no package is somebody else's file. */
static int look_at(struct convert *c, const char *file)
{
    struct file_map m = { 0 };
    struct ota_package p;
    int rc = file_map(c->t, file, &m);

    if (rc == TOOL_OK && ota_package_parse(&p, m.len, m.p, m.len, NULL) == OTA_OK)
        rc = match(c, file, &m, &p);
    else
        rc = TOOL_OK;
    file_unmap(&m);
    return rc;
}

static int look_through(struct convert *c, const char *directory)
{
    DIR *d = opendir(directory);
    int rc = TOOL_OK;

    if (d == NULL)
        return tool_failed(c->t, "--images: %s: cannot open", directory);
    for (struct dirent *e = readdir(d); rc == TOOL_OK && e != NULL; e = readdir(d))
        if (e->d_name[0] != '.')
            rc = look_at(c, tool_format(c->t, "%s/%s", directory, e->d_name));
    (void)closedir(d);
    for (size_t i = 0; rc == TOOL_OK && i < c->manifest.count; i++)
        if (c->found[i] == NULL)
            rc = tool_failed(c->t, "--images: %s: has no package of image %s", directory,
                             package_id_text(c->t, c->entry[i].image));
    return rc;
}

static int convert(struct convert *c, const struct args *a, struct file_map *m)
{
    const char *to = args_get(a, "out");
    uint8_t bytes[MANIFEST_BYTES_MAX];
    struct ota_fault fault = { .err = OTA_OK };
    size_t len;
    int rc = manifest_open(c->t, a->operand, m, false, &c->manifest);

    for (size_t i = 0; rc == TOOL_OK && i < c->manifest.count; i++)
        ota_manifest_get(&c->manifest, i, &c->entry[i]);
    if (rc == TOOL_OK)
        rc = look_through(c, args_get(a, "images"));
    if (rc != TOOL_OK)
        return rc;
    if (ota_manifest_write(bytes, sizeof bytes, c->manifest.built_s, c->entry, c->manifest.count, &len, &fault) != OTA_OK)
        return package_refused(c->t, a->operand, &fault);
    rc = file_replace(c->t, to, bytes, len, 0644);
    cJSON_AddStringToObject(c->t->result, "file", to);
    cJSON_AddNumberToObject(c->t->result, "images", c->manifest.count);
    if (rc == TOOL_OK)
        tool_say(c->t, "%s: %u images, each with its digest", to, c->manifest.count);
    return rc;
}

static int run_convert(struct tool *t, const struct args *a)
{
    struct convert *c = tool_alloc(t, sizeof *c);
    struct file_map m = { 0 };

    c->t = t;
    int rc = convert(c, a, &m);
    file_unmap(&m);
    return rc;
}

/* ---- deployment ---- */

/* The published image with this digest that fits the product. */
static const cJSON *published(const struct repo *r, const char *product, const char *hex)
{
    const cJSON *target;

    for (size_t i = 0; i < r->role_count; i++)
        cJSON_ArrayForEach(target, member(r->role[i].doc, "targets"))
        {
            const cJSON *ota = member(member(target, "custom"), "ota");
            if (strcmp(member_text(member(target, "hashes"), "sha256"), hex) == 0 && has_text(member(ota, "compatible"), product))
                return target;
        }
    return NULL;
}

static int deploy_entry(struct tool *t, const struct repo *os, const struct repo *product, const char *name,
                        const struct ota_manifest_entry *e, cJSON *list)
{
    char hex[DIGEST_HEX];

    hash_text(e, hex);
    const cJSON *target = published(product, name, hex);
    if (target == NULL)
        target = published(os, name, hex);
    if (target == NULL)
        return tool_failed(t, "image %s: no image of product %s is published with sha256 %s", package_id_text(t, e->image), name,
                           hex);
    const cJSON *ota = member(member(target, "custom"), "ota");
    const char *text = tool_format(t, "%s=%s", member_text(ota, "component"), member_text(ota, "version"));
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
    tool_say(t, "--image %s", text);
    return TOOL_OK;
}

static int run_deployment(struct tool *t, const struct args *a)
{
    const char *name = args_get(a, "product");
    struct file_map m = { 0 };
    struct ota_manifest manifest;
    struct ota_manifest_entry e;
    struct repo os, product;
    cJSON *settings, *list = cJSON_AddArrayToObject(t->result, "images");
    int rc = product_need(t, name, &settings);

    if (rc == TOOL_OK)
        rc = repo_open(t, NULL, &os);
    if (rc == TOOL_OK)
        rc = repo_open(t, name, &product);
    if (rc == TOOL_OK)
        rc = manifest_open(t, a->operand, &m, true, &manifest);
    for (size_t i = 0; rc == TOOL_OK && i < manifest.count; i++) {
        ota_manifest_get(&manifest, i, &e);
        rc = deploy_entry(t, &os, &product, name, &e, list);
    }
    file_unmap(&m);
    return rc;
}

const struct command command_manifest_show = {
    .name = "manifest show",
    .operand = "FILE",
    .summary = "Show a manifest of base, firmware or customer images: a package, or its body.",
    .options = no_options,
    .run = run_manifest_show,
    .creates = true,
    .alone = true,
};

const struct command command_manifest_convert = {
    .name = "manifest convert",
    .operand = "FILE",
    .summary = "Give each image of a manifest its digest, from the packages themselves.",
    .details = "A manifest without digests binds identifiers, not bytes. Every image must be in the directory, once, with the\n"
               "length, component and type that the manifest says. image pack --type customer-manifest signs the result.",
    .options = convert_options,
    .run = run_convert,
    .creates = true,
    .alone = true,
};

const struct command command_manifest_deployment = {
    .name = "manifest deployment",
    .operand = "FILE",
    .summary = "Find the published images that a manifest names by their digests: the --image options of deploy.",
    .options = deployment_options,
    .run = run_deployment,
    .reads = true,
};
