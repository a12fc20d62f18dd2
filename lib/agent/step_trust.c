/* SPDX-License-Identifier: Apache-2.0 */
/* TRUST: drive the TUF client until the deployment of this device's group has become a release.
 *
 * Goals in turn: the group's pointer in repos[0]; each image that it names, in the repository that owns its path; the
 * OS feed's pointer where the group follows one, and its images. A repository is refreshed once per check-in. */
#include <string.h>

#include "agent.h"
#include "assign.h"
#include OTAI_POLICY_HEADER
#include OTAI_RELATIONS_HEADER

static ota_err open_repo(struct ota *a, uint8_t repo)
{
    struct otai_trust *t = a->m.trust;
    const struct ota_repo *r = &a->cfg.repos[repo];
    const struct ota_tuf_config cfg = { .size = sizeof cfg, .crypto = a->cfg.crypto, .root = r->root,
        .root_len = r->root_len, .scope = otai_assign_scope(a, repo), .limits = a->cfg.limits.tuf };
    ota_err err = ota_tuf_init(&t->tuf, &cfg, t->tuf_mem, t->tuf_len);

    if (err == OTA_OK)
        err = ota_tuf_refresh(t->tuf, t->now_s);
    if (err != OTA_OK)
        return otai_fail(a, err, "tuf");
    t->repo = repo;
    t->refreshed = false;
    t->phase = OTAI_TRUST_PUMP;
    return OTA_AGAIN;
}

/* Choose the next goal in a step of its own: no call chain ever comes back to where it began. */
ota_err otai_trust_go_on(struct ota *a)
{
    a->m.trust->phase = OTAI_TRUST_NEXT;
    return OTA_AGAIN;
}

static ota_err begin(struct ota *a)
{
    struct otai_arena rest;
    const struct ota_tuf_config cfg = { .size = sizeof cfg, .crypto = a->cfg.crypto, .limits = a->cfg.limits.tuf };
    struct otai_trust *t = a->m.trust = otai_region(a, sizeof *t, &rest);

    t->tuf_len = ota_tuf_len(&cfg);
    t->tuf_mem = otai_arena_take(&rest, t->tuf_len);
    t->pointer_buf = otai_arena_take(&rest, a->cfg.limits.pointer_max);
    uint8_t repo;
    ota_err err = otai_believed_time(a, &t->now_s);
    if (err != OTA_OK)
        return err;
    t->fresh_until_s = INT64_MAX;
    memset(&a->release, 0, sizeof a->release);
    otai_relations_begin(a);
    err = otai_assign_begin(a, &repo);
    return err == OTA_OK ? open_repo(a, repo) : err;
}

/* ---- what TUF wants: load, store, fetch ---- */

static ota_err load(struct ota *a, const char *name)
{
    struct otai_trust *t = a->m.trust;
    struct ota_store *s = a->cfg.store;
    int32_t code = 0;
    size_t len = 0;
    ota_err err = s->ops->read(s, name, t->want.buf, t->want.cap, &len, &code);

    if (err != OTA_OK && err != OTA_DEVICE_ABSENT)
        return otai_fail_port(a, err, name, code);
    bool there = err == OTA_OK && len <= t->want.cap;
    return ota_tuf_answer(t->tuf, there ? OTA_TUF_GOT : OTA_TUF_ABSENT, there ? len : 0);
}

static bool wants_role(const struct ota *a, const char *role)
{
    return strcmp(a->m.trust->want.role, role) == 0;
}

static ota_err keep(struct ota *a, const char *name)
{
    struct otai_trust *t = a->m.trust;
    struct ota_store *s = a->cfg.store;
    int32_t code = 0;
    ota_err err = t->want.kind == OTA_TUF_STORE ? s->ops->write(s, name, t->want.buf, t->want.len, &code)
                                                : s->ops->remove(s, name, &code);

    if (err != OTA_OK)
        return otai_fail_port(a, err, name, code);
    if (t->want.kind == OTA_TUF_STORE && wants_role(a, "root"))
        otai_note(a, OTA_EV_ROOT_ROTATED, t->repo, 0);
    return ota_tuf_answer(t->tuf, OTA_TUF_STORED, 0);
}

static ota_err fetch_metadata(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    const struct otai_fetch_job job = { .base = a->cfg.repos[t->repo].metadata_url, .file = otai_assign_file(a), .max = t->want.cap };

    t->fill = 0;
    t->phase = OTAI_TRUST_BODY;
    return otai_get(a, &job, t->want.file);
}

