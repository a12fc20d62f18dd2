/* SPDX-License-Identifier: Apache-2.0 */
/* Past flaws of other clients: who signs what, and which version follows which. */
#include "flaws.h"

/* ---- signatures */

static void sign_twice_with_one_key(int role, bool one_id)
{
    struct repo_role *x = &repo.role[role];

    x->sign[1] = x->sign[0];
    x->sign_id[1] = one_id ? NULL : repo.key[x->key[1]].id;
    tuf_repo_publish(&repo);
}

static void duplicate_in_top_level_roles(void)
{
    for (int role = REPO_ROOT; role < REPO_TOP; role++) {
        world_of_two();
        sign_twice_with_one_key(role, true);
        refused("one signature twice", role, OTA_REJECT_DUPLICATE, NULL);
    }
}

static void duplicate_in_delegated_roles(void)
{
    world_of_two();
    sign_twice_with_one_key(PUB, true);
    refused("one signature twice", PUB, OTA_REJECT_DUPLICATE, "role pub: signatures[1]");
    world_of_two();
    sign_twice_with_one_key(PUB, false);
    refused("one key for two", PUB, OTA_REJECT_SIGNATURE, "role pub: signatures");
}

static void one_key_under_two_ids(void)
{
    for (int role = REPO_ROOT; role <= PUB; role++) {
        begin(true);
        cfg.loose_keyids = true;
        today();
        name_key_twice(role);
        tuf_repo_publish(&repo);
        expect_refusal("one key, two ids", role, OTA_REJECT_SIGNATURE, NULL);
    }
}

static void thousands_of_signatures(void)
{
    static char many[400000];
    size_t len = 0;

    plain_world();
    cfg.limits.timestamp_max = sizeof many;
    start_client();
    for (int i = 0; i < 3000; i++)
        len += (size_t)snprintf(many + len, sizeof many - len, "%s{\"keyid\":\"%064d\",\"sig\":\"3006020101020101\"}", i ? "," : "", i);
    repo.role[REPO_TIMESTAMP].signs = 0;
    repo.role[REPO_TIMESTAMP].sigs = many;
    tuf_repo_publish(&repo);
    unsigned asked = crypto.asked;
    expect_refusal("3000 signatures", REPO_TIMESTAMP, OTA_REJECT_LIMIT, "timestamp.signatures[64]");
    assert_true(crypto.asked - asked <= 4); /* of the trusted files */
}

static void threshold_zero(void)
{
    static const char *const values[] = { "0", "-1", "1.0", "\"1\"", "4294967296", "null" };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char to[40];
        bool type = values[i][0] == '"' || values[i][0] == 'n';
        ota_err err = type ? OTA_REJECT_TYPE : strchr(values[i], '.') ? OTA_REJECT_SYNTAX : OTA_REJECT_VALUE;

        (void)snprintf(to, sizeof to, "\"threshold\":%s", values[i]);
        for (int role = REPO_ROOT; role <= REPO_TARGETS_ROLE; role += REPO_TARGETS_ROLE) {
            plain_world();
            tuf_repo_edit(&repo, role, "\"threshold\":1", to);
            tuf_repo_publish(&repo);
            refused(to, role, err, NULL);
        }
    }
    plain_world();
    tuf_repo_edit(&repo, REPO_TARGETS_ROLE, "\"threshold\":1", "\"threshold\":2");
    tuf_repo_publish(&repo);
    refused("more than keys", PUB, OTA_REJECT_SIGNATURE, "role pub: signatures");
}

/* The algorithm is the key's own: nothing in a signature chooses it. */
static void algorithm_of_the_signature(void)
{
    plain_world();
    tuf_repo_key(&repo, 21, REPO_P384);
    repo.role[REPO_TIMESTAMP].sign[0] = 21;
    repo.role[REPO_TIMESTAMP].sign_id[0] = repo.key[repo.role[REPO_TIMESTAMP].key[0]].id;
    tuf_repo_publish(&repo);
    refused("P-384 signature for a P-256 key", REPO_TIMESTAMP, OTA_REJECT_SIGNATURE, "timestamp.signatures");
    plain_world();
    repo.role[REPO_TIMESTAMP].signs = 0;
    repo.role[REPO_TIMESTAMP].sigs = "{\"keyid\":\"00\",\"method\":\"none\",\"sig\":\"\"}";
    tuf_repo_publish(&repo);
    refused("method none", REPO_TIMESTAMP, OTA_REJECT_SIGNATURE, "timestamp.signatures");
}

