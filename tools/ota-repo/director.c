/* SPDX-License-Identifier: Apache-2.0 */
#include "director.h"

#include <string.h>

#include "commands.h"
#include "crypto.h"
#include "publish.h"
#include "shards.h"

/* SHA-256 of nothing: such a target is all in its description, and its file is empty. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

bool director_of(const cJSON *settings, unsigned *digits)
{
    const cJSON *director = member(settings, "director");

    *digits = (unsigned)member_number(director, "digits");
    return director != NULL;
}

void director_locate(struct tool *t, const char *product, struct repo *out)
{
    memset(out, 0, sizeof *out);
    out->t = t;
    out->name = tool_format(t, "director of %s", product);
    out->scope = tool_format(t, "d-%s", product);
    out->dir = tool_format(t, "%s/web/d/%s", t->dir, product);
}

int director_shard(struct tool *t, const char *id, size_t len, unsigned digits, uint32_t *out)
{
    uint8_t digest[DIGEST_LEN];
    int rc = digest_of(t, id, len, digest);

    if (rc == TOOL_OK)
        *out = ((uint32_t)digest[0] << 16 | (uint32_t)digest[1] << 8 | digest[2]) >> (24 - 4 * digits);
    return rc;
}

/* ---- small fleets: a target each, in the product's repository ---- */

static int put_device(struct repo *r, struct role *role, const char *id, const char *group, struct director_tally *tally)
{
    const char *path = tool_format(r->t, "device/%s.json", id);
    cJSON *custom = cJSON_CreateObject(), *temp = tool_keep(r->t, cJSON_CreateObject());
    const cJSON *there = member(role_target(role, path), "custom");

    cJSON_AddStringToObject(cJSON_AddObjectToObject(cJSON_AddObjectToObject(custom, "ota"), "devices"), id, group);
    if (there != NULL && cJSON_Compare(there, custom, true)) {
        cJSON_Delete(custom);
        return TOOL_OK;
    }
    cJSON_AddItemToObject(temp, "custom", custom);
    char *dir = repo_file(r, "targets/device");
    int rc = file_mkdirs(r->t, dir, 0755);
    if (rc == TOOL_OK)
        rc = file_publish(r->t, repo_target_file(r, path, EMPTY_SHA256), "", 0);
    if (rc == TOOL_OK)
        role_put_target(role, path, 0, EMPTY_SHA256, cJSON_Duplicate(custom, true));
    tally->written++;
    return rc;
}

static void drop_devices(struct role *role, const struct devices *d, struct director_tally *tally)
{
    cJSON *next, *targets = member(role->doc, "targets");

    for (cJSON *target = targets->child; target != NULL; target = next) {
        const char *id = target->string + strlen("device/");
        next = target->next;
        if (devices_find(d, id, strlen(id) - strlen(".json")) != NULL)
            continue;
        cJSON_Delete(cJSON_DetachItemViaPointer(targets, target));
        role->dirty = true;
        tally->written++;
    }
}

static int publish_small(struct tool *t, const char *product, const struct devices *d, struct director_tally *tally)
{
    struct repo r;
    int rc = repo_open(t, product, &r);
    struct role *role = rc == TOOL_OK ? repo_role(&r, "devices") : NULL;

    if (rc == TOOL_OK && role == NULL)
        rc = tool_failed(t, "%s: has no role devices; repeat: director set", r.dir);
    if (rc != TOOL_OK)
        return rc;
    drop_devices(role, d, tally);
    for (size_t i = 0; rc == TOOL_OK && i < d->count; i++) {
        const struct device *one = &d->item[i];
        rc = put_device(&r, role, tool_format(t, "%.*s", one->id_len, one->id),
                        tool_format(t, "%.*s", one->group_len, device_group(one)), tally);
    }
    tally->shards = d->count;
    if (rc == TOOL_OK && role->dirty)
        rc = repo_publish(&r);
    return rc;
}

int director_publish(struct tool *t, const char *product, const cJSON *settings, const struct devices *d, enum director_mode mode,
                     struct director_tally *tally)
{
    unsigned digits;

    if (!director_of(settings, &digits))
        return TOOL_OK;
    if (digits > 0)
        return shards_publish(t, product, digits, d, mode, tally);
    return mode == DIRECTOR_CHANGES ? publish_small(t, product, d, tally) : TOOL_OK; /* refresh renews the product's repository */
}

void director_report(struct tool *t, const struct director_tally *tally)
{
    cJSON *row = cJSON_CreateObject();

    if (tally->shards == 0 && tally->written == 0) {
        cJSON_Delete(row);
        return;
    }
    cJSON_AddNumberToObject(row, "shards", (double)tally->shards);
    cJSON_AddNumberToObject(row, "written", (double)tally->written);
    cJSON_AddNumberToObject(row, "refreshed", (double)tally->refreshed);
    cJSON_AddItemToObject(t->result, "director", row);
    tool_say(t, "director: %lu of %lu written, %lu signed anew", tally->written, tally->shards, tally->refreshed);
}
