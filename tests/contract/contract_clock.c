/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#define LOOKS 1000
#define YEAR_2020_S 1577836800

static void check_monotonic(struct ota_clock *c, struct ota_contract_report *r)
{
    uint64_t last = c->ops->monotonic_ms(c);
    bool ok = true;

    for (int i = 0; i < LOOKS; i++) {
        uint64_t now = c->ops->monotonic_ms(c);

        ok = ok && now >= last;
        last = now;
    }
    contract_check(r, "clock: the monotonic clock never goes back", ok);
}

/* A sleep may end early, so several are taken; but time must pass, and in milliseconds. */
static void check_sleep(struct ota_clock *c, struct ota_contract_report *r)
{
    uint64_t start = c->ops->monotonic_ms(c), now = start;

    for (int i = 0; i < LOOKS && now - start < 50; i++) {
        c->ops->sleep_ms(c, 10);
        now = c->ops->monotonic_ms(c);
    }
    contract_check(r, "clock: sleeping lets time pass", now - start >= 50);
    contract_check(r, "clock: it counts milliseconds", now - start < 5000);
    start = c->ops->monotonic_ms(c);
    c->ops->sleep_ms(c, 0);
    contract_check(r, "clock: sleeping for nothing comes back", c->ops->monotonic_ms(c) - start < 5000);
}

static void check_utc(struct ota_clock *c, struct ota_contract_report *r)
{
    int64_t first = 0, second = 0;
    ota_err err = c->ops->utc_s(c, &first);

    contract_check(r, "clock: the wall clock is known or RETRY_CLOCK", err == OTA_OK || err == OTA_RETRY_CLOCK);
    if (err != OTA_OK)
        return;
    contract_check(r, "clock: a known wall clock is not before 2020", first >= YEAR_2020_S);
    contract_check(r, "clock: the wall clock counts seconds",
                   c->ops->utc_s(c, &second) == OTA_OK && second >= first && second - first < 60);
}

unsigned ota_contract_clock(struct ota_clock *c, struct ota_contract_report *r)
{
    unsigned before = r->failures;

    check_monotonic(c, r);
    check_sleep(c, r);
    check_utc(c, r);
    return r->failures - before;
}