/* ---- roots */

static void root_version(void)
{
    static const char *const versions[] = { "\"version\":1", "\"version\":3", "\"version\":1000000" };

    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        plain_world();
        tuf_repo_edit(&repo, REPO_ROOT, "\"version\":2", versions[i]);
        tuf_repo_publish(&repo);
        refused(versions[i], REPO_ROOT, OTA_REJECT_VERSION, "root.signed.version");
    }
}

static void root_must_meet_its_own_threshold(void)
{
    plain_world();
    tuf_repo_signer(&repo, REPO_ROOT, 5);
    repo.role[REPO_ROOT].threshold = 2;
    repo.role[REPO_ROOT].signs = 1; /* the old root's threshold is met, its own is not */
    tuf_repo_publish(&repo);
    expect_refusal("own threshold", REPO_ROOT, OTA_REJECT_SIGNATURE, "root.signatures");
    start_client(); /* what was refused is nowhere, and does not become trusted by a restart */
    expect_refusal("own threshold, after a restart", REPO_ROOT, OTA_REJECT_SIGNATURE, "root.signatures");
    assert_int_equal(ota_tuf_root_version(client), 1);
}

/* Old keys and the old threshold judge a new root, not a mixture of old and new. */
static void root_must_meet_the_old_threshold(void)
{
    world_of_two();
    tuf_repo_signer(&repo, REPO_ROOT, 16);
    tuf_repo_signer(&repo, REPO_ROOT, 17);
    struct repo_role *x = &repo.role[REPO_ROOT];
    x->key[0] = 16;
    x->key[1] = 17;
    x->keys = 2;
    x->sign[1] = 16; /* one old key, two new ones */
    x->sign[2] = 17;
    x->signs = 3;
    tuf_repo_publish(&repo);
    expect_refusal("one of two old keys", REPO_ROOT, OTA_REJECT_SIGNATURE, "root.signatures");
    assert_int_equal(ota_tuf_root_version(client), 1);
}

static void expired_root(void)
{
    begin(false);
    today();
    repo.role[REPO_ROOT].expires = "2025-01-01T00:00:00Z";
    tuf_repo_publish(&repo);
    expect_refusal("expired root", REPO_TIMESTAMP, OTA_REJECT_FREEZE, "root.signed.expires");
    assert_int_equal(ota_tuf_root_version(client), 2); /* kept: a newer one is looked for next time */
}

static void targets_are_verified_with_the_new_root(void)
{
    plain_world();
    tuf_repo_key(&repo, 22, REPO_P256);
    repo.role[REPO_TARGETS_ROLE].key[0] = 22; /* and still signed by the old key */
    tuf_repo_publish(&repo);
    expect_refusal("targets by the old root's key", REPO_TARGETS_ROLE, OTA_REJECT_SIGNATURE, "targets.signatures");
}

static void no_trust_on_first_use(void)
{
    plain_world();
    cfg.root = NULL;
    cfg.root_len = 0;
    tuf_store_free(&store);
    start_client();
    tuf_repo_publish(&repo);
    assert_int_equal(refresh_and_find(), OTA_DEVICE_ROOT);
    assert_int_equal(repo.fetches, 0);
    cases++;
}

static void rotations_are_bounded(void)
{
    plain_world();
    cfg.limits.rotations_max = 3;
    start_client();
    for (uint32_t v = 2; v < 10; v++) {
        repo.role[REPO_ROOT].version = v;
        tuf_repo_publish(&repo);
    }
    expect_ok("many roots");
    assert_int_equal(ota_tuf_root_version(client), 4);
}

