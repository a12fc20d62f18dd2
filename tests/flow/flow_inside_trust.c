/* SPDX-License-Identifier: Apache-2.0 */
/* TRUST with something changed inside or around it, and deployments and feeds that only a careless publisher makes. */
#include "inside.h"

static const struct sim_image *offer(void)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    flow_deploy(two, NULL);
    return two;
}

static void expect_fault(ota_err err, const char *where)
{
    struct ota_fault f = sim_status(dev).last_fault;

    assert_err(f.err, err);
    assert_string_equal(f.where, where);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->slot_writes, 0);
}

/* The same, and nothing that was done to it outlives the agent. */
static void expect_fault_once(ota_err err, const char *where, const struct sim_image *then)
{
    expect_fault(err, where);
    sim_kill(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, then);
}

static bool in_phase(const struct ota *a, enum otai_trust_phase phase)
{
    return a->busy && a->m.trust->phase == phase;
}

/* ---- TUF's calls ---- */

static bool take_memory_away(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_NEXT) || !a->m.trust->have_pointer)
        return false;
    a->m.trust->tuf_len = 0;
    return true;
}

FLOW(tuf_that_cannot_begin_is_a_fault)
{
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, take_memory_away);
    expect_fault_once(OTA_USAGE_MEMORY, "tuf", two);
}

static bool answer_for_it(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_BODY))
        return false;
    assert_int_equal(ota_tuf_answer(a->m.trust->tuf, OTA_TUF_ABSENT, 0), OTA_OK);
    return true;
}

FLOW(an_answer_that_tuf_did_not_ask_for_is_a_fault)
{
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, answer_for_it);
    expect_fault_once(OTA_USAGE_STATE, "tuf", two);
}

static bool begin_again(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_NEXT) || a->m.trust->have_pointer)
        return false;
    assert_int_equal(ota_tuf_refresh(a->m.trust->tuf, a->m.trust->now_s), OTA_OK);
    return true;
}

FLOW(a_search_in_what_is_not_fresh_is_a_fault)
{
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, begin_again);
    expect_fault_once(OTA_USAGE_STATE, "tuf", two);
}

static bool take_it_as_refreshed(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_PUMP) || a->m.trust->refreshed)
        return false;
    a->m.trust->refreshed = true;
    return true;
}

FLOW(a_refresh_finds_no_target)
{
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, take_it_as_refreshed);
    expect_fault_once(OTA_REJECT_TARGET, "tuf", two);
}

static bool take_it_as_stale(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_PUMP) || !a->m.trust->refreshed)
        return false;
    a->m.trust->refreshed = false;
    return true;
}

FLOW(only_a_fresh_repository_can_say_that_nothing_is_deployed)
{
    (void)state;
    flow_serve(); /* nothing was ever deployed */
    (void)inside_at(OTA_ST_TRUST, take_it_as_stale);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_TARGET);
    assert_int_equal(sim_events(dev, OTA_EV_NO_DEPLOYMENT), 0);
    sim_kill(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_events(dev, OTA_EV_NO_DEPLOYMENT), 1);
}

/* ---- around it ---- */

static bool lose_the_clock(struct ota *a)
{
    if (a->busy)
        return false;
    dev->clock.utc_s = INT64_MIN;
    return true;
}

FLOW(a_clock_that_is_lost_before_tuf_looks_is_noticed)
{
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, lose_the_clock);
    dev->clock.utc_s = SIM_NOW_S;
    expect_fault_once(OTA_RETRY_CLOCK, "clock.utc_s", two);
}

/* Records that cannot be what they should be are fetched anew. */
FLOW(a_record_longer_than_any_is_no_record)
{
    uint32_t grown = 0;

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    for (size_t i = 0; i < dev->store.count; i++)
        if (strstr(dev->store.record[i].name, "timestamp.json")) {
            dev->store.record[i].len = SIM_RECORD_MAX;
            grown++;
        }
    assert_true(grown > 0);
    const struct sim_image *two = offer();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

static bool name_the_repository_too_long(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_PUMP))
        return false;
    dev->repo[0].name = inside_long;
    return true;
}

FLOW(a_record_without_a_name_is_a_fault)
{
    const char *name = dev->repo[0].name;
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, name_the_repository_too_long);
    dev->repo[0].name = name;
    expect_fault_once(OTA_REJECT_LIMIT, "tuf role name", two);
}

static bool move_the_repository(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_PUMP))
        return false;
    dev->repo[0].metadata_url = inside_long;
    return true;
}

FLOW(an_address_that_is_too_long_is_a_fault)
{
    const char *url = dev->repo[0].metadata_url;
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, move_the_repository);
    dev->repo[0].metadata_url = url;
    assert_err(sim_status(dev).last_fault.err, OTA_USAGE_CONFIG);
    sim_kill(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

static bool name_the_group_too_long(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_NEXT))
        return false;
    a->cfg.group = inside_long;
    return true;
}

