/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions, and the row of steps: what to ask the caller for, and who judges the answer. */
#include "tuf_i.h"

#include <string.h>

const char *const otai_tuf_role_name[TUF_TOP_ROLES] = { "root", "timestamp", "snapshot", "targets" };

/* role: of the file; TUF_TARGETS: the one that the search visits. answered: judges what a LOAD or FETCH brought and may
 * choose another step than the next one; NULL: there is nothing to judge. */
struct row {
    uint8_t kind, role;
    ota_err (*answered)(struct ota_tuf *t);
};

static const struct row rows[TUF_STEPS] = {
    [TUF_ROOT_LOAD] = { OTA_TUF_LOAD, TUF_ROOT, otai_tuf_root_loaded },
    [TUF_ROOT_FETCH] = { OTA_TUF_FETCH, TUF_ROOT, otai_tuf_root_fetched },
    [TUF_TIMESTAMP_FORGET] = { OTA_TUF_REMOVE, TUF_TIMESTAMP, NULL },
    [TUF_SNAPSHOT_FORGET] = { OTA_TUF_REMOVE, TUF_SNAPSHOT, NULL },
    [TUF_ROOT_STORE] = { OTA_TUF_STORE, TUF_ROOT, otai_tuf_root_stored },
    [TUF_TIMESTAMP_LOAD] = { OTA_TUF_LOAD, TUF_TIMESTAMP, otai_tuf_timestamp_answered },
    [TUF_TIMESTAMP_FETCH] = { OTA_TUF_FETCH, TUF_TIMESTAMP, otai_tuf_timestamp_answered },
    [TUF_TIMESTAMP_STORE] = { OTA_TUF_STORE, TUF_TIMESTAMP, NULL },
    [TUF_SNAPSHOT_LOAD] = { OTA_TUF_LOAD, TUF_SNAPSHOT, otai_tuf_snapshot_answered },
    [TUF_SNAPSHOT_FETCH] = { OTA_TUF_FETCH, TUF_SNAPSHOT, otai_tuf_snapshot_answered },
    [TUF_SNAPSHOT_STORE] = { OTA_TUF_STORE, TUF_SNAPSHOT, NULL },
    [TUF_ROLE_LOAD] = { OTA_TUF_LOAD, TUF_TARGETS, otai_tuf_role_answered },
    [TUF_ROLE_FETCH] = { OTA_TUF_FETCH, TUF_TARGETS, otai_tuf_role_answered },
    [TUF_ROLE_STORE] = { OTA_TUF_STORE, TUF_TARGETS, otai_tuf_role_stored },
    [TUF_LOOKUP] = { OTA_TUF_LOAD, TUF_SNAPSHOT, otai_tuf_looked_up },
};

size_t otai_tuf_top_role(const char *name)
{
    size_t role = 0;

    while (role < TUF_TOP_ROLES && strcmp(name, otai_tuf_role_name[role]) != 0)
        role++;
    return role;
}

/* Name the file that is checked next. */
static void set_doc(struct ota_tuf *t, const char *role)
{
    size_t len = strlen(role);
    struct otai_text text;

    otai_text_init(&text, t->doc, sizeof t->doc);
    if (otai_tuf_top_role(role) < TUF_TOP_ROLES) {
        otai_text_add(&text, role);
        return;
    }
    otai_text_add(&text, "role ");
    otai_text_bytes(&text, role, len < 24 ? len : 24);
    otai_text_add(&text, ": ");
}

ota_err otai_tuf_refuse(struct ota_tuf *t, ota_err err, const char *where)
{
    char place[2 * OTA_FAULT_WHERE_MAX];
    struct otai_text text;

    otai_text_init(&text, place, sizeof place);
    otai_text_add(&text, t->doc);
    if (place[text.len - 1] != ' ')
        otai_text_add(&text, ".");
    otai_text_add(&text, where);
    return ota_fault_set(&t->fault, err, place, 0);
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
    if (l->key_bytes == 0)
        l->key_bytes = 2328;
    if (l->roles_max == 0)
        l->roles_max = TUF_ROLES_MAX;
}

#define FILE_MAX 0x40000000u /* two files fit any size_t */

static bool usable(const struct ota_tuf_config *cfg)
{
    return cfg && cfg->crypto && cfg->crypto->ops && (cfg->root || cfg->root_len == 0) &&
           cfg->limits.roles_max <= TUF_ROLES_MAX && cfg->limits.key_bytes <= INT16_MAX &&
           (cfg->limits.root_max | cfg->limits.timestamp_max | cfg->limits.snapshot_max | cfg->limits.targets_max) < FILE_MAX;
}

static size_t file_len(const struct ota_tuf_limits *l)
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
    return sizeof(struct ota_tuf) + (size_t)2 * limits.key_bytes + file_len(&limits);
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
    t->key_bytes = (uint8_t *)mem + sizeof *t;
    t->buf = t->key_bytes + (size_t)2 * t->cfg.limits.key_bytes;
    t->result = OTA_USAGE_STATE;
    *out = t;
    return OTA_OK;
}

static void begin(struct ota_tuf *t)
{
    t->result = OTA_OK;
    t->asked = false;
    t->target.role[0] = '\0';
    ota_fault_set(&t->fault, OTA_OK, NULL, 0);
}

ota_err ota_tuf_refresh(struct ota_tuf *t, int64_t now_s)
{
    begin(t);
    t->now_s = now_s;
    t->fresh = false;
    t->rotations = 0;
    t->timestamp_version = 0;
    t->old_snapshot_len = 0;
    t->step = TUF_ROOT_LOAD;
    return OTA_OK;
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
    if (!otai_tuf_path_ok(path))
        t->result = ota_fault_set(&t->fault, OTA_REJECT_TARGET, path, 0); /* whoever vouches for it */
    return OTA_OK;
}

