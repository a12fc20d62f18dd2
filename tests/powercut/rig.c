/* SPDX-License-Identifier: Apache-2.0 */
/* The explorer on ports that a porter brings: one more geometry, whose image spans several of the port's blocks. */
#include <string.h>

#include "powercut.h"
#include "sim_must.h"

struct world_geometry powercut_rigged;

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* An odd length, two checkpoints and more than one erase unit. */
static uint32_t image_len_for(uint32_t block, uint32_t erase_unit)
{
    uint32_t len = 2 * block + erase_unit + 277;

    return len < SIM_SIZE_MAX ? len : SIM_SIZE_MAX - 1;
}

void powercut_rig(const struct sim_rig *rig)
{
    uint32_t io = larger(512, rig->write_unit), len = image_len_for(io, rig->erase_unit), size = (len + 1023) / 512 * 512;

    powercut_rigged = (struct world_geometry){ .g = { .name = "rig", .write_unit = 16, .erase_unit = 512,
            .slot_size = { size, size }, .erased = 0xff, .io = io, .block = io, .window_bits = 9, .rig = rig },
        .image_len = len };
}

bool powercut_scenario(const char *name, unsigned cuts, struct counts *out)
{
    static struct stage s;
    const struct limits limits = { .cuts = cuts, .stride = 1, .stop_after = 3 };

    MUST(powercut_rigged.g.rig);
    for (size_t i = 0; i < powercut_scenario_count; i++) {
        const struct scenario *c = &powercut_scenarios[i];

        if (strcmp(c->name, name) != 0 || c->components != 1)
            continue;
        stage_open(&s, c, &powercut_rigged);
        powercut_explore(&s, &limits, out);
        stage_close(&s);
        return true;
    }
    return false;
}

const char *powercut_again(const char *id)
{
    static struct stage s;
    const struct scenario *scenario;
    const struct world_geometry *geometry;
    struct event event[CUTS_MAX];
    unsigned count = 0;

    if (!id_parse(id, &scenario, &geometry, event, &count))
        return "not an id";
    stage_open(&s, scenario, geometry);
    const char *rule = powercut_replay(&s, event, count, true);
    stage_close(&s);
    return rule;
}
