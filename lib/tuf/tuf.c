/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions, and the row of steps: what to ask the caller for, and who judges the answer. */
#include "tuf_i.h"

#include <string.h>

const char *const otai_tuf_role_name[TUF_TOP_ROLES] = { "root", "timestamp", "snapshot", "targets" };

#define TUF_DELEGATED TUF_TOP_ROLES /* in a row: the role that the search visits */

/* answered() gets the file of a LOAD or FETCH, {NULL, 0} when it is absent, and sets the next step. */
struct row {
    uint8_t kind, role;
    ota_err (*answered)(struct ota_tuf *t, struct otai_span got);
};

static ota_err timestamp_forgotten(struct ota_tuf *t, struct otai_span got);
static ota_err snapshot_forgotten(struct ota_tuf *t, struct otai_span got);
static ota_err timestamp_stored(struct ota_tuf *t, struct otai_span got);
static ota_err snapshot_stored(struct ota_tuf *t, struct otai_span got);

static const struct row rows[TUF_STEPS] = {
    [TUF_ROOT_LOAD] = { OTA_TUF_LOAD, TUF_ROOT, otai_tuf_root_loaded },
    [TUF_ROOT_FETCH] = { OTA_TUF_FETCH, TUF_ROOT, otai_tuf_root_fetched },
    [TUF_TIMESTAMP_FORGET] = { OTA_TUF_REMOVE, TUF_TIMESTAMP, timestamp_forgotten },
    [TUF_SNAPSHOT_FORGET] = { OTA_TUF_REMOVE, TUF_SNAPSHOT, snapshot_forgotten },
    [TUF_ROOT_STORE] = { OTA_TUF_STORE, TUF_ROOT, otai_tuf_root_stored },
    [TUF_TIMESTAMP_LOAD] = { OTA_TUF_LOAD, TUF_TIMESTAMP, otai_tuf_timestamp_loaded },
    [TUF_TIMESTAMP_FETCH] = { OTA_TUF_FETCH, TUF_TIMESTAMP, otai_tuf_timestamp_fetched },
    [TUF_TIMESTAMP_STORE] = { OTA_TUF_STORE, TUF_TIMESTAMP, timestamp_stored },
    [TUF_SNAPSHOT_LOAD] = { OTA_TUF_LOAD, TUF_SNAPSHOT, otai_tuf_snapshot_loaded },
    [TUF_SNAPSHOT_FETCH] = { OTA_TUF_FETCH, TUF_SNAPSHOT, otai_tuf_snapshot_fetched },
    [TUF_SNAPSHOT_STORE] = { OTA_TUF_STORE, TUF_SNAPSHOT, snapshot_stored },
    [TUF_TARGETS_LOAD] = { OTA_TUF_LOAD, TUF_TARGETS, otai_tuf_targets_loaded },
    [TUF_TARGETS_FETCH] = { OTA_TUF_FETCH, TUF_TARGETS, otai_tuf_targets_fetched },
    [TUF_TARGETS_STORE] = { OTA_TUF_STORE, TUF_TARGETS, otai_tuf_targets_stored },
    [TUF_LOOKUP] = { OTA_TUF_LOAD, TUF_SNAPSHOT, otai_tuf_looked_up },
    [TUF_ROLE_LOAD] = { OTA_TUF_LOAD, TUF_DELEGATED, otai_tuf_role_loaded },
    [TUF_ROLE_FETCH] = { OTA_TUF_FETCH, TUF_DELEGATED, otai_tuf_role_fetched },
    [TUF_ROLE_STORE] = { OTA_TUF_STORE, TUF_DELEGATED, otai_tuf_role_stored },
};

static ota_err step_to(struct ota_tuf *t, enum tuf_step step)
{
    t->step = (uint8_t)step;
    return OTA_OK;
}

static ota_err timestamp_forgotten(struct ota_tuf *t, struct otai_span got)
{
    (void)got;
    return step_to(t, TUF_SNAPSHOT_FORGET);
}

