/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <stdio.h>
#include <string.h>

static void fill(uint8_t *p, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(first + i);
}

static void text(char *p, size_t cap, const char *what, unsigned n)
{
    (void)snprintf(p, cap, "%s-%u", what, n);
}

static void golden_cause(struct ota_fault *f, unsigned n)
{
    f->err = OTA_REJECT_HEALTH;
    f->port_code = -7 - (int32_t)n;
    f->state = 10;
    f->component = OTA_COMPONENT_NONE;
    text(f->where, sizeof f->where, "health.check", n);
}

void golden_journal(struct otai_journal *j, unsigned minor)
{
    memset(j, 0, sizeof *j);
    j->generation = 0x01020304u;
    j->starts = 0x11121314u;
    j->state = 12;
    j->trial_starts = 3;
    j->arms = 2;
    j->outcome = OTA_OUTCOME_ROLLED_BACK;
    j->report_id = 41;
    j->report_last = 42;
    j->deferred_s = 3600;
    j->full_utc_s = 1800000000;
    j->fresh_until_s = 1802592000;
    j->fetched = 0x0000000123456789u;
    j->seq = 0x8000000000000001u;
    j->seq_floor = 0x7fffffffffffffffu;
    fill(j->deployment, sizeof j->deployment, 0x20);
    fill(j->confirmed, sizeof j->confirmed, 0x40);
    fill(j->blocked, sizeof j->blocked, 0x60);
    golden_cause(&j->cause, 1);
    text(j->etag, sizeof j->etag, "\"etag\"", 9);
    j->time_floor_s = minor >= 1 ? 1799999999 : 0;
    if (minor >= 3) {
        j->ruled = true;
        j->poll_s = 0x21222324u;
        j->defer_system_min = 0x31323334u;
        j->defer_application_min = 0x41424344u;
        j->kept_from = 0x51525354u;
        j->held_by = 0x61626364u;
    }
    for (unsigned i = 0; i < OTA_COMPONENTS_MAX; i++) {
        struct otai_progress *p = &j->progress[i];
        struct otai_installed *n = &j->installed[i];

        p->wanted = i % 2 == 0;
        p->slot = i == 3 ? OTA_SLOT_NONE : (uint8_t)(i % 2);
        p->security = 100 + i;
        p->length = 268435456u + i;
        p->out_off = 65536u * (i + 1);
        p->src_off = 30000u * (i + 1);
        fill(p->sha256, sizeof p->sha256, (uint8_t)(0x80 + i));
        fill(p->src_sha256, sizeof p->src_sha256, (uint8_t)(0xa0 + i));
        text(p->version, sizeof p->version, "3.0.0", i);
        text(p->etag, sizeof p->etag, "\"image\"", i);
        if (minor >= 2) {
            p->codec = (uint8_t)(1 + i % 2);
            p->why = (uint8_t)(1 + i);
            p->failed = (uint8_t)(4 * (i % 2));
        }
        n->known = i != 2;
        n->security_floor = 50 + i;
        fill(n->sha256, sizeof n->sha256, (uint8_t)(0xc0 + i));
        text(n->version, sizeof n->version, "2.0.0", i);
    }
}

void golden_ring(struct otai_ring *ring, unsigned version)
{
    static const enum ota_outcome outcomes[] = { OTA_OUTCOME_CONFIRMED, OTA_OUTCOME_ROLLED_BACK, OTA_OUTCOME_REFUSED };

    memset(ring, 0, sizeof *ring);
    ring->last_id = 44;
    ring->count = 3;
    for (unsigned i = 0; i < 3; i++) {
        struct ota_report *r = &ring->report[i];

        r->id = 40 + i;
        r->outcome = outcomes[i];
        golden_cause(&r->cause, i);
        r->seq = 7 + i;
        fill(r->deployment, sizeof r->deployment, (uint8_t)(0x30 + i));
        r->utc_s = 1800000000 + i;
        r->count = 1 + i;
        r->fetched = 268435456u + i;
        text(r->version, sizeof r->version, "3.0.0", i);
        text(r->running, sizeof r->running, "2.0.0", i);
        if (version >= 2) {
            r->codec = (uint8_t)i;
            r->why = (uint8_t)(1 + i);
        }
        if (version >= 3) {
            r->event = (uint8_t)i;
            r->component = i == 2 ? OTA_COMPONENT_NONE : (uint8_t)i;
            r->boot = 0x21222324u + i;
            r->first_s = 1799990000 + i;
            fill(r->image, sizeof r->image, (uint8_t)(0xd0 + i));
        }
    }
}

void golden_boot(struct ota_boot_record *r)
{
    static const uint8_t running[] = { 1, 0 };

    ota_boot_record_init(r, running, 2);
    r->generation = 0x0102030405060708u;
    r->trial[0] = 0;
    r->running[0] = 0;
    r->state = OTA_BOOT_TRIAL_STARTED;
    r->tries = 2;
}
