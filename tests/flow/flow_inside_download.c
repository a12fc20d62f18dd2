/* SPDX-License-Identifier: Apache-2.0 */
/* PLAN, DOWNLOAD and SEAL with publishers, ports and saved states that are wrong in ways that need care to make. */
#include "inside.h"

#include "bytes.h"

#define OUT_AT 8
#define SRC_AT 16
#define STATE_AT 88

static const struct sim_image *offer(bool deflate, bool delta, size_t len)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .deflate = deflate, .from = delta ? factory[0] : NULL, .len = len);

    flow_deploy(two, NULL);
    return two;
}

static void expect_runs(const struct sim_image *image)
{
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, image);
}

/* ---- limits ---- */

static bool spend_everything(struct ota *a)
{
    a->cfg.limits.bytes_max = 5000;
    a->j.fetched = 6000;
    return true;
}

FLOW(a_budget_that_is_overspent_leaves_nothing)
{
    (void)state;
    (void)offer(false, false, 0);
    assert_int_equal(inside_at(OTA_ST_PLAN, spend_everything), SIM_BACKING_OFF);
    assert_runs(0, factory[0]);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_LIMIT);
    assert_int_equal(dev->net.image_bytes, 0);
}

FLOW(a_block_may_be_larger_than_the_memory_at_hand)
{
    const struct sim_image *two = offer(false, false, 0);

    (void)state;
    dev->cfg.limits.block = 1u << 20;
    expect_runs(two);
}

/* ---- deflated images ---- */

static bool plan_nonsense(struct ota *a)
{
    if (a->busy)
        return false;
    a->plan.source.block = 3;
    return true;
}

FLOW(a_decoder_that_cannot_begin_is_a_refusal)
{
    (void)state;
    (void)offer(true, false, 0);
    assert_int_equal(inside_at(OTA_ST_DOWNLOAD, plan_nonsense), SIM_BACKING_OFF);
    assert_runs(0, factory[0]);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_CODEC);
    assert_string_equal(sim_status(dev).last_fault.where, "decoder");
}

/* Lengths around those of buffers and checkpoints: the last piece may fill a buffer exactly. */
FLOW(images_of_any_length_arrive)
{
    static const size_t lens[] = { 10240, 9728, 9729, 10239, 10241 };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof lens / sizeof lens[0]; i++) {
        (void)flow_close(NULL);
        (void)flow_open(NULL);
        const struct sim_image *two = offer(true, i % 2, lens[i / 2]);
        for (size_t chunk = 1; chunk < 800; chunk += 233) {
            sim_open(dev, &cloud, factory, 1);
            flow_serve();
            dev->net.chunk = chunk;
            expect_runs(two);
        }
    }
}

FLOW(deflated_bytes_that_change_on_the_way_are_fetched_again)
{
    const struct sim_image *two = offer(true, false, 0);
    uint32_t by_the_decoder = 0;

    (void)state;
    for (int64_t at = 0; at < 60; at++) {
        sim_open(dev, &cloud, factory, 1);
        flow_serve();
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_FLIP, .match = ".z", .arg = at, .times = 1 });
        (void)sim_check_in(dev);
        by_the_decoder += strcmp(sim_status(dev).last_fault.where, "image data") == 0;
        expect_runs(two);
    }
    assert_true(by_the_decoder > 5);
}

/* Whatever is missing at its end, or follows it, and however it arrives. */
FLOW(a_deflated_image_ends_where_its_description_ends)
{
    static const int more[] = { 1, 4, 30, -1, -4, -5, -40, -2000, -7000 };
    static const size_t chunks[] = { 1, 64, 4096 };

    (void)state;
    for (size_t i = 0; i < 3 * sizeof more / sizeof more[0]; i++) {
        (void)flow_close(NULL);
        (void)flow_open(NULL);
        flow_deploy(flow_image(.version = "2.0.0", .deflate = true, .len = 16000, .more = more[i / 3]), NULL);
        dev->net.chunk = chunks[i % 3];
        assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
        assert_runs(0, factory[0]);
        assert_err(sim_status(dev).last_fault.err, OTA_REJECT_CORRUPT);
    }
}

