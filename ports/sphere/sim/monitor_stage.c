/* SPDX-License-Identifier: Apache-2.0 */
/* Staging: all that comes from the part that is not trusted. */
#include "monitor_inside.h"

#define CUSTOMER_MANIFEST 25u
#define NO_CELL 0xffu

/* ---- manifests ---- */

static enum monitor_error manifest_error(const struct monitor *m, ota_err err)
{
    if (err == OTA_OK)
        return MONITOR_OK;
    if (err == OTA_REJECT_DUPLICATE && strcmp(m->why.where, "manifest.entry.component") == 0)
        return MONITOR_MULTIPLE_COMPONENTS;
    return MONITOR_MALFORMED_MANIFEST;
}

static enum monitor_error read_manifest(struct monitor *m, const uint8_t *package, size_t len, struct ota_manifest *out)
{
    struct ota_package_want want = m->cfg.want;
    struct ota_package p;

    want.component = NULL;
    ota_err err = ota_package_verify_begin(&m->verify, m->cfg.crypto, &want, &m->why);
    if (err == OTA_OK)
        err = ota_package_verify_add(&m->verify, package, len);
    if (err == OTA_OK)
        err = ota_package_verify_end(&m->verify, &p);
    if (err != OTA_OK)
        return MONITOR_VERIFICATION_FAILED;
    if (p.image_type != CUSTOMER_MANIFEST) {
        (void)ota_fault_set(&m->why, OTA_REJECT_VALUE, "package.identity.image_type", p.image_type);
        return MONITOR_MALFORMED_MANIFEST;
    }
    return manifest_error(m, ota_manifest_open(out, package, (size_t)p.body_len, true, &m->why));
}

/* The same image, byte for byte, in a set whose bytes are there. */
static const struct monitor_image *find_same(const struct monitor_set *s, const struct ota_manifest_entry *e)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->image[i].staged && memcmp(s->image[i].image, e->image, OTA_UID_LEN) == 0 &&
            memcmp(s->image[i].sha256, e->sha256, OTA_SHA256_LEN) == 0)
            return &s->image[i];
    return NULL;
}

static void take_entry(const struct monitor *m, struct monitor_set *set, const struct ota_manifest_entry *e)
{
    struct monitor_image *to = &set->image[set->count++];
    const struct monitor_image *same = find_same(&m->table.staged, e);

    if (!same)
        same = find_same(&m->table.current, e);
    if (same) {
        *to = *same;
    } else {
        *to = (struct monitor_image){ .length = e->length, .cell = NO_CELL };
        memcpy(to->image, e->image, OTA_UID_LEN);
        memcpy(to->sha256, e->sha256, OTA_SHA256_LEN);
    }
    memcpy(to->component, e->component, OTA_UID_LEN);
    for (size_t i = 0; i < OTA_MANIFEST_ABI_MAX; i++)
        if (e->provides[i].type != 0)
            set->abi[set->abi_count++] = e->provides[i];
}

static enum monitor_error take_entries(struct monitor *m, const struct ota_manifest *manifest, struct monitor_set *set)
{
    struct ota_manifest_entry e;

    if (manifest->count == 0 || manifest->count > MONITOR_IMAGES_MAX)
        return MONITOR_BAD_IMAGE_COUNT;
    for (size_t i = 0; i < manifest->count; i++) {
        ota_manifest_get(manifest, i, &e);
        if (e.length == 0 || e.length > m->cfg.cell_len)
            return MONITOR_IMAGE_TOO_LONG;
        take_entry(m, set, &e);
    }
    return MONITOR_OK;
}

static enum monitor_error digest_of(const struct monitor *m, const uint8_t *bytes, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_crypto *c = m->cfg.crypto;
    struct ota_hash h;

    if (c->ops->hash_start(c, &h, OTA_SHA256) != OTA_OK)
        return MONITOR_VERIFICATION_FAILED;
    ota_err err = c->ops->hash_add(c, &h, bytes, len);
    return c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL) == OTA_OK && err == OTA_OK ? MONITOR_OK
                                                                                          : MONITOR_VERIFICATION_FAILED;
}

enum monitor_error monitor_stage_manifest(struct monitor *m, const uint8_t *package, size_t len)
{
    struct monitor_table next = m->table;
    struct monitor_set set = { .count = 0 };
    struct ota_manifest manifest;

    if (m->handle || m->table.trial != MONITOR_CONFIRMED)
        return MONITOR_UPDATE_IN_PROGRESS;
    if (len > MONITOR_MANIFEST_MAX)
        return MONITOR_MALFORMED_MANIFEST;
    enum monitor_error e = read_manifest(m, package, len, &manifest);
    if (e == MONITOR_OK)
        e = digest_of(m, package, len, set.manifest);
    if (e != MONITOR_OK)
        return e;
    if (memcmp(set.manifest, next.current.manifest, OTA_SHA256_LEN) == 0 && monitor_is_set(&next.current))
        return MONITOR_IMAGE_ALREADY_LOADED;
    if (next.rollbacks && memcmp(set.manifest, next.rolled_back, OTA_SHA256_LEN) == 0)
        return MONITOR_SOFTWARE_ROLLBACK;
    set.built_s = manifest.built_s;
    if (set.built_s < next.current.built_s)
        return MONITOR_MANIFEST_OLDER;
    e = take_entries(m, &manifest, &set);
    if (e != MONITOR_OK)
        return e;
    next.staged = set;
    return monitor_store(m, &next);
}

