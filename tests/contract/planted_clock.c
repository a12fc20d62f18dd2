/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include "report.h"

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

unsigned planted_clock(unsigned fault)
{
    static const struct ota_clock_ops ops = { bad_monotonic, bad_utc, bad_sleep };
    struct bad_clock b = { .port = { &ops }, .fault = (enum clock_fault)fault };
    struct ota_contract_report r = quiet_report();

    return ota_contract_clock(&b.port, &r);
}

const unsigned planted_clock_faults = CLOCK_FAULTS;
