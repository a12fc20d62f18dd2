/* SPDX-License-Identifier: Apache-2.0 */
/* Updates by index: what is on the device is not fetched again, whatever version it comes from, and what is wrong with an
 * index or its server costs a detour. */
#include "inside.h"
#include "ota/delta.h"

#define LEN 16000u
#define SMALL 512u
#define INDEX (32u + 32u * 12u + 4u)

#define LIKE(...) flow_image(.version = "2.0.0", .len = LEN, .deflate = true, .like = old, __VA_ARGS__)

static const struct sim_image *old;   /* what the factory installs here */

static void fresh(void)
{
    factory[0] = old;
    sim_open(dev, &cloud, factory, 1);
    flow_serve();
}

static int index_open(void **state)
{
    (void)flow_open(state);
    old = flow_image(.version = "1.0.1", .len = LEN);
    fresh();
    return 0;
}

#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(name, index_open, flow_close)

static void deploy(const struct sim_image *image)
{
    flow_deploy(image, NULL);
    fresh();
}

FLOW(only_what_is_new_is_fetched)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);

    (void)state;
    deploy(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("index", "cheapest");
    /* the index has 32 entries; in each 4096 bytes one block is new, and short blocks are not looked for */
    assert_int_equal(dev->net.image_bytes, INDEX + 4 * SMALL + LEN % SMALL);
    assert_int_equal(dev->log.last_b[OTA_EV_REUSED], LEN - 4 * SMALL - LEN % SMALL);
    assert_int_equal(dev->net.ranges, 1 + 5);
}

/* What moved is found by its content, also by an odd number of bytes. */
FLOW(what_moved_is_found)
{
    (void)state;
    for (size_t moved = 1; moved < 3000; moved = moved * 3 + 2) {
        (void)flow_close(NULL);
        (void)index_open(NULL);
        const struct sim_image *two = LIKE(.index = SMALL, .moved = moved);
        deploy(two);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
        assert_came("index", "cheapest");
        assert_true(dev->net.image_bytes < LEN / 2);
    }
}

/* It is the net below the deltas: they are for another image. */
FLOW(it_comes_where_no_delta_fits)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .len = LEN);

    (void)state;
    const struct sim_image *three = flow_image(.version = "3.0.0", .len = LEN, .like = old, .from = two, .index = SMALL, .estimate = 9000);
    const struct sim_image *four = flow_image(.version = "4.0.0", .len = LEN, .from = three, .index = SMALL, .estimate = 9000);
    deploy(three);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("index", "no-base");
    flow_deploy(four, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, four);
    assert_came("delta", "cheapest");
}

FLOW(an_estimate_decides)
{
    const struct sim_image *two = LIKE(.index = SMALL, .estimate = 15000);

    (void)state;
    deploy(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "cheapest");
}

FLOW(too_little_memory_means_deflated)
{
    const struct sim_image *two = LIKE(.index = 16384);

    (void)state;
    deploy(two);
    dev->cfg.limits.delta_memory = OTA_DELTA_MEMORY_MIN;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "memory");
    fresh();
    dev->cfg.limits.delta_memory = 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "memory");
}

/* Nothing of the image is there: found out before any of it is fetched. */
FLOW(a_device_that_has_nothing_of_it_takes_another_way)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .len = LEN, .deflate = true, .index = SMALL);
    uint64_t deflated;

    (void)state;
    deploy(two);
    dev->cfg.limits.delta_memory = 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    deflated = dev->net.image_bytes;
    fresh();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "no-base");
    assert_in_range(dev->net.image_bytes, deflated, deflated + 500);
    assert_err(sim_status(dev).last_fault.err, OTA_OK);
}

/* The spare slot holds the version before last, and most of the new one. */
FLOW(the_spare_slot_counts_as_well)
{
    const struct sim_image *other = flow_image(.version = "2.0.0", .len = LEN);

    (void)state;
    const struct sim_image *three = flow_image(.version = "3.0.0", .len = LEN, .deflate = true, .index = SMALL, .like = old);
    deploy(other);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, other);
    flow_deploy(three, NULL);
    uint64_t before = dev->net.image_bytes;
    uint32_t writes = dev->slot_writes;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("index", "cheapest");
    assert_in_range(dev->net.image_bytes - before, 4 * SMALL, 4 * SMALL + 600);
    assert_true(dev->slot_writes - writes < LEN / 512 + 20); /* what stands in its place is not written again */
    /* and where the contents moved towards the front, too */
    const struct sim_image *four = flow_image(.version = "4.0.0", .len = LEN - 999, .deflate = true, .index = SMALL, .like = other);
    flow_deploy(four, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, four);
}

/* ---- bad indexes and servers ---- */

FLOW(a_bad_index_costs_a_detour)
{
    (void)state;
    for (enum sim_index_damage bad = SIM_INDEX_HEAD; bad <= SIM_INDEX_OTHER; bad++) {
        (void)flow_close(NULL);
        (void)index_open(NULL);
        const struct sim_image *two = LIKE(.index = SMALL, .index_damage = bad);
        deploy(two);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
        assert_came("deflate", "failed");
        assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);
        assert_int_equal(flow_reports("refused"), 0);
        assert_int_equal(dev->starts, 2);
    }
    const struct sim_image *three = flow_image(.version = "3.0.0", .len = LEN, .deflate = true, .index = 128, .like = old);
    deploy(three);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("deflate", "failed");
}

