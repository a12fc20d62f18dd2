/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#define PLACE_LEN 9u /* slot, offset, length */

static struct ota_remote *line_of(const struct ota_slot *s)
{
    return ((const struct ota_remote_slot *)s)->line;
}

/* A restart of the other end is passed over while all that it was given is durable. */
static int32_t ask(struct ota_remote *r, const struct otat_frame *request, size_t len, const uint8_t **answer)
{
    int32_t number = otat_ask(r, request, len, answer);

    if (number == OTA_REMOTE_RESTARTED && !r->unsynced)
        number = otat_ask(r, request, len, answer);
    if (number == OTA_REMOTE_RESTARTED)
        r->unsynced = false;
    if (number == OTA_REMOTE_RESTARTED || number == OTA_REMOTE_SILENT)
        r->trouble = number;
    return number;
}

static void put_place(const struct ota_slot *s, uint8_t place[PLACE_LEN], uint64_t off, uint64_t len)
{
    place[0] = ((const struct ota_remote_slot *)s)->index;
    otat_put(place + 1, (uint32_t)off, 4);
    otat_put(place + 5, (uint32_t)len, 4);
}

/* Whether it lies in the slot, once that is known. */
static int32_t enter(struct ota_remote *r, uint64_t off, uint64_t len)
{
    int32_t number = otat_greet(r);

    if (number == 0 && (off > r->geometry.size || len > r->geometry.size - off))
        return OTA_MCU_RANGE;
    return number;
}

static ota_err geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *port_code)
{
    int32_t number = otat_greet(line_of(s));

    *out = line_of(s)->geometry;
    return otat_result(number, OTA_DEVICE_SLOT, port_code);
}

/* One unit in a request: each answer comes soon. */
static ota_err erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *port_code)
{
    struct ota_remote *r = line_of(s);
    int32_t number = enter(r, off, len);
    uint32_t unit = r->geometry.erase_unit;

    if (number == 0 && (unit == 0 || off % unit || len % unit))
        number = OTA_MCU_RANGE;
    for (uint64_t done = 0; number == 0 && done < len; done += unit) {
        uint8_t place[PLACE_LEN];
        const uint8_t *none;

        put_place(s, place, off + done, unit);
        number = ask(r, &(struct otat_frame){ .kind = OTAT_ERASE, .data = place, .len = sizeof place }, 0, &none);
        if (number == 0)
            r->unsynced = true;
    }
    return otat_result(number, OTA_DEVICE_SLOT, port_code);
}

static size_t piece_of(const struct ota_remote *r, size_t left)
{
    return left < r->piece ? left : r->piece;
}

static ota_err write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *port_code)
{
    struct ota_remote *r = line_of(s);
    int32_t number = enter(r, off, len);
    size_t n = 0;

    if (number == 0 && (off % r->geometry.write_unit || len % r->geometry.write_unit))
        number = OTA_MCU_RANGE;
    for (size_t done = 0; number == 0 && done < len; done += n) {
        uint8_t place[PLACE_LEN];
        const uint8_t *none;

        n = piece_of(r, len - done);
        put_place(s, place, off + done, n);
        number = ask(
            r,
            &(struct otat_frame){
                .kind = OTAT_WRITE, .data = place, .len = sizeof place, .more = (const uint8_t *)buf + done, .more_len = n },
            0, &none);
        if (number == 0)
            r->unsynced = true;
    }
    return otat_result(number, OTA_DEVICE_SLOT, port_code);
}

static ota_err read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *port_code)
{
    struct ota_remote *r = line_of(s);
    int32_t number = enter(r, off, len);
    size_t n = 0;

    for (size_t done = 0; number == 0 && done < len; done += n) {
        uint8_t place[PLACE_LEN], *to = (uint8_t *)buf + done;
        const uint8_t *from;

        n = piece_of(r, len - done);
        put_place(s, place, off + done, n);
        number = ask(r, &(struct otat_frame){ .kind = OTAT_READ, .data = place, .len = sizeof place }, n, &from);
        for (size_t i = 0; number == 0 && i < n; i++)
            to[i] = from[i];
    }
    return otat_result(number, OTA_DEVICE_SLOT, port_code);
}

static ota_err sync(struct ota_slot *s, int32_t *port_code)
{
    struct ota_remote *r = line_of(s);
    const uint8_t index = ((const struct ota_remote_slot *)s)->index, *none;
    int32_t number = ask(r, &(struct otat_frame){ .kind = OTAT_SYNC, .data = &index, .len = 1 }, 0, &none);

    if (number == 0)
        r->unsynced = false;
    return otat_result(number, OTA_DEVICE_SLOT, port_code);
}

static const struct ota_slot_ops ops = { geometry, erase, write, read, sync };

void ota_remote_slot_open(struct ota_remote_slot *s, struct ota_remote *line, uint8_t index)
{
    *s = (struct ota_remote_slot){ { &ops }, line, index };
}
