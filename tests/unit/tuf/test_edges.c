/* SPDX-License-Identifier: Apache-2.0 */
/* What no repository does by accident: each condition of the parsers of keys, signatures, names and delegations that other
 * tests leave alone. Together with them every branch of lib/tuf is taken (tests/coverage). */
#include "refusal.h"
#include "repo_text.h"

enum { OTHER = 30 };

static struct buf text; /* of the key under test */

static void expect(const char *name, ota_err want, const char *where)
{
    struct ota_fault f;

    if (repo.edits_missed)
        fail_msg("%s: the text to edit is not there", name);
    ota_err err = refresh_and_find();
    ota_tuf_fault(client, &f);
    if (err != want || (where && strcmp(f.where, where) != 0))
        fail_msg("%s: %s at %s, not %s", name, ota_err_name(err), f.where, ota_err_name(want));
    cases++;
}

/* ---- keys */

/* The key of targets is written like that in today's root. Ids are loose, else they would be wrong first. */
static void try_key(const char *name, const char *keytype, const char *scheme, const char *public, ota_err want)
{
    static char json[2400];

    begin(false);
    cfg.loose_keyids = true;
    today();
    (void)snprintf(json, sizeof json, "{\"keytype\":\"%s\",\"keyval\":{\"public\":\"%s\"},\"scheme\":\"%s\"}", keytype, public, scheme);
    tuf_repo_edit(&repo, REPO_ROOT, repo.key[repo.role[REPO_TARGETS_ROLE].key[0]].json, json);
    tuf_repo_publish(&repo);
    expect(name, want, want == OTA_REJECT_KEY ? "root.signed.roles.targets.keyids[0]" : NULL);
}

static const char *pem(const uint8_t *der, size_t len)
{
    text.len = 0;
    repo_add_pem(&text, der, len);
    return (const char *)text.p;
}

static void pem_is_read_strictly(void **state)
{
    static char good[400], bad[500];
    const char *const type = "ecdsa", *const scheme = "ecdsa-sha2-nistp256";

    (void)state;
    begin(false);
    const char *from = strstr(repo.key[3].json, "-----BEGIN");
    (void)snprintf(good, sizeof good, "%.*s", (int)(strchr(from, '"') - from), from);
    try_key("as it is", type, scheme, good, OTA_DONE);
    char *n = strstr(good, "\\n");
    (void)snprintf(bad, sizeof bad, "%.*s\\r%s", (int)(n - good), good, n);
    try_key("CRLF", type, scheme, bad, OTA_DONE);
    (void)snprintf(bad, sizeof bad, "%.60s", good);
    try_key("no end", type, scheme, bad, OTA_REJECT_KEY);
    (void)snprintf(bad, sizeof bad, "%.*s-----END KEY-----", (int)(strstr(good, "-----END") - good), good);
    try_key("another end", type, scheme, bad, OTA_REJECT_KEY);
    (void)snprintf(bad, sizeof bad, "%sx", good);
    try_key("text behind", type, scheme, bad, OTA_REJECT_KEY);
    (void)snprintf(bad, sizeof bad, "%s", good);
    bad[40] = '*';
    try_key("not base64", type, scheme, bad, OTA_REJECT_KEY);
    (void)snprintf(bad, sizeof bad, "%s", good);
    bad[30] = bad[30] == 'A' ? 'B' : 'A'; /* in the head: another structure of the same length */
    try_key("another head", type, scheme, bad, OTA_REJECT_KEY);
    try_key("Ed25519's scheme for another type", "ecdsa", "ed25519", good, OTA_REJECT_SIGNATURE);
    try_key("RSA's scheme for another type", "ecdsa", "rsassa-pss-sha256", good, OTA_REJECT_SIGNATURE);
    try_key("ECDSA's scheme for RSA", "rsa", scheme, good, OTA_REJECT_SIGNATURE);
}

