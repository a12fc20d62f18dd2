/* SPDX-License-Identifier: Apache-2.0 */
#include "deltas.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "file.h"
#include "delta_file.h"
#include "publish.h"
#include "settings.h"

#define DEPLOYED_MAX 16 /* versions that are remembered */
#define MEMORY_MIN 4096u
#define MEMORY_MAX (1u << 30)
/* A device keeps the file's path with the digest and a dot in front of the name in 191 characters. */
#define PATH_MAX_LEN (191 - 65)

/* ---- what was deployed ---- */

const cJSON *deployed_list(const cJSON *product, const char *component)
{
    return member(member(product, "deployed"), component);
}

static void forget(cJSON *list, const char *version)
{
    for (int i = cJSON_GetArraySize(list) - 1; i >= 0; i--)
        if (strcmp(cJSON_GetArrayItem(list, i)->valuestring, version) == 0)
            cJSON_DeleteItemFromArray(list, i);
}

void deployed_note(cJSON *product, const char *component, const char *version)
{
    cJSON *all = member(product, "deployed");

    if (all == NULL)
        all = cJSON_AddObjectToObject(product, "deployed");
    cJSON *list = member(all, component);
    if (list == NULL)
        list = cJSON_AddArrayToObject(all, component);
    forget(list, version);
    cJSON_AddItemToArray(list, cJSON_CreateString(version));
    while (cJSON_GetArraySize(list) > DEPLOYED_MAX)
        cJSON_DeleteItemFromArray(list, 0);
}

/* ---- from which images ---- */

int delta_memory(struct tool *t, const char *text, uint32_t *out)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 0;

    if (end == text || text[0] == '-' || n > MEMORY_MAX || (shift ? end[1] : end[0]) != '\0' || n << shift < MEMORY_MIN ||
        n << shift > MEMORY_MAX)
        return tool_usage(t, "--delta-memory: \"%s\" must be 4K..1024M, such as 32K", text);
    *out = (uint32_t)(n << shift);
    return TOOL_OK;
}

/* Every image of the component that fits the product. */
static void all_images(const struct role *role, const struct delta_job *job, cJSON *versions)
{
    const cJSON *target;

    cJSON_ArrayForEach(target, member(role->doc, "targets"))
    {
        const cJSON *ota = member(member(target, "custom"), "ota");
        if (strcmp(member_text(ota, "component"), job->component) == 0 && has_text(member(ota, "compatible"), job->product))
            cJSON_AddItemToArray(versions, cJSON_CreateString(member_text(ota, "version")));
    }
}

void deltas_last_deployed(struct tool *t, const struct role *role, const struct delta_job *job, cJSON *versions)
{
    const cJSON *list = deployed_list(product_find(t, job->product), job->component);
    struct named_image image;

    for (int i = cJSON_GetArraySize(list) - 1; i >= 0 && cJSON_GetArraySize(versions) < (int)t->settings.delta_keep; i--) {
        const char *version = cJSON_GetArrayItem(list, i)->valuestring;
        if (image_find(t, role, job->product, job->component, version, &image) == TOOL_OK && strcmp(image.path, job->path) != 0)
            cJSON_AddItemToArray(versions, cJSON_CreateString(version));
    }
    t->error[0] = '\0';
}

static void split(struct tool *t, const char *text, cJSON *out)
{
    char *copy = tool_format(t, "%s", text), *rest = NULL;

    for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest))
        cJSON_AddItemToArray(out, cJSON_CreateString(part));
}

static cJSON *base_versions(struct tool *t, const struct role *role, const struct delta_job *job)
{
    cJSON *versions = tool_keep(t, cJSON_CreateArray());

    if (job->from == NULL && t->settings.delta)
        deltas_last_deployed(t, role, job, versions);
    else if (job->from != NULL && strcmp(job->from, "all") == 0)
        all_images(role, job, versions);
    else if (job->from != NULL && strcmp(job->from, "none") != 0)
        split(t, job->from, versions);
    return versions;
}

static int memories(struct tool *t, const struct delta_job *job, uint32_t out[DELTA_MEMORIES_MAX], size_t *count)
{
    cJSON *texts = tool_keep(t, cJSON_CreateArray());
    const cJSON *text;

    *count = t->settings.delta_memories;
    memcpy(out, t->settings.delta_memory, sizeof t->settings.delta_memory);
    if (job->memory == NULL)
        return TOOL_OK;
    split(t, job->memory, texts);
    *count = 0;
    cJSON_ArrayForEach(text, texts)
    {
        if (*count == DELTA_MEMORIES_MAX)
            return tool_usage(t, "--delta-memory: more than %d sizes", DELTA_MEMORIES_MAX);
        int rc = delta_memory(t, text->valuestring, &out[(*count)++]);
        if (rc != TOOL_OK)
            return rc;
    }
    return *count > 0 ? TOOL_OK : tool_usage(t, "--delta-memory: names no size");
}

/* ---- one delta ---- */

/* What the image costs without this delta: for every device, or for one that runs this base. An index is for those that
 * have none. */
static uint64_t cheapest(const struct delta_job *job, const cJSON *encodings, const char *base)
{
    uint64_t least = job->length;
    const cJSON *item;

    cJSON_ArrayForEach(item, encodings)
    {
        bool delta = strcmp(member_text(item, "codec"), "delta") == 0;
        if (strcmp(member_text(item, "codec"), "index") == 0 || (delta && strcmp(member_text(item, "base"), base) != 0))
            continue;
        if (member_number(item, "length") < least)
            least = member_number(item, "length");
    }
    return least;
}

