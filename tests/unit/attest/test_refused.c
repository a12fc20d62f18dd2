/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence that is signed by the right key, and wrong: refused by name. */
#include "evidence.h"

/* ---- tokens that are signed, and wrong ---- */

/* A COSE token with this payload, signed. */
static size_t cose_of(const void *payload, size_t len, const char *header)
{
    struct otai_out o = { token, sizeof token, 0 };
    uint8_t digest[32], sig[64];

    assert_int_equal(otai_cose_digest(crypto, (struct otai_span){ payload, len }, digest), OTA_OK);
    assert_int_equal(sign(&signer, digest, sig), OTA_OK);
    otai_cbor_head(&o, OTAI_CBOR_TAG, 18);
    otai_cbor_head(&o, OTAI_CBOR_ARRAY, 4);
    otai_cbor_bytes(&o, header, strlen(header));
    otai_cbor_head(&o, OTAI_CBOR_MAP, 1);
    otai_cbor_int(&o, 4);
    otai_cbor_bytes(&o, "kid", 3);
    otai_cbor_bytes(&o, payload, len);
    otai_cbor_bytes(&o, sig, sizeof sig);
    return o.len;
}

/* Claims, made here member by member; the one called `wrong` is made by `make` instead (NULL: left out). */
struct made {
    uint8_t bytes[2048];
    struct otai_out o;
    uint64_t count;
};

static void put_entry_map(struct otai_out *o, unsigned members, const char *what, size_t digest)
{
    static const uint8_t zero[40];

    otai_cbor_head(o, OTAI_CBOR_MAP, members);
    otai_cbor_int(o, OTAI_ENTRY_TYPE), otai_cbor_text(o, what);
    otai_cbor_int(o, OTAI_ENTRY_DIGEST), otai_cbor_bytes(o, zero, digest);
    otai_cbor_int(o, OTAI_ENTRY_SIGNER), otai_cbor_bytes(o, zero, 32);
}

static void put_member(struct otai_out *o, int64_t claim)
{
    const struct ota_claims c = some_claims();

    otai_cbor_int(o, claim);
    switch (claim) {
    case OTAI_CLAIM_NONCE:
        otai_cbor_bytes(o, c.nonce, 32);
        break;
    case OTAI_CLAIM_INSTANCE:
        otai_cbor_bytes(o, c.instance, sizeof c.instance);
        break;
    case OTAI_CLAIM_PROFILE:
        otai_cbor_text(o, OTA_ATTEST_PROFILE_COSE);
        break;
    case OTAI_CLAIM_CLIENT:
        otai_cbor_int(o, -1);
        break;
    case OTAI_CLAIM_LIFECYCLE:
        otai_cbor_int(o, 0x3000);
        break;
    case OTAI_CLAIM_IMPLEMENTATION:
        otai_cbor_bytes(o, c.implementation, 32);
        break;
    case OTAI_CLAIM_STRENGTH:
        otai_cbor_text(o, "hw");
        break;
    case OTAI_CLAIM_BOOT_SEED:
        otai_cbor_bytes(o, c.boot_seed, 8);
        break;
    default:
        otai_cbor_head(o, OTAI_CBOR_ARRAY, 1), put_entry_map(o, 3, "image/os", 32);
        break;
    }
}

static const int64_t all_claims[] = { OTAI_CLAIM_STRENGTH,       OTAI_CLAIM_NONCE,     OTAI_CLAIM_INSTANCE,
                                      OTAI_CLAIM_PROFILE,        OTAI_CLAIM_CLIENT,    OTAI_CLAIM_LIFECYCLE,
                                      OTAI_CLAIM_IMPLEMENTATION, OTAI_CLAIM_BOOT_SEED, OTAI_CLAIM_COMPONENTS };
#define CLAIMS (sizeof all_claims / sizeof *all_claims)

