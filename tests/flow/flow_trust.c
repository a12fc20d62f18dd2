/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that were lost or revoked: what changes at once, and what the holder of each key can do at most. */
#include "flow.h"

static struct sim_key fresh;

static int trust_open(void **state)
{
    memset(&fresh, 0, sizeof fresh);
    sim_key_make(&fresh, "the publisher's new key");
    return flow_open(state);
}

#define TRUST_TEST(name) cmocka_unit_test_setup_teardown(name, trust_open, flow_close)

/* The vendor delegates to another key of the same publisher; what the old one signed stays where it is. */
static void revoke(struct sim_repo *repo, struct sim_role *role)
{
    role->trusted = &fresh;
    repo->role[0].changed = true;
    sim_repo_publish(repo);
    flow_serve();
}

static void expect_unsigned(const struct sim_image *running, const char *repository)
{
    uint32_t armed = sim_events(dev, OTA_EV_ARMED);

    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_SIGNATURE);
    assert_true(strncmp(sim_status(dev).last_fault.where, repository, strlen(repository)) == 0);
    assert_runs(0, running);
    assert_int_equal(sim_events(dev, OTA_EV_ARMED), armed);
}

/* A deployment names a good image of a publisher whose key was revoked before the device looked. */
FLOW(images_of_a_revoked_key_are_not_taken)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    revoke(&cloud.os, cloud.os_images);
    expect_unsigned(factory[0], "os");
    assert_int_equal(dev->slot_writes, 0);
    cloud.os_images->key = fresh; /* the publisher signs anew, and it is good again */
    cloud.os_images->trusted = NULL;
    cloud.os_images->changed = true;
    sim_repo_publish(&cloud.os);
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    memset(&fresh, 0, sizeof fresh); /* the cloud drops it */
}

/* The metadata of the revoked key is in the store, and nothing about it changed: that does not help it. */
FLOW(a_revoked_key_stops_an_update_that_was_under_way)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = ".img", .arg = 8 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_true(dev->slot_writes > 0);
    sim_net_heal(dev);
    revoke(&cloud.os, cloud.os_images);
    expect_unsigned(factory[0], "os");
    sim_power_cycle(dev);
    expect_unsigned(factory[0], "os");
}

FLOW(a_revoked_deployment_key_deploys_nothing)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(two, NULL);
    revoke(&cloud.product, cloud.groups);
    expect_unsigned(factory[0], "product");
}

/* New roots come before anything else, in both repositories: a timestamp of the old online key counts no more. */
FLOW(a_revoked_online_key_is_not_listened_to)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    struct sim_repo *const repos[] = { &cloud.product, &cloud.os };

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    for (int i = 0; i < 2; i++) {
        flow_deploy(two, NULL); /* signed by the key that is about to go */
        struct sim_key old = repos[i]->online_key;
        sim_key_make(&repos[i]->online_key, "online-2");
        sim_repo_root(repos[i]);
        struct sim_key new = repos[i]->online_key;
        repos[i]->online_key = old;
        sim_repo_publish(repos[i]);
        flow_serve();
        uint32_t roots = sim_events(dev, OTA_EV_ROOT_ROTATED);
        expect_unsigned(factory[0], i ? "os" : "product");
        assert_int_equal(sim_events(dev, OTA_EV_ROOT_ROTATED), roots + 1);
        repos[i]->online_key = new;
        sim_repo_publish(repos[i]);
        flow_serve();
    }
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

/* Whoever has the online keys of a repository (timestamp, snapshot, and the one that deploys) chooses among what the
 * publishers signed, above the floors: never bytes, never a way down. */
FLOW(a_lost_online_key_can_only_choose_among_signed_images)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .security = 5);
    const struct sim_image *older = flow_image(.version = "1.5.0", .security = 5);
    const struct sim_image *weak = flow_image(.version = "1.9.0", .security = 4);
    struct sim_image forged;

    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { two }, .seq = 10 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    /* bytes of their own under a signed name */
    forged = *older;
    memset(forged.sha256, 'a', 64);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { &forged }, .seq = 11 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_HASH);
    /* a name that no publisher signed */
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { older }, .seq = 12, .path = "os/img/os-6.6.6.img" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_TARGET);
    /* below the security floor, or an old deployment once more */
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { weak }, .seq = 13 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_SECURITY);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { older }, .seq = 9 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_SEQUENCE);
    assert_runs(0, two);
    /* the worst: another signed image above the floors */
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { older }, .seq = 14 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, older);
}

FLOW_MAIN(TRUST_TEST(images_of_a_revoked_key_are_not_taken), TRUST_TEST(a_revoked_key_stops_an_update_that_was_under_way),
          TRUST_TEST(a_revoked_deployment_key_deploys_nothing), TRUST_TEST(a_revoked_online_key_is_not_listened_to),
          TRUST_TEST(a_lost_online_key_can_only_choose_among_signed_images))
