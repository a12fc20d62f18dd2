/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: what is good, and everything that is none. */
#include "capability_owners.h"

static void each_kind_and_use_is_taken(void **state)
{
    (void)state;
    make(GOOD, 3);
    assert_int_equal(judge(), OTA_OK);
    assert_int_equal(cap.kind, OTA_CAPABILITY_SERVICING);
    assert_int_equal(cap.use, OTA_CAPABILITY_PERSISTENT);
    assert_string_equal(cap.device, "dev-1");
    assert_int_equal(cap.expires_s, 1801440000);
    make(ONCE, 6);
    assert_int_equal(judge(), OTA_OK);
    assert_int_equal(cap.kind, OTA_CAPABILITY_DEVELOPMENT);
    assert_int_equal(cap.use, OTA_CAPABILITY_ONCE);
    assert_int_equal(cap.counter, 5);
    make("{\"_type\":\"capability\",\"device\":\"dev-1\",\"expires\":\"" LATER "\",\"kind\":\"servicing\",\"session\":\"" SESSION
         "\",\"spec_version\":\"1\",\"use\":\"session\"}",
         7);
    assert_int_equal(judge(), OTA_OK);
    assert_int_equal(cap.use, OTA_CAPABILITY_SESSION);
    assert_memory_equal(cap.session, session, 32);
    /* Other spacing, other order, and members that the envelope has in addition: what is signed is the same. */
    make(GOOD, 5);
    char *p = strstr(file, "\"signed\":{");
    memmove(p + 12, p + 10, file_len - (size_t)(p - file) - 10);
    memcpy(p + 10, " \n", 2);
    file_len += 2;
    assert_int_equal(judge(), OTA_OK);
}

static void too_few_or_other_signatures_are_refused(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 8; who++) {
        unsigned count = (who & 1) + (who >> 1 & 1) + (who >> 2 & 1);

        make(GOOD, who);
        if (count >= 2)
            assert_int_equal(judge(), OTA_OK);
        else
            BAD(OTA_REJECT_SIGNATURE, "capability.signatures");
    }
    make(GOOD, 7); /* the third owner is none of this device's */
    check.key_count = 2;
    assert_int_equal(judge(), OTA_OK);
    make(GOOD, 4 + 1);
    BAD(OTA_REJECT_SIGNATURE, "capability.signatures");
    set_up(state);
    make(GOOD, 1); /* one signature twice counts once, and is named */
    char *p = strstr(file, "],\"signed\"");
    char one[400];
    sign(0, GOOD, one);
    memmove(p + strlen(one) + 1, p, file_len - (size_t)(p - file));
    p[0] = ',';
    memcpy(p + 1, one, strlen(one));
    file_len += strlen(one) + 1;
    BAD(OTA_REJECT_DUPLICATE, "capability.signatures[1]");
}

/* One bit of any byte, one at a time: never accepted as something else. */
static void every_byte_counts(void **state)
{
    static char whole[8192];

    (void)state;
    make(GOOD, 3);
    memcpy(whole, file, file_len);
    const char *doc = strstr(whole, "\"signed\":");
    uint32_t refused = 0;
    for (size_t i = 0; i < file_len; i++) {
        memcpy(file, whole, file_len);
        file[i] ^= 1;
        ota_err err = judge();

        refused += err != OTA_OK;
        if (err == OTA_OK) /* hexadecimal digits of a signature have two cases; nothing else has two forms */
            fail_msg("byte %zu: %c -> %c", i, whole[i], file[i]);
    }
    assert_int_equal(refused, file_len);
    assert_non_null(doc);
}

static void cut_anywhere_it_is_none(void **state)
{
    (void)state;
    make(ONCE, 3);
    size_t whole = file_len;
    for (file_len = 0; file_len < whole; file_len++) {
        ota_err err = judge();

        assert_true(err == OTA_REJECT_SYNTAX || err == OTA_REJECT_TYPE); /* TYPE: the end, where a value should be */
        struct ota_capability shown;
        assert_int_equal(ota_capability_read(file, file_len, &shown, NULL), err);
    }
    assert_int_equal(judge(), OTA_OK);
}

