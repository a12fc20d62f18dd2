/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals below the first delegation, versions at the edges of number types, and delegations by the thousand. */
#include "refusal.h"

enum { SUB = PUB + 1 };

/* pub delegates app/<star> to sub, which has the target. Yesterday's device has seen all of it. */
static int setup_deep(void **state)
{
    (void)state;
    begin(false);
    int sub = tuf_repo_delegate(&repo, PUB, "sub", "\"paths\":[\"app/*\"]", true, 14);
    assert_int_equal(sub, SUB);
    repo.target[0].role = sub;
    begin_with_present_roles();
    assert_int_equal(refresh_and_find(), OTA_DONE);
    assert_string_equal(ota_tuf_target(client)->role, "sub");
    tuf_store_copy(&yesterday, &store);
    return 0;
}

static void one_value(int role, const char *name, const char *value, ota_err want)
{
    char from[40], to[100], label[160];

    (void)snprintf(from, sizeof from, "\"%s\":", name);
    (void)snprintf(to, sizeof to, value ? "\"%s\":%s,\"_x\":" : "\"_x\":", name, value);
    (void)snprintf(label, sizeof label, "%s.%s = %s", repo.role[role].name, name, value ? value : "absent");
    today();
    tuf_repo_edit(&repo, role, from, to);
    tuf_repo_publish(&repo);
    expect_refusal(label, role, want, NULL);
}

/* Each member of a delegation and of a delegated role's files, one level further down. */
static void fields_of_deeper_roles(void **state)
{
    static const struct {
        int role;
        const char *name;
        char type; /* string, number, array, object, flag */
        bool optional;
    } fields[] = { { PUB, "delegations", 'o', true }, { PUB, "keyids", 'a', false },     { PUB, "name", 's', false },
                   { PUB, "paths", 'a', true },       { PUB, "terminating", 'f', false }, { PUB, "threshold", 'n', false },
                   { PUB, "roles", 'a', true },       { SUB, "_type", 's', false },       { SUB, "expires", 's', false },
                   { SUB, "spec_version", 's', false }, { SUB, "version", 'n', false },   { SUB, "targets", 'o', false },
                   { SUB, "hashes", 'o', false },     { SUB, "length", 'n', false },      { SUB, "sha256", 's', true } };
    static const struct {
        const char *value;
        char type;
    } values[] = { { "null", 0 }, { "true", 'f' }, { "7", 'n' }, { "\"7\"", 's' }, { "[]", 'a' }, { "{}", 'o' } };
    static const struct {
        const char *value;
        ota_err err;
    } numbers[] = { { "-1", OTA_REJECT_VALUE }, { "1.0", OTA_REJECT_SYNTAX }, { "1e1", OTA_REJECT_SYNTAX }, { "01", OTA_REJECT_SYNTAX },
                    { "9223372036854775808", OTA_REJECT_VALUE }, { "18446744073709551616", OTA_REJECT_VALUE } };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
            if (values[v].type != fields[i].type)
                one_value(fields[i].role, fields[i].name, values[v].value, OTA_REJECT_TYPE);
        if (!fields[i].optional)
            one_value(fields[i].role, fields[i].name, NULL, OTA_REJECT_MISSING);
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0] && fields[i].type == 'n'; n++)
            one_value(fields[i].role, fields[i].name, numbers[n].value, numbers[n].err);
        expect_recovery(fields[i].name);
    }
}

static void deeper_roles_are_bound_to_their_snapshot(void **state)
{
    (void)state;
    today();
    repo.role[SUB].expires = "2025-06-15T15:06:40Z"; /* now */
    tuf_repo_publish(&repo);
    expect_refusal("expired", SUB, OTA_REJECT_FREEZE, "role sub: signed.expires");
    expect_recovery("expired");
    today();
    repo.role[SUB].sign[0] = 4;
    tuf_repo_publish(&repo);
    expect_refusal("signed by its delegator", SUB, OTA_REJECT_SIGNATURE, "role sub: signatures");
    expect_recovery("signed by its delegator");
    today();
    repo.role[SUB].no_meta = true;
    tuf_repo_publish(&repo);
    expect_refusal("gone from the snapshot", REPO_SNAPSHOT, OTA_REJECT_ROLLBACK, "snapshot.signed.meta");
    repo.role[SUB].no_meta = false;
    expect_recovery("gone from the snapshot");
}

