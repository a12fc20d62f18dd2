/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the tables that the model runs on, from the code that the device runs on: the agent's state table (lib/agent) and the
 * boot record's rules, asked case by case. Promela on standard output; agent.pml includes it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "ota/boot_record.h"

#define TRIES_MAX 4   /* most tries that the model gives a trial */
#define STATES 4      /* of a trial in the boot record */
#define FATES 4

/* name(i): the value for each i, as a chain of conditional expressions. */
static void table(const char *name, const char *argument, unsigned count, unsigned (*value)(unsigned i))
{
    (void)printf("#define %s (", name);
    for (unsigned i = 0; i + 1 < count; i++)
        (void)printf("(%s)==%u -> %u : (", argument, i, value(i));
    (void)printf("%u", value(count - 1));
    for (unsigned i = 0; i < count; i++)
        (void)printf(")");
    (void)printf("\n");
}

/* ---- the agent's table ---- */

static unsigned done(unsigned s)      { return otai_rows[s].done; }
static unsigned same(unsigned s)      { return otai_rows[s].same; }
static unsigned retry(unsigned s)     { return otai_rows[s].retry; }
static unsigned reject(unsigned s)    { return otai_rows[s].reject; }
static unsigned device(unsigned s)    { return otai_rows[s].device; }
static unsigned resume(unsigned s)    { return otai_rows[s].resume; }
static unsigned journaled(unsigned s) { return otai_rows[s].journal; }

static void states(void)
{
    for (unsigned s = 0; s < OTA_ST_COUNT; s++) {
        (void)printf("#define ");
        for (const char *p = otai_rows[s].name; *p; p++)
            (void)putchar(toupper((unsigned char)*p));
        (void)printf(" %u\n", s);
    }
    (void)printf("#define NEVER %u\n#define RESUME %u\n", (unsigned)OTA_ST_COUNT, (unsigned)OTAI_ST_RESUME);
    table("ROW_DONE(s)", "s", OTA_ST_COUNT, done);
    table("ROW_SAME(s)", "s", OTA_ST_COUNT, same);
    table("ROW_RETRY(s)", "s", OTA_ST_COUNT, retry);
    table("ROW_REJECT(s)", "s", OTA_ST_COUNT, reject);
    table("ROW_DEVICE(s)", "s", OTA_ST_COUNT, device);
    table("ROW_RESUME(s)", "s", OTA_ST_COUNT, resume);
    table("ROW_JOURNALED(s)", "s", OTA_ST_COUNT, journaled);
}

/* ---- the boot record: slot 0 is confirmed, slot 1 the trial's ---- */

static struct ota_boot_record record(unsigned state, unsigned tries, unsigned fate)
{
    struct ota_boot_record r;

    ota_boot_record_init(&r, (const uint8_t[]){ 0 }, 1);
    r.state = (uint8_t)state;
    r.tries = (uint8_t)tries;
    r.fate = (uint8_t)fate;
    r.trial[0] = state == OTA_BOOT_TRIAL_NONE ? OTA_SLOT_NONE : 1;
    r.running[0] = state == OTA_BOOT_TRIAL_STARTED || state == OTA_BOOT_TRIAL_DROPPED ? 1 : 0;
    return r;
}

static struct ota_boot_record started(unsigned i)
{
    struct ota_boot_record r = record(i / (TRIES_MAX + 1), i % (TRIES_MAX + 1), 0);
    bool changed;

    (void)ota_boot_record_start(&r, &changed);
    return r;
}

static unsigned start_state(unsigned i) { return started(i).state; }
static unsigned start_tries(unsigned i) { return started(i).tries; }
static unsigned start_trial(unsigned i) { return started(i).running[0]; }
static unsigned start_fate(unsigned i)  { return started(i).fate; }

static unsigned confirm_ok(unsigned s)
{
    struct ota_boot_record r = record(s, 1, 0);

    return ota_boot_record_confirm(&r) && r.confirmed[0] == 1 && r.state == OTA_BOOT_TRIAL_NONE;
}

static unsigned arm_ok(unsigned s)
{
    struct ota_boot_record r = record(s, 1, 0);

    r.running[0] = 0;
    return ota_boot_record_arm(&r, (const uint8_t[]){ 1 }, 1, 1) == OTA_OK;
}

static struct ota_boot_record reverted(unsigned i)
{
    struct ota_boot_record r = record(i / FATES, 1, i % FATES);

    (void)ota_boot_record_revert(&r);
    return r;
}

static unsigned revert_state(unsigned i) { return reverted(i).state; }
static unsigned revert_fate(unsigned i)  { return reverted(i).fate; }

static struct ota_boot_view view(unsigned i)
{
    struct ota_boot_record r = record(i / FATES, 1, i % FATES);
    struct ota_boot_view v;

    ota_boot_record_view(&r, &v);
    return v;
}

static unsigned view_trial(unsigned i)   { return view(i).trial; }
static unsigned view_pending(unsigned i) { return view(i).pending; }
static unsigned view_armed(unsigned i)   { return view(i).armed[0] == 1; }
static unsigned view_spent(unsigned i)   { return view(i).spent; }

static void boot(void)
{
    table("START_STATE(s,t)", "(s)*5+(t)", STATES * (TRIES_MAX + 1), start_state);
    table("START_TRIES(s,t)", "(s)*5+(t)", STATES * (TRIES_MAX + 1), start_tries);
    table("START_TRIAL(s,t)", "(s)*5+(t)", STATES * (TRIES_MAX + 1), start_trial);
    table("START_FATE(s,t)", "(s)*5+(t)", STATES * (TRIES_MAX + 1), start_fate);
    table("CONFIRM_OK(s)", "s", STATES, confirm_ok);
    table("ARM_OK(s)", "s", STATES, arm_ok);
    table("REVERT_STATE(s,f)", "(s)*4+(f)", STATES * FATES, revert_state);
    table("REVERT_FATE(s,f)", "(s)*4+(f)", STATES * FATES, revert_fate);
    table("VIEW_TRIAL(s,f)", "(s)*4+(f)", STATES * FATES, view_trial);
    table("VIEW_PENDING(s,f)", "(s)*4+(f)", STATES * FATES, view_pending);
    table("VIEW_ARMED(s,f)", "(s)*4+(f)", STATES * FATES, view_armed);
    table("VIEW_SPENT(s,f)", "(s)*4+(f)", STATES * FATES, view_spent);
}

int main(void)
{
    states();
    boot();
    return fflush(stdout) == 0 ? 0 : 1;
}
