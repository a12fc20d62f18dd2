/* SPDX-License-Identifier: Apache-2.0 */
/* Corners of policy that no device reaches by itself: on an agent made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy_on.h"

static struct ota a;
static struct otai_trust trust;
static ota_err starts, adds, ends;
static int adds_until;

static uint64_t monotonic_ms(struct ota_clock *c)
{
    (void)c;
    return 1000;
}

static ota_err utc_s(struct ota_clock *c, int64_t *out)
{
    (void)c;
    *out = 1800000000;
    return OTA_OK;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    (void)h;
    (void)alg;
    return starts;
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *p, size_t len)
{
    (void)c;
    (void)h;
    (void)p;
    (void)len;
    return adds_until-- > 0 ? OTA_OK : adds;
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    (void)c;
    (void)h;
    if (out)
        memset(out, 0xff, OTA_SHA256_LEN);   /* nobody's place */
    return ends;
}

static const struct ota_clock_ops clock_ops = { .monotonic_ms = monotonic_ms, .utc_s = utc_s };
static const struct ota_crypto_ops crypto_ops = { .hash_start = hash_start, .hash_add = hash_add, .hash_end = hash_end };
static struct ota_clock ticker = { &clock_ops };
static struct ota_crypto crypto = { &crypto_ops };
static const struct ota_component component = { .name = "os" };

static int setup(void **state)
{
    (void)state;
    memset(&a, 0, sizeof a);
    memset(&trust, 0, sizeof trust);
    starts = adds = ends = OTA_OK;
    adds_until = 0;
    a.cfg.clock = &ticker;
    a.cfg.crypto = &crypto;
    a.cfg.device_id = "d";
    a.cfg.components = &component;
    a.cfg.component_count = 1;
    a.m.trust = &trust;
    trust.pointer.rules = (struct otai_rules){ .staged = true, .per_mille = 1 };
    trust.pointer.count = 1;
    strcpy(trust.pointer.image[0].component, "os");
    return 0;
}

static void a_hash_that_fails_is_the_devices_fault(void **state)
{
    (void)state;
    assert_int_equal(otai_policy_pointer(&a), OTA_SAME);   /* with one that works the device is out */
    setup(NULL);
    starts = OTA_DEVICE_CRYPTO;
    assert_int_equal(otai_policy_pointer(&a), OTA_DEVICE_CRYPTO);
    assert_string_equal(a.fault.where, "crypto.hash");
    for (int n = 0; n < 2; n++) {
        setup(NULL);
        adds = OTA_DEVICE_CRYPTO;
        adds_until = n;
        assert_int_equal(otai_policy_pointer(&a), OTA_DEVICE_CRYPTO);
    }
    setup(NULL);
    ends = OTA_DEVICE_CRYPTO;
    assert_int_equal(otai_policy_pointer(&a), OTA_DEVICE_CRYPTO);
}

static void an_estimate_that_was_too_low_leaves_nothing_to_come(void **state)
{
    (void)state;
    a.plan = (struct ota_plan){ .length = 10, .source = { .codec = OTA_CODEC_INDEX, .estimate = 5 } };
    a.j.fetched = 70;
    a.j.progress[0].src_off = 6;
    assert_int_equal(otai_policy_fetch(&a), OTA_OK);
    assert_true(a.policy.bytes == 70 && !a.policy.whole);
    a.j.progress[0].src_off = 2;
    assert_int_equal(otai_policy_fetch(&a), OTA_OK);
    assert_true(a.policy.bytes == 73);
    a.policy.bytes = 0;
    a.plan.out_off = 10;   /* all there */
    assert_int_equal(otai_policy_fetch(&a), OTA_OK);
    assert_true(a.policy.bytes == 0);
}

static void a_report_of_an_older_deployment_knows_of_no_holds(void **state)
{
    struct ota_report r = { .deployment = { 1 } };
    char body[OTAI_REPORT_BODY_MAX] = "{\"id\":1}";

    (void)state;
    a.j.held_by = UINT32_MAX;
    assert_int_equal(otai_policy_report(&a, &r, body), OTA_OK);
    assert_string_equal(body, "{\"id\":1,\"holds\":[]}");
    a.j.deployment[0] = 1;
    strcpy(body, "{\"id\":1}");
    assert_int_equal(otai_policy_report(&a, &r, body), OTA_OK);
    assert_string_equal(body, "{\"id\":1,\"holds\":[\"network\",\"clock\",\"backoff\",\"deferred\",\"trial\",\"blocked\",\"restart\",\"window\","
                              "\"consent\",\"battery\",\"metered\",\"rollout\",\"pinned\",\"os-only\","
                              "\"hawkbit-window\",\"hawkbit-consent\",\"hawkbit-skip\"]}");
}

static void a_report_that_has_no_room_is_refused(void **state)
{
    struct ota_report r = { .seq = 0 };
    char body[OTAI_REPORT_BODY_MAX];

    (void)state;
    memset(body, 'x', sizeof body);
    body[sizeof body - 1] = '\0';
    assert_int_equal(otai_policy_report(&a, &r, body), OTA_REJECT_LIMIT);
    memset(body, 'x', sizeof body);
    body[sizeof body - 1 - strlen(",\"holds\":[]")] = '\0';
    assert_int_equal(otai_policy_report(&a, &r, body), OTA_OK);
    assert_int_equal(strlen(body), sizeof body - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_hash_that_fails_is_the_devices_fault, setup),
        cmocka_unit_test_setup(an_estimate_that_was_too_low_leaves_nothing_to_come, setup),
        cmocka_unit_test_setup(a_report_of_an_older_deployment_knows_of_no_holds, setup),
        cmocka_unit_test_setup(a_report_that_has_no_room_is_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
