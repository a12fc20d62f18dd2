/* SPDX-License-Identifier: Apache-2.0 */
/* The client workflow of TUF 1.0.34 section 5 where the repository behaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ota/posix.h"
#include "tuf_repo.h"

static struct tuf_repo repo;
static struct ota_posix_crypto crypto;

struct world {
    struct tuf_store store;
    struct ota_tuf_config cfg;
    struct ota_tuf *t;
    void *mem;
    uint8_t *root;
};

static int begin(void **state)
{
    static struct world w;

    memset(&w, 0, sizeof w);
    tuf_repo_init(&repo);
    size_t len;
    w.root = tuf_repo_copy(tuf_repo_file(&repo, "1.root.json"), &len);
    tuf_client_config(&w.cfg, &crypto.port, NULL);
    w.cfg.root = w.root;
    w.cfg.root_len = len;
    w.t = tuf_client(&w.cfg, &w.mem);
    *state = &w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;

    tuf_store_free(&w->store);
    free(w->mem);
    free(w->root);
    return 0;
}

static void client_again(struct world *w)
{
    free(w->mem);
    w->t = tuf_client(&w->cfg, &w->mem);
}

static void expect_fault(struct world *w, ota_err err, const char *where)
{
    struct ota_fault f;

    ota_tuf_fault(w->t, &f);
    assert_string_equal(ota_err_name(f.err), ota_err_name(err));
    assert_string_equal(f.where, where);
}

static void refresh_ok(struct world *w)
{
    ota_err err = tuf_refresh(w->t, &repo, &w->store);
    struct ota_fault f;

    ota_tuf_fault(w->t, &f);
    if (err != OTA_DONE)
        fail_msg("%s at %s", ota_err_name(err), f.where);
}

static void first_refresh_fetches_and_stores_each_role_once(void **state)
{
    struct world *w = *state;

    refresh_ok(w);
    assert_string_equal(repo.log, "2.root.json timestamp.json 1.snapshot.json 1.targets.json ");
    assert_int_equal(w->store.writes, 3);
    assert_non_null(tuf_store_find(&w->store, "timestamp"));
    assert_int_equal(ota_tuf_root_version(w->t), 1);
    assert_true(ota_tuf_timestamp_expires(w->t) == 1893456000);
}

static void nothing_new_costs_two_requests(void **state)
{
    struct world *w = *state;

    refresh_ok(w);
    refresh_ok(w);
    assert_string_equal(repo.log, "2.root.json timestamp.json ");
    client_again(w);
    refresh_ok(w);
    assert_string_equal(repo.log, "2.root.json timestamp.json ");
    assert_int_equal(w->store.writes, 3);
}

static void next_day_is_followed(void **state)
{
    struct world *w = *state;

    refresh_ok(w);
    tuf_repo_next_day(&repo);
    refresh_ok(w);
    assert_string_equal(repo.log, "2.root.json timestamp.json 2.snapshot.json 2.targets.json ");
}

static void target_is_found_through_its_delegation(void **state)
{
    struct world *w = *state;

    refresh_ok(w);
    assert_null(ota_tuf_target(w->t));
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
    assert_string_equal(repo.log, "1.pub.json ");
    const struct ota_tuf_target *t = ota_tuf_target(w->t);
    assert_non_null(t);
    assert_int_equal(t->length, 1000);
    assert_true(t->has_sha256 && !t->has_sha512);
    assert_int_equal(t->sha256[1], 0x11);
    assert_string_equal(t->role, "pub");
    assert_string_equal(t->path, "app/one");
    assert_string_equal(t->file, "app/00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.one");
    assert_int_equal(t->custom_len, strlen("{\"ota\":{\"version\":\"1.0.0\"}}"));
    assert_memory_equal(t->custom, "{\"ota\":{\"version\":\"1.0.0\"}}", t->custom_len);
    assert_non_null(tuf_store_find(&w->store, "pub"));
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
    assert_string_equal(repo.log, "");
}

static void absent_target_is_no_target(void **state)
{
    struct world *w = *state;

    refresh_ok(w);
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/two"), OTA_REJECT_TARGET);
    expect_fault(w, OTA_REJECT_TARGET, "app/two");
    assert_null(ota_tuf_target(w->t));
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "elsewhere"), OTA_REJECT_TARGET);
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
    refresh_ok(w);
    assert_null(ota_tuf_target(w->t));
}

static void without_consistent_snapshots_names_are_plain(void **state)
{
    struct world *w = *state;

    repo.consistent = false;
    tuf_repo_publish(&repo);
    size_t len;
    free(w->root);
    w->root = tuf_repo_copy(tuf_repo_file(&repo, "1.root.json"), &len);
    w->cfg.root = w->root;
    w->cfg.root_len = len;
    client_again(w);
    refresh_ok(w);
    assert_string_equal(repo.log, "2.root.json timestamp.json snapshot.json targets.json ");
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
    assert_string_equal(repo.log, "pub.json ");
    assert_string_equal(ota_tuf_target(w->t)->file, "app/one");
}

static void without_lengths_and_digests_signatures_suffice(void **state)
{
    struct world *w = *state;

    repo.hashes = false;
    tuf_repo_publish(&repo);
    refresh_ok(w);
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
}

static void white_space_and_other_order_do_not_matter(void **state)
{
    struct world *w = *state;

    repo.indent = "\n \t\r\n";
    tuf_repo_edit(&repo, REPO_TIMESTAMP, "{\"_type\":\"timestamp\",",
                  "{ \"zebra\" : [ 1 , {\"b\":2,\"a\":1}, \"\\u00e9\" ], \"_type\":\"timestamp\",");
    tuf_repo_edit(&repo, REPO_TARGETS_ROLE, "{\"_type\":\"targets\",",
                  "{\"x\":{\"z\":1,\"y\":{\"b\":0,\"a\":0}},\"_type\":\"targets\",");
    tuf_repo_publish(&repo);
    refresh_ok(w);
    assert_int_equal(repo.edits_missed, 0);
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
}

static void other_key_kinds_work(void **state)
{
    struct world *w = *state;

    tuf_repo_key(&repo, 30, REPO_P384);
    tuf_repo_key(&repo, 31, REPO_RSA);
    repo.role[REPO_ROOT].version = 2;
    repo.role[REPO_SNAPSHOT].key[0] = repo.role[REPO_SNAPSHOT].sign[0] = 30;
    repo.role[REPO_TARGETS_ROLE].key[0] = repo.role[REPO_TARGETS_ROLE].sign[0] = 31;
    repo.role[REPO_TOP].key[0] = repo.role[REPO_TOP].sign[0] = 31;
    tuf_repo_publish(&repo);
    refresh_ok(w);
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
}

static void roots_are_followed_one_by_one_and_each_is_stored(void **state)
{
    struct world *w = *state;

    for (uint32_t v = 2; v <= 4; v++) {
        repo.role[REPO_ROOT].version = v;
        repo.role[REPO_ROOT].key[0] = (uint8_t)(10 + v);
        tuf_repo_key(&repo, (int)(10 + v), REPO_P256);
        repo.role[REPO_ROOT].sign[0] = (uint8_t)(v == 2 ? 0 : 9 + v);
        repo.role[REPO_ROOT].sign[1] = (uint8_t)(10 + v);
        repo.role[REPO_ROOT].signs = 2;
        tuf_repo_publish(&repo);
    }
    refresh_ok(w);
    assert_string_equal(repo.log,
                        "2.root.json 3.root.json 4.root.json 5.root.json timestamp.json 1.snapshot.json 1.targets.json ");
    assert_int_equal(ota_tuf_root_version(w->t), 4);
    assert_int_equal(w->store.writes, 6);
    assert_int_equal(w->store.removes, 0);
    client_again(w);
    refresh_ok(w);
    assert_string_equal(repo.log, "5.root.json timestamp.json ");
}

static void rotations_end_at_the_limit(void **state)
{
    struct world *w = *state;

    for (uint32_t v = 2; v <= 5; v++) {
        repo.role[REPO_ROOT].version = v;
        tuf_repo_publish(&repo);
    }
    w->cfg.limits.rotations_max = 2;
    client_again(w);
    refresh_ok(w);
    assert_int_equal(ota_tuf_root_version(w->t), 3);
    refresh_ok(w);
    assert_int_equal(ota_tuf_root_version(w->t), 5);
}

/* Fast-forward recovery, section 5.3.11: a stolen key raised the versions; the root's new keys undo it. */
static void rotation_forgets_timestamp_and_snapshot(void **state)
{
    struct world *w = *state;

    repo.role[REPO_TIMESTAMP].version = repo.role[REPO_SNAPSHOT].version = 4294967295u;
    tuf_repo_publish(&repo);
    refresh_ok(w);
    repo.role[REPO_TIMESTAMP].version = repo.role[REPO_SNAPSHOT].version = 7;
    tuf_repo_publish(&repo);
    assert_int_equal(tuf_refresh(w->t, &repo, &w->store), OTA_REJECT_ROLLBACK);
    repo.role[REPO_ROOT].version = 2;
    tuf_repo_signer(&repo, REPO_TIMESTAMP, 12); /* the old key stays: forgetting must be explicit */
    tuf_repo_publish(&repo);
    refresh_ok(w);
    assert_int_equal(w->store.removes, 2);
}

