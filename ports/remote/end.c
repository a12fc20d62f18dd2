/* SPDX-License-Identifier: Apache-2.0 */
/* The microcontroller's end: requests are carried out once each, in their order, and answered as often as they are repeated. */
#include <string.h>

#include "frame.h"

#define PLACE_LEN 9u

ota_err ota_remote_end_open(struct ota_remote_end *e, const struct ota_remote_end_config *cfg, struct ota_fault *fault)
{
    struct ota_slot_geometry other;
    int32_t code = 0;

    *e = (struct ota_remote_end){ .cfg = *cfg };
    if (cfg->session == 0)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "end.session", 0);
    if (cfg->piece == 0)
        e->cfg.piece = OTA_REMOTE_PIECE;
    if (e->cfg.piece < OTA_REMOTE_PIECE_MIN || e->cfg.piece > OTA_REMOTE_PIECE)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "end.piece", e->cfg.piece);
    for (unsigned i = 0; i < 2; i++)
        if (cfg->slot[i]->ops->geometry(cfg->slot[i], i ? &other : &e->geometry, &code) != OTA_OK)
            return ota_fault_set(fault, OTA_DEVICE_SLOT, "end.slot", code);
    if (other.size != e->geometry.size || other.write_unit != e->geometry.write_unit ||
        other.erase_unit != e->geometry.erase_unit || other.size > UINT32_MAX || e->cfg.piece % other.write_unit != 0)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "end.slot", 0);
    return OTA_OK;
}

static void keep(struct ota_remote_end *e, const struct otat_frame *request, uint8_t kind, size_t len)
{
    e->last = request->number;
    e->answer_kind = kind;
    e->answer_len = len;
}

static void send(const struct ota_remote_end *e, const struct otat_frame *request, uint8_t kind, const uint8_t *data, size_t len)
{
    otat_send(e->cfg.pipe, &(struct otat_frame){
                               .kind = kind, .session = e->cfg.session, .number = request->number, .data = data, .len = len });
}

static void send_kept(const struct ota_remote_end *e, const struct otat_frame *request)
{
    send(e, request, e->answer_kind, e->answer, e->answer_len);
}

static void refuse(struct ota_remote_end *e, const struct otat_frame *request, enum otat_why why, int32_t number)
{
    uint8_t data[OTAT_REFUSED_LEN] = { (uint8_t)why };

    otat_put(data + 1, (uint32_t)number, 4);
    send(e, request, OTAT_REFUSED, data, sizeof data);
}

/* The host begins: what a host before it asked is of no matter any more. */
static void hello(struct ota_remote_end *e, const struct otat_frame *request)
{
    uint8_t data[OTAT_HELLO_LEN] = { OTA_REMOTE_VERSION };

    if (request->len < 1 || request->data[0] != OTA_REMOTE_VERSION) {
        refuse(e, request, OTAT_OTHER_VERSION, (int32_t)OTA_REMOTE_VERSION);
        return;
    }
    otat_put(data + 2, e->cfg.piece, 2);
    otat_put(data + 4, e->geometry.write_unit, 4);
    otat_put(data + 8, e->geometry.erase_unit, 4);
    otat_put(data + 12, (uint32_t)e->geometry.size, 4);
    for (size_t i = 0; e->cfg.firmware && e->cfg.firmware[i] && i + 1 < OTA_VERSION_MAX; i++)
        data[20 + i] = (uint8_t)e->cfg.firmware[i];
    e->last = 0;
    send(e, request, OTAT_ANSWER(OTAT_HELLO), data, sizeof data);
}

static uint8_t health(struct ota_remote_end *e, int32_t *reason)
{
    ota_err err = e->cfg.health ? e->cfg.health->ops->check(e->cfg.health, reason) : OTA_OK;

    if (err == OTA_OK)
        return OTA_REMOTE_HEALTHY;
    return err == OTA_REJECT_HEALTH ? OTA_REMOTE_SICK : OTA_REMOTE_NO_VERDICT;
}

static void state(struct ota_remote_end *e, const struct otat_frame *request)
{
    uint8_t data[OTAT_STATE_LEN] = { 0 };
    struct ota_boot_view v;
    int32_t code = 0, reason = 0;

    if (e->cfg.boot->ops->view(e->cfg.boot, &v, &code) != OTA_OK) {
        refuse(e, request, OTAT_FAILED, code);
        return;
    }
    data[0] = v.running[0];
    data[1] = v.armed[0];
    data[2] = (uint8_t)((v.trial ? OTAT_TRIAL : 0) | (v.pending ? OTAT_PENDING : 0) | (v.spent ? OTAT_SPENT : 0));
    data[3] = v.tries_left;
    data[4] = health(e, &reason);
    data[5] = e->busy;
    data[6] = e->refused;
    otat_put(data + 8, (uint32_t)(e->refused ? e->refused_reason : reason), 4);
    send(e, request, OTAT_ANSWER(OTAT_STATE), data, sizeof data);
}