/* All claims but `without`, and `extra`, which are count more members. */
static ota_err read_claims(int64_t without, const void *extra, size_t extra_len, unsigned count)
{
    uint8_t payload[2048];
    struct otai_out o = { payload, sizeof payload, 0 };

    otai_cbor_head(&o, OTAI_CBOR_MAP, CLAIMS - (without != 0) + count);
    for (size_t i = 0; i < CLAIMS; i++)
        if (all_claims[i] != without)
            put_member(&o, all_claims[i]);
    otai_out_bytes(&o, extra, extra_len);
    return read_token(OTA_TOKEN_COSE, cose_of(payload, o.len, "\xa1\x01\x26"));
}

/* The claim given another value. */
static ota_err read_with(int64_t claim, const void *value, size_t len)
{
    uint8_t extra[256];
    struct otai_out o = { extra, sizeof extra, 0 };

    otai_cbor_int(&o, claim);
    otai_out_bytes(&o, value, len);
    return read_claims(claim, extra, o.len, 1);
}
#define WITH(claim, text) read_with(claim, text, sizeof(text) - 1)

#define REFUSED_AT(err, place, call)                                                                                             \
    do {                                                                                                                         \
        assert_int_equal(call, err);                                                                                             \
        assert_string_equal(fault.where, place);                                                                                 \
        is_nothing();                                                                                                            \
    } while (0)

static void claims_in_any_order_and_unknown_ones_are_read(void **state)
{
    (void)state;
    assert_int_equal(read_claims(0, NULL, 0, 0), OTA_OK);
    assert_int_equal(claims.strength, OTA_STRENGTH_HW);
    assert_int_equal(read_log.count, 1);
    assert_int_equal(read_claims(OTAI_CLAIM_BOOT_SEED, NULL, 0, 0), OTA_OK);
    assert_int_equal(read_claims(OTAI_CLAIM_COMPONENTS, NULL, 0, 0), OTA_OK);
    assert_int_equal(read_log.count, 0);
    /* 300: [1, {"a": -2, h'00': 1(true)}], "x": 1.5 */
    assert_int_equal(read_claims(0, "\x19\x01\x2c\x82\x01\xa2\x61\x61\x21\x41\x00\xc1\xf5\x61x\xf9\x3e\x00", 18, 2), OTA_OK);
}

static void each_claim_is_required_once(void **state)
{
    static const struct {
        int64_t claim;
        const char *where;
    } required[] = { { OTAI_CLAIM_NONCE, "evidence.nonce" },         { OTAI_CLAIM_INSTANCE, "evidence.instance" },
                     { OTAI_CLAIM_PROFILE, "evidence.profile" },     { OTAI_CLAIM_CLIENT, "evidence.client_id" },
                     { OTAI_CLAIM_LIFECYCLE, "evidence.lifecycle" }, { OTAI_CLAIM_IMPLEMENTATION, "evidence.implementation" },
                     { OTAI_CLAIM_STRENGTH, "evidence.strength" } };

    (void)state;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        REFUSED_AT(OTA_REJECT_MISSING, required[i].where, read_claims(required[i].claim, NULL, 0, 0));
    for (size_t i = 0; i < CLAIMS; i++) {
        uint8_t twice[256];
        struct otai_out o = { twice, sizeof twice, 0 };

        put_member(&o, all_claims[i]);
        assert_int_equal(read_claims(0, twice, o.len, 1), OTA_REJECT_DUPLICATE);
        is_nothing();
    }
}

