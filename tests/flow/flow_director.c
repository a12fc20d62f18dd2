/* SPDX-License-Identifier: Apache-2.0 */
/* A device whose group a signed assignment says: its shard's target, or one of its own. */
#include "inside.h"

#define NOBODY "{\"ota\":{\"devices\":{}}}"
#define SHARD_URL SIM_BASE "d/"

static const char *const all_prefixes[] = { "app/", "group/", "os/", "device/", NULL };
static const char *const shard_prefixes[] = { "shard/", NULL };
static struct sim_repo director;
static struct sim_role *devices;
static char shard[2];

/* The first digit of the digest of the device's id. */
static void find_shard(void)
{
    uint8_t digest[32];
    char hex[65];

    sim_sha256(dev->cfg.device_id, strlen(dev->cfg.device_id), digest);
    sim_hex(digest, sizeof digest, hex);
    shard[0] = hex[0];
}

/* What the device's shard says. */
static void assign(const char *custom)
{
    char path[32];

    (void)snprintf(path, sizeof path, "shard/%s.json", shard);
    sim_repo_target(&director, &director.role[0], path, "", 0, custom);
    director.role[0].changed = true;
    sim_repo_publish(&director);
    flow_serve();
}

/* A device whose configuration names a group to which nothing is deployed. */
static void fresh(void)
{
    sim_open(dev, &cloud, factory, 1);
    dev->repo[0].prefixes = all_prefixes;
    dev->repo[1] = (struct ota_repo){ .name = "director", .metadata_url = director.metadata_url, .targets_url = director.targets_url,
        .prefixes = shard_prefixes, .root = director.root, .root_len = director.root_len };
    dev->cfg.group = "nowhere";
    dev->cfg.director = 1;
}

static int director_open(void **state)
{
    (void)flow_open(state);
    cloud.one_repo = true;
    factory[0] = flow_image(.version = "1.5.0");
    sim_open(dev, &cloud, factory, 1);
    find_shard();
    sim_repo_open(&director, "director", SHARD_URL, &cloud.web, &cloud.pool, SIM_EXPIRES_S);
    (void)snprintf(director.folder, sizeof director.folder, "%s/", shard);
    (void)snprintf(director.scope, sizeof director.scope, "thermostat/%s", shard);
    devices = sim_repo_delegate(&cloud.product, "devices", "[\"device/*\"]");
    fresh();
    return 0;
}

#define DIRECTOR_TEST(name) cmocka_unit_test_setup_teardown(name, director_open, flow_close)

static const struct sim_image *deploy_two(void)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    flow_deploy(two, NULL);
    return two;
}

static void expect_refused(ota_err err, const char *where)
{
    (void)sim_run(dev);
    assert_err(sim_status(dev).last_fault.err, err);
    if (!strstr(sim_status(dev).last_fault.where, where))
        fail_msg("fault at %s, expected %s", sim_status(dev).last_fault.where, where);
    assert_int_equal(dev->slot_writes, 0);
}

FLOW(the_shard_says_the_group)
{
    const struct sim_image *two = deploy_two();

    (void)state;
    assign("{\"ota\":{\"a\":[1],\"devices\":{\"dev-0\":\"nowhere\",\"dev-1\":\"production\",\"dev-2\":\"nowhere\"}}}");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_true(sim_report_has(sim_last_report(dev), "outcome", "\"confirmed\""));
}

FLOW(a_device_that_moves_follows)
{
    (void)state;
    assign("{\"ota\":{\"devices\":{\"dev-1\":\"elsewhere\"}}}");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_events(dev, OTA_EV_NO_DEPLOYMENT), 1);
    const struct sim_image *two = deploy_two();
    assign("{\"ota\":{\"devices\":{\"dev-1\":\"production\"}}}");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(dev->net.conditional, 0); /* one timestamp does not speak for two repositories */
}

FLOW(who_is_not_named_goes_by_its_configuration)
{
    const struct sim_image *two = deploy_two();

    (void)state;
    assign("{\"ota\":{\"devices\":{\"dev-1\":\"elsewhere\"}}}");
    dev->cfg.group = "production";
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_events(dev, OTA_EV_NO_DEPLOYMENT), 1);
    assign(NOBODY); /* it is forgotten: back to what the factory said */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(metadata_of_another_shard_are_refused)
{
    (void)state;
    (void)deploy_two();
    (void)snprintf(director.scope, sizeof director.scope, "thermostat/%c", shard[0] == '0' ? '1' : '0');
    assign("{\"ota\":{\"devices\":{\"dev-1\":\"production\"}}}");
    expect_refused(OTA_REJECT_SCOPE, "director: timestamp.signed.x-scope");
}

FLOW(metadata_of_another_product_are_refused)
{
    (void)state;
    (void)deploy_two();
    (void)snprintf(director.scope, sizeof director.scope, "fridge/%s", shard);
    assign("{\"ota\":{\"devices\":{\"dev-1\":\"production\"}}}");
    expect_refused(OTA_REJECT_SCOPE, "director: timestamp.signed.x-scope");
}

