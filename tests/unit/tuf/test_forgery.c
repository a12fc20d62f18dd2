/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata that is not today's, not this role's, or not signed by enough of the right keys. */
#include "refusal.h"

/* ---- signatures: the same table for every role, delegated ones too (T30, T37; tough CVE-2026-6966, -6967) */

static void sign_wrongly(int role, int how)
{
    static char text[4][1400];
    struct repo_role *x = &repo.role[role];
    const char *second = repo.key[x->key[1]].id;

    switch (how) {
    case 0: /* one of two */
        x->signs = 1;
        break;
    case 1: /* the same key id twice (python-tuf CVE-2020-6174, tough CVE-2020-15093) */
        x->sign[1] = x->sign[0];
        break;
    case 2: /* a stranger instead */
        tuf_repo_key(&repo, 20, REPO_P256);
        x->sign[1] = 20;
        break;
    case 3: /* a stranger under the right id */
        tuf_repo_key(&repo, 20, REPO_P256);
        x->sign[1] = 20;
        x->sign_id[1] = second;
        break;
    case 4: /* the first key under the second's id */
        x->sign[1] = x->sign[0];
        x->sign_id[1] = second;
        break;
    case 5: /* the first key under its own id in upper case */
        for (int i = 0; i < 65; i++) {
            char c = repo.key[x->key[0]].id[i];
            text[0][i] = (char)(c >= 'a' && c <= 'f' ? c - 32 : c);
        }
        x->sign[1] = x->sign[0];
        x->sign_id[1] = text[0];
        break;
    case 6: /* the first key under its own id with an escape */
        (void)snprintf(text[1], sizeof text[1], "\\u00%02x%s", repo.key[x->key[0]].id[0], repo.key[x->key[0]].id + 1);
        x->sign[1] = x->sign[0];
        x->sign_id[1] = text[1];
        break;
    case 7: /* none at all */
        x->signs = 0;
        break;
    default: { /* a second one that is no signature */
        static const char *const sigs[] = { "",
                                            "0",
                                            "zz",
                                            "30",
                                            "3000",
                                            "3006020100020100",
                                            "300602010102010100",
                                            "3006020101020181",
                                            "30060201010201ff",
                                            "300702010102020001",
                                            "308106020101020101" };

        x->signs = 1;
        (void)snprintf(text[2], sizeof text[2], ",{\"keyid\":\"%s\",\"sig\":\"%s\"}", second, sigs[how - 8]);
        x->sigs = text[2];
    }
    }
}

static void too_few_signatures_are_refused(void **state)
{
    (void)state;
    for (int role = 0; role < repo.roles; role++) {
        char where[128], name[128];

        for (int how = 0; how < 19; how++) {
            bool twice = how == 1 || how == 6;

            (void)snprintf(where, sizeof where, "%s%ssignatures%s", role < PUB ? repo.role[role].name : "role pub",
                           role < PUB ? "." : ": ", twice ? "[1]" : "");
            (void)snprintf(name, sizeof name, "%s signed wrongly, way %d", repo.role[role].name, how);
            today();
            sign_wrongly(role, how);
            tuf_repo_publish(&repo);
            expect_refusal(name, role, twice ? OTA_REJECT_DUPLICATE : OTA_REJECT_SIGNATURE, where);
            expect_recovery(name);
        }
    }
}

