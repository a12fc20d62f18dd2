/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the host: one at a time, sent again until its own answer comes. */
#include <string.h>

#include "line.h"

#define RETRY_MS 500u
#define TRIES 8u
#define NAP_MS 1u

void ota_remote_open(struct ota_remote *r, struct ota_mcu_pipe *pipe, struct ota_clock *clock)
{
    *r = (struct ota_remote){ .pipe = pipe, .clock = clock, .retry_ms = RETRY_MS, .tries = TRIES };
    /* Another one than a host before us had: its answers may still be on the line. */
    r->number = (uint32_t)clock->ops->monotonic_ms(clock);
}

static bool is_answer(const struct otat_frame *f, const struct otat_frame *request)
{
    return f->number == request->number && (f->kind == OTAT_ANSWER(request->kind) || f->kind == OTAT_REFUSED);
}

/* Take what has come. true: the answer. */
static bool listen(struct ota_remote *r, const struct otat_frame *request, struct otat_frame *answer)
{
    uint8_t byte;

    while (r->pipe->ops->read(r->pipe, &byte, 1) == 1)
        if (otat_take(&r->in, byte, answer) && is_answer(answer, request))
            return true;
    return false;
}

static bool wait_for(struct ota_remote *r, const struct otat_frame *request, struct otat_frame *answer)
{
    uint64_t until = r->clock->ops->monotonic_ms(r->clock) + r->retry_ms;

    while (!listen(r, request, answer)) {
        if (r->clock->ops->monotonic_ms(r->clock) >= until)
            return false;
        r->clock->ops->sleep_ms(r->clock, NAP_MS);
    }
    return true;
}

/* 0, or SILENT. */
static int32_t exchange(struct ota_remote *r, struct otat_frame *request, struct otat_frame *answer)
{
    r->number = r->number == UINT32_MAX ? 1 : r->number + 1;
    request->number = r->number;
    request->session = r->session;
    for (uint32_t i = 0; i < r->tries; i++) {
        r->sent++;
        r->again += i > 0;
        otat_send(r->pipe, request);
        if (wait_for(r, request, answer))
            return 0;
    }
    return OTA_REMOTE_SILENT;
}

static int32_t number_of(const struct otat_frame *answer)
{
    int32_t number = (int32_t)otat_get(answer->data + 1, 4);

    switch (answer->data[0]) {
    case OTAT_OTHER_SESSION:
        return OTA_REMOTE_RESTARTED;
    case OTAT_OTHER_VERSION:
        return OTA_REMOTE_PROTOCOL;
    case OTAT_FAILED:
        return number ? number : OTA_REMOTE_ANSWER;
    default:
        return OTA_REMOTE_MALFORMED;
    }
}

static bool is_power(uint32_t v)
{
    return v != 0 && (v & (v - 1u)) == 0;
}

static bool geometry_ok(const struct ota_slot_geometry *g)
{
    return is_power(g->write_unit) && g->write_unit <= 4096u && (g->erase_unit == 0 || is_power(g->erase_unit)) && g->size > 0 &&
           g->size % g->write_unit == 0 && (g->erase_unit == 0 || g->size % g->erase_unit == 0);
}

static bool is_text(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] == 0)
            return true;
        if (p[i] < 0x20 || p[i] > 0x7e)
            return false;
    }
    return false;
}

/* Nothing of it is believed before it was looked at: the other end may be broken. */
static int32_t learn(struct ota_remote *r, const struct otat_frame *f)
{
    const uint8_t *p = f->data;
    uint32_t piece = otat_get(p + 2, 2);
    struct ota_slot_geometry g = { otat_get(p + 12, 4), otat_get(p + 4, 4), otat_get(p + 8, 4) };

    if (p[0] != OTA_REMOTE_VERSION)
        return OTA_REMOTE_PROTOCOL;
    if (f->session == 0 || piece < OTA_REMOTE_PIECE_MIN || piece > OTA_REMOTE_PIECE || !geometry_ok(&g) || g.write_unit > piece ||
        piece % g.write_unit != 0 || !is_text(p + 20, OTA_VERSION_MAX))
        return OTA_REMOTE_ANSWER;
    bool other = r->session != 0 && r->session != f->session, lost = other && r->unsynced;

    r->restarts += other;
    r->session = f->session;
    r->piece = (uint16_t)piece;
    r->geometry = g;
    memcpy(r->firmware, p + 20, OTA_VERSION_MAX);
    r->greeted = true;
    return lost ? OTA_REMOTE_RESTARTED : 0;
}

int32_t otat_greet(struct ota_remote *r)
{
    static const uint8_t version = OTA_REMOTE_VERSION;
    struct otat_frame hello = { .kind = OTAT_HELLO, .data = &version, .len = 1 }, answer;

    if (r->greeted)
        return 0;
    int32_t number = exchange(r, &hello, &answer);
    if (number)
        return number;
    if (answer.kind == OTAT_REFUSED)
        return answer.len == OTAT_REFUSED_LEN ? number_of(&answer) : OTA_REMOTE_ANSWER;
    return answer.len == OTAT_HELLO_LEN ? learn(r, &answer) : OTA_REMOTE_ANSWER;
}

int32_t otat_ask(struct ota_remote *r, const struct otat_frame *request, size_t len, const uint8_t **data)
{
    struct otat_frame ask = *request, answer;
    int32_t number = otat_greet(r);

    if (number == 0)
        number = exchange(r, &ask, &answer);
    if (number)
        return number;
    if (answer.kind != OTAT_REFUSED) {
        *data = answer.data;
        return answer.len == len ? 0 : OTA_REMOTE_ANSWER;
    }
    number = answer.len == OTAT_REFUSED_LEN ? number_of(&answer) : OTA_REMOTE_ANSWER;
    if (number != OTA_REMOTE_RESTARTED)
        return number;
    r->greeted = false;
    number = otat_greet(r);
    return number ? number : OTA_REMOTE_RESTARTED;
}