static void what_does_not_hold_here_is_refused(void **state)
{
    (void)state;
    make(DOC("dev-2", LATER, "servicing", "", "persistent"), 3);
    BAD(OTA_REJECT_DEVICE, "capability.signed.device");
    make(DOC("dev-1x", LATER, "servicing", "", "persistent"), 3);
    BAD(OTA_REJECT_DEVICE, "capability.signed.device");
    make(GOOD, 3);
    check.now_s = 1801440000; /* its last second is the one before */
    BAD(OTA_REJECT_FREEZE, "capability.signed.expires");
    check.now_s--;
    assert_int_equal(judge(), OTA_OK);
    make(ONCE, 3);
    check.used = 5;
    BAD(OTA_REJECT_USED, "capability.signed.counter");
    check.used = UINT64_MAX;
    BAD(OTA_REJECT_USED, "capability.signed.counter");
    set_up(state);
    const char *doc = "{\"_type\":\"capability\",\"device\":\"dev-1\",\"expires\":\"" LATER
                      "\",\"kind\":\"servicing\",\"session\":\"" SESSION "\",\"spec_version\":\"1\",\"use\":\"session\"}";
    make(doc, 3);
    session[31] ^= 1; /* another start */
    BAD(OTA_REJECT_NONCE, "capability.signed.session");
    session[31] ^= 1;
    check.session = NULL;
    BAD(OTA_REJECT_NONCE, "capability.signed.session");
}

static void bad_members_are_named(void **state)
{
    static const struct {
        const char *doc, *where;
        ota_err err;
    } rows[] = {
        { DOC("dev-1", LATER, "debug", "", "persistent"), "capability.signed.kind", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "", "", "persistent"), "capability.signed.kind", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "", "twice"), "capability.signed.use", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "", "once"), "capability.signed.counter", OTA_REJECT_MISSING },
        { DOC("dev-1", LATER, "servicing", "", "session"), "capability.signed.session", OTA_REJECT_MISSING },
        { DOC("dev-1", LATER, "servicing", "\"counter\":5,", "persistent"), "capability.signed.counter", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "\"session\":\"" SESSION "\",", "persistent"), "capability.signed.session", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "\"counter\":0,", "once"), "capability.signed.counter", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "\"counter\":9007199254740992,", "once"), "capability.signed.counter", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "\"counter\":18446744073709551621,", "once"), "capability.signed.counter", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "\"counter\":\"5\",", "once"), "capability.signed.counter", OTA_REJECT_TYPE },
        { DOC("dev-1", LATER, "servicing", "\"session\":\"00\",", "session"), "capability.signed.session", OTA_REJECT_VALUE },
        { DOC("dev-1", LATER, "servicing", "\"device\":\"dev-1\",", "persistent"), "capability.signed.device", OTA_REJECT_DUPLICATE },
        { DOC("dev-1", LATER, "servicing", "\"more\":1,", "persistent"), "capability.signed.more", OTA_REJECT_SPEC },
        { DOC("", LATER, "servicing", "", "persistent"), "capability.signed.device", OTA_REJECT_VALUE },
        { DOC("dev 1", LATER, "servicing", "", "persistent"), "capability.signed.device", OTA_REJECT_VALUE },
        { DOC("dev-1", "2027-02-30T00:00:00Z", "servicing", "", "persistent"), "capability.signed.expires", OTA_REJECT_VALUE },
        { DOC("dev-1", "2027-02-01T00:00:00+01:00", "servicing", "", "persistent"), "capability.signed.expires", OTA_REJECT_LIMIT },
        { "{\"_type\":\"capability\",\"device\":\"dev-1\",\"kind\":\"servicing\",\"spec_version\":\"1\",\"use\":\"persistent\"}",
          "capability.signed.expires", OTA_REJECT_MISSING },
        { "{\"_type\":\"targets\",\"device\":\"dev-1\"}", "capability.signed._type", OTA_REJECT_SPEC },
        { "{\"_type\":\"capability\",\"spec_version\":\"2\"}", "capability.signed.spec_version", OTA_REJECT_SPEC },
        { "{\"_type\":1}", "capability.signed._type", OTA_REJECT_TYPE },
        { "{\"_type\":\"capability\",\"expires\":1}", "capability.signed.expires", OTA_REJECT_TYPE },
        { "{}", "capability.signed._type", OTA_REJECT_MISSING },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make(rows[i].doc, 3);
        struct ota_capability shown;
        ota_err err = judge();

        if (err != rows[i].err || strcmp(fault.where, rows[i].where) != 0)
            fail_msg("row %zu: %s at %s", i, ota_err_name(err), fault.where);
        assert_int_equal(ota_capability_read(file, file_len, &shown, NULL), err);
        assert_true(otai_is_zero(&shown, sizeof shown));
    }
    static char long_doc[400];
    char id[200];
    memset(id, 'd', 127), id[127] = 0;
    (void)sprintf(long_doc, "{\"_type\":\"capability\",\"device\":\"%s\",\"expires\":\"" LATER
                  "\",\"kind\":\"servicing\",\"spec_version\":\"1\",\"use\":\"persistent\"}", id);
    make(long_doc, 3);
    check.device = id;
    assert_int_equal(judge(), OTA_OK);
    memset(id, 'd', 128), id[128] = 0;
    (void)sprintf(long_doc, "{\"_type\":\"capability\",\"device\":\"%s\"}", id);
    make(long_doc, 3);
    BAD(OTA_REJECT_LIMIT, "capability.signed.device");
}