static void wrong_values_are_refused_by_name(void **state)
{
    (void)state;
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.nonce", WITH(OTAI_CLAIM_NONCE, "\x01"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.nonce",
               WITH(OTAI_CLAIM_NONCE, "\x58\x1f"
                                      "0123456789012345678901234567890"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.nonce",
               WITH(OTAI_CLAIM_NONCE, "\x58\x21"
                                      "012345678901234567890123456789012"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.instance", WITH(OTAI_CLAIM_INSTANCE, "\x41\x01"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.instance",
               WITH(OTAI_CLAIM_INSTANCE, "\x58\x21"
                                         "012345678901234567890123456789012"));
    REFUSED_AT(OTA_REJECT_SPEC, "evidence.profile", WITH(OTAI_CLAIM_PROFILE, "\x63urn"));
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.client_id", WITH(OTAI_CLAIM_CLIENT, "\x60"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.client_id", WITH(OTAI_CLAIM_CLIENT, "\x00"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.client_id", WITH(OTAI_CLAIM_CLIENT, "\x1a\x80\x00\x00\x00"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.client_id", WITH(OTAI_CLAIM_CLIENT, "\x3a\x80\x00\x00\x00"));
    REFUSED_AT(OTA_REJECT_LIMIT, "evidence.client_id", WITH(OTAI_CLAIM_CLIENT, "\x1b\x80\x00\x00\x00\x00\x00\x00\x00"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.lifecycle", WITH(OTAI_CLAIM_LIFECYCLE, "\x20"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.lifecycle", WITH(OTAI_CLAIM_LIFECYCLE, "\x1a\x00\x01\x00\x00"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.lifecycle", WITH(OTAI_CLAIM_LIFECYCLE, "\x19\x61\x00"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.lifecycle", WITH(OTAI_CLAIM_STRENGTH, "\x64soft")); /* soft, and secured? */
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.strength", WITH(OTAI_CLAIM_STRENGTH, "\x64none"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.implementation", WITH(OTAI_CLAIM_IMPLEMENTATION, "\x41\x00"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.boot_seed",
               WITH(OTAI_CLAIM_BOOT_SEED, "\x47"
                                          "0123456"));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence.boot_seed", WITH(OTAI_CLAIM_BOOT_SEED, "\x5f\xff")); /* indefinite length */
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.log", WITH(OTAI_CLAIM_COMPONENTS, "\x40"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", WITH(OTAI_CLAIM_COMPONENTS, "\x80"));
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.log", WITH(OTAI_CLAIM_COMPONENTS, "\x81\x01"));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.log", WITH(OTAI_CLAIM_COMPONENTS, "\x81\xa0"));
}

static ota_err read_entry(unsigned members, const char *what, size_t digest, const void *more, size_t len, int twice)
{
    uint8_t value[512];
    struct otai_out o = { value, sizeof value, 0 };

    otai_cbor_head(&o, OTAI_CBOR_ARRAY, 1u + (twice != 0));
    for (int i = 0; i <= twice; i++) {
        put_entry_map(&o, members, what, digest);
        otai_out_bytes(&o, more, len);
    }
    return read_with(OTAI_CLAIM_COMPONENTS, value, o.len);
}

static void wrong_entries_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_entry(4, "trust/os", 32,
                                "\x04\x61"
                                "1",
                                3, 0),
                     OTA_OK);
    assert_int_equal(read_entry(5, "trust/os", 32,
                                "\x06\x61"
                                "d\x39\x01\x00\x80",
                                7, 0),
                     OTA_OK); /* 6 is known to others, -257 to nobody */
    assert_int_equal(read_entry(4, "trust/os", 32, "\x00\x80", 2, 0), OTA_OK);
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(3, "os", 32, NULL, 0, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(3, "", 32, NULL, 0, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(3, "BL/os", 32, NULL, 0, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(3, "image/", 32, NULL, 0, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(3, "image/a-name-that-is-much-too-long-for-it", 32, NULL, 0, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(3, "image/os", 31, NULL, 0, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(3, "image/os", 33, NULL, 0, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log", read_entry(4, "image/os", 32, "\x04\x61\x00", 3, 0));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.log",
               read_entry(4, "image/os", 32,
                          "\x04\x78\x20"
                          "01234567890123456789012345678901",
                          35, 0));
    REFUSED_AT(OTA_REJECT_DUPLICATE, "evidence.log", read_entry(4, "image/os", 32, "\x01\x68image/os", 10, 0));
    REFUSED_AT(OTA_REJECT_DUPLICATE, "evidence.log", read_entry(3, "image/os", 32, NULL, 0, 1));
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.log", read_entry(4, "image/os", 32, "\x61x\x01", 3, 0)); /* a text as key */
}

static void more_entries_than_a_log_holds_are_refused(void **state)
{
    uint8_t payload[4096];
    struct otai_out o = { payload, sizeof payload, 0 };

    (void)state;
    otai_cbor_head(&o, OTAI_CBOR_MAP, CLAIMS);
    for (size_t i = 0; i + 1 < CLAIMS; i++)
        put_member(&o, all_claims[i]);
    otai_cbor_int(&o, OTAI_CLAIM_COMPONENTS);
    otai_cbor_head(&o, OTAI_CBOR_ARRAY, OTA_ATTEST_LOG_MAX + 1);
    for (int i = 0; i <= OTA_ATTEST_LOG_MAX; i++) {
        char what[] = "image/a";
        what[6] = (char)('a' + i);
        put_entry_map(&o, 3, what, 32);
    }
    REFUSED_AT(OTA_REJECT_LIMIT, "evidence.log", read_token(OTA_TOKEN_COSE, cose_of(payload, o.len, "\xa1\x01\x26")));
}

static void broken_cbor_is_refused(void **state)
{
    uint8_t huge[] = "\x19\x01\x2c\x9b\xff\xff\xff\xff\xff\xff\xff\xff";
    uint8_t nested[300];

    (void)state;
    REFUSED_AT(OTA_REJECT_LIMIT, "evidence", read_claims(0, huge, sizeof huge - 1, 1)); /* an array of 2^64 - 1 */
    huge[3] = 0xbb;                                                                     /* a map of as many */
    REFUSED_AT(OTA_REJECT_LIMIT, "evidence", read_claims(0, huge, sizeof huge - 1, 1));
    huge[3] = 0x5b; /* and bytes */
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_claims(0, huge, sizeof huge - 1, 1));
    huge[3] = 0x9c; /* reserved */
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_claims(0, huge, sizeof huge - 1, 1));
    memcpy(nested, huge, 3);
    memset(nested + 3, 0x81, sizeof nested - 3); /* arrays in arrays, and no end */
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_claims(0, nested, sizeof nested, 1));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_claims(0, "\x00", 1, 0)); /* bytes behind the claims */
    REFUSED_AT(OTA_REJECT_TYPE, "evidence", read_token(OTA_TOKEN_COSE, cose_of("\x80", 1, "\xa1\x01\x26")));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_token(OTA_TOKEN_COSE, cose_of("\xa1\x19", 2, "\xa1\x01\x26")));
    REFUSED_AT(OTA_REJECT_SPEC, "evidence", read_token(OTA_TOKEN_COSE, cose_of("\xa0", 1, "\xa1\x01\x27"))); /* EdDSA */
    REFUSED_AT(OTA_REJECT_SPEC, "evidence", read_token(OTA_TOKEN_COSE, cose_of("\xa0", 1, "")));
    size_t len = cose_of("\xa0", 1, "\xa1\x01\x26");
    token[0] = 0xd1; /* COSE_Mac0 */
    REFUSED_AT(OTA_REJECT_TYPE, "evidence", read_token(OTA_TOKEN_COSE, len));
    token[0] = 0xd2;
    token[1] = 0x83;
    REFUSED_AT(OTA_REJECT_TYPE, "evidence", read_token(OTA_TOKEN_COSE, len));
}

