/* SPDX-License-Identifier: Apache-2.0 */
/* Ports with one fault each, which the contract suite must catch: a check that cannot fail is a defect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ota/ram.h"
#include "report.h"

/* ---- store ---- */

enum store_fault {
    STORE_GOOD,
    STORE_KEEPS_TAIL,
    STORE_IGNORES_CASE,
    STORE_LENGTH_IS_CAP,
    STORE_OVERRUNS,
    STORE_ABSENT_IS_EMPTY,
    STORE_EMPTY_IS_ABSENT,
    STORE_REMOVE_ABSENT_FAILS,
    STORE_REMOVE_DOES_NOTHING,
    STORE_TAKES_ANY_NAME,
    STORE_CUTS_NAMES,
    STORE_WRITES_ONCE,
    STORE_HAS_ONE_RECORD,
    STORE_FAULTS
};

struct bad_store {
    struct ota_store port;
    struct ota_ram_store good;
    enum store_fault fault;
    uint8_t mem[40000];
};

static struct bad_store *store_of(struct ota_store *s)
{
    return (struct bad_store *)s;
}

/* The name under which the fault files a record. */
static const char *store_name(const struct bad_store *b, const char *name, char *out)
{
    size_t len = strlen(name);

    if (len > OTA_STORE_NAME_MAX)
        return name;
    memcpy(out, name, len + 1);
    if (b->fault == STORE_IGNORES_CASE)
        for (size_t i = 0; i < len; i++)
            if (out[i] >= 'A' && out[i] <= 'Z')
                out[i] = (char)(out[i] - 'A' + 'a');
    if (b->fault == STORE_CUTS_NAMES && len > 14)
        out[14] = '\0';
    if (b->fault == STORE_HAS_ONE_RECORD && ota_store_name_ok(name))
        memcpy(out, "one", 4);
    if (b->fault == STORE_TAKES_ANY_NAME && !ota_store_name_ok(name))
        memcpy(out, "any", 4);
    return out;
}

static ota_err bad_store_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    struct bad_store *b = store_of(s);
    char other[OTA_STORE_NAME_MAX + 1];
    ota_err err = b->good.port.ops->read(&b->good.port, store_name(b, name, other), buf, cap, len, code);

    if (b->fault == STORE_LENGTH_IS_CAP && *len > cap)
        *len = cap;
    if (b->fault == STORE_OVERRUNS && err == OTA_OK && *len > 0)
        ((uint8_t *)buf)[*len < cap ? *len : cap] = 0;
    if (b->fault == STORE_ABSENT_IS_EMPTY && err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    return b->fault == STORE_EMPTY_IS_ABSENT && err == OTA_OK && *len == 0 ? OTA_DEVICE_ABSENT : err;
}

static ota_err bad_store_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *code)
{
    struct bad_store *b = store_of(s);
    char other[OTA_STORE_NAME_MAX + 1];
    uint8_t old[4096];
    size_t old_len = 0;
    ota_err err;

    name = store_name(b, name, other);
    err = b->good.port.ops->read(&b->good.port, name, old, sizeof old, &old_len, code);
    if (b->fault == STORE_WRITES_ONCE && err == OTA_OK)
        return OTA_OK;
    if (b->fault != STORE_KEEPS_TAIL || err != OTA_OK || old_len <= len)
        return b->good.port.ops->write(&b->good.port, name, buf, len, code);
    memcpy(old, buf, len);
    return b->good.port.ops->write(&b->good.port, name, old, old_len, code);
}

static ota_err bad_store_remove(struct ota_store *s, const char *name, int32_t *code)
{
    struct bad_store *b = store_of(s);
    char other[OTA_STORE_NAME_MAX + 1];
    size_t len = 0;
    ota_err err;

    name = store_name(b, name, other);
    err = b->good.port.ops->read(&b->good.port, name, NULL, 0, &len, code);
    if (b->fault == STORE_REMOVE_ABSENT_FAILS && err == OTA_DEVICE_ABSENT)
        return OTA_DEVICE_STORE;
    if (b->fault == STORE_REMOVE_DOES_NOTHING && err == OTA_OK)
        return OTA_OK;
    return b->good.port.ops->remove(&b->good.port, name, code);
}

static unsigned run_store(unsigned fault)
{
    static const struct ota_store_ops ops = { bad_store_read, bad_store_write, bad_store_remove };
    static struct bad_store b;
    struct ota_contract_report r = quiet_report();

    b.port.ops = &ops;
    b.fault = (enum store_fault)fault;
    ota_ram_store_init(&b.good, b.mem, sizeof b.mem);
    return ota_contract_store(&b.port, &r);
}