static void write_raw(const char *text)
{
    file_len = strlen(text);
    memcpy(file, text, file_len);
}

static void bad_envelopes_are_named(void **state)
{
    (void)state;
    write_raw("{\"signatures\":[]}");
    BAD(OTA_REJECT_MISSING, "capability.signed");
    write_raw("{\"signed\":{}}");
    BAD(OTA_REJECT_MISSING, "capability.signatures");
    write_raw("{\"signed\":{},\"signatures\":[],\"signed\":{}}");
    BAD(OTA_REJECT_DUPLICATE, "capability.signed");
    write_raw("{\"signed\":[],\"signatures\":[]}");
    BAD(OTA_REJECT_TYPE, "capability.signed");
    write_raw("{\"signed\":{},\"signatures\":[{\"keyid\":\"a\"}]}");
    BAD(OTA_REJECT_MISSING, "capability.signatures[0].sig");
    write_raw("{\"signed\":{},\"signatures\":[]} x");
    BAD(OTA_REJECT_SYNTAX, "capability");
    (void)strcpy(file, "{\"signed\":{},\"signatures\":[");
    for (int i = 0; i < 9; i++)
        (void)sprintf(file + strlen(file), "%s{\"keyid\":\"%d\",\"sig\":\"\"}", i ? "," : "", i);
    (void)strcat(file, "]}");
    file_len = strlen(file);
    BAD(OTA_REJECT_LIMIT, "capability.signatures[8]");
    make(GOOD, 3);
    memset(file + file_len, ' ', OTA_CAPABILITY_MAX + 1 - file_len);
    file_len = OTA_CAPABILITY_MAX + 1;
    BAD(OTA_REJECT_LIMIT, "capability");
    file_len--;
    assert_int_equal(judge(), OTA_OK);
}

/* Signatures that are none are no failure of the device: they just do not count. */
static void malformed_signatures_do_not_count(void **state)
{
    static const char *const sigs[] = { "", "3", "30", "3006020101020101", "3006020101030101", "31060201010201", "30070201010201",
                                        "3006020180020101", "300702020001020101", "300602010102", "zz06020101020101",
                                        "3008020101020101ffff", "30050201010201", "3006020100020101", "3006020001020101", "30060300010201ff" };

    (void)state;
    check.threshold = 1;
    for (size_t i = 0; i < sizeof sigs / sizeof sigs[0]; i++) {
        char one[400], id[65];

        sign(0, GOOD, one);
        memcpy(id, one + 10, 64);
        id[64] = '\0';
        file_len = (size_t)sprintf(file, "{\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}],\"signed\":%s}", id, sigs[i], GOOD);
        BAD(OTA_REJECT_SIGNATURE, "capability.signatures");
        for (size_t k = 0; k < 64; k++) /* an id that is none names no key */
            id[k] = i % 2 ? 'g' : 'A';
        file_len = (size_t)sprintf(file, "{\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"00\"}],\"signed\":%s}", id, GOOD);
        BAD(OTA_REJECT_SIGNATURE, "capability.signatures");
    }
    char longer[200] = "3081";
    memset(longer + 4, '0', 150);
    file_len = (size_t)sprintf(file, "{\"signatures\":[{\"keyid\":\"ab\",\"sig\":\"%s\"}],\"signed\":%s}", longer, GOOD);
    BAD(OTA_REJECT_SIGNATURE, "capability.signatures");
    char one[400], id[65];
    sign(0, GOOD, one);
    memcpy(id, one + 10, 64), id[64] = '\0';
    file_len = (size_t)sprintf(file, "{\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}],\"signed\":%s}", id, longer, GOOD);
    BAD(OTA_REJECT_SIGNATURE, "capability.signatures");
    char wide[200];
    (void)sprintf(wide, "30%02x0221", 2 + 33 + 3);
    for (int i = 0; i < 33; i++)
        (void)strcat(wide, "11");
    (void)strcat(wide, "020101"); /* an integer of 33 bytes */
    file_len = (size_t)sprintf(file, "{\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}],\"signed\":%s}", id, wide, GOOD);
    BAD(OTA_REJECT_SIGNATURE, "capability.signatures");
}

