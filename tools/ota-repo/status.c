/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "crypto.h"
#include "file.h"
#include "fleet.h"
#include "settings.h"

bool status_reaches(struct status_share share, uint64_t part, uint64_t total)
{
    return part > 0 && (share.per_cent ? part * 100 >= share.n * total : part >= share.n);
}

bool status_exceeds(struct status_share share, uint64_t part, uint64_t total)
{
    return share.per_cent ? part * 100 > share.n * total : part > share.n;
}

/* ---- what is wanted ---- */

static bool in_group(const struct status_wanted *w, const struct device *d)
{
    return strlen(w->slug) == d->group_len && memcmp(w->slug, device_group(d), d->group_len) == 0;
}

static int chosen(const struct status_wanted *w, const char *id, size_t len, bool *out)
{
    unsigned number = 0;
    const cJSON *rollout = member(w->pointer, "rollout");
    int rc = rollout == NULL ? TOOL_OK : rollout_number(w->t, member_text(rollout, "salt"), id, len, &number);

    *out = rollout == NULL || number < member_number(rollout, "per_mille");
    return rc;
}

static int count_listed(struct status_wanted *w)
{
    int rc = devices_open(w->t, w->place->product, w->place->settings, &w->registry);

    for (size_t i = 0; rc == TOOL_OK && i < w->registry.count; i++) {
        const struct device *d = &w->registry.item[i];
        bool counts = false;
        if (in_group(w, d))
            rc = chosen(w, d->id, d->id_len, &counts);
        w->listed += counts;
    }
    return rc;
}

int status_open(struct tool *t, struct place *p, const char *group, struct status_wanted *out)
{
    cJSON *settings;
    int rc = group_need(t, p->settings, group, &settings);

    *out = (struct status_wanted){ .t = t, .place = p };
    if (rc == TOOL_OK)
        rc = pointer_of_group(t, p, settings, &out->pointer);
    if (rc != TOOL_OK)
        return rc;
    out->slug = member_text(settings, "slug");
    out->path = group_path(t, out->slug);
    if (cJSON_GetArraySize(member(out->pointer, "images")) == 0 && member(out->pointer, "os_feed") == NULL)
        return tool_failed(t, "group %s: has no deployment: it was withdrawn", out->slug);
    const cJSON *target = role_target(repo_role(&p->repo, "groups"), out->path);
    (void)snprintf(out->sha256, sizeof out->sha256, "%s", member_text(member(target, "hashes"), "sha256"));
    out->file = repo_target_file(&p->repo, out->path, out->sha256);
    out->digits = strstr(out->file, out->sha256);
    return count_listed(out);
}

void status_close(struct status_wanted *w)
{
    devices_close(&w->registry);
}

/* ---- what was reported ---- */

/* Settings of a group make a new deployment of the same images, of which devices that have them tell nothing. Pointers stay
 * where they were published, under their digests: so what another deployment was can be read. */
static bool says_the_same(struct status_wanted *w, const char *sha256)
{
    struct tool *t = w->t;
    char *text, hex[DIGEST_HEX];
    size_t len;
    cJSON *pointer;

    if (file_read(t, w->file, &text, &len) != TOOL_OK || digest_hex(t, text, len, hex) != TOOL_OK)
        return false;
    return strcmp(hex, sha256) == 0 && json_parse_own(t, w->file, text, len, &pointer) == TOOL_OK &&
           pointer_same_content(pointer, w->pointer);
}

/* Only deployments that there were take memory, whatever reports name. */
static bool is_wanted(struct status_wanted *w, const char *sha256)
{
    struct status_other *o = w->others;

    if (strcmp(sha256, w->sha256) == 0)
        return true;
    for (; o != NULL; o = o->next)
        if (strcmp(o->sha256, sha256) == 0)
            return o->same;
    memcpy(w->digits, sha256, DIGEST_HEX - 1);
    if (!file_exists(w->file))
        return false;
    o = tool_alloc(w->t, sizeof *o);
    (void)snprintf(o->sha256, sizeof o->sha256, "%s", sha256);
    o->same = says_the_same(w, sha256);
    o->next = w->others;
    w->others = o;
    return o->same;
}

/* One walk: the device whose folder is under way, and its newest report of a deployment's outcome. */
struct look {
    struct status_wanted *w;
    struct status_tally *tally;
    struct report newest;
    char group[REPORT_TEXT_MAX]; /* as its newest report of any kind says */
    uint64_t newest_any;
    uint64_t unlisted;           /* devices that count and that the registry does not have */
};

static void note_failure(struct look *l)
{
    const struct report *r = &l->newest;

    if (l->tally->failed < STATUS_NAMED_MAX) {
        struct status_failure *f = &l->tally->failure[l->tally->failed];
        (void)snprintf(f->device, sizeof f->device, "%s", r->device);
        (void)snprintf(f->outcome, sizeof f->outcome, "%s", r->outcome);
        (void)snprintf(f->cause, sizeof f->cause, "%s", r->cause);
        (void)snprintf(f->where, sizeof f->where, "%s", r->where);
        (void)snprintf(f->version, sizeof f->version, "%s", r->version);
        (void)snprintf(f->running, sizeof f->running, "%s", r->running);
        f->port = r->port;
    }
    l->tally->failed++;
}

static bool belongs(const struct look *l, const struct device *listed)
{
    return listed != NULL ? in_group(l->w, listed) : strcmp(l->group, l->w->slug) == 0;
}

/* The device's folder ends. */
static int judge(struct look *l)
{
    const char *id = l->newest.device;
    const struct device *listed = devices_find(&l->w->registry, id, strlen(id));
    bool counts = false;

    if (id[0] == '\0' || !belongs(l, listed))
        return TOOL_OK;
    int rc = chosen(l->w, id, strlen(id), &counts);
    bool told = l->newest.id > 0 && is_wanted(l->w, l->newest.deployment);
    l->unlisted += (listed == NULL && (counts || told)) || (listed != NULL && !counts && told);
    if (told && strcmp(l->newest.outcome, "confirmed") == 0)
        l->tally->done++;
    else if (told)
        note_failure(l);
    return rc;
}

static bool of_a_deployment(const struct report *r)
{
    return strcmp(r->outcome, "none") != 0 && strspn(r->deployment, "0") < DIGEST_HEX - 1;
}

static int take_report(void *self, const struct report *r)
{
    struct look *l = self;
    int rc = TOOL_OK;

    if (strcmp(r->product, l->w->place->product) != 0)
        return TOOL_OK;
    if (strcmp(l->newest.device, r->device) != 0) {
        rc = judge(l);
        l->newest = (struct report){ 0 };
        l->newest_any = 0;
        (void)snprintf(l->newest.device, sizeof l->newest.device, "%s", r->device);
    }
    if (r->id > l->newest_any) {
        l->newest_any = r->id;
        (void)snprintf(l->group, sizeof l->group, "%s", r->group);
    }
    if (of_a_deployment(r) && r->id > l->newest.id)
        l->newest = *r;
    return rc;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

int status_look(struct status_wanted *w, const char *dir, struct status_tally *out)
{
    struct look l = { .w = w, .tally = out };
    struct report_walk walk = { .visit = take_report, .self = &l };

    *out = (struct status_tally){ 0 };
    int rc = report_walk(w->t, dir, &walk);
    if (rc == TOOL_OK)
        rc = judge(&l);
    out->bad = walk.bad;
    out->total = larger(w->listed + l.unlisted, w->devices);
    return rc;
}
