/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"

#define CHUNK 4096u /* the largest write unit */
#define GUARD 0xa5

struct suite {
    struct ota_slot *s;
    struct ota_contract_report *r;
    struct ota_slot_geometry g;
    uint64_t block;   /* bytes of an area that is prepared as a whole */
};

static bool power_of_two(uint64_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

static bool prepare(const struct suite *t, uint64_t off, uint64_t len)
{
    int32_t code = 0;

    return t->g.erase_unit == 0 || t->s->ops->erase(t->s, off, len, &code) == OTA_OK;
}

static bool put(const struct suite *t, uint64_t off, size_t len, uint32_t seed)
{
    uint8_t buf[CHUNK];
    int32_t code = 0;

    contract_fill(buf, len, seed);
    return t->s->ops->write(t->s, off, buf, len, &code) == OTA_OK;
}

static bool holds(const struct suite *t, uint64_t off, size_t len, uint32_t seed)
{
    uint8_t buf[CHUNK + 1];
    int32_t code = 0;

    memset(buf, GUARD, sizeof buf);
    return t->s->ops->read(t->s, off, buf, len, &code) == OTA_OK && contract_is_filled(buf, len, seed) &&
           contract_is_all(buf + len, sizeof buf - len, GUARD);
}

static bool check_geometry(struct suite *t)
{
    struct ota_slot_geometry again;
    int32_t code = 0;
    bool ok;

    if (!contract_check(t->r, "slot: geometry is told", t->s->ops->geometry(t->s, &t->g, &code) == OTA_OK))
        return false;
    contract_check(t->r, "slot: geometry does not change",
                   t->s->ops->geometry(t->s, &again, &code) == OTA_OK && again.size == t->g.size &&
                       again.write_unit == t->g.write_unit && again.erase_unit == t->g.erase_unit);
    ok = contract_check(t->r, "slot: the write unit is a power of two up to 4096",
                        power_of_two(t->g.write_unit) && t->g.write_unit <= CHUNK);
    ok = contract_check(t->r, "slot: the erase unit is 0 or a power of two, a multiple of the write unit",
                        t->g.erase_unit == 0 || (power_of_two(t->g.erase_unit) && t->g.erase_unit >= t->g.write_unit)) && ok;
    t->block = t->g.erase_unit ? t->g.erase_unit : CHUNK;
    return contract_check(t->r, "slot: it is large enough to be tested", t->g.size >= 2 * t->block) && ok;
}

static void check_write(const struct suite *t)
{
    uint32_t unit = t->g.write_unit;

    contract_check(t->r, "slot: two areas are prepared", prepare(t, 0, 2 * t->block));
    contract_check(t->r, "slot: the first unit is written and read back", put(t, 0, unit, 1) && holds(t, 0, unit, 1));
    contract_check(t->r, "slot: the next unit is written and read back", put(t, unit, unit, 2) && holds(t, unit, unit, 2));
    contract_check(t->r, "slot: writing a unit leaves the one before", holds(t, 0, unit, 1));
    contract_check(t->r, "slot: a sync keeps what was written", t->s->ops->sync(t->s, &(int32_t){ 0 }) == OTA_OK &&
                   holds(t, 0, unit, 1) && holds(t, unit, unit, 2));
    contract_check(t->r, "slot: a sync can be repeated", t->s->ops->sync(t->s, &(int32_t){ 0 }) == OTA_OK);
    contract_check(t->r, "slot: reads need no alignment",
                   holds(t, 1, unit - 1u, 2) && holds(t, unit + 1u, unit - 1u, 3));
}

static void check_rewrite(const struct suite *t)
{
    size_t len = t->block < CHUNK ? (size_t)t->block : CHUNK;

    contract_check(t->r, "slot: a whole area is written and read back",
                   prepare(t, t->block, t->block) && put(t, t->block, len, 30) && holds(t, t->block, len, 30));
    contract_check(t->r, "slot: an area is written again",
                   prepare(t, t->block, t->block) && put(t, t->block, len, 40) && holds(t, t->block, len, 40));
    contract_check(t->r, "slot: preparing an area twice is safe", prepare(t, 0, t->block) && prepare(t, 0, t->block));
    contract_check(t->r, "slot: preparing an area leaves its neighbour", holds(t, t->block, len, 40));
    contract_check(t->r, "slot: a prepared area takes a write", put(t, 0, len, 50) && holds(t, 0, len, 50));
}

static void check_end(const struct suite *t)
{
    uint32_t unit = t->g.write_unit;
    uint64_t area = (t->g.size - 1) / t->block * t->block;
    uint64_t last = (t->g.size / unit - 1) * unit;
    bool whole = area + t->block <= t->g.size;

    contract_check(t->r, "slot: the last unit is written and read back",
                   prepare(t, area, whole ? t->block : t->g.size - area) && put(t, last, unit, 60) && holds(t, last, unit, 60));
    contract_check(t->r, "slot: the first area is not the last one", holds(t, 0, unit, 50));
}

static bool refuses_write(const struct suite *t, uint64_t off)
{
    uint8_t buf[CHUNK] = { 0 };
    int32_t code = 0;
    ota_err err = t->s->ops->write(t->s, off, buf, t->g.write_unit, &code);

    return err == OTA_DEVICE_SLOT && code != 0;
}

static bool refuses_read(const struct suite *t, uint64_t off, size_t len)
{
    uint8_t buf[CHUNK];
    int32_t code = 0;
    ota_err err = t->s->ops->read(t->s, off, buf, len, &code);

    return err == OTA_DEVICE_SLOT && code != 0;
}

static void check_bounds(const struct suite *t)
{
    uint32_t unit = t->g.write_unit;
    uint64_t behind = (t->g.size + unit - 1) / unit * unit;
    uint64_t huge = UINT64_MAX - unit + 1;

    contract_check(t->r, "slot: writing behind the end is refused, with a number", refuses_write(t, behind));
    contract_check(t->r, "slot: reading across the end is refused, with a number", refuses_read(t, t->g.size - 1, 2));
    contract_check(t->r, "slot: an offset that overflows is refused, with a number",
                   refuses_write(t, huge) && refuses_read(t, huge, unit));
    contract_check(t->r, "slot: what is refused changes nothing", holds(t, 0, unit, 50));
}

unsigned ota_contract_slot(struct ota_slot *s, struct ota_contract_report *r)
{
    struct suite t = { .s = s, .r = r };
    unsigned before = r->failures;

    if (check_geometry(&t)) {
        check_write(&t);
        check_rewrite(&t);
        check_end(&t);
        check_bounds(&t);
    }
    return r->failures - before;
}