FLOW(metadata_without_scope_are_refused)
{
    (void)state;
    (void)deploy_two();
    director.scope[0] = '\0';
    assign("{\"ota\":{\"devices\":{\"dev-1\":\"production\"}}}");
    expect_refused(OTA_REJECT_SCOPE, "director: timestamp.signed.x-scope");
}

FLOW(bad_assignments_are_refused_by_name)
{
    static const struct { const char *custom; ota_err err; const char *where; } row[] = {
        { NULL, OTA_REJECT_MISSING, "assignment: custom" },
        { "{}", OTA_REJECT_MISSING, "assignment.ota" },
        { "{\"ota\":{}}", OTA_REJECT_MISSING, "assignment.ota.devices" },
        { "{\"ota\":{\"devices\":[]}}", OTA_REJECT_TYPE, "assignment.ota.devices" },
        { "{\"ota\":{\"devices\":{\"dev-1\":7}}}", OTA_REJECT_TYPE, "assignment.ota.devices.dev-1" },
        { "{\"ota\":{\"devices\":{\"dev-1\":\"No\"}}}", OTA_REJECT_VALUE, "assignment.ota.devices.dev-1" },
        { "{\"ota\":{\"devices\":{\"dev-1\":\"\"}}}", OTA_REJECT_VALUE, "assignment.ota.devices.dev-1" },
    };

    (void)deploy_two();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        (void)flow_close(state);
        (void)director_open(state);
        (void)deploy_two();
        assign(row[i].custom);
        expect_refused(row[i].err, row[i].where);
    }
}

FLOW(a_shard_without_its_target_is_refused)
{
    (void)state;
    (void)deploy_two();
    sim_repo_publish(&director);
    flow_serve();
    expect_refused(OTA_REJECT_TARGET, "assignment");
}

/* ---- a target of its own ---- */

static void tell(const char *custom)
{
    sim_repo_target(&cloud.product, devices, "device/dev-1.json", "", 0, custom);
    devices->changed = true;
    sim_repo_publish(&cloud.product);
    dev->cfg.director = OTA_DIRECTOR_DEVICE;
    flow_serve();
}

FLOW(the_device_has_a_target_of_its_own)
{
    const struct sim_image *two = deploy_two();

    (void)state;
    tell("{\"ota\":{\"devices\":{\"dev-1\":\"production\"}}}");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(dev->net.conditional > 0); /* one repository says both */
}

FLOW(a_device_without_target_goes_by_its_configuration)
{
    const struct sim_image *two = deploy_two();

    (void)state;
    dev->cfg.group = "production";
    dev->cfg.director = OTA_DIRECTOR_DEVICE;
    sim_repo_publish(&cloud.product);
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(a_target_for_another_device_is_refused)
{
    (void)state;
    (void)deploy_two();
    tell("{\"ota\":{\"devices\":{\"dev-2\":\"production\"}}}");
    expect_refused(OTA_REJECT_GROUP, "assignment: another device");
}

FLOW(every_hash_call_may_fail)
{
    const struct sim_image *two = deploy_two();
    uint32_t n = 1;

    (void)state;
    assign("{\"ota\":{\"devices\":{\"dev-1\":\"production\"}}}");
    for (;; n++) {
        fresh();
        flow_serve();
        inside_crypto_use(n, false);
        (void)sim_run(dev);
        if (inside_crypto.calls < n)
            break;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
    }
    assert_true(n > 40);
}

FLOW(configurations_that_cannot_be_meant)
{
    static const struct { uint8_t director; size_t repo; const char *const *prefixes; } row[] = {
        { 7, 1, shard_prefixes }, { 254, 1, shard_prefixes }, { 1, 1, all_prefixes }, { 1, 0, shard_prefixes },
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        static const char *const both[] = { "group/", "shard/", NULL }, *const other[] = { "x/", NULL };
        dev->repo[0].prefixes = row[i].repo == 0 ? both : all_prefixes;
        dev->repo[1].prefixes = row[i].repo == 0 || row[i].prefixes == all_prefixes ? other : row[i].prefixes;
        dev->cfg.director = row[i].director;
        assert_int_equal(ota_workspace_len(&dev->cfg), 0);
    }
}

FLOW_MAIN(DIRECTOR_TEST(the_shard_says_the_group), DIRECTOR_TEST(a_device_that_moves_follows),
    DIRECTOR_TEST(who_is_not_named_goes_by_its_configuration), DIRECTOR_TEST(metadata_of_another_shard_are_refused),
    DIRECTOR_TEST(metadata_of_another_product_are_refused), DIRECTOR_TEST(metadata_without_scope_are_refused),
    DIRECTOR_TEST(bad_assignments_are_refused_by_name), DIRECTOR_TEST(a_shard_without_its_target_is_refused),
    DIRECTOR_TEST(the_device_has_a_target_of_its_own), DIRECTOR_TEST(a_device_without_target_goes_by_its_configuration),
    DIRECTOR_TEST(a_target_for_another_device_is_refused), DIRECTOR_TEST(every_hash_call_may_fail),
    DIRECTOR_TEST(configurations_that_cannot_be_meant))
