/* SPDX-License-Identifier: Apache-2.0 */
/* What devices are told of their groups, read as they read it, and compared with the registry. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "crypto.h"
#include "director.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct verify {
    struct tool *t;
    const char *product;
    unsigned digits;
    const struct devices *devices;
    struct repo roots;             /* of the director */
    uint64_t named;                /* devices that were found */
};

/* One member of "devices": in the registry, with that group, and nowhere else but here. */
static int check_device(struct verify *v, struct at a, const cJSON *item, uint32_t shard)
{
    const char *id = item->string, *group = cJSON_GetStringValue(item);
    const struct device *d = devices_find(v->devices, id, strlen(id));
    uint32_t at = shard;
    int rc = TOOL_OK;

    if (group == NULL)
        return at_bad(a, id, "is not a string");
    if (d == NULL)
        return at_bad(a, id, "is no device of the registry");
    if (strlen(group) != d->group_len || memcmp(group, device_group(d), d->group_len) != 0)
        return at_bad(a, id, "is \"%s\", must be \"%.*s\"", group, d->group_len, device_group(d));
    if (v->digits > 0)
        rc = director_shard(a.t, id, strlen(id), v->digits, &at);
    if (rc == TOOL_OK && at != shard)
        rc = at_bad(a, id, "belongs to another shard");
    v->named++;
    return rc;
}

/* A target without content, whose description names devices. */
static int check_target(struct verify *v, struct at targets, const char *path, uint32_t shard)
{
    struct at target, hashes, custom, ota, devices;
    const char *hex;
    uint64_t length;
    const cJSON *item;
    int rc = at_object(targets, path, &target);

    if (rc == TOOL_OK)
        rc = at_number(target, "length", 0, 0, &length);
    if (rc == TOOL_OK)
        rc = at_object(target, "hashes", &hashes);
    if (rc == TOOL_OK)
        rc = at_string(hashes, "sha256", &hex);
    if (rc == TOOL_OK && strcmp(hex, EMPTY_SHA256) != 0)
        rc = at_bad(hashes, "sha256", "is not that of nothing");
    if (rc == TOOL_OK)
        rc = at_object(target, "custom", &custom);
    if (rc == TOOL_OK)
        rc = at_object(custom, "ota", &ota);
    if (rc == TOOL_OK)
        rc = at_object(ota, "devices", &devices);
    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, devices.obj)
        if (rc == TOOL_OK)
            rc = check_device(v, devices, item, shard);
    return rc;
}

static int check_scope(const struct verify *v, struct tool *t, const char *file, const char *shard, cJSON *doc)
{
    struct at a = { t, file, "signed", doc };
    const char *scope, *want = tool_format(t, "%s/%s", v->product, shard);
    int rc = at_string(a, "x-scope", &scope);

    return rc == TOOL_OK && strcmp(scope, want) != 0 ? at_bad(a, "x-scope", "is \"%s\", must be \"%s\"", scope, want) : rc;
}

static int check_scopes(const struct verify *v, struct repo *r)
{
    int rc = check_scope(v, r->t, repo_file(r, "metadata/%s/timestamp.json", r->shard), r->shard, r->timestamp);

    if (rc == TOOL_OK)
        rc = check_scope(v, r->t, repo_file(r, "metadata/%s/%" PRIu64 ".snapshot.json", r->shard, member_number(r->snapshot, "version")),
                         r->shard, r->snapshot);
    if (rc == TOOL_OK)
        rc = check_scope(v, r->t,
                         repo_file(r, "metadata/%s/%" PRIu64 ".targets.json", r->shard, member_number(r->role[0].doc, "version")),
                         r->shard, r->role[0].doc);
    return rc;
}

static int check_one(struct verify *v, struct repo *r, uint32_t shard)
{
    int rc = check_top(r);

    if (rc == TOOL_ABSENT)
        return tool_failed(r->t, "%s/metadata/%s/timestamp.json: is missing", r->dir, r->shard);
    if (rc == TOOL_OK)
        rc = check_scopes(v, r);
    if (rc != TOOL_OK)
        return rc;
    const char *file = repo_file(r, "metadata/%s/%" PRIu64 ".targets.json", r->shard, member_number(r->role[0].doc, "version"));
    cJSON *targets = member(r->role[0].doc, "targets");
    struct at here = { r->t, file, "signed.targets", targets };
    if (cJSON_GetArraySize(targets) != 1)
        return at_bad(here, "", "must be one target");
    return check_target(v, here, tool_format(r->t, "shard/%s.json", r->shard), shard);
}

/* What it takes to check a shard goes with it: there may be millions. */
static int check_shard(struct verify *v, uint32_t shard)
{
    char name[SHARD_DIGITS_MAX + 1];
    struct tool inner;
    struct repo r = v->roots;

    tool_begin(&inner);
    inner.now_s = v->t->now_s;
    (void)snprintf(name, sizeof name, "%0*" PRIx32, (int)v->digits, shard & 0xffffffu);
    r.t = &inner;
    r.shard = name;
    int rc = check_one(v, &r, shard);
    if (rc != TOOL_OK)
        rc = tool_failed(v->t, "%s", inner.error);
    tool_end(&inner);
    return rc;
}

static int check_shards(struct verify *v, unsigned long *shards)
{
    uint32_t count = (uint32_t)1 << (4 * v->digits);

    director_locate(v->t, v->product, &v->roots);
    v->roots.strict_time = true;
    int rc = check_root(&v->roots);
    for (uint32_t s = 0; rc == TOOL_OK && s < count; s++)
        rc = check_shard(v, s);
    *shards = count;
    return rc;
}

/* Small fleets: the product's repository, which was checked, has a target for each device. */
static int check_small(struct verify *v, unsigned long *shards)
{
    struct repo r;
    int rc = repo_open(v->t, v->product, &r);
    const struct role *role = rc == TOOL_OK ? repo_role(&r, "devices") : NULL;
    const cJSON *target;

    if (rc != TOOL_OK || role == NULL)
        return rc != TOOL_OK ? rc : tool_failed(v->t, "%s: has no role devices", r.dir);
    const char *file = repo_file(&r, "metadata/%" PRIu64 ".devices.json", member_number(role->doc, "version"));
    struct at targets = { v->t, file, "signed.targets", member(role->doc, "targets") };
    cJSON_ArrayForEach(target, targets.obj) {
        const cJSON *devices = member(member(member(target, "custom"), "ota"), "devices");
        if (cJSON_GetArraySize(devices) != 1 || strcmp(target->string, tool_format(v->t, "device/%s.json", devices->child->string)) != 0)
            return at_bad(targets, target->string, "must name its device alone");
        rc = check_target(v, targets, target->string, 0);
        if (rc != TOOL_OK)
            return rc;
    }
    *shards = v->devices->count;
    return TOOL_OK;
}

int director_verify(struct tool *t, const char *product, const cJSON *settings, unsigned long *shards)
{
    struct verify v = { .t = t, .product = product };
    struct devices devices;

    *shards = 0;
    if (!director_of(settings, &v.digits))
        return TOOL_OK;
    int rc = devices_open(t, product, settings, &devices);
    v.devices = &devices;
    if (rc == TOOL_OK)
        rc = v.digits > 0 ? check_shards(&v, shards) : check_small(&v, shards);
    if (rc == TOOL_OK && v.named != devices.count)
        rc = tool_failed(t, "director of %s: names %" PRIu64 " of %zu devices of the registry; repeat: director set", product, v.named,
                         devices.count);
    devices_close(&devices);
    return rc;
}
