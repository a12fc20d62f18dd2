/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of keys, how they are written, and how many there may be. */
#include <ctype.h>
#include <stdio.h>

#include "refusal.h"

enum { ED = 30, ED_2, RSA_1, RSA_2, P384 };

static bool has_ed25519(void)
{
    uint8_t secret[64], public[32];

    return repo_ed25519_pair(secret, public);
}

static void expect_done(const char *what)
{
    struct ota_fault f;

    ota_err err = refresh_and_find();
    ota_tuf_fault(client, &f);
    if (err != OTA_DONE)
        fail_msg("%s: %s at %s", what, ota_err_name(err), f.where);
}

/* For a timestamp of new keys: the trusted one was forgotten before, so its record is no evidence. */
static void expect_unsigned_timestamp(const char *what)
{
    struct ota_fault f;

    ota_err err = refresh_and_find();
    ota_tuf_fault(client, &f);
    if (err != OTA_REJECT_SIGNATURE || strcmp(f.where, "timestamp.signatures") != 0)
        fail_msg("%s: %s at %s", what, ota_err_name(err), f.where);
    assert_int_equal(repo.edits_missed, 0);
}

/* Today every role but root has these keys, all of which have to sign. */
static void all_roles_have(const uint8_t *keys, uint8_t count)
{
    today();
    for (int i = REPO_TIMESTAMP; i < repo.roles; i++) {
        memcpy(repo.role[i].key, keys, count);
        memcpy(repo.role[i].sign, keys, count);
        repo.role[i].keys = repo.role[i].signs = count;
        repo.role[i].threshold = count;
    }
    tuf_repo_publish(&repo);
}

static void ed25519_signs_every_role(void **state)
{
    static const uint8_t one[] = { ED };

    (void)state;
    if (!has_ed25519())
        skip();
    tuf_repo_key(&repo, ED, REPO_ED25519);
    all_roles_have(one, 1);
    expect_done("Ed25519");
    today();
    tuf_repo_signer(&repo, REPO_ROOT, 0); /* and the root, signed by the old key and the new one */
    repo.role[REPO_ROOT].keys = 1;
    repo.role[REPO_ROOT].key[0] = ED;
    repo.role[REPO_ROOT].sign[0] = ED;
    tuf_repo_publish(&repo);
    expect_done("root");
    assert_int_equal(ota_tuf_root_version(client), 2);
}

/* Each kind needs a digest of its own, and Ed25519 one for each signature: none may be taken for another's. */
static void keys_of_all_kinds_sign_together(void **state)
{
    static const uint8_t keys[] = { RSA_1, ED, RSA_2, P384, ED_2, 4 };

    (void)state;
    tuf_repo_key(&repo, RSA_1, REPO_RSA);
    tuf_repo_key(&repo, RSA_2, REPO_RSA);
    tuf_repo_key(&repo, P384, REPO_P384);
    tuf_repo_key(&repo, ED, has_ed25519() ? REPO_ED25519 : REPO_P384);
    tuf_repo_key(&repo, ED_2, has_ed25519() ? REPO_ED25519 : REPO_P256);
    cfg.limits = (struct ota_tuf_limits)OTA_TUF_LIMITS_HOST;
    all_roles_have(keys, sizeof keys);
    start_client();
    expect_done("all kinds");
}