/* A JWT of this header and body, signed. */
static size_t jwt_of(const char *header, const char *body)
{
    struct otai_out o = { token, sizeof token, 0 };
    uint8_t digest[32], sig[64];

    otai_put_base64url(&o, (const uint8_t *)header, strlen(header));
    otai_out_text(&o, ".");
    otai_put_base64url(&o, (const uint8_t *)body, strlen(body));
    const struct otai_span all = { token, o.len };
    assert_int_equal(otai_hash(crypto, &all, 1, digest), OTA_OK);
    assert_int_equal(sign(&signer, digest, sig), OTA_OK);
    otai_out_text(&o, ".");
    otai_put_base64url(&o, sig, sizeof sig);
    return o.len;
}
#define ES256 "{\"alg\":\"ES256\"}"

/* The body of a good token with one text replaced by another. */
static ota_err read_body(const char *old, const char *new)
{
    const struct ota_claims c = some_claims();
    const struct ota_attest_log log = some_log();
    struct otai_span rest = { token, write_token(OTA_TOKEN_JWT, &c, &log) };
    static char text[8192], changed[8192];
    const uint8_t *begin = (const uint8_t *)memchr(rest.p, '.', rest.len) + 1;
    const uint8_t *end = memchr(begin, '.', rest.len - (size_t)(begin - rest.p));
    size_t len;

    assert_true(otai_base64url_decode((struct otai_span){ begin, (size_t)(end - begin) }, (uint8_t *)text, &len));
    text[len] = '\0';
    char *at = strstr(text, old);
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    return read_token(OTA_TOKEN_JWT, jwt_of(ES256, changed));
}

