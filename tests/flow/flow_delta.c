/* SPDX-License-Identifier: Apache-2.0 */
/* Updates by delta: what comes by which way and why, what a bad delta costs, and what an interruption costs. */
#include "flow.h"

/* Version 2 of the OS, deflated, too, and as a delta from what the factory installed. */
static const struct sim_image *offer(enum sim_damage damage, uint32_t memory)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .deflate = true, .from = factory[0], .damage = damage,
                                             .memory = memory);

    flow_deploy(two, NULL);
    return two;
}

static bool state_is_kept(void)
{
    for (size_t i = 0; i < dev->store.count; i++)
        if (strcmp(dev->store.record[i].name, "delta.os") == 0)
            return true;
    return false;
}

FLOW(a_delta_is_the_cheapest_way)
{
    const struct sim_image *two = offer(SIM_DELTA_WHOLE, 0);

    (void)state;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("delta", "cheapest");
    assert_true(dev->net.image_bytes < two->len / 2);
    assert_false(state_is_kept());
    /* and the next one, whose base is now known by name */
    const struct sim_image *three = flow_image(.version = "3.0.0", .from = two);
    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("delta", "cheapest");
}

FLOW(too_little_memory_means_deflated)
{
    const struct sim_image *two = offer(SIM_DELTA_WHOLE, 0);

    (void)state;
    dev->cfg.limits.delta_memory = 8192; /* no patch needs so little */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "memory");
    sim_open(dev, &cloud, factory, 1);
    flow_serve();
    dev->cfg.limits.delta_memory = 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "memory");
}

/* The device knows what it runs: a delta from another image is no choice. */
FLOW(a_delta_from_another_image_is_left_alone)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    const struct sim_image *three = flow_image(.version = "3.0.0", .deflate = true, .from = factory[0]);
    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("deflate", "no-base");
}

/* A running system that wrote into its own slot is noticed before anything is fetched. */
FLOW(a_base_that_changed_is_noticed_before_the_first_byte)
{
    const struct sim_image *two = offer(SIM_DELTA_WHOLE, 0);
    uint64_t deflated;

    (void)state;
    dev->cfg.limits.delta_memory = 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    deflated = dev->net.image_bytes;
    sim_open(dev, &cloud, factory, 1);
    flow_serve();
    assert_true(sim_start(dev));
    dev->slot[0][0].data[9000] ^= 1;
    dev->slot[0][0].synced[9000] ^= 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_err(sim_status(dev).last_fault.err, OTA_OK);
    assert_int_equal(dev->net.image_bytes, deflated);
    assert_came("deflate", "no-base");
}

/* Whatever is wrong with a delta: it is named, the deployment comes another way, and nobody is told of a refusal. */
FLOW(a_bad_delta_costs_a_detour)
{
    (void)state;
    for (enum sim_damage bad = SIM_DELTA_FLIPPED; bad <= SIM_DELTA_STUMP; bad++) {
        (void)flow_close(NULL);
        (void)flow_open(NULL);
        const struct sim_image *two = offer(bad, 0);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
        assert_came("deflate", "failed");
        assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);
        assert_int_equal(flow_reports("refused"), 0);
        assert_int_equal(flow_reports("confirmed"), 1);
        assert_int_equal(dev->starts, 2);
        assert_false(state_is_kept());
    }
}

/* A delta that only the seal finds wrong. */
FLOW(a_bad_delta_is_not_tried_twice)
{
    const struct sim_image *two = offer(SIM_DELTA_FLIPPED, 0);

    (void)state;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = ".z", .arg = 3, .times = 3 });
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_true(dev->starts == 2);
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);
    /* also not after the agent died behind the detour's first step */
    sim_open(dev, &cloud, factory, 1);
    flow_serve();
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_UNREACHABLE, .match = ".z", .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);
    sim_power_cycle(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);
    assert_came("deflate", "failed");
}

/* On a metered link the whole image never takes the delta's place. */
FLOW(a_byte_budget_stands_before_the_detour)
{
    const struct sim_image *two = offer(SIM_DELTA_FLIPPED, 0);

    (void)state;
    dev->cfg.limits.bytes_max = 3000;
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_runs(0, factory[0]);
    assert_true(dev->net.image_bytes <= 3000);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_LIMIT);
    assert_string_equal(sim_status(dev).last_fault.where, "limits.bytes_max");
    assert_int_equal(flow_reports("refused"), 1);
    sim_kill(dev);
    dev->cfg.limits.bytes_max = 0;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

/* ---- interruptions ---- */