static void rotation_keeps_what_is_still_signed(void)
{
    plain_world();
    tuf_repo_signer(&repo, REPO_ROOT, 6);
    tuf_repo_publish(&repo);
    expect_ok("new root");
    repo.role[REPO_TIMESTAMP].version = 1; /* the memory of versions is not lost with a rotation of other keys */
    tuf_repo_publish(&repo);
    assert_int_equal(refresh_and_find(), OTA_REJECT_ROLLBACK);
    cases++;
}

/* ---- rollback */

static void seen_version_2(void)
{
    plain_world();
    tuf_repo_publish(&repo);
    expect_ok("version 2");
    tuf_store_copy(&yesterday, &store);
    start_client(); /* all that it knows now is in the store */
}

static void rollback_after_a_restart(void)
{
    seen_version_2();
    repo.role[REPO_TIMESTAMP].version = 1;
    tuf_repo_publish(&repo);
    refused("timestamp", REPO_TIMESTAMP, OTA_REJECT_ROLLBACK, "timestamp.signed.version");
}

static void snapshot_version_in_the_timestamp(void)
{
    seen_version_2();
    repo.role[REPO_TIMESTAMP].version = 3;
    repo.role[REPO_SNAPSHOT].version = 1;
    tuf_repo_publish(&repo);
    refused("older snapshot", REPO_TIMESTAMP, OTA_REJECT_ROLLBACK, "timestamp.signed.meta.snapshot.json.version");
}

static void roles_in_the_snapshot(void)
{
    for (int role = REPO_TARGETS_ROLE; role <= PUB; role++) {
        seen_version_2();
        repo.role[REPO_TIMESTAMP].version = repo.role[REPO_SNAPSHOT].version = 3;
        repo.role[role].version = 1;
        tuf_repo_publish(&repo);
        refused("older role", REPO_SNAPSHOT, OTA_REJECT_ROLLBACK, "snapshot.signed.meta");
    }
    seen_version_2();
    repo.role[REPO_TIMESTAMP].version = repo.role[REPO_SNAPSHOT].version = 3;
    repo.role[PUB].no_meta = true;
    tuf_repo_publish(&repo);
    expect_refusal("removed role", REPO_SNAPSHOT, OTA_REJECT_ROLLBACK, "snapshot.signed.meta");
}

static void same_version_other_content(void)
{
    seen_version_2();
    repo.role[REPO_TIMESTAMP].expires = "2031-01-01T00:00:00Z";
    tuf_repo_publish(&repo);
    expect_ok("other timestamp of the same version"); /* it is not even stored */
    assert_true(record_kept(REPO_TIMESTAMP));
    assert_true(ota_tuf_timestamp_expires(client) == 1893456000);
    tuf_repo_edit(&repo, PUB, "\"length\":1000", "\"length\":1001");
    repo.role[REPO_TIMESTAMP].version = repo.role[REPO_SNAPSHOT].version = 3;
    repo.hashes = false;
    tuf_repo_publish(&repo); /* pub is still at version 2, and nothing tells its digest */
    expect_ok("other role of the same version");
    assert_true(record_kept(PUB));
    assert_int_equal(ota_tuf_target(client)->length, 1000);
    repo.hashes = true;
    repo.role[REPO_TIMESTAMP].version = repo.role[REPO_SNAPSHOT].version = 4;
    tuf_repo_publish(&repo); /* and now it is told: the trusted copy does not match, so the other one is taken */
    expect_ok("other role, told by its digest");
    assert_int_equal(ota_tuf_target(client)->length, 1001);
}

static void fast_forward(void)
{
    plain_world();
    for (int i = REPO_TIMESTAMP; i < REPO_TARGETS_ROLE; i++)
        repo.role[i].version = INT32_MAX; /* a stolen online key did that */
    tuf_repo_publish(&repo);
    expect_ok("fast forward");
    repo.role[REPO_ROOT].version = 3;
    for (int i = REPO_TIMESTAMP; i < REPO_TARGETS_ROLE; i++) {
        tuf_repo_key(&repo, 23 + i, REPO_P256);
        repo.role[i].key[0] = repo.role[i].sign[0] = (uint8_t)(23 + i);
        repo.role[i].version = 3;
    }
    tuf_repo_publish(&repo);
    expect_ok("recovered by new keys");
}

