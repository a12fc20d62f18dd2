/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A round: the slot that runs, read in slices. The first one compares the whole image with its digest and keeps digests of its
 * blocks; once that came out well they vouch for it, and later rounds compare block by block: what changed is found as soon
 * as it is read, and its place is known.
 */
#include <string.h>

#include "bytes.h"
#include "monitor_i.h"

static struct ota_slot *slot_of(const struct ota_monitor *m)
{
    return m->cfg.parts[m->part].slot[m->now.slot];
}

static size_t marks_each(const struct ota_monitor *m)
{
    return m->cfg.mark_count / m->cfg.part_count;
}

/* The smallest blocks that there is room for; slices never lie across two of them. */
static uint64_t block_len(const struct ota_monitor *m)
{
    uint64_t len = m->cfg.pace;

    while ((m->now.length + len - 1u) / len > marks_each(m))
        len *= 2u;
    return len;
}

static bool proven(const struct ota_monitor *m)
{
    return marks_each(m) && otai_equal(m->proven[m->part], m->now.sha256, OTA_SHA256_LEN);
}

static uint8_t *mark_at(struct ota_monitor *m, uint64_t off)
{
    return m->cfg.marks[m->part * marks_each(m) + (size_t)(off / block_len(m))];
}

static void finding(struct ota_monitor *m, enum ota_monitor_kind kind, ota_err err, int32_t code, bool located)
{
    struct ota_monitor_finding *f = &m->finding;

    otai_mon_end_hashes(m);
    memset(m->proven[m->part], 0, OTA_SHA256_LEN);
    *f = (struct ota_monitor_finding){ .kind = kind, .component = m->part, .slot = m->now.slot, .located = located };
    if (located) {
        uint64_t left = m->now.length - m->off;

        f->off = m->off;
        f->len = (uint32_t)(left < block_len(m) ? left : block_len(m));
    }
    memcpy(f->sha256, m->now.sha256, sizeof f->sha256);
    char where[OTA_FAULT_WHERE_MAX];
    otai_mon_where(where, "running slot ", m->now.slot, located || kind == OTA_MONITOR_UNREAD, m->off);
    (void)ota_fault_set(&f->cause, err, where, code);
    f->cause.component = m->part;
    m->status.part[m->part].kind = kind;
}

static bool held_already(const struct ota_monitor *m)
{
    return m->held[m->part] == m->finding.kind && otai_equal(m->told[m->part], m->finding.sha256, OTA_SHA256_LEN);
}

static void hand_over(struct ota_monitor *m, uint64_t now)
{
    if (held_already(m)) {
        otai_mon_next(m, now);
        return;
    }
    const struct ota_monitor_finding *f = &m->finding;
    if (f->kind == OTA_MONITOR_UNREAD)
        otai_mon_note(m, OTA_EV_MONITOR_UNREAD, m->part, 0, &f->cause);
    else
        otai_mon_note(m, OTA_EV_MONITOR_TAMPERED, m->part, f->located ? (int64_t)f->off : -1, &f->cause);
    otai_mon_found(m, now);
}

static void unread(struct ota_monitor *m, uint64_t now, ota_err err, ota_err fallback, int32_t code)
{
    finding(m, OTA_MONITOR_UNREAD, ota_err_class(err) == OTA_CLASS_DEVICE ? err : fallback, code, false);
    hand_over(m, now);
}

static void good(struct ota_monitor *m, uint64_t now)
{
    struct ota_monitor_part_status *s = &m->status.part[m->part];

    if (marks_each(m))
        memcpy(m->proven[m->part], m->now.sha256, OTA_SHA256_LEN);
    s->kind = OTA_MONITOR_FINE;
    s->rounds++;
    m->held[m->part] = OTA_MONITOR_FINE;
    otai_mon_note(m, OTA_EV_MONITOR_GOOD, m->part, (int64_t)m->now.length, NULL);
    otai_mon_next(m, now);
}

static void finish(struct ota_monitor *m, uint64_t now)
{
    uint8_t digest[OTA_SHA256_LEN];

    if (!m->hashing) { /* each block was compared */
        good(m, now);
        return;
    }
    m->hashing = false;
    if (m->cfg.crypto->ops->hash_end(m->cfg.crypto, &m->hash, digest) != OTA_OK) {
        unread(m, now, OTA_DEVICE_CRYPTO, OTA_DEVICE_CRYPTO, 0);
        return;
    }
    if (otai_equal(digest, m->now.sha256, sizeof digest)) {
        good(m, now);
        return;
    }
    m->status.part[m->part].rounds++;
    finding(m, OTA_MONITOR_TAMPERED, OTA_REJECT_HASH, 0, false);
    hand_over(m, now);
}

