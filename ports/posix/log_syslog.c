/* SPDX-License-Identifier: Apache-2.0 */
/* The log port over syslog(3), which journald reads as well. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "ota/posix.h"

/* What does not fit is cut: a log line is no reason to fail. */
struct line {
    char text[384];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(l->text + l->len, sizeof l->text - l->len, format, args);
    va_end(args);
    if (n > 0)
        l->len += (size_t)n < sizeof l->text - l->len ? (size_t)n : sizeof l->text - l->len - 1u;
}

static void add_text(struct line *l, const char *text, int64_t a, int64_t b)
{
    for (; *text; text++) {
        bool number = text[0] == '%' && (text[1] == 'a' || text[1] == 'b');

        if (number)
            add(l, "%" PRId64, *++text == 'a' ? a : b);
        else
            add(l, "%c", *text);
    }
}

/* What somebody has to look at stands out; what will be tried again by itself less. */
static int priority(enum ota_event ev, const struct ota_fault *fault)
{
    if (ev == OTA_EV_STATE)
        return LOG_DEBUG;
    if (!fault || fault->err == OTA_OK)
        return LOG_INFO;
    switch (ota_err_class(fault->err)) {
    case OTA_CLASS_OUTCOME: return LOG_INFO;
    case OTA_CLASS_RETRY: return LOG_NOTICE;
    case OTA_CLASS_REJECT: return LOG_WARNING;
    case OTA_CLASS_DEVICE:
    case OTA_CLASS_USAGE: break;
    }
    return LOG_ERR;
}

static void event(struct ota_log *port, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    const struct ota_posix_syslog *log = (struct ota_posix_syslog *)port;
    struct line l = { .len = 0 };

    if (ev == OTA_EV_STATE && !log->states)
        return;
    add(&l, "event=%d a=%" PRId64 " b=%" PRId64, (int)ev, a, b);
    if (fault && fault->err != OTA_OK)
        add(&l, " err=%d name=%s where=%s port=%" PRId32, (int)fault->err, ota_err_name(fault->err),
            fault->where[0] ? fault->where : "-", fault->port_code);
    add(&l, " text=\"");
    add_text(&l, ota_event_text(ev), a, b);
    add(&l, "%s%s\"", fault && fault->err != OTA_OK ? ": " : "", fault && fault->err != OTA_OK ? ota_err_text(fault->err) : "");
    syslog(log->facility | priority(ev, fault), "%s", l.text);
}

static const struct ota_log_ops ops = { event };

/* The names of syslog.conf(5). */
static const struct {
    const char *name;
    int facility;
} facilities[] = {
    { "user", LOG_USER },     { "daemon", LOG_DAEMON }, { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 }, { "local2", LOG_LOCAL2 },
    { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
};

ota_err ota_posix_syslog_open(struct ota_posix_syslog *l, const struct ota_posix_syslog_config *cfg, struct ota_fault *fault)
{
    const char *name = cfg && cfg->facility ? cfg->facility : "daemon";
    size_t i = 0, count = sizeof facilities / sizeof facilities[0];

    if (!l || !cfg)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "syslog", 0);
    while (i < count && strcmp(facilities[i].name, name) != 0)
        i++;
    if (i == count)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "syslog.facility", 0);
    *l = (struct ota_posix_syslog){ .port = { &ops }, .facility = facilities[i].facility, .states = cfg->states };
    openlog(cfg->ident ? cfg->ident : "ota-agent", LOG_PID | LOG_NDELAY, l->facility);
    return OTA_OK;
}

void ota_posix_syslog_close(struct ota_posix_syslog *l)
{
    if (l && l->port.ops)
        closelog();
}
