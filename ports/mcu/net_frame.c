/* SPDX-License-Identifier: Apache-2.0 */
#include "net_frame.h"

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

void otaf_frame_send(struct ota_mcu_pipe *pipe, const struct otaf_frame *f)
{
    struct out o = { .pipe = pipe };
    uint8_t head[OTA_MCU_FRAME_HEAD], sum[CRC_LEN];

    head[0] = f->kind;
    otaf_put_le(head + 1, f->number, 4);
    otaf_put_le(head + 5, f->offset, 4);
    otaf_put_le(sum, ota_boot_record_crc(ota_boot_record_crc(0, head, sizeof head), f->data, f->len), 4);
    put(&o, FLAG);
    put_escaped(&o, head, sizeof head);
    put_escaped(&o, f->data, f->len);
    put_escaped(&o, sum, sizeof sum);
    put(&o, FLAG);
    flush(&o);
}

/* What lies between two flags. Nothing at all is not damage: frames begin and end with one each. */
static bool finish(struct ota_mcu_net *n, struct otaf_frame *f)
{
    size_t len = n->frame_len;
    bool whole = !n->overrun && !n->escaped && len >= OTA_MCU_FRAME_HEAD + CRC_LEN &&
                 otaf_get_le(n->frame + len - CRC_LEN, 4) == ota_boot_record_crc(0, n->frame, len - CRC_LEN);

    if (!whole && (len > 0 || n->overrun))
        n->damaged++;
    n->frame_len = 0;
    n->escaped = n->overrun = false;
    if (whole)
        *f = (struct otaf_frame){ n->frame[0], otaf_get_le(n->frame + 1, 4), otaf_get_le(n->frame + 5, 4),
                                  n->frame + OTA_MCU_FRAME_HEAD, len - OTA_MCU_FRAME_HEAD - CRC_LEN };
    return whole;
}

bool otaf_frame_take(struct ota_mcu_net *n, uint8_t byte, struct otaf_frame *f)
{
    if (byte == FLAG)
        return finish(n, f);
    if (byte == ESCAPE) {
        n->escaped = true;
        return false;
    }
    if (n->frame_len == sizeof n->frame)
        n->overrun = true;
    else
        n->frame[n->frame_len++] = (uint8_t)(n->escaped ? byte ^ TURN : byte);
    n->escaped = false;
    return false;
}
