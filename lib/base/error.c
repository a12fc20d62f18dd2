/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/error.h"

#include <stddef.h>

enum ota_err_class ota_err_class(ota_err err)
{
    unsigned range = (unsigned)err >> 8;

    return range > OTA_CLASS_USAGE ? OTA_CLASS_USAGE : (enum ota_err_class)range;
}

ota_err ota_fault_set(struct ota_fault *f, ota_err err, const char *where, int32_t port_code)
{
    size_t i = 0;

    if (!f)
        return err;
    f->err = err;
    f->port_code = port_code;
    for (; where && where[i] && i + 1 < sizeof f->where; i++)
        f->where[i] = (where[i] >= 0x20 && where[i] < 0x7f) ? where[i] : '?';
    f->where[i] = '\0';
    return err;
}
