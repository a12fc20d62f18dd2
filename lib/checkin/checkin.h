/* SPDX-License-Identifier: Apache-2.0 */
/* Check-in with a static repository: the facts a device may tell, and what the answer to one conditional request for
 * timestamp.json offers. Nothing here is trusted. */
#ifndef OTAI_CHECKIN_H
#define OTAI_CHECKIN_H

#include "ota/port_net.h"
#include "ota/records.h"

struct otai_facts {
    const char *product, *group;
    const char *version;         /* of the first component; may be "" */
    uint64_t seq;                /* installed deployment */
    uint8_t state;               /* enum ota_state */
    uint8_t slot;                /* running slot of the first component */
    enum ota_outcome outcome;    /* of the last deployment */
    ota_err cause;
};

/* Header lines (see struct ota_net_request.extra) that tell the facts: no device id, nothing personal.
 * REJECT_LIMIT when they do not fit. */
OTA_MUST_CHECK ota_err otai_checkin_facts(const struct otai_facts *facts, char *out, size_t cap);

/* What the answer offers. `result` is what the exchange ended with: OTA_SAME (304) or OTA_DONE (200). */
void otai_checkin_offer(ota_err result, const struct ota_net_head *head, const char *etag_sent, struct ota_offer *out);

#endif
