/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* isatty */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define WIDTH 30
#define MIB (1024.0 * 1024.0)

void progress_init(struct progress *p, bool wanted)
{
    bool tty = isatty(STDERR_FILENO) == 1;

    *p = (struct progress){ .on = wanted || tty, .tty = tty, .shown = -1 };
}

static void finish(struct progress *p)
{
    if (p->open)
        (void)fputc('\n', stderr);
    p->open = false;
    p->shown = -1;
}

static void draw(struct progress *p, const char *name, const struct ota_component_status *s, int percent, uint64_t now_ms)
{
    double seconds = (double)(now_ms - p->began_ms) / 1000.0;
    char bar[WIDTH + 1];

    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < percent * WIDTH / 100 ? '#' : '.';
    bar[WIDTH] = '\0';
    (void)fprintf(stderr, "%s%s %s [%s] %3d %%  %.1f of %.1f MiB", p->tty ? "\r" : "", name, s->wanted, bar, percent,
                  (double)s->done / MIB, (double)s->length / MIB);
    if (seconds >= 0.5 && s->done > p->from)
        (void)fprintf(stderr, "  %.2f MiB/s", (double)(s->done - p->from) / MIB / seconds);
    (void)fputs(p->tty ? "\033[K" : "\n", stderr);
    (void)fflush(stderr);
    p->open = p->tty;
}

static size_t busy_component(const struct ota_status *s)
{
    size_t i = 0;

    while (i < s->component_count && (s->component[i].length == 0 || s->component[i].done >= s->component[i].length))
        i++;
    return i;
}

void progress_show(struct progress *p, const struct ota_status *s, const struct agent_config *c, uint64_t now_ms)
{
    size_t i = p->shown >= 0 ? p->component : busy_component(s);
    const struct ota_component_status *k = &s->component[i];
    int percent;

    if (!p->on)
        return;
    if (s->state != OTA_ST_DOWNLOAD || i >= s->component_count || k->length == 0) {
        if (p->shown >= 0 && p->shown < 100 && k->length > 0 && k->done == k->length)
            draw(p, c->component[i].name, k, 100, now_ms);
        finish(p);
        return;
    }
    if (p->shown < 0) {
        p->component = i;
        p->began_ms = now_ms;
        p->from = k->done;
    }
    percent = (int)(k->done * 100 / k->length);
    if (!p->tty)
        percent -= percent % 10;
    if (percent == p->shown)
        return;
    p->shown = percent;
    draw(p, c->component[i].name, k, percent, now_ms);
}
