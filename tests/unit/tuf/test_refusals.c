/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a repository, or whoever stands between, may do wrong. Every case starts from a device that trusts yesterday's
 * metadata. Today's has one defect. Then: the refusal has the expected code and place; the record of the bad role and
 * of all later ones is untouched; and the next good day is accepted, with no help.
 */
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

static ota_err refresh_and_find(void)
{
    ota_err err = tuf_refresh(client, &repo, &store);

    return err == OTA_DONE ? tuf_find(client, &repo, &store, "app/one") : err;
}

static void start_client(void)
{
    free(memory);
    client = tuf_client(&cfg, &memory);
}

/* A device that refreshed yesterday. With two: every role needs two of two keys. */
static void begin(bool two)
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

static int setup_one(void **state)
{
    (void)state;
    begin(false);
    return 0;
}

static int setup_two(void **state)
{
    (void)state;
    begin(true);
    return 0;
}

/* Back to yesterday, with today's versions set but not yet published. */
static void today(void)
{
    tuf_store_copy(&store, &yesterday);
    start_client();
    repo.edits = repo.edits_missed = 0;
    for (int i = 0; i < repo.roles; i++)
        repo.role[i].version = 2;
}

static bool record_kept(int role)
{
    const char *name = repo.role[role].name;
    struct repo_file *was = tuf_store_find(&yesterday, name), *is = tuf_store_find(&store, name);

    if (!was || !is)
        return was == is;
    return was->len == is->len && memcmp(was->bytes, is->bytes, is->len) == 0;
}

/* The repository is repaired: roles and edits are as yesterday's, with versions above everything seen. */
static void expect_recovery(const char *name)
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

static void expect_refusal(const char *name, int role, ota_err want, const char *where)
{
    struct ota_fault f;

    if (repo.edits_missed)
        fail_msg("%s: the text to edit is not there", name);
    ota_err err = refresh_and_find();
    ota_tuf_fault(client, &f);
    if (err != want)
        fail_msg("%s: %s at %s, not %s", name, ota_err_name(err), f.where, ota_err_name(want));
    if (f.err != want || (where && strcmp(f.where, where) != 0))
        fail_msg("%s: %s at '%s', not at '%s'", name, ota_err_name(f.err), f.where, where);
    for (int i = role; i < repo.roles; i++)
        if (!record_kept(i))
            fail_msg("%s: the record of %s was touched", name, repo.role[i].name);
    cases++;
}

/* ---- each field of each role, with each kind of wrong value */

enum type { TEXT, NUMBER, OBJECT, ARRAY, FLAG };

