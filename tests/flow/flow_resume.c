/* SPDX-License-Identifier: Apache-2.0 */
/* Interruptions of a download: it goes on where it stood. At most one block is fetched twice. */
#include "flow.h"

static const struct sim_image *offer(bool deflate)
{
    const struct sim_image_spec spec = { .component = "os", .version = "2.0.0", .deflate = deflate };
    const struct sim_image *two = sim_cloud_image(&cloud, &spec);

    flow_deploy(two, NULL);
    return two;
}

/* Bytes of the image on the wire when nothing goes wrong, and reads that bring them. */
static void measure(uint64_t *bytes, uint32_t *reads)
{
    assert_int_equal(sim_run(dev), SIM_IDLE);
    *bytes = dev->net.image_bytes;
    *reads = dev->net.image_reads;
}

static void fresh_device(void)
{
    sim_open(dev, &cloud, factory, 1);
}

/* What one block of the image takes on the wire, at most. */
static uint64_t block_on_wire(bool deflate)
{
    return deflate ? BLOCK + 64 : BLOCK;
}

static void drop_at_every_read(bool deflate)
{
    const struct sim_image *two = offer(deflate);
    uint64_t bytes;
    uint32_t reads;

    measure(&bytes, &reads);
    assert_true(reads > 8);
    for (uint32_t n = 1; n <= reads; n++) {
        fresh_device();
        flow_drop_at_read(n, two);
        assert_in_range(dev->net.image_bytes, bytes, bytes + block_on_wire(deflate));
    }
}

FLOW(a_plain_download_survives_a_drop_at_every_read)
{
    (void)state;
    drop_at_every_read(false);
}

FLOW(a_deflated_download_survives_a_drop_at_every_read)
{
    (void)state;
    drop_at_every_read(true);
}

FLOW(many_drops_still_end)
{
    const struct sim_image *two = offer(false);

    (void)state;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/os/img/", .arg = 5, .times = 4 });
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_true(dev->net.image_bytes <= two->len + 4 * BLOCK);
}

/* A partial download, then an answer to the range request. */
static void resume_with(enum sim_net_fault kind, ota_err want)
{
    const struct sim_image *two = cloud.image_count > 2 ? &cloud.image[2] : offer(false);

    fresh_device();
    flow_serve();
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/os/img/", .arg = 9, .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    sim_net_heal(dev);
    sim_net_fault(dev, (struct sim_fault){ .kind = kind, .match = "/os/img/", .times = 1 });
    enum sim_end end = sim_check_in(dev);
    if (want != OTA_OK) {
        assert_int_equal(end, SIM_BACKING_OFF);
        assert_runs(0, factory[0]);
        assert_err(sim_status(dev).last_fault.err, want);
        end = sim_run(dev);
    }
    assert_int_equal(end, SIM_IDLE);
    assert_runs(0, two);
}

FLOW(a_200_to_a_range_request_is_not_appended)
{
    (void)state;
    resume_with(SIM_NET_WHOLE, OTA_OK);
    assert_int_equal(sim_events(dev, OTA_EV_RANGE_IGNORED), 1);
}

FLOW(a_file_that_changed_is_taken_from_its_beginning)
{
    (void)state;
    resume_with(SIM_NET_NEW_ETAG, OTA_OK);
}

FLOW(a_range_that_was_not_asked_for_is_refused)
{
    (void)state;
    resume_with(SIM_NET_RANGE_OFF, OTA_RETRY_PROTOCOL);
    resume_with(SIM_NET_RANGE_TOTAL, OTA_REJECT_LENGTH);
}

/* ---- the agent dies ---- */

static void kill_at_every_step(bool deflate)
{
    const struct sim_image *two = offer(deflate);
    uint64_t bytes;
    uint32_t reads, kills = 0;

    measure(&bytes, &reads);
    for (uint32_t n = 1;; n++) {
        fresh_device();
        bool killed = flow_kill_at_step(n, two);
        assert_in_range(dev->net.image_bytes, bytes, bytes + block_on_wire(deflate));
        assert_int_equal(dev->starts, 2);
        if (!killed)
            break;
        kills++;
    }
    assert_true(kills > 50);
}

FLOW(an_agent_killed_before_every_step_of_a_plain_update_converges)
{
    (void)state;
    kill_at_every_step(false);
}

/* Also a regression: the end of a deflated download was forgotten when the agent died before the seal, and all of it
 * was fetched again. */
FLOW(an_agent_killed_before_every_step_of_a_deflated_update_converges)
{
    (void)state;
    kill_at_every_step(true);
}

/* Regression: of an image that had arrived as a whole, the part behind the last erase unit was fetched again. */
FLOW(a_complete_download_is_not_fetched_again_for_another_component)
{
    const struct sim_image *os = offer(true), *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    flow_deploy(os, app);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_UNREACHABLE, .match = "/app/app/", .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    uint64_t bytes = dev->net.image_bytes;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
    assert_int_equal(dev->net.image_bytes, bytes + app->len);
}

FLOW_MAIN(FLOW_TEST(a_plain_download_survives_a_drop_at_every_read), FLOW_TEST(a_deflated_download_survives_a_drop_at_every_read),
          FLOW_TEST(many_drops_still_end), FLOW_TEST(a_200_to_a_range_request_is_not_appended),
          FLOW_TEST(a_file_that_changed_is_taken_from_its_beginning), FLOW_TEST(a_range_that_was_not_asked_for_is_refused),
          FLOW_TEST(an_agent_killed_before_every_step_of_a_plain_update_converges),
          FLOW_TEST(an_agent_killed_before_every_step_of_a_deflated_update_converges),
          FLOW_TEST(a_complete_download_is_not_fetched_again_for_another_component))
