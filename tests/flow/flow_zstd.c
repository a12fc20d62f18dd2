/* SPDX-License-Identifier: Apache-2.0 */
/* Images in zstd frames: when they come, what an interruption costs, what bad ones cost. */
#include "flow.h"
#include "sim_zstd.h"

static const struct sim_image *offer(int more)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .deflate = true, .zstd = true, .more = more);

    flow_deploy(two, NULL);
    return two;
}

static void fresh_device(void)
{
    sim_open(dev, &cloud, factory, 1);
    dev->cfg.limits.zstd_window_bits = SIM_ZSTD_WINDOW_BITS;
}

FLOW(frames_are_the_cheapest_way)
{
    const struct sim_image *two = offer(0);
    uint64_t deflated;

    (void)state;
    assert_int_equal(sim_run(dev), SIM_IDLE); /* no memory for it */
    assert_runs(0, two);
    assert_came("deflate", "memory");
    deflated = dev->net.image_bytes;
    fresh_device();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("zstd", "cheapest");
    assert_true(dev->net.image_bytes < deflated);
}

FLOW(a_larger_window_than_the_device_has_is_left_alone)
{
    const struct sim_image *two = offer(0);

    (void)state;
    fresh_device();
    dev->cfg.limits.zstd_window_bits = SIM_ZSTD_WINDOW_BITS - 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "memory");
}

FLOW(a_download_survives_a_drop_at_every_read)
{
    const struct sim_image *two = offer(0);

    (void)state;
    fresh_device();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    uint64_t bytes = dev->net.image_bytes;
    uint32_t reads = dev->net.image_reads;
    assert_true(reads > 4);
    for (uint32_t n = 1; n <= reads; n++) {
        fresh_device();
        flow_drop_at_read(n, two);
        assert_string_equal(ota_codec_name(sim_status(dev).component[0].codec), "zstd");
        assert_in_range(dev->net.image_bytes, bytes, bytes + BLOCK);
    }
}

FLOW(an_agent_killed_before_every_step_converges)
{
    const struct sim_image *two = offer(0);
    uint32_t kills = 0;

    (void)state;
    fresh_device();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    uint64_t bytes = dev->net.image_bytes;
    for (uint32_t n = 1;; n++) {
        fresh_device();
        bool killed = flow_kill_at_step(n, two);
        assert_in_range(dev->net.image_bytes, bytes, bytes + BLOCK);
        if (!killed)
            break;
        kills++;
    }
    assert_true(kills > 50);
}

/* A publisher signed frames with something behind them: found, told, and the deflated image comes. It is not tried again. */
FLOW(bad_frames_cost_a_detour)
{
    const struct sim_image *two;

    (void)state;
    two = flow_image(.version = "2.0.0", .deflate = false, .zstd = true, .more = 9);
    flow_deploy(two, NULL);
    fresh_device();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("plain", "failed");
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);
}

FLOW(limits_that_no_window_has_are_refused)
{
    static const uint8_t bad[] = { 1, 9, 24, 255 };

    (void)state;
    for (size_t i = 0; i < sizeof bad; i++) {
        dev->cfg.limits.zstd_window_bits = bad[i];
        assert_int_equal(ota_workspace_len(&dev->cfg), 0);
    }
    dev->cfg.limits.zstd_window_bits = 0;
    size_t without = ota_workspace_len(&dev->cfg);
    dev->cfg.limits.zstd_window_bits = 12;
    size_t with = ota_workspace_len(&dev->cfg);
    assert_true(without > 0 && with > without + 100000);
    dev->cfg.limits.window_bits = 1;
    assert_int_equal(ota_workspace_len(&dev->cfg), with);
}

FLOW_MAIN(FLOW_TEST(frames_are_the_cheapest_way), FLOW_TEST(a_larger_window_than_the_device_has_is_left_alone),
          FLOW_TEST(a_download_survives_a_drop_at_every_read), FLOW_TEST(an_agent_killed_before_every_step_converges),
          FLOW_TEST(bad_frames_cost_a_detour), FLOW_TEST(limits_that_no_window_has_are_refused))