/* What the file to fetch must be like, as far as another file tells; NULL: none does. */
static const struct tuf_meta *meta_of(const struct ota_tuf *t)
{
    return t->step == TUF_SNAPSHOT_FETCH ? &t->snapshot : t->step == TUF_ROLE_FETCH ? &t->listed : NULL;
}

/* Is its length told, or does only our own limit count? */
static bool has_length(const struct ota_tuf *t)
{
    const struct tuf_meta *meta = meta_of(t);

    return meta && meta->length;
}

/* The most bytes that the file of this step may have. */
static size_t cap_of(const struct ota_tuf *t)
{
    const struct ota_tuf_limits *l = &t->cfg.limits;

    if (has_length(t))
        return meta_of(t)->length;
    switch (rows[t->step].role) {
    case TUF_ROOT:
        return l->root_max;
    case TUF_TIMESTAMP:
        return l->timestamp_max;
    case TUF_SNAPSHOT:
        return l->snapshot_max;
    default:
        return l->targets_max;
    }
}

/* Version that is part of the name of the file to fetch; 0: none. */
static uint32_t version_of(const struct ota_tuf *t)
{
    const struct tuf_meta *meta = meta_of(t);

    if (t->step == TUF_ROOT_FETCH)
        return t->root.version + 1;
    return meta && t->root.consistent ? meta->version : 0;
}

/* A new snapshot stands behind the old one, which it is compared with. */
static uint8_t *place_of(const struct ota_tuf *t)
{
    bool second = t->step == TUF_SNAPSHOT_FETCH || t->step == TUF_SNAPSHOT_STORE;

    return t->buf + (second ? t->cfg.limits.snapshot_max : 0);
}

static ota_err ended(struct ota_tuf *t, ota_err err)
{
    t->result = err;
    if (err != OTA_DONE && t->fault.err != err)
        ota_fault_set(&t->fault, err, t->doc, 0);
    return err;
}

_Static_assert(sizeof "4294967295." + 3 * OTA_TUF_ROLE_MAX + sizeof ".json" <= sizeof((struct ota_tuf *)0)->target.file,
               "a file name always fits");

static bool brings_bytes(const struct row *r)
{
    return r->kind == OTA_TUF_LOAD || r->kind == OTA_TUF_FETCH;
}

ota_err ota_tuf_next(struct ota_tuf *t, struct ota_tuf_want *want)
{
    if (!want || t->asked)
        return OTA_USAGE_STATE;
    if (t->result != OTA_OK)
        return t->result;
    const struct row *r = &rows[t->step];

    memset(want, 0, sizeof *want);
    want->kind = (enum ota_tuf_want_kind)r->kind;
    want->role = r->role == TUF_TARGETS ? otai_tuf_visited(t)->name : otai_tuf_role_name[r->role];
    set_doc(t, want->role);
    if (r->kind != OTA_TUF_REMOVE)
        want->buf = place_of(t);
    if (r->kind == OTA_TUF_STORE)
        want->len = t->len;
    if (brings_bytes(r))
        want->cap = cap_of(t);
    if (r->kind == OTA_TUF_FETCH) {
        otai_tuf_file_name(t->target.file, sizeof t->target.file, version_of(t), want->role);
        want->file = t->target.file;
    }
    t->asked = true;
    return OTA_OK;
}

/* A fetched file is there, whole and no more. One that is too long has the wrong length, if that is signed. */
static ota_err check_fetched(struct ota_tuf *t, enum ota_tuf_answer answer)
{
    if (answer == OTA_TUF_ABSENT)
        return OTA_RETRY_NOT_FOUND;
    if (answer == OTA_TUF_TOO_LONG)
        return has_length(t) ? OTA_REJECT_LENGTH : OTA_REJECT_LIMIT;
    t->len = t->file.len;
    return OTA_OK;
}

static ota_err judge(struct ota_tuf *t, enum ota_tuf_answer answer)
{
    const struct row *r = &rows[t->step];

    if (t->step == TUF_ROOT_FETCH && answer == OTA_TUF_ABSENT)
        return otai_tuf_roots_done(t);
    ota_err err = r->kind == OTA_TUF_FETCH ? check_fetched(t, answer) : OTA_OK;
    if (err != OTA_OK)
        return err;
    t->step++;
    if (r->answered)
        err = r->answered(t);
    /* A trusted copy that does not pass counts as absent. */
    if (ota_err_class(err) == OTA_CLASS_REJECT && rows[t->step].kind == OTA_TUF_FETCH)
        err = OTA_OK;
    return err == OTA_OK ? ota_fault_set(&t->fault, OTA_OK, NULL, 0) : err;
}

ota_err ota_tuf_answer(struct ota_tuf *t, enum ota_tuf_answer answer, size_t len)
{
    if (!t->asked)
        return OTA_USAGE_STATE;
    if (brings_bytes(&rows[t->step]) == (answer == OTA_TUF_STORED))
        return OTA_USAGE_ARGUMENT;
    if (answer != OTA_TUF_GOT)
        len = 0;
    if (len > cap_of(t))
        return OTA_USAGE_ARGUMENT;
    t->file = (struct otai_span){ place_of(t), len };
    t->signed_by = 0;
    t->asked = false;
    ota_err err = judge(t, answer);
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

int64_t ota_tuf_timestamp_issued(const struct ota_tuf *t)
{
    return t->fresh ? t->timestamp_issued_s : 0;
}

uint32_t ota_tuf_root_version(const struct ota_tuf *t)
{
    return t->root.version;
}
