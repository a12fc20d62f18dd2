/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a device is: taken once, given away by a threshold of its owner's keys, and every other way refused by its name. */
#include "capability_owners.h"

#include "ota/owner.h"

static struct ota_claim claim, next;
static uint8_t buf[OTA_CAPABILITY_MAX];

/* A transfer in its canonical form. owners: a bit per key that it names. */
static const char *doc(const char *device, const char *product, const char *version, const char *expires, unsigned owners, const char *threshold)
{
    static char text[1024];
    char list[512] = "", one[140];

    for (int i = 0; i < OWNERS; i++)
        if (owners >> i & 1) {
            one[0] = '"';
            hex(keys[i], 65, one + 1);
            (void)strcat(one, "\"");
            if (list[0])
                (void)strcat(list, ",");
            (void)strcat(list, one);
        }
    (void)sprintf(text, "{\"_type\":\"transfer\",\"device\":\"%s\",\"expires\":\"%s\",\"keys\":[%s],\"product\":\"%s\",\"spec_version\":\"1\","
                        "\"threshold\":%s,\"version\":%s}", device, expires, list, product, threshold, version);
    return text;
}

static ota_err transfer(void)
{
    memset(&next, 0xff, sizeof next);
    memset(&fault, 0, sizeof fault);
    ota_err err = ota_owner_transfer(&claim, file, file_len, NOW, &failing.port, &next, &fault);

    if (err != OTA_OK) {
        assert_true(otai_is_zero(&next, sizeof next));
        assert_int_equal(fault.err, err);
    }
    return err;
}

static void refused(ota_err err, const char *where)
{
    assert_int_equal(transfer(), err);
    assert_string_equal(fault.where, where);
}

/* Owners 0 and 1 have it, both must sign. */
static void begin(void)
{
    memset(&claim, 0, sizeof claim);
    (void)otai_copy(claim.device, sizeof claim.device, "dev-1");
    make(doc("dev-1", "thermostat", "1", LATER, 3, "2"), 3);
    assert_int_equal(transfer(), OTA_OK);
    claim = next;
}

static void nobodys_device_is_taken(void **state)
{
    (void)state;
    begin();
    assert_string_equal(claim.product, "thermostat");
    assert_int_equal(claim.version, 1);
    assert_int_equal(claim.threshold, 2);
    assert_int_equal(claim.key_count, 2);
    assert_memory_equal(claim.keys[1], keys[1], 65);
    memset(&claim, 0, sizeof claim);
    (void)otai_copy(claim.device, sizeof claim.device, "dev-1");
    make(doc("dev-1", "thermostat", "1", LATER, 3, "2"), 1);
    refused(OTA_REJECT_SIGNATURE, "transfer.acceptance"); /* a key that did not sign might not exist */
    make(doc("dev-1", "thermostat", "2", LATER, 3, "2"), 3);
    refused(OTA_REJECT_VERSION, "transfer.signed.version");
}

static void an_owner_gives_it_away(void **state)
{
    (void)state;
    begin();
    make(doc("dev-1", "boiler", "2", LATER, 4, "1"), 7);
    assert_int_equal(transfer(), OTA_OK);
    assert_string_equal(next.product, "boiler");
    assert_memory_equal(next.keys[0], keys[2], 65);
    claim = next;
    /* and has nothing to say about it any more */
    make(doc("dev-1", "thermostat", "3", LATER, 3, "2"), 3);
    refused(OTA_REJECT_SIGNATURE, "transfer.signatures");
    make(doc("dev-1", "thermostat", "3", LATER, 3, "2"), 7);
    assert_int_equal(transfer(), OTA_OK);
}

static void by_whom(void **state)
{
    (void)state;
    begin();
    for (unsigned who = 0; who < 8; who++) {
        make(doc("dev-1", "boiler", "2", LATER, 4, "1"), who);
        if (who == 7)
            assert_int_equal(transfer(), OTA_OK);
        else if ((who & 3) == 3)
            refused(OTA_REJECT_SIGNATURE, "transfer.acceptance"); /* nobody is made an owner who did not agree */
        else
            refused(OTA_REJECT_SIGNATURE, "transfer.signatures");
    }
}