FLOW(a_pointer_without_a_path_is_a_fault)
{
    const struct sim_image *two = offer();

    (void)state;
    (void)inside_at(OTA_ST_TRUST, name_the_group_too_long);
    expect_fault_once(OTA_REJECT_LIMIT, "pointer path", two);
}

/* ---- the pointer ---- */

FLOW(a_pointer_is_neither_longer_than_allowed_nor_empty)
{
    const struct sim_image *two = offer();

    (void)state;
    dev->cfg.limits.pointer_max = 100;
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    expect_fault(OTA_REJECT_LIMIT, "pointer: length");
    sim_kill(dev);
    dev->cfg.limits.pointer_max = 0;
    sim_repo_target(&cloud.product, cloud.groups, "group/production/deploy.json", "", 0, NULL);
    sim_repo_publish(&cloud.product);
    flow_serve();
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    expect_fault(OTA_REJECT_LIMIT, "pointer: length");
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

static struct sim_target *target_named(struct sim_role *role, const char *path)
{
    for (size_t i = 0; i < role->count; i++)
        if (strcmp(role->target[i].path, path) == 0)
            return &role->target[i];
    fail_msg("no target %s", path);
    return NULL;
}

FLOW(a_pointer_needs_a_sha256)
{
    static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    (void)state;
    (void)offer();
    struct sim_target *t = target_named(cloud.groups, "group/production/deploy.json");
    (void)snprintf(t->json, sizeof t->json, "{\"hashes\":{\"sha512\":\"%s%s\"},\"length\":200}", hex, hex);
    cloud.groups->changed = true;
    sim_repo_publish(&cloud.product);
    flow_serve();
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    expect_fault(OTA_REJECT_HASH, "pointer: no sha256");
}

/* ---- feeds ---- */

/* A feed that names these images. */
static void publish_feed(const char *images)
{
    char text[1500];
    int n = snprintf(text, sizeof text,
                     "{\"feed\":\"retail\",\"format\":1,\"images\":[%s],\"policy\":\"all\",\"product\":\"thermostat\",\"seq\":1}", images);

    assert_true(n > 0 && n < (int)sizeof text);
    sim_repo_target(&cloud.os, cloud.os_feed, "os/feed/retail/thermostat.json", text, (size_t)n, NULL);
    sim_repo_publish(&cloud.os);
}

static size_t describe(char *out, size_t cap, const struct sim_image *i, const char *component)
{
    return (size_t)snprintf(out, cap, "{\"component\":\"%s\",\"length\":%zu,\"path\":\"%s\",\"sha256\":\"%s\"}", component, i->len,
                            i->path, i->sha256);
}

/* The group's own word on a component counts; the feed's is for the rest. */
FLOW(a_feed_does_not_overrule_the_group)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_HEALTHY);
    char images[1200];
    size_t n = describe(images, sizeof images, os, "app");

    (void)state;
    images[n++] = ',';
    (void)describe(images + n, sizeof images - n, os, "os");
    sim_open(dev, &cloud, factory, 2);
    publish_feed(images);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { app }, .feed = "retail" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
}

FLOW(a_feed_that_names_too_much_is_refused)
{
    static const char *const others[] = { "a", "b", "c", "d" };
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_HEALTHY);
    char images[1400];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        n += describe(images + n, sizeof images - n, os, i ? others[i] : "os");
        images[n++] = ',';
    }
    images[n - 1] = '\0';
    publish_feed(images);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { app }, .feed = "retail" });
    flow_serve();
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    expect_fault(OTA_REJECT_LIMIT, "feed: images");
}

FLOW(a_feed_is_of_no_use_to_a_device_without_an_os)
{
    const struct sim_image *app = flow_app("1.0.1", SIM_HEALTHY);

    (void)state;
    sim_cloud_feed(&cloud, "retail", flow_os("2.0.0", SIM_HEALTHY));
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { app }, .feed = "retail" });
    flow_serve();
    dev->component[0].name = "cellar";
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_int_equal(sim_events(dev, OTA_EV_UP_TO_DATE), 1);
}

FLOW(every_hash_call_of_a_feed_may_fail)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_cloud_feed(&cloud, "retail", os);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { app }, .feed = "retail" });
    for (uint32_t n = 1;; n++) {
        sim_open(dev, &cloud, factory, 2);
        flow_serve();
        inside_crypto_use(n, false);
        (void)sim_run(dev);
        if (inside_crypto.calls < n)
            break;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, os);
        assert_runs(1, app);
    }
    assert_true(inside_crypto.fail_at > 40);
}

/* ---- images ---- */

