/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over delegations: order, termination, patterns, bins, keys of the right delegator, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memo_crypto.h"
#include "ota/posix.h"
#include "tuf_i.h"
#include "tuf_repo.h"

#define ALL "\"paths\":[\"*\"]"
#define ENTRY "{\"hashes\":{\"sha256\":\"ab112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"},\"length\":1}"

static struct tuf_repo repo;
static struct ota_posix_crypto psa;
static struct memo_crypto crypto;
static struct tuf_store store;
static struct ota_tuf_config cfg;
static struct ota_tuf *client;
static void *memory;
static uint8_t *factory;

/* A repository without any delegation yet. */
static int begin(void **state)
{
    size_t len;

    (void)state;
    tuf_store_free(&store);
    tuf_repo_init(&repo);
    repo.roles = REPO_TOP;
    repo.targets = 0;
    free(factory);
    factory = tuf_repo_copy(tuf_repo_file(&repo, "1.root.json"), &len);
    tuf_client_config(&cfg, &crypto.port, NULL);
    cfg.root = factory;
    cfg.root_len = len;
    free(memory);
    client = tuf_client(&cfg, &memory);
    return 0;
}

static int role(int parent, const char *name, const char *paths, bool terminating)
{
    return tuf_repo_delegate(&repo, parent, name, paths, terminating, 4 + repo.roles % 16);
}

static void publish(void)
{
    tuf_repo_publish(&repo);
    ota_err err = tuf_refresh(client, &repo, &store);
    struct ota_fault f;

    ota_tuf_fault(client, &f);
    if (err != OTA_DONE)
        fail_msg("%s at %s", ota_err_name(err), f.where);
}

static void expect(const char *path, ota_err err, const char *visited)
{
    ota_err got = tuf_find(client, &repo, &store, path);
    struct ota_fault f;

    ota_tuf_fault(client, &f);
    if (got != err)
        fail_msg("%s: %s at %s", path, ota_err_name(got), f.where);
    assert_string_equal(repo.log, visited);
}

static void expect_where(const char *where)
{
    struct ota_fault f;

    ota_tuf_fault(client, &f);
    assert_string_equal(f.where, where);
}

/* go-tuf CVE-2024-47534: pre-order, first delegation first. */
static void order_is_depth_first(void **state)
{
    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    (void)role(REPO_TARGETS_ROLE, "B", ALL, false);
    int c = role(a, "C", ALL, false);
    (void)role(a, "D", ALL, false);
    (void)role(c, "E", ALL, false);
    publish();
    expect("missing", OTA_REJECT_TARGET, "1.A.json 1.C.json 1.E.json 1.D.json 1.B.json ");
}

/* tough CVE-2025-2886. */
static void terminating_ends_the_search_but_not_its_own_delegations(void **state)
{
    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    int b = role(REPO_TARGETS_ROLE, "B", ALL, false);
    int c = role(a, "C", ALL, true);
    (void)role(a, "D", ALL, false);
    (void)role(c, "E", ALL, false);
    tuf_repo_target(&repo, b, "x", ENTRY);
    publish();
    expect("x", OTA_REJECT_TARGET, "1.A.json 1.C.json 1.E.json ");
}

static void cycles_and_diamonds_end(void **state)
{
    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    int b = role(REPO_TARGETS_ROLE, "B", ALL, false);
    (void)a;
    /* B -> A again, and B -> B */
    char text[6000];
    (void)snprintf(text, sizeof text,
                   ",\"delegations\":{\"keys\":{\"%s\":%s,\"%s\":%s},\"roles\":[{\"keyids\":[\"%s\"],\"name\":\"A\"," ALL
                   ",\"terminating\":false,\"threshold\":1},{\"keyids\":[\"%s\"],\"name\":\"B\"," ALL
                   ",\"terminating\":false,\"threshold\":1}]}",
                   repo.key[repo.role[a].key[0]].id, repo.key[repo.role[a].key[0]].json, repo.key[repo.role[b].key[0]].id,
                   repo.key[repo.role[b].key[0]].json, repo.key[repo.role[a].key[0]].id, repo.key[repo.role[b].key[0]].id);
    repo.role[b].delegations = text;
    publish();
    expect("x", OTA_REJECT_TARGET, "1.A.json 1.B.json ");
}