/* A payload that ends where a key should be, and a text that is none. */
static void claims_that_end_too_early(void **state)
{
    (void)state;
    assert_int_equal(read_claims(0, "", 0, 1), OTA_REJECT_SYNTAX);
    is_nothing();
    assert_int_equal(read_with(OTAI_CLAIM_COMPONENTS, "\x81\xa4\x01\x68image/os\x04\x05", 14), OTA_REJECT_TYPE);
    is_nothing();
}

/* ---- small parts ---- */

static void numbers_of_every_length(void **state)
{
    static const uint64_t values[] = { 0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX };
    static const size_t lens[] = { 1, 1, 2, 2, 3, 3, 5, 5, 9, 9 };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t bytes[16];
        struct otai_out o = { bytes, sizeof bytes, 0 };
        struct otai_cbor r;

        otai_cbor_head(&o, OTAI_CBOR_UINT, values[i]);
        assert_int_equal(o.len, lens[i]);
        otai_cbor_init(&r, bytes, o.len);
        assert_true(otai_cbor_take(&r, OTAI_CBOR_UINT) == values[i]);
        otai_cbor_end(&r);
        assert_int_equal(r.err, OTA_OK);
    }
}

static void names_that_are_none(void **state)
{
    static const char *const bad[] = { "", ":", "a:", "a_b", "A", "a{", "a/b" };
    struct ota_measurement m = measurement(OTA_MEASURED_IMAGE, "os", "1", 1);
    uint8_t digest[OTA_SHA256_LEN];

    (void)state;
    assert_int_equal(ota_attest_digest(crypto, &m, digest), OTA_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(otai_copy(m.name, sizeof m.name, bad[i]));
        assert_int_equal(ota_attest_digest(crypto, &m, digest), OTA_USAGE_ARGUMENT);
    }
    memset(m.name, 'a', sizeof m.name); /* without an end */
    assert_int_equal(ota_attest_digest(crypto, &m, digest), OTA_USAGE_ARGUMENT);
}

/* One name may be an image's and a configuration's: each has references of its own. */
static void references_of_a_kind_and_a_name(void **state)
{
    const struct ota_measurement image = measurement(OTA_MEASURED_IMAGE, "os", "1", 1);
    struct ota_reference refs[] = { { OTA_MEASURED_CONFIG, "os", { 0 }, false }, { OTA_MEASURED_IMAGE, "app", { 0 }, false },
                                    { OTA_MEASURED_IMAGE, "os", { 0 }, true } };
    struct ota_attest_log log = { 0 };

    (void)state;
    assert_int_equal(ota_attest_extend(&log, crypto, &image), OTA_OK);
    memcpy(refs[2].digest, image.digest, sizeof image.digest);
    assert_int_equal(ota_attest_appraise(&log, refs, 3, &fault), OTA_OK);
    memcpy(refs[0].digest, image.digest, sizeof image.digest);
    memcpy(refs[1].digest, image.digest, sizeof image.digest);
    assert_int_equal(ota_attest_appraise(&log, refs, 2, &fault), OTA_REJECT_TARGET);
    assert_string_equal(fault.where, "image/os");
}