static bool there_already(const cJSON *encodings, const char *path)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, encodings) if (strcmp(member_text(item, "path"), path) == 0) return true;
    return false;
}

static void append(cJSON **encodings, const struct named_image *base, const char *path, const char *sha256, uint64_t length,
                   uint32_t needs)
{
    cJSON *entry = cJSON_CreateObject();

    if (*encodings == NULL)
        *encodings = cJSON_CreateArray();
    cJSON_AddStringToObject(entry, "codec", "delta");
    cJSON_AddStringToObject(entry, "path", path);
    cJSON_AddStringToObject(entry, "sha256", sha256);
    cJSON_AddNumberToObject(entry, "length", (double)length);
    cJSON_AddStringToObject(entry, "base", base->sha256);
    cJSON_AddNumberToObject(entry, "base_length", (double)base->length);
    cJSON_AddNumberToObject(entry, "memory", needs);
    cJSON_AddItemToArray(*encodings, entry);
}

/* Deltas that are looked for: all pairs of a version and a memory that there is nothing for yet. */
struct wanted {
    struct named_image *base;
    const char **path;
    struct patch_order *orders;
    size_t count;
};

static bool wanted_already(const struct wanted *w, const char *path)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->path[i], path) == 0)
            return true;
    return false;
}

static int want(struct repo *r, const struct delta_job *job, const cJSON *encodings, const struct named_image *base,
                uint32_t memory, struct wanted *w)
{
    struct tool *t = r->t;
    const char *path = tool_format(t, "%s.%.8s.%uk.d", job->path, base->sha256, (unsigned)(memory >> 10));

    if (strcmp(base->sha256, job->sha256) == 0 || there_already(encodings, path) || wanted_already(w, path))
        return TOOL_OK;
    if (strlen(path) > PATH_MAX_LEN)
        return tool_failed(t, "%s: longer than %d characters; give the image a shorter --name", path, PATH_MAX_LEN);
    w->base[w->count] = *base;
    w->path[w->count] = path;
    w->orders[w->count++] = (struct patch_order){ .pair = { repo_target_file(r, base->path, base->sha256),
                                                            repo_target_file(r, job->path, job->sha256), base->sha256,
                                                            job->sha256 },
                                                  .memory = memory };
    return TOOL_OK;
}

static int want_all(struct repo *r, struct role *role, const struct delta_job *job, const cJSON *encodings, struct wanted *w)
{
    struct tool *t = r->t;
    uint32_t memory[DELTA_MEMORIES_MAX];
    size_t count;
    const cJSON *versions = base_versions(t, role, job), *version;
    struct named_image base;
    int rc = memories(t, job, memory, &count);
    size_t most = (size_t)cJSON_GetArraySize(versions) * count + 1;

    *w = (struct wanted){ tool_alloc(t, most * sizeof *w->base), tool_alloc(t, most * sizeof *w->path),
                          tool_alloc(t, most * sizeof *w->orders), 0 };
    cJSON_ArrayForEach(version, versions)
    {
        if (rc == TOOL_OK)
            rc = image_find(t, role, job->product, job->component, version->valuestring, &base);
        for (size_t i = 0; rc == TOOL_OK && i < count; i++)
            rc = want(r, job, encodings, &base, memory[i], w);
    }
    return rc;
}

static int publish(struct repo *r, struct role *role, const struct delta_job *job, const struct wanted *w, size_t i,
                   cJSON **encodings, unsigned *added)
{
    struct tool *t = r->t;
    const struct patch_order *o = &w->orders[i];
    const struct named_image *base = &w->base[i];
    char *temp, sha256[DIGEST_HEX];
    uint64_t length;

    if (o->wrong != NULL) {
        tool_warn(t, "delta from %s: no delta with %u bytes of memory: %s", base->version, (unsigned)o->memory, o->wrong);
        return TOOL_OK;
    }
    if (o->len >= cheapest(job, *encodings, base->sha256)) {
        tool_say(t, "delta from %s with %u KiB: %llu bytes, not worth it", base->version, (unsigned)(o->memory >> 10),
                 (unsigned long long)o->len);
        return TOOL_OK;
    }
    int rc = target_temp(r, w->path[i], &temp);
    if (rc == TOOL_OK)
        rc = patch_write(t, o, temp, &length, sha256);
    if (rc == TOOL_OK)
        rc = publish_temp(r, temp, w->path[i], length, sha256);
    if (rc != TOOL_OK)
        return rc;
    role_put_target(role, w->path[i], length, sha256, NULL);
    append(encodings, base, w->path[i], sha256, length, o->needs);
    (*added)++;
    tool_say(t, "delta from %s: %llu bytes, %u bytes of memory", base->version, (unsigned long long)length, (unsigned)o->needs);
    return TOOL_OK;
}

int deltas_add(struct repo *r, struct role *role, const struct delta_job *job, cJSON **encodings, unsigned *added)
{
    struct wanted w;
    int rc = want_all(r, role, job, *encodings, &w);

    *added = 0;
    if (rc == TOOL_OK)
        rc = patches_make(r->t, w.orders, w.count);
    for (size_t i = 0; rc == TOOL_OK && i < w.count; i++)
        rc = publish(r, role, job, &w, i, encodings, added);
    patches_free(w.orders, w.count);
    return rc;
}