/* A SubjectPublicKeyInfo of an RSA key whose modulus has these first bytes and this length. */
static size_t rsa_der(uint8_t *der, const uint8_t first[2], size_t modulus, size_t exponent)
{
    static const uint8_t head[] = { 0x30, 0x82, 0, 0, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                                    0x01, 0x05, 0x00, 0x03, 0x82, 0, 0, 0x00, 0x30, 0x82, 0, 0, 0x02, 0x82, 0, 0 };
    size_t len = sizeof head + modulus + 2 + exponent;
    static const uint8_t at[] = { 2, 21, 26 };

    memcpy(der, head, sizeof head);
    for (size_t i = 0; i < sizeof at; i++) {
        der[at[i]] = (uint8_t)((len - at[i] - 2) >> 8);
        der[at[i] + 1] = (uint8_t)(len - at[i] - 2);
    }
    der[30] = (uint8_t)(modulus >> 8);
    der[31] = (uint8_t)modulus;
    memset(der + sizeof head, 0xa5, modulus);
    memcpy(der + sizeof head, first, 2);
    uint8_t *e = der + sizeof head + modulus;
    e[0] = 0x02;
    e[1] = (uint8_t)exponent;
    memset(e + 2, 1, exponent);
    return len;
}

static void rsa_keys_are_read_strictly(void **state)
{
    static const struct {
        const char *name;
        uint8_t first[2];
        size_t modulus, exponent, wrong; /* offset of a byte that is changed */
        ota_err want;                    /* a good one has not signed */
    } keys[] = {
        { "2048 bits", { 0x00, 0xa5 }, 257, 3, 0, OTA_REJECT_SIGNATURE },
        { "4096 bits", { 0x00, 0xa5 }, 513, 3, 0, OTA_REJECT_SIGNATURE },
        { "a modulus of 255 bytes behind a zero, and a long exponent", { 0x00, 0xa5 }, 256, 30, 0, OTA_REJECT_KEY },
        { "a negative modulus", { 0xa5, 0xa5 }, 257, 3, 0, OTA_REJECT_KEY },
        { "a modulus whose first bit is not set", { 0x00, 0x25 }, 257, 3, 0, OTA_REJECT_KEY },
        { "larger than 4096 bits", { 0x00, 0xa5 }, 515, 40, 0, OTA_REJECT_KEY },
        { "2047 bits", { 0x7f, 0xa5 }, 256, 3, 0, OTA_REJECT_KEY },
        { "whole length wrong", { 0x00, 0xa5 }, 257, 3, 3, OTA_REJECT_KEY },
        { "bit string's length wrong", { 0x00, 0xa5 }, 257, 3, 22, OTA_REJECT_KEY },
        { "key's length wrong", { 0x00, 0xa5 }, 257, 3, 27, OTA_REJECT_KEY },
        { "unused bits", { 0x00, 0xa5 }, 257, 3, 23, OTA_REJECT_KEY },
        { "another algorithm", { 0x00, 0xa5 }, 257, 3, 15, OTA_REJECT_KEY },
    };
    uint8_t der[700];

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t len = rsa_der(der, keys[i].first, keys[i].modulus, keys[i].exponent);

        if (keys[i].wrong)
            der[keys[i].wrong] ^= 1;
        try_key(keys[i].name, "rsa", "rsassa-pss-sha256", pem(der, len), keys[i].want);
    }
    try_key("an RSA key as P-256", "ecdsa", "ecdsa-sha2-nistp256", pem(der, 294), OTA_REJECT_KEY);
    try_key("a short text as RSA", "rsa", "rsassa-pss-sha256", pem(der, 91), OTA_REJECT_KEY);
}

/* Ids that are no digests are names like any other where ids are loose, and wrong where they are strict. */
static void ids_may_be_any_text_where_they_are_loose(void **state)
{
    (void)state;
    for (int loose = 1; loose >= 0; loose--) {
        char from[80], to[] = "\"timestamp key\"";

        begin(false);
        cfg.loose_keyids = loose;
        today();
        struct repo_role *x = &repo.role[REPO_TIMESTAMP];
        (void)snprintf(from, sizeof from, "\"%s\"", repo.key[x->key[0]].id);
        tuf_repo_edit(&repo, REPO_ROOT, from, to); /* in keys, and then in the role's list */
        tuf_repo_edit(&repo, REPO_ROOT, from, to);
        x->sign_id[0] = "timestamp key";
        tuf_repo_publish(&repo);
        expect("named key", loose ? OTA_DONE : OTA_REJECT_KEY, loose ? NULL : "root.signed.roles.timestamp.keyids[0]");
    }
}

