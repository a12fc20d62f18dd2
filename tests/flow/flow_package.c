/* SPDX-License-Identifier: Apache-2.0 */
/* Images that must be packages: signed ones are installed like any image, all others are refused behind the seal, by name,
 * with nothing armed; then a good one is taken. */
#include "flow.h"

#include "agent.h"
#include "ota/image.h"
#include "test_package.h"

static const uint8_t os_id[OTA_UID_LEN] = { 1, 2, 3 }, other_id[OTA_UID_LEN] = { 9 };
static struct test_key vendor, stranger;
static struct ota_package_want want;
static const struct ota_package_want *const wants[] = { &want, NULL };
static ota_err demanded;

/* What the next image is. */
static struct recipe {
    const struct test_key *key;
    const uint8_t *component;
    uint32_t security;
    size_t damage; /* flip a bit of the byte so far from the end; 0 = none */
} recipe;

static int packages_open(void **state)
{
    static bool keys;

    if (!keys) {
        test_key_make(&vendor, OTA_KEY_P256);
        test_key_make(&stranger, OTA_KEY_P256);
        keys = true;
    }
    recipe = (struct recipe){ &vendor, os_id, 3, 0 };
    want = (struct ota_package_want){
        .kind = OTA_KEY_P256, .key = vendor.public_key, .key_len = vendor.public_len, .component = os_id, .security_min = 2
    };
    return flow_open(state);
}

/* A trailer takes the place of the image's last bytes. */
static void make_package(uint8_t *bytes, size_t len)
{
    uint8_t empty[600];
    size_t tail = test_package_whole(empty, sizeof empty, NULL, 0, recipe.component, 7, recipe.security, recipe.key);

    memcpy(bytes + len - tail, empty, tail);
    test_package_sign_again(bytes, len, recipe.key);
    if (recipe.damage)
        bytes[len - recipe.damage] ^= 1;
}

/* Each agent is told once, before it does anything. */
static void demand(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_START)
        demanded = ota_demand_packages(d->agent, wants, d->components);
}

static void begin(void)
{
    demanded = OTA_AGAIN;
    dev->on_step = demand;
}

#define package(...) flow_image(.finish = make_package, __VA_ARGS__)

static void refused(const struct sim_image *bad, ota_err err, const char *where)
{
    struct ota_status s;

    flow_deploy(bad, NULL);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_int_equal(demanded, OTA_OK);
    s = sim_status(dev);
    assert_err(s.last_fault.err, err);
    assert_string_equal(s.last_fault.where, where);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->starts, 1);
    assert_true(sim_report_has(sim_last_report(dev), "outcome", "\"refused\""));
    assert_true(strstr(sim_last_report(dev)->body, ota_err_name(err)) != NULL);
}

static void a_good_one_is_taken(void)
{
    recipe = (struct recipe){ &vendor, os_id, 3, 0 };
    const struct sim_image *good = package(.version = "9.0.0");

    flow_deploy(good, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, good);
    assert_last_report("confirmed", "OK");
}

FLOW(a_package_is_installed_like_any_image)
{
    (void)state;
    begin();
    const struct sim_image *plain = package(.version = "2.0.0"), *deflated = package(.version = "3.0.0", .deflate = true);
    const struct sim_image *delta = package(.version = "4.0.0", .from = deflated);

    flow_deploy(plain, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(demanded, OTA_OK);
    assert_runs(0, plain);
    flow_deploy(deflated, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, deflated);
    flow_deploy(delta, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, delta);
}

/* The seal reads little at a time. */
static void demand_in_small_steps(struct sim *d)
{
    demand(d);
    if (d->agent->state == OTA_ST_SEAL && d->agent->busy)
        d->agent->m.seal->cap = 512;
}

FLOW(a_package_that_fills_the_slot)
{
    (void)state;
    begin();
    dev->on_step = demand_in_small_steps;
    const struct sim_image *good = package(.version = "2.0.0", .len = SIM_SLOT_MAX);

    flow_deploy(good, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, good);
    recipe.damage = SIM_SLOT_MAX - 200;
    flow_deploy(package(.version = "3.0.0", .len = SIM_SLOT_MAX), NULL);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_SIGNATURE);
    assert_runs(0, good);
}