static const struct field {
    int role;
    const char *name, *place;
    enum type type;
    ota_err empty;     /* "" for TEXT, {} for OBJECT, [] for ARRAY: what refuses it; OTA_OK: try nothing */
    bool optional;
} fields[] = {
    { REPO_ROOT, "_type", "root.signed", TEXT, OTA_REJECT_TYPE, false },
    { REPO_ROOT, "expires", "root.signed", TEXT, OTA_REJECT_VALUE, false },
    { REPO_ROOT, "spec_version", "root.signed", TEXT, OTA_REJECT_SPEC, false },
    { REPO_ROOT, "version", "root.signed", NUMBER, OTA_OK, false },
    { REPO_ROOT, "consistent_snapshot", "root.signed", FLAG, OTA_OK, true },
    { REPO_ROOT, "keys", "root.signed", OBJECT, OTA_REJECT_SIGNATURE, false },
    { REPO_ROOT, "roles", "root.signed", OBJECT, OTA_REJECT_MISSING, false },
    { REPO_ROOT, "keyids", "root.signed.roles.root", ARRAY, OTA_REJECT_SIGNATURE, false },
    { REPO_ROOT, "threshold", "root.signed.roles.root", NUMBER, OTA_OK, false },
    { REPO_TIMESTAMP, "_type", "timestamp.signed", TEXT, OTA_REJECT_TYPE, false },
    { REPO_TIMESTAMP, "expires", "timestamp.signed", TEXT, OTA_REJECT_VALUE, false },
    { REPO_TIMESTAMP, "spec_version", "timestamp.signed", TEXT, OTA_REJECT_SPEC, false },
    { REPO_TIMESTAMP, "version", "timestamp.signed", NUMBER, OTA_OK, false },
    { REPO_TIMESTAMP, "meta", "timestamp.signed", OBJECT, OTA_REJECT_MISSING, false },
    { REPO_TIMESTAMP, "snapshot.json", "timestamp.signed.meta", OBJECT, OTA_OK, false },
    { REPO_TIMESTAMP, "hashes", "timestamp.signed.meta.snapshot.json", OBJECT, OTA_REJECT_VALUE, true },
    { REPO_TIMESTAMP, "length", "timestamp.signed.meta.snapshot.json", NUMBER, OTA_OK, true },
    { REPO_SNAPSHOT, "_type", "snapshot.signed", TEXT, OTA_REJECT_TYPE, false },
    { REPO_SNAPSHOT, "expires", "snapshot.signed", TEXT, OTA_REJECT_VALUE, false },
    { REPO_SNAPSHOT, "spec_version", "snapshot.signed", TEXT, OTA_REJECT_SPEC, false },
    { REPO_SNAPSHOT, "version", "snapshot.signed", NUMBER, OTA_OK, false },
    { REPO_SNAPSHOT, "meta", "snapshot.signed", OBJECT, OTA_REJECT_MISSING, false },
    { REPO_SNAPSHOT, "hashes", "snapshot.signed.meta.pub.json", OBJECT, OTA_REJECT_VALUE, true },
    { REPO_SNAPSHOT, "length", "snapshot.signed.meta.pub.json", NUMBER, OTA_OK, true },
    { REPO_TARGETS_ROLE, "_type", "targets.signed", TEXT, OTA_REJECT_TYPE, false },
    { REPO_TARGETS_ROLE, "expires", "targets.signed", TEXT, OTA_REJECT_VALUE, false },
    { REPO_TARGETS_ROLE, "spec_version", "targets.signed", TEXT, OTA_REJECT_SPEC, false },
    { REPO_TARGETS_ROLE, "version", "targets.signed", NUMBER, OTA_OK, false },
    { REPO_TARGETS_ROLE, "targets", "targets.signed", OBJECT, OTA_OK, false },
    { REPO_TARGETS_ROLE, "delegations", "targets.signed", OBJECT, OTA_REJECT_MISSING, true },
    { REPO_TARGETS_ROLE, "roles", "targets.signed.delegations", ARRAY, OTA_OK, true },
    { REPO_TARGETS_ROLE, "keyids", "targets.signed.delegations.roles[0]", ARRAY, OTA_OK, false },
    { REPO_TARGETS_ROLE, "name", "targets.signed.delegations.roles[0]", TEXT, OTA_REJECT_DELEGATION, false },
    { REPO_TARGETS_ROLE, "paths", "targets.signed.delegations.roles[0]", ARRAY, OTA_OK, true },
    { REPO_TARGETS_ROLE, "terminating", "targets.signed.delegations.roles[0]", FLAG, OTA_OK, false },
    { REPO_TARGETS_ROLE, "threshold", "targets.signed.delegations.roles[0]", NUMBER, OTA_OK, false },
    { PUB, "_type", "role pub: signed", TEXT, OTA_REJECT_TYPE, false },
    { PUB, "expires", "role pub: signed", TEXT, OTA_REJECT_VALUE, false },
    { PUB, "spec_version", "role pub: signed", TEXT, OTA_REJECT_SPEC, false },
    { PUB, "version", "role pub: signed", NUMBER, OTA_OK, false },
    { PUB, "targets", "role pub: signed", OBJECT, OTA_OK, false },
    { PUB, "hashes", "role pub: signed.targets.app/one", OBJECT, OTA_REJECT_VALUE, false },
    { PUB, "sha256", "role pub: signed.targets.app/one.hashes", TEXT, OTA_REJECT_VALUE, true },
};