/* A waits for the top's delegation when B delegates to it too: B's comes first, with B's keys. */
static void waiting_role_moves_to_the_front(void **state)
{
    char text[3000];

    (void)state;
    int b = role(REPO_TARGETS_ROLE, "B", ALL, false);
    (void)role(REPO_TARGETS_ROLE, "C", ALL, false);
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    const struct repo_key *k = &repo.key[repo.role[a].key[0]];
    (void)snprintf(text, sizeof text,
                   ",\"delegations\":{\"keys\":{\"%s\":%s},\"roles\":[{\"keyids\":[\"%s\"],\"name\":\"A\"," ALL
                   ",\"terminating\":false,\"threshold\":1}]}",
                   k->id, k->json, k->id);
    repo.role[b].delegations = text;
    publish();
    expect("x", OTA_REJECT_TARGET, "1.B.json 1.A.json 1.C.json ");
}

/* python-tuf, go-tuf (tuf-conformance #405): a stored role is verified with the keys of the delegator at hand. */
static void stored_role_is_verified_for_the_current_delegator(void **state)
{
    char text[3000];

    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", "\"paths\":[\"a/*\"]", true);
    (void)role(REPO_TARGETS_ROLE, "B", "\"paths\":[\"b/*\"]", true);
    int shared = role(a, "S", ALL, false);
    tuf_repo_target(&repo, shared, "a/1", ENTRY);
    tuf_repo_target(&repo, shared, "b/1", ENTRY);
    tuf_repo_key(&repo, 30, REPO_P256);
    (void)snprintf(text, sizeof text,
                   ",\"delegations\":{\"keys\":{\"%s\":%s},\"roles\":[{\"keyids\":[\"%s\"],\"name\":\"S\",\"paths\":[\"*/*\"]"
                   ",\"terminating\":false,\"threshold\":1}]}",
                   repo.key[30].id, repo.key[30].json, repo.key[30].id);
    repo.role[shared].paths = "\"paths\":[\"*/*\"]";
    repo.role[a + 1].delegations = text;
    publish();
    expect("a/1", OTA_DONE, "1.A.json 1.S.json ");
    expect("b/1", OTA_REJECT_SIGNATURE, "1.B.json 1.S.json ");
    expect_where("role S: signatures");
    expect("a/1", OTA_DONE, "");
}