/* Input that is used up while there is still output to come. */
static bool decode_into_few_bytes(struct ota *a)
{
    if (!a->busy || !a->m.download->unpack)
        return false;
    a->m.download->out_cap = 16;
    return true;
}

FLOW(a_small_buffer_is_filled_often)
{
    const struct sim_image *two = offer(true, false, 0);

    (void)state;
    dev->net.chunk = 64;
    assert_int_equal(inside_at(OTA_ST_DOWNLOAD, decode_into_few_bytes), SIM_IDLE);
    assert_runs(0, two);
}

/* A decoder's first bytes are dropped when a server begins from the start again. */
FLOW(a_range_that_is_ignored_costs_bytes_only)
{
    (void)state;
    for (int delta = 0; delta < 2; delta++) {
        (void)flow_close(NULL);
        (void)flow_open(NULL);
        const struct sim_image *two = offer(!delta, delta, 0);
        dev->net.chunk = 64;
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/os/img/", .arg = 45, .times = 1 });
        assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_WHOLE, .match = "/os/img/" });
        expect_runs(two);
        assert_true(sim_events(dev, OTA_EV_RANGE_IGNORED) > 0);
    }
}

/* ---- deltas ---- */

/* Interrupted in its middle, with a state in the store; the agent is not running. */
static struct sim_record *interrupted(void)
{
    sim_open(dev, &cloud, factory, 1);
    flow_serve();
    dev->net.chunk = 64;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/os/img/", .arg = 45, .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    sim_kill(dev);
    for (size_t i = 0; i < dev->store.count; i++)
        if (strcmp(dev->store.record[i].name, "delta.os") == 0)
            return &dev->store.record[i];
    fail_msg("no state was saved");
    return NULL;
}

static void put(struct sim_record *r, size_t at, uint64_t v)
{
    otai_put_le64(r->data + at, v);
}

static uint64_t get(const struct sim_record *r, size_t at)
{
    return otai_get_le64(r->data + at);
}

/* The n-th way in which a state is whole and all the same of no use; false: there are no more. */
static bool forge(struct sim_record *r, int n)
{
    size_t len = r->len;

    switch (n) {
    case 0: r->data[4] = 2; break;                            /* of another version */
    case 1: put(r, OUT_AT, 0); break;                         /* nowhere */
    case 2: put(r, OUT_AT, 10000); break;                     /* at the end */
    case 3: put(r, OUT_AT, get(r, OUT_AT) + 1); break;        /* inside a unit */
    case 4: put(r, SRC_AT, 1u << 30); break;                  /* behind the patch */
    case 5: put(r, OUT_AT, get(r, OUT_AT) + 512); break;      /* not where the decoder is */
    case 6: put(r, SRC_AT, get(r, SRC_AT) - 1); break;
    case 7: r->data[STATE_AT + 40] ^= 1; break;               /* the decoder finds it */
    case 8: r->len = sizeof r->data; return true;             /* longer than any */
    default: return false;
    }
    otai_put_le32(r->data + len - 4, otai_crc32(0, r->data, len - 4));
    return true;
}

FLOW(a_state_that_lies_costs_a_beginning)
{
    const struct sim_image *two = offer(true, true, 0);
    int n = 0;

    (void)state;
    for (; forge(interrupted(), n); n++) {
        expect_runs(two);
        assert_int_equal(sim_events(dev, OTA_EV_STATE_LOST), 1);
    }
    assert_int_equal(n, 9);
}

/* The same where erases are larger or smaller than writes. */
FLOW(a_state_goes_on_at_whole_units_of_any_slot)
{
    static const struct sim_geometry any[] = { { .write_unit = 512, .erase_unit = 512 }, { .write_unit = 512 } };
    const struct sim_image *two = offer(true, true, 0);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sim_open_as(dev, &cloud, factory, 1, &any[i]);
        flow_serve();
        dev->net.chunk = 64;
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/os/img/", .arg = 45, .times = 1 });
        assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
        expect_runs(two);
        assert_int_equal(sim_events(dev, OTA_EV_STATE_LOST), 0);
    }
}

