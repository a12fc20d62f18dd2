/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#define FLAG 0x7eu
#define ESCAPE 0x7du
#define TURN 0x20u
#define CRC_LEN 4u

/* Bytes on their way to the pipe. */
struct out {
    struct ota_mcu_pipe *pipe;
    uint8_t bytes[64];
    size_t len;
};

static void flush(struct out *o)
{
    o->pipe->ops->write(o->pipe, o->bytes, o->len);
    o->len = 0;
}

static void put(struct out *o, uint8_t byte)
{
    if (o->len == sizeof o->bytes)
        flush(o);
    o->bytes[o->len++] = byte;
}

static void put_escaped(struct out *o, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool special = bytes[i] == FLAG || bytes[i] == ESCAPE;

        if (special)
            put(o, ESCAPE);
        put(o, (uint8_t)(special ? bytes[i] ^ TURN : bytes[i]));
    }
}

void otat_send(struct ota_mcu_pipe *pipe, const struct otat_frame *f)
{
    struct out o = { .pipe = pipe };
    uint8_t head[OTA_REMOTE_HEAD], sum[CRC_LEN];
    uint32_t crc;

    head[0] = f->kind;
    otat_put(head + 1, f->session, 4);
    otat_put(head + 5, f->number, 4);
    crc = ota_boot_record_crc(ota_boot_record_crc(0, head, sizeof head), f->data, f->len);
    otat_put(sum, ota_boot_record_crc(crc, f->more, f->more_len), CRC_LEN);
    put(&o, FLAG);
    put_escaped(&o, head, sizeof head);
    put_escaped(&o, f->data, f->len);
    put_escaped(&o, f->more, f->more_len);
    put_escaped(&o, sum, sizeof sum);
    put(&o, FLAG);
    flush(&o);
}

/* What lies between two flags. Nothing at all is not damage: frames begin and end with one each. */
static bool finish(struct ota_remote_receiver *in, struct otat_frame *f)
{
    size_t len = in->len;
    bool whole = !in->overrun && !in->escaped && len >= OTA_REMOTE_HEAD + CRC_LEN &&
                 otat_get(in->bytes + len - CRC_LEN, CRC_LEN) == ota_boot_record_crc(0, in->bytes, len - CRC_LEN);

    if (!whole && (len > 0 || in->overrun))
        in->damaged++;
    in->len = 0;
    in->escaped = in->overrun = false;
    if (whole)
        *f = (struct otat_frame){ .kind = in->bytes[0],
                                  .session = otat_get(in->bytes + 1, 4),
                                  .number = otat_get(in->bytes + 5, 4),
                                  .data = in->bytes + OTA_REMOTE_HEAD,
                                  .len = len - OTA_REMOTE_HEAD - CRC_LEN };
    return whole;
}

bool otat_take(struct ota_remote_receiver *in, uint8_t byte, struct otat_frame *f)
{
    if (byte == FLAG)
        return finish(in, f);
    if (byte == ESCAPE) {
        in->escaped = true;
        return false;
    }
    if (in->len == sizeof in->bytes)
        in->overrun = true;
    else
        in->bytes[in->len++] = (uint8_t)(in->escaped ? byte ^ TURN : byte);
    in->escaped = false;
    return false;
}
