/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/ram.h"

static void event(struct ota_log *port, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    struct ota_ram_log *l = (struct ota_ram_log *)port;
    struct ota_ram_log_entry *e = &l->entry[l->count % OTA_RAM_LOG_LEN];

    *e = (struct ota_ram_log_entry){ .event = ev, .a = a, .b = b };
    if (fault)
        e->fault = *fault;
    l->count++;
}

static const struct ota_log_ops ops = { event };

void ota_ram_log_init(struct ota_ram_log *l)
{
    *l = (struct ota_ram_log){ .port = { &ops } };
}

uint32_t ota_ram_log_seen(const struct ota_ram_log *l, enum ota_event event_wanted)
{
    uint32_t kept = l->count < OTA_RAM_LOG_LEN ? l->count : OTA_RAM_LOG_LEN;
    uint32_t seen = 0;

    for (uint32_t i = 0; i < kept; i++)
        seen += l->entry[i].event == event_wanted;
    return seen;
}
