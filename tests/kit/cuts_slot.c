/* SPDX-License-Identifier: Apache-2.0 */
/* A slot: what was synced stays, and what was torn can be written again. */
#include <string.h>

#include "cuts.h"

#define PIECES 4u
#define PIECE_MAX 4096u

static struct {
    unsigned synced;       /* pieces that are durable */
    uint32_t len;          /* of a piece */
} told;

static uint8_t byte_of(uint64_t off)
{
    return (uint8_t)(off * 13u + (off >> 8) + 1u);
}

/* A piece is one erase unit, or some write units where nothing is erased. */
static bool measure(struct ota_slot *s)
{
    struct ota_slot_geometry g;
    int32_t code = 0;

    if (s->ops->geometry(s, &g, &code) != OTA_OK || g.write_unit == 0 || g.write_unit > PIECE_MAX)
        return false;
    told.len = g.erase_unit ? g.erase_unit : g.write_unit < 64 ? 64 : g.write_unit;
    return told.len <= PIECE_MAX && told.len % g.write_unit == 0 && (uint64_t)told.len * PIECES <= g.size;
}

static ota_err put_piece(struct ota_slot *s, unsigned piece)
{
    uint8_t buf[PIECE_MAX];
    uint64_t off = (uint64_t)piece * told.len;
    struct ota_slot_geometry g;
    int32_t code = 0;
    ota_err err = s->ops->geometry(s, &g, &code);

    for (uint32_t i = 0; i < told.len; i++)
        buf[i] = byte_of(off + i);
    if (err == OTA_OK && g.erase_unit)
        err = s->ops->erase(s, off, told.len, &code);
    /* In two writes, as a download does it. */
    uint32_t first = told.len / g.write_unit / 2 * g.write_unit;
    if (err == OTA_OK && first)
        err = s->ops->write(s, off, buf, first, &code);
    if (err == OTA_OK)
        err = s->ops->write(s, off + first, buf + first, told.len - first, &code);
    return err == OTA_OK ? s->ops->sync(s, &code) : err;
}

static bool holds_piece(struct ota_slot *s, unsigned piece)
{
    uint8_t buf[PIECE_MAX];
    uint64_t off = (uint64_t)piece * told.len;
    int32_t code = 0;

    if (s->ops->read(s, off, buf, told.len, &code) != OTA_OK)
        return false;
    for (uint32_t i = 0; i < told.len; i++)
        if (buf[i] != byte_of(off + i))
            return false;
    return true;
}

static const char *put_rest(struct ota_cut_rig *rig, struct ota_slot *s)
{
    for (unsigned p = told.synced; p < PIECES; p++) {
        if (put_piece(s, p) != OTA_OK)
            return rig->flash->off ? NULL : "slot: a piece can be erased, written and synced";
        told.synced = p + 1;
    }
    return NULL;
}

static const char *use(struct ota_cut_rig *rig)
{
    struct ota_slot *s = rig->slot(rig);

    memset(&told, 0, sizeof told);
    if (!s)
        return rig->flash->off ? NULL : "slot: it comes up on an empty flash";
    if (!measure(s))
        return rig->flash->off ? NULL : "slot: its geometry fits the kit: units of at most 4096, room for four";
    return put_rest(rig, s);
}

static const char *look(struct ota_cut_rig *rig)
{
    struct ota_slot *s = rig->slot(rig);

    if (!s || (told.len == 0 && !measure(s)))
        return "slot: it comes up after a power cut";
    for (unsigned p = 0; p < told.synced; p++)
        if (!holds_piece(s, p))
            return "slot: what was synced survives a power cut";
    const char *rule = put_rest(rig, s);
    if (rule)
        return rule;
    for (unsigned p = 0; p < PIECES; p++)
        if (!holds_piece(s, p))
            return "slot: what was torn can be erased and written again";
    return NULL;
}

unsigned ota_cuts_slot(struct ota_cut_rig *rig)
{
    static const struct cuts_use slot = { use, look };

    return cuts_everywhere(rig, &slot);
}