static ota_err snapshot_forgotten(struct ota_tuf *t, struct otai_span got)
{
    (void)got;
    return step_to(t, TUF_ROOT_STORE);
}

static ota_err timestamp_stored(struct ota_tuf *t, struct otai_span got)
{
    (void)got;
    return step_to(t, TUF_SNAPSHOT_LOAD);
}

static ota_err snapshot_stored(struct ota_tuf *t, struct otai_span got)
{
    (void)got;
    return step_to(t, TUF_TARGETS_LOAD);
}

/* Name the file that comes, for faults. */
static void name_doc(struct ota_tuf *t, const char *role)
{
    struct otai_text text;

    otai_text_init(&text, t->doc, sizeof t->doc);
    for (size_t i = 0; i < TUF_TOP_ROLES; i++) {
        if (strcmp(role, otai_tuf_role_name[i]) == 0) {
            otai_text_add(&text, role);
            return;
        }
    }
    size_t len = strlen(role);
    otai_text_add(&text, "role ");
    otai_text_bytes(&text, role, len < 24 ? len : 24);
    otai_text_add(&text, ": ");
}

ota_err otai_tuf_refuse(struct ota_tuf *t, ota_err err, const char *where)
{
    char place[2 * OTA_FAULT_WHERE_MAX];
    struct otai_text text;
    size_t len = strlen(t->doc);

    otai_text_init(&text, place, sizeof place);
    otai_text_add(&text, t->doc);
    if (len && *where && t->doc[len - 1] != ' ')
        otai_text_add(&text, ".");
    otai_text_bytes(&text, where, strlen(where) < OTA_FAULT_WHERE_MAX ? strlen(where) : OTA_FAULT_WHERE_MAX - 1);
    return ota_fault_set(&t->fault, err, place, 0);
}

ota_err otai_tuf_hash(struct ota_tuf *t, enum ota_hash_alg alg, const void *p, size_t len, uint8_t *out)
{
    struct ota_crypto *c = t->cfg.crypto;
    struct ota_hash h;

    ota_err err = c->ops->hash_start(c, &h, alg);
    if (err != OTA_OK)
        return err;
    err = c->ops->hash_add(c, &h, p, len);
    ota_err end = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err != OTA_OK ? err : end;
}

static void fill_limits(struct ota_tuf_limits *l)
{
    if (l->root_max == 0)
        l->root_max = 16384;
    if (l->timestamp_max == 0)
        l->timestamp_max = 2048;
    if (l->snapshot_max == 0)
        l->snapshot_max = 16384;
    if (l->targets_max == 0)
        l->targets_max = 32768;
    if (l->rotations_max == 0)
        l->rotations_max = 64;
    if (l->roles_max == 0)
        l->roles_max = TUF_ROLES_MAX;
}

static bool usable(const struct ota_tuf_config *cfg)
{
    return cfg && cfg->crypto && cfg->crypto->ops && (cfg->root || cfg->root_len == 0) &&
           cfg->limits.roles_max <= TUF_ROLES_MAX && cfg->limits.root_max <= INT32_MAX &&
           cfg->limits.timestamp_max <= INT32_MAX && cfg->limits.snapshot_max <= INT32_MAX / 2 &&
           cfg->limits.targets_max <= INT32_MAX;
}

static size_t buffer_len(const struct ota_tuf_limits *l)
{
    size_t len = (size_t)2 * l->snapshot_max;

    if (len < l->root_max)
        len = l->root_max;
    if (len < l->timestamp_max)
        len = l->timestamp_max;
    return len < l->targets_max ? l->targets_max : len;
}

size_t ota_tuf_len(const struct ota_tuf_config *cfg)
{
    if (!usable(cfg))
        return 0;
    struct ota_tuf_limits limits = cfg->limits;
    fill_limits(&limits);
    return sizeof(struct ota_tuf) + buffer_len(&limits);
}