/* ---- slot ---- */

enum slot_fault {
    SLOT_GOOD,
    SLOT_GEOMETRY_GROWS,
    SLOT_UNIT_NOT_POWER,
    SLOT_WRITES_NOTHING,
    SLOT_LOSES_LAST_BYTE,
    SLOT_ERASES_TOO_MUCH,
    SLOT_ERASES_NOTHING,
    SLOT_READS_TOO_MUCH,
    SLOT_READS_ALIGNED,
    SLOT_WRAPS,
    SLOT_SILENT_NUMBER,
    SLOT_SYNC_ONCE,
    SLOT_FAULTS
};

struct bad_slot {
    struct ota_slot port;
    struct ota_ram_slot good;
    enum slot_fault fault;
    uint32_t asked, synced;
    uint8_t mem[16384];
};

static struct bad_slot *slot_of(struct ota_slot *s)
{
    return (struct bad_slot *)s;
}

static ota_err bad_geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *code)
{
    struct bad_slot *b = slot_of(s);
    ota_err err = b->good.port.ops->geometry(&b->good.port, out, code);

    if (b->fault == SLOT_GEOMETRY_GROWS)
        out->size += b->asked++;
    if (b->fault == SLOT_UNIT_NOT_POWER)
        out->write_unit = 3;
    return err;
}

static ota_err bad_erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *code)
{
    struct bad_slot *b = slot_of(s);

    if (b->fault == SLOT_ERASES_NOTHING)
        return OTA_OK;
    if (b->fault == SLOT_ERASES_TOO_MUCH && off + len < sizeof b->mem)
        len = sizeof b->mem - off;
    return b->good.port.ops->erase(&b->good.port, off, len, code);
}

static ota_err bad_write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *code)
{
    struct bad_slot *b = slot_of(s);
    ota_err err;

    if (b->fault == SLOT_WRITES_NOTHING)
        return OTA_OK;
    if (b->fault == SLOT_WRAPS)
        off %= sizeof b->mem;
    err = b->good.port.ops->write(&b->good.port, off, buf, len, code);
    if (b->fault == SLOT_LOSES_LAST_BYTE && err == OTA_OK)
        b->mem[off + len - 1] = 0xff;
    if (b->fault == SLOT_SILENT_NUMBER)
        *code = 0;
    return err;
}

static ota_err bad_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct bad_slot *b = slot_of(s);

    if (b->fault == SLOT_READS_TOO_MUCH)
        ((uint8_t *)buf)[len] = 0;
    if (b->fault == SLOT_READS_ALIGNED)
        off -= off % 16;
    if (b->fault == SLOT_WRAPS)
        off %= sizeof b->mem;
    return b->good.port.ops->read(&b->good.port, off, buf, len, code);
}

static ota_err bad_sync(struct ota_slot *s, int32_t *code)
{
    struct bad_slot *b = slot_of(s);

    if (b->fault == SLOT_SYNC_ONCE && b->synced++ > 0)
        return OTA_DEVICE_SLOT;
    return b->good.port.ops->sync(&b->good.port, code);
}

static unsigned run_slot(unsigned fault)
{
    static const struct ota_slot_ops ops = { bad_geometry, bad_erase, bad_write, bad_read, bad_sync };
    static const struct ota_slot_geometry g = { 16384, 16, 4096 };
    static struct bad_slot b;
    struct ota_contract_report r = quiet_report();

    b.port.ops = &ops;
    b.fault = (enum slot_fault)fault;
    b.asked = b.synced = 0;
    ota_ram_slot_init(&b.good, b.mem, &g);
    return ota_contract_slot(&b.port, &r);
}

/* ---- boot ---- */

enum boot_fault {
    BOOT_GOOD,
    BOOT_ARM_DOES_NOTHING,
    BOOT_ARM_SWITCHES_AT_ONCE,
    BOOT_ARM_IS_LOST_BY_RESTART,
    BOOT_ARM_MOVES_ALL,
    BOOT_CONFIRM_DOES_NOTHING,
    BOOT_CONFIRM_TAKES_ARMED,
    BOOT_CONFIRM_NEEDS_TRIAL,
    BOOT_REVERT_DOES_NOTHING,
    BOOT_REVERT_CONFIRMS,
    BOOT_TRIES_FOR_EVER,
    BOOT_ONE_TRY_LESS,
    BOOT_HIDES_TRIAL,
    BOOT_PENDING_AND_TRIAL,
    BOOT_LOOKING_TAKES_A_TRY,
    BOOT_REBOOT_FAILS,
    BOOT_FAULTS
};

