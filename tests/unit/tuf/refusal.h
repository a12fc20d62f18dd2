/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that trusts yesterday's metadata meets today's, which has one defect. Then: the refusal has the expected code
 * and place; the record of the bad role and of all later ones is untouched; and the next good day is accepted, with no
 * help. Shared by the tests of refusals.
 */
#ifndef REFUSAL_H
#define REFUSAL_H

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
#include "tuf_repo.h"

enum { PUB = REPO_TOP };

static struct tuf_repo repo;
static struct ota_posix_crypto psa;
static struct memo_crypto crypto;
static struct tuf_store yesterday, store;
static struct ota_tuf_config cfg;
static struct ota_tuf *client;
static void *memory;
static uint8_t *factory;
static unsigned cases;

static inline ota_err refresh_and_find(void)
{
    ota_err err = tuf_refresh(client, &repo, &store);

    return err == OTA_DONE ? tuf_find(client, &repo, &store, "app/one") : err;
}

static inline void start_client(void)
{
    free(memory);
    client = tuf_client(&cfg, &memory);
}

/* A device that refreshed yesterday. With two: every role needs two of two keys. */
static inline void begin(bool two)
{
    size_t len;

    tuf_repo_init(&repo);
    for (int i = 0; two && i < repo.roles; i++) {
        tuf_repo_signer(&repo, i, 5 + i);
        repo.role[i].threshold = 2;
    }
    tuf_repo_publish(&repo);
    free(factory);
    factory = tuf_repo_copy(tuf_repo_file(&repo, "1.root.json"), &len);
    tuf_client_config(&cfg, &crypto.port, NULL);
    cfg.root = factory;
    cfg.root_len = len;
    start_client();
    tuf_store_free(&store);
    assert_int_equal(refresh_and_find(), OTA_DONE);
    tuf_store_copy(&yesterday, &store);
}

static inline int setup_one(void **state)
{
    (void)state;
    begin(false);
    return 0;
}

static inline int setup_two(void **state)
{
    (void)state;
    begin(true);
    return 0;
}

/* Back to yesterday, with today's versions set but not yet published. */
static inline void today(void)
{
    tuf_store_copy(&store, &yesterday);
    start_client();
    repo.edits = repo.edits_missed = 0;
    for (int i = 0; i < repo.roles; i++)
        repo.role[i].version = 2;
}

/* A device that refreshed from the roles that are there now, all at version 1. */
static inline void begin_with_present_roles(void)
{
    size_t len;

    for (int i = 0; i < repo.roles; i++)
        repo.role[i].version = 1;
    tuf_repo_publish(&repo);
    free(factory);
    factory = tuf_repo_copy(tuf_repo_file(&repo, "1.root.json"), &len);
    cfg.root = factory;
    cfg.root_len = len;
    start_client();
    tuf_store_free(&store);
    assert_int_equal(tuf_refresh(client, &repo, &store), OTA_DONE);
}

/* The second of the role's two keys becomes the first one under another id, and signs so. For loose key ids. */
static inline void name_key_twice(int role)
{
    static char from[1400], to[1400];
    struct repo_role *x = &repo.role[role];
    const struct repo_key *first = &repo.key[x->key[0]], *second = &repo.key[x->key[1]];

    (void)snprintf(from, sizeof from, "\"%s\":%s", second->id, second->json);
    (void)snprintf(to, sizeof to, "\"%s\":%s", second->id, first->json);
    tuf_repo_edit(&repo, role < PUB ? REPO_ROOT : REPO_TARGETS_ROLE, from, to);
    x->sign[1] = x->sign[0];
    x->sign_id[1] = second->id;
}

static inline bool record_kept(int role)
{
    const char *name = repo.role[role].name;
    struct repo_file *was = tuf_store_find(&yesterday, name), *is = tuf_store_find(&store, name);

    if (!was || !is)
        return was == is;
    return was->len == is->len && memcmp(was->bytes, is->bytes, is->len) == 0;
}

/* The repository is repaired: roles and edits are as yesterday's, with versions above everything seen. */
static inline void expect_recovery(const char *name)
{
    repo.edits = 0;
    ota_err err = OTA_OK;

    for (int i = 0; i < repo.roles; i++) {
        repo.role[i].expires = "2030-01-01T00:00:00Z";
        repo.role[i].sigs = NULL;
        repo.role[i].signs = repo.role[i].keys;
        memcpy(repo.role[i].sign, repo.role[i].key, sizeof repo.role[i].sign);
        memset(repo.role[i].sign_id, 0, sizeof repo.role[i].sign_id);
    }
    tuf_repo_publish(&repo);
    if (repo.role[REPO_SNAPSHOT].version)
        tuf_repo_next_day(&repo);
    err = refresh_and_find();
    if (err != OTA_DONE)
        fail_msg("%s: stuck with %s", name, ota_err_name(err));
}

static inline void expect_refusal(const char *name, int role, ota_err want, const char *where)
{
    struct ota_fault f;

    if (repo.edits_missed)
        fail_msg("%s: the text to edit is not there", name);
    ota_err err = refresh_and_find();
    ota_tuf_fault(client, &f);
    if (err != want)
        fail_msg("%s: %s at %s, not %s", name, ota_err_name(err), f.where, ota_err_name(want));
    if (f.err != want || (where && strcmp(f.where, where) != 0))
        fail_msg("%s: %s at '%s', not at '%s'", name, ota_err_name(f.err), f.where, where ? where : "anywhere");
    for (int i = role; i < repo.roles; i++)
        if (!record_kept(i))
            fail_msg("%s: the record of %s was touched", name, repo.role[i].name);
    cases++;
}

static inline void expect_cases(unsigned least)
{
    print_message("%u refusals; %u of %u verdicts remembered\n", cases, crypto.answered, crypto.asked);
    assert_true(cases >= least);
}

static inline bool open_world(void)
{
    if (ota_posix_crypto_open(&psa, NULL, NULL) != OTA_OK)
        return false;
    memo_crypto_init(&crypto, &psa.port);
    return true;
}

static inline void close_world(void)
{
    tuf_repo_free(&repo);
    tuf_store_free(&store);
    tuf_store_free(&yesterday);
    free(memory);
    free(factory);
}

#endif