static void malformed_signature_lists_are_refused(void **state)
{
    static const struct {
        const char *text;
        ota_err err;
        const char *where;
    } lists[] = {
        { ",5", OTA_REJECT_TYPE, "timestamp.signatures[1]" },
        { ",null", OTA_REJECT_TYPE, "timestamp.signatures[1]" },
        { ",[]", OTA_REJECT_TYPE, "timestamp.signatures[1]" },
        { ",{}", OTA_REJECT_MISSING, "timestamp.signatures[1].keyid" },
        { ",{\"keyid\":\"a\"}", OTA_REJECT_MISSING, "timestamp.signatures[1].sig" },
        { ",{\"sig\":\"a\"}", OTA_REJECT_MISSING, "timestamp.signatures[1].keyid" },
        { ",{\"keyid\":7,\"sig\":\"\"}", OTA_REJECT_TYPE, "timestamp.signatures[1].keyid" },
        { ",{\"keyid\":\"a\",\"sig\":null}", OTA_REJECT_TYPE, "timestamp.signatures[1].sig" },
        { ",{\"keyid\":\"a\",\"sig\":\"\"},{\"keyid\":\"a\",\"sig\":\"\"}", OTA_REJECT_DUPLICATE, "timestamp.signatures[2]" },
        { ",{\"keyid\":\"a\",\"keyid\":\"b\",\"sig\":\"\"}", OTA_REJECT_DUPLICATE, "timestamp.signatures[1].keyid" },
        { ",", OTA_REJECT_SYNTAX, NULL },
        { "],\"signatures\":[", OTA_REJECT_DUPLICATE, "timestamp.signatures" },
        { "],\"Signed\":{", OTA_REJECT_SYNTAX, NULL },
    };
    static char many[8000];

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        today();
        repo.role[REPO_TIMESTAMP].sigs = lists[i].text;
        tuf_repo_publish(&repo);
        expect_refusal(lists[i].text, REPO_TIMESTAMP, lists[i].err, lists[i].where);
        expect_recovery(lists[i].text);
    }
    /* python-tuf CVE-2020-6173: thousands of signatures cost minutes */
    today();
    cfg.limits.timestamp_max = 8000;
    start_client();
    many[0] = '\0';
    for (int i = 0; i < 64; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), ",{\"keyid\":\"%d\",\"sig\":\"\"}", i);
    repo.role[REPO_TIMESTAMP].sigs = many;
    tuf_repo_publish(&repo);
    expect_refusal("65 signatures", REPO_TIMESTAMP, OTA_REJECT_LIMIT, "timestamp.signatures[64]");
    *strrchr(many, ',') = '\0';
    *strrchr(many, ',') = '\0';
    tuf_repo_publish(&repo);
    assert_int_equal(refresh_and_find(), OTA_DONE);
}

/* go-tuf GHSA-3633-5h82-39pq, #733; php-tuf #154: one key under two ids is one key, also where ids are not digests */
static void one_key_under_two_ids_counts_once(void **state)
{
    (void)state;
    for (int role = 0; role < repo.roles; role++) {
        begin(true);
        cfg.loose_keyids = true;
        today();
        name_key_twice(role);
        tuf_repo_publish(&repo);
        expect_refusal("one key, two ids", role, OTA_REJECT_SIGNATURE, NULL);
        cfg.loose_keyids = false;
        tuf_store_copy(&store, &yesterday);
        start_client();
        /* the old root, whose ids are right, speaks first about a new one */
        expect_refusal("one key, two ids, strictly", role, role == REPO_ROOT ? OTA_REJECT_SIGNATURE : OTA_REJECT_KEY, NULL);
    }
}

/* ---- old, mixed, missing, oversized and foreign files */

static void set_bytes(const char *to, const char *from)
{
    const struct repo_file *f = tuf_repo_file(&repo, from);
    size_t len;
    uint8_t *copy = tuf_repo_copy(f, &len);

    tuf_repo_put(&repo, to, copy, len);
    free(copy);
}

static void remove_file(const char *name)
{
    struct repo_file *f = tuf_repo_file(&repo, name);

    assert_non_null(f);
    f->name[0] = '\0';
}

static void files_of_other_roles_are_refused(void **state)
{
    static const char *const today_name[] = { "2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json",
                                              "2.pub.json" };

    (void)state;
    for (int with_hashes = 0; with_hashes < 2; with_hashes++) {
        for (int at = 0; at < 5; at++) {
            for (int from = 0; from < 5; from++) {
                char name[80];

                if (at == from)
                    continue;
                begin(false);
                repo.hashes = with_hashes;
                today();
                tuf_repo_publish(&repo);
                set_bytes(today_name[at], today_name[from]);
                (void)snprintf(name, sizeof name, "%s in the place of %s", today_name[from], today_name[at]);
                bool told = with_hashes && at >= REPO_SNAPSHOT;
                ota_err err = tuf_refresh(client, &repo, &store);
                if (err == OTA_DONE)
                    err = tuf_find(client, &repo, &store, "app/one");
                if (told ? err != OTA_REJECT_LENGTH && err != OTA_REJECT_HASH
                         : err != OTA_REJECT_SIGNATURE && err != OTA_REJECT_LIMIT)
                    fail_msg("%s: %s", name, ota_err_name(err));
                assert_true(record_kept(at));
                cases++;
                expect_recovery(name);
            }
        }
    }
}