static void of_what_and_when(void **state)
{
    (void)state;
    begin();
    make(doc("dev-2", "boiler", "2", LATER, 4, "1"), 7);
    refused(OTA_REJECT_DEVICE, "transfer.signed.device");
    make(doc("dev-1", "boiler", "1", LATER, 4, "1"), 7);
    refused(OTA_REJECT_ROLLBACK, "transfer.signed.version");
    make(doc("dev-1", "boiler", "3", LATER, 4, "1"), 7);
    refused(OTA_REJECT_VERSION, "transfer.signed.version");
    make(doc("dev-1", "boiler", "2", "2020-01-01T00:00:00Z", 4, "1"), 7);
    refused(OTA_REJECT_FREEZE, "transfer.signed.expires");
}

/* Bytes all over it, and any length: nothing that was not signed is ever believed. */
static void altered(void **state)
{
    unsigned tried = 0;

    (void)state;
    begin();
    make(doc("dev-1", "boiler", "2", LATER, 4, "1"), 7);
    for (size_t i = 0; i < file_len; i += 7, tried++) {
        file[i] ^= 1;
        assert_int_not_equal(transfer(), OTA_OK);
        file[i] ^= 1;
    }
    for (size_t whole = file_len; file_len > 0; tried++) {
        file_len--;
        ota_err err = transfer();
        assert_true(err == OTA_REJECT_SYNTAX || err == OTA_REJECT_TYPE); /* nothing at all is no value of the type */
        if (file_len == 0) {
            file_len = whole;
            break;
        }
    }
    assert_int_equal(transfer(), OTA_OK);
    assert_true(tried > 1000);
}

static void read_bad(const char *text, ota_err err, const char *where)
{
    struct ota_claim c;

    make(text, 0);
    memset(&fault, 0, sizeof fault);
    assert_int_equal(ota_owner_read(file, file_len, &c, &fault), err);
    assert_string_equal(fault.where, where);
    assert_true(otai_is_zero(&c, sizeof c));
}

