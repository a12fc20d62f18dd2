/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_medium.h"

#include <string.h>

#include "sim.h"
#include "sim_must.h"

/* The bytes of an object, as they are read and as they survive. */
struct image {
    uint8_t *now, *safe;
    uint32_t cap, block;
};

static struct sim_slot *slot_of(struct sim *dev, uint8_t object)
{
    return &dev->slot[object / 2][object % 2];
}

static bool is_file(uint8_t object)
{
    return object >= SIM_OBJ_FILE && object < SIM_OBJ_DIR;
}

static struct image image_of(struct sim *dev, uint8_t object)
{
    if (object < SIM_OBJ_FILE) {
        struct sim_slot *s = slot_of(dev, object);
        uint32_t block = s->geometry.erase_unit ? s->geometry.erase_unit : s->geometry.write_unit;

        return (struct image){ s->data, s->synced, SIM_SLOT_MAX, block };
    }
    if (object == SIM_OBJ_CHIP) {
        struct sim_chip *c = &dev->medium.chip;

        return (struct image){ c->now, c->safe, c->size, c->block };
    }
    struct sim_file_body *f = &dev->medium.file[object - SIM_OBJ_FILE];
    return (struct image){ f->now, f->safe, SIM_FILE_MAX, 512 };
}

static void grow(struct sim *dev, uint8_t object, uint32_t end, bool safe)
{
    if (!is_file(object))
        return;
    struct sim_file_body *f = &dev->medium.file[object - SIM_OBJ_FILE];
    uint32_t *len = safe ? &f->safe_len : &f->len;
    uint8_t *p = safe ? f->safe : f->now;

    MUST(end <= SIM_FILE_MAX);
    if (end > *len) {
        memset(p + *len, 0, end - *len);
        *len = end;
    }
}

/* ---- what one op does to one of the two pictures ---- */

enum part { WHOLE, FIRST_HALF, SECOND_HALF, GARBAGE, ZEROS };

static void put_bytes(struct sim *dev, const struct sim_op *op, const uint8_t *data, bool safe, enum part part)
{
    struct image m = image_of(dev, op->object);
    uint8_t *p = safe ? m.safe : m.now;
    uint32_t from = op->off, to = op->off + op->len, half = op->off + op->len / 2;

    if (part == GARBAGE && !is_file(op->object)) {
        from -= from % m.block;
        to = (to + m.block - 1) / m.block * m.block;
        to = to < m.cap ? to : m.cap;
    }
    if (part == FIRST_HALF)
        to = half;
    if (part == SECOND_HALF)
        from = half;
    grow(dev, op->object, part == FIRST_HALF ? half : op->off + op->len, safe);
    if (part == GARBAGE)
        memset(p + from, 0xee, to - from);
    else if (part == ZEROS)
        memset(p + from, 0, to - from);
    else if (op->kind == SIM_OP_ERASE)
        memset(p + from, op->object == SIM_OBJ_CHIP ? 0xff : dev->geometry.erased, to - from);
    else
        memcpy(p + from, data + (from - op->off), to - from);
}

static void put_name(struct sim *dev, const struct sim_op *op, bool safe)
{
    uint8_t *dir = safe ? dev->medium.dir.safe : dev->medium.dir.now;
    uint8_t entry = (uint8_t)(op->file + 1u);

    if (op->kind == SIM_OP_CREATE)
        dir[op->name] = entry;
    if (op->kind == SIM_OP_UNLINK)
        dir[op->name] = 0;
    if (op->kind == SIM_OP_RENAME) {
        dir[op->to] = entry;
        if (dir[op->name] == entry)
            dir[op->name] = 0;
    }
}

static bool is_data(const struct sim_op *op)
{
    return op->kind == SIM_OP_WRITE || op->kind == SIM_OP_ERASE;
}

static bool is_name(const struct sim_op *op)
{
    return op->kind == SIM_OP_CREATE || op->kind == SIM_OP_UNLINK || op->kind == SIM_OP_RENAME;
}

static void put(struct sim *dev, const struct sim_op *op, const uint8_t *data, bool safe, enum part part)
{
    if (is_data(op))
        put_bytes(dev, op, data, safe, part);
    else if (is_name(op) && part == WHOLE)
        put_name(dev, op, safe);
}

/* ---- the log ---- */

static const uint8_t *logged_bytes(const struct sim *dev, const struct sim_op *op)
{
    return dev->medium.log.data + op->data;
}

static void remember(struct sim *dev, const struct sim_op *op, const void *data)
{
    struct sim_log_ops *l = &dev->medium.log;
    bool bytes = op->kind == SIM_OP_WRITE;

    if (l->count == SIM_LOG_MAX || l->bytes + op->len > SIM_LOG_BYTES) {
        sim_break(dev, "what is written is synced before long");
        return;
    }
    struct sim_op *kept = &l->op[l->count++];
    *kept = *op;
    kept->data = l->bytes;
    if (bytes) {
        memcpy(l->data + l->bytes, data, op->len);
        l->bytes += op->len;
    }
}

