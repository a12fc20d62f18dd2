/* SPDX-License-Identifier: Apache-2.0 */
/* The simulation itself: a rule that it cannot see broken proves nothing, and a cut must lose exactly what it says. */
#include "flow.h"

static struct ota_slot *spare(void)
{
    return &dev->slot[0][1].port;
}

static ota_err put(struct ota_slot *s, uint64_t off, uint8_t value, size_t len)
{
    uint8_t buf[1024];
    int32_t code = 0;

    memset(buf, value, sizeof buf);
    return s->ops->write(s, off, buf, len, &code);
}

#define assert_broken(rule)                       \
    do {                                          \
        assert_non_null(dev->broken);             \
        assert_string_equal(dev->broken, rule);   \
        sim_open(dev, &cloud, factory, 1);        \
    } while (0)

FLOW(writes_that_break_a_rule_are_seen)
{
    int32_t code = 0;

    (void)state;
    (void)put(&dev->slot[0][0].port, 0, 1, 16);
    assert_broken("the running slot is never written");
    (void)spare()->ops->erase(&dev->slot[0][0].port, 0, 512, &code);
    assert_broken("the running slot is never written");
    (void)put(spare(), 8, 1, 16);
    assert_broken("slot operations are aligned and inside the slot");
    (void)put(spare(), SIM_SLOT_MAX, 1, 16);
    assert_broken("slot operations are aligned and inside the slot");
    assert_int_equal(put(spare(), 16, 1, 16), OTA_OK);
    assert_null(dev->broken);
    (void)put(spare(), 16, 2, 16);
    assert_broken("only erased bytes are written");
}

FLOW(a_slot_that_is_neither_old_nor_new_is_seen)
{
    (void)state;
    dev->slot[0][0].data[500] ^= 1u;
    (void)sim_run(dev);
    assert_broken("a slot that is started holds one whole image");
}

static void send_report(const char *body)
{
    const struct ota_net_request req = { .method = OTA_NET_PUT, .url = SIM_REPORT_URL "dev-1/1.json", .body = body,
        .body_len = strlen(body) };
    struct ota_net *net = &dev->net.port;
    struct ota_net_head head;
    int32_t code = 0;

    assert_int_equal(net->ops->begin(net, &req), OTA_OK);
    assert_int_equal(net->ops->head(net, &head, &code), OTA_OK);
    net->ops->end(net);
}

FLOW(a_success_told_too_early_is_seen)
{
    static const uint8_t slot[] = { 1 };

    (void)state;
    assert_int_equal(ota_boot_record_arm(&dev->boot.record, slot, 1, 3), OTA_OK);
    send_report("{\"id\":1,\"outcome\":\"rolled_back\",\"time\":1}");
    assert_null(dev->broken);
    memset(dev->report, 0, sizeof dev->report);
    dev->report_count = 0;
    send_report("{\"id\":1,\"outcome\":\"confirmed\",\"time\":1}");
    assert_broken("success is reported after it is confirmed");
}

FLOW(a_report_number_used_twice_is_seen)
{
    (void)state;
    send_report("{\"id\":1,\"outcome\":\"confirmed\",\"time\":1}");
    send_report("{\"id\":1,\"outcome\":\"confirmed\",\"time\":2}");
    assert_null(dev->broken);
    assert_int_equal(dev->report[0].puts, 2);
    send_report("{\"id\":1,\"outcome\":\"refused\",\"time\":2}");
    assert_broken("one report id has one content");
}

/* Two writes and a sync, the power goes at the third write: what is there when it comes back? */
static void cut_third_write(enum sim_shape shape, uint8_t second, uint8_t third_begin, uint8_t third_end)
{
    int32_t code = 0;

    sim_open(dev, &cloud, factory, 1);
    dev->shape = shape;
    dev->cut_at = 4;
    assert_int_equal(put(spare(), 0, 1, 512), OTA_OK);
    assert_int_equal(spare()->ops->sync(spare(), &code), OTA_OK);
    assert_int_equal(put(spare(), 512, 2, 512), OTA_OK);
    assert_int_not_equal(put(spare(), 1024, 3, 512), OTA_OK);
    assert_int_not_equal(put(spare(), 2048, 4, 512), OTA_OK);
    assert_int_equal(dev->store.port.ops->write(&dev->store.port, "x", "y", 1, &code), OTA_DEVICE_STORE);
    sim_restore_power(dev);
    assert_true(sim_start(dev));
    assert_int_equal(dev->slot[0][1].data[0], 1);
    assert_int_equal(dev->slot[0][1].data[512], second);
    assert_int_equal(dev->slot[0][1].data[1024], third_begin);
    assert_int_equal(dev->slot[0][1].data[1024 + 511], third_end);
    assert_int_equal(dev->slot[0][1].data[2048], 0xff);
    assert_int_equal(dev->store.count, 0);
}

FLOW(a_cut_loses_what_its_shape_says)
{
    (void)state;
    cut_third_write(SIM_CUT_KEEP, 2, 0xff, 0xff);
    cut_third_write(SIM_CUT_DROP, 0xff, 0xff, 0xff);
    cut_third_write(SIM_CUT_TORN, 2, 3, 0xff);
}

FLOW(the_same_run_gives_the_same_numbers)
{
    uint32_t ops, steps, calls;

    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    ops = dev->ops;
    steps = dev->steps;
    calls = dev->calls;
    sim_open(dev, &cloud, factory, 1);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(dev->ops, ops);
    assert_int_equal(dev->steps, steps);
    assert_int_equal(dev->calls, calls);
}

FLOW_MAIN(FLOW_TEST(writes_that_break_a_rule_are_seen), FLOW_TEST(a_slot_that_is_neither_old_nor_new_is_seen),
          FLOW_TEST(a_success_told_too_early_is_seen), FLOW_TEST(a_report_number_used_twice_is_seen),
          FLOW_TEST(a_cut_loses_what_its_shape_says), FLOW_TEST(the_same_run_gives_the_same_numbers))