static void wrong_json_is_refused_by_name(void **state)
{
    char longer[160];

    (void)state;
    (void)snprintf(longer, sizeof longer, "\"ueid\":\"%0120d\",\"u\":\"", 0); /* more than any of them has */
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ueid", read_body("\"ueid\":\"", longer));
    (void)snprintf(longer, sizeof longer, "\"bootseed\":\"%.*s\",\"u\":\"", 48, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"); /* 36 bytes */
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.bootseed", read_body("\"bootseed\":\"", longer));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence.ota.client_id", read_body("\"client_id\":-1", "\"client_id\":"));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence.ota.client_id", read_body("\"client_id\":-1", "\"client_id\":-"));
    assert_int_equal(read_body("{\"eat_profile\"", "{ \"more\" : [1,{}], \"eat_profile\""), OTA_OK);
    assert_int_equal(read_body("\"client_id\":-1", "\"new\":1,\"client_id\":5"), OTA_OK);
    assert_int_equal(claims.client_id, 5);
    assert_int_equal(read_body("\"version\":\"1.2.0\"", "\"version\":\"1.2.0\",\"x\":null"), OTA_OK);
    REFUSED_AT(OTA_REJECT_SPEC, "evidence.eat_profile", read_body("evidence:1", "evidence:2"));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.eat_profile", read_body("eat_profile", "eat_profil"));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.ueid", read_body("ueid", "uei"));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.ota.strength", read_body("strength", "length"));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.ota.log[0].signer", read_body("signer", "sign"));
    REFUSED_AT(OTA_REJECT_DUPLICATE, "evidence.ueid", read_body("\"ota\":", "\"ueid\":1,\"ota\":"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.nonce", read_body("\"eat_nonce\":\"", "\"eat_nonce\":\"AAAA")); /* 35 bytes */
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.eat_nonce", read_body("\"eat_nonce\":\"", "\"eat_nonce\":\"\",\"n\":\""));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.eat_nonce", read_body("\"eat_nonce\":\"", "\"eat_nonce\":\"*"));
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.eat_nonce", read_body("\"eat_nonce\":", "\"eat_nonce\":1,\"n\":"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ueid", read_body("\"ueid\":\"A", "\"ueid\":\"\",\"u\":\""));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.bootseed", read_body("\"bootseed\":\"", "\"bootseed\":\"AAAA\",\"u\":\""));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.client_id", read_body("\"client_id\":-1", "\"client_id\":0"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.client_id", read_body("\"client_id\":-1", "\"client_id\":2147483648"));
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.ota.client_id", read_body("\"client_id\":-1", "\"client_id\":\"-1\""));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.lifecycle", read_body("\"lifecycle\":12288", "\"lifecycle\":65536"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.lifecycle", read_body("\"lifecycle\":12288", "\"lifecycle\":24832"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.strength", read_body("\"tpm\"", "\"none\""));
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.ota.strength", read_body("\"tpm\"", "3"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.lifecycle", read_body("\"tpm\"", "\"soft\""));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.implementation", read_body("5a5a", "5A5a"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.log[0].what", read_body("boot/supervisor", "booth/supervisor"));
    REFUSED_AT(OTA_REJECT_TYPE, "evidence.ota.log[0].what", read_body("\"boot/supervisor\"", "{}"));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.log[0]", read_body("boot/supervisor", "boot/Supervisor"));
    REFUSED_AT(OTA_REJECT_DUPLICATE, "evidence.ota.log[3]", read_body("trust/product", "image/os"));
    REFUSED_AT(OTA_REJECT_LIMIT, "evidence.ota.log[0].version", read_body("\"1.2.0\"", "\"01234567890123456789012345678901\""));
    REFUSED_AT(OTA_REJECT_VALUE, "evidence.ota.log[0]", read_body("\"1.2.0\"", "\"a \\\" b\""));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.eat_profile", read_body("{\"eat_profile\"", "{} {\"eat_profile\""));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_body("]}}", "]}} {}"));
}