/* Two delegators may know different keys by one id: each role is verified by its own delegator's. */
static void one_id_for_two_keys_of_two_delegators(void **state)
{
    static char inner[1600];

    (void)state;
    begin(false);
    cfg.loose_keyids = true;
    today();
    repo.roles = PUB;
    repo.targets = 0;
    int a = tuf_repo_delegate(&repo, REPO_TARGETS_ROLE, "A", "\"paths\":[\"app/*\"]", false, 10);
    (void)tuf_repo_delegate(&repo, REPO_TARGETS_ROLE, "B", "\"paths\":[\"app/*\"]", false, 11);
    int c = tuf_repo_delegate(&repo, a, "C", "\"paths\":[\"app/*\"]", false, 12);
    /* A calls C's key by the id of B's */
    (void)snprintf(inner, sizeof inner,
                   ",\"delegations\":{\"keys\":{\"%s\":%s},\"roles\":[{\"keyids\":[\"%s\"],\"name\":\"C\",\"paths\":[\"app/*\"],"
                   "\"terminating\":false,\"threshold\":1}]}",
                   repo.key[11].id, repo.key[12].json, repo.key[11].id);
    repo.role[a].delegations = inner;
    repo.role[c].sign_id[0] = repo.key[11].id;
    begin_with_present_roles();
    assert_int_equal(tuf_find(client, &repo, &store, "app/one"), OTA_REJECT_TARGET);
    assert_string_equal(repo.log, "1.A.json 1.C.json 1.B.json ");
    cases++;
}

/* ---- the rest */

static void times_and_versions(void **state)
{
    (void)state;
    begin(false);
    today();
    tuf_repo_edit(&repo, REPO_TIMESTAMP, "1.0.34", "1.0-34");
    tuf_repo_publish(&repo);
    expect("spec version 1.0-34", OTA_REJECT_SPEC, "timestamp.signed.spec_version");
    begin(false);
    today();
    assert_int_equal(ota_tuf_timestamp_issued(client), 0);
    tuf_repo_edit(&repo, REPO_TIMESTAMP, "\"version\":2}}}", "\"version\":2}},\"x-issued\":\"2025-06-15T00:00:00Z\"}");
    tuf_repo_publish(&repo);
    expect("issued", OTA_DONE, NULL);
    assert_true(ota_tuf_timestamp_issued(client) == 1749945600);
    begin(false);
    today();
    tuf_repo_edit(&repo, REPO_TIMESTAMP, "\"version\":2}}}", "\"version\":2}},\"x-issued\":\"yesterday\"}");
    tuf_repo_publish(&repo);
    expect("issued yesterday", OTA_REJECT_VALUE, "timestamp.signed.x-issued");
    assert_int_equal(ota_tuf_timestamp_issued(client), 0);
}

/* The last root that a 32-bit number can count: none is looked for behind it. */
static void the_last_root_version(void **state)
{
    size_t len;

    (void)state;
    begin(false);
    repo.role[REPO_ROOT].version = UINT32_MAX - 1;
    tuf_repo_publish(&repo);
    free(factory);
    factory = tuf_repo_copy(tuf_repo_file(&repo, "4294967294.root.json"), &len);
    cfg.root = factory;
    cfg.root_len = len;
    start_client();
    repo.role[REPO_ROOT].version = UINT32_MAX;
    tuf_repo_publish(&repo);
    assert_int_equal(tuf_refresh(client, &repo, &store), OTA_DONE);
    assert_true(strncmp(repo.log, "4294967295.root.json timestamp.json", 35) == 0);
    assert_true(ota_tuf_root_version(client) == UINT32_MAX);
    assert_int_equal(tuf_refresh(client, &repo, &store), OTA_DONE);
    cases++;
}