static ota_err serve(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    char name[OTA_STORE_NAME_MAX];

    if (t->want.kind == OTA_TUF_FETCH)
        return fetch_metadata(a);
    ota_err err = otai_record_name(a->cfg.repos[t->repo].name, t->want.role, name);
    if (err != OTA_OK)
        return otai_fail(a, err, "tuf role name");
    err = t->want.kind == OTA_TUF_LOAD ? load(a, name) : keep(a, name);
    return err == OTA_OK ? OTA_AGAIN : err;
}

/* Storage services answer 403 for a file that is not there to those who may not list the rest: no newer root, then. */
static bool is_absent(const struct ota *a, ota_err err)
{
    return err == OTA_RETRY_NOT_FOUND || (err == OTA_RETRY_REFUSED && a->fetch.head.status == 403 && wants_role(a, "root"));
}

/* A file that is not there, or is longer than it may be, is TUF's to judge; anything else ends this check-in. */
static ota_err answer_body(struct ota *a, ota_err err)
{
    struct otai_trust *t = a->m.trust;
    enum ota_tuf_answer answer = OTA_TUF_GOT;

    if (is_absent(a, err))
        answer = OTA_TUF_ABSENT;
    else if (err == OTA_REJECT_LENGTH)
        answer = OTA_TUF_TOO_LONG;
    else if (err != OTA_DONE)
        return otai_fetch_failed(a, err, t->want.file);
    if (answer == OTA_TUF_GOT && t->repo == 0 && wants_role(a, "timestamp"))
        (void)otai_copy(t->etag, sizeof t->etag, a->fetch.head.etag);
    if (answer == OTA_TUF_GOT)
        otai_note(a, OTA_EV_TRUST_FETCH, t->repo, (uint32_t)t->fill);
    t->phase = OTAI_TRUST_PUMP;
    err = ota_tuf_answer(t->tuf, answer, t->fill);
    return err == OTA_OK ? OTA_AGAIN : otai_fail(a, err, "tuf");
}

static ota_err read_body(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    uint8_t beyond[1];
    size_t got = 0;
    bool full = t->fill == t->want.cap;
    ota_err err = otai_fetch_poll(&a->fetch, full ? beyond : t->want.buf + t->fill, full ? 1 : t->want.cap - t->fill, &got);

    if (err == OTA_AGAIN)
        return otai_wait_net(a);
    if (err != OTA_OK)
        return answer_body(a, err);
    t->fill += got;
    return OTA_AGAIN;
}

/* ---- goals ---- */

static bool device_has(const struct ota *a, const char *component, uint8_t *index)
{
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        if (strcmp(a->cfg.components[i].name, component) == 0) {
            *index = (uint8_t)i;
            return true;
        }
    }
    return false;
}

/* Images of components that another agent of this device looks after are none of our business. */
static bool concerns_us(const struct ota *a, const struct otai_pointer *p, size_t k)
{
    uint8_t index;

    if (p->os_only && strcmp(p->image[k].component, "os") != 0)
        return false;
    return device_has(a, p->image[k].component, &index);
}

/* The group follows an OS feed and leaves the choice of the OS to it. */
static bool wants_feed(const struct ota *a)
{
    const struct otai_trust *t = a->m.trust;
    uint8_t index;

    return t->pointer.os_feed[0] && !t->have_feed && !otai_pointer_names(&t->pointer, "os") && device_has(a, "os", &index);
}

static bool pending(const struct ota *a, size_t k)
{
    const struct otai_trust *t = a->m.trust;

    return concerns_us(a, &t->pointer, k) && !(t->resolved & (1u << k));
}

static ota_err seek(struct ota *a, const char *path)
{
    struct otai_trust *t = a->m.trust;
    int repo = otai_repo_for(a->cfg.repos, a->cfg.repo_count, path);

    if (repo < 0)
        return otai_fail(a, OTA_REJECT_TARGET, "pointer: bad path");
    if (repo != t->repo)
        return open_repo(a, (uint8_t)repo);
    ota_err err = ota_tuf_find(t->tuf, path);
    if (err != OTA_OK)
        return otai_fail(a, err, "tuf");
    t->phase = OTAI_TRUST_PUMP;
    return OTA_AGAIN;
}

