/* SPDX-License-Identifier: Apache-2.0 */
/* The explorer. A run waits in the middle of an op while copies of the device live through every way in which the power
 * can go there; copies of copies, for the second cut and the third. A copy whose durable state, world and history were
 * seen before goes on as that one did, and is not run again. */
#include <stdlib.h>
#include <string.h>

#include "powercut.h"
#include "sim_must.h"

#define OPS_MAX 8192
#define SEEN_MAX (1u << 22)
#define TOLD_MAX 5

static struct {
    const struct stage *s;
    const struct limits *l;
    struct counts *c;
    struct event trail[CUTS_MAX];
    struct sim *node[CUTS_MAX + 1];    /* where a run begins: the device without power */
    struct sim *work[CUTS_MAX + 1];    /* the run itself */
    uint32_t from[CUTS_MAX + 1];       /* ops up to this one are not explored: they come before the last event */
    uint32_t faults[CUTS_MAX + 1][OPS_MAX];   /* what else can go wrong at each op, a bit per shape */
    uint32_t ops[CUTS_MAX + 1];
    uint64_t *seen;
    size_t seen_count;
} x;

/* ---- states that were judged already ---- */

/* true: it was there. */
static bool remember(uint64_t h)
{
    size_t at = h & (SEEN_MAX - 1);

    h = h ? h : 1;
    for (; x.seen[at]; at = (at + 1) & (SEEN_MAX - 1))
        if (x.seen[at] == h)
            return true;
    if (x.seen_count < SEEN_MAX / 2) {
        x.seen[at] = h;
        x.seen_count++;
    }
    return false;
}

static bool is_damage(const struct event *e)
{
    return e->shape == SIM_CUT_DISTURB || e->shape >= SIM_CUTS;
}

static bool damaged(unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        if (is_damage(&x.trail[i]))
            return true;
    return false;
}

static bool seen_before(const struct sim *dev, unsigned depth)
{
    uint64_t h = sim_state_hash(dev) ^ (damaged(depth) ? 0x5bd1e995u : 0);

    /* The same state with as many cuts to come. */
    return remember((h + x.l->cuts - depth) * 0x9e3779b97f4a7c15u);
}

/* ---- one run ---- */

static void tell(unsigned depth, const char *rule)
{
    struct event least[CUTS_MAX];
    char id[ID_LEN];

    x.c->violations++;
    if (x.c->violations > TOLD_MAX)
        return;
    id_print(x.s, x.trail, depth, id);
    (void)printf("%s violates \"%s\"\n", id, rule);
    memcpy(least, x.trail, sizeof least);
    unsigned n = powercut_shrink(x.s, least, depth);
    if (n && (n < depth || memcmp(least, x.trail, n * sizeof least[0]) != 0)) {
        id_print(x.s, least, n, id);
        (void)printf("    shrunk to %s\n", id);
    }
    (void)fflush(stdout);
}

static void count(unsigned depth)
{
    x.c->cuts++;
    x.c->doubles += depth == 2;
    x.c->triples += depth == 3;
}

static bool enough(void)
{
    if (x.l->runs_max && x.c->runs >= x.l->runs_max)
        x.c->complete = false;
    if (x.l->triples_max && x.c->triples >= x.l->triples_max)
        return true;
    return !x.c->complete || (x.l->stop_after && x.c->violations >= x.l->stop_after);
}

static void run(struct sim *dev, const struct sim *from, unsigned depth)
{
    uint32_t steps = dev->steps;
    enum sim_end end = stage_run(x.s, dev);
    const char *rule = judge_end(x.s, dev, end, depth, damaged(depth), dev->starts - from->starts);

    x.c->runs++;
    x.c->steps += dev->steps - steps;
    if (rule)
        tell(depth, rule);
}

static void explore_from(unsigned depth);

/* The power goes here, in this shape. */
static void cut(const struct sim *dev, const struct sim_op *op, const void *data, enum sim_shape shape, uint8_t seed)
{
    unsigned depth = dev->depth + 1;
    struct sim *node = x.node[depth];

    x.trail[depth - 1] = (struct event){ dev->ops, (uint8_t)shape, seed };
    sim_copy(node, dev);
    sim_crash(node, op, data, shape, seed);
    sim_boot_refresh(node);
    node->off = true;
    node->ops = 0;
    node->depth = depth;
    count(depth);
    if (!seen_before(node, depth))
        explore_from(depth);
}