static void digests_by_sha512(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        uint8_t sum[64];
        char to[200] = "\"sha512\":\"";
        size_t len;

        begin(false);
        today();
        tuf_repo_publish(&repo);
        const struct repo_file *f = tuf_repo_file(&repo, "2.snapshot.json");
        repo_digest(PSA_ALG_SHA_512, f->bytes, f->len, sum, sizeof sum, &len);
        sum[63] ^= (uint8_t)wrong;
        for (size_t i = 0; i < len; i++)
            (void)snprintf(to + strlen(to), sizeof to - strlen(to), "%02x", sum[i]);
        strcat(to, "\",\"sha256\":\"");
        tuf_repo_edit(&repo, REPO_TIMESTAMP, "\"sha256\":\"", to);
        tuf_repo_publish(&repo);
        expect("SHA-512", wrong ? OTA_REJECT_HASH : OTA_DONE, NULL);
    }
}

static void names_and_paths(void **state)
{
    static char path[OTA_PATH_MAX], json[300];

    (void)state;
    begin(false);
    assert_int_equal(tuf_find(client, &repo, &store, "app/\x7f"), OTA_REJECT_TARGET);
    assert_string_equal(repo.log, "");
    /* a name that is too long once the digest stands before it */
    memset(path, 'a', sizeof path - 1);
    memcpy(path, "app/", 4);
    (void)snprintf(json, sizeof json, "{\"hashes\":{\"sha512\":\"%0128d\"},\"length\":1}", 7);
    tuf_repo_target(&repo, PUB, path, json);
    tuf_repo_target(&repo, PUB, "app/...", repo.target[0].json); /* a name like any other */
    today();
    tuf_repo_publish(&repo);
    expect("before", OTA_DONE, NULL);
    assert_int_equal(tuf_find(client, &repo, &store, path), OTA_REJECT_LIMIT);
    assert_int_equal(tuf_find(client, &repo, &store, "app/..."), OTA_DONE);
    cases += 3;
}