static void try_field(const struct field *f, const char *value, ota_err want, const char *member)
{
    char from[64], to[160], name[160], where[160];

    (void)snprintf(from, sizeof from, "\"%s\":", f->name);
    if (value)
        (void)snprintf(to, sizeof to, "\"%s\":%s,\"_x\":", f->name, value);
    else
        (void)snprintf(to, sizeof to, "\"_x\":");
    (void)snprintf(name, sizeof name, "%s.%s = %s", f->place, f->name, value ? value : "absent");
    (void)snprintf(where, sizeof where, "%s.%s", f->place, member);
    today();
    tuf_repo_edit(&repo, f->role, from, to);
    tuf_repo_publish(&repo);
    expect_refusal(name, f->role, want, strlen(where) < OTA_FAULT_WHERE_MAX && want != OTA_REJECT_MISSING ? where : NULL);
}

static void wrong_types_are_refused(void **state)
{
    static const struct {
        const char *value;
        enum type type;
    } values[] = { { "null", FLAG }, { "true", FLAG }, { "7", NUMBER }, { "\"7\"", TEXT }, { "[]", ARRAY }, { "{}", OBJECT } };
    const char *const null = values[0].value;

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *f = &fields[i];

        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
            if (values[v].type != f->type || values[v].value == null)
                try_field(f, values[v].value, OTA_REJECT_TYPE, f->name);
        expect_recovery(f->name);
    }
}

static void absent_and_empty_fields_are_refused(void **state)
{
    static const char *const empty[] = { [TEXT] = "\"\"", [OBJECT] = "{}", [ARRAY] = "[]" };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *f = &fields[i];
        char where[160], from[64], to[160];

        if (!f->optional && strcmp(f->name, "snapshot.json") != 0)
            try_field(f, NULL, OTA_REJECT_MISSING, f->name);
        if (f->empty != OTA_OK && f->empty != OTA_REJECT_SIGNATURE)
            try_field(f, empty[f->type], f->empty, f->name);
        (void)snprintf(from, sizeof from, "\"%s\":", f->name);
        (void)snprintf(to, sizeof to, "\"%s\":null,\"%s\":", f->name, f->name);
        (void)snprintf(where, sizeof where, "%s.%s", f->place, f->name);
        today();
        tuf_repo_edit(&repo, f->role, from, to);
        tuf_repo_publish(&repo);
        expect_refusal(where, f->role, OTA_REJECT_DUPLICATE, strlen(where) < OTA_FAULT_WHERE_MAX ? where : NULL);
        expect_recovery(where);
    }
}

static void numbers_are_judged_exactly(void **state)
{
    static const struct {
        const char *value;
        ota_err err;
    } values[] = {
        { "0", OTA_REJECT_VALUE },          { "-1", OTA_REJECT_VALUE },
        { "4294967296", OTA_REJECT_VALUE }, { "9007199254740993", OTA_REJECT_VALUE },
        { "9223372036854775808", OTA_REJECT_VALUE }, { "18446744073709551617", OTA_REJECT_VALUE },
        { "99999999999999999999999999999999999999999", OTA_REJECT_VALUE },
        { "1.0", OTA_REJECT_SYNTAX },       { "1e0", OTA_REJECT_SYNTAX },
        { "01", OTA_REJECT_SYNTAX },        { "-0", OTA_REJECT_SYNTAX },
        { "+1", OTA_REJECT_SYNTAX },        { "0x1", OTA_REJECT_SYNTAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].type != NUMBER)
            continue;
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
            try_field(&fields[i], values[v].value, values[v].err, fields[i].name);
        expect_recovery(fields[i].name);
    }
}

/* ---- single defects of content */