/* An id has room for one seed. */
static bool one_seed(unsigned depth, unsigned seed)
{
    for (unsigned i = 0; i < depth; i++)
        if (x.trail[i].shape == SIM_CUT_RANDOM && x.trail[i].seed != seed)
            return false;
    return true;
}

static void at_op(struct sim *dev, const struct sim_op *op, const void *data)
{
    unsigned depth = dev->depth;
    unsigned seeds = depth == 0 ? SEEDS : 2;

    MUST(dev->ops < OPS_MAX);
    if (dev->ops <= x.from[depth] || enough() || (depth > 0 && dev->ops % x.l->stride != 0))
        return;
    x.ops[depth] = dev->ops;
    x.faults[depth][dev->ops] = 0;
    for (enum sim_shape shape = SIM_BAD_SILENT; shape < SIM_SHAPES; shape++)
        if (sim_shape_applies(dev, op, shape))
            x.faults[depth][dev->ops] |= 1u << shape;
    for (enum sim_shape shape = SIM_CUT_KEEP; shape < SIM_CUTS; shape++)
        if (sim_shape_applies(dev, op, shape))
            for (unsigned seed = 0; seed < (shape == SIM_CUT_RANDOM ? seeds : 1); seed++)
                if (shape != SIM_CUT_RANDOM || one_seed(depth, seed))
                    cut(dev, op, data, shape, (uint8_t)seed);
}

/* Something goes wrong at this op, and the device runs on; where there are cuts left, the power goes later. */
static void fault(unsigned depth, uint32_t op, enum sim_shape shape)
{
    struct sim *dev = x.work[depth + 1];

    x.trail[depth] = (struct event){ op, (uint8_t)shape, 0 };
    sim_copy(dev, x.node[depth]);
    dev->cut_at = op;
    dev->shape = shape;
    dev->depth = depth + 1;
    x.from[depth + 1] = op;
    dev->on_op = depth + 1 < x.l->cuts ? at_op : NULL;
    count(depth + 1);
    run(dev, x.node[depth], depth + 1);
    x.from[depth + 1] = 0;
}

static void explore_from(unsigned depth)
{
    struct sim *dev = x.work[depth];

    sim_copy(dev, x.node[depth]);
    dev->on_op = depth < x.l->cuts ? at_op : NULL;
    dev->depth = depth;
    x.from[depth] = 0;
    x.ops[depth] = 0;
    run(dev, x.node[depth], depth);
    if (depth == x.l->cuts || !x.l->faults)
        return;
    uint32_t ops = x.ops[depth];
    for (uint32_t op = 1; op <= ops && !enough(); op++)
        for (enum sim_shape shape = SIM_BAD_SILENT; shape < SIM_SHAPES; shape++)
            if ((depth == 0 || op % x.l->stride == 0) && x.faults[depth][op] >> shape & 1u)
                fault(depth, op, shape);
}

static struct sim *one_sim(void)
{
    struct sim *dev = calloc(1, sizeof *dev);

    MUST(dev);
    return dev;
}

void powercut_explore(const struct stage *s, const struct limits *limits, struct counts *out)
{
    MUST(limits->cuts >= 1 && limits->cuts <= CUTS_MAX && limits->stride >= 1);
    if (!x.seen) {
        x.seen = calloc(SEEN_MAX, sizeof *x.seen);
        MUST(x.seen);
        for (unsigned i = 0; i <= CUTS_MAX; i++) {
            x.node[i] = one_sim();
            x.work[i] = one_sim();
        }
    }
    if (x.seen_count)
        memset(x.seen, 0, SEEN_MAX * sizeof *x.seen);
    x.seen_count = 0;
    memset(out, 0, sizeof *out);
    out->complete = true;
    x.s = s;
    x.l = limits;
    x.c = out;
    stage_device(s, x.node[0]);
    explore_from(0);
    out->ops = x.ops[0];
}