/* Files of one day among those of the other (mix and match, replay). */
static void files_of_other_days_are_refused(void **state)
{
    static const char *const pairs[][2] = { { "2.snapshot.json", "1.snapshot.json" },
                                            { "2.targets.json", "1.targets.json" },
                                            { "2.pub.json", "1.pub.json" } };

    (void)state;
    for (int with_hashes = 0; with_hashes < 2; with_hashes++) {
        for (int i = 0; i < 3; i++) {
            begin(false);
            repo.hashes = with_hashes;
            today();
            tuf_repo_publish(&repo);
            set_bytes(pairs[i][0], pairs[i][1]);
            ota_err err = refresh_and_find();
            if (with_hashes ? err != OTA_REJECT_HASH && err != OTA_REJECT_LENGTH : err != OTA_REJECT_VERSION)
                fail_msg("%s: %s", pairs[i][0], ota_err_name(err));
            assert_true(record_kept(REPO_SNAPSHOT + i));
            cases++;
            expect_recovery(pairs[i][0]);
        }
    }
}

static void rollback_is_refused_after_a_restart(void **state)
{
    static const struct {
        const char *name;
        int role; /* whose version goes back to 4, when all were at 5 */
        const char *where;
    } rollbacks[] = {
        { "timestamp", REPO_TIMESTAMP, "timestamp.signed.version" },
        { "snapshot", REPO_SNAPSHOT, "timestamp.signed.meta.snapshot.json.version" },
        { "targets", REPO_TARGETS_ROLE, "snapshot.signed.meta" },
        { "pub (tough CVE-2025-2887)", PUB, "snapshot.signed.meta" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rollbacks / sizeof rollbacks[0]; i++) {
        int bad = rollbacks[i].role == PUB                 ? REPO_SNAPSHOT
                  : rollbacks[i].role == REPO_TARGETS_ROLE ? REPO_SNAPSHOT
                                                           : REPO_TIMESTAMP;

        begin(false);
        for (int r = REPO_TIMESTAMP; r < repo.roles; r++)
            repo.role[r].version = 5;
        tuf_repo_publish(&repo);
        assert_int_equal(refresh_and_find(), OTA_DONE);
        tuf_store_copy(&yesterday, &store);
        for (int r = REPO_TIMESTAMP; r < repo.roles; r++)
            repo.role[r].version = r == rollbacks[i].role ? 4 : 6;
        start_client();
        tuf_repo_publish(&repo);
        expect_refusal(rollbacks[i].name, bad, OTA_REJECT_ROLLBACK, rollbacks[i].where);
        repo.role[rollbacks[i].role].version = 8;
        expect_recovery(rollbacks[i].name);
    }
}

/* The refused timestamp of go-tuf CVE-2022-29173 and tough CVE-2025-2888 was stored; here a later good one must do. */
static void expired_files_are_refused(void **state)
{
    static const char *const times[] = { "2025-06-15T15:06:40Z", "2025-06-15T15:06:39Z", "2020-02-29T00:00:00Z",
                                         "0001-01-01T00:00:00Z" };

    (void)state;
    for (int role = 0; role < repo.roles; role++) {
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
            char where[128];

            begin(false);
            (void)snprintf(where, sizeof where, role < PUB ? "%s.signed.expires" : "role %s: signed.expires",
                           repo.role[role].name);
            today();
            repo.role[role].expires = times[i];
            tuf_repo_publish(&repo);
            /* A root is stored before its expiry counts (section 5.3.8 before 5.3.10). */
            expect_refusal(times[i], role == REPO_ROOT ? REPO_TIMESTAMP : role, OTA_REJECT_FREEZE, where);
            if (role == REPO_ROOT)
                repo.role[role].version++;
            expect_recovery(where);
        }
    }
    begin(false);
    today();
    repo.role[REPO_TIMESTAMP].expires = "2025-06-15T15:06:41Z";
    tuf_repo_publish(&repo);
    assert_int_equal(refresh_and_find(), OTA_DONE);
}

