/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_MONITOR: what the agent does for ota/monitor.h. watch.c is the monitor's owner, local.c puts images that are here already
 * on trial, found.c makes reports of findings. */
#ifndef OTAI_MONITOR_ON_H
#define OTAI_MONITOR_ON_H

#include <string.h>

#include "journal.h"
#include "ota/monitor.h"

struct otai_sending;

/* How long an installed image is: only a release says so. `tag` are digits of its digest, lest it be taken for another's. */
struct otai_seen {
    uint64_t length;
    uint32_t security, tag;
};
#define OTAI_MONITOR_MEMBER struct otai_seen seen[OTA_COMPONENTS_MAX];
#define OTAI_MONITOR_SEE(a, image)                                                                                               \
    ((a)->seen[(image)->component] =                                                                                             \
         (struct otai_seen){ (image)->length, (image)->security, otai_get_le32((image)->sha256) })

/* Confirmed: the deployments that were rolled back before may come again. What was no deployment says nothing of them. */
static inline void otai_unblock(struct otai_journal *j)
{
    if (!otai_is_zero(j->deployment, sizeof j->deployment))
        memset(j->blocked, 0, sizeof j->blocked);
}

/* The store record with a finding about a component: "found.<its name>"; "found" for OTA_COMPONENT_NONE. */
void otai_found_name(const struct ota *a, uint8_t component, char out[OTA_STORE_NAME_MAX]);

/* One finding as it is stored (watch.c). */
struct otai_found {
    uint8_t kind, done, component, slot;
    ota_err err;
    uint32_t port_code, boot;
    int64_t utc_s;
    char where[OTA_FAULT_WHERE_MAX];
    uint8_t sha256[OTA_SHA256_LEN];
};
#define OTAI_FOUND_MAX 160
size_t otai_found_encode(const struct otai_found *f, uint8_t out[OTAI_FOUND_MAX]);
bool otai_found_decode(const uint8_t *p, size_t len, struct otai_found *f);

/* found.c, with OTA_FLEET: findings become reports. */
OTA_MUST_CHECK ota_err otai_collect_found(struct ota *a, struct otai_sending *s);

#endif
