/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTAT_LINE_H
#define OTAT_LINE_H

#include "frame.h"

/* Greet, unless that was done since the other end's last start. @return 0 or a number for port_code, as all below; RESTARTED: it
 * was, and it may have lost what was not synced */
int32_t otat_greet(struct ota_remote *r);

/* Ask and wait for the answer: len bytes in *data, valid until the next request. What the other end refuses is its
 * number. OTA_REMOTE_RESTARTED: it has another session; it was greeted anew, and nothing was asked of it. */
int32_t otat_ask(struct ota_remote *r, const struct otat_frame *request, size_t len, const uint8_t **data);

static inline ota_err otat_result(int32_t number, ota_err err, int32_t *port_code)
{
    if (port_code)
        *port_code = number;
    return number == 0 ? OTA_OK : err;
}

#endif
