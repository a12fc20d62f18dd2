/* SPDX-License-Identifier: Apache-2.0 */
/* Every function of every port gives each of its documented errors, at every call: once, and from that call on. Nothing
 * breaks a rule of the simulation, the fault is told by name, what was opened is ended, and once the ports work again the
 * device ends where the server wants it, told once. */
#include "faulty.h"
#include "flow.h"

struct fault_kind {
    enum faulty_call call;
    ota_err err;
    enum faulty_way way;
    bool quiet;        /* no reason to complain: the agent has an answer of its own, or nothing went wrong */
    bool forgets;      /* what was stored is gone: nobody can tell of an outcome that nobody remembers */
    bool condemns;     /* a verdict on the new image, not a failure: it is rolled back */
};

static const struct fault_kind kinds[] = {
    { .call = FAULTY_NET_READY, .err = OTA_RETRY_NETWORK, .quiet = true },
    { .call = FAULTY_NET_BEGIN, .err = OTA_RETRY_NETWORK },
    { .call = FAULTY_NET_BEGIN, .err = OTA_RETRY_TLS },
    { .call = FAULTY_NET_BEGIN, .err = OTA_USAGE_ARGUMENT },
    { .call = FAULTY_NET_HEAD, .err = OTA_AGAIN, .quiet = true },
    { .call = FAULTY_NET_HEAD, .err = OTA_RETRY_NETWORK },
    { .call = FAULTY_NET_HEAD, .err = OTA_RETRY_TLS },
    { .call = FAULTY_NET_HEAD, .err = OTA_RETRY_PROTOCOL },
    { .call = FAULTY_NET_READ, .err = OTA_AGAIN, .quiet = true },
    { .call = FAULTY_NET_READ, .err = OTA_RETRY_NETWORK },
    { .call = FAULTY_NET_READ, .err = OTA_RETRY_TRUNCATED },
    { .call = FAULTY_NET_READ, .err = OTA_OK, .way = FAULTY_SHORT, .quiet = true },
    { .call = FAULTY_STORE_READ, .err = OTA_DEVICE_STORE },
    { .call = FAULTY_STORE_READ, .err = OTA_DEVICE_ABSENT, .quiet = true, .forgets = true },
    { .call = FAULTY_STORE_WRITE, .err = OTA_DEVICE_STORE },
    { .call = FAULTY_STORE_WRITE, .err = OTA_DEVICE_STORE, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_STORE_WRITE, .err = OTA_DEVICE_FULL },
    { .call = FAULTY_STORE_REMOVE, .err = OTA_DEVICE_STORE },
    { .call = FAULTY_STORE_REMOVE, .err = OTA_DEVICE_STORE, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_SLOT_GEOMETRY, .err = OTA_DEVICE_SLOT },
    { .call = FAULTY_SLOT_GEOMETRY, .err = OTA_DEVICE_LOCKED },
    { .call = FAULTY_SLOT_ERASE, .err = OTA_DEVICE_SLOT },
    { .call = FAULTY_SLOT_ERASE, .err = OTA_DEVICE_SLOT, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_SLOT_WRITE, .err = OTA_DEVICE_SLOT },
    { .call = FAULTY_SLOT_WRITE, .err = OTA_DEVICE_SLOT, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_SLOT_READ, .err = OTA_DEVICE_SLOT },
    { .call = FAULTY_SLOT_SYNC, .err = OTA_DEVICE_SLOT },
    { .call = FAULTY_SLOT_SYNC, .err = OTA_DEVICE_SLOT, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_BOOT_VIEW, .err = OTA_DEVICE_BOOT },
    { .call = FAULTY_BOOT_ARM, .err = OTA_DEVICE_BOOT },
    { .call = FAULTY_BOOT_ARM, .err = OTA_DEVICE_BOOT, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_BOOT_CONFIRM, .err = OTA_DEVICE_BOOT },
    { .call = FAULTY_BOOT_CONFIRM, .err = OTA_DEVICE_BOOT, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_BOOT_REVERT, .err = OTA_DEVICE_BOOT },
    { .call = FAULTY_BOOT_REVERT, .err = OTA_DEVICE_BOOT, .way = FAULTY_DONE_TOO },
    { .call = FAULTY_BOOT_REBOOT, .err = OTA_DEVICE_BOOT },
    { .call = FAULTY_CLOCK_UTC, .err = OTA_RETRY_CLOCK, .quiet = true },
    { .call = FAULTY_HASH_START, .err = OTA_DEVICE_CRYPTO },
    { .call = FAULTY_HASH_ADD, .err = OTA_DEVICE_CRYPTO },
    { .call = FAULTY_HASH_END, .err = OTA_DEVICE_CRYPTO },
    { .call = FAULTY_VERIFY, .err = OTA_DEVICE_CRYPTO },
    { .call = FAULTY_VERIFY, .err = OTA_REJECT_SIGNATURE },
    { .call = FAULTY_VERIFY, .err = OTA_REJECT_KEY },
    { .call = FAULTY_RANDOM, .err = OTA_DEVICE_CRYPTO, .quiet = true },
    { .call = FAULTY_HEALTH_CHECK, .err = OTA_AGAIN, .quiet = true },
    { .call = FAULTY_HEALTH_CHECK, .err = OTA_DEVICE_HEALTH, .quiet = true },
    { .call = FAULTY_HEALTH_CHECK, .err = OTA_REJECT_HEALTH, .condemns = true },
};

