/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include "ota/ram.h"
#include "report.h"

enum conditions_fault { CONDITIONS_GOOD, BATTERY_IN_PROMILLE, BATTERY_BELOW_ZERO, MAINS_AS_VOLTS, METERED_TWICE, OFFSET_IN_MINUTES_WEST, OFFSET_TOO_FAR,
                        READ_BLOCKS, READ_SAYS_AGAIN, CONSENT_BLOCKS, CONSENT_IS_REFUSED_BY_REJECT, CONDITIONS_FAULTS };

struct bad_conditions {
    struct ota_conditions port;
    struct ota_ram_clock *clock;
    enum conditions_fault fault;
};

static ota_err bad_read(struct ota_conditions *s, struct ota_conditions_now *now, int32_t *port_code)
{
    struct bad_conditions *b = (struct bad_conditions *)s;

    (void)port_code;
    *now = (struct ota_conditions_now){ .battery_percent = 100, .on_mains = 1, .offset_known = true, .utc_offset_s = 3600 };
    switch (b->fault) {
    case BATTERY_IN_PROMILLE: now->battery_percent = 101; break;
    case BATTERY_BELOW_ZERO: now->battery_percent = -2; break;
    case MAINS_AS_VOLTS: now->on_mains = 12; break;
    case METERED_TWICE: now->metered = 2; break;
    case OFFSET_IN_MINUTES_WEST: now->utc_offset_s = -43201; break;
    case OFFSET_TOO_FAR: now->utc_offset_s = OTA_UTC_OFFSET_MAX_S + 1; break;
    case READ_BLOCKS: b->clock->now_ms += 2000; break;
    default: break;
    }
    return b->fault == READ_SAYS_AGAIN ? OTA_AGAIN : OTA_OK;
}

static ota_err bad_consent(struct ota_conditions *s, uint64_t seq, int32_t *port_code)
{
    struct bad_conditions *b = (struct bad_conditions *)s;

    (void)seq;
    (void)port_code;
    if (b->fault == CONSENT_BLOCKS)
        b->clock->now_ms += 2000;
    return b->fault == CONSENT_IS_REFUSED_BY_REJECT ? OTA_REJECT_APP : OTA_AGAIN;
}

unsigned planted_conditions(unsigned fault)
{
    static const struct ota_conditions_ops ops = { bad_read, bad_consent };
    struct ota_ram_clock clock;
    struct bad_conditions b = { .port = { &ops }, .clock = &clock, .fault = (enum conditions_fault)fault };
    struct ota_contract_report r = quiet_report();

    ota_ram_clock_init(&clock, 1800000000);
    return ota_contract_conditions(&b.port, &clock.port, &r);
}

const unsigned planted_conditions_faults = CONDITIONS_FAULTS;
