/* SPDX-License-Identifier: Apache-2.0 */
/* The table. Every edge of the machine stands here and nowhere else; the drawing in ARCHITECTURE.md is made from it. */
#include "agent.h"
#include OTAI_POLICY_HEADER

#define NEVER OTA_ST_COUNT

/* clang-format off */
const struct otai_row otai_rows[OTA_ST_COUNT] = {
/*                    name        step                done             same            retry         reject          device        journal resume */
[OTA_ST_START]    = { "start",    otai_step_start,    OTAI_ST_RESUME,  NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_IDLE]     = { "idle",     otai_step_idle,     OTA_ST_POLL,     NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_POLL]     = { "poll",     otai_step_poll,     OTA_ST_TRUST,    OTA_ST_REPORT,  OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_TRUST]    = { "trust",    otai_step_trust,    OTA_ST_PLAN,     OTA_ST_REPORT,  OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_PLAN]     = { "plan",     otai_step_plan,     OTA_ST_DOWNLOAD, OTA_ST_READY,   OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_REFUSE, true,   OTA_ST_IDLE },
[OTA_ST_DOWNLOAD] = { "download", otai_step_download, OTA_ST_SEAL,     OTA_ST_PLAN,    OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_REFUSE, false,  OTA_ST_IDLE },
[OTA_ST_SEAL]     = { "seal",     otai_step_seal,     OTA_ST_PLAN,     OTA_ST_PLAN,    OTA_ST_IDLE,  OTA_ST_REFUSE,  OTA_ST_REFUSE, false,  OTA_ST_IDLE },
[OTA_ST_READY]    = { "ready",    otai_step_ready,    OTA_ST_ARM,      OTA_ST_IDLE,    OTA_ST_IDLE,  NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_ARM]      = { "arm",      otai_step_arm,      OTA_ST_REBOOT,   NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, true,   OTA_ST_REBOOT },
[OTA_ST_REBOOT]   = { "reboot",   otai_step_reboot,   OTA_ST_TRIAL,    NEVER,          NEVER,        OTA_ST_REVERT,  OTA_ST_FAULT, true,   OTA_ST_REBOOT },
[OTA_ST_TRIAL]    = { "trial",    otai_step_trial,    OTA_ST_CONFIRM,  NEVER,          NEVER,        OTA_ST_REVERT,  OTA_ST_FAULT, true,   OTA_ST_REBOOT },
[OTA_ST_CONFIRM]  = { "confirm",  otai_step_confirm,  OTA_ST_REPORT,   NEVER,          NEVER,        OTA_ST_REVERT,  OTA_ST_FAULT, true,   OTA_ST_CONFIRM },
[OTA_ST_REVERT]   = { "revert",   otai_step_revert,   OTA_ST_REPORT,   NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, true,   OTA_ST_REVERT },
[OTA_ST_REFUSE]   = { "refuse",   otai_step_refuse,   OTA_ST_REPORT,   NEVER,          NEVER,        NEVER,          OTA_ST_FAULT, false,  OTA_ST_IDLE },
[OTA_ST_REPORT]   = { "report",   otai_step_report,   OTA_ST_IDLE,     OTA_ST_IDLE,    OTA_ST_IDLE,  OTA_ST_IDLE,    OTA_ST_FAULT, false,  OTA_ST_REPORT },
[OTA_ST_FAULT]    = { "fault",    otai_step_fault,    OTA_ST_START,    NEVER,          NEVER,        NEVER,          NEVER,        false,  OTA_ST_IDLE },
};
/* clang-format on */

const char *ota_state_name(enum ota_state s)
{
    return (unsigned)s < OTA_ST_COUNT ? otai_rows[s].name : "unknown";
}

const char *ota_hold_name(uint32_t bit)
{
    static const char *const names[] = { "network", "clock", "backoff", "deferred", "trial", "blocked",
                                         "restart" OTAI_POLICY_HOLD_NAMES OTAI_HB_HOLD_NAMES };

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bit == 1u << i)
            return names[i];
    return NULL;
}
