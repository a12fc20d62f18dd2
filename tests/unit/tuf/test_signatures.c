/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures as they are written in metadata, DER in hexadecimal, and the ways in which that can be wrong. The verifiers
 * behind it have tests of their own (tests/contract/signature_vectors.h). */
#include "refusal.h"

enum { OTHER = 30 };

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

static const char *signature_of(const char *file, char *out, size_t cap)
{
    static char text[16384];
    const struct repo_file *f = tuf_repo_file(&repo, file);

    (void)snprintf(text, sizeof text, "%.*s", (int)f->len, (const char *)f->bytes);
    const char *at = strstr(text, "\"sig\":\"") + 7;

    (void)snprintf(out, cap, "%.*s", (int)(strchr(at, '"') - at), at);
    return out;
}

static void try_signature(const char *name, const char *sig, ota_err want)
{
    static char list[3000];
    struct repo_role *x = &repo.role[REPO_TIMESTAMP];

    tuf_store_copy(&store, &yesterday);
    start_client();
    (void)snprintf(list, sizeof list, "{\"keyid\":\"%s\",\"sig\":\"%s\"}", repo.key[x->key[0]].id, sig);
    x->signs = 0;
    x->sigs = list;
    tuf_repo_publish(&repo);
    expect(name, want, want == OTA_DONE ? NULL : "timestamp.signatures");
}

/* r and s as two integers of the body, from the hexadecimal text of a signature. */
struct der {
    char r[200], s[200];
};

static struct der split(const char *hex)
{
    struct der d;
    unsigned len;

    (void)sscanf(hex + 6, "%2x", &len);
    (void)snprintf(d.r, sizeof d.r, "%.*s", (int)(2 * len), hex + 8);
    hex += 8 + 2 * len;
    (void)sscanf(hex + 2, "%2x", &len);
    (void)snprintf(d.s, sizeof d.s, "%.*s", (int)(2 * len), hex + 4);
    return d;
}

/* A sequence of what is given: tag and length first. */
static const char *sequence(const char *body)
{
    static char out[900];

    (void)snprintf(out, sizeof out, "30%02zx%s", strlen(body) / 2, body);
    return out;
}

static const char *integers(const char *r, const char *s, const char *behind)
{
    static char body[800];

    (void)snprintf(body, sizeof body, "02%02zx%s02%02zx%s%s", strlen(r) / 2, r, strlen(s) / 2, s, behind);
    return sequence(body);
}

static void try_integers(int kind, const char *r, const char *s)
{
    static const char *const n[] = { "00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
                                     "00ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973" };
    const char *const z = "00";
    char longer[420];

    try_signature("r = 0", integers(z, s, ""), OTA_REJECT_SIGNATURE);
    try_signature("s = 0", integers(r, z, ""), OTA_REJECT_SIGNATURE);
    try_signature("r = n", integers(n[kind], s, ""), OTA_REJECT_SIGNATURE);
    try_signature("s = n", integers(r, n[kind], ""), OTA_REJECT_SIGNATURE);
    try_signature("r = s = 1", integers("01", "01", ""), OTA_REJECT_SIGNATURE);
    try_signature("r = -1", integers("ff", s, ""), OTA_REJECT_SIGNATURE);
    try_signature("s negative", integers(r, "80", ""), OTA_REJECT_SIGNATURE);
    try_signature("swapped", integers(s, r, ""), OTA_REJECT_SIGNATURE);
    try_signature("no r", integers("", s, ""), OTA_REJECT_SIGNATURE);
    try_signature("no s", integers(r, "", ""), OTA_REJECT_SIGNATURE);
    (void)snprintf(longer, sizeof longer, "00%s", r);
    try_signature("r with a zero too many", integers(longer, s, ""), OTA_REJECT_SIGNATURE);
    (void)snprintf(longer, sizeof longer, "00%s", s);
    try_signature("s with a zero too many", integers(r, longer, ""), OTA_REJECT_SIGNATURE);
    (void)snprintf(longer, sizeof longer, "7f%s", strncmp(r, z, 2) ? r : r + 2);
    try_signature("r too large", integers(longer, s, ""), OTA_REJECT_SIGNATURE);
    (void)snprintf(longer, sizeof longer, "7f%s", strncmp(s, z, 2) ? s : s + 2);
    try_signature("s too large", integers(r, longer, ""), OTA_REJECT_SIGNATURE);
}

