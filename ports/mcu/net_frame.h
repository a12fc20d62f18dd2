/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on the line: FLAG, content, FLAG. In the content FLAG and ESCAPE are sent as ESCAPE and the byte with bit 5
 * turned. Content: kind (1), exchange (4), offset (4), data (0..1025), CRC-32 of all before it (4); little-endian. */
#ifndef OTAF_NET_FRAME_H
#define OTAF_NET_FRAME_H

#include "bytes_le.h"
#include "ota/mcu.h"

struct otaf_frame {
    uint8_t kind;
    uint32_t number, offset;
    const uint8_t *data;
    size_t len;
};

void otaf_frame_send(struct ota_mcu_pipe *pipe, const struct otaf_frame *f);

/* Take one byte. true: *f is a whole frame, valid until the next call. Damaged ones are counted and dropped. */
bool otaf_frame_take(struct ota_mcu_net *n, uint8_t byte, struct otaf_frame *f);

#endif
