/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of tests/flow share: one cloud and one device per test, made anew for each. */
#ifndef FLOW_H
#define FLOW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

#define BLOCK 2048u   /* sim's checkpoint distance: what may be fetched twice after an interruption */

static struct sim_cloud cloud;
static struct sim device;
static struct sim *const dev = &device;
static const struct sim_image *factory[SIM_COMPONENTS];

#define FLOW(name) static void name(void **state)
#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, flow_open, flow_close)
#define FLOW_MAIN(...)                                        \
    int main(void)                                            \
    {                                                         \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };    \
                                                              \
        return cmocka_run_group_tests(tests, NULL, NULL);     \
    }

/* A cloud whose production group runs what the factory installs, and a device of one component. */
static int flow_open(void **state)
{
    (void)state;
    sim_cloud_open(&cloud);
    factory[0] = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "1.0.0" });
    factory[1] = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "app", .version = "1.0.0", .len = 3000 });
    sim_open(dev, &cloud, factory, 1);
    return 0;
}

static int flow_close(void **state)
{
    (void)state;
    sim_cloud_close(&cloud);
    return 0;
}

/* The server's present state becomes what the device sees. */
static inline void flow_serve(void)
{
    dev->web = cloud.web;
}

static inline const struct sim_image *flow_os(const char *version, enum sim_nature nature)
{
    return sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = version, .nature = nature });
}

static inline const struct sim_image *flow_app(const char *version, enum sim_nature nature)
{
    const struct sim_image_spec spec = { .component = "app", .version = version, .nature = nature, .len = 5000 };

    return sim_cloud_image(&cloud, &spec);
}

/* An OS image with more to say: flow_image(.version = "2.0.0", .security = 5). */
#define flow_image(...) sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", __VA_ARGS__ })

/* Deploy and serve it. */
static inline void flow_deploy(const struct sim_image *first, const struct sim_image *second)
{
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { first, second } });
    flow_serve();
}

static inline uint32_t flow_reports(const char *outcome)
{
    char want[32];
    uint32_t n = 0;

    (void)snprintf(want, sizeof want, "\"%s\"", outcome);
    for (size_t i = 0; i < dev->report_count; i++)
        n += sim_report_has(&dev->report[i], "outcome", want);
    return n;
}

#define assert_runs(component, image)                                    \
    do {                                                                 \
        if (dev->broken)                                                 \
            fail_msg("broken: %s", dev->broken);                         \
        assert_non_null(sim_confirmed(dev, component));                  \
        assert_string_equal(sim_confirmed(dev, component)->version, (image)->version); \
        assert_ptr_equal(sim_confirmed(dev, component), image);          \
        assert_ptr_equal(sim_running(dev, component), image);            \
        assert_int_equal(dev->boot.record.state, OTA_BOOT_TRIAL_NONE);   \
    } while (0)

#define assert_err(got, want) assert_string_equal(ota_err_name(got), ota_err_name(want))

/* By which way did component 0's image come, and why not a cheaper one: in the status and in the report. */
#define assert_came(codec_, why_)                                                            \
    do {                                                                                     \
        struct ota_component_status s_ = sim_status(dev).component[0];                       \
        assert_string_equal(ota_codec_name(s_.codec), codec_);                               \
        assert_string_equal(ota_why_name(s_.why), why_);                                     \
        assert_non_null(sim_last_report(dev));                                               \
        assert_true(sim_report_has(sim_last_report(dev), "encoding", "\"" codec_ "\""));     \
        assert_true(sim_report_has(sim_last_report(dev), "why", "\"" why_ "\""));            \
    } while (0)

#define assert_last_report(outcome_, cause_)                                          \
    do {                                                                              \
        assert_non_null(sim_last_report(dev));                                        \
        if (!sim_report_has(sim_last_report(dev), "outcome", "\"" outcome_ "\"") ||   \
            !sim_report_has(sim_last_report(dev), "name", "\"" cause_ "\""))          \
            fail_msg("last report: %s", sim_last_report(dev)->body);                  \
    } while (0)

/* The n-th read of an image breaks: the device waits, then goes on until it runs `image`. */
static inline void flow_drop_at_read(uint32_t n, const struct sim_image *image)
{
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/os/img/", .arg = n, .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_runs(0, factory[0]);
    assert_err(sim_status(dev).last_fault.err, OTA_RETRY_TRUNCATED);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, image);
    assert_int_equal(flow_reports("confirmed"), 1);
}

/* The agent dies before its n-th step, and comes to `image` all the same. @return was there such a step? */
static inline bool flow_kill_at_step(uint32_t n, const struct sim_image *image)
{
    dev->kill_at = n;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, image);
    assert_int_equal(flow_reports("confirmed"), 1);
    return dev->steps >= n;
}

#endif
