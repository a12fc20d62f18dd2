/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata that says something it must not: each field of each role with each kind of wrong value, and single defects. */
#include "refusal.h"

/* ---- each field of each role, with each kind of wrong value */

enum type { TEXT, NUMBER, OBJECT, ARRAY, FLAG };

static const struct field {
    int role;
    const char *name, *place;
    enum type type;
    ota_err empty; /* "" for TEXT, {} for OBJECT, [] for ARRAY: what refuses it; OTA_OK: try nothing */
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
        { "0", OTA_REJECT_VALUE },
        { "-1", OTA_REJECT_VALUE },
        { "4294967296", OTA_REJECT_VALUE },
        { "9007199254740993", OTA_REJECT_VALUE },
        { "9223372036854775808", OTA_REJECT_VALUE },
        { "18446744073709551617", OTA_REJECT_VALUE },
        { "99999999999999999999999999999999999999999", OTA_REJECT_VALUE },
        { "1.0", OTA_REJECT_SYNTAX },
        { "1e0", OTA_REJECT_SYNTAX },
        { "01", OTA_REJECT_SYNTAX },
        { "-0", OTA_REJECT_SYNTAX },
        { "+1", OTA_REJECT_SYNTAX },
        { "0x1", OTA_REJECT_SYNTAX },
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
    { "root version N+2 (tough CVE-2025-2885)", REPO_ROOT, "\"version\":2", "\"version\":3", OTA_REJECT_VERSION,
      "root.signed.version" },
    { "root version 2^31", REPO_ROOT, "\"version\":2", "\"version\":2147483648", OTA_REJECT_VERSION, "root.signed.version" },
    { "root version 2^32-1", REPO_ROOT, "\"version\":2", "\"version\":4294967295", OTA_REJECT_VERSION, "root.signed.version" },
    { "root of type targets", REPO_ROOT, "\"_type\":\"root\"", "\"_type\":\"targets\"", OTA_REJECT_TYPE, "root.signed._type" },
    { "root of type t (libtufnano: prefix match)", REPO_ROOT, "\"_type\":\"root\"", "\"_type\":\"roo\"", OTA_REJECT_TYPE,
      "root.signed._type" },
    { "root of type Root", REPO_ROOT, "\"_type\":\"root\"", "\"_type\":\"Root\"", OTA_REJECT_TYPE, "root.signed._type" },
    { "Signed for signed", REPO_ROOT, "{\"_type\"", "{\"_Type\"", OTA_REJECT_MISSING, NULL },
    { "spec version 2", REPO_ROOT, "1.0.34", "2.0.0", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1", REPO_ROOT, "1.0.34", "1", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 10.0", REPO_ROOT, "1.0.34", "10.0", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1.", REPO_ROOT, "1.0.34", "1.", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1.0.x", REPO_ROOT, "1.0.34", "1.0.x", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "spec version 1..0", REPO_ROOT, "1.0.34", "1..0", OTA_REJECT_SPEC, "root.signed.spec_version" },
    { "root without a role for snapshot", REPO_ROOT, "\"snapshot\":", "\"snapshots\":", OTA_REJECT_MISSING,
      "root.signed.roles.snapshot" },
    { "threshold 2 of one key", REPO_ROOT, "\"threshold\":1", "\"threshold\":2", OTA_REJECT_SIGNATURE, "root.signatures" },
    { "threshold 2^32-1", REPO_ROOT, "\"threshold\":1", "\"threshold\":4294967295", OTA_REJECT_SIGNATURE, "root.signatures" },
    { "key of an unknown type", REPO_ROOT, "\"keytype\":\"ecdsa\"", "\"keytype\":\"ecdsa-x509\"", OTA_REJECT_SIGNATURE,
      "root.signatures" },
    { "key of an unknown scheme", REPO_ROOT, "\"scheme\":\"ecdsa-sha2-nistp256\"", "\"scheme\":\"none\"", OTA_REJECT_SIGNATURE,
      "root.signatures" },
    { "key id that is not the key's digest", REPO_ROOT, "\"scheme\":\"ecdsa-sha2-nistp256\"",
      "\"scheme\":\"ecdsa-sha2-nistp256\",\"x\":1", OTA_REJECT_KEY, "root.signed.roles.root.keyids[0]" },
    { "P-384 scheme for a P-256 key", REPO_ROOT, "\"scheme\":\"ecdsa-sha2-nistp256\"", "\"scheme\":\"ecdsa-sha2-nistp384\"",
      OTA_REJECT_KEY, "root.signed.roles.root.keyids[0]" },
    { "key that is not PEM", REPO_ROOT, "-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA KEY-----", OTA_REJECT_KEY,
      "root.signed.roles.root.keyids[0]" },
    { "month 13", REPO_TIMESTAMP, "2030-01-01", "2030-13-01", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "February 30", REPO_TIMESTAMP, "2030-01-01", "2030-02-30", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "February 29 without a leap year", REPO_TIMESTAMP, "2030-01-01", "2029-02-29", OTA_REJECT_VALUE,
      "timestamp.signed.expires" },
    { "time with an offset", REPO_TIMESTAMP, "00:00:00Z", "00:00:00+00:00", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "time with a fraction", REPO_TIMESTAMP, "00:00:00Z", "00:00:00.5Z", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "hour 24", REPO_TIMESTAMP, "00:00:00Z", "24:00:00Z", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "small z", REPO_TIMESTAMP, "00:00:00Z", "00:00:00z", OTA_REJECT_VALUE, "timestamp.signed.expires" },
    { "timestamp of type snapshot", REPO_TIMESTAMP, "\"timestamp\"", "\"snapshot\"", OTA_REJECT_TYPE, "timestamp.signed._type" },
    { "timestamp with more than the snapshot", REPO_TIMESTAMP, "\"meta\":{", "\"meta\":{\"root.json\":{\"version\":1},",
      OTA_REJECT_VALUE, "timestamp.signed.meta.root.json" },
    { "snapshot version 0", REPO_TIMESTAMP, "\"version\":2}}}", "\"version\":0}}}", OTA_REJECT_VALUE,
      "timestamp.signed.meta.snapshot.json.version" },
    { "snapshot longer than the limit", REPO_TIMESTAMP, "\"length\":", "\"length\":16385,\"_x\":", OTA_REJECT_LIMIT,
      "timestamp.signed.meta.snapshot.json.length" },
    { "upper-case digest", REPO_TIMESTAMP, "\"sha256\":\"", "\"sha256\":\"AB", OTA_REJECT_VALUE,
      "timestamp.signed.meta.snapshot.json.hashes" },
    { "only a digest that is not known", REPO_TIMESTAMP, "\"sha256\"", "\"md5\"", OTA_REJECT_VALUE,
      "timestamp.signed.meta.snapshot.json.hashes" },
    { "digest that is a number", REPO_TIMESTAMP, "\"sha256\":", "\"blake2b\":5,\"sha256\":", OTA_REJECT_TYPE, NULL },
    { "control byte in a string", REPO_TIMESTAMP, "\"version\"", "\"a\nb\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "NUL in a string", REPO_TIMESTAMP, "\"version\"", "\"a\\u0000b\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "lone surrogate", REPO_TIMESTAMP, "\"version\"", "\"\\ud800\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "overlong UTF-8", REPO_TIMESTAMP, "\"version\"", "\"\xc0\xaf\":1,\"version\"", OTA_REJECT_SYNTAX, NULL },
    { "same member with an escaped name", REPO_TIMESTAMP, "\"version\"", "\"\\u0076ersion\":1,\"version\"", OTA_REJECT_DUPLICATE,
      NULL },
    { "duplicate in a part that nobody reads", REPO_TIMESTAMP, "\"version\"",
      "\"x\":[{\"b\":{\"a\":1,\"c\":2,\"a\":3}}],\"version\"", OTA_REJECT_DUPLICATE, NULL },
    { "too deep", REPO_TIMESTAMP, "\"version\"", "\"x\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]],\"version\"", OTA_REJECT_LIMIT, NULL },
    { "snapshot without targets.json", REPO_SNAPSHOT, "\"targets.json\"", "\"target.json\"", OTA_REJECT_MISSING,
      "snapshot.signed.meta.targets" },
    { "snapshot of another version", REPO_SNAPSHOT, "34\",\"version\":2", "34\",\"version\":3", OTA_REJECT_VERSION,
      "snapshot.signed.version" },
    { "snapshot version 2^31", REPO_SNAPSHOT, "34\",\"version\":2", "34\",\"version\":2147483648", OTA_REJECT_VERSION,
      "snapshot.signed.version" },
    { "snapshot drops a role (tough CVE-2025-2887)", REPO_SNAPSHOT, "\"pub.json\"", "\"bup.json\"", OTA_REJECT_ROLLBACK,
      "snapshot.signed.meta" },
    { "targets of another version", REPO_TARGETS_ROLE, "34\",\"version\":2", "34\",\"version\":1", OTA_REJECT_VERSION,
      "targets.signed.version" },
    { "targets of type root", REPO_TARGETS_ROLE, "\"_type\":\"targets\"", "\"_type\":\"root\"", OTA_REJECT_TYPE,
      "targets.signed._type" },
    { "delegated role named root", REPO_TARGETS_ROLE, "\"name\":\"pub\"", "\"name\":\"root\"", OTA_REJECT_DELEGATION,
      "targets.signed.delegations.roles[0].name" },
    { "delegated role named targets", REPO_TARGETS_ROLE, "\"name\":\"pub\"", "\"name\":\"targets\"", OTA_REJECT_DELEGATION,
      "targets.signed.delegations.roles[0].name" },
    { "delegated role with a long name", REPO_TARGETS_ROLE, "\"name\":\"pub\"",
      "\"name\":\"a123456789a123456789a123456789a123456789a123456789a123456789abcd\"", OTA_REJECT_LIMIT,
      "targets.signed.delegations.roles[0].name" },
    { "delegation by path and by digest", REPO_TARGETS_ROLE,
      "\"paths\":", "\"path_hash_prefixes\":[],\"paths\":", OTA_REJECT_DELEGATION, "targets.signed.delegations.roles[0].paths" },
    { "delegation by nothing", REPO_TARGETS_ROLE, "\"paths\":", "\"_x\":", OTA_REJECT_DELEGATION,
      "targets.signed.delegations.roles[0].paths" },
    { "delegation with roles and bins", REPO_TARGETS_ROLE,
      "\"roles\":", "\"succinct_roles\":{\"bit_length\":1,\"keyids\":[],\"name_prefix\":\"b\",\"threshold\":1},\"roles\":",
      OTA_REJECT_DELEGATION, "targets.signed.delegations.roles" },
    { "path pattern that is too long", REPO_TARGETS_ROLE, "\"app/*\"",
      "\"*"
      "a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789a1"
      "23456789a123456789a123456789a123456789a123456789a123456789a123456789a123456789\"",
      OTA_REJECT_LIMIT, "targets.signed.delegations.roles[0].paths[0]" },
    { "pub of another version", PUB, "34\",\"version\":2", "34\",\"version\":3", OTA_REJECT_VERSION, "role pub: signed.version" },
    { "pub of type timestamp", PUB, "\"_type\":\"targets\"", "\"_type\":\"timestamp\"", OTA_REJECT_TYPE,
      "role pub: signed._type" },
    { "target of negative length", PUB, "\"length\":1000", "\"length\":-1", OTA_REJECT_VALUE,
      "role pub: signed.targets.app/one.length" },
    { "target of length 2^63", PUB, "\"length\":1000", "\"length\":9223372036854775808", OTA_REJECT_VALUE,
      "role pub: signed.targets.app/one.length" },
    { "target without length", PUB, "\"length\":1000", "\"size\":1000", OTA_REJECT_MISSING,
      "role pub: signed.targets.app/one.length" },
    { "target twice", PUB, "\"targets\":{", "\"targets\":{\"app/one\":{},", OTA_REJECT_DUPLICATE,
      "role pub: signed.targets.app/one" },
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

static void there_were_enough_cases(void **state)
{
    (void)state;
    expect_cases(490);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wrong_types_are_refused, setup_one),
        cmocka_unit_test_setup(absent_and_empty_fields_are_refused, setup_one),
        cmocka_unit_test_setup(numbers_are_judged_exactly, setup_one),
        cmocka_unit_test_setup(single_defects_are_refused, setup_one),
        cmocka_unit_test(there_were_enough_cases),
    };

    if (!open_world())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_world();
    return failed;
}
