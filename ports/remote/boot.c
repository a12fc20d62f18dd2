/* SPDX-License-Identifier: Apache-2.0 */
/* Boot control and self-test of the microcontroller. */
#include <string.h>

#include "line.h"

static bool is_slot(uint8_t slot)
{
    return slot <= 1 || slot == OTA_SLOT_NONE;
}

/* A trial and its slot belong together. */
static bool view_ok(const struct ota_boot_view *v)
{
    return is_slot(v->running[0]) && is_slot(v->armed[0]) && !(v->trial && v->pending) &&
           !(v->pending && v->armed[0] == OTA_SLOT_NONE);
}

static int32_t ask_state(struct ota_remote *r, struct ota_remote_state *out)
{
    const struct otat_frame request = { .kind = OTAT_STATE };
    const uint8_t *p;
    int32_t number = otat_ask(r, &request, OTAT_STATE_LEN, &p);

    if (number == OTA_REMOTE_RESTARTED) /* it only looks: what it sees is what is there now */
        number = otat_ask(r, &request, OTAT_STATE_LEN, &p);
    if (number)
        return number;
    memset(out, 0, sizeof *out);
    memset(out->view.running, OTA_SLOT_NONE, sizeof out->view.running);
    memset(out->view.armed, OTA_SLOT_NONE, sizeof out->view.armed);
    out->view.running[0] = p[0];
    out->view.armed[0] = p[1];
    out->view.trial = p[2] & OTAT_TRIAL;
    out->view.pending = p[2] & OTAT_PENDING;
    out->view.spent = p[2] & OTAT_SPENT;
    out->view.tries_left = p[3];
    out->health = p[4];
    out->busy = p[5] != 0;
    out->refused = p[6];
    out->reason = (int32_t)otat_get(p + 8, 4);
    return view_ok(&out->view) && out->health <= OTA_REMOTE_SICK ? 0 : OTA_REMOTE_ANSWER;
}

ota_err ota_remote_state(struct ota_remote *r, struct ota_remote_state *out, int32_t *port_code)
{
    return otat_result(ask_state(r, out), OTA_DEVICE_BOOT, port_code);
}

static struct ota_remote *line_of(const struct ota_boot *b)
{
    return ((const struct ota_remote_boot *)b)->line;
}

static ota_err view(struct ota_boot *b, struct ota_boot_view *out, int32_t *port_code)
{
    struct ota_remote_state s;
    int32_t number = ask_state(line_of(b), &s);

    if (number == 0)
        *out = s.view;
    return otat_result(number, OTA_DEVICE_BOOT, port_code);
}

static ota_err order(struct ota_boot *b, const struct otat_frame *request, int32_t *port_code)
{
    const uint8_t *none;

    return otat_result(otat_ask(line_of(b), request, 0, &none), OTA_DEVICE_BOOT, port_code);
}

static ota_err arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code)
{
    uint8_t data[2] = { 0, tries };

    if (count != 1)
        return otat_result(OTA_MCU_REFUSED, OTA_DEVICE_BOOT, port_code);
    data[0] = slot[0];
    return order(b, &(struct otat_frame){ .kind = OTAT_ARM, .data = data, .len = sizeof data }, port_code);
}

static ota_err confirm(struct ota_boot *b, int32_t *port_code)
{
    return order(b, &(struct otat_frame){ .kind = OTAT_CONFIRM }, port_code);
}

static ota_err revert(struct ota_boot *b, int32_t *port_code)
{
    return order(b, &(struct otat_frame){ .kind = OTAT_REVERT }, port_code);
}

/* A restart that came first is one, too. */
static ota_err reboot(struct ota_boot *b, int32_t *port_code)
{
    int32_t number = 0;
    ota_err err = order(b, &(struct otat_frame){ .kind = OTAT_RESTART }, &number);

    if (number == OTA_REMOTE_RESTARTED)
        number = 0, err = OTA_OK;
    line_of(b)->greeted = false; /* what comes up has another session */
    ((struct ota_remote_boot *)b)->restart_asked = err == OTA_OK;
    return otat_result(number, err, port_code);
}

static const struct ota_boot_ops ops = { view, arm, confirm, revert, reboot };

void ota_remote_boot_open(struct ota_remote_boot *b, struct ota_remote *line)
{
    *b = (struct ota_remote_boot){ { &ops }, line, false };
}

static ota_err check(struct ota_health *h, int32_t *port_code)
{
    struct ota_remote_state s;
    int32_t number = ask_state(((const struct ota_remote_health *)h)->line, &s);

    if (number)
        return otat_result(number, OTA_DEVICE_HEALTH, port_code);
    if (!s.view.trial)
        return otat_result(OTA_REMOTE_NO_TRIAL, OTA_REJECT_HEALTH, port_code);
    if (s.health == OTA_REMOTE_NO_VERDICT)
        return OTA_AGAIN;
    *port_code = s.reason;
    return s.health == OTA_REMOTE_HEALTHY ? OTA_OK : OTA_REJECT_HEALTH;
}

static const struct ota_health_ops health_ops = { check };

void ota_remote_health_open(struct ota_remote_health *h, struct ota_remote *line)
{
    *h = (struct ota_remote_health){ { &health_ops }, line };
}
