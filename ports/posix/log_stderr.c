/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "ota/posix.h"

/* One line under construction. What does not fit is cut: a log line is no reason to fail. */
struct line {
    char text[256];
    size_t len;
};

static void add_char(struct line *l, char c)
{
    if (l->len + 1 < sizeof l->text)
        l->text[l->len++] = c;
}

static void add(struct line *l, const char *s)
{
    while (*s)
        add_char(l, *s++);
}

static void add_number(struct line *l, int64_t v)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, v);
    add(l, text);
}

static void add_event(struct line *l, const char *text, int64_t a, int64_t b)
{
    for (; *text; text++) {
        if (text[0] == '%' && (text[1] == 'a' || text[1] == 'b')) {
            add_number(l, text[1] == 'a' ? a : b);
            text++;
            continue;
        }
        add_char(l, *text);
    }
}

static void add_fault(struct line *l, const struct ota_fault *f)
{
    add(l, ": ");
    add(l, ota_err_text(f->err));
    add(l, " (");
    add(l, ota_err_name(f->err));
    add(l, f->where[0] ? " at " : "");
    add(l, f->where);
    add(l, f->port_code ? ", code " : "");
    if (f->port_code)
        add_number(l, f->port_code);
    add(l, ")");
}

static void put(int fd, const struct line *l)
{
    size_t done = 0;

    while (done < l->len) {
        ssize_t n = write(fd, l->text + done, l->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody reads the log: that must not stop an update */
        done += (size_t)n;
    }
}

static void event(struct ota_log *port, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    const struct ota_posix_log *log = (struct ota_posix_log *)port;
    struct line l = { .len = 0 };

    if (ev == OTA_EV_STATE && !log->states)
        return;
    add(&l, "ota: ");
    add_event(&l, ota_event_text(ev), a, b);
    if (fault && fault->err != OTA_OK)
        add_fault(&l, fault);
    l.text[l.len++] = '\n'; /* add_char() left room for it */
    put(log->fd, &l);
}

static const struct ota_log_ops ops = { event };

ota_err ota_posix_log_open(struct ota_posix_log *l, const struct ota_posix_log_config *cfg, struct ota_fault *fault)
{
    if (!l || !cfg || cfg->fd < 0)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "log.fd", 0);
    *l = (struct ota_posix_log){ .port = { &ops }, .fd = cfg->fd, .states = cfg->states };
    return OTA_OK;
}

void ota_posix_log_close(struct ota_posix_log *l)
{
    (void)l; /* the descriptor is the caller's */
}
