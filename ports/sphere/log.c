/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include <applibs/log.h>
#include <applibs/powermanagement.h>
#include <errno.h>

#include "ota/sphere.h"

/* "%a" and "%b" of an event's text. What does not fit is cut. */
static void fill(char *out, size_t cap, const char *text, int64_t a, int64_t b)
{
    size_t len = 0;

    while (*text && len + 1 < cap) {
        bool number = text[0] == '%' && (text[1] == 'a' || text[1] == 'b');
        if (!number) {
            out[len++] = *text++;
            continue;
        }
        int n = snprintf(out + len, cap - len, "%" PRId64, text[1] == 'a' ? a : b);
        len += n < 0 || (size_t)n >= cap - len ? cap - len - 1 : (size_t)n;
        text += 2;
    }
    out[len] = '\0';
}

static void event(struct ota_log *port, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    char line[160];

    (void)port;
    fill(line, sizeof line, ota_event_text(ev), a, b);
    if (fault && fault->err != OTA_OK)
        (void)Log_Debug("ota: %s: %s at %s, code %" PRId32 "\n", line, ota_err_name(fault->err), fault->where, fault->port_code);
    else
        (void)Log_Debug("ota: %s\n", line);
}

static const struct ota_log_ops ops = { event };

void ota_sphere_log_open(struct ota_sphere_log *l)
{
    l->port.ops = &ops;
}

ota_err ota_sphere_reboot(int32_t *port_code)
{
    int number = PowerManagement_ForceSystemReboot() == 0 ? 0 : errno;

    if (port_code)
        *port_code = number;
    return number ? OTA_DEVICE_BOOT : OTA_OK;
}
