/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#define LOOKS 20
#define LOOK_MS 1000u   /* "must not block", with room for a slow machine */

static const struct ota_conditions_now unknown = { .battery_percent = OTA_NOT_KNOWN, .on_mains = OTA_NOT_KNOWN, .metered = OTA_NOT_KNOWN };

static bool is_answer(int8_t v)
{
    return v == OTA_NOT_KNOWN || v == 0 || v == 1;
}

static void check_values(const struct ota_conditions_now *now, struct ota_contract_report *r)
{
    contract_check(r, "conditions: the battery is 0 to 100 per cent or not known",
                   now->battery_percent == OTA_NOT_KNOWN || (now->battery_percent >= 0 && now->battery_percent <= 100));
    contract_check(r, "conditions: on mains is yes, no or not known", is_answer(now->on_mains));
    contract_check(r, "conditions: metered is yes, no or not known", is_answer(now->metered));
    contract_check(r, "conditions: local time is at most 14 hours ahead and 12 behind",
                   !now->offset_known || (now->utc_offset_s >= -43200 && now->utc_offset_s <= OTA_UTC_OFFSET_MAX_S));
}

static void check_read(struct ota_conditions *c, struct ota_clock *clock, struct ota_contract_report *r)
{
    bool known_errors = true, quick = true;
    struct ota_conditions_now now = unknown;

    for (int i = 0; i < LOOKS; i++) {
        int32_t code = 0;
        uint64_t began = clock->ops->monotonic_ms(clock);

        now = unknown;
        ota_err err = c->ops->read(c, &now, &code);
        known_errors = known_errors && (err == OTA_OK || err == OTA_DEVICE_CONDITIONS);
        quick = quick && clock->ops->monotonic_ms(clock) - began < LOOK_MS;
        if (err != OTA_OK)
            now = unknown;
        clock->ops->sleep_ms(clock, 10);
    }
    contract_check(r, "conditions: reading says OK or DEVICE_CONDITIONS", known_errors);
    contract_check(r, "conditions: reading does not block", quick);
    check_values(&now, r);
}

static void check_consent(struct ota_conditions *c, struct ota_clock *clock, struct ota_contract_report *r)
{
    bool known_answers = true, quick = true;

    for (int i = 0; i < LOOKS && c->ops->consent; i++) {
        int32_t code = 0;
        uint64_t began = clock->ops->monotonic_ms(clock);
        ota_err err = c->ops->consent(c, 1, &code);

        known_answers = known_answers && (err == OTA_OK || err == OTA_AGAIN || err == OTA_DEVICE_CONDITIONS);
        quick = quick && clock->ops->monotonic_ms(clock) - began < LOOK_MS;
    }
    contract_check(r, "conditions: consent says OK, AGAIN or DEVICE_CONDITIONS", known_answers);
    contract_check(r, "conditions: asking for consent does not block", quick);
}

unsigned ota_contract_conditions(struct ota_conditions *c, struct ota_clock *clock, struct ota_contract_report *r)
{
    unsigned before = r->failures;

    check_read(c, clock, r);
    check_consent(c, clock, r);
    return r->failures - before;
}