/* Freeze: the server keeps yesterday's files. They verify, but not for ever. */
static void old_files_are_refused_once_expired(void **state)
{
    struct ota_fault f;

    (void)state;
    assert_int_equal(ota_tuf_refresh(client, 1893456000), OTA_OK);
    assert_int_equal(tuf_drive(client, &repo, &store), OTA_REJECT_FREEZE);
    ota_tuf_fault(client, &f);
    assert_string_equal(f.where, "root.signed.expires");
    repo.role[REPO_ROOT].version = 2;
    repo.role[REPO_ROOT].expires = "2040-01-01T00:00:00Z";
    tuf_repo_publish(&repo);
    assert_int_equal(ota_tuf_refresh(client, 1893456000), OTA_OK);
    assert_int_equal(tuf_drive(client, &repo, &store), OTA_REJECT_FREEZE);
    ota_tuf_fault(client, &f);
    assert_string_equal(f.where, "timestamp.signed.expires");
    assert_int_equal(ota_tuf_timestamp_expires(client), 0);
    cases += 2;
}

/* Equal version, other bytes: the trusted one stays (T43). */
static void equivocation_changes_nothing(void **state)
{
    (void)state;
    tuf_repo_edit(&repo, REPO_TIMESTAMP, "\"version\"", "\"_x\":1,\"version\"");
    tuf_repo_publish(&repo);
    assert_int_equal(refresh_and_find(), OTA_DONE);
    assert_true(tuf_store_same(&store, &yesterday));
}

static void absent_and_oversized_files_are_refused(void **state)
{
    static const char *const names[] = { "2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "2.pub.json" };
    static uint8_t big[40000];

    (void)state;
    for (int i = 0; i < 5; i++) {
        for (int with_hashes = 0; with_hashes < 2; with_hashes++) {
            begin(false);
            repo.hashes = with_hashes;
            today();
            tuf_repo_publish(&repo);
            if (i != REPO_ROOT) {
                remove_file(names[i]);
                expect_refusal(names[i], i, OTA_RETRY_NOT_FOUND, i == PUB ? "role pub: " : repo.role[i].name);
            }
            tuf_repo_put(&repo, names[i], big, sizeof big);
            bool told = with_hashes && i >= REPO_SNAPSHOT;
            expect_refusal(names[i], i, told ? OTA_REJECT_LENGTH : OTA_REJECT_LIMIT, i == PUB ? "role pub: " : repo.role[i].name);
            expect_recovery(names[i]);
        }
    }
}

static void wrong_length_and_digest_are_refused(void **state)
{
    static const char *const names[] = { NULL, NULL, "2.snapshot.json", "2.targets.json", "2.pub.json" };

    (void)state;
    for (int i = REPO_SNAPSHOT; i <= PUB; i++) {
        for (int how = 0; how < 3; how++) {
            begin(false);
            today();
            tuf_repo_publish(&repo);
            struct repo_file *f = tuf_repo_file(&repo, names[i]);
            uint8_t copy[8000];
            memcpy(copy, f->bytes, f->len);
            copy[f->len] = ' ';
            if (how == 2)
                copy[f->len - 1] ^= 1;
            tuf_repo_put(&repo, names[i], copy, how == 0 ? f->len + 1 : how == 1 ? f->len - 1 : f->len);
            expect_refusal(names[i], i, how == 2 ? OTA_REJECT_HASH : OTA_REJECT_LENGTH,
                           i == PUB ? "role pub: " : repo.role[i].name);
            expect_recovery(names[i]);
        }
    }
}

/* A signed length is no licence to fill the memory. */
static void lengths_above_the_limit_are_refused(void **state)
{
    (void)state;
    today();
    tuf_repo_edit(&repo, REPO_SNAPSHOT, "\"length\":", "\"length\":32769,\"_x\":");
    tuf_repo_publish(&repo);
    expect_refusal("delegated role", PUB, OTA_REJECT_LIMIT, "snapshot.signed.meta.pub.json.length");
    expect_recovery("delegated role");
    today();
    tuf_repo_publish(&repo);
    cfg.limits.targets_max = (uint32_t)tuf_repo_file(&repo, "2.targets.json")->len - 1;
    start_client();
    expect_refusal("targets", REPO_SNAPSHOT, OTA_REJECT_LIMIT, "snapshot.signed.meta.targets.json.length");
    cfg.limits.targets_max++;
    start_client();
    assert_int_equal(refresh_and_find(), OTA_DONE);
}

/* php-tuf #365: targets verified with the old root. python-tuf 2022: a root's own threshold unchecked. */
static void roots_need_old_and_new_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t sign[3], signs;
    } ways[] = {
        { "only the old keys", { 0, 5, 0 }, 2 },
        { "only the new keys", { 21, 22, 0 }, 2 },
        { "old keys and one new", { 0, 5, 21 }, 3 },
        { "new keys and one old", { 0, 21, 22 }, 3 },
    };

    for (int k = 21; k <= 22; k++)
        tuf_repo_key(&repo, k, REPO_P256);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(true);
        today();
        struct repo_role *root = &repo.role[REPO_ROOT];
        root->key[0] = 21;
        root->key[1] = 22;
        root->signs = ways[i].signs;
        memcpy(root->sign, ways[i].sign, sizeof ways[i].sign);
        tuf_repo_publish(&repo);
        expect_refusal(ways[i].name, REPO_ROOT, OTA_REJECT_SIGNATURE, "root.signatures");
        root->signs = 4;
        memcpy(root->sign, (const uint8_t[]){ 0, 5, 21, 22 }, 4);
        tuf_repo_publish(&repo);
        assert_int_equal(refresh_and_find(), OTA_DONE);
    }
    /* and what the old root's targets key signed is not enough any more */
    begin(true);
    today();
    repo.role[REPO_TARGETS_ROLE].key[0] = 21;
    tuf_repo_publish(&repo);
    expect_refusal("targets signed by a key that the new root revoked", REPO_TARGETS_ROLE, OTA_REJECT_SIGNATURE,
                   "targets.signatures");
}

