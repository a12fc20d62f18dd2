/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"

#define BIG 4096u
#define GUARD 0xa5

struct suite {
    struct ota_store *s;
    struct ota_contract_report *r;
};

static ota_err put(const struct suite *t, const char *name, size_t len, uint32_t seed)
{
    uint8_t buf[BIG];
    int32_t code = 0;

    contract_fill(buf, len, seed);
    return t->s->ops->write(t->s, name, buf, len, &code);
}

/* Is the record there with exactly this content? */
static bool holds(const struct suite *t, const char *name, size_t len, uint32_t seed)
{
    uint8_t buf[BIG + 1];
    size_t got = 12345;
    int32_t code = 0;

    memset(buf, GUARD, sizeof buf);
    return t->s->ops->read(t->s, name, buf, BIG, &got, &code) == OTA_OK && got == len && contract_is_filled(buf, len, seed) &&
           contract_is_all(buf + len, sizeof buf - len, GUARD);
}

static bool is_absent(const struct suite *t, const char *name)
{
    uint8_t byte;
    size_t got = 0;
    int32_t code = 0;

    return t->s->ops->read(t->s, name, &byte, 1, &got, &code) == OTA_DEVICE_ABSENT;
}

static bool drop(const struct suite *t, const char *name)
{
    int32_t code = 0;

    return t->s->ops->remove(t->s, name, &code) == OTA_OK;
}

static void check_content(const struct suite *t)
{
    contract_check(t->r, "store: a record that was never written is absent", is_absent(t, "contract.a"));
    contract_check(t->r, "store: a record is written", put(t, "contract.a", 300, 1) == OTA_OK);
    contract_check(t->r, "store: a record is read as it was written", holds(t, "contract.a", 300, 1));
    contract_check(t->r, "store: a longer record replaces a shorter one",
                   put(t, "contract.a", BIG, 2) == OTA_OK && holds(t, "contract.a", BIG, 2));
    contract_check(t->r, "store: a shorter record leaves nothing of a longer one",
                   put(t, "contract.a", 7, 3) == OTA_OK && holds(t, "contract.a", 7, 3));
    contract_check(t->r, "store: writing the same again is safe",
                   put(t, "contract.a", 7, 3) == OTA_OK && holds(t, "contract.a", 7, 3));
    contract_check(t->r, "store: an empty record exists",
                   put(t, "contract.b", 0, 0) == OTA_OK && holds(t, "contract.b", 0, 0));
    contract_check(t->r, "store: writing one record leaves the others", holds(t, "contract.a", 7, 3));
}

static void check_short_read(const struct suite *t)
{
    uint8_t buf[11];
    size_t got = 0;
    int32_t code = 0;
    bool ok;

    memset(buf, GUARD, sizeof buf);
    ok = put(t, "contract.c", 200, 5) == OTA_OK && t->s->ops->read(t->s, "contract.c", buf, 10, &got, &code) == OTA_OK;
    contract_check(t->r, "store: a short read tells the whole length", ok && got == 200);
    contract_check(t->r, "store: a short read gives the first bytes and no more",
                   ok && contract_is_filled(buf, 10, 5) && buf[10] == GUARD);
}

static bool refuses(const struct suite *t, const char *name)
{
    uint8_t byte = 0;
    size_t got = 0;
    int32_t code = 0;

    return t->s->ops->write(t->s, name, &byte, 1, &code) == OTA_USAGE_ARGUMENT &&
           t->s->ops->read(t->s, name, &byte, 1, &got, &code) == OTA_USAGE_ARGUMENT &&
           t->s->ops->remove(t->s, name, &code) == OTA_USAGE_ARGUMENT;
}

static void check_names(const struct suite *t)
{
    static const char *const bad[] = { "", ".", "..", ".hidden", "a/b", "a b", "a\nb", "a\\b", "a:b", "\xc3\xa4" };
    char name[OTA_STORE_NAME_MAX + 1];
    bool ok = true;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ok = refuses(t, bad[i]) && ok;
    contract_check(t->r, "store: forbidden names are refused by all three operations", ok);
    memset(name, 'n', sizeof name);
    name[OTA_STORE_NAME_MAX] = '\0';
    contract_check(t->r, "store: a name that is too long is refused", refuses(t, name));
    name[OTA_STORE_NAME_MAX - 1] = '\0';
    contract_check(t->r, "store: the longest name works", put(t, name, 3, 9) == OTA_OK && holds(t, name, 3, 9) && drop(t, name));
    contract_check(t->r, "store: names differ in their last byte", put(t, "contract.Z%~_-1", 4, 10) == OTA_OK &&
                   is_absent(t, "contract.Z%~_-2") && is_absent(t, "contract.Z%~_-"));
    contract_check(t->r, "store: names differ in case", is_absent(t, "contract.z%~_-1") && drop(t, "contract.Z%~_-1"));
}

static void check_remove(const struct suite *t)
{
    contract_check(t->r, "store: a removed record is absent", drop(t, "contract.c") && is_absent(t, "contract.c"));
    contract_check(t->r, "store: removing an absent record is ok", drop(t, "contract.c"));
    contract_check(t->r, "store: removing one record leaves the others", holds(t, "contract.a", 7, 3) && holds(t, "contract.b", 0, 0));
    contract_check(t->r, "store: a removed record can be written again",
                   put(t, "contract.c", 5, 6) == OTA_OK && holds(t, "contract.c", 5, 6));
}

unsigned ota_contract_store(struct ota_store *s, struct ota_contract_report *r)
{
    static const char *const names[] = { "contract.a", "contract.b", "contract.c" };
    const struct suite t = { s, r };
    unsigned before = r->failures;
    bool clean = true;

    for (size_t i = 0; i < 3; i++)
        clean = drop(&t, names[i]) && clean;
    contract_check(r, "store: the suite can clear its records", clean);
    check_content(&t);
    check_short_read(&t);
    check_names(&t);
    check_remove(&t);
    for (size_t i = 0; i < 3; i++)
        clean = drop(&t, names[i]) && is_absent(&t, names[i]) && clean;
    contract_check(r, "store: nothing is left at the end", clean);
    return r->failures - before;
}