/* The slot that a request names, and the place in it. NULL: malformed. */
static struct ota_slot *place(const struct ota_remote_end *e, const struct otat_frame *request, uint32_t *off, uint32_t *len)
{
    if (request->len < PLACE_LEN || request->data[0] > 1)
        return NULL;
    *off = otat_get(request->data + 1, 4);
    *len = otat_get(request->data + 5, 4);
    return *off <= e->geometry.size && *len <= e->geometry.size - *off ? e->cfg.slot[request->data[0]] : NULL;
}

/* The bytes go from the slot into the frame's memory, whose request has been read by then. */
static void read_slot(struct ota_remote_end *e, const struct otat_frame *request)
{
    uint32_t off, len;
    struct ota_slot *s = place(e, request, &off, &len);
    int32_t code = 0;

    if (!s || request->len != PLACE_LEN || len > e->cfg.piece) {
        refuse(e, request, OTAT_MALFORMED, 0);
        return;
    }
    if (s->ops->read(s, off, e->in.bytes, len, &code) != OTA_OK)
        refuse(e, request, OTAT_FAILED, code);
    else
        send(e, request, OTAT_ANSWER(OTAT_READ), e->in.bytes, len);
}

static bool on_units(uint32_t off, uint32_t len, uint32_t unit)
{
    return unit != 0 && off % unit == 0 && len % unit == 0;
}

static ota_err change_slot(struct ota_remote_end *e, const struct otat_frame *request, bool *formed, int32_t *code)
{
    uint32_t off, len;
    struct ota_slot *s = place(e, request, &off, &len);

    *formed = s && (request->kind == OTAT_ERASE
                        ? request->len == PLACE_LEN && on_units(off, len, e->geometry.erase_unit)
                        : request->len - PLACE_LEN == len && len <= e->cfg.piece && on_units(off, len, e->geometry.write_unit));
    if (!*formed)
        return OTA_OK;
    if (request->kind == OTAT_ERASE)
        return s->ops->erase(s, off, len, code);
    return s->ops->write(s, off, request->data + PLACE_LEN, len, code);
}

static ota_err change_boot(struct ota_remote_end *e, const struct otat_frame *request, bool *formed, int32_t *code)
{
    struct ota_boot *b = e->cfg.boot;

    *formed = request->len == (request->kind == OTAT_ARM ? 2u : 0u);
    if (!*formed)
        return OTA_OK;
    switch (request->kind) {
    case OTAT_ARM:
        return b->ops->arm(b, request->data, 1, request->data[1], code);
    case OTAT_CONFIRM:
        return b->ops->confirm(b, code);
    case OTAT_REVERT:
        return b->ops->revert(b, code);
    default:
        return OTA_OK; /* a restart follows its answer */
    }
}

static ota_err change(struct ota_remote_end *e, const struct otat_frame *request, bool *formed, int32_t *code)
{
    struct ota_slot *s;

    switch (request->kind) {
    case OTAT_ERASE:
    case OTAT_WRITE:
        return change_slot(e, request, formed, code);
    case OTAT_SYNC:
        *formed = request->len == 1 && request->data[0] <= 1;
        s = e->cfg.slot[*formed ? request->data[0] : 0];
        return *formed ? s->ops->sync(s, code) : OTA_OK;
    case OTAT_ARM:
    case OTAT_CONFIRM:
    case OTAT_REVERT:
    case OTAT_RESTART:
        return change_boot(e, request, formed, code);
    default:
        *formed = false;
        return OTA_OK;
    }
}

static void carry_out(struct ota_remote_end *e, const struct otat_frame *request)
{
    bool formed = false;
    int32_t code = 0;
    ota_err err = change(e, request, &formed, &code);

    if (formed && err == OTA_OK) {
        keep(e, request, OTAT_ANSWER(request->kind), 0);
    } else {
        e->answer[0] = formed ? OTAT_FAILED : OTAT_MALFORMED;
        otat_put(e->answer + 1, (uint32_t)code, 4);
        keep(e, request, OTAT_REFUSED, OTAT_REFUSED_LEN);
    }
    send_kept(e, request);
    if (formed && request->kind == OTAT_RESTART)
        (void)e->cfg.boot->ops->reboot(e->cfg.boot, &code);
}

static void serve(struct ota_remote_end *e, const struct otat_frame *request)
{
    if (request->kind == OTAT_HELLO)
        hello(e, request);
    else if (request->session != e->cfg.session)
        refuse(e, request, OTAT_OTHER_SESSION, 0);
    else if (request->kind == OTAT_STATE)
        state(e, request);
    else if (request->kind == OTAT_READ)
        read_slot(e, request);
    else if (request->number == e->last)
        send_kept(e, request); /* carried out, and the answer got lost */
    else
        carry_out(e, request);
}

void ota_remote_end_poll(struct ota_remote_end *e)
{
    struct otat_frame request;
    uint8_t byte;

    while (e->cfg.pipe->ops->read(e->cfg.pipe, &byte, 1) == 1)
        if (otat_take(&e->in, byte, &request))
            serve(e, &request);
}