/* Ops of this object leave the log; durable or, after a sync that failed, for good. */
static void settle(struct sim *dev, uint8_t object, bool durable)
{
    struct sim_log_ops *l = &dev->medium.log;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < l->count; i++) {
        if (l->op[i].object != object) {
            l->op[kept++] = l->op[i];
            continue;
        }
        if (durable)
            put(dev, &l->op[i], logged_bytes(dev, &l->op[i]), true, WHOLE);
    }
    l->count = kept;
    if (kept == 0)
        l->bytes = 0;
}

void sim_op_apply(struct sim *dev, const struct sim_op *op, const void *data)
{
    if (op->kind == SIM_OP_SYNC) {
        settle(dev, op->object, true);
        return;
    }
    put(dev, op, data, false, WHOLE);
    if (op->kind != SIM_OP_RECORD)
        remember(dev, op, data);
    if (is_data(op) && is_file(op->object))
        dev->medium.file[op->object - SIM_OBJ_FILE].dirty = true;
}

/* ---- the power goes ---- */

static uint32_t dice(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void land(struct sim *dev, const struct sim_op *op, const uint8_t *data, enum part part)
{
    put(dev, op, data, true, part);
}

static void land_randomly(struct sim *dev, const struct sim_op *op, const uint8_t *data, uint32_t *seed)
{
    uint32_t r = dice(seed) % 4;

    if (r == 0)
        return;
    land(dev, op, data, r == 1 ? FIRST_HALF : WHOLE);
    if (r == 1 && is_name(op))
        land(dev, op, data, WHOLE);
}

/* What becomes of an op that waits for its sync. */
static void land_waiting(struct sim *dev, uint32_t i, enum sim_shape shape, uint32_t *seed)
{
    const struct sim_log_ops *l = &dev->medium.log;
    const struct sim_op *op = &l->op[i];
    const uint8_t *data = logged_bytes(dev, op);

    switch (shape) {
    case SIM_CUT_DROP:
    case SIM_CUT_TORN_DROP:
    case SIM_CUT_LAST:
        return;
    case SIM_CUT_NOT_FIRST:
        if (i > 0)
            land(dev, op, data, WHOLE);
        return;
    case SIM_CUT_ONE_BEFORE:
        if (i + 1 == l->count)
            land(dev, op, data, WHOLE);
        return;
    case SIM_CUT_RANDOM:
        land_randomly(dev, op, data, seed);
        return;
    case SIM_CUT_NAMES_FIRST:
        if (is_name(op))
            land(dev, op, data, WHOLE);
        return;
    case SIM_CUT_NO_NAMES:
        if (is_data(op))
            land(dev, op, data, WHOLE);
        return;
    case SIM_CUT_ZEROS:
        land(dev, op, data, is_data(op) ? ZEROS : WHOLE);
        return;
    default:
        land(dev, op, data, WHOLE);
    }
}

/* One bit elsewhere in the block of the op that was in flight. */
static void disturb(struct sim *dev, const struct sim_op *op, uint32_t seed)
{
    struct image m = image_of(dev, op->object);
    uint32_t begin = op->off - op->off % m.block, at = begin + dice(&seed) % m.block;

    if (at >= op->off && at < op->off + op->len)
        at = op->off > begin ? op->off - 1 : op->off + op->len;
    if (at < m.cap && at < begin + m.block)
        m.safe[at] ^= 1u;
}

static void land_in_flight(struct sim *dev, const struct sim_op *op, const uint8_t *data, enum sim_shape shape, uint32_t *seed)
{
    switch (shape) {
    case SIM_CUT_TORN:
    case SIM_CUT_TORN_DROP:
        land(dev, op, data, FIRST_HALF);
        return;
    case SIM_CUT_OTHER_HALF:
        land(dev, op, data, SECOND_HALF);
        return;
    case SIM_CUT_LAST:
    case SIM_CUT_NOT_FIRST:
        land(dev, op, data, WHOLE);
        return;
    case SIM_CUT_RANDOM:
        land_randomly(dev, op, data, seed);
        return;
    case SIM_CUT_GARBAGE:
        land(dev, op, data, GARBAGE);
        return;
    case SIM_CUT_DISTURB:
        if (is_data(op))
            disturb(dev, op, *seed);
        return;
    case SIM_CUT_ZEROS:
        land(dev, op, data, is_data(op) ? ZEROS : WHOLE);
        return;
    case SIM_CUT_NAMES_FIRST:
        if (is_name(op))
            land(dev, op, data, WHOLE);
        return;
    default:
        return;
    }
}

/* After the cut there is only what survived. */
static void reread(struct sim *dev)
{
    struct sim_medium *m = &dev->medium;

    for (size_t c = 0; c < dev->components; c++)
        for (size_t k = 0; k < 2; k++)
            memcpy(dev->slot[c][k].data, dev->slot[c][k].synced, dev->slot[c][k].geometry.size);
    memcpy(m->chip.now, m->chip.safe, m->chip.size);
    for (size_t i = 0; i < SIM_FILES_MAX; i++) {
        struct sim_file_body *f = &m->file[i];

        if (!f->dirty)
            continue;
        memcpy(f->now, f->safe, f->safe_len);
        f->len = f->safe_len;
        f->dirty = false;
    }
    memcpy(m->dir.now, m->dir.safe, sizeof m->dir.now);
}

void sim_crash(struct sim *dev, const struct sim_op *op, const void *data, enum sim_shape shape, uint32_t seed)
{
    struct sim_log_ops *l = &dev->medium.log;
    uint32_t dice_seed = seed * 2654435761u + 12345u;

    for (uint32_t i = 0; i < l->count; i++)
        land_waiting(dev, i, shape, &dice_seed);
    if (op && shape == SIM_CUT_LAST && op->kind == SIM_OP_SYNC) {
        for (uint32_t i = 0; i < l->count; i++)
            if (l->op[i].object == op->object)
                land(dev, &l->op[i], logged_bytes(dev, &l->op[i]), WHOLE);
    } else if (op) {
        land_in_flight(dev, op, data, shape, &dice_seed);
    }
    l->count = l->bytes = 0;
    reread(dev);
}

/* ---- an op ---- */

static enum sim_does go_wrong(struct sim *dev, const struct sim_op *op, enum sim_shape shape)
{
    switch (shape) {
    case SIM_BAD_SILENT:
        return SIM_LIES;
    case SIM_BAD_DONE:
        return SIM_DOES_FAILS;
    case SIM_BAD_FULL:
        return SIM_FULL;
    case SIM_BAD_SHORT:
        return SIM_SHORT;
    case SIM_BAD_SYNC:
        settle(dev, op->object, false);
        return SIM_FAILS;
    default:
        return SIM_FAILS;
    }
}

/* Files cannot grow; what is written in place needs no space. */
static bool needs_space(const struct sim *dev, const struct sim_op *op)
{
    return op->kind == SIM_OP_CREATE || (op->kind == SIM_OP_WRITE && is_file(op->object) &&
                                         op->off + op->len > dev->medium.file[op->object - SIM_OBJ_FILE].len);
}

enum sim_does sim_op(struct sim *dev, const struct sim_op *op, const void *data)
{
    if (dev->off)
        return SIM_LOST;
    dev->ops++;
    if (dev->on_op)
        dev->on_op(dev, op, data);
    if (dev->ops != dev->cut_at)
        return dev->disk_full && needs_space(dev, op) ? SIM_FULL : SIM_DOES;
    if (dev->shape >= SIM_CUTS)
        return go_wrong(dev, op, dev->shape);
    dev->cut_was = *op;
    sim_crash(dev, op, data, dev->shape, dev->seed);
    dev->off = true;
    return SIM_LOST;
}

bool sim_op_ok(struct sim *dev, const struct sim_op *op, const void *data)
{
    enum sim_does does = sim_op(dev, op, data);

    if (does == SIM_DOES || does == SIM_DOES_FAILS || does == SIM_SHORT)
        sim_op_apply(dev, op, data);
    return does == SIM_DOES || does == SIM_LIES || does == SIM_SHORT;
}

/* ---- shapes ---- */

static bool waits(const struct sim *dev, bool (*kind)(const struct sim_op *))
{
    const struct sim_log_ops *l = &dev->medium.log;

    for (uint32_t i = 0; i < l->count; i++)
        if (kind(&l->op[i]))
            return true;
    return false;
}

bool sim_shape_applies(const struct sim *dev, const struct sim_op *op, enum sim_shape shape)
{
    bool waiting = dev->medium.log.count > 0, file = op->object >= SIM_OBJ_FILE && op->object < SIM_OBJ_NONE;

    switch (shape) {
    case SIM_CUT_KEEP:
    case SIM_BAD_FAIL:
        return true;
    case SIM_CUT_DROP:
    case SIM_CUT_ONE_BEFORE:
    case SIM_CUT_NOT_FIRST:
        return waiting;
    case SIM_CUT_LAST:
        return waiting || op->kind == SIM_OP_RECORD;
    case SIM_CUT_TORN:
    case SIM_CUT_GARBAGE:
    case SIM_CUT_OTHER_HALF:
    case SIM_CUT_DISTURB:
        return is_data(op);
    case SIM_CUT_TORN_DROP:
        return is_data(op) && waiting;
    case SIM_CUT_RANDOM:
        return waiting || is_data(op);
    case SIM_CUT_NAMES_FIRST:
        return is_name(op) || waits(dev, is_name);
    case SIM_CUT_ZEROS:
        return is_data(op) || waits(dev, is_data);
    case SIM_CUT_NO_NAMES:
        return waits(dev, is_name);
    case SIM_BAD_SILENT:
        return op->kind == SIM_OP_WRITE && op->object < SIM_OBJ_FILE;
    case SIM_BAD_DONE:
        return op->kind != SIM_OP_SYNC;
    case SIM_BAD_SYNC:
        return op->kind == SIM_OP_SYNC && file;
    case SIM_BAD_FULL:
        return file && (op->kind == SIM_OP_CREATE || (op->kind == SIM_OP_WRITE && dev->medium.file[op->object - SIM_OBJ_FILE].len == 0));
    case SIM_BAD_SHORT:
        return file && (op->kind == SIM_OP_WRITE || op->kind == SIM_OP_SYNC);
    default:
        return false;
    }
}

const char *sim_shape_name(enum sim_shape shape)
{
    static const char *const names[SIM_SHAPES] = { "keep", "drop", "torn", "torn-drop", "last", "not-first", "one-before",
        "random", "garbage", "other-half", "disturb", "names-first", "zeros", "no-names", "silent", "done-fails", "fails",
        "sync-fails", "full", "short" };

    return (unsigned)shape < SIM_SHAPES ? names[shape] : "?";
}

const char *sim_kind_name(enum sim_kind kind)
{
    static const char *const names[SIM_OP_KINDS] = { "write", "erase", "sync", "create", "unlink", "rename", "record" };

    return (unsigned)kind < SIM_OP_KINDS ? names[kind] : "?";
}

/* ---- names and files ---- */

uint8_t sim_name_id(struct sim *dev, const char *name)
{
    struct sim_dir *d = &dev->medium.dir;

    for (uint8_t i = 0; i < d->names; i++)
        if (strcmp(d->name[i], name) == 0)
            return i;
    MUST(d->names < SIM_NAMES_MAX && strlen(name) < SIM_NAME_MAX);
    memcpy(d->name[d->names], name, strlen(name) + 1);
    return d->names++;
}

static bool is_used(const struct sim *dev, uint8_t file)
{
    const struct sim_medium *m = &dev->medium;

    for (uint8_t i = 0; i < m->dir.names; i++)
        if (m->dir.now[i] == file + 1 || m->dir.safe[i] == file + 1)
            return true;
    for (uint32_t i = 0; i < m->log.count; i++)
        if (m->log.op[i].object == SIM_OBJ_FILE + file || (m->log.op[i].object == SIM_OBJ_DIR && m->log.op[i].file == file))
            return true;
    return sim_files_open(dev, file);
}

uint8_t sim_file_new(struct sim *dev)
{
    for (uint8_t i = 0; i < SIM_FILES_MAX; i++) {
        if (is_used(dev, i))
            continue;
        dev->medium.file[i].len = dev->medium.file[i].safe_len = 0;
        dev->medium.file[i].dirty = false;
        return i;
    }
    FAIL_SIM("a free file");
    return 0;
}

struct sim_file_body *sim_file_named(struct sim *dev, const char *name)
{
    struct sim_dir *d = &dev->medium.dir;

    for (uint8_t i = 0; i < d->names; i++)
        if (d->now[i] && strcmp(d->name[i], name) == 0)
            return &dev->medium.file[d->now[i] - 1];
    return NULL;
}

static void copy_file(struct sim_file_body *to, const struct sim_file_body *from)
{
    to->len = from->len;
    to->safe_len = from->safe_len;
    to->dirty = from->dirty;
    memcpy(to->now, from->now, from->len);
    memcpy(to->safe, from->safe, from->safe_len);
}

void sim_medium_copy(struct sim *to, const struct sim *from)
{
    struct sim_medium *t = &to->medium;
    const struct sim_medium *f = &from->medium;

    t->dir = f->dir;
    t->chip.size = f->chip.size;
    t->chip.block = f->chip.block;
    memcpy(t->chip.now, f->chip.now, f->chip.size);
    memcpy(t->chip.safe, f->chip.safe, f->chip.size);
    t->log.count = f->log.count;
    t->log.bytes = f->log.bytes;
    memcpy(t->log.op, f->log.op, f->log.count * sizeof f->log.op[0]);
    memcpy(t->log.data, f->log.data, f->log.bytes);
    for (size_t i = 0; i < SIM_FILES_MAX; i++)
        copy_file(&t->file[i], &f->file[i]);
}