static bool narrow_the_state(struct ota *a)
{
    if (!a->busy || !a->m.download->patch.delta)
        return false;
    a->m.download->patch.state_cap = STATE_AT + 4 + 100;
    return true;
}

FLOW(a_decoder_whose_state_does_not_fit_is_left)
{
    const struct sim_image *two = offer(true, true, 0);

    (void)state;
    dev->net.chunk = 64;
    assert_int_equal(inside_at(OTA_ST_DOWNLOAD, narrow_the_state), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);
    assert_string_equal(ota_codec_name(sim_status(dev).component[0].codec), "deflate");
}

static bool claim_a_large_base(struct ota *a)
{
    if (a->busy)
        return false;
    a->plan.source.base_length = 1u << 30;
    return true;
}

FLOW(a_base_that_no_slot_can_hold_is_not_read)
{
    const struct sim_image *two = offer(true, true, 0);

    (void)state;
    assert_int_equal(inside_at(OTA_ST_DOWNLOAD, claim_a_large_base), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 0);
    assert_string_equal(ota_why_name(sim_status(dev).component[0].why), "no-base");
}

/* ---- every call fails ---- */

FLOW(every_storage_call_of_a_delta_may_fail)
{
    const struct sim_image *two = offer(true, true, 0);
    uint32_t n, struck;

    (void)state;
    for (int full = 0; full < 2; full++) {
        for (n = 1, struck = 0;; n++, struck++) {
            sim_open(dev, &cloud, factory, 1);
            flow_serve();
            dev->net.chunk = 200;
            dev->fail_at = n;
            dev->fail_with = full ? OTA_DEVICE_FULL : OTA_OK;
            (void)sim_run(dev);
            if (!dev->failed)
                break;
            expect_runs(two);
        }
        assert_true(struck > 60);
    }
}

FLOW(every_hash_call_may_fail)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        (void)flow_close(NULL);
        (void)flow_open(NULL);
        const struct sim_image *two = offer(way == 1, way == 2, 0);
        for (uint32_t n = 1;; n++) {
            sim_open(dev, &cloud, factory, 1);
            flow_serve();
            inside_crypto_use(n, false);
            (void)sim_run(dev);
            if (inside_crypto.calls < n)
                break;
            expect_runs(two);
        }
        assert_true(inside_crypto.fail_at > 20);
    }
}

static bool shorten_the_buffer(struct ota *a)
{
    if (!a->busy)
        return false;
    a->m.seal->cap = 512;
    return true;
}

FLOW(a_seal_may_take_many_steps)
{
    const struct sim_image *two = offer(false, false, 0);

    (void)state;
    assert_int_equal(inside_at(OTA_ST_SEAL, shorten_the_buffer), SIM_IDLE);
    assert_runs(0, two);
}

FLOW_MAIN(FLOW_TEST(a_budget_that_is_overspent_leaves_nothing), FLOW_TEST(a_block_may_be_larger_than_the_memory_at_hand),
          FLOW_TEST(a_decoder_that_cannot_begin_is_a_refusal), FLOW_TEST(images_of_any_length_arrive),
          FLOW_TEST(deflated_bytes_that_change_on_the_way_are_fetched_again),
          FLOW_TEST(a_deflated_image_ends_where_its_description_ends), FLOW_TEST(a_small_buffer_is_filled_often),
          FLOW_TEST(a_range_that_is_ignored_costs_bytes_only),
          FLOW_TEST(a_state_that_lies_costs_a_beginning), FLOW_TEST(a_state_goes_on_at_whole_units_of_any_slot),
          FLOW_TEST(a_decoder_whose_state_does_not_fit_is_left), FLOW_TEST(a_base_that_no_slot_can_hold_is_not_read),
          FLOW_TEST(every_storage_call_of_a_delta_may_fail), FLOW_TEST(every_hash_call_may_fail),
          FLOW_TEST(a_seal_may_take_many_steps))