static void odd_delegations(void **state)
{
    static const struct {
        const char *name, *delegations;
        ota_err err;
        const char *where;
    } odd[] = {
        { "neither roles nor bins", "{\"keys\":{}}", OTA_REJECT_DELEGATION, "targets.signed.delegations.roles" },
        { "a prefix of 65 digits",
          "{\"keys\":{},\"roles\":[{\"keyids\":[],\"name\":\"a\",\"path_hash_prefixes\":["
          "\"00000000000000000000000000000000000000000000000000000000000000000\"],\"terminating\":false,\"threshold\":1}]}",
          OTA_REJECT_VALUE, "targets.signed.delegations.roles[0].path_hash_prefixes[0]" },
        { "a prefix that is a number",
          "{\"keys\":{},\"roles\":[{\"keyids\":[],\"name\":\"a\",\"path_hash_prefixes\":[7],\"terminating\":false,\"threshold\":1}]}",
          OTA_REJECT_TYPE, "targets.signed.delegations.roles[0].path_hash_prefixes[0]" },
        { "a bin prefix that is too long",
          "{\"keys\":{},\"succinct_roles\":{\"bit_length\":1,\"keyids\":[],\"name_prefix\":"
          "\"a123456789a123456789a123456789a123456789a123456789a123456789abcdef\",\"threshold\":1}}",
          OTA_REJECT_VALUE, "targets.signed.delegations.succinct_roles.name_prefix" },
        { "a bin prefix that leaves no room for the number",
          "{\"keys\":{},\"succinct_roles\":{\"bit_length\":32,\"keyids\":[],\"name_prefix\":"
          "\"a123456789a123456789a123456789a123456789a123456789a12345678\",\"threshold\":1}}",
          OTA_REJECT_VALUE, "targets.signed.delegations.succinct_roles.name_prefix" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        char member[600];

        begin(false);
        today();
        (void)snprintf(member, sizeof member, ",\"delegations\":%s", odd[i].delegations);
        repo.role[REPO_TARGETS_ROLE].delegations = member;
        tuf_repo_publish(&repo);
        struct ota_fault f;
        ota_err err = refresh_and_find();
        ota_tuf_fault(client, &f);
        if (err != odd[i].err || strncmp(f.where, odd[i].where, OTA_FAULT_WHERE_MAX - 20) != 0)
            fail_msg("%s: %s at %s", odd[i].name, ota_err_name(err), f.where);
        cases++;
    }
}

static void unusable_configurations(void **state)
{
    struct ota_crypto none = { NULL };
    struct ota_tuf_want *const nowhere = NULL;

    (void)state;
    begin(false);
    assert_int_equal(ota_tuf_next(client, nowhere), OTA_USAGE_STATE);
    struct ota_tuf_config c = cfg;
    c.crypto = &none;
    assert_int_equal(ota_tuf_len(&c), 0);
    c = cfg;
    c.root = NULL;
    assert_int_equal(ota_tuf_len(&c), 0);
    c = cfg;
    c.limits.root_max = 1u << 30;
    assert_int_equal(ota_tuf_len(&c), 0);
    c.limits.root_max = (1u << 30) - 1;
    assert_true(ota_tuf_len(&c) > c.limits.root_max);
    c = cfg;
    c.limits = (struct ota_tuf_limits){ .root_max = 100000 };
    assert_true(ota_tuf_len(&c) > 100000 && ota_tuf_len(&c) < 100000 + 10241);
}

/* ---- crypto that fails at its n-th hash call, where ids are loose and keys are of Ed25519 */

static unsigned calls, fail_at;

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    return ++calls == fail_at ? OTA_DEVICE_CRYPTO : psa.port.ops->hash_start(&psa.port, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return ++calls == fail_at ? OTA_DEVICE_CRYPTO : psa.port.ops->hash_add(&psa.port, h, data, len);
}

static void failing_hashes_are_never_a_verdict_for(void **state)
{
    struct ota_crypto_ops ops = *psa.port.ops;
    struct ota_crypto failing = { &ops };
    uint8_t secret[64], public[32];

    (void)state;
    begin(false);
    ops.hash_start = hash_start;
    ops.hash_add = hash_add;
    cfg.crypto = &failing;
    cfg.loose_keyids = true;
    today();
    tuf_repo_key(&repo, OTHER + 3, repo_ed25519_pair(secret, public) ? REPO_ED25519 : REPO_P256);
    struct repo_role *x = &repo.role[REPO_TIMESTAMP];
    x->key[0] = x->sign[0] = OTHER + 3;
    x->sign_id[0] = "named";
    char from[80];
    (void)snprintf(from, sizeof from, "\"%s\"", repo.key[OTHER + 3].id);
    tuf_repo_edit(&repo, REPO_ROOT, from, "\"named\"");
    tuf_repo_edit(&repo, REPO_ROOT, from, "\"named\"");
    tuf_repo_publish(&repo);
    for (fail_at = 1;; fail_at++) {
        tuf_store_copy(&store, &yesterday);
        start_client();
        calls = 0;
        ota_err err = refresh_and_find();
        if (calls < fail_at) {
            assert_int_equal(err, OTA_DONE);
            break;
        }
        if (err == OTA_DONE || (err != OTA_DEVICE_CRYPTO && ota_err_class(err) != OTA_CLASS_REJECT))
            fail_msg("call %u: %s", fail_at, ota_err_name(err));
    }
    print_message("%u calls failed\n", fail_at - 1);
    assert_true(fail_at > 40);
}

static void there_were_enough_cases(void **state)
{
    (void)state;
    expect_cases(37);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_is_read_strictly),
        cmocka_unit_test(rsa_keys_are_read_strictly),
        cmocka_unit_test(ids_may_be_any_text_where_they_are_loose),
        cmocka_unit_test(one_id_for_two_keys_of_two_delegators),
        cmocka_unit_test(times_and_versions),
        cmocka_unit_test(the_last_root_version),
        cmocka_unit_test(digests_by_sha512),
        cmocka_unit_test(names_and_paths),
        cmocka_unit_test(odd_delegations),
        cmocka_unit_test(unusable_configurations),
        cmocka_unit_test(failing_hashes_are_never_a_verdict_for),
        cmocka_unit_test(there_were_enough_cases),
    };

    if (!open_world())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text.p);
    close_world();
    return failed;
}
