/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a flash: bounds, and every change read back. Functions return 0 or a number for port_code. */
#ifndef OTAF_AREA_H
#define OTAF_AREA_H

#include "ota/mcu.h"

#define OTAF_CHUNK 256u /* bytes on the stack at a time; a multiple of every write unit */

struct ota_mcu_geometry otaf_geometry(const struct ota_mcu_area *a);

/* Does it lie in the flash, on erase units, with at least `least` and at most `most` of them? */
bool otaf_area_ok(const struct ota_mcu_area *a, uint32_t least, uint32_t most);

int32_t otaf_read(const struct ota_mcu_area *a, uint32_t off, void *buf, uint32_t len);
int32_t otaf_program(const struct ota_mcu_area *a, uint32_t off, const void *buf, uint32_t len);
int32_t otaf_erase(const struct ota_mcu_area *a, uint32_t off, uint32_t len);
int32_t otaf_sync(const struct ota_mcu_area *a);

/* For a port's `return`: sets *port_code unless there is none to set. */
static inline ota_err otaf_result(int32_t number, ota_err err, int32_t *port_code)
{
    if (port_code)
        *port_code = number;
    return number == 0 ? OTA_OK : err;
}

#endif
