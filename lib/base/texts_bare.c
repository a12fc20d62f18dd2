/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for texts.c where flash is short: numbers go into logs and reports, SPEC.md says what they mean. */
#include "ota/error.h"
#include "ota/port_log.h"

const char *ota_err_name(ota_err err)
{
    (void)err;
    return "";
}

const char *ota_err_text(ota_err err)
{
    (void)err;
    return "";
}

const char *ota_event_text(enum ota_event ev)
{
    (void)ev;
    return "";
}