/* An image of the repository at hand before one of another: each repository is refreshed once. */
static bool next_image(const struct ota *a, uint8_t *k)
{
    const struct otai_trust *t = a->m.trust;
    bool any = false;

    for (size_t i = 0; i < t->pointer.count; i++) {
        if (!pending(a, i))
            continue;
        bool here = otai_repo_for(a->cfg.repos, a->cfg.repo_count, t->pointer.image[i].path) == t->repo;
        if (!any || here)
            *k = (uint8_t)i;
        any = true;
        if (here)
            break;
    }
    return any;
}

#define GOAL_POINTER 0xffu

static ota_err next_goal(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    char path[OTA_PATH_MAX];
    uint8_t k = 0;
    ota_err err = OTA_OK;

    if (otai_assign_pending(a)) {
        otai_assign_path(a, path);
        return seek(a, path);
    }
    if (t->have_pointer && next_image(a, &k)) {
        t->image = k;
        return seek(a, t->pointer.image[k].path);
    }
    t->image = GOAL_POINTER;
    if (!t->have_pointer)
        err = otai_pointer_path(a->cfg.group, path, sizeof path);
    else if (wants_feed(a))
        err = otai_feed_path(t->pointer.os_feed, a->cfg.product, path, sizeof path);
    else
        return otai_trust_settle(a);
    return err == OTA_OK ? seek(a, path) : otai_fail(a, err, "pointer path");
}

/* ---- the pointer file ---- */

static ota_err fetch_pointer(struct ota *a, const struct ota_tuf_target *target)
{
    struct otai_trust *t = a->m.trust;

    if (target->length > a->cfg.limits.pointer_max || target->length == 0)
        return otai_fail(a, OTA_REJECT_LIMIT, "pointer: length");
    if (!target->has_sha256)
        return otai_fail(a, OTA_REJECT_HASH, "pointer: no sha256");
    (void)otai_copy(t->file, sizeof t->file, target->file);
    otai_digest_copy(t->pointer_sha256, target->sha256);
    t->pointer_len = target->length;
    t->fill = 0;
    const struct otai_fetch_job job = { .base = a->cfg.repos[t->repo].targets_url, .file = t->file, .exact = t->pointer_len };
    t->phase = OTAI_TRUST_POINTER;
    return otai_get(a, &job, "pointer");
}

ota_err otai_trust_digest(struct ota *a, const void *x, size_t x_len, const void *y, size_t y_len, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_crypto *c = a->cfg.crypto;
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256);

    if (err == OTA_OK)
        err = c->ops->hash_add(c, &h, x, x_len);
    if (err == OTA_OK)
        err = c->ops->hash_add(c, &h, y, y_len);
    ota_err end = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? end : err;
}

/* The feed's images join the group's; the deployment's identity covers both files. */
static ota_err join_feed(struct ota *a, const struct otai_pointer *feed)
{
    struct otai_trust *t = a->m.trust;

    t->have_feed = true;
    for (size_t k = 0; k < feed->count; k++) {
        if (otai_pointer_names(&t->pointer, feed->image[k].component))
            continue;
        if (t->pointer.count == OTA_COMPONENTS_MAX)
            return otai_fail(a, OTA_REJECT_LIMIT, "feed: images");
        t->pointer.image[t->pointer.count++] = feed->image[k];
    }
    ota_err err = otai_trust_digest(a, a->release.deployment, OTA_SHA256_LEN, t->pointer_sha256, OTA_SHA256_LEN, a->release.deployment);
    return err == OTA_OK ? otai_trust_go_on(a) : otai_fail(a, err, "crypto.hash");
}

static ota_err take_pointer(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    uint8_t sum[OTA_SHA256_LEN];
    struct otai_pointer p;
    ota_err err = otai_trust_digest(a, t->pointer_buf, t->fill, NULL, 0, sum);

    if (err != OTA_OK)
        return otai_fail(a, err, "crypto.hash");
    if (!otai_equal(sum, t->pointer_sha256, sizeof sum))
        return otai_fail(a, OTA_REJECT_HASH, "pointer");
    err = otai_pointer_parse(t->pointer_buf, t->fill, a->cfg.product, t->have_pointer ? NULL : a->cfg.group,
                             t->have_pointer ? t->pointer.os_feed : NULL, &p, &a->fault);
    if (err != OTA_OK)
        return err;
    if (t->have_pointer)
        return join_feed(a, &p);
    t->have_pointer = true;
    t->pointer = p;
    a->release.seq = p.seq;
    otai_digest_copy(a->release.deployment, sum);
    if (p.seq < a->j.seq_floor)
        return otai_fail(a, OTA_REJECT_SEQUENCE, "pointer.seq");
    return otai_policy_pointer(a);
}