static bool find_two_of_another_repository(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_NEXT) || !a->m.trust->have_pointer)
        return false;
    struct otai_pointer *p = &a->m.trust->pointer;
    p->image[1] = p->image[0];
    (void)snprintf(p->image[1].component, sizeof p->image[1].component, "app");
    p->count = 2;
    return true;
}

FLOW(of_two_images_elsewhere_the_first_comes_first)
{
    (void)state;
    sim_open(dev, &cloud, factory, 2);
    (void)offer();
    assert_int_equal(inside_at(OTA_ST_TRUST, find_two_of_another_repository), SIM_BACKING_OFF);
    assert_int_equal(ota_err_class(sim_status(dev).last_fault.err), OTA_CLASS_REJECT);
    assert_runs(0, factory[0]);
    assert_runs(1, factory[1]);
}

static bool run_nothing(struct ota *a)
{
    if (!in_phase(a, OTAI_TRUST_NEXT) || a->release.count == 0)
        return false;
    a->view.running[0] = OTA_SLOT_NONE;
    assert_err(otai_step_trust(a), OTA_DONE);
    a->view.running[0] = 0;
    assert_err(otai_step_trust(a), OTA_AGAIN);
    assert_true(in_phase(a, OTAI_TRUST_IDENTIFY));
    return true;
}

FLOW(what_does_not_run_is_not_identified)
{
    const struct sim_image *two = offer();

    (void)state;
    assert_int_equal(inside_at(OTA_ST_TRUST, run_nothing), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(images_of_one_repository_stand_in_order)
{
    const struct sim_image *app;

    (void)state;
    (void)flow_close(NULL);
    sim_cloud_open(&cloud);
    cloud.one_repo = true;
    factory[0] = flow_os("1.0.0", SIM_HEALTHY);
    factory[1] = flow_app("1.0.0", SIM_HEALTHY);
    sim_open(dev, &cloud, factory, 2);
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY);
    app = flow_app("2.0.0", SIM_HEALTHY);
    flow_deploy(os, app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
}

/* ---- the end ---- */

FLOW(a_blocked_deployment_that_comes_back_is_blocked_still)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_SICK);

    (void)state;
    flow_deploy(two, NULL);
    struct sim_web blocked = dev->web;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_ROLLED_BACK);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_FLIP, .match = "deploy.json", .arg = 1, .times = 1 });
    sim_kill(dev);
    dev->clock.ms += 90000u * 1000u; /* beyond times.full_s */
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_REFUSED);
    dev->web = blocked;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_ROLLED_BACK);
    assert_runs(0, factory[0]);
    assert_int_equal(flow_reports("rolled_back"), 1);
}

static bool have_begun(struct ota *a)
{
    a->j.outcome = OTA_OUTCOME_NONE;
    a->j.progress[0].wanted = true;
    return true;
}

FLOW(an_update_that_is_not_deployed_any_more_is_dropped)
{
    (void)state;
    flow_serve(); /* nothing is deployed */
    assert_int_equal(inside_at(OTA_ST_TRUST, have_begun), SIM_IDLE);
    assert_int_equal(sim_events(dev, OTA_EV_NO_DEPLOYMENT), 1);
    assert_false(dev->agent->j.progress[0].wanted);
    assert_string_equal(sim_status(dev).component[0].wanted, "");
}

FLOW_MAIN(FLOW_TEST(tuf_that_cannot_begin_is_a_fault), FLOW_TEST(an_answer_that_tuf_did_not_ask_for_is_a_fault),
          FLOW_TEST(a_search_in_what_is_not_fresh_is_a_fault), FLOW_TEST(a_refresh_finds_no_target),
          FLOW_TEST(only_a_fresh_repository_can_say_that_nothing_is_deployed),
          FLOW_TEST(a_clock_that_is_lost_before_tuf_looks_is_noticed), FLOW_TEST(a_record_longer_than_any_is_no_record),
          FLOW_TEST(a_record_without_a_name_is_a_fault), FLOW_TEST(an_address_that_is_too_long_is_a_fault),
          FLOW_TEST(a_pointer_without_a_path_is_a_fault), FLOW_TEST(a_pointer_is_neither_longer_than_allowed_nor_empty),
          FLOW_TEST(a_pointer_needs_a_sha256), FLOW_TEST(a_feed_does_not_overrule_the_group),
          FLOW_TEST(a_feed_that_names_too_much_is_refused), FLOW_TEST(a_feed_is_of_no_use_to_a_device_without_an_os),
          FLOW_TEST(every_hash_call_of_a_feed_may_fail), FLOW_TEST(of_two_images_elsewhere_the_first_comes_first), FLOW_TEST(what_does_not_run_is_not_identified),
          FLOW_TEST(images_of_one_repository_stand_in_order),
          FLOW_TEST(a_blocked_deployment_that_comes_back_is_blocked_still),
          FLOW_TEST(an_update_that_is_not_deployed_any_more_is_dropped))