size_t monitor_missing(const struct monitor *m, size_t index[MONITOR_IMAGES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < m->table.staged.count; i++)
        if (!m->table.staged.image[i].staged)
            index[n++] = i;
    return n;
}

/* ---- images ---- */

static bool uses(const struct monitor_set *s, uint8_t cell)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->image[i].staged && s->image[i].cell == cell)
            return true;
    return false;
}

static uint8_t free_cell(const struct monitor *m)
{
    for (uint8_t i = 0; i < m->cfg.cells; i++)
        if (!uses(&m->table.current, i) && !uses(&m->table.backup, i) && !uses(&m->table.staged, i))
            return i;
    return NO_CELL;
}

static enum monitor_error erase(const struct monitor *m, uint8_t cell)
{
    const struct ota_mcu_area *a = &m->cell[cell];

    return a->flash->ops->erase(a->flash, a->off, a->len) == 0 ? MONITOR_OK : MONITOR_WRITE_FAILED;
}

enum monitor_error monitor_stage_open(struct monitor *m, const uint8_t image[OTA_UID_LEN], uint32_t length, uint32_t *handle)
{
    const struct monitor_set *s = &m->table.staged;
    size_t i = 0;

    if (!monitor_is_set(s))
        return MONITOR_NO_UPDATE_IN_PROGRESS;
    if (m->handle)
        return MONITOR_UPDATE_IN_PROGRESS;
    while (i < s->count && memcmp(s->image[i].image, image, OTA_UID_LEN) != 0)
        i++;
    if (i == s->count)
        return MONITOR_OUT_OF_ORDER_IMAGE;
    if (s->image[i].staged)
        return MONITOR_IMAGE_ALREADY_LOADED;
    if (length != s->image[i].length)
        return MONITOR_IMAGE_TOO_LONG;
    m->open_cell = free_cell(m);
    if (m->open_cell == NO_CELL)
        return MONITOR_NO_FREE_SPACE;
    enum monitor_error e = erase(m, m->open_cell);
    if (e != MONITOR_OK)
        return e;
    m->open_index = i;
    m->done = 0;
    m->handle = *handle = m->next_handle++;
    return MONITOR_OK;
}

/* The last block is filled up: nothing else will lie behind it. */
static enum monitor_error put(const struct monitor *m, uint32_t off, const uint8_t *block, uint32_t len)
{
    const struct ota_mcu_area *a = &m->cell[m->open_cell];
    uint32_t whole = len - len % MONITOR_BLOCK;
    uint8_t last[MONITOR_BLOCK];
    int32_t number = whole ? a->flash->ops->program(a->flash, a->off + off, block, whole) : 0;

    if (number == 0 && whole < len) {
        memset(last, 0xff, sizeof last);
        memcpy(last, block + whole, len - whole);
        number = a->flash->ops->program(a->flash, a->off + off + whole, last, sizeof last);
    }
    return number == 0 ? MONITOR_OK : MONITOR_WRITE_FAILED;
}

enum monitor_error monitor_stage_write(struct monitor *m, uint32_t handle, uint32_t off, const void *block, uint32_t len)
{
    if (handle == 0 || handle != m->handle)
        return MONITOR_BAD_HANDLE;
    uint32_t length = m->table.staged.image[m->open_index].length;
    if (off > length || len > length - off)
        return MONITOR_OFFSET_OUT_OF_BOUNDS;
    if (off % MONITOR_BLOCK || (len % MONITOR_BLOCK && off + len != length))
        return MONITOR_BAD_OFFSET_ALIGNMENT;
    if (off < m->done)
        return MONITOR_BLOCK_OVERLAPS;
    if (off > m->done)
        return MONITOR_BLOCK_OUT_OF_ORDER;
    enum monitor_error e = put(m, off, block, len);
    if (e == MONITOR_OK)
        m->done += len;
    return e;
}

enum monitor_error monitor_stage_abort(struct monitor *m, uint32_t handle)
{
    if (handle == 0 || handle != m->handle)
        return MONITOR_BAD_HANDLE;
    m->handle = 0;
    return MONITOR_OK;
}

/* What runs of that component now may not be followed by something with an older security version. */
static uint32_t floor_of(const struct monitor *m, const struct monitor_image *image)
{
    for (size_t i = 0; i < m->table.current.count; i++)
        if (memcmp(m->table.current.image[i].component, image->component, OTA_UID_LEN) == 0)
            return m->table.current.image[i].security;
    return 0;
}

/* An image that is refused frees its cell: nothing of it stays. */
enum monitor_error monitor_stage_commit(struct monitor *m, uint32_t handle)
{
    struct monitor_table next = m->table;
    struct monitor_image *image = &next.staged.image[m->open_index];
    const struct ota_mcu_area *a = &m->cell[m->open_cell];

    if (handle == 0 || handle != m->handle)
        return MONITOR_BAD_HANDLE;
    if (m->done != image->length)
        return MONITOR_INCOMPLETE;
    m->handle = 0;
    if (a->flash->ops->sync(a->flash) != 0)
        return MONITOR_WRITE_FAILED;
    image->cell = m->open_cell;
    enum monitor_error e = monitor_verify(m, &next.staged, image, floor_of(m, image), &image->security);
    if (e != MONITOR_OK)
        return e;
    image->staged = 1;
    return monitor_store(m, &next);
}