ota_err ota_tuf_init(struct ota_tuf **out, const struct ota_tuf_config *cfg, void *mem, size_t len)
{
    if (!out || !usable(cfg) || !mem)
        return OTA_USAGE_ARGUMENT;
    if (cfg->size != sizeof *cfg)
        return OTA_USAGE_ABI;
    if (len < ota_tuf_len(cfg))
        return OTA_USAGE_MEMORY;
    struct ota_tuf *t = mem;
    memset(t, 0, sizeof *t);
    t->cfg = *cfg;
    fill_limits(&t->cfg.limits);
    t->buf = (uint8_t *)mem + sizeof *t;
    t->result = OTA_USAGE_STATE;
    *out = t;
    return OTA_OK;
}

static void begin(struct ota_tuf *t)
{
    t->result = OTA_OK;
    t->asked = false;
    t->target.role[0] = '\0';
    ota_fault_set(&t->fault, OTA_OK, "", 0);
}

ota_err ota_tuf_refresh(struct ota_tuf *t, int64_t now_s)
{
    begin(t);
    t->now_s = now_s;
    t->fresh = false;
    t->rotations = 0;
    t->old_snapshot_len = 0;
    t->step = TUF_ROOT_LOAD;
    return OTA_OK;
}

static ota_err ended(struct ota_tuf *t, ota_err err)
{
    t->result = err;
    if (err != OTA_DONE && t->fault.err != err)
        ota_fault_set(&t->fault, err, t->doc, 0);
    return err;
}

ota_err ota_tuf_find(struct ota_tuf *t, const char *path)
{
    if (!t->fresh)
        return OTA_USAGE_STATE;
    if (!path || *path == '\0' || strlen(path) >= sizeof t->target.path)
        return OTA_USAGE_ARGUMENT;
    begin(t);
    memset(&t->target, 0, sizeof t->target);
    (void)otai_copy(t->target.path, sizeof t->target.path, path);
    otai_tuf_search_begin(t);
    if (!otai_tuf_path_ok(path)) {
        t->doc[0] = '\0';
        (void)ended(t, otai_tuf_refuse(t, OTA_REJECT_TARGET, path)); /* whoever vouches for it */
    }
    return OTA_OK;
}

/* The most bytes that the file of this step may have, told by who vouches for it or else by our own limit. */
static size_t cap_of(const struct ota_tuf *t)
{
    const struct ota_tuf_limits *l = &t->cfg.limits;
    const struct tuf_meta *meta = NULL;
    size_t cap = l->targets_max;

    switch (t->step) {
    case TUF_ROOT_LOAD:
    case TUF_ROOT_FETCH:
        return l->root_max;
    case TUF_TIMESTAMP_LOAD:
    case TUF_TIMESTAMP_FETCH:
        return l->timestamp_max;
    case TUF_SNAPSHOT_LOAD:
    case TUF_LOOKUP:
        return l->snapshot_max;
    case TUF_SNAPSHOT_FETCH:
        cap = l->snapshot_max;
        meta = &t->snapshot;
        break;
    case TUF_TARGETS_FETCH:
        meta = &t->targets;
        break;
    case TUF_ROLE_FETCH:
        meta = &t->role;
        break;
    default:
        break;
    }
    return meta && meta->length ? meta->length : cap;
}

/* Version that is part of the name of the file to fetch; 0: none. */
static uint32_t version_of(const struct ota_tuf *t)
{
    switch (t->step) {
    case TUF_ROOT_FETCH:
        return t->root.version + 1;
    case TUF_SNAPSHOT_FETCH:
        return t->root.consistent ? t->snapshot.version : 0;
    case TUF_TARGETS_FETCH:
        return t->root.consistent ? t->targets.version : 0;
    case TUF_ROLE_FETCH:
        return t->root.consistent ? t->role.version : 0;
    default:
        return 0;
    }
}

/* A new snapshot stands behind the old one, which it is compared with. */
static uint8_t *place_of(const struct ota_tuf *t)
{
    bool second = t->step == TUF_SNAPSHOT_FETCH || t->step == TUF_SNAPSHOT_STORE;

    return t->buf + (second ? t->cfg.limits.snapshot_max : 0);
}

