/* SPDX-License-Identifier: Apache-2.0 */
/* What runs: bring it up, start, install, go back. */
#include "monitor_inside.h"

#define RECORD "monitor.table"

const char *monitor_error_name(enum monitor_error e)
{
    switch (e) {
#define MONITOR_NAME(name, number)                                                                                               \
    case MONITOR_##name:                                                                                                         \
        return #name;
        MONITOR_ERRORS(MONITOR_NAME)
#undef MONITOR_NAME
    default:
        return "UNKNOWN";
    }
}

static const char magic[8] = "OTAMON1";

/* A table that names no cell of ours is damaged, whatever its checksum says. */
static bool set_ok(const struct monitor_set *s, uint32_t cells)
{
    if (s->count > MONITOR_IMAGES_MAX || s->abi_count > MONITOR_IMAGES_MAX * OTA_MANIFEST_ABI_MAX)
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (s->image[i].cell >= cells && s->image[i].staged)
            return false;
    return true;
}

static ota_err load(struct monitor *m, struct ota_fault *fault)
{
    struct monitor_table t;
    size_t len = 0;
    int32_t code = 0;
    ota_err err = m->store.port.ops->read(&m->store.port, RECORD, &t, sizeof t, &len, &code);

    if (err == OTA_DEVICE_ABSENT)
        return OTA_OK; /* nothing was ever installed */
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "monitor.table", code);
    if (len != sizeof t || memcmp(t.magic, magic, sizeof magic) != 0 || !set_ok(&t.current, m->cfg.cells) ||
        !set_ok(&t.backup, m->cfg.cells) || !set_ok(&t.staged, m->cfg.cells))
        return ota_fault_set(fault, OTA_DEVICE_STORE, "monitor.table", (int32_t)len);
    m->table = t;
    return OTA_OK;
}

ota_err monitor_open(struct monitor *m, const struct monitor_config *cfg, struct ota_fault *fault)
{
    struct ota_mcu_area records = { cfg->flash, 0, cfg->table_len };

    *m = (struct monitor){ .cfg = *cfg, .next_handle = 1 };
    if (cfg->cells > MONITOR_CELLS_MAX || !cfg->want.key)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "monitor.cells", (int32_t)cfg->cells);
    for (uint32_t i = 0; i < cfg->cells; i++)
        m->cell[i] = (struct ota_mcu_area){ cfg->flash, cfg->table_len + i * cfg->cell_len, cfg->cell_len };
    ota_err err = ota_mcu_store_open(&m->store, &records, fault);
    return err == OTA_OK ? load(m, fault) : err;
}

enum monitor_error monitor_store(struct monitor *m, const struct monitor_table *next)
{
    struct monitor_table t = *next;
    int32_t code = 0;

    memcpy(t.magic, magic, sizeof magic);
    if (m->store.port.ops->write(&m->store.port, RECORD, &t, sizeof t, &code) != OTA_OK)
        return MONITOR_WRITE_FAILED;
    m->table = t;
    return MONITOR_OK;
}

/* ---- install ---- */

/* What ran becomes the last known good set. One write. */
static enum monitor_error make_current(struct monitor *m)
{
    struct monitor_table next = m->table;

    next.backup = next.current;
    next.current = next.staged;
    memset(&next.staged, 0, sizeof next.staged);
    next.install = 0;
    next.trial = MONITOR_INSTALLED;
    next.tries = MONITOR_TRIES;
    return monitor_store(m, &next);
}

enum monitor_error monitor_install(struct monitor *m)
{
    size_t missing[MONITOR_IMAGES_MAX];

    if (!monitor_is_set(&m->table.staged))
        return MONITOR_NO_UPDATE_IN_PROGRESS;
    if (m->handle || m->table.trial != MONITOR_CONFIRMED)
        return MONITOR_UPDATE_IN_PROGRESS;
    if (monitor_missing(m, missing) > 0)
        return MONITOR_MUST_DOWNLOAD_MISSING;
    /* Cells may have rotted since they were committed. */
    enum monitor_error e = monitor_verify_set(m, &m->table.staged);
    return e == MONITOR_OK ? make_current(m) : e;
}

/* ---- start ---- */

/* Also what was staged upon the set that is given up goes. */
static enum monitor_error roll_back(struct monitor *m, enum monitor_error reason)
{
    struct monitor_table next = m->table;

    if (!monitor_is_set(&next.backup) || monitor_verify_set(m, &next.backup) != MONITOR_OK)
        return MONITOR_ROLLBACK_TARGETS_ABSENT;
    memcpy(next.rolled_back, next.current.manifest, sizeof next.rolled_back);
    next.rollback_reason = (uint32_t)reason;
    next.rollbacks++;
    next.current = next.backup;
    memset(&next.backup, 0, sizeof next.backup);
    memset(&next.staged, 0, sizeof next.staged);
    next.trial = MONITOR_CONFIRMED;
    next.tries = next.install = 0;
    return monitor_store(m, &next);
}

static enum monitor_error take_try(struct monitor *m)
{
    struct monitor_table next = m->table;

    if (next.tries == 0)
        return roll_back(m, MONITOR_OK);
    next.tries--;
    next.trial = MONITOR_TRIED;
    return monitor_store(m, &next);
}

enum monitor_error monitor_start(struct monitor *m)
{
    size_t missing[MONITOR_IMAGES_MAX];
    enum monitor_error e;

    m->handle = 0; /* what was half staged is gone; its cell is free */
    if (monitor_is_set(&m->table.staged) && monitor_missing(m, missing) == 0 && m->table.trial == MONITOR_CONFIRMED)
        (void)(monitor_install(m) == MONITOR_OK); /* if a cell has rotted, what ran runs on */
    if (!monitor_is_set(&m->table.current))
        return MONITOR_IMAGE_NOT_FOUND;
    e = monitor_verify_set(m, &m->table.current);
    if (e != MONITOR_OK)
        return roll_back(m, e);
    return m->table.trial == MONITOR_CONFIRMED ? MONITOR_OK : take_try(m);
}

enum monitor_error monitor_mark_good(struct monitor *m)
{
    struct monitor_table next = m->table;

    if (next.trial != MONITOR_TRIED)
        return next.trial == MONITOR_CONFIRMED ? MONITOR_OK : MONITOR_UPDATE_IN_PROGRESS;
    next.trial = MONITOR_CONFIRMED;
    next.tries = 0;
    return monitor_store(m, &next);
}

const struct monitor_set *monitor_list(const struct monitor *m)
{
    return &m->table.current;
}

bool monitor_rollback_info(const struct monitor *m, uint8_t manifest[OTA_SHA256_LEN], enum monitor_error *reason)
{
    memcpy(manifest, m->table.rolled_back, OTA_SHA256_LEN);
    *reason = (enum monitor_error)m->table.rollback_reason;
    return m->table.rollbacks > 0;
}