static const struct edit_case {
    const char *name;
    int role;
    const char *from, *to;
    ota_err err;
    const char *where;
} edit_cases[] = {
    { "text after the root's signed", REPO_ROOT, "", "{}}", OTA_REJECT_SYNTAX, NULL },
    { "root signed is an array", REPO_ROOT, "", "[]", OTA_REJECT_TYPE, "root.signed" },
    { "root signed is null", REPO_ROOT, "", "null", OTA_REJECT_TYPE, "root.signed" },
    { "root version N", REPO_ROOT, "\"version\":2", "\"version\":1", OTA_REJECT_VERSION, "root.signed.version" },
    { "root version N+2 (tough CVE-2025-2885)", REPO_ROOT, "\"version\":2", "\"version\":3", OTA_REJECT_VERSION, "root.signed.version" },
    { "root version 2^31", REPO_ROOT, "\"version\":2", "\"version\":2147483648", OTA_REJECT_VERSION, "root.signed.version" },
    { "root version 2^32-1", REPO_ROOT, "\"version\":2", "\"version\":4294967295", OTA_REJECT_VERSION, "root.signed.version" },
    { "root of type targets", REPO_ROOT, "\"_type\":\"root\"", "\"_type\":\"targets\"", OTA_REJECT_TYPE, "root.signed._type" },
    { "root of type t (libtufnano: prefix match)", REPO_ROOT, "\"_type\":\"root\"", "\"_type\":\"roo\"", OTA_REJECT_TYPE, "root.signed._type" },
    { "root of type Root", REPO_ROOT, "\"_type\":\"root\"", "\"_type\":\"Root\"", OTA_REJECT_TYPE, "root.signed._type" },
    { "Signed for signed", REPO_ROOT, "{\"_type\"", "{\"_Type\"", OTA_REJECT_MISSING, NULL },
    { "spec version 2", REPO_ROOT, "1.0.34", "2.0.0", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1", REPO_ROOT, "1.0.34", "1", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 10.0", REPO_ROOT, "1.0.34", "10.0", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1.", REPO_ROOT, "1.0.34", "1.", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1.0.x", REPO_ROOT, "1.0.34", "1.0.x", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1..0", REPO_ROOT, "1.0.34", "1..0", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "root without a role for snapshot", REPO_ROOT, "\"snapshot\":", "\"snapshots\":", OTA_REJECT_MISSING, "root.signed.roles.snapshot" },
    { "threshold 2 of one key", REPO_ROOT, "\"threshold\":1", "\"threshold\":2", OTA_REJECT_SIGNATURE, "root.signatures" },
    { "threshold 2^32-1", REPO_ROOT, "\"threshold\":1", "\"threshold\":4294967295", OTA_REJECT_SIGNATURE, "root.signatures" },
    { "key of an unknown type", REPO_ROOT, "\"keytype\":\"ecdsa\"", "\"keytype\":\"ecdsa-x509\"", OTA_REJECT_SIGNATURE, "root.signatures" },
    { "key of an unknown scheme", REPO_ROOT, "\"scheme\":\"ecdsa-sha2-nistp256\"", "\"scheme\":\"none\"", OTA_REJECT_SIGNATURE, "root.signatures" },
    { "key id that is not the key's digest", REPO_ROOT, "\"scheme\":\"ecdsa-sha2-nistp256\"", "\"scheme\":\"ecdsa-sha2-nistp256\",\"x\":1", OTA_REJECT_KEY, "root.signed.roles.root.keyids[0]" },
    { "P-384 scheme for a P-256 key", REPO_ROOT, "\"scheme\":\"ecdsa-sha2-nistp256\"", "\"scheme\":\"ecdsa-sha2-nistp384\"", OTA_REJECT_KEY, "root.signed.roles.root.keyids[0]" },
    { "key that is not PEM", REPO_ROOT, "-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA KEY-----", OTA_REJECT_KEY, "root.signed.roles.root.keyids[0]" },
    { "month 13", REPO_TIMESTAMP, "2030-01-01", "2030-13-01", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "February 30", REPO_TIMESTAMP, "2030-01-01", "2030-02-30", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "February 29 without a leap year", REPO_TIMESTAMP, "2030-01-01", "2029-02-29", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "time with an offset", REPO_TIMESTAMP, "00:00:00Z", "00:00:00+00:00", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "time with a fraction", REPO_TIMESTAMP, "00:00:00Z", "00:00:00.5Z", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "hour 24", REPO_TIMESTAMP, "00:00:00Z", "24:00:00Z", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "small z", REPO_TIMESTAMP, "00:00:00Z", "00:00:00z", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "timestamp of type snapshot", REPO_TIMESTAMP, "\"timestamp\"", "\"snapshot\"", OTA_REJECT_TYPE, "timestamp.signed._type" },
    { "timestamp with more than the snapshot", REPO_TIMESTAMP, "\"meta\":{", "\"meta\":{\"root.json\":{\"version\":1},", OTA_REJECT_VALUE, "timestamp.signed.meta.root.json" },
    { "snapshot version 0", REPO_TIMESTAMP, "\"version\":2}}}", "\"version\":0}}}", OTA_REJECT_VALUE, "timestamp.signed.meta.snapshot.json.version" },
    { "snapshot longer than the limit", REPO_TIMESTAMP, "\"length\":", "\"length\":16385,\"_x\":", OTA_REJECT_LIMIT, "timestamp.signed.meta.snapshot.json.length" },
    { "upper-case digest", REPO_TIMESTAMP, "\"sha256\":\"", "\"sha256\":\"AB", OTA_REJECT_VALUE, "timestamp.signed.meta.snapshot.json.hashes" },
    { "only a digest that is not known", REPO_TIMESTAMP, "\"sha256\"", "\"md5\"", OTA_REJECT_VALUE, "timestamp.signed.meta.snapshot.json.hashes" },
    { "digest that is a number", REPO_TIMESTAMP, "\"sha256\":", "\"blake2b\":5,\"sha256\":", OTA_REJECT_TYPE, NULL },
    { "control byte in a string", REPO_TIMESTAMP, "\"version\"", "\"a\nb\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "NUL in a string", REPO_TIMESTAMP, "\"version\"", "\"a\\u0000b\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "lone surrogate", REPO_TIMESTAMP, "\"version\"", "\"\\ud800\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "overlong UTF-8", REPO_TIMESTAMP, "\"version\"", "\"\xc0\xaf\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "same member with an escaped name", REPO_TIMESTAMP, "\"version\"", "\"\\u0076ersion\":1,\"version\"", OTA_REJECT_DUPLICATE, NULL },
    { "duplicate in a part that nobody reads", REPO_TIMESTAMP, "\"version\"", "\"x\":[{\"b\":{\"a\":1,\"c\":2,\"a\":3}}],\"version\"", OTA_REJECT_DUPLICATE, NULL },
    { "too deep", REPO_TIMESTAMP, "\"version\"", "\"x\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]],\"version\"", OTA_REJECT_LIMIT, NULL },
    { "snapshot without targets.json", REPO_SNAPSHOT, "\"targets.json\"", "\"target.json\"", OTA_REJECT_MISSING, "snapshot.signed.meta.targets" },
    { "snapshot of another version", REPO_SNAPSHOT, "34\",\"version\":2", "34\",\"version\":3", OTA_REJECT_VERSION, "snapshot.signed.version" },
    { "snapshot version 2^31", REPO_SNAPSHOT, "34\",\"version\":2", "34\",\"version\":2147483648", OTA_REJECT_VERSION, "snapshot.signed.version" },
    { "snapshot drops a role (tough CVE-2025-2887)", REPO_SNAPSHOT, "\"pub.json\"", "\"bup.json\"", OTA_REJECT_ROLLBACK, "snapshot.signed.meta" },
    { "targets of another version", REPO_TARGETS_ROLE, "34\",\"version\":2", "34\",\"version\":1", OTA_REJECT_VERSION, "targets.signed.version" },
    { "targets of type root", REPO_TARGETS_ROLE, "\"_type\":\"targets\"", "\"_type\":\"root\"", OTA_REJECT_TYPE, "targets.signed._type" },
    { "delegated role named root", REPO_TARGETS_ROLE, "\"name\":\"pub\"", "\"name\":\"root\"", OTA_REJECT_DELEGATION, "targets.signed.delegations.roles[0].name" },
    { "delegated role named targets", REPO_TARGETS_ROLE, "\"name\":\"pub\"", "\"name\":\"targets\"", OTA_REJECT_DELEGATION, "targets.signed.delegations.roles[0].name" },
    { "delegated role with a long name", REPO_TARGETS_ROLE, "\"name\":\"pub\"", "\"name\":\"a123456789a123456789a123456789a123456789a123456789a123456789abcd\"", OTA_REJECT_LIMIT, "targets.signed.delegations.roles[0].name" },
    { "delegation by path and by digest", REPO_TARGETS_ROLE, "\"paths\":", "\"path_hash_prefixes\":[],\"paths\":", OTA_REJECT_DELEGATION, "targets.signed.delegations.roles[0].paths" },
    { "delegation by nothing", REPO_TARGETS_ROLE, "\"paths\":", "\"_x\":", OTA_REJECT_DELEGATION, "targets.signed.delegations.roles[0].paths" },
    { "delegation with roles and bins", REPO_TARGETS_ROLE, "\"roles\":", "\"succinct_roles\":{\"bit_length\":1,\"keyids\":[],\"name_prefix\":\"b\",\"threshold\":1},\"roles\":", OTA_REJECT_DELEGATION, "targets.signed.delegations.roles" },
    { "path pattern that is too long", REPO_TARGETS_ROLE, "\"app/*\"", "\"*a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789\"", OTA_REJECT_LIMIT, "targets.signed.delegations.roles[0].paths[0]" },
    { "pub of another version", PUB, "34\",\"version\":2", "34\",\"version\":3", OTA_REJECT_VERSION, "role pub: signed.version" },
    { "pub of type timestamp", PUB, "\"_type\":\"targets\"", "\"_type\":\"timestamp\"", OTA_REJECT_TYPE, "role pub: signed._type" },
    { "target of negative length", PUB, "\"length\":1000", "\"length\":-1", OTA_REJECT_VALUE, "role pub: signed.targets.app/one.length" },
    { "target of length 2^63", PUB, "\"length\":1000", "\"length\":9223372036854775808", OTA_REJECT_VALUE, "role pub: signed.targets.app/one.length" },
    { "target without length", PUB, "\"length\":1000", "\"size\":1000", OTA_REJECT_MISSING, "role pub: signed.targets.app/one.length" },
    { "target twice", PUB, "\"targets\":{", "\"targets\":{\"app/one\":{},", OTA_REJECT_DUPLICATE, "role pub: signed.targets.app/one" },
    { "target is gone", PUB, "app/one", "app/two", OTA_REJECT_TARGET, "app/one" },
};

