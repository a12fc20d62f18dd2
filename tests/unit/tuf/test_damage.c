/* SPDX-License-Identifier: Apache-2.0 */
/* Damage: single bits of every file, on the way and in the store; the caller giving up, power cuts and failing crypto
 * at every step. Nothing of this may be trusted, and nothing may leave the device stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memo_crypto.h"
#include "ota/posix.h"
#include "tuf_repo.h"

static struct tuf_repo repo;
static struct ota_posix_crypto psa;
static struct memo_crypto memo;
static struct tuf_store store, before;
static struct ota_tuf_config cfg;
static struct ota_tuf *client;
static void *memory;
static uint8_t *factory;
static const char *const names[] = { "2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "2.pub.json" };

static ota_err refresh_and_find(void)
{
    ota_err err = tuf_refresh(client, &repo, &store);

    return err == OTA_DONE ? tuf_find(client, &repo, &store, "app/one") : err;
}

static void restart(void)
{
    free(memory);
    client = tuf_client(&cfg, &memory);
}

/* Yesterday is trusted (in `before`), today with a new root is published. All signatures are known to memo. */
static int begin(void **state)
{
    size_t len;

    (void)state;
    memo.closed = false;
    tuf_repo_init(&repo);
    free(factory);
    factory = tuf_repo_copy(tuf_repo_file(&repo, "1.root.json"), &len);
    tuf_client_config(&cfg, &memo.port, NULL);
    cfg.root = factory;
    cfg.root_len = len;
    restart();
    tuf_store_free(&store);
    assert_int_equal(refresh_and_find(), OTA_DONE);
    tuf_store_copy(&before, &store);
    for (int i = 0; i < repo.roles; i++)
        repo.role[i].version = 2;
    tuf_repo_signer(&repo, REPO_TIMESTAMP, 9);
    repo.role[REPO_TIMESTAMP].signs = 1;
    tuf_repo_publish(&repo);
    assert_int_equal(refresh_and_find(), OTA_DONE);
    return 0;
}

static bool same_target(void)
{
    const struct ota_tuf_target *t = ota_tuf_target(client);

    return t && t->length == 1000 && t->sha256[31] == 0xff && strcmp(t->role, "pub") == 0 && t->custom_len == 27;
}

