/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTAM_FAIL_H
#define OTAM_FAIL_H

#include "ota/ram.h"

/* Count one operation. true: it must fail, and *port_code is set. */
static inline bool otam_fails(struct ota_ram_fail *f, int32_t *port_code)
{
    f->ops++;
    if (f->at == 0 || f->ops < f->at || (f->ops > f->at && !f->for_good))
        return false;
    *port_code = OTA_RAM_CODE;
    return true;
}

#endif