FLOW(what_is_no_package_is_refused)
{
    (void)state;
    begin();
    refused(flow_image(.version = "2.0.0"), OTA_REJECT_MISSING, "package.trailer");
    a_good_one_is_taken();
}

FLOW(without_a_demand_it_is_not)
{
    const struct sim_image *plain = flow_image(.version = "2.0.0");

    (void)state;
    flow_deploy(plain, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, plain);
}

FLOW(signed_by_a_stranger)
{
    (void)state;
    begin();
    recipe.key = &stranger;
    refused(package(.version = "2.0.0"), OTA_REJECT_SIGNATURE, "package.signature");
    a_good_one_is_taken();
}

/* Each place in turn: body, trailer, signature. TUF vouches for these bytes, the package does not. */
FLOW(a_bit_flipped)
{
    static const size_t places[] = { 1, 64, 65, 70, 100, 5000 };

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_int_equal(flow_close(state), 0);
        assert_int_equal(packages_open(state), 0);
        begin();
        recipe.damage = places[i];
        flow_deploy(package(.version = "2.0.0"), NULL);
        assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
        assert_int_equal(ota_err_class(sim_status(dev).last_fault.err), OTA_CLASS_REJECT);
        assert_memory_equal(sim_status(dev).last_fault.where, "package.", 8);
        assert_runs(0, factory[0]);
        a_good_one_is_taken();
    }
}

FLOW(a_package_for_another_component)
{
    (void)state;
    begin();
    recipe.component = other_id;
    refused(package(.version = "2.0.0"), OTA_REJECT_COMPONENT, "package.identity.component");
    a_good_one_is_taken();
}

FLOW(an_older_security_version)
{
    (void)state;
    begin();
    recipe.security = 1;
    refused(package(.version = "2.0.0"), OTA_REJECT_SECURITY, "package.security");
    a_good_one_is_taken();
}

FLOW(needs_that_the_device_does_not_meet)
{
    static const struct ota_abi older = { 4, 3 }, same = { 5, 3 };

    (void)state;
    begin();
    want.provided = &older;
    want.provided_count = 1;
    refused(package(.version = "2.0.0"), OTA_REJECT_REQUIRES, "package.abi_depends");
    want.provided = &same;
    a_good_one_is_taken();
}

/* Another encoding would bring the same bytes: none is tried. */
FLOW(a_bad_package_is_not_tried_in_another_encoding)
{
    (void)state;
    begin();
    const struct sim_image *good = package(.version = "2.0.0");

    flow_deploy(good, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    recipe.key = &stranger;
    flow_deploy(package(.version = "3.0.0", .from = good), NULL);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_SIGNATURE);
    assert_int_equal(dev->log.last_b[OTA_EV_CHOSEN], OTA_CODEC_DELTA);
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 0);
    assert_runs(0, good);
}

/* The second component is not asked. */
FLOW(demands_are_per_component)
{
    const struct sim_image *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    begin();
    const struct sim_image *os = package(.version = "2.0.0");
    flow_deploy(os, app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
}

/* The agent dies, and the crypto service fails, at each of their steps in turn. */
FLOW(killed_at_every_step)
{
    uint32_t kills = 0;

    (void)state;
    for (uint32_t n = 1;; n++) {
        assert_int_equal(flow_close(state), 0);
        assert_int_equal(packages_open(state), 0);
        begin();
        const struct sim_image *good = package(.version = "2.0.0");
        flow_deploy(good, NULL);
        dev->kill_at = n;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, good);
        if (dev->steps < n)
            break;
        kills++;
    }
    assert_true(kills > 20);
}

/* A slot that changes between the write and the seal: found by the digest, as without packages. */
static void spoil_spare(struct sim *d)
{
    demand(d);
    if (sim_status(d).state == OTA_ST_SEAL)
        d->slot[0][1].data[100] = 0;
}

FLOW(a_slot_that_holds_other_bytes_than_were_written)
{
    const struct sim_image *good = package(.version = "2.0.0");

    (void)state;
    flow_deploy(good, NULL);
    dev->on_step = spoil_spare;
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_int_not_equal(good->data[100], 0);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_HASH);
    dev->on_step = demand;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, good);
}

/* A crypto service whose n-th hash call in SEAL fails. */
static struct failing {
    struct ota_crypto port;
    struct ota_crypto *real;
    uint32_t calls, fail_at;
} failing;