static void a_jwt_of_another_algorithm_is_refused(void **state)
{
    (void)state;
    REFUSED_AT(OTA_REJECT_SPEC, "evidence", read_token(OTA_TOKEN_JWT, jwt_of("{\"alg\":\"none\"}", "{}")));
    REFUSED_AT(OTA_REJECT_SPEC, "evidence", read_token(OTA_TOKEN_JWT, jwt_of("{}", "{}")));
    REFUSED_AT(OTA_REJECT_SPEC, "evidence", read_token(OTA_TOKEN_JWT, jwt_of("{\"alg\":\"ES256\",\"crit\":[\"x\"]}", "{}")));
    REFUSED_AT(OTA_REJECT_SPEC, "evidence", read_token(OTA_TOKEN_JWT, jwt_of("{\"alg\":\"ES256\"", "{}")));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.eat_profile", read_token(OTA_TOKEN_JWT, jwt_of(ES256, "{}")));
    memcpy(token, "a.b.c", 5);
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_token(OTA_TOKEN_JWT, 3));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_token(OTA_TOKEN_JWT, 0));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_token(OTA_TOKEN_JWT, 5));
    size_t len = jwt_of(ES256, "{}");
    memmove(token + len, "A", 1); /* four digits too many for a signature */
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_token(OTA_TOKEN_JWT, len + 1));
}

/* Signed texts whose parts are no base64url. */
static ota_err read_signed_text(const char *text)
{
    struct otai_out o = { token, sizeof token, 0 };
    uint8_t digest[32], sig[64];

    otai_out_text(&o, text);
    const struct otai_span all = { token, o.len };
    assert_int_equal(otai_hash(crypto, &all, 1, digest), OTA_OK);
    assert_int_equal(sign(&signer, digest, sig), OTA_OK);
    otai_out_text(&o, ".");
    otai_put_base64url(&o, sig, sizeof sig);
    return read_token(OTA_TOKEN_JWT, o.len);
}

static void only_one_text_for_the_same_bytes(void **state)
{
    (void)state;
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_signed_text("e*.e30"));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_signed_text("eyJhbGciOiJFUzI1NiJ9.e3="));
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_signed_text("eyJhbGciOiJFUzI1NiJ9.e31")); /* a bit behind the last byte */
    REFUSED_AT(OTA_REJECT_SYNTAX, "evidence", read_signed_text("eyJhbGciOiJFUzI1NiJ9.e30AA"));
    REFUSED_AT(OTA_REJECT_MISSING, "evidence.eat_profile", read_signed_text("eyJhbGciOiJFUzI1NiJ9.e30"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_in_any_order_and_unknown_ones_are_read),
        cmocka_unit_test(each_claim_is_required_once),
        cmocka_unit_test(wrong_values_are_refused_by_name),
        cmocka_unit_test(wrong_entries_are_refused),
        cmocka_unit_test(more_entries_than_a_log_holds_are_refused),
        cmocka_unit_test(broken_cbor_is_refused),
        cmocka_unit_test(wrong_json_is_refused_by_name),
        cmocka_unit_test(claims_that_end_too_early),
        cmocka_unit_test(numbers_of_every_length),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(references_of_a_kind_and_a_name),
        cmocka_unit_test(a_jwt_of_another_algorithm_is_refused),
        cmocka_unit_test(only_one_text_for_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