static void paths_are_matched_part_by_part(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } cases[] = {
        { "*", "a", true },
        { "*", "a/b", false },
        { "a/*", "a/b", true },
        { "a/*", "a/b/c", false },
        { "a/*", "a", false },
        { "*/b", "a/b", true },
        { "*/*", "a/b", true },
        { "a?c", "abc", true },
        { "a?c", "ac", false },
        { "a?c", "a/c", false },
        { "*.img", "x.img", true },
        { "*.img", ".img", true },
        { "*.img", "x.imgs", false },
        { "a*b*c", "aXbYc", true },
        { "a*b*c", "aXbYcZ", false },
        { "*a*a*a", "aaa", true },
        { "*a*a*a", "aa", false },
        { "A", "a", false },
        { "[ab]", "a", false },
        { "[ab]", "[ab]", true },
        { "{a,b}", "a", false },
        { "a/**", "a/b", true },
        { "a/**", "a/b/c", false },
        { "?", "\xc3\xa9", true },
        { "??", "\xc3\xa9", false },
        { "*/x/*", "a/x/b", true },
        { "a*/b", "a/x/b", false },
        { "*b/c", "ab/c", true },
        { "", "a", false },
        { "a*", "b/a", false },
        { "\\*", "*", false },
        { "rel*/x", "release/x", true },
        { "*x/y*", "ax/bx/y", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (otai_tuf_glob(cases[i].pattern, cases[i].path) != cases[i].match)
            fail_msg("%s against %s", cases[i].pattern, cases[i].path);
}

static void only_matching_delegations_are_followed(void **state)
{
    (void)state;
    (void)role(REPO_TARGETS_ROLE, "A", "\"paths\":[\"*.doc\",\"*.md\"]", false);
    int b = role(REPO_TARGETS_ROLE, "B", "\"paths\":[\"releases/*/*\"]", false);
    int c = role(b, "C", "\"paths\":[\"releases/x/*\"]", false);
    int d = role(b, "D", "\"paths\":[\"releases/y/*.zip\"]", false);
    tuf_repo_target(&repo, c, "releases/x/1", ENTRY);
    tuf_repo_target(&repo, d, "releases/z/1.zip", ENTRY);
    publish();
    expect("releases/x/1", OTA_DONE, "1.B.json 1.C.json ");
    assert_string_equal(ota_tuf_target(client)->role, "C");
    expect("releases/z/1.zip", OTA_REJECT_TARGET, "");
    expect("readme.md", OTA_REJECT_TARGET, "1.A.json ");
}

/* SHA-256("x") = 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 */
static void hash_prefixes_choose(void **state)
{
    (void)state;
    (void)role(REPO_TARGETS_ROLE, "A", "\"path_hash_prefixes\":[\"2e\",\"3\"]", false);
    int b = role(REPO_TARGETS_ROLE, "B", "\"path_hash_prefixes\":[\"00\",\"2d711\"]", false);
    (void)role(REPO_TARGETS_ROLE, "C", "\"path_hash_prefixes\":[\"2D\"]", false);
    tuf_repo_target(&repo, b, "x", ENTRY);
    publish();
    expect("x", OTA_DONE, "1.B.json ");
    expect("y", OTA_REJECT_TARGET, "");
}

static void succinct(const char *members, char *text, size_t cap, int key)
{
    tuf_repo_key(&repo, key, REPO_P256);
    (void)snprintf(text, cap,
                   ",\"delegations\":{\"keys\":{\"%s\":%s},\"succinct_roles\":{\"keyids\":[\"%s\"],\"threshold\":1,%s}}",
                   repo.key[key].id, repo.key[key].json, repo.key[key].id, members);
    repo.role[REPO_TARGETS_ROLE].delegations = text;
}

static void bins_are_found_by_digest(void **state)
{
    static const struct {
        const char *members, *bin;
    } cases[] = {
        { "\"bit_length\":1,\"name_prefix\":\"bin\"", "bin-0" },
        { "\"bit_length\":4,\"name_prefix\":\"bin\"", "bin-2" },
        { "\"bit_length\":5,\"name_prefix\":\"bin\"", "bin-05" },
        { "\"bit_length\":8,\"name_prefix\":\"a.b\"", "a.b-2d" },
        { "\"bit_length\":14,\"name_prefix\":\"bin\"", "bin-0b5c" },
        { "\"bit_length\":32,\"name_prefix\":\"bin\"", "bin-2d711642" },
    };
    char text[3000], log[64];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)begin(state);
        succinct(cases[i].members, text, sizeof text, 10);
        int bin = tuf_repo_delegate(&repo, -2, cases[i].bin, "", false, 10);
        tuf_repo_target(&repo, bin, "x", ENTRY);
        publish();
        (void)snprintf(log, sizeof log, "1.%s.json ", cases[i].bin);
        expect("x", OTA_DONE, log);
    }
}

static void malformed_bins_are_refused(void **state)
{
    static const struct {
        const char *members;
        ota_err err;
    } cases[] = {
        { "\"bit_length\":0,\"name_prefix\":\"bin\"", OTA_REJECT_VALUE },
        { "\"bit_length\":33,\"name_prefix\":\"bin\"", OTA_REJECT_VALUE },
        { "\"bit_length\":\"8\",\"name_prefix\":\"bin\"", OTA_REJECT_TYPE },
        { "\"name_prefix\":\"bin\"", OTA_REJECT_MISSING },
        { "\"bit_length\":8", OTA_REJECT_MISSING },
        { "\"bit_length\":8,\"name_prefix\":\"\"", OTA_REJECT_VALUE },
        { "\"bit_length\":8,\"name_prefix\":7", OTA_REJECT_TYPE },
        { "\"bit_length\":32,\"name_prefix\":\"a123456789a123456789a123456789a123456789a123456789a123\"", OTA_OK },
        { "\"bit_length\":32,\"name_prefix\":\"a123456789a123456789a123456789a123456789a123456789a1234\"", OTA_REJECT_VALUE },
    };
    char text[3000];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)begin(state);
        succinct(cases[i].members, text, sizeof text, 10);
        tuf_repo_publish(&repo);
        ota_err err = tuf_refresh(client, &repo, &store);
        if (err != (cases[i].err == OTA_OK ? OTA_DONE : cases[i].err))
            fail_msg("%s: %s", cases[i].members, ota_err_name(err));
    }
}

