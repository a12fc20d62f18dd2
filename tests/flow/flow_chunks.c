/* SPDX-License-Identifier: Apache-2.0 */
/* However the network cuts what it brings into pieces, the verdict is the same: about metadata, pointers and images. */
#include "flow.h"

static const size_t chunks[] = { 1, 2, 3, 5, 7, 16, 63, 64, 65, 127, 255, 256, 511, 512, 513, 1000, 4096 };
#define CHUNKS (sizeof chunks / sizeof chunks[0])

static void again(void **state)
{
    (void)flow_close(state);
    (void)flow_open(state);
}

FLOW(a_good_update_is_taken_in_any_pieces)
{
    for (size_t i = 0; i < CHUNKS; i++) {
        again(state);
        const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
        flow_deploy(two, NULL);
        dev->net.chunk = chunks[i];
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
    }
}

/* One flipped bit in each kind of file: the same refusal at the same place. */
FLOW(a_bad_file_is_refused_for_the_same_reason_in_any_pieces)
{
    static const struct {
        const char *match;
        int64_t at;
    } files[] = { { "timestamp.json", 200 }, { "snapshot.json", 200 }, { "targets.json", 300 }, { "groups.json", 200 }, { "deploy.json", 20 } };
    unsigned cases = 0;

    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        struct ota_fault first = { 0 };

        for (size_t i = 0; i < CHUNKS; i++) {
            again(state);
            flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
            sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_FLIP, .match = files[f].match, .arg = files[f].at });
            dev->net.chunk = chunks[i];
            assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
            assert_runs(0, factory[0]);
            struct ota_fault now = sim_status(dev).last_fault;
            if (i == 0)
                first = now;
            assert_int_equal(ota_err_class(now.err), OTA_CLASS_REJECT);
            assert_int_equal(now.err, first.err);
            assert_string_equal(now.where, first.where);
            cases++;
        }
    }
    assert_int_equal(cases, 5 * CHUNKS);
}

FLOW_MAIN(FLOW_TEST(a_good_update_is_taken_in_any_pieces), FLOW_TEST(a_bad_file_is_refused_for_the_same_reason_in_any_pieces))