/* Integers of signatures are shorter now and then: all forms that come must be read. */
static void many_signatures_are_read(void **state)
{
    (void)state;
    check.threshold = 1;
    for (int i = 0; i < 300; i++) {
        make(GOOD, 1);
        assert_int_equal(judge(), OTA_OK);
    }
}

static void every_character_of_an_id(void **state)
{
    static const char good[] = "AZaz09._-";
    struct ota_capability shown;
    char doc[400];

    (void)state;
    for (int c = 0x20; c < 0x7f; c++) {
        if (c == '"' || c == '\\')
            continue;
        (void)sprintf(doc, "{\"signatures\":[],\"signed\":{\"_type\":\"capability\",\"device\":\"%c\",\"expires\":\"" LATER
                      "\",\"kind\":\"servicing\",\"spec_version\":\"1\",\"use\":\"persistent\"}}", c);
        bool taken = ota_capability_read(doc, strlen(doc), &shown, NULL) == OTA_OK;
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        assert_int_equal(taken, letter || strchr(good, c) != NULL);
    }
}

static void checks_that_cannot_be(void **state)
{
    (void)state;
    make(GOOD, 7);
#define UNSOUND(field, value)                                                                                                    \
    do {                                                                                                                         \
        set_up(state);                                                                                                           \
        check.field = value;                                                                                                     \
        BAD(OTA_USAGE_ARGUMENT, "capability.check");                                                                             \
    } while (0)
    UNSOUND(device, NULL);
    UNSOUND(keys, NULL);
    UNSOUND(key_count, 0);
    UNSOUND(key_count, OTA_CAPABILITY_KEYS_MAX + 1);
    UNSOUND(threshold, 0);
    UNSOUND(threshold, OWNERS + 1);
    uint8_t twice[2][OTA_CAPABILITY_KEY_LEN];
    memcpy(twice[0], keys[0], sizeof twice[0]);
    memcpy(twice[1], keys[0], sizeof twice[1]);
    set_up(state);
    check.keys = twice[0];
    check.key_count = 2;
    BAD(OTA_USAGE_ARGUMENT, "capability.check");
    twice[1][10] ^= 1; /* a point that is none */
    uint8_t id[32];
    size_t len;
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, twice[1], 65, id, 32, &len), PSA_SUCCESS);
    char one[400], id_hex[65];
    sign(0, GOOD, one);
    hex(id, 32, id_hex);
    memcpy(one + 10, id_hex, 64);
    file_len = (size_t)sprintf(file, "{\"signatures\":[%s],\"signed\":%s}", one, GOOD);
    assert_int_equal(judge(), OTA_REJECT_KEY);
}

static void a_crypto_service_that_fails_is_named(void **state)
{
    uint32_t at = 1;

    (void)state;
    make(GOOD, 7);
    for (;; at++) {
        failing.calls = 0;
        failing.fail_at = at;
        ota_err err = judge();

        if (failing.calls < at) {
            assert_int_equal(err, OTA_OK);
            break;
        }
        assert_int_equal(err, OTA_DEVICE_CRYPTO);
    }
    assert_in_range(at, 14, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_kind_and_use_is_taken, set_up),
        cmocka_unit_test_setup(too_few_or_other_signatures_are_refused, set_up),
        cmocka_unit_test_setup(every_byte_counts, set_up),
        cmocka_unit_test_setup(cut_anywhere_it_is_none, set_up),
        cmocka_unit_test_setup(what_does_not_hold_here_is_refused, set_up),
        cmocka_unit_test_setup(bad_members_are_named, set_up),
        cmocka_unit_test_setup(bad_envelopes_are_named, set_up),
        cmocka_unit_test_setup(malformed_signatures_do_not_count, set_up),
        cmocka_unit_test_setup(many_signatures_are_read, set_up),
        cmocka_unit_test_setup(every_character_of_an_id, set_up),
        cmocka_unit_test_setup(checks_that_cannot_be, set_up),
        cmocka_unit_test_setup(a_crypto_service_that_fails_is_named, set_up),
    };

    return cmocka_run_group_tests(tests, make_keys, NULL);
}