ota_err ota_tuf_next(struct ota_tuf *t, struct ota_tuf_want *want)
{
    if (!want || t->asked)
        return OTA_USAGE_STATE;
    if (t->result != OTA_OK)
        return t->result;
    const struct row *r = &rows[t->step];
    bool send = r->kind == OTA_TUF_STORE;
    bool bytes = send || r->kind != OTA_TUF_REMOVE;

    memset(want, 0, sizeof *want);
    want->kind = (enum ota_tuf_want_kind)r->kind;
    want->role = r->role == TUF_DELEGATED ? otai_tuf_role(t) : otai_tuf_role_name[r->role];
    want->buf = bytes ? place_of(t) : NULL;
    want->cap = bytes && !send ? cap_of(t) : 0;
    want->len = send ? t->len : 0;
    name_doc(t, want->role);
    if (r->kind == OTA_TUF_FETCH) {
        if (!otai_tuf_file_name(t->target.file, sizeof t->target.file, version_of(t), want->role))
            return ended(t, otai_tuf_refuse(t, OTA_REJECT_LIMIT, "name"));
        want->file = t->target.file;
    }
    t->asked = true;
    return OTA_OK;
}

/* More bytes than asked for: for a signed length, the wrong length; a trusted copy like this is none. */
static ota_err too_long(struct ota_tuf *t, const struct row *r)
{
    const struct otai_span absent = { NULL, 0 };

    if (r->kind == OTA_TUF_LOAD)
        return r->answered(t, absent);
    const struct tuf_meta *meta = t->step == TUF_SNAPSHOT_FETCH  ? &t->snapshot
                                  : t->step == TUF_TARGETS_FETCH ? &t->targets
                                  : t->step == TUF_ROLE_FETCH    ? &t->role
                                                                 : NULL;
    return otai_tuf_refuse(t, meta && meta->length ? OTA_REJECT_LENGTH : OTA_REJECT_LIMIT, "");
}

ota_err ota_tuf_answer(struct ota_tuf *t, enum ota_tuf_answer answer, size_t len)
{
    const struct row *r = &rows[t->step];
    bool wants_bytes = r->kind == OTA_TUF_LOAD || r->kind == OTA_TUF_FETCH;
    struct otai_span got = { NULL, 0 };

    if (!t->asked)
        return OTA_USAGE_STATE;
    if (wants_bytes == (answer == OTA_TUF_STORED))
        return OTA_USAGE_ARGUMENT;
    if (answer == OTA_TUF_GOT) {
        if (len > cap_of(t))
            return OTA_USAGE_ARGUMENT;
        got = (struct otai_span){ place_of(t), len };
    }
    t->asked = false;
    ota_err err;
    if (answer == OTA_TUF_TOO_LONG)
        err = too_long(t, r);
    else if (answer == OTA_TUF_ABSENT && r->kind == OTA_TUF_FETCH && t->step != TUF_ROOT_FETCH)
        err = otai_tuf_refuse(t, OTA_RETRY_NOT_FOUND, "");
    else
        err = r->answered(t, got);
    if (err != OTA_OK)
        (void)ended(t, err);
    return OTA_OK;
}

void ota_tuf_abandon(struct ota_tuf *t)
{
    t->asked = false;
    t->step = TUF_IDLE;
    t->result = OTA_USAGE_STATE;
}

const struct ota_tuf_target *ota_tuf_target(const struct ota_tuf *t)
{
    return t->result == OTA_DONE && t->target.role[0] ? &t->target : NULL;
}

void ota_tuf_fault(const struct ota_tuf *t, struct ota_fault *out)
{
    *out = t->fault;
}

int64_t ota_tuf_timestamp_expires(const struct ota_tuf *t)
{
    return t->fresh ? t->timestamp_expires_s : 0;
}

uint32_t ota_tuf_root_version(const struct ota_tuf *t)
{
    return t->root.version;
}