static void members(void **state)
{
    static const char *const needed[] = { "_type", "device", "expires", "keys", "product", "spec_version", "threshold", "version" };
    static char text[2048];
    char longer[64];

    (void)state;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) { /* named otherwise it is missing, and there is a stranger */
        char where[64], quoted[32], *at;

        (void)snprintf(quoted, sizeof quoted, "\"%s\"", needed[i]);
        (void)strcpy(text, doc("dev-1", "p", "1", LATER, 1, "1"));
        at = strstr(text, quoted) + 1;
        at[0] = 'x';
        (void)snprintf(where, sizeof where, "transfer.signed.%.*s", (int)strlen(needed[i]), at);
        read_bad(text, OTA_REJECT_SPEC, where);
    }
    read_bad("{\"_type\":\"transfer\"}", OTA_REJECT_MISSING, "transfer.signed.spec_version");
    (void)strcpy(text, doc("dev-1", "p", "1", LATER, 1, "1"));
    memcpy(strstr(text, "\"transfer\""), "\"transfes\"", 10);
    read_bad(text, OTA_REJECT_SPEC, "transfer.signed._type");
    (void)strcpy(text, doc("dev-1", "p", "1", LATER, 1, "1"));
    memcpy(strstr(text, "\"1\""), "\"2\"", 3);
    read_bad(text, OTA_REJECT_SPEC, "transfer.signed.spec_version");
    read_bad(doc("", "p", "1", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.device");
    read_bad(doc("a b", "p", "1", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.device");
    read_bad(doc("dev-1", "", "1", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.product");
    read_bad(doc("dev-1", "Boiler", "1", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.product");
    read_bad(doc("dev-1", "a{", "1", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.product");
    read_bad(doc("dev-1", "a.b", "1", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.product");
    read_bad(doc("dev-1", "a:b", "1", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.product");
    memset(longer, 'a', sizeof longer);
    longer[OTA_NAME_MAX] = '\0';
    read_bad(doc("dev-1", longer, "1", LATER, 1, "1"), OTA_REJECT_LIMIT, "transfer.signed.product");
    read_bad(doc("dev-1", "p", "0", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.version");
    read_bad(doc("dev-1", "p", "9007199254740992", LATER, 1, "1"), OTA_REJECT_VALUE, "transfer.signed.version");
    read_bad(doc("dev-1", "p", "1", "tomorrow", 1, "1"), OTA_REJECT_VALUE, "transfer.signed.expires");
    read_bad(doc("dev-1", "p", "1", LATER, 1, "0"), OTA_REJECT_VALUE, "transfer.signed.threshold");
    read_bad(doc("dev-1", "p", "1", LATER, 3, "3"), OTA_REJECT_VALUE, "transfer.signed.threshold");
    read_bad(doc("dev-1", "p", "1", LATER, 0, "1"), OTA_REJECT_VALUE, "transfer.signed.threshold");
    read_bad(doc("dev-1", "p-9", "1", LATER, 1, "\"1\""), OTA_REJECT_TYPE, "transfer.signed.threshold");
}

static void lists_of_keys(void **state)
{
    static char text[4096];
    char one[131], list[2048] = "";

    (void)state;
    hex(keys[0], 65, one);
    for (int i = 0; i < 2; i++)
        (void)sprintf(list + strlen(list), "%s\"%s\"", i ? "," : "", one);
    (void)sprintf(text, "{\"keys\":[%s]}", list);
    read_bad(text, OTA_REJECT_DUPLICATE, "transfer.signed.keys[1]");
    one[129] = 'g';
    (void)sprintf(text, "{\"keys\":[\"%s\"]}", one);
    read_bad(text, OTA_REJECT_VALUE, "transfer.signed.keys[0]");
    list[0] = '\0';
    for (int i = 0; i < 9; i++) {
        hex(keys[0], 65, one);
        one[129] = "0123456789"[i];
        (void)sprintf(list + strlen(list), "%s\"%s\"", i ? "," : "", one);
    }
    (void)sprintf(text, "{\"keys\":[%s]}", list);
    read_bad(text, OTA_REJECT_LIMIT, "transfer.signed.keys[8]");
    memset(file, ' ', sizeof file);
    file_len = OTA_CAPABILITY_MAX + 1;
    refused(OTA_REJECT_LIMIT, "transfer");
}

/* A key that is no point cannot accept. */
static void a_key_that_is_none(void **state)
{
    (void)state;
    begin();
    keys[2][40] ^= 1;
    make(doc("dev-1", "boiler", "2", LATER, 4, "1"), 7);
    keys[2][40] ^= 1;
    refused(OTA_REJECT_KEY, "transfer.acceptance");
}

static void crypto_that_fails(void **state)
{
    unsigned failed = 0;

    (void)state;
    begin();
    make(doc("dev-1", "boiler", "2", LATER, 4, "1"), 7);
    for (uint32_t at = 1; at < 100; at++) {
        failing.calls = 0;
        failing.fail_at = at;
        ota_err err = transfer();
        if (err == OTA_OK)
            break;
        assert_int_equal(err, OTA_DEVICE_CRYPTO);
        failed++;
    }
    failing.fail_at = 0;
    assert_true(failed > 10);
}

/* ---- the record ---- */

static ota_err no_signature(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    (void)s, (void)digest, (void)sig;
    return OTA_DEVICE_CRYPTO;
}

static ota_err no_counter(struct ota_identity *s, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *port_code)
{
    (void)s, (void)which, (void)at_least, (void)value, (void)port_code;
    return OTA_USAGE_UNSUPPORTED;
}

static struct ota_ram_store store;
static struct ota_ram_identity identity;
static uint8_t store_mem[8192], old_mem[8192];

static void begin_record(void)
{
    static const struct ota_signer_ops signer_ops = { no_signature };
    static struct ota_signer signer = { &signer_ops };

    ota_ram_store_init(&store, store_mem, sizeof store_mem);
    ota_ram_identity_init(&identity, &posix.port, keys[0], &signer);
    begin();
}

static ota_err load(struct ota_identity *who, const char *device)
{
    memset(&next, 0xff, sizeof next);
    memset(&fault, 0, sizeof fault);
    return ota_owner_load(&store.port, who, device, buf, &next, &fault);
}

static void a_claim_is_kept(void **state)
{
    struct ota_identity_ops without = { 0 };

    (void)state;
    begin_record();
    assert_int_equal(load(&identity.port, "dev-1"), OTA_OK);
    assert_int_equal(next.version, 0);
    assert_string_equal(next.device, "dev-1");
    assert_int_equal(ota_owner_keep(&store.port, &identity.port, file, file_len, &claim, &fault), OTA_OK);
    assert_int_equal(identity.counter[OTA_COUNTER_OWNER], 1);
    assert_int_equal(load(&identity.port, "dev-1"), OTA_OK);
    assert_memory_equal(&next, &claim, sizeof claim);
    assert_int_equal(load(NULL, "dev-1"), OTA_OK);
    assert_int_equal(load(&identity.port, "dev-2"), OTA_REJECT_DEVICE);
    assert_string_equal(fault.where, "owner");
    without = *identity.port.ops;
    without.counter = no_counter;
    identity.port.ops = &without;
    assert_int_equal(load(&identity.port, "dev-1"), OTA_OK);
    assert_int_equal(ota_owner_keep(&store.port, &identity.port, file, file_len, &claim, &fault), OTA_OK);
    assert_int_equal(ota_owner_keep(&store.port, NULL, file, file_len, &claim, &fault), OTA_OK);
}

static void a_store_that_was_set_back(void **state)
{
    size_t old_used;

    (void)state;
    begin_record();
    assert_int_equal(ota_owner_keep(&store.port, &identity.port, file, file_len, &claim, &fault), OTA_OK);
    memcpy(old_mem, store_mem, sizeof old_mem);
    old_used = store.used;
    make(doc("dev-1", "boiler", "2", LATER, 4, "1"), 7);
    assert_int_equal(transfer(), OTA_OK);
    assert_int_equal(ota_owner_keep(&store.port, &identity.port, file, file_len, &next, &fault), OTA_OK);
    memcpy(store_mem, old_mem, sizeof old_mem);
    store.used = old_used;
    assert_int_equal(load(&identity.port, "dev-1"), OTA_REJECT_ROLLBACK);
    assert_int_equal(load(NULL, "dev-1"), OTA_OK); /* nothing tells it without a counter */
    store.used = 0;
    assert_int_equal(load(&identity.port, "dev-1"), OTA_REJECT_ROLLBACK); /* a device is not free again by losing the record */
}

static void records_that_cannot_be(void **state)
{
    (void)state;
    begin_record();
    store.fail.at = 1;
    assert_int_equal(ota_owner_keep(&store.port, &identity.port, file, file_len, &claim, &fault), OTA_DEVICE_STORE);
    assert_int_equal(identity.counter[OTA_COUNTER_OWNER], 0); /* the counter never leads */
    identity.fail.at = 1;
    assert_int_equal(ota_owner_keep(&store.port, &identity.port, file, file_len, &claim, &fault), OTA_DEVICE_IDENTITY);
    assert_string_equal(fault.where, "owner.counter");
    assert_int_equal(load(&identity.port, "dev-1"), OTA_OK); /* a cut between the two */
    assert_int_equal(ota_owner_keep(&store.port, &identity.port, file, file_len, &claim, &fault), OTA_OK);
    identity.fail = (struct ota_ram_fail){ .at = 1 };
    assert_int_equal(load(&identity.port, "dev-1"), OTA_DEVICE_IDENTITY);
    store_mem[OTA_RAM_STORE_OVERHEAD + 5] ^= 0xff;
    assert_int_equal(load(NULL, "dev-1"), OTA_DEVICE_STORE);
    memset(file, ' ', OTA_CAPABILITY_MAX + 1);
    assert_int_equal(store.port.ops->write(&store.port, OTA_OWNER_RECORD, file, OTA_CAPABILITY_MAX + 1, &(int32_t){ 0 }), OTA_OK);
    assert_int_equal(load(NULL, "dev-1"), OTA_DEVICE_STORE);
}

static ota_err unreadable(struct ota_store *s, const char *name, void *to, size_t room, size_t *len, int32_t *port_code)
{
    (void)s, (void)name, (void)to, (void)room;
    *len = 0;
    *port_code = 5;
    return OTA_DEVICE_STORE;
}

static void a_store_that_cannot_be_read(void **state)
{
    struct ota_store_ops broken;

    (void)state;
    begin_record();
    broken = *store.port.ops;
    broken.read = unreadable;
    store.port.ops = &broken;
    assert_int_equal(load(NULL, "dev-1"), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobodys_device_is_taken, set_up), cmocka_unit_test_setup(an_owner_gives_it_away, set_up),
        cmocka_unit_test_setup(by_whom, set_up), cmocka_unit_test_setup(of_what_and_when, set_up),
        cmocka_unit_test_setup(altered, set_up), cmocka_unit_test_setup(members, set_up),
        cmocka_unit_test_setup(lists_of_keys, set_up), cmocka_unit_test_setup(a_key_that_is_none, set_up),
        cmocka_unit_test_setup(crypto_that_fails, set_up), cmocka_unit_test_setup(a_claim_is_kept, set_up),
        cmocka_unit_test_setup(a_store_that_was_set_back, set_up), cmocka_unit_test_setup(records_that_cannot_be, set_up),
        cmocka_unit_test_setup(a_store_that_cannot_be_read, set_up),
    };

    return cmocka_run_group_tests(tests, make_keys, NULL);
}