/* ---- delegations */

static void terminating_delegation(void)
{
    plain_world();
    int late = tuf_repo_delegate(&repo, REPO_TARGETS_ROLE, "late", "\"paths\":[\"app/*\"]", false, 24);
    tuf_repo_target(&repo, late, "app/two", repo.target[0].json);
    repo.role[late].version = 2;
    tuf_repo_publish(&repo);
    expect_ok("before");
    assert_int_equal(tuf_find(client, &repo, &store, "app/two"), OTA_REJECT_TARGET);
}

static void order_of_delegations(void)
{
    plain_world();
    repo.roles = PUB;
    repo.targets = 0;
    int a = tuf_repo_delegate(&repo, REPO_TARGETS_ROLE, "A", "\"paths\":[\"*/*\"]", false, 25);
    (void)tuf_repo_delegate(&repo, REPO_TARGETS_ROLE, "B", "\"paths\":[\"*/*\"]", false, 26);
    (void)tuf_repo_delegate(&repo, a, "C", "\"paths\":[\"*/*\"]", false, 27);
    begin_with_present_roles();
    assert_int_equal(tuf_find(client, &repo, &store, "x/y"), OTA_REJECT_TARGET);
    assert_string_equal(repo.log, "1.A.json 1.C.json 1.B.json ");
    cases++;
}

static void cyclic_delegation(void)
{
    static char text[3000];

    plain_world();
    const struct repo_key *k = &repo.key[repo.role[PUB].key[0]];
    (void)snprintf(text, sizeof text,
                   ",\"delegations\":{\"keys\":{\"%s\":%s},\"roles\":[{\"keyids\":[\"%s\"],\"name\":\"pub\",\"paths\":[\"app/*\"],"
                   "\"terminating\":false,\"threshold\":1}]}",
                   k->id, k->json, k->id);
    repo.role[PUB].delegations = text;
    tuf_repo_publish(&repo);
    expect_ok("a role that delegates to itself");
    assert_int_equal(tuf_find(client, &repo, &store, "app/none"), OTA_REJECT_TARGET);
}

static void delegated_roles_are_checked_like_others(void)
{
    plain_world();
    repo.role[PUB].expires = "2025-01-01T00:00:00Z";
    tuf_repo_publish(&repo);
    refused("expired", PUB, OTA_REJECT_FREEZE, "role pub: signed.expires");
    plain_world();
    tuf_repo_publish(&repo);
    struct repo_file *f = tuf_repo_file(&repo, "2.pub.json");
    f->bytes[f->len - 1] = ' ';
    expect_refusal("digest", PUB, OTA_REJECT_HASH, NULL);
    plain_world();
    tuf_repo_publish(&repo);
    f = tuf_repo_file(&repo, "2.pub.json");
    f->len--;
    expect_refusal("length", PUB, OTA_REJECT_LENGTH, NULL);
}

/* A role that two delegators know by the same name: the stored one is checked against the one at hand. */
static void cached_role_of_another_delegator(void)
{
    static char text[3000];

    plain_world();
    int other = tuf_repo_delegate(&repo, REPO_TARGETS_ROLE, "other", "\"paths\":[\"x/*\"]", true, 28);
    tuf_repo_key(&repo, 29, REPO_P256);
    const struct repo_key *k = &repo.key[29];
    (void)snprintf(text, sizeof text,
                   ",\"delegations\":{\"keys\":{\"%s\":%s},\"roles\":[{\"keyids\":[\"%s\"],\"name\":\"pub\",\"paths\":[\"x/*\"],"
                   "\"terminating\":false,\"threshold\":1}]}",
                   k->id, k->json, k->id);
    repo.role[other].delegations = text;
    repo.role[other].version = 2;
    tuf_repo_target(&repo, PUB, "x/one", repo.target[0].json);
    tuf_repo_publish(&repo);
    expect_ok("by its own delegator"); /* and now it is in the store */
    assert_int_equal(tuf_find(client, &repo, &store, "x/one"), OTA_REJECT_SIGNATURE);
}