static void try_structure(const char *good, const char *r, const char *s)
{
    static char bad[2100];
    const char *const z = "00";

    try_signature("a third integer", integers(r, s, "020101"), OTA_REJECT_SIGNATURE);
    try_signature("a byte behind, in the sequence", integers(r, s, z), OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "%s00", good);
    try_signature("a byte behind the sequence", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "%.*s", (int)strlen(good) - 2, good);
    try_signature("the last byte missing", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "3081%s", good + 2);
    try_signature("length in two bytes", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "3080%s0000", good + 4);
    try_signature("no length", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "31%s", good + 2);
    try_signature("a set", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "%.4s03%s", good, good + 6);
    try_signature("r as a bit string", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "%.4s0281%s", good, good + 6);
    try_signature("length of r in two bytes", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "%.4s027f%s", good, good + 8);
    try_signature("r longer than all", bad, OTA_REJECT_SIGNATURE);
    try_signature("raw", strcat(strcpy(bad, strncmp(r, z, 2) ? r : r + 2), strncmp(s, z, 2) ? s : s + 2), OTA_REJECT_SIGNATURE);
    try_signature("one byte", "30", OTA_REJECT_SIGNATURE);
    try_signature("an empty sequence", "3000", OTA_REJECT_SIGNATURE);
    try_signature("only r", sequence("020101"), OTA_REJECT_SIGNATURE);
    try_signature("nothing", "", OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "%.*s", (int)strlen(good) - 1, good);
    try_signature("half a byte missing", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "0x%s", good);
    try_signature("0x before", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, " %s", good);
    try_signature("a space before", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "3081ff%0508d", 0);
    try_signature("too long for ECDSA", bad, OTA_REJECT_SIGNATURE);
    (void)snprintf(bad, sizeof bad, "%01026d", 0);
    try_signature("longer than any", bad, OTA_REJECT_SIGNATURE);
}

static void der_is_read_strictly(void **state)
{
    static char good[1100], upper[1100];

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        begin(false);
        today();
        if (kind) {
            tuf_repo_key(&repo, OTHER, REPO_P384);
            repo.role[REPO_TIMESTAMP].key[0] = repo.role[REPO_TIMESTAMP].sign[0] = OTHER;
        }
        tuf_repo_publish(&repo);
        (void)signature_of("timestamp.json", good, sizeof good);
        struct der d = split(good);
        try_signature("as it is", integers(d.r, d.s, ""), OTA_DONE);
        for (char *c = strcpy(upper, good); *c; c++)
            *c = (char)(*c >= 'a' ? *c - 32 : *c);
        try_signature("in upper case", upper, OTA_DONE);
        try_integers(kind, d.r, d.s);
        try_structure(good, d.r, d.s);
    }
}

static void other_signatures_are_read_strictly(void **state)
{
    static char good[1100], bad[1200];
    uint8_t secret[64], public[32];

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        begin(false);
        today();
        if (kind && !repo_ed25519_pair(secret, public))
            return;
        repo.key[OTHER + 1 + kind].secret_len = 0;
        tuf_repo_key(&repo, OTHER + 1 + kind, kind ? REPO_ED25519 : REPO_RSA);
        repo.role[REPO_TIMESTAMP].key[0] = repo.role[REPO_TIMESTAMP].sign[0] = (uint8_t)(OTHER + 1 + kind);
        tuf_repo_publish(&repo);
        (void)signature_of("timestamp.json", good, sizeof good);
        try_signature("as it is", good, OTA_DONE);
        (void)snprintf(bad, sizeof bad, "%s00", good);
        try_signature("a byte behind", bad, OTA_REJECT_SIGNATURE);
        (void)snprintf(bad, sizeof bad, "00%s", good);
        try_signature("a byte before", bad, OTA_REJECT_SIGNATURE);
        (void)snprintf(bad, sizeof bad, "%.*s", (int)strlen(good) - 2, good);
        try_signature("the last byte missing", bad, OTA_REJECT_SIGNATURE);
        (void)snprintf(bad, sizeof bad, "%s", good);
        bad[3] = bad[3] == '0' ? '1' : '0';
        try_signature("another byte", bad, OTA_REJECT_SIGNATURE);
        (void)snprintf(bad, sizeof bad, "%0*d", (int)strlen(good), 0);
        try_signature("zeros", bad, OTA_REJECT_SIGNATURE);
        try_signature("nothing", "", OTA_REJECT_SIGNATURE);
        try_signature("one byte", "30", OTA_REJECT_SIGNATURE);
    }
}

static void there_were_enough_cases(void **state)
{
    (void)state;
    expect_cases(80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(der_is_read_strictly),
        cmocka_unit_test(other_signatures_are_read_strictly),
        cmocka_unit_test(there_were_enough_cases),
    };

    if (!open_world())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_world();
    return failed;
}
