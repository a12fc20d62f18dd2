/* SPDX-License-Identifier: Apache-2.0 */
/* The power fails once, at every durable operation of an update, in three shapes. Whatever was cut: every slot that is
 * started holds one whole image, the device ends where an uncut one ends, and its outcome is told under one id.
 *
 *     flow_powercut SCENARIO OP SHAPE       repeats one cut, with SIM_LOG=1 in the environment event by event */
#include "flow.h"

struct scenario {
    const char *name;
    size_t components;
    bool deflate;
    enum sim_nature os, app;
    bool confirmed;               /* how an uncut update ends */
    uint32_t least_ops;           /* a scenario that cuts nothing proves nothing */
    bool lost_ack;                /* the first acknowledgement of a report gets lost */
    bool delta;                   /* from what the factory installed */
    enum sim_damage damage;       /* the delta cannot be applied: a deflated image takes its place */
};

static const struct scenario scenarios[] = {
    { "plain", 1, false, SIM_HEALTHY, SIM_HEALTHY, true, 30, false, false, SIM_DELTA_WHOLE },
    { "deflate", 1, true, SIM_HEALTHY, SIM_HEALTHY, true, 30, false, false, SIM_DELTA_WHOLE },
    { "sick", 1, false, SIM_SICK, SIM_HEALTHY, false, 30, false, false, SIM_DELTA_WHOLE },
    { "crash", 1, false, SIM_CRASHING, SIM_HEALTHY, false, 30, false, false, SIM_DELTA_WHOLE },
    { "silent", 1, true, SIM_SILENT, SIM_HEALTHY, false, 30, false, false, SIM_DELTA_WHOLE },
    { "lost-ack", 1, false, SIM_HEALTHY, SIM_HEALTHY, true, 30, true, false, SIM_DELTA_WHOLE },
    { "two", 2, true, SIM_HEALTHY, SIM_HEALTHY, true, 55, false, false, SIM_DELTA_WHOLE },
    { "delta", 1, true, SIM_HEALTHY, SIM_HEALTHY, true, 30, false, true, SIM_DELTA_WHOLE },
    { "delta-sick", 1, true, SIM_SICK, SIM_HEALTHY, false, 30, false, true, SIM_DELTA_WHOLE },
    { "delta-bad", 1, true, SIM_HEALTHY, SIM_HEALTHY, true, 30, false, true, SIM_DELTA_OTHER_BASE },
    { "two-sick", 2, false, SIM_HEALTHY, SIM_SICK, false, 55, false, false, SIM_DELTA_WHOLE },
};

static const char *const shapes[] = { "keep", "drop", "torn" };

/* The images that a device of this scenario runs in the end. */
static const struct sim_image *final_image[SIM_COMPONENTS];
static uint32_t total_cuts;

static void prepare(const struct scenario *s)
{
    const struct sim_image *os = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "2.0.0",
                                                          .nature = s->os, .deflate = s->deflate, .len = 5000,
                                                          .from = s->delta ? factory[0] : NULL, .damage = s->damage });
    const struct sim_image *app = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "app", .version = "2.0.0",
                                                           .nature = s->app, .deflate = s->deflate, .len = 3500 });

    flow_deploy(os, app);
    final_image[0] = s->confirmed ? os : factory[0];
    final_image[1] = s->confirmed ? app : factory[1];
}

/* A report that was not acknowledged goes out at a later check-in. */
static enum sim_end run_all(const struct scenario *s)
{
    enum sim_end end = sim_run(dev);

    return s->lost_ack && end == SIM_IDLE ? sim_run(dev) : end;
}

static enum sim_end run_with_cut(const struct scenario *s, uint32_t op, enum sim_shape shape)
{
    sim_open(dev, &cloud, factory, s->components);
    dev->cut_at = op;
    dev->shape = shape;
    if (s->lost_ack)
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_NO_ACK, .match = "/report/", .times = 1 });
    return run_all(s);
}

/* NULL: everything is as it must be. */
static const char *check(const struct scenario *s)
{
    uint32_t bad = dev->bad_starts[2] + dev->bad_starts[3];

    if (dev->broken)
        return dev->broken;
    for (size_t c = 0; c < s->components; c++)
        if (sim_confirmed(dev, c) != final_image[c] || sim_running(dev, c) != final_image[c])
            return "the device runs what an uncut one runs";
    if (dev->boot.record.state != OTA_BOOT_TRIAL_NONE)
        return "no trial is left over";
    if (flow_reports("confirmed") != (s->confirmed ? 1 : 0) || flow_reports("rolled_back") != (s->confirmed ? 0 : 1))
        return "the outcome is told once, and no other one";
    if (dev->report_count != 1)
        return "nothing else is told";
    /* Regression: a cut between arming and noting it gave a bad image its tries a second time. */
    if (bad > 3)
        return "a bad image gets its tries and no more";
    return NULL;
}

