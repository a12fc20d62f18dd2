/* SPDX-License-Identifier: Apache-2.0 */
/* One id again, and the shortest that still breaks a rule. An id is
 *
 *     cut:<scenario>:<geometry>:<op>.<shape>[-<op>.<shape>...]:<seed>
 *
 * ops are counted from the last loss of power on; shapes are the numbers of enum sim_shape; the seed throws the dice. */
#include <stdlib.h>
#include <string.h>

#include "powercut.h"
#include "sim_must.h"

static struct {
    const struct event *event;
    unsigned count, next;
    bool tell, impossible;
} script;

static void at_op(struct sim *dev, const struct sim_op *op, const void *data)
{
    (void)data;
    if (script.tell)
        (void)fprintf(stderr, "  op %-4u %s %u +%u, %u bytes\n", (unsigned)dev->ops, sim_kind_name(op->kind), op->object,
                      (unsigned)op->off, (unsigned)op->len);
    if (script.next == script.count || dev->ops != script.event[script.next].op)
        return;
    const struct event *e = &script.event[script.next++];
    if (!sim_shape_applies(dev, op, e->shape)) {
        script.impossible = true;
        return;
    }
    dev->cut_at = dev->ops;
    dev->shape = e->shape;
    dev->seed = e->seed;
    if (script.tell)
        (void)fprintf(stderr, "---- %s, shape \"%s\"\n", e->shape < SIM_CUTS ? "the power goes" : "this goes wrong",
                      sim_shape_name(e->shape));
}

const char *powercut_replay(const struct stage *s, const struct event *event, unsigned count, bool tell)
{
    static struct sim dev;
    uint32_t starts = 0;
    bool damage = false;

    for (unsigned i = 0; i < count; i++)
        damage |= event[i].shape == SIM_CUT_DISTURB || event[i].shape >= SIM_CUTS;
    stage_device(s, &dev);
    script.event = event;
    script.count = count;
    script.next = 0;
    script.impossible = false;
    script.tell = dev.tell = tell;
    dev.on_op = at_op;
    enum sim_end end;
    while ((end = stage_run(s, &dev)) == SIM_POWER_LOST) {
        if (tell)
            (void)fprintf(stderr, "---- power is back\n");
        sim_restore_power(&dev);
        dev.ops = 0;
        starts = dev.starts;
    }
    if (script.next < count || script.impossible)
        return NULL;
    return judge_end(s, &dev, end, count, damage, dev.starts - starts);
}

/* Does it still break a rule with this event instead? */
static bool still(const struct stage *s, struct event *event, unsigned count, unsigned k, struct event other)
{
    struct event was = event[k];

    event[k] = other;
    if (powercut_replay(s, event, count, false))
        return true;
    event[k] = was;
    return false;
}

static void simplify(const struct stage *s, struct event *event, unsigned count, unsigned k)
{
    struct event e = event[k];

    for (uint8_t shape = 0; shape < e.shape; shape++)
        if (still(s, event, count, k, (struct event){ e.op, shape, 0 }))
            break;
    e = event[k];
    for (uint32_t op = 1; op < e.op; op++)
        if (still(s, event, count, k, (struct event){ op, e.shape, e.seed }))
            break;
}

unsigned powercut_shrink(const struct stage *s, struct event *event, unsigned count)
{
    if (!powercut_replay(s, event, count, false))
        return 0;
    for (unsigned k = 0; k < count && count > 1;) {
        struct event fewer[CUTS_MAX];

        memcpy(fewer, event, sizeof fewer);
        memmove(&fewer[k], &fewer[k + 1], (count - k - 1) * sizeof fewer[0]);
        if (!powercut_replay(s, fewer, count - 1, false)) {
            k++;
            continue;
        }
        memcpy(event, fewer, sizeof fewer);
        count--;
        k = 0;
    }
    for (unsigned k = 0; k < count; k++)
        simplify(s, event, count, k);
    return count;
}

void id_print(const struct stage *s, const struct event *event, unsigned count, char out[ID_LEN])
{
    int n = snprintf(out, ID_LEN, "cut:%s:%s:", s->scenario->name, s->geometry.name);
    unsigned seed = 0;

    for (unsigned i = 0; i < count; i++) {
        n += snprintf(out + n, (size_t)(ID_LEN - n), "%s%u.%u", i ? "-" : "", (unsigned)event[i].op, event[i].shape);
        seed = event[i].shape == SIM_CUT_RANDOM ? event[i].seed : seed;
        MUST(n < ID_LEN - 8);
    }
    if (count == 0)
        n += snprintf(out + n, (size_t)(ID_LEN - n), "0.0");
    (void)snprintf(out + n, (size_t)(ID_LEN - n), ":%u", seed);
}

static const struct scenario *scenario_named(const char *p, size_t len)
{
    for (size_t i = 0; i < powercut_scenario_count; i++)
        if (strlen(powercut_scenarios[i].name) == len && strncmp(powercut_scenarios[i].name, p, len) == 0)
            return &powercut_scenarios[i];
    return NULL;
}

static const struct world_geometry *geometry_named(const char *p, size_t len)
{
    for (size_t i = 0; i < powercut_geometry_count; i++)
        if (strlen(powercut_geometries[i].g.name) == len && strncmp(powercut_geometries[i].g.name, p, len) == 0)
            return &powercut_geometries[i];
    if (powercut_rigged.g.rig && strlen(powercut_rigged.g.name) == len && strncmp(powercut_rigged.g.name, p, len) == 0)
        return &powercut_rigged;
    return NULL;
}

static bool parse_events(const char *p, struct event event[CUTS_MAX], unsigned *count)
{
    *count = 0;
    for (;;) {
        unsigned op, shape;
        int n = 0;

        if (*count == CUTS_MAX || sscanf(p, "%u.%u%n", &op, &shape, &n) != 2 || shape >= SIM_SHAPES)
            return false;
        if (op > 0)
            event[(*count)++] = (struct event){ op, (uint8_t)shape, 0 };
        p += n;
        if (*p == ':')
            break;
        if (*p++ != '-')
            return false;
    }
    char *end;
    unsigned long seed = strtoul(p + 1, &end, 10);
    for (unsigned i = 0; i < *count; i++)
        event[i].seed = (uint8_t)seed;
    return end != p + 1 && *end == '\0';
}

bool id_parse(const char *text, const struct scenario **scenario, const struct world_geometry **geometry,
              struct event event[CUTS_MAX], unsigned *count)
{
    const char *part[3];

    if (strncmp(text, "cut:", 4) != 0)
        return false;
    part[0] = text + 4;
    for (int i = 0; i < 2; i++) {
        const char *colon = strchr(part[i], ':');

        if (!colon)
            return false;
        part[i + 1] = colon + 1;
    }
    *scenario = scenario_named(part[0], (size_t)(part[1] - part[0] - 1));
    *geometry = geometry_named(part[1], (size_t)(part[2] - part[1] - 1));
    return *scenario && *geometry && parse_events(part[2], event, count);
}