struct bad_boot {
    struct ota_contract_device device;
    struct ota_boot port;
    struct ota_ram_boot good;
    enum boot_fault fault;
};

static struct bad_boot bad_boot;

static ota_err bad_view(struct ota_boot *s, struct ota_boot_view *out, int32_t *code)
{
    struct bad_boot *b = &bad_boot;
    ota_err err = b->good.port.ops->view(&b->good.port, out, code);

    (void)s;
    if (b->fault == BOOT_HIDES_TRIAL)
        out->trial = false;
    if (b->fault == BOOT_PENDING_AND_TRIAL && out->trial)
        out->pending = true;
    if (b->fault == BOOT_LOOKING_TAKES_A_TRY && b->good.record.tries > 0)
        b->good.record.tries--;
    return err;
}

static ota_err bad_arm(struct ota_boot *s, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    struct bad_boot *b = &bad_boot;
    uint8_t all[OTA_COMPONENTS_MAX];
    ota_err err;

    (void)s;
    if (b->fault == BOOT_ARM_DOES_NOTHING)
        return OTA_OK;
    for (size_t i = 0; i < count; i++)
        all[i] = (uint8_t)(b->fault == BOOT_ARM_MOVES_ALL ? 1 - b->good.record.confirmed[i] : slot[i]);
    err = b->good.port.ops->arm(&b->good.port, all, count, (uint8_t)(tries - (b->fault == BOOT_ONE_TRY_LESS)), code);
    if (b->fault == BOOT_ARM_SWITCHES_AT_ONCE)
        (void)ota_ram_boot_start(&b->good);
    return err;
}

static ota_err bad_confirm(struct ota_boot *s, int32_t *code)
{
    struct bad_boot *b = &bad_boot;

    (void)s;
    if (b->fault == BOOT_CONFIRM_DOES_NOTHING)
        return OTA_OK;
    if (b->fault == BOOT_CONFIRM_NEEDS_TRIAL && b->good.record.state == OTA_BOOT_TRIAL_NONE)
        return OTA_DEVICE_BOOT;
    if (b->fault == BOOT_CONFIRM_TAKES_ARMED && b->good.record.state == OTA_BOOT_TRIAL_ARMED)
        (void)ota_ram_boot_start(&b->good);
    return b->good.port.ops->confirm(&b->good.port, code);
}

static ota_err bad_revert(struct ota_boot *s, int32_t *code)
{
    struct bad_boot *b = &bad_boot;

    (void)s;
    if (b->fault == BOOT_REVERT_DOES_NOTHING)
        return OTA_OK;
    if (b->fault == BOOT_REVERT_CONFIRMS)
        return b->good.port.ops->confirm(&b->good.port, code);
    return b->good.port.ops->revert(&b->good.port, code);
}

static ota_err bad_reboot(struct ota_boot *s, int32_t *code)
{
    (void)s;
    return bad_boot.fault == BOOT_REBOOT_FAILS ? OTA_DEVICE_BOOT : bad_boot.good.port.ops->reboot(&bad_boot.good.port, code);
}

static bool bad_restart(struct ota_contract_device *d)
{
    struct bad_boot *b = (struct bad_boot *)d;
    int32_t code = 0;

    if (b->fault == BOOT_ARM_IS_LOST_BY_RESTART && b->good.record.state == OTA_BOOT_TRIAL_ARMED)
        (void)b->good.port.ops->revert(&b->good.port, &code);
    if (b->fault == BOOT_TRIES_FOR_EVER && b->good.record.state == OTA_BOOT_TRIAL_STARTED)
        b->good.record.tries = 2;
    (void)ota_ram_boot_start(&b->good);
    return true;
}

static unsigned run_boot(unsigned fault)
{
    static const struct ota_boot_ops ops = { bad_view, bad_arm, bad_confirm, bad_revert, bad_reboot };
    struct ota_contract_report r = quiet_report();

    bad_boot.port.ops = &ops;
    bad_boot.fault = (enum boot_fault)fault;
    bad_boot.device = (struct ota_contract_device){ &bad_boot.port, 2, bad_restart };
    ota_ram_boot_init(&bad_boot.good, (const uint8_t[]){ 0, 1 }, 2);
    return ota_contract_boot(&bad_boot.device, &r);
}

/* ---- network ---- */