/* A port that lacks an algorithm: what it cannot check was not signed, and all else still counts. */
static ota_err verify_without_ed25519(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key,
                                      size_t key_len, const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c;
    if (alg == OTA_SIG_ED25519)
        return OTA_REJECT_KEY;
    return psa.port.ops->verify(&psa.port, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
}

static void a_key_that_the_port_lacks_counts_for_nothing(void **state)
{
    struct ota_crypto_ops ops = *psa.port.ops;
    struct ota_crypto lacking = { &ops };

    (void)state;
    if (!has_ed25519())
        skip();
    ops.verify = verify_without_ed25519;
    cfg.crypto = &lacking;
    tuf_repo_key(&repo, ED, REPO_ED25519);
    today();
    struct repo_role *x = &repo.role[REPO_TIMESTAMP];
    x->key[1] = x->sign[1] = ED;
    x->keys = x->signs = 2;
    tuf_repo_publish(&repo);
    expect_done("one of two kinds");
    today();
    x->version = 3;
    x->sign[0] = ED;
    x->signs = 1;
    repo.role[REPO_ROOT].version = 2;
    tuf_repo_publish(&repo);
    expect_unsigned_timestamp("only Ed25519, which the port lacks");
}

/* Ed25519 keys are hexadecimal, so two ids can name one key in two spellings (go-tuf #733). */
static void one_key_in_two_spellings_counts_once(void **state)
{
    static char upper[2600], old[2600], both[3000];

    (void)state;
    if (!has_ed25519())
        skip();
    cfg.loose_keyids = true;
    tuf_repo_key(&repo, ED, REPO_ED25519);
    tuf_repo_key(&repo, ED_2, REPO_ED25519);
    static const uint8_t keys[] = { ED, ED_2 };
    all_roles_have(keys, 2);
    start_client();
    expect_done("two keys");
    const struct repo_key *a = &repo.key[ED], *b = &repo.key[ED_2];
    (void)snprintf(upper, sizeof upper, "%s", a->json);
    char *hex = strstr(upper, "\"public\":\"") + 10;
    for (int i = 0; i < 64; i++)
        hex[i] = (char)toupper((unsigned char)hex[i]);
    (void)snprintf(old, sizeof old, "\"%s\":%s", b->id, b->json);
    (void)snprintf(both, sizeof both, "\"%s\":%s", b->id, upper);
    today();
    tuf_repo_edit(&repo, REPO_ROOT, old, both);
    repo.role[REPO_TIMESTAMP].sign[1] = ED;
    repo.role[REPO_TIMESTAMP].sign_id[1] = b->id;
    tuf_repo_publish(&repo);
    expect_unsigned_timestamp("one key, two spellings");
}

/* go-tuf #739: an Ed25519 key of the wrong length panicked. */
static void ed25519_keys_that_are_none(void **state)
{
    static const struct {
        const char *name, *to;
    } bad[] = { { "go-tuf #739: too short", "\"public\":\"00\",\"_x\":\"" },
                { "empty", "\"public\":\"\",\"_x\":\"" },
                { "too long", "\"public\":\"00" },
                { "63 digits", "\"public\":\"0\",\"public_\":\"" },
                { "no digits", "\"public\":\"zz11223344556677889900112233445566778899001122334455667788990011\",\"_x\":\"" },
                { "base64", "\"public\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\",\"_x\":\"" } };

    (void)state;
    if (!has_ed25519())
        skip();
    tuf_repo_key(&repo, ED, REPO_ED25519);
    cfg.loose_keyids = true; /* else the id would be wrong first */
    start_client();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        today();
        repo.role[REPO_TARGETS_ROLE].key[0] = repo.role[REPO_TARGETS_ROLE].sign[0] = ED;
        char from[100], *at = strstr(repo.key[ED].json, "\"public\":\"");
        (void)snprintf(from, sizeof from, "%.20s", at);
        char to[200];
        (void)snprintf(to, sizeof to, "%s%.10s", bad[i].to, at + 10);
        tuf_repo_edit(&repo, REPO_ROOT, from, to);
        tuf_repo_publish(&repo);
        expect_refusal(bad[i].name, REPO_ROOT, OTA_REJECT_KEY, "root.signed.roles.targets.keyids[0]");
    }
}

/* ---- what need not be asked twice */

static unsigned asked_for(const char *what)
{
    unsigned before = crypto.asked;

    expect_done(what);
    return crypto.asked - before;
}

/* A new root must be signed by the old keys and by its own. One that keeps the keys costs no more than one that is signed
 * once: a signature is a tenth of a second on a small device. */
static void a_key_that_stays_is_asked_once_for_a_new_root(void **state)
{
    (void)state;
    today();
    tuf_repo_publish(&repo);
    expect_done("today's root");
    unsigned without = asked_for("no new root");
    repo.role[REPO_ROOT].version = 3;
    tuf_repo_publish(&repo);
    assert_int_equal(asked_for("new root"), without + repo.role[REPO_ROOT].threshold);
    assert_int_equal(ota_tuf_root_version(client), 3);
}