/* Yesterday's trusted targets of a revoked key are not trusted today, though nothing about them changed. */
static void revoked_keys_do_not_vouch_for_stored_files(void **state)
{
    (void)state;
    repo.hashes = false;
    tuf_repo_next_day(&repo);
    assert_int_equal(refresh_and_find(), OTA_DONE);
    tuf_store_copy(&yesterday, &store);
    repo.role[REPO_ROOT].version = 2;
    repo.role[REPO_TARGETS_ROLE].key[0] = 21;
    tuf_repo_key(&repo, 21, REPO_P256);
    tuf_repo_publish(&repo);
    expect_refusal("stored targets of a revoked key", REPO_TARGETS_ROLE, OTA_REJECT_SIGNATURE, "targets.signatures");
}

static void there_were_enough_cases(void **state)
{
    (void)state;
    expect_cases(220);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(too_few_signatures_are_refused, setup_two),
        cmocka_unit_test_setup(malformed_signature_lists_are_refused, setup_one),
        cmocka_unit_test_setup(one_key_under_two_ids_counts_once, setup_two),
        cmocka_unit_test_setup(files_of_other_roles_are_refused, setup_one),
        cmocka_unit_test_setup(files_of_other_days_are_refused, setup_one),
        cmocka_unit_test_setup(rollback_is_refused_after_a_restart, setup_one),
        cmocka_unit_test_setup(expired_files_are_refused, setup_one),
        cmocka_unit_test_setup(old_files_are_refused_once_expired, setup_one),
        cmocka_unit_test_setup(equivocation_changes_nothing, setup_one),
        cmocka_unit_test_setup(absent_and_oversized_files_are_refused, setup_one),
        cmocka_unit_test_setup(wrong_length_and_digest_are_refused, setup_one),
        cmocka_unit_test_setup(lengths_above_the_limit_are_refused, setup_one),
        cmocka_unit_test_setup(roots_need_old_and_new_keys, setup_two),
        cmocka_unit_test_setup(revoked_keys_do_not_vouch_for_stored_files, setup_one),
        cmocka_unit_test(there_were_enough_cases),
    };

    if (!open_world())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_world();
    return failed;
}