/* Bytes and reads of the delta when nothing goes wrong. */
static void measure(uint64_t *bytes, uint32_t *reads, uint32_t *writes)
{
    assert_int_equal(sim_run(dev), SIM_IDLE);
    *bytes = dev->net.image_bytes;
    *reads = dev->net.image_reads;
    *writes = dev->slot_writes;
}

static void fresh_device(void)
{
    sim_open(dev, &cloud, factory, 1);
    dev->net.chunk = 64;
}

/* What one interruption may cost: image bytes written twice, and patch bytes fetched twice. */
#define WRITES_AGAIN (2 * BLOCK / 512)   /* with their erases */
#define FRAME 2052u   /* with its checksum */

static uint64_t most_bytes(uint64_t bytes)
{
    return bytes + FRAME + 64;
}

FLOW(a_delta_survives_a_drop_at_every_read)
{
    const struct sim_image *two = offer(SIM_DELTA_WHOLE, 0);
    uint64_t bytes;
    uint32_t reads, writes;

    (void)state;
    fresh_device();
    measure(&bytes, &reads, &writes);
    assert_true(reads > 8);
    for (uint32_t n = 1; n <= reads; n++) {
        fresh_device();
        flow_drop_at_read(n, two);
        assert_in_range(dev->net.image_bytes, bytes, most_bytes(bytes));
        assert_in_range(dev->slot_writes, writes, writes + WRITES_AGAIN);
        assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK) + sim_events(dev, OTA_EV_STATE_LOST), 0);
    }
}

FLOW(an_agent_killed_before_every_step_of_a_delta_converges)
{
    const struct sim_image *two = offer(SIM_DELTA_WHOLE, 0);
    uint64_t bytes;
    uint32_t reads, writes, kills = 0;

    (void)state;
    fresh_device();
    measure(&bytes, &reads, &writes);
    for (uint32_t n = 1;; n++) {
        fresh_device();
        dev->kill_at = n;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
        assert_in_range(dev->net.image_bytes, bytes, most_bytes(bytes));
        assert_in_range(dev->slot_writes, writes, writes + WRITES_AGAIN);
        assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK) + sim_events(dev, OTA_EV_STATE_LOST), 0);
        assert_int_equal(flow_reports("confirmed"), 1);
        if (dev->steps < n)
            break;
        kills++;
    }
    assert_true(kills > 50);
}

/* Interrupted in its middle, with a state in the store. */
static struct sim_record *interrupted(void)
{
    fresh_device();
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/os/img/", .arg = 45, .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    sim_kill(dev);
    for (size_t i = 0; i < dev->store.count; i++)
        if (strcmp(dev->store.record[i].name, "delta.os") == 0)
            return &dev->store.record[i];
    fail_msg("no state was saved");
    return NULL;
}

/* A saved state is a hint: damaged in any way, or from elsewhere, it costs a beginning and never more. */
FLOW(a_damaged_state_costs_a_beginning)
{
    const struct sim_image *two = offer(SIM_DELTA_WHOLE, 0);
    struct sim_record *r;
    uint32_t tried = 0;

    (void)state;
    for (size_t at = 0;; at += at < 100 ? 3 : 997, tried++) {
        r = interrupted();
        if (at >= r->len)
            break;
        r->data[at] ^= 0x20;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
        assert_came("delta", "resumed");
        assert_int_equal(sim_events(dev, OTA_EV_STATE_LOST), 1);
    }
    assert_true(tried > 40);
    for (size_t len = 0; len < 120; len += 7) {
        r = interrupted();
        r->len = len;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
    }
}

/* A store that has no room for the state costs the hint, not the update. */
FLOW(a_state_of_another_update_is_not_taken)
{
    const struct sim_image *two = offer(SIM_DELTA_WHOLE, 0);
    struct sim_record old = *interrupted();

    (void)state;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    const struct sim_image *three = flow_image(.version = "3.0.0", .from = two);
    flow_deploy(three, NULL);
    sim_kill(dev);
    dev->store.record[dev->store.count++] = old;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("delta", "cheapest");
}

FLOW_MAIN(FLOW_TEST(a_delta_is_the_cheapest_way), FLOW_TEST(too_little_memory_means_deflated),
          FLOW_TEST(a_delta_from_another_image_is_left_alone), FLOW_TEST(a_base_that_changed_is_noticed_before_the_first_byte),
          FLOW_TEST(a_bad_delta_costs_a_detour), FLOW_TEST(a_bad_delta_is_not_tried_twice),
          FLOW_TEST(a_byte_budget_stands_before_the_detour), FLOW_TEST(a_delta_survives_a_drop_at_every_read),
          FLOW_TEST(an_agent_killed_before_every_step_of_a_delta_converges), FLOW_TEST(a_damaged_state_costs_a_beginning),
          FLOW_TEST(a_state_of_another_update_is_not_taken))