static void faulty(enum sim_net_fault kind, const char *match, int64_t arg, uint32_t skip, uint32_t times)
{
    sim_net_fault(dev, (struct sim_fault){ .kind = kind, .match = match, .arg = arg, .skip = skip, .times = times });
}

FLOW(a_server_without_ranges_sends_the_whole_in_one_piece)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);

    (void)state;
    deploy(two);
    faulty(SIM_NET_WHOLE, "/os/img/", 0, 0, 0);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "failed");
    assert_int_equal(sim_events(dev, OTA_EV_RANGE_IGNORED), 1);
    assert_true(dev->net.image_bytes < 2 * LEN);
}

/* The file behind the URL is another one from the second range on. */
FLOW(a_file_that_changes_between_two_ranges_is_noticed)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);

    (void)state;
    deploy(two);
    faulty(SIM_NET_NEW_ETAG, ".img", 0, 2, 0);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "failed");
}

FLOW(ranges_that_are_shorter_or_longer_than_asked_for)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);
    uint64_t bytes;

    (void)state;
    deploy(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    bytes = dev->net.image_bytes;
    fresh();
    faulty(SIM_NET_RANGE_SHORT, "/os/img/", 0, 0, 0);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("index", "cheapest");
    assert_int_equal(dev->net.image_bytes, bytes);
    fresh();
    faulty(SIM_NET_RANGE_OPEN, "/os/img/", 0, 0, 0);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("index", "cheapest");
    assert_int_equal(dev->net.image_bytes, bytes);
    fresh();
    faulty(SIM_NET_RANGE_OFF, ".img", 0, 1, 1);
    faulty(SIM_NET_RANGE_TOTAL, ".img", 0, 4, 1);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

/* A block that came wrong is fetched once more; one that stays wrong ends the attempt. */
FLOW(a_block_that_is_wrong_on_the_way)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);

    (void)state;
    deploy(two);
    faulty(SIM_NET_FLIP, ".img", 4096 + 20, 2, 1);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("index", "cheapest");
    fresh();
    faulty(SIM_NET_FLIP, ".img", 4096 + 20, 2, 2);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("deflate", "failed");
}

FLOW(a_byte_budget_is_kept)
{
    const struct sim_image *two = LIKE(.index = SMALL, .estimate = 100);

    (void)state;
    deploy(two);
    dev->cfg.limits.bytes_max = 2000;
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_runs(0, old);
    assert_true(dev->net.image_bytes <= 2000);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_LIMIT);
    assert_int_equal(flow_reports("refused"), 1);
    fresh();
    dev->cfg.limits.bytes_max = 99;
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_int_equal(dev->net.image_bytes, 0);
}

/* ---- interruptions ---- */

FLOW(an_index_download_survives_a_drop_at_every_read)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 700);
    uint64_t bytes;
    uint32_t reads;

    (void)state;
    deploy(two);
    dev->net.chunk = 64;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    bytes = dev->net.image_bytes;
    reads = dev->net.image_reads;
    assert_true(reads > 20);
    for (uint32_t skip = 0; skip < 4; skip++) {
        for (uint32_t n = 1; n <= 12; n++) {
            fresh();
            dev->net.chunk = 64;
            faulty(SIM_NET_DROP, "/os/img/", n, skip, 1);
            assert_int_equal(sim_run(dev), SIM_IDLE);
            assert_runs(0, two);
            assert_int_equal(sim_status(dev).component[0].codec, OTA_CODEC_INDEX);
            assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 0);
            assert_in_range(dev->net.image_bytes, bytes, bytes + BLOCK + 500);
        }
    }
}

FLOW(an_agent_killed_before_every_step_of_an_index_download_converges)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 700);
    uint64_t bytes;
    uint32_t kills = 0;

    (void)state;
    deploy(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    bytes = dev->net.image_bytes;
    for (uint32_t n = 1;; n++) {
        fresh();
        bool killed = flow_kill_at_step(n, two);
        assert_in_range(dev->net.image_bytes, bytes, bytes + BLOCK + 700 + 500);
        assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 0);
        if (!killed)
            break;
        kills++;
    }
    assert_true(kills > 50);
}

/* A deflated download of another version was under way: what it brought is used. */
FLOW(an_interrupted_download_of_any_kind_is_used)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .len = LEN, .deflate = true);

    (void)state;
    const struct sim_image *three = flow_image(.version = "3.0.0", .len = LEN, .deflate = true, .index = SMALL, .like = two);
    deploy(two);
    faulty(SIM_NET_DROP, ".z", 14, 0, 1);
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    uint64_t before = dev->net.image_bytes;
    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("index", "cheapest");
    assert_true(dev->net.image_bytes - before < LEN / 2);
}

/* ---- what no outside event can hit ---- */

