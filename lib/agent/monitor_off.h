/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_MONITOR=OFF: nothing of it costs a byte. */
#ifndef OTAI_MONITOR_OFF_H
#define OTAI_MONITOR_OFF_H

#include <string.h>

#include "journal.h"
#include "ota/ota.h"

#define OTAI_MONITOR_MEMBER
#define OTAI_MONITOR_SEE(a, image) ((void)0)

struct otai_sending;

static inline void otai_unblock(struct otai_journal *j)
{
    memset(j->blocked, 0, sizeof j->blocked);
}

static inline ota_err otai_collect_found(const struct ota *a, const struct otai_sending *s)
{
    (void)a;
    (void)s;
    return OTA_OK;
}

#endif