static void stored_files_that_do_not_verify_are_absent(void **state)
{
    static const char *const roles[] = { "timestamp", "snapshot", "targets" };
    struct world *w = *state;

    refresh_ok(w);
    for (int i = 0; i < 3; i++) {
        struct repo_file *f = tuf_store_find(&w->store, roles[i]);

        f->bytes[f->len / 2] ^= 1;
        client_again(w);
        refresh_ok(w);
    }
    struct repo_file *f = tuf_store_find(&w->store, "snapshot");
    uint8_t garbage[20000];
    memset(garbage, ' ', sizeof garbage);
    tuf_store_put(&w->store, f->name, garbage, sizeof garbage);
    refresh_ok(w);
}

static void stored_root_that_is_damaged_gives_way_to_the_factory_root(void **state)
{
    struct world *w = *state;

    tuf_store_put(&w->store, "root", "{}", 2);
    refresh_ok(w);
    w->cfg.root = NULL;
    w->cfg.root_len = 0;
    client_again(w);
    assert_int_equal(tuf_refresh(w->t, &repo, &w->store), OTA_DEVICE_ROOT);
    expect_fault(w, OTA_DEVICE_ROOT, "root");
    assert_int_equal(ota_tuf_root_version(w->t), 0);
}

static void newer_factory_root_wins(void **state)
{
    struct world *w = *state;
    size_t len;
    uint8_t *old = tuf_repo_copy(tuf_repo_file(&repo, "1.root.json"), &len);

    tuf_store_put(&w->store, "root", old, len);
    repo.role[REPO_ROOT].version = 3;
    tuf_repo_publish(&repo);
    free(w->root);
    w->root = tuf_repo_copy(tuf_repo_file(&repo, "3.root.json"), &w->cfg.root_len);
    w->cfg.root = w->root;
    client_again(w);
    refresh_ok(w);
    assert_string_equal(repo.log, "4.root.json timestamp.json 1.snapshot.json 1.targets.json ");
    tuf_store_put(&w->store, "root", w->root, w->cfg.root_len); /* and an older factory root does not */
    w->cfg.root = old;
    w->cfg.root_len = len;
    client_again(w);
    refresh_ok(w);
    assert_int_equal(ota_tuf_root_version(w->t), 3);
    free(old);
}