struct scenario {
    const char *name;
    size_t components;
    enum sim_nature nature;
    bool deflate;
    bool rotated;      /* the publishers' online keys are new since the device's last check-in */
};

static const struct scenario scenarios[] = {
    { "plain", 1, SIM_HEALTHY, false, false },
    { "two components, one deflated", 2, SIM_HEALTHY, true, false },
    { "sick", 1, SIM_SICK, false, false },
    { "new online keys", 1, SIM_HEALTHY, false, true },
};

static struct faulty faulty;
static struct sim_web before;   /* what the server held when a rotated scenario's device last looked */
static const struct sim_image *wanted[SIM_COMPONENTS];
static uint32_t runs, struck;
static bool every;   /* --all */
static uint32_t of_call[FAULTY_CALLS];

static void publish(const struct scenario *s)
{
    if (s->rotated) {
        sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { factory[0] } });
        before = cloud.web;
        sim_repo_rotate(&cloud.product, "online-2");
        sim_repo_rotate(&cloud.os, "online-2");
    }
    wanted[0] = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "2.0.0", .nature = s->nature,
                                    .deflate = s->deflate, .len = 5000 });
    wanted[1] = s->components > 1 ? flow_app("2.0.0", SIM_HEALTHY) : NULL;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { wanted[0], wanted[1] } });
}

static void open_device(const struct scenario *s)
{
    sim_open(dev, &cloud, factory, s->components);
    faulty_open(&faulty, &dev->cfg, dev->component);
    if (!s->rotated)
        return;
    dev->web = before;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_serve();
    memset(faulty.count, 0, sizeof faulty.count);
}

static const char *rest(enum sim_end end)
{
    if (dev->broken)
        return dev->broken;
    if (end == SIM_STUCK || end == SIM_POWER_LOST)
        return "the agent comes to rest";
    if (faulty.hashes || faulty.exchanges)
        return "what was begun is ended";
    return NULL;
}

/* The failure has a name and a place. One unreadable copy of the journal is what there are two for. */
static bool told(void)
{
    const struct ota_fault *f = &dev->log.fault;

    if (faulty.struck == 1 && strncmp(faulty.record, "journal.", 8) == 0 && faulty.plan.call == FAULTY_STORE_READ)
        return true;
    return sim_events(dev, OTA_EV_FAULT) > 0 && f->where[0] && strcmp(ota_err_name(f->err), "UNKNOWN") != 0;
}

/* Everything works again: the device ends where it must, and has told of it once. NULL: all is well. */
static const char *converge(const struct scenario *s, bool condemned, bool forgets)
{
    enum sim_end end = SIM_STUCK;
    bool good = s->nature == SIM_HEALTHY && !condemned;

    faulty_heal(&faulty);
    for (int i = 0; i < 3 && end != SIM_IDLE; i++)
        end = sim_run(dev);
    if (rest(end))
        return rest(end);
    if (end != SIM_IDLE)
        return "the device is idle";
    for (size_t c = 0; c < s->components; c++) {
        const struct sim_image *want = good ? wanted[c] : factory[c];

        if (sim_confirmed(dev, c) != want || sim_running(dev, c) != want)
            return "the device runs what it must";
    }
    uint32_t right = flow_reports(good ? "confirmed" : "rolled_back"), wrong = flow_reports(good ? "rolled_back" : "confirmed");
    return wrong || right > 1 || (right == 0 && !forgets) ? "the outcome is told once" : NULL;
}

/* Stored metadata that does not verify under new keys is no failure: it is dropped and fetched anew. */
static bool may_be_silent(const struct scenario *s, const struct fault_kind *k)
{
    return k->quiet || k->condemns || (s->rotated && k->call == FAULTY_VERIFY && k->err != OTA_DEVICE_CRYPTO);
}

/* One fault, and what follows. The rule that did not hold, or NULL. */
static const char *strike(const struct scenario *s, const struct fault_kind *k, uint32_t at, bool on)
{
    open_device(s);
    faulty_plan(&faulty, (struct faulty_plan){ k->call, k->err, k->way, at, on });
    enum sim_end end = sim_run(dev);
    if (!faulty.struck)
        return NULL;
    runs++;
    struck += faulty.struck;
    of_call[k->call]++;
    const char *wrong = rest(end);
    if (!wrong && !may_be_silent(s, k) && !told())
        wrong = "the fault is told by its name";
    bool condemned = k->call == FAULTY_HEALTH_CHECK && (k->condemns || flow_reports("rolled_back") > 0);
    return wrong ? wrong : converge(s, condemned, k->forgets && on);
}