static void single_defects_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edit_cases / sizeof edit_cases[0]; i++) {
        const struct edit_case *c = &edit_cases[i];

        begin(false);
        today();
        tuf_repo_edit(&repo, c->role, c->from, c->to);
        tuf_repo_publish(&repo);
        expect_refusal(c->name, c->err == OTA_REJECT_TARGET ? c->role + 1 : c->role, c->err, c->where);
        expect_recovery(c->name);
    }
}

/* ---- signatures: the same table for every role, delegated ones too (T30, T37; tough CVE-2026-6966, -6967) */

static void sign_wrongly(int role, int how)
{
    static char text[4][1400];
    struct repo_role *x = &repo.role[role];
    const char *second = repo.key[x->key[1]].id;

    switch (how) {
    case 0:   /* one of two */
        x->signs = 1;
        break;
    case 1:   /* the same key id twice (python-tuf CVE-2020-6174, tough CVE-2020-15093) */
        x->sign[1] = x->sign[0];
        break;
    case 2:   /* a stranger instead */
        tuf_repo_key(&repo, 20, REPO_P256);
        x->sign[1] = 20;
        break;
    case 3:   /* a stranger under the right id */
        tuf_repo_key(&repo, 20, REPO_P256);
        x->sign[1] = 20;
        x->sign_id[1] = second;
        break;
    case 4:   /* the first key under the second's id */
        x->sign[1] = x->sign[0];
        x->sign_id[1] = second;
        break;
    case 5:   /* the first key under its own id in upper case */
        for (int i = 0; i < 65; i++) {
            char c = repo.key[x->key[0]].id[i];
            text[0][i] = (char)(c >= 'a' && c <= 'f' ? c - 32 : c);
        }
        x->sign[1] = x->sign[0];
        x->sign_id[1] = text[0];
        break;
    case 6:   /* the first key under its own id with an escape */
        (void)snprintf(text[1], sizeof text[1], "\\u00%02x%s", repo.key[x->key[0]].id[0], repo.key[x->key[0]].id + 1);
        x->sign[1] = x->sign[0];
        x->sign_id[1] = text[1];
        break;
    case 7:   /* none at all */
        x->signs = 0;
        break;
    default: { /* a second one that is no signature */
        static const char *const sigs[] = { "", "0", "zz", "30", "3000", "3006020100020100", "300602010102010100",
                                            "3006020101020181", "30060201010201ff", "300702010102020001",
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
    static char json[1300], id[130];

    (void)state;
    for (int role = 0; role < repo.roles; role++) {
        struct repo_role *x = &repo.role[role];
        int holder = role < PUB ? REPO_ROOT : REPO_TARGETS_ROLE;

        begin(true);
        cfg.loose_keyids = true;
        today();
        const struct repo_key *first = &repo.key[x->key[0]], *second = &repo.key[x->key[1]];
        (void)snprintf(json, sizeof json, "\"%s\":%s", second->id, first->json);
        (void)snprintf(id, sizeof id, "\"%s\":{", second->id);
        char old[1300];
        (void)snprintf(old, sizeof old, "\"%s\":%s", second->id, second->json);
        tuf_repo_edit(&repo, holder, old, json);
        x->sign[1] = x->sign[0];
        x->sign_id[1] = second->id;
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
    static const char *const today_name[] = { "2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "2.pub.json" };

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
    static const char *const pairs[][2] = { { "2.snapshot.json", "1.snapshot.json" }, { "2.targets.json", "1.targets.json" }, { "2.pub.json", "1.pub.json" } };

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
        int role;            /* whose version goes back to 4, when all were at 5 */
        const char *where;
    } rollbacks[] = {
        { "timestamp", REPO_TIMESTAMP, "timestamp.signed.version" },
        { "snapshot", REPO_SNAPSHOT, "timestamp.signed.meta.snapshot.json.version" },
        { "targets", REPO_TARGETS_ROLE, "snapshot.signed.meta" },
        { "pub (tough CVE-2025-2887)", PUB, "snapshot.signed.meta" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rollbacks / sizeof rollbacks[0]; i++) {
        int bad = rollbacks[i].role == PUB ? REPO_SNAPSHOT : rollbacks[i].role == REPO_TARGETS_ROLE ? REPO_SNAPSHOT : REPO_TIMESTAMP;

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
    static const char *const times[] = { "2025-06-15T15:06:40Z", "2025-06-15T15:06:39Z", "2020-02-29T00:00:00Z", "0001-01-01T00:00:00Z" };

    (void)state;
    for (int role = 0; role < repo.roles; role++) {
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
            char where[128];

            begin(false);
            (void)snprintf(where, sizeof where, role < PUB ? "%s.signed.expires" : "role %s: signed.expires", repo.role[role].name);
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
            expect_refusal(names[i], i, how == 2 ? OTA_REJECT_HASH : OTA_REJECT_LENGTH, i == PUB ? "role pub: " : repo.role[i].name);
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
    expect_refusal("targets signed by a key that the new root revoked", REPO_TARGETS_ROLE, OTA_REJECT_SIGNATURE, "targets.signatures");
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
    print_message("%u refusals; %u of %u verdicts remembered\n", cases, crypto.answered, crypto.asked);
    assert_true(cases >= 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wrong_types_are_refused, setup_one),
        cmocka_unit_test_setup(absent_and_empty_fields_are_refused, setup_one),
        cmocka_unit_test_setup(numbers_are_judged_exactly, setup_one),
        cmocka_unit_test_setup(single_defects_are_refused, setup_one),
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

    if (ota_posix_crypto_open(&psa, NULL, NULL) != OTA_OK)
        return 1;
    memo_crypto_init(&crypto, &psa.port);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tuf_repo_free(&repo);
    tuf_store_free(&store);
    tuf_store_free(&yesterday);
    free(memory);
    free(factory);
    return failed;
}