/* 2^31 +- 1, 2^32 +- 1, 2^53 + 1, 2^63 +- 1: a number is what it says, or refused, in every role. */
static void versions_at_the_edges(void **state)
{
    static const struct {
        const char *value;
        bool fits;
    } edges[] = { { "2147483647", true }, { "2147483648", true }, { "2147483649", true }, { "4294967295", true },
                  { "4294967296", false }, { "4294967297", false }, { "4294967298", false }, { "9007199254740991", false },
                  { "9007199254740992", false }, { "9007199254740993", false }, { "9223372036854775807", false },
                  { "9223372036854775808", false }, { "9223372036854775809", false }, { "18446744073709551618", false } };

    (void)state;
    for (int role = REPO_ROOT; role <= SUB; role++) {
        for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
            char to[60], label[120];

            (void)snprintf(to, sizeof to, "34\",\"version\":%s", edges[i].value);
            (void)snprintf(label, sizeof label, "%s.version = %s", repo.role[role].name, edges[i].value);
            (void)setup_deep(NULL);
            today();
            tuf_repo_edit(&repo, role, "34\",\"version\":2", to);
            tuf_repo_publish(&repo);
            if (role == REPO_TIMESTAMP && edges[i].fits) {
                assert_int_equal(refresh_and_find(), OTA_DONE); /* no other file tells a timestamp's version */
                cases++;
                continue;
            }
            expect_refusal(label, role, edges[i].fits ? OTA_REJECT_VERSION : OTA_REJECT_VALUE, NULL);
            expect_recovery(label);
        }
    }
}

/* As many delegations as somebody likes: they cost time in proportion to their text, and no memory. */
static void ten_thousand_delegations(void **state)
{
    static char text[1400000];
    size_t len = 0;

    (void)state;
    begin(false);
    len += (size_t)snprintf(text, sizeof text, ",\"delegations\":{\"keys\":{\"%s\":%s},\"roles\":[", repo.key[4].id, repo.key[4].json);
    for (int i = 0; i < 10000; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%s{\"keyids\":[],\"name\":\"r%d\",\"paths\":[\"%s/*\"],\"terminating\":false,\"threshold\":1}",
                                i ? "," : "", i, i % 1000 == 0 ? "app" : "other");
    (void)snprintf(text + len, sizeof text - len,
                   ",{\"keyids\":[\"%s\"],\"name\":\"pub\",\"paths\":[\"app/*\"],\"terminating\":true,\"threshold\":1}]}", repo.key[4].id);
    repo.role[REPO_TARGETS_ROLE].delegations = text;
    cfg.limits.targets_max = 2000000;
    begin_with_present_roles();
    /* ten of them match before pub; none has a key, so the first one's file cannot be trusted */
    assert_int_equal(tuf_find(client, &repo, &store, "app/one"), OTA_REJECT_MISSING);
    assert_int_equal(tuf_find(client, &repo, &store, "elsewhere"), OTA_REJECT_TARGET);
    cases += 2;
}

static void there_were_enough_cases(void **state)
{
    (void)state;
    expect_cases(180);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fields_of_deeper_roles, setup_deep),
        cmocka_unit_test_setup(deeper_roles_are_bound_to_their_snapshot, setup_deep),
        cmocka_unit_test(versions_at_the_edges),
        cmocka_unit_test(ten_thousand_delegations),
        cmocka_unit_test(there_were_enough_cases),
    };

    if (!open_world())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_world();
    return failed;
}