/* Most calls come a few times in an update, these come again and again: from-then-on is tried at every one only when
 * asked for. */
static uint32_t stride(const struct fault_kind *k, bool on)
{
    return every || !on || faulty.count[k->call] < 16 ? 1 : 5;
}

static void strike_everywhere(const struct scenario *s)
{
    publish(s);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct fault_kind *k = &kinds[i];

        for (int on = 0; on < 2; on++) {
            uint32_t at = 1;

            do {
                const char *wrong = strike(s, k, at, on);

                if (wrong)
                    fail_msg("%s: %s gives %s%s at call %u%s: violates \"%s\" (last fault %s at %s)", s->name,
                             faulty_names[k->call], ota_err_name(k->err), k->way == FAULTY_DONE_TOO ? " after the call" : "",
                             (unsigned)at, on ? " and every one after" : "", wrong, ota_err_name(dev->log.fault.err),
                             dev->log.fault.where);
                at += stride(k, on);
            } while (faulty.struck);
        }
    }
}

/* Ports that say OK and do nothing: what this program looks at must show it. */
FLOW(careless_ports_are_caught)
{
    static const struct fault_kind careless[] = { { .call = FAULTY_BOOT_ARM }, { .call = FAULTY_BOOT_CONFIRM },
        { .call = FAULTY_STORE_WRITE } };

    (void)state;
    publish(&scenarios[0]);
    for (size_t i = 0; i < sizeof careless / sizeof careless[0]; i++) {
        struct fault_kind k = careless[i];
        bool caught = false;

        k.err = OTA_OK;
        k.quiet = true;
        for (uint32_t at = 1; !caught && (at == 1 || faulty.struck); at++)
            caught = strike(&scenarios[0], &k, at, true) != NULL;
        if (!caught)
            fail_msg("%s that does nothing and says OK is not noticed", faulty_names[k.call]);
    }
}

FLOW(what_is_begun_and_not_ended_is_seen)
{
    struct ota_hash hash;
    const struct ota_crypto_ops *ops;

    (void)state;
    open_device(&scenarios[0]);
    ops = dev->cfg.crypto->ops;
    assert_null(rest(SIM_IDLE));
    assert_int_equal(ops->hash_start(dev->cfg.crypto, &hash, OTA_SHA256), OTA_OK);
    assert_non_null(rest(SIM_IDLE));
    assert_int_equal(ops->hash_end(dev->cfg.crypto, &hash, NULL), OTA_OK);
    assert_null(rest(SIM_IDLE));
}

/* Regression: a boot control that failed to arm three times blocked the deployment for good, as if its image had been
 * tried and had not stayed up. */
FLOW(a_boot_control_that_cannot_arm_does_not_condemn_the_image)
{
    const struct fault_kind k = { .call = FAULTY_BOOT_ARM, .err = OTA_DEVICE_BOOT };

    (void)state;
    publish(&scenarios[0]);
    assert_null(strike(&scenarios[0], &k, 1, true));
    assert_true(faulty.count[FAULTY_BOOT_ARM] > 4);
    assert_int_equal(flow_reports("rolled_back"), 0);
}

/* Regression: a journal that could not be written on the way into a state was in ota_status() only, and not in the log. */
FLOW(a_journal_that_cannot_be_written_is_told)
{
    const struct fault_kind k = { .call = FAULTY_STORE_WRITE, .err = OTA_DEVICE_FULL };

    (void)state;
    publish(&scenarios[2]);
    for (uint32_t at = 1; at == 1 || faulty.struck; at++)
        assert_null(strike(&scenarios[2], &k, at, true));
}

FLOW(plain) { (void)state; strike_everywhere(&scenarios[0]); }
FLOW(two_components) { (void)state; strike_everywhere(&scenarios[1]); }
FLOW(sick) { (void)state; strike_everywhere(&scenarios[2]); }
FLOW(new_online_keys) { (void)state; strike_everywhere(&scenarios[3]); }

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { FLOW_TEST(careless_ports_are_caught), FLOW_TEST(what_is_begun_and_not_ended_is_seen),
        FLOW_TEST(a_boot_control_that_cannot_arm_does_not_condemn_the_image), FLOW_TEST(a_journal_that_cannot_be_written_is_told),
        FLOW_TEST(plain), FLOW_TEST(two_components), FLOW_TEST(sick), FLOW_TEST(new_online_keys) };

    every = argc > 1 && strcmp(argv[1], "--all") == 0;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < FAULTY_CALLS; i++) {
        (void)printf("%-20s failed in %u runs\n", faulty_names[i], (unsigned)of_call[i]);
        failed += of_call[i] == 0;
    }
    (void)printf("port faults: %u runs, %u calls failed\n", (unsigned)runs, (unsigned)struck);
    return failed;
}