static struct otai_ranges *ranges_of(struct ota *a)
{
    return a->state == OTA_ST_DOWNLOAD && a->busy ? a->m.download->ranges : NULL;
}

/* Windows of 32 blocks, where the slots of this device have room for two of them. */
static void small_windows(struct sim *d)
{
    if (ranges_of(d->agent))
        ranges_of(d->agent)->index.capacity = OTAI_INDEX_PAGE;
}

FLOW(an_image_of_several_windows)
{
    static const size_t lens[] = { 16384, 16000, 8192 };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (uint32_t block = 2048; block <= 16384; block *= 8) {
            (void)flow_close(NULL);
            (void)index_open(NULL);
            const struct sim_image *two = flow_image(.version = "2.0.0", .len = lens[i], .index = 256, .like = old, .moved = 300);
            deploy(two);
            dev->cfg.limits.block = block;
            dev->on_step = small_windows;
            assert_int_equal(sim_run(dev), SIM_IDLE);
            assert_runs(0, two);
            assert_came("index", "cheapest");
            assert_true(dev->net.image_bytes < 7000);
            dev->on_step = NULL;
        }
}

/* The running system writes into its own slot after it was looked through. */
static bool change_what_was_found(struct ota *a)
{
    struct otai_ranges *r = ranges_of(a);

    if (!r || r->index.count == 0 || r->index.unfound > 20)
        return false;
    dev->slot[0][0].data[1300] ^= 1;
    return true;
}

FLOW(what_was_found_and_changes_is_fetched)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);

    (void)state;
    deploy(two);
    (void)inside_at(OTA_ST_DOWNLOAD, change_what_was_found);
    dev->slot[0][0].data[1300] ^= 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("index", "cheapest");
    assert_int_equal(dev->log.last_b[OTA_EV_REUSED], LEN - 5 * SMALL - LEN % SMALL);
}

/* What the index has to be cheaper than. */
FLOW(deflated_images_that_are_no_alternative)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .len = LEN, .deflate = true, .index = SMALL, .more = 9000);

    (void)state;
    deploy(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_came("index", "cheapest");   /* all of it is fetched: nothing would cost less */
    const struct sim_image *three = flow_image(.version = "3.0.0", .len = LEN, .deflate = true, .index = SMALL);
    flow_deploy(three, NULL);
    sim_kill(dev);
    dev->cfg.limits.window_bits = 9;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_came("index", "cheapest");
}

FLOW(every_storage_call_of_an_index_download_fails)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);
    uint32_t n = 1;

    (void)state;
    memcpy(dev->slot[0][1].data, two->data, 6000);   /* a part of it is in its place */
    for (deploy(two);; n++) {
        fresh();
        memcpy(dev->slot[0][1].data, two->data, 6000);
        memcpy(dev->slot[0][1].synced, two->data, 6000);
        dev->fail_at = n;
        assert_true(sim_run(dev) != SIM_STUCK);
        if (!dev->failed)
            break;
        dev->fail_at = 0;
        sim_power_cycle(dev);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
    }
    assert_true(n > 100);
}

FLOW(every_hash_of_an_index_download_fails)
{
    const struct sim_image *two = LIKE(.index = SMALL, .moved = 0);
    uint32_t n = 1;

    (void)state;
    deploy(two);
    for (;; n++) {
        fresh();
        memcpy(dev->slot[0][1].data, two->data, 6000);
        memcpy(dev->slot[0][1].synced, two->data, 6000);
        inside_crypto_use(n, false);
        assert_true(sim_run(dev) != SIM_STUCK);
        assert_null(dev->broken);
        if (inside_crypto.calls < n)
            break;
        inside_crypto.fail_at = 0;
        dev->clock.ms += 3600 * 1000;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
    }
    assert_true(n > 100);
}

FLOW_MAIN(INDEX_TEST(only_what_is_new_is_fetched), INDEX_TEST(what_moved_is_found), INDEX_TEST(it_comes_where_no_delta_fits),
          INDEX_TEST(an_estimate_decides), INDEX_TEST(too_little_memory_means_deflated),
          INDEX_TEST(a_device_that_has_nothing_of_it_takes_another_way), INDEX_TEST(the_spare_slot_counts_as_well),
          INDEX_TEST(a_bad_index_costs_a_detour), INDEX_TEST(a_server_without_ranges_sends_the_whole_in_one_piece),
          INDEX_TEST(a_file_that_changes_between_two_ranges_is_noticed),
          INDEX_TEST(ranges_that_are_shorter_or_longer_than_asked_for), INDEX_TEST(a_block_that_is_wrong_on_the_way),
          INDEX_TEST(a_byte_budget_is_kept), INDEX_TEST(an_index_download_survives_a_drop_at_every_read),
          INDEX_TEST(an_agent_killed_before_every_step_of_an_index_download_converges),
          INDEX_TEST(an_interrupted_download_of_any_kind_is_used), INDEX_TEST(an_image_of_several_windows),
          INDEX_TEST(what_was_found_and_changes_is_fetched), INDEX_TEST(deflated_images_that_are_no_alternative),
          INDEX_TEST(every_storage_call_of_an_index_download_fails), INDEX_TEST(every_hash_of_an_index_download_fails))