/* A chain of 40 roles: the 32nd is the last that is looked into. */
static void roles_are_visited_up_to_the_limit(void **state)
{
    char name[16];
    int parent = REPO_TARGETS_ROLE;

    (void)state;
    cfg.limits.targets_max = 60000;
    free(memory);
    client = tuf_client(&cfg, &memory);
    for (int i = 1; i <= 40; i++) {
        (void)snprintf(name, sizeof name, "r%d", i);
        parent = role(parent, name, ALL, false);
        if (i == 31)
            tuf_repo_target(&repo, parent, "last", ENTRY);
        if (i == 32)
            tuf_repo_target(&repo, parent, "late", ENTRY);
    }
    publish();
    assert_int_equal(tuf_find(client, &repo, &store, "last"), OTA_DONE);
    assert_int_equal(tuf_find(client, &repo, &store, "late"), OTA_REJECT_TARGET);
    cfg.limits.roles_max = 3;
    free(memory);
    client = tuf_client(&cfg, &memory);
    tuf_store_free(&store);
    publish();
    expect("late", OTA_REJECT_TARGET, "1.r1.json 1.r2.json ");
}

/* More delegations match than there are places: those that would come last give way. */
static void wide_delegations_keep_the_first(void **state)
{
    char name[16];

    (void)state;
    cfg.limits.roles_max = 4;
    free(memory);
    client = tuf_client(&cfg, &memory);
    for (int i = 1; i <= 6; i++) {
        (void)snprintf(name, sizeof name, "w%d", i);
        (void)role(REPO_TARGETS_ROLE, name, ALL, false);
    }
    int below = role(REPO_TOP, "below", ALL, false);
    (void)below;
    publish();
    expect("x", OTA_REJECT_TARGET, "1.w1.json 1.below.json 1.w2.json ");
}

static void names_are_encoded_and_cannot_leave(void **state)
{
    static const struct {
        const char *name, *file;
    } cases[] = { { "?", "1.%3F.json " },           { "#", "1.%23.json " },
                  { "/role", "1.%2Frole.json " },   { "../role", "1...%2Frole.json " },
                  { "..", "1....json " },           { "a b", "1.a%20b.json " },
                  { "\xc3\xa9", "1.%C3%A9.json " }, { "~-._", "1.~-._.json " },
                  { "%2e", "1.%252e.json " } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)begin(state);
        int r = role(REPO_TARGETS_ROLE, cases[i].name, "\"paths\":[\"d/*\"]", false);
        tuf_repo_target(&repo, r, "d/a b#?\xc3\xa9", ENTRY);
        publish();
        expect("d/a b#?\xc3\xa9", OTA_DONE, cases[i].file);
        assert_string_equal(ota_tuf_target(client)->file,
                            "d/ab112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.a%20b%23%3F%C3%A9");
        assert_string_equal(ota_tuf_target(client)->role, cases[i].name);
        assert_non_null(tuf_store_find(&store, cases[i].name));
    }
}

static void sha512_alone_names_the_file(void **state)
{
    (void)state;
    tuf_repo_target(&repo, REPO_TARGETS_ROLE, "x",
                    "{\"hashes\":{\"sha512\":\"00000000000000000000000000000000000000000000000000000000000000001111111111111111"
                    "1111111111111111111111111111111111111111111111ff\",\"md5\":\"zz\"},\"length\":0}");
    publish();
    expect("x", OTA_DONE, "");
    const struct ota_tuf_target *t = ota_tuf_target(client);
    assert_true(t->has_sha512 && !t->has_sha256);
    assert_int_equal(t->length, 0);
    assert_null(t->custom);
    assert_int_equal(t->sha512[63], 0xff);
    assert_string_equal(t->role, "targets");
    assert_int_equal(strlen(t->file), 130);
}

static void roles_must_be_in_the_snapshot(void **state)
{
    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    repo.role[a].no_meta = true;
    (void)role(REPO_TARGETS_ROLE, "B", ALL, false);
    publish();
    expect("x", OTA_REJECT_MISSING, "");
    expect_where("snapshot.signed.meta.A");
}

static void same_role_twice_in_one_list_is_refused(void **state)
{
    (void)state;
    (void)role(REPO_TARGETS_ROLE, "A", ALL, false);
    repo.role[role(REPO_TARGETS_ROLE, "A", ALL, false)].no_meta = true;
    publish();
    expect("x", OTA_REJECT_DUPLICATE, "");
    expect_where("targets.signed.delegations.roles[1].name");
}