/* What signed for the old root does not sign for the new one when its id stands for another key there. */
static void an_id_that_names_another_key_now_is_asked_again(void **state)
{
    static char old[2600], new[2600];

    (void)state;
    cfg.loose_keyids = true;
    tuf_repo_key(&repo, P384, REPO_P384);
    start_client();
    today();
    tuf_repo_publish(&repo);
    expect_done("today's root");
    tuf_store_copy(&yesterday, &store); /* what must be kept */
    const struct repo_key *k = &repo.key[repo.role[REPO_ROOT].sign[0]];
    (void)snprintf(old, sizeof old, "\"%s\":%s", k->id, k->json);
    (void)snprintf(new, sizeof new, "\"%s\":%s", k->id, repo.key[P384].json);
    repo.role[REPO_ROOT].version = 3;
    tuf_repo_edit(&repo, REPO_ROOT, old, new);
    tuf_repo_publish(&repo);
    expect_refusal("another key under the id of a signer", REPO_ROOT, OTA_REJECT_SIGNATURE, "root.signatures");
}

/* ---- how many */

/* The keys of one root, of which only root's own has to sign. */
static void root_names(enum repo_key_kind kind, int count)
{
    today();
    struct repo_role *x = &repo.role[REPO_TARGETS_ROLE];
    x->keys = 0;
    for (int i = 0; i < count; i++) {
        repo.key[10 + i].secret_len = 0;
        tuf_repo_key(&repo, 10 + i, kind);
        x->key[x->keys++] = (uint8_t)(10 + i);
    }
    x->key[x->keys++] = x->sign[0];
    tuf_repo_publish(&repo);
}

/* The keys of Bottlerocket's root: eight of RSA-3072. They need more room than a small device gives by default. */
static void limits_of_a_host_hold_the_known_roots(void **state)
{
    (void)state;
    root_names(REPO_RSA3072, 8);
    expect_refusal("eight RSA-3072 keys with the default limits", REPO_ROOT, OTA_REJECT_LIMIT, NULL);
    cfg.limits = (struct ota_tuf_limits)OTA_TUF_LIMITS_HOST;
    start_client();
    expect_done("eight RSA-3072 keys");
    root_names(REPO_RSA4096, 20);
    start_client();
    expect_done("twenty RSA-4096 keys");
}

/* sigstore's: five P-256 keys and an online one. Docker's: seven of P-384. */
static void default_limits_hold_the_usual_roots(void **state)
{
    (void)state;
    root_names(REPO_P384, 14);
    expect_done("fourteen P-384 keys");
}

/* Exactly 24 keys: root, timestamp, snapshot and targets have one each, and 20 more. */
static void a_root_may_name_24_keys(void **state)
{
    (void)state;
    for (int more = 20; more <= 21; more++) {
        cfg.limits.key_bytes = 24 * 65;
        root_names(REPO_P256, more);
        start_client();
        if (more == 20)
            expect_done("24 keys");
        else
            expect_refusal("25 keys", REPO_ROOT, OTA_REJECT_LIMIT, NULL);
    }
    cfg.limits.key_bytes = 24 * 65 - 1;
    root_names(REPO_P256, 20);
    start_client();
    expect_refusal("24 keys, a byte too few for them", REPO_ROOT, OTA_REJECT_LIMIT, NULL);
}

static void the_state_is_small(void **state)
{
    size_t file = 32768;

    (void)state;
    memset(&cfg.limits, 0, sizeof cfg.limits);
    print_message("state: %zu bytes besides one file's buffer\n", ota_tuf_len(&cfg) - file);
    assert_true(ota_tuf_len(&cfg) - file <= 10240);
    cfg.limits.key_bytes = 32768;
    assert_int_equal(ota_tuf_len(&cfg), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ed25519_signs_every_role, setup_one),
        cmocka_unit_test_setup(keys_of_all_kinds_sign_together, setup_one),
        cmocka_unit_test_setup(a_key_that_the_port_lacks_counts_for_nothing, setup_one),
        cmocka_unit_test_setup(one_key_in_two_spellings_counts_once, setup_one),
        cmocka_unit_test_setup(ed25519_keys_that_are_none, setup_one),
        cmocka_unit_test_setup(a_key_that_stays_is_asked_once_for_a_new_root, setup_one),
        cmocka_unit_test_setup(an_id_that_names_another_key_now_is_asked_again, setup_one),
        cmocka_unit_test_setup(limits_of_a_host_hold_the_known_roots, setup_one),
        cmocka_unit_test_setup(default_limits_hold_the_usual_roots, setup_one),
        cmocka_unit_test_setup(a_root_may_name_24_keys, setup_one),
        cmocka_unit_test_setup(the_state_is_small, setup_one),
    };

    if (!open_world())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_world();
    return failed;
}