static void expired_intermediate_root_is_no_obstacle(void **state)
{
    struct world *w = *state;

    repo.role[REPO_ROOT].version = 2;
    repo.role[REPO_ROOT].expires = "2020-01-01T00:00:00Z";
    tuf_repo_publish(&repo);
    repo.role[REPO_ROOT].version = 3;
    repo.role[REPO_ROOT].expires = "2030-01-01T00:00:00Z";
    tuf_repo_publish(&repo);
    refresh_ok(w);
    assert_int_equal(ota_tuf_root_version(w->t), 3);
}

static void scope_is_checked_in_every_role_but_root(void **state)
{
    struct world *w = *state;

    repo.scope = "thermostat/0001";
    tuf_repo_publish(&repo);
    w->cfg.scope = "thermostat/0001";
    client_again(w);
    refresh_ok(w);
    assert_int_equal(tuf_find(w->t, &repo, &w->store, "app/one"), OTA_DONE);
    w->cfg.scope = "thermostat/0002";
    client_again(w);
    assert_int_equal(tuf_refresh(w->t, &repo, &w->store), OTA_REJECT_SCOPE);
    expect_fault(w, OTA_REJECT_SCOPE, "timestamp.signed.x-scope");
    repo.scope = NULL;
    tuf_repo_next_day(&repo);
    assert_int_equal(tuf_refresh(w->t, &repo, &w->store), OTA_REJECT_SCOPE);
    expect_fault(w, OTA_REJECT_SCOPE, "timestamp.signed.x-scope");
}