static void flipped_bits_on_the_way_are_refused_or_harmless(void **state)
{
    unsigned refused = 0, harmless = 0;

    (void)state;
    memo.closed = true;
    bool every = getenv("OTA_TEST_EVERY_BIT") != NULL; /* .ci/run sets it: too many for each day */
    for (size_t n = 0; n < 5; n++) {
        struct repo_file *f = tuf_repo_file(&repo, names[n]);

        for (size_t bit = 0; bit < 8 * f->len; bit += every ? 1 : n == 0 || n == 3 ? 23 : 7) {
            tuf_store_copy(&store, &before);
            f->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ota_err err = refresh_and_find();
            if (err == OTA_DONE ? !same_target() : ota_err_class(err) != OTA_CLASS_REJECT)
                fail_msg("bit %zu of %s: %s", bit, names[n], ota_err_name(err));
            err == OTA_DONE ? harmless++ : refused++;
            f->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        tuf_store_copy(&store, &before);
        assert_int_equal(refresh_and_find(), OTA_DONE);
    }
    print_message("%u refused, %u harmless\n", refused, harmless);
    assert_true(refused > 2500 && harmless < refused / 50);
}

static void flipped_bits_in_the_store_are_healed(void **state)
{
    (void)state;
    memo.closed = true;
    tuf_store_copy(&before, &store);
    for (int n = 0; n < before.records; n++) {
        for (size_t bit = 0; bit < 8 * before.record[n].len; bit += getenv("OTA_TEST_EVERY_BIT") ? 1 : 37) {
            tuf_store_copy(&store, &before);
            tuf_store_find(&store, before.record[n].name)->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ota_err err = refresh_and_find();
            if (err != OTA_DONE || !same_target())
                fail_msg("bit %zu of stored %s: %s", bit, before.record[n].name, ota_err_name(err));
        }
    }
}

/* Power fails before the n-th want is done. python-tuf CVE-2020-15163: what was on disk then must not be trusted wrongly. */
static bool stopped_at(unsigned n, bool done)
{
    struct ota_tuf_want w;

    assert_int_equal(ota_tuf_refresh(client, REPO_NOW), OTA_OK);
    for (unsigned i = 0; ota_tuf_next(client, &w) == OTA_OK; i++) {
        if (i == n && !done)
            return true;
        const struct repo_file *f = w.kind == OTA_TUF_LOAD    ? tuf_store_find(&store, w.role)
                                    : w.kind == OTA_TUF_FETCH ? tuf_repo_file(&repo, w.file)
                                                              : NULL;
        enum ota_tuf_answer answer = w.kind == OTA_TUF_STORE || w.kind == OTA_TUF_REMOVE ? OTA_TUF_STORED
                                     : f                                                 ? OTA_TUF_GOT
                                                                                         : OTA_TUF_ABSENT;

        if (f)
            memcpy(w.buf, f->bytes, f->len);
        if (w.kind == OTA_TUF_STORE)
            tuf_store_put(&store, w.role, w.buf, w.len);
        if (i == n)
            return true;
        assert_int_equal(ota_tuf_answer(client, answer, f ? f->len : 0), OTA_OK);
    }
    return false;
}

static void power_may_fail_at_every_step(void **state)
{
    unsigned n = 0;

    (void)state;
    for (int done = 0; done < 2; done++) {
        for (n = 0;; n++) {
            tuf_store_copy(&store, &before);
            restart();
            bool stopped = stopped_at(n, done);
            restart();
            assert_int_equal(refresh_and_find(), OTA_DONE);
            assert_true(same_target());
            if (!stopped)
                break;
        }
        assert_int_equal(n, 15); /* every want of such a refresh */
    }
}

static void giving_up_at_every_step_leaves_the_client_usable(void **state)
{
    (void)state;
    for (unsigned n = 0;; n++) {
        tuf_store_copy(&store, &before);
        bool stopped = stopped_at(n, false);
        ota_tuf_abandon(client);
        assert_int_equal(ota_tuf_find(client, "app/one"), stopped ? OTA_USAGE_STATE : OTA_OK);
        assert_int_equal(refresh_and_find(), OTA_DONE);
        if (!stopped)
            break;
    }
}

/* A crypto port that fails at its n-th call. */
static unsigned calls, fail_at;

static bool fails(void)
{
    return ++calls == fail_at;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    return fails() ? OTA_DEVICE_CRYPTO : memo.port.ops->hash_start(c, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    return fails() ? OTA_DEVICE_CRYPTO : memo.port.ops->hash_add(c, h, data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    if (out && fails()) {
        (void)memo.port.ops->hash_end(c, h, NULL);
        return OTA_DEVICE_CRYPTO;
    }
    return memo.port.ops->hash_end(c, h, out);
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    return fails() ? OTA_DEVICE_CRYPTO : memo.port.ops->verify(c, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
}

static void failing_crypto_is_the_devices_fault(void **state)
{
    struct ota_crypto_ops ops;
    const struct ota_crypto_ops *whole = memo.port.ops;
    struct ota_fault f;

    (void)state;
    memo.closed = true;
    ops = *whole;
    ops.hash_start = hash_start;
    ops.hash_add = hash_add;
    ops.hash_end = hash_end;
    ops.verify = verify;
    static struct memo_crypto failing;
    for (fail_at = 1;; fail_at++) {
        memcpy(&failing, &memo, sizeof failing);
        failing.port.ops = &ops;
        cfg.crypto = &failing.port;
        restart();
        tuf_store_copy(&store, &before);
        calls = 0;
        ota_err err = refresh_and_find();
        if (calls < fail_at) {
            assert_int_equal(err, OTA_DONE);
            break;
        }
        if (err != OTA_DEVICE_CRYPTO)
            fail_msg("call %u: %s", fail_at, ota_err_name(err));
        ota_tuf_fault(client, &f);
        assert_int_equal(f.err, OTA_DEVICE_CRYPTO);
    }
    print_message("%u calls failed\n", fail_at - 1);
    assert_true(fail_at > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(flipped_bits_on_the_way_are_refused_or_harmless, begin),
        cmocka_unit_test_setup(flipped_bits_in_the_store_are_healed, begin),
        cmocka_unit_test_setup(power_may_fail_at_every_step, begin),
        cmocka_unit_test_setup(giving_up_at_every_step_leaves_the_client_usable, begin),
        cmocka_unit_test_setup(failing_crypto_is_the_devices_fault, begin),
    };

    if (ota_posix_crypto_open(&psa, NULL, NULL) != OTA_OK)
        return 1;
    memo_crypto_init(&memo, &psa.port);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tuf_repo_free(&repo);
    tuf_store_free(&store);
    tuf_store_free(&before);
    free(memory);
    free(factory);
    return failed;
}