static bool fails_now(void)
{
    return sim_status(dev).state == OTA_ST_SEAL && ++failing.calls == failing.fail_at;
}

static ota_err failing_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    return fails_now() ? OTA_DEVICE_CRYPTO : failing.real->ops->hash_start(failing.real, h, alg);
}

static ota_err failing_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return fails_now() ? OTA_DEVICE_CRYPTO : failing.real->ops->hash_add(failing.real, h, data, len);
}

static ota_err failing_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    ota_err err = failing.real->ops->hash_end(failing.real, h, out);

    (void)c;
    return out && fails_now() ? OTA_DEVICE_CRYPTO : err;
}

static ota_err failing_verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key,
                              size_t key_len, const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c;
    return failing.real->ops->verify(failing.real, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
}

static ota_err failing_random(struct ota_crypto *c, void *out, size_t len)
{
    (void)c;
    return failing.real->ops->random(failing.real, out, len);
}

FLOW(crypto_fails_at_each_call_of_the_seal)
{
    static const struct ota_crypto_ops ops = { failing_start, failing_add, failing_end, failing_verify, failing_random };
    uint32_t failures = 0;

    (void)state;
    for (uint32_t n = 1;; n++) {
        assert_int_equal(flow_close(state), 0);
        assert_int_equal(packages_open(state), 0);
        begin();
        failing = (struct failing){ { &ops }, dev->cfg.crypto, 0, n };
        dev->cfg.crypto = &failing.port;
        const struct sim_image *good = package(.version = "2.0.0");
        flow_deploy(good, NULL);
        enum sim_end end = sim_check_in(dev);
        if (failing.calls < n)
            break;
        failures++;
        assert_int_equal(end, SIM_BACKING_OFF);
        assert_err(sim_status(dev).last_fault.err, OTA_DEVICE_CRYPTO);
        assert_runs(0, factory[0]);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, good);
    }
    assert_true(failures > 5);
}

static void demand_too_late(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_IDLE)
        demanded = ota_demand_packages(d->agent, wants, d->components);
}

static void demand_badly(struct sim *d)
{
    static const struct ota_package_want no_key = { .kind = OTA_KEY_P256 };
    static const struct ota_package_want *const bad[] = { &no_key };

    if (sim_status(d).state != OTA_ST_START)
        return;
    assert_err(ota_demand_packages(NULL, wants, 1), OTA_USAGE_ARGUMENT);
    assert_err(ota_demand_packages(d->agent, NULL, 1), OTA_USAGE_ARGUMENT);
    assert_err(ota_demand_packages(d->agent, wants, 2), OTA_USAGE_ARGUMENT);
    demanded = ota_demand_packages(d->agent, bad, 1);
}

FLOW(demands_that_come_late_or_are_none)
{
    (void)state;
    dev->on_step = demand_too_late;
    flow_deploy(package(.version = "2.0.0"), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_err(demanded, OTA_USAGE_STATE);
    sim_kill(dev);
    dev->on_step = demand_badly;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_err(demanded, OTA_USAGE_ARGUMENT);
}

#define PACKAGE_TEST(name) cmocka_unit_test_setup_teardown(name, packages_open, flow_close)

FLOW_MAIN(PACKAGE_TEST(a_package_is_installed_like_any_image), PACKAGE_TEST(a_package_that_fills_the_slot),
          PACKAGE_TEST(what_is_no_package_is_refused), PACKAGE_TEST(without_a_demand_it_is_not),
          PACKAGE_TEST(signed_by_a_stranger), PACKAGE_TEST(a_bit_flipped), PACKAGE_TEST(a_package_for_another_component),
          PACKAGE_TEST(an_older_security_version), PACKAGE_TEST(needs_that_the_device_does_not_meet),
          PACKAGE_TEST(a_bad_package_is_not_tried_in_another_encoding), PACKAGE_TEST(demands_are_per_component),
          PACKAGE_TEST(killed_at_every_step), PACKAGE_TEST(a_slot_that_holds_other_bytes_than_were_written),
          PACKAGE_TEST(crypto_fails_at_each_call_of_the_seal), PACKAGE_TEST(demands_that_come_late_or_are_none))