static void keys_of_delegations_are_judged(void **state)
{
    static const struct {
        const char *from, *to;
        ota_err err;
    } cases[] = {
        { "\"scheme\":", "\"x\":1,\"scheme\":", OTA_REJECT_KEY },
        { "BEGIN PUBLIC", "BEGIN PRIVATE", OTA_REJECT_KEY },
        { "\"keytype\":\"ecdsa\"", "\"keytype\":\"ed25519\"", OTA_REJECT_SIGNATURE },
        { "\"keytype\":", "\"keytypes\":", OTA_REJECT_MISSING },
        { "\"keyids\":[", "\"keyids\":[7,", OTA_REJECT_TYPE },
        { "\"keyids\":[", "\"keyids\":[\"unknown\",", OTA_DONE },
        { "\"keyids\":[\"", "\"keyids\":[\"0", OTA_REJECT_SIGNATURE },
        { "\"threshold\":1", "\"threshold\":2", OTA_REJECT_SIGNATURE },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)begin(state);
        int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
        tuf_repo_target(&repo, a, "x", ENTRY);
        tuf_repo_edit(&repo, REPO_TARGETS_ROLE, cases[i].from, cases[i].to);
        publish();
        assert_int_equal(repo.edits_missed, 0);
        ota_err err = tuf_find(client, &repo, &store, "x");
        if (err != cases[i].err)
            fail_msg("%s: %s", cases[i].to, ota_err_name(err));
    }
}

/* The same key id twice in a role's list would be one key counted twice. */
static void key_listed_twice_is_refused(void **state)
{
    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    repo.role[a].key[1] = repo.role[a].key[0];
    repo.role[a].keys = 2;
    publish();
    expect("x", OTA_REJECT_DUPLICATE, "");
    expect_where("targets.signed.delegations.roles[0].keyids");
}

static void too_many_keys_are_refused(void **state)
{
    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    for (int k = 9; k < 9 + 23; k++)
        tuf_repo_signer(&repo, a, k);
    repo.role[a].signs = 1;
    tuf_repo_target(&repo, a, "x", ENTRY);
    publish();
    expect("x", OTA_DONE, "1.A.json ");
    tuf_repo_signer(&repo, a, 9 + 23);
    repo.role[a].signs = 1;
    tuf_repo_next_day(&repo);
    publish();
    expect("x", OTA_REJECT_LIMIT, "");
}

/* What another program did to the store between two steps is noticed. */
static void changed_store_is_noticed(void **state)
{
    (void)state;
    int a = role(REPO_TARGETS_ROLE, "A", ALL, false);
    tuf_repo_target(&repo, a, "x", ENTRY);
    publish();
    struct repo_file *f = tuf_store_find(&store, "snapshot");
    f->bytes[10] ^= 1;
    expect("x", OTA_DEVICE_STORE, "");
    expect_where("snapshot");
    f->bytes[10] ^= 1;
    f = tuf_store_find(&store, "targets");
    f->bytes[10] ^= 1;
    expect("x", OTA_DONE, "1.targets.json 1.A.json ");
    f = tuf_store_find(&store, "A");
    f->bytes[10] ^= 1;
    expect("x", OTA_DONE, "1.A.json ");
    expect("x", OTA_DONE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(order_is_depth_first, begin),
        cmocka_unit_test_setup(terminating_ends_the_search_but_not_its_own_delegations, begin),
        cmocka_unit_test_setup(cycles_and_diamonds_end, begin),
        cmocka_unit_test_setup(waiting_role_moves_to_the_front, begin),
        cmocka_unit_test_setup(stored_role_is_verified_for_the_current_delegator, begin),
        cmocka_unit_test(paths_are_matched_part_by_part),
        cmocka_unit_test_setup(only_matching_delegations_are_followed, begin),
        cmocka_unit_test_setup(hash_prefixes_choose, begin),
        cmocka_unit_test(bins_are_found_by_digest),
        cmocka_unit_test(malformed_bins_are_refused),
        cmocka_unit_test_setup(roles_are_visited_up_to_the_limit, begin),
        cmocka_unit_test_setup(wide_delegations_keep_the_first, begin),
        cmocka_unit_test(names_are_encoded_and_cannot_leave),
        cmocka_unit_test_setup(sha512_alone_names_the_file, begin),
        cmocka_unit_test_setup(roles_must_be_in_the_snapshot, begin),
        cmocka_unit_test_setup(same_role_twice_in_one_list_is_refused, begin),
        cmocka_unit_test(keys_of_delegations_are_judged),
        cmocka_unit_test_setup(key_listed_twice_is_refused, begin),
        cmocka_unit_test_setup(too_many_keys_are_refused, begin),
        cmocka_unit_test_setup(changed_store_is_noticed, begin),
    };

    if (ota_posix_crypto_open(&psa, NULL, NULL) != OTA_OK)
        return 1;
    memo_crypto_init(&crypto, &psa.port);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tuf_repo_free(&repo);
    tuf_store_free(&store);
    free(memory);
    free(factory);
    return failed;
}
