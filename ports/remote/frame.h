/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on the line: FLAG, content, FLAG. In the content FLAG and ESCAPE are sent as ESCAPE and the byte with bit 5 turned. Content:
 * kind (1), session (4), number (4), data, CRC-32 of all before it (4); integers little-endian. */
#ifndef OTAT_FRAME_H
#define OTAT_FRAME_H

#include "ota/remote.h"

/* Requests; an answer has the kind in lower case, or OTAT_REFUSED. */
enum otat_kind {
    OTAT_HELLO = 'H',
    OTAT_STATE = 'S',
    OTAT_ERASE = 'E',
    OTAT_WRITE = 'W',
    OTAT_READ = 'R',
    OTAT_SYNC = 'Y',
    OTAT_ARM = 'A',
    OTAT_CONFIRM = 'C',
    OTAT_REVERT = 'V',
    OTAT_RESTART = 'B',
    OTAT_REFUSED = 'x'
};
#define OTAT_ANSWER(kind) ((uint8_t)((kind) | 0x20))

/* First byte of the data of OTAT_REFUSED; an i32 follows. */
enum otat_why { OTAT_OTHER_SESSION = 1, OTAT_OTHER_VERSION = 2, OTAT_MALFORMED = 3, OTAT_FAILED = 4 };

#define OTAT_HELLO_LEN (20u + OTA_VERSION_MAX)
#define OTAT_STATE_LEN 12u
#define OTAT_REFUSED_LEN 5u
enum otat_state_flag { OTAT_TRIAL = 1, OTAT_PENDING = 2, OTAT_SPENT = 4 };

struct otat_frame {
    uint8_t kind;
    uint32_t session, number;
    const uint8_t *data;
    size_t len;
    const uint8_t *more; /* when sending: a second piece of the data, or NULL */
    size_t more_len;
};

void otat_send(struct ota_mcu_pipe *pipe, const struct otat_frame *f);

/* Take one byte. true: *f is a whole frame, valid until the next call. Damaged ones are counted and dropped. */
bool otat_take(struct ota_remote_receiver *in, uint8_t byte, struct otat_frame *f);

static inline void otat_put(uint8_t *p, uint32_t v, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline uint32_t otat_get(const uint8_t *p, size_t len)
{
    uint32_t v = 0;

    for (size_t i = 0; i < len; i++)
        v |= (uint32_t)p[i] << 8 * i;
    return v;
}

#endif