/* One cut and what follows. false: the update ended before the op came. */
static bool cut(const struct scenario *s, uint32_t op, enum sim_shape shape)
{
    enum sim_end end = run_with_cut(s, op, shape);
    bool happened = end == SIM_POWER_LOST;

    if (happened) {
        sim_restore_power(dev);
        end = run_all(s);
        total_cuts++;
    }
    const char *wrong = end == SIM_IDLE ? check(s) : "the device comes to rest";
    if (wrong)
        fail_msg("flow_powercut %s %u %s: violates \"%s\"", s->name, (unsigned)op, shapes[shape], wrong);
    return happened;
}

static void cut_everywhere(const struct scenario *s)
{
    prepare(s);
    for (enum sim_shape shape = SIM_CUT_KEEP; shape <= SIM_CUT_TORN; shape++) {
        uint32_t op = 1;

        while (cut(s, op, shape))
            op++;
        assert_true(op > s->least_ops);
    }
}

/* After any cut, the next update comes through as well. */
FLOW(the_next_update_follows_any_cut)
{
    const struct sim_image *three;
    struct sim_web first;

    (void)state;
    prepare(&scenarios[0]);
    first = cloud.web;
    three = flow_os("3.0.0", SIM_HEALTHY);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { three } });
    for (uint32_t op = 1;; op++) {
        sim_open(dev, &cloud, factory, 1);
        dev->web = first;
        dev->cut_at = op;
        if (sim_run(dev) != SIM_POWER_LOST)
            break;
        sim_restore_power(dev);
        flow_serve();
        assert_int_equal(sim_run(dev), SIM_IDLE); /* what was begun is finished, */
        assert_int_equal(sim_run(dev), SIM_IDLE); /* and then the next one */
        assert_runs(0, three);
        total_cuts++;
    }
    assert_true(total_cuts > 60);
}

FLOW(plain) { (void)state; cut_everywhere(&scenarios[0]); }
FLOW(deflate) { (void)state; cut_everywhere(&scenarios[1]); }
FLOW(sick) { (void)state; cut_everywhere(&scenarios[2]); }
FLOW(crash) { (void)state; cut_everywhere(&scenarios[3]); }
FLOW(silent) { (void)state; cut_everywhere(&scenarios[4]); }
FLOW(lost_acknowledgement) { (void)state; cut_everywhere(&scenarios[5]); }
FLOW(two_components) { (void)state; cut_everywhere(&scenarios[6]); }
FLOW(delta) { (void)state; cut_everywhere(&scenarios[7]); }
FLOW(delta_sick) { (void)state; cut_everywhere(&scenarios[8]); }
FLOW(delta_that_fails) { (void)state; cut_everywhere(&scenarios[9]); }
FLOW(two_components_one_sick) { (void)state; cut_everywhere(&scenarios[10]); }

static int replay(char **argv)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        for (enum sim_shape shape = SIM_CUT_KEEP; shape <= SIM_CUT_TORN; shape++) {
            if (strcmp(argv[1], scenarios[i].name) != 0 || strcmp(argv[3], shapes[shape]) != 0)
                continue;
            (void)flow_open(NULL);
            prepare(&scenarios[i]);
            enum sim_end end = run_with_cut(&scenarios[i], (uint32_t)strtoul(argv[2], NULL, 10), shape);
            (void)fprintf(stderr, "---- %s\n", end == SIM_POWER_LOST ? "power is back" : "no cut came");
            sim_restore_power(dev);
            end = end == SIM_POWER_LOST ? run_all(&scenarios[i]) : end;
            const char *wrong = check(&scenarios[i]);
            (void)printf("end %d, %s\n", (int)end, wrong ? wrong : "all rules hold");
            return wrong != NULL;
        }
    }
    (void)fprintf(stderr, "no such scenario or shape\n");
    return 2;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { FLOW_TEST(plain), FLOW_TEST(deflate), FLOW_TEST(sick), FLOW_TEST(crash),
        FLOW_TEST(silent), FLOW_TEST(lost_acknowledgement), FLOW_TEST(two_components), FLOW_TEST(two_components_one_sick), FLOW_TEST(delta), FLOW_TEST(delta_sick),
        FLOW_TEST(delta_that_fails),
        FLOW_TEST(the_next_update_follows_any_cut) };

    if (argc == 4)
        return replay(argv);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)printf("%u cuts\n", (unsigned)total_cuts);
    return failed;
}