enum net_fault {
    NET_GOOD,
    NET_DOWN,
    NET_ENDS_EARLY,
    NET_NEVER_ENDS,
    NET_CHANGES_A_BYTE,
    NET_SKIPS_A_BYTE,
    NET_READS_TOO_MUCH,
    NET_OK_WITHOUT_BYTES,
    NET_IGNORES_RANGE,
    NET_RANGE_IS_ONE_OFF,
    NET_RANGE_STICKS,
    NET_DROPS_IF_RANGE,
    NET_DROPS_IF_NONE_MATCH,
    NET_HAS_NO_LENGTH,
    NET_HAS_NO_ETAG,
    NET_404_IS_200,
    NET_404_IS_A_FAILURE,
    NET_HEAD_ONCE,
    NET_END_SPOILS,
    NET_TAKES_ANY_URL,
    NET_PUT_IS_REFUSED,
    NET_DEAD_ANSWERS,
    NET_FAULTS
};

struct bad_net {
    struct ota_net port;
    struct ota_ram_net good;
    enum net_fault fault;
    uint64_t last_from;
    unsigned heads, given_up;
    bool done;
};

static struct bad_net bad_net;

static ota_err bad_ready(struct ota_net *s)
{
    (void)s;
    return bad_net.fault == NET_DOWN ? OTA_RETRY_NETWORK : OTA_OK;
}

static ota_err bad_begin(struct ota_net *s, const struct ota_net_request *req)
{
    struct bad_net *b = &bad_net;
    struct ota_net_request other = *req;

    (void)s;
    b->heads = 0;
    b->done = false;
    if (b->fault == NET_TAKES_ANY_URL && !strstr(req->url, "://"))
        other.url = "ram://s/file";
    if (strcmp(req->url, "ram://dead/") == 0 && b->fault != NET_DEAD_ANSWERS)
        return OTA_RETRY_NETWORK;
    if (b->fault == NET_IGNORES_RANGE)
        other.range_from = 0;
    if (b->fault == NET_RANGE_IS_ONE_OFF && other.range_from > 0)
        other.range_from--;
    if (b->fault == NET_RANGE_STICKS && other.range_from == 0)
        other.range_from = b->last_from;
    b->last_from = other.range_from;
    if (b->fault == NET_DROPS_IF_RANGE)
        other.if_range = NULL;
    if (b->fault == NET_DROPS_IF_NONE_MATCH)
        other.if_none_match = NULL;
    return b->good.port.ops->begin(&b->good.port, &other);
}

static ota_err bad_head(struct ota_net *s, struct ota_net_head *h, int32_t *code)
{
    struct bad_net *b = &bad_net;
    ota_err err = b->good.port.ops->head(&b->good.port, h, code);

    (void)s;
    if (b->fault == NET_HAS_NO_ETAG)
        h->etag[0] = '\0';
    if (b->fault == NET_404_IS_200 && h->status == 404)
        h->status = 200;
    if (b->fault == NET_404_IS_A_FAILURE && h->status == 404)
        return OTA_RETRY_NETWORK;
    if (b->fault == NET_HEAD_ONCE && b->heads++ > 0)
        return OTA_RETRY_PROTOCOL;
    return err;
}

static ota_err spoil_read(struct bad_net *b, uint8_t *buf, size_t len, size_t *got, ota_err err)
{
    if (b->fault == NET_NEVER_ENDS && err == OTA_DONE)
        return OTA_AGAIN;
    if (b->fault == NET_ENDS_EARLY && err == OTA_OK && *got < len)
        return *got = 0, OTA_DONE;
    if (b->fault == NET_READS_TOO_MUCH && err == OTA_OK)
        buf[len] = 0;
    if (b->fault == NET_OK_WITHOUT_BYTES && err == OTA_DONE && !b->done)
        return b->done = true, OTA_OK;
    if (b->fault == NET_CHANGES_A_BYTE && err == OTA_OK && *got == len)
        buf[len / 2] ^= 1;
    if (b->fault == NET_SKIPS_A_BYTE && err == OTA_OK && *got > 1)
        --*got;
    return err;
}

static ota_err bad_net_read(struct ota_net *s, void *buf, size_t len, size_t *got, int32_t *code)
{
    struct bad_net *b = &bad_net;
    ota_err err = b->good.port.ops->read(&b->good.port, buf, len, got, code);

    (void)s;
    if (b->fault == NET_END_SPOILS && b->given_up > 0 && err == OTA_OK)
        ((uint8_t *)buf)[0] ^= 1;
    return spoil_read(b, buf, len, got, err);
}

static void bad_end(struct ota_net *s)
{
    struct bad_net *b = &bad_net;

    (void)s;
    b->given_up += b->good.open && b->good.left > 0;
    b->good.port.ops->end(&b->good.port);
}

static void bad_wait(struct ota_net *s, uint32_t ms)
{
    (void)s;
    bad_net.good.port.ops->wait(&bad_net.good.port, ms);
}

