/* SPDX-License-Identifier: Apache-2.0 */
/* The fast builds of the model decide and learn what the small one does, bit for bit: from the same bytes they decode the same,
 * and are in the same state behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "delta_i.h"

#define LOG2 9u /* so few counters that contexts of one byte share them */
#define BYTES 12000u

#define DECLARE(build)                                                                                                           \
    void model_##build##_init(struct otai_model *m);                                                                             \
    unsigned model_##build##_hit(struct otai_model *m, const uint32_t h[OTAI_HIT_INPUTS], unsigned set, unsigned bit);           \
    uint8_t model_##build##_byte(struct otai_model *m, const struct otai_context *c, uint8_t byte);                              \
    void model_##build##_teach(struct otai_model *m, const uint32_t h[OTAI_RUNS], uint8_t byte)
DECLARE(small);
DECLARE(plain);

struct build {
    void (*init)(struct otai_model *m);
    unsigned (*hit)(struct otai_model *m, const uint32_t h[OTAI_HIT_INPUTS], unsigned set, unsigned bit);
    uint8_t (*byte)(struct otai_model *m, const struct otai_context *c, uint8_t byte);
    void (*teach)(struct otai_model *m, const uint32_t h[OTAI_RUNS], uint8_t byte);
};
static const struct build builds[] = {
    { model_small_init, model_small_hit, model_small_byte, model_small_teach },
    { model_plain_init, model_plain_hit, model_plain_byte, model_plain_teach },
    { otai_model_init, otai_code_hit, otai_code_byte, otai_teach_runs },
};
#define BUILDS (sizeof builds / sizeof builds[0])

/* A coder that sends nothing, but remembers what would have been sent. */
struct log {
    struct otai_coder coder;
    uint64_t sum;
};

static unsigned log_bit(struct otai_coder *c, uint32_t p1, unsigned bit)
{
    struct log *l = (struct log *)c;

    l->sum = (l->sum ^ (p1 << 1 | bit)) * 0x9E3779B97F4A7C15u;
    return bit;
}

struct run {
    struct otai_model model;
    struct otai_unrange in;
    struct log log;
    uint16_t slot[1u << LOG2], run[1u << LOG2];
    uint8_t out[BYTES];
    uint64_t hits;
};

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Mostly contexts that repeat, so that runs become long; now and then one that is new. */
static void contexts(uint32_t *seed, const uint8_t *before, struct otai_context *c)
{
    uint32_t r = next(seed);

    c->slots = r & 1 ? 2u : OTAI_SLOTS_MAX;
    c->kind = r % OTAI_BYTE_KINDS;
    for (uint32_t i = 0; i < OTAI_SLOTS_MAX; i++)
        c->slot[i] = r & 2 ? before[0] * 77u + i : r % 5u;
    for (uint32_t i = 0; i < OTAI_RUNS; i++)
        c->run[i] = i * 1000u + (r % 16u ? (uint32_t)before[0] >> i : r);
}

static void drive(const struct build *b, struct run *r, const uint8_t *in, size_t len, bool decodes)
{
    uint32_t seed = 5;
    uint8_t before[1] = { 0 };

    memset(r, 0, sizeof *r);
    r->in = (struct otai_unrange){ .coder = { otai_unrange_bit }, .p = in, .len = len, .range = 0xffffffffu, .code = 0x12345678 };
    r->log.coder.bit = log_bit;
    r->model.slot = r->slot;
    r->model.run = r->run;
    r->model.slots_log2 = r->model.runs_log2 = LOG2;
    r->model.coder = decodes ? &r->in.coder : &r->log.coder;
    b->init(&r->model);
    for (size_t i = 0; i < BYTES; i++) {
        struct otai_context c;
        uint32_t h[OTAI_HIT_INPUTS], bias = next(&seed);

        contexts(&seed, before, &c);
        before[0] = r->out[i] = b->byte(&r->model, &c, (uint8_t)(bias & 7 ? 0x5a : bias >> 3));
        for (unsigned k = 0; k < OTAI_HIT_INPUTS; k++)
            h[k] = before[0] % (k + 2u);
        r->hits = r->hits * 3u + b->hit(&r->model, h, bias % OTAI_HIT_SETS, bias % 13u != 0);
        if (bias % 3u == 0)
            b->teach(&r->model, c.run, before[0]);
    }
}

static void assert_same(struct run *a, struct run *b)
{
    assert_memory_equal(a->out, b->out, sizeof a->out);
    assert_true(a->hits == b->hits && a->log.sum == b->log.sum);
    assert_true(a->in.at == b->in.at && a->in.range == b->in.range && a->in.code == b->in.code && a->in.over == b->in.over);
    assert_memory_equal(a->slot, b->slot, sizeof a->slot);
    assert_memory_equal(a->run, b->run, sizeof a->run);
    assert_memory_equal(a->model.trust, b->model.trust, sizeof a->model.trust);
    assert_memory_equal(a->model.weight, b->model.weight, sizeof a->model.weight);
    assert_memory_equal(a->model.hit_weight, b->model.hit_weight, sizeof a->model.hit_weight);
}

static void all_builds_are_one_model(bool decodes)
{
    static struct run first, other;
    static uint8_t in[BYTES / 64]; /* less than is asked for: zeros follow */
    uint32_t seed = 1;

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)next(&seed);
    drive(&builds[0], &first, in, sizeof in, decodes);
    for (size_t i = 1; i < BUILDS; i++) {
        drive(&builds[i], &other, in, sizeof in, decodes);
        assert_same(&first, &other);
    }
    assert_true(decodes ? first.in.over : first.log.sum != 0);
}

static void decoders_are_one_model(void **state)
{
    (void)state;
    all_builds_are_one_model(true);
}

static void encoders_are_one_model(void **state)
{
    (void)state;
    all_builds_are_one_model(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(decoders_are_one_model), cmocka_unit_test(encoders_are_one_model) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
