/* SPDX-License-Identifier: Apache-2.0 */
/* The table. Every edge of the machine stands here and nowhere else; the drawing in ARCHITECTURE.md is made from it. */
#include "agent.h"

#define NEVER OTA_ST_COUNT

/* clang-format off */
const struct otai_row otai_rows[OTA_ST_COUNT] = {
/*                    name        what it does                          step                done             same            retry         reject          device        journal resume */
[OTA_ST_START]    = { "start",    "read journal and boot control",      otai_step_start,    OTAI_ST_RESUME,  NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_IDLE]     = { "idle",     "wait for the next check-in",         otai_step_idle,     OTA_ST_POLL,     NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_POLL]     = { "poll",     "one conditional request",            otai_step_poll,     OTA_ST_TRUST,    OTA_ST_REPORT,  OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_TRUST]    = { "trust",    "TUF: offer to release",              otai_step_trust,    OTA_ST_PLAN,     OTA_ST_REPORT,  OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_PLAN]     = { "plan",     "choose component, slot, source",     otai_step_plan,     OTA_ST_DOWNLOAD, OTA_ST_READY,   NEVER,        OTA_ST_REFUSE,  OTA_ST_REFUSE,true,   OTA_ST_IDLE },
[OTA_ST_DOWNLOAD] = { "download", "fill the spare slot",                otai_step_download, OTA_ST_SEAL,     NEVER,          OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_REFUSE,false,  OTA_ST_IDLE },
[OTA_ST_SEAL]     = { "seal",     "read back and hash",                 otai_step_seal,     OTA_ST_PLAN,     NEVER,          OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_REFUSE,false,  OTA_ST_IDLE },
[OTA_ST_READY]    = { "ready",    "wait until nothing holds it back",   otai_step_ready,    OTA_ST_ARM,      NEVER,          OTA_ST_IDLE,  NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_ARM]      = { "arm",      "hand the trial to the boot control", otai_step_arm,      OTA_ST_REBOOT,   NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, true,   OTA_ST_REBOOT },
[OTA_ST_REBOOT]   = { "reboot",   "restart into the trial",             otai_step_reboot,   OTA_ST_TRIAL,    NEVER,          NEVER,        OTA_ST_REVERT,  OTA_ST_FAULT, true,   OTA_ST_REBOOT },
[OTA_ST_TRIAL]    = { "trial",    "judge health",                       otai_step_trial,    OTA_ST_CONFIRM,  NEVER,          NEVER,        OTA_ST_REVERT,  OTA_ST_FAULT, true,   OTA_ST_REBOOT },
[OTA_ST_CONFIRM]  = { "confirm",  "make the trial permanent",           otai_step_confirm,  OTA_ST_REPORT,   NEVER,          NEVER,        OTA_ST_REVERT,  OTA_ST_FAULT, true,   OTA_ST_CONFIRM },
[OTA_ST_REVERT]   = { "revert",   "give the trial up",                  otai_step_revert,   OTA_ST_REPORT,   NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, true,   OTA_ST_REVERT },
[OTA_ST_REFUSE]   = { "refuse",   "drop this try, keep the cause",      otai_step_refuse,   OTA_ST_REPORT,   NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_REPORT]   = { "report",   "deliver or keep the outcome",        otai_step_report,   OTA_ST_IDLE,     OTA_ST_IDLE,    OTA_ST_IDLE,  OTA_ST_IDLE,    OTA_ST_FAULT, false,  OTA_ST_REPORT },
[OTA_ST_FAULT]    = { "fault",    "device failed: back off",            otai_step_fault,    OTA_ST_START,    NEVER,          NEVER,        NEVER,          NEVER,        false,  OTA_ST_IDLE },
};
/* clang-format on */

const char *ota_state_name(enum ota_state s)
{
    return (unsigned)s < OTA_ST_COUNT ? otai_rows[s].name : "unknown";
}

const char *ota_hold_name(uint32_t bit)
{
    static const char *const names[] = { "network", "clock", "backoff", "deferred", "trial", "blocked", "restart" };

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bit == 1u << i)
            return names[i];
    return NULL;
}