static const struct flaw flaws[] = {
    { "python-tuf CVE-2020-6174 GHSA-pwqf-9h7j-7mv8: one signature counted twice", duplicate_in_top_level_roles },
    { "tough CVE-2020-15093 GHSA-5q2r-92f9-4m49: the same", duplicate_in_top_level_roles },
    { "tough CVE-2026-6966: the same in delegated roles", duplicate_in_delegated_roles },
    { "aktualizr 2018-08: duplicate signatures", duplicate_in_top_level_roles },
    { "php-tuf #154: duplicate signatures", duplicate_in_delegated_roles },
    { "go-tuf GHSA-3633-5h82-39pq #369: one key under several ids", one_key_under_two_ids },
    { "go-tuf #733: the same key under two ids", one_key_under_two_ids },
    { "python-tuf CVE-2020-6173: thousands of signatures", thousands_of_signatures },
    { "go-tuf GHSA-fphv-w9fq-2525 CVE-2026-23992: threshold 0", threshold_zero },
    { "libtufnano: no threshold of at least 1", threshold_zero },
    { "notary CVE-2015-9258: algorithm taken from the signature", algorithm_of_the_signature },
    { "notary CVE-2015-9259: expiry of the root not checked", expired_root },
    { "tough CVE-2025-2885: root version not N+1", root_version },
    { "python-tuf CVE-2020-15163 GHSA-f8mr-jv2c-v8mg: refused root trusted later", root_must_meet_its_own_threshold },
    { "python-tuf 2022: root need not sign itself", root_must_meet_its_own_threshold },
    { "libtufnano: new root assigned before its own signatures are checked", root_must_meet_its_own_threshold },
    { "libtufnano: old threshold with new keys", root_must_meet_the_old_threshold },
    { "php-tuf #365: targets verified with the old root", targets_are_verified_with_the_new_root },
    { "aktualizr: the first root is taken from the network", no_trust_on_first_use },
    { "aktualizr: no limit on rotations", rotations_are_bounded },
    { "aktualizr: a new root forgets all versions", rotation_keeps_what_is_still_signed },
    { "go-tuf CVE-2022-29173 GHSA-66x3-6cw3-v5gj: stored versions not looked at", rollback_after_a_restart },
    { "tough CVE-2025-2888: timestamp kept before its snapshot's version was checked", snapshot_version_in_the_timestamp },
    { "sigstore-java #1061: older snapshot in a timestamp", snapshot_version_in_the_timestamp },
    { "sigstore-ruby #89: the same", snapshot_version_in_the_timestamp },
    { "tough CVE-2025-2887: versions and removal of delegated roles in a snapshot", roles_in_the_snapshot },
    { "rust-tuf #294: older targets in a snapshot", roles_in_the_snapshot },
    { "rust-tuf #295: the same", roles_in_the_snapshot },
    { "aktualizr OTA-4940: same version, other content", same_version_other_content },
    { "libtufnano: timestamp of the same version with other content", same_version_other_content },
    { "TUF 1.0.34 section 5.3.11: fast forward", fast_forward },
    { "tough CVE-2025-2886: terminating delegation ignored", terminating_delegation },
    { "tough 2025-03: cyclic delegations", cyclic_delegation },
    { "go-tuf CVE-2024-47534 GHSA-4f8r-qqr9-fq8j: order of delegations", order_of_delegations },
    { "tough CVE-2026-6967: delegated roles without expiry, digest, length", delegated_roles_are_checked_like_others },
    { "tuf-conformance #405: cached role of another delegator", cached_role_of_another_delegator },
};

int main(void)
{
    return run_flaws(flaws, sizeof flaws / sizeof flaws[0], 36);
}