/* The end of a block. OTA_AGAIN: it differs, and is read once more, for a slip on the way from the medium is no change of it. */
static ota_err end_block(struct ota_monitor *m, uint64_t begin)
{
    uint8_t digest[OTA_SHA256_LEN];

    m->marking = false;
    if (m->cfg.crypto->ops->hash_end(m->cfg.crypto, &m->mark, digest) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    if (m->hashing) {
        memcpy(mark_at(m, begin), digest, sizeof digest);
        return OTA_OK;
    }
    if (otai_equal(mark_at(m, begin), digest, sizeof digest)) {
        m->again = false;
        return OTA_OK;
    }
    m->off = begin;
    if (m->again)
        return OTA_REJECT_HASH;
    m->again = true;
    return OTA_AGAIN;
}

static ota_err add_to_block(struct ota_monitor *m, size_t len)
{
    uint64_t begin = m->off / block_len(m) * block_len(m);

    if (!m->marking) {
        if (otai_mon_hash_start(m, &m->mark) != OTA_OK)
            return OTA_DEVICE_CRYPTO;
        m->marking = true;
    }
    if (m->cfg.crypto->ops->hash_add(m->cfg.crypto, &m->mark, m->cfg.buf, len) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    m->off += len;
    return m->off == m->now.length || m->off - begin == block_len(m) ? end_block(m, begin) : OTA_OK;
}

static ota_err take(struct ota_monitor *m, size_t len)
{
    if (m->hashing && m->cfg.crypto->ops->hash_add(m->cfg.crypto, &m->hash, m->cfg.buf, len) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    if (marks_each(m))
        return add_to_block(m, len);
    m->off += len;
    return OTA_OK;
}

static bool as_before(const struct ota_monitor *m, const struct ota_monitor_image *image)
{
    return image->slot == m->now.slot && image->length == m->now.length &&
           otai_equal(image->sha256, m->now.sha256, OTA_SHA256_LEN);
}

static void slice(struct ota_monitor *m, uint64_t now)
{
    struct ota_slot *s = slot_of(m);
    uint64_t left = m->now.length - m->off;
    size_t len = left < m->cfg.pace ? (size_t)left : m->cfg.pace;
    int32_t code = 0;
    ota_err err = s->ops->read(s, m->off, m->cfg.buf, len, &code);

    if (err != OTA_OK) {
        unread(m, now, err, OTA_DEVICE_SLOT, code);
        return;
    }
    err = take(m, len);
    m->status.part[m->part].off = m->off;
    if (err == OTA_REJECT_HASH) {
        m->status.part[m->part].rounds++;
        finding(m, OTA_MONITOR_TAMPERED, err, 0, true);
        hand_over(m, now);
    } else if (err == OTA_DEVICE_CRYPTO) {
        unread(m, now, err, err, 0);
    } else if (m->off == m->now.length) {
        finish(m, now);
    }
}

void otai_mon_read(struct ota_monitor *m, uint64_t now)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    struct ota_monitor_image image;

    m->due_ms = now + m->cfg.every_ms;
    if (o->ops->image(o, m->part, false, &image) == OTA_OK && as_before(m, &image)) {
        slice(m, now);
        return;
    }
    otai_mon_end_hashes(m); /* another image runs: its round begins at its beginning */
    m->phase = OTAI_MON_REST;
}

void otai_mon_begin(struct ota_monitor *m, uint64_t now)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    struct ota_monitor_part_status *s = &m->status.part[m->part];

    m->due_ms = now + m->cfg.every_ms;
    s->known = o->ops->image(o, m->part, false, &m->now) == OTA_OK && m->now.slot <= 1 && m->now.length > 0;
    if (!s->known) {
        otai_mon_next(m, now);
        return;
    }
    m->off = 0;
    m->again = false;
    m->phase = OTAI_MON_READ;
    s->off = 0;
    s->length = m->now.length;
    if (proven(m))
        return;
    if (otai_mon_hash_start(m, &m->hash) != OTA_OK) {
        unread(m, now, OTA_DEVICE_CRYPTO, OTA_DEVICE_CRYPTO, 0);
        return;
    }
    m->hashing = true;
}