static unsigned run_net(unsigned fault)
{
    static const struct ota_net_ops ops = { bad_ready, bad_begin, bad_head, bad_net_read, bad_end, bad_wait };
    static uint8_t pattern[OTA_CONTRACT_FILE_LEN];
    static struct ota_ram_file files[2];
    const struct ota_contract_server server = { "ram://s/file", "ram://s/empty", "ram://s/absent", "ram://s/put", "ram://dead/" };
    struct ota_contract_report r = quiet_report();

    for (uint32_t i = 0; i < sizeof pattern; i++)
        pattern[i] = ota_contract_byte(i);
    files[0] = (struct ota_ram_file){ .url = server.file_url, .body = pattern, .len = sizeof pattern, .etag = "\"1\"",
                                      .no_length = fault == NET_HAS_NO_LENGTH };
    files[1] = (struct ota_ram_file){ .url = server.empty_url, .body = pattern };
    memset(&bad_net, 0, sizeof bad_net);
    bad_net.port.ops = &ops;
    bad_net.fault = (enum net_fault)fault;
    ota_ram_net_init(&bad_net.good, files, 2);
    bad_net.good.put_status = fault == NET_PUT_IS_REFUSED ? 405 : 0;
    return ota_contract_net(&bad_net.port, &server, &r);
}

/* ---- clock ---- */

enum clock_fault { CLOCK_GOOD, CLOCK_GOES_BACK, CLOCK_STANDS, CLOCK_COUNTS_SECONDS, CLOCK_COUNTS_MICROSECONDS, CLOCK_IS_1970,
                   CLOCK_UTC_IN_MS, CLOCK_UTC_OTHER_ERROR, CLOCK_FAULTS };

struct bad_clock {
    struct ota_clock port;
    enum clock_fault fault;
    uint64_t us;
    uint64_t looks;
};

static uint64_t bad_monotonic(struct ota_clock *s)
{
    struct bad_clock *b = (struct bad_clock *)s;
    uint64_t div = b->fault == CLOCK_COUNTS_SECONDS ? 1000000u : b->fault == CLOCK_COUNTS_MICROSECONDS ? 1u : 1000u;

    b->looks++;
    return 1000000u + b->us / div - (b->fault == CLOCK_GOES_BACK && b->looks == 500 ? 10u : 0u);
}

static ota_err bad_utc(struct ota_clock *s, int64_t *out)
{
    struct bad_clock *b = (struct bad_clock *)s;

    *out = b->fault == CLOCK_IS_1970 ? 12345 : 1800000000;
    if (b->fault == CLOCK_UTC_IN_MS)
        *out = *out * 1000 + (int64_t)(b->looks++ % 7u) * 100000;
    return b->fault == CLOCK_UTC_OTHER_ERROR ? OTA_DEVICE_STORE : OTA_OK;
}

static void bad_sleep(struct ota_clock *s, uint32_t ms)
{
    struct bad_clock *b = (struct bad_clock *)s;

    if (b->fault != CLOCK_STANDS)
        b->us += (uint64_t)ms * 1000u;
}

static unsigned run_clock(unsigned fault)
{
    static const struct ota_clock_ops ops = { bad_monotonic, bad_utc, bad_sleep };
    struct bad_clock b = { .port = { &ops }, .fault = (enum clock_fault)fault };
    struct ota_contract_report r = quiet_report();

    return ota_contract_clock(&b.port, &r);
}

/* ---- all of them ---- */

static void expect_all_caught(const char *port, unsigned (*run)(unsigned fault), unsigned faults)
{
    unsigned missed = 0;

    assert_int_equal(run(0), 0); /* without a fault the wrapped port passes: what is caught is the fault */
    for (unsigned i = 1; i < faults; i++)
        if (run(i) == 0) {
            print_error("%s: fault %u was not caught\n", port, i);
            missed++;
        }
    assert_int_equal(missed, 0);
    assert_true(faults > 5);
}

static void store_faults(void **state)
{
    (void)state;
    expect_all_caught("store", run_store, STORE_FAULTS);
}

static void slot_faults(void **state)
{
    (void)state;
    expect_all_caught("slot", run_slot, SLOT_FAULTS);
}

static void boot_faults(void **state)
{
    (void)state;
    expect_all_caught("boot", run_boot, BOOT_FAULTS);
}

static void net_faults(void **state)
{
    (void)state;
    expect_all_caught("net", run_net, NET_FAULTS);
}

static void clock_faults(void **state)
{
    (void)state;
    expect_all_caught("clock", run_clock, CLOCK_FAULTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_faults), cmocka_unit_test(slot_faults), cmocka_unit_test(boot_faults),
        cmocka_unit_test(net_faults), cmocka_unit_test(clock_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