static ota_err read_pointer(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    size_t got = 0;
    size_t room = (size_t)t->pointer_len - t->fill;
    uint8_t beyond[1];
    ota_err err = otai_receive(a, room ? t->pointer_buf + t->fill : beyond, room ? room : 1, &got, "pointer");

    t->fill += got;
    if (err == OTA_DONE)
        return take_pointer(a);
    return err == OTA_OK ? OTA_AGAIN : err;
}

/* ---- the end: from verified targets to what has to change ---- */

static ota_err take_image(struct ota *a, const struct ota_tuf_target *target)
{
    struct otai_trust *t = a->m.trust;
    const struct otai_pointer_image *n = &t->pointer.image[t->image];
    struct ota_release_image *r = &a->release.image[a->release.count];

    memset(r, 0, sizeof *r);
    r->repo = t->repo;
    (void)device_has(a, n->component, &r->component);
    const struct otai_installed *now = &a->j.installed[r->component];
    const struct otai_device device = { a->cfg.product, now->known ? now->sha256 : NULL };
    ota_err err = otai_deploy_image(n, target, &device, r, &a->fault);
    if (err == OTA_OK)
        err = otai_relations_learn(a, target, r->component);
    if (err != OTA_OK)
        return err;
    if (r->security < now->security_floor)
        return otai_fail(a, OTA_REJECT_SECURITY, "custom.ota.security");
    a->release.count++;
    t->resolved |= (uint8_t)(1u << t->image);
    return otai_trust_go_on(a);
}

/* What TUF found is copied out at once: it lives only until the next call. */
static ota_err found(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    const struct ota_tuf_target *target = ota_tuf_target(t->tuf);

    if (!target)
        return otai_fail(a, OTA_REJECT_TARGET, "tuf");
    if (otai_assign_pending(a))
        return otai_assign_take(a, target);
    return t->image == GOAL_POINTER ? fetch_pointer(a, target) : take_image(a, target);
}

static ota_err goal_reached(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    int64_t expires, issued;

    if (t->refreshed)
        return found(a);
    t->refreshed = true;
    expires = ota_tuf_timestamp_expires(t->tuf);
    if (expires < t->fresh_until_s)
        t->fresh_until_s = expires;
    /* Neither a wrong clock nor a stolen timestamp key can lift the floor alone, and never beyond what the offline keys
     * signed: a time at which any role had expired was refused before. */
    issued = ota_tuf_timestamp_issued(t->tuf);
    otai_time_passed(a, issued < t->now_s ? issued : t->now_s);
    return otai_trust_go_on(a);
}

static ota_err pump(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    ota_err err = ota_tuf_next(t->tuf, &t->want);

    if (err == OTA_OK)
        return serve(a);
    if (err == OTA_DONE)
        return goal_reached(a);
    if (err == OTA_REJECT_TARGET && t->refreshed && otai_assign_pending(a))
        return otai_assign_absent(a);
    if (err == OTA_REJECT_TARGET && t->refreshed && !t->have_pointer) {
        otai_note(a, OTA_EV_NO_DEPLOYMENT, 0, 0);
        return otai_trust_nothing(a);
    }
    struct ota_fault why;
    ota_tuf_fault(t->tuf, &why);
    return otai_fail_in(a, err, a->cfg.repos[t->repo].name, &why);
}

ota_err otai_step_trust(struct ota *a)
{
    if (!a->busy)
        return begin(a);
    switch (a->m.trust->phase) {
    case OTAI_TRUST_NEXT:
        return next_goal(a);
    case OTAI_TRUST_PUMP:
        return pump(a);
    case OTAI_TRUST_BODY:
        return read_body(a);
    case OTAI_TRUST_POINTER:
        return read_pointer(a);
    default: /* OTAI_TRUST_IDENTIFY */
        return otai_trust_identify(a);
    }
}

/* Role names come from metadata: whatever is not plain is percent-encoded, as in URLs. */
ota_err otai_record_name(const char *repo, const char *role, char out[OTA_STORE_NAME_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTA_STORE_NAME_MAX);
    otai_text_add(&t, repo);
    otai_text_add(&t, ".");
    for (; *role; role++) {
        uint8_t c = (uint8_t)*role;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';

        if (!plain)
            otai_text_add(&t, "%");
        if (plain)
            otai_text_bytes(&t, role, 1);
        else
            otai_text_hex(&t, &c, 1);
    }
    otai_text_add(&t, ".json");
    return t.full ? OTA_REJECT_LIMIT : OTA_OK;
}
