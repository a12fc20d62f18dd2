/* SPDX-License-Identifier: Apache-2.0 */
/** @file Log port: numbered events with two integers. No secrets, no free text from the network. */
#ifndef OTA_PORT_LOG_H
#define OTA_PORT_LOG_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Event numbers. Stable; the list is events.def. */
enum ota_event {
#define OTA_EVENT(name, number, text) OTA_EV_##name = (number),
#include "ota/events.def"
#undef OTA_EVENT
};

/** @return a static text for an event, where %a and %b stand for its two integers; "" in builds without OTA_TEXTS. Never NULL. */
const char *ota_event_text(enum ota_event ev);

struct ota_log;
struct ota_log_ops {
    /** Note an event. Must not call back into the agent. `fault` is NULL unless the event carries one. */
    void (*event)(struct ota_log *l, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault);
};

/** First member of the port's own struct. */
struct ota_log {
    const struct ota_log_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