static void calls_out_of_turn_are_refused(void **state)
{
    struct world *w = *state;
    struct ota_tuf_want want;
    char longest[OTA_PATH_MAX + 1];

    assert_int_equal(ota_tuf_next(w->t, &want), OTA_USAGE_STATE);
    assert_int_equal(ota_tuf_answer(w->t, OTA_TUF_GOT, 0), OTA_USAGE_STATE);
    assert_int_equal(ota_tuf_find(w->t, "app/one"), OTA_USAGE_STATE);
    assert_int_equal(ota_tuf_refresh(w->t, REPO_NOW), OTA_OK);
    assert_int_equal(ota_tuf_next(w->t, &want), OTA_OK);
    assert_int_equal(ota_tuf_next(w->t, &want), OTA_USAGE_STATE);
    assert_int_equal(ota_tuf_answer(w->t, OTA_TUF_STORED, 0), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tuf_answer(w->t, OTA_TUF_GOT, want.cap + 1), OTA_USAGE_ARGUMENT);
    ota_tuf_abandon(w->t);
    assert_int_equal(ota_tuf_next(w->t, &want), OTA_USAGE_STATE);
    refresh_ok(w);
    memset(longest, 'a', sizeof longest);
    longest[OTA_PATH_MAX] = '\0';
    assert_int_equal(ota_tuf_find(w->t, longest), OTA_USAGE_ARGUMENT);
    longest[OTA_PATH_MAX - 1] = '\0';
    assert_int_equal(tuf_find(w->t, &repo, &w->store, longest), OTA_REJECT_TARGET);
    static const char *const bad[] = { "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", ".", "./a", "a\\b", "a\nb" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tuf_find(w->t, &repo, &w->store, bad[i]), OTA_REJECT_TARGET);
    assert_string_equal(repo.log, "");
    assert_int_equal(ota_tuf_find(w->t, ""), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tuf_find(w->t, NULL), OTA_USAGE_ARGUMENT);
}

static void init_checks_its_arguments(void **state)
{
    struct world *w = *state;
    struct ota_tuf_config cfg = w->cfg;
    struct ota_tuf *t;
    size_t len = ota_tuf_len(&cfg);

    assert_true(len > 32768);
    assert_int_equal(ota_tuf_init(&t, &cfg, w->mem, len - 1), OTA_USAGE_MEMORY);
    assert_int_equal(ota_tuf_init(NULL, &cfg, w->mem, len), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tuf_init(&t, NULL, w->mem, len), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tuf_init(&t, &cfg, NULL, len), OTA_USAGE_ARGUMENT);
    cfg.size--;
    assert_int_equal(ota_tuf_init(&t, &cfg, w->mem, len), OTA_USAGE_ABI);
    cfg.size++;
    cfg.limits.roles_max = 33;
    assert_int_equal(ota_tuf_len(&cfg), 0);
    cfg.limits.roles_max = 0;
    cfg.limits.snapshot_max = 40000;
    assert_true(ota_tuf_len(&cfg) >= 80000);
    cfg.crypto = NULL;
    assert_int_equal(ota_tuf_len(&cfg), 0);
    assert_int_equal(ota_tuf_len(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_refresh_fetches_and_stores_each_role_once, begin, end),
        cmocka_unit_test_setup_teardown(nothing_new_costs_two_requests, begin, end),
        cmocka_unit_test_setup_teardown(next_day_is_followed, begin, end),
        cmocka_unit_test_setup_teardown(target_is_found_through_its_delegation, begin, end),
        cmocka_unit_test_setup_teardown(absent_target_is_no_target, begin, end),
        cmocka_unit_test_setup_teardown(without_consistent_snapshots_names_are_plain, begin, end),
        cmocka_unit_test_setup_teardown(without_lengths_and_digests_signatures_suffice, begin, end),
        cmocka_unit_test_setup_teardown(white_space_and_other_order_do_not_matter, begin, end),
        cmocka_unit_test_setup_teardown(other_key_kinds_work, begin, end),
        cmocka_unit_test_setup_teardown(roots_are_followed_one_by_one_and_each_is_stored, begin, end),
        cmocka_unit_test_setup_teardown(rotations_end_at_the_limit, begin, end),
        cmocka_unit_test_setup_teardown(rotation_forgets_timestamp_and_snapshot, begin, end),
        cmocka_unit_test_setup_teardown(stored_files_that_do_not_verify_are_absent, begin, end),
        cmocka_unit_test_setup_teardown(stored_root_that_is_damaged_gives_way_to_the_factory_root, begin, end),
        cmocka_unit_test_setup_teardown(newer_factory_root_wins, begin, end),
        cmocka_unit_test_setup_teardown(expired_intermediate_root_is_no_obstacle, begin, end),
        cmocka_unit_test_setup_teardown(scope_is_checked_in_every_role_but_root, begin, end),
        cmocka_unit_test_setup_teardown(calls_out_of_turn_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(init_checks_its_arguments, begin, end),
    };

    if (ota_posix_crypto_open(&crypto, NULL, NULL) != OTA_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tuf_repo_free(&repo);
    return failed;
}
