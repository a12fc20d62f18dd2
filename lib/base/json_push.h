/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON as it arrives: bytes are pushed in pieces of any size, events come out. For documents of servers that
 * need not fit anywhere: only the text of one name, string or number is kept, and one that is longer than that is
 * checked like every other and marked as cut. Escapes, surrogate pairs, UTF-8, leading zeros and nesting are judged as
 * json.h judges them. Fractions and exponents are numbers here: others write the document. Whoever takes the events
 * sees to it that no member that it knows comes twice.
 */
#ifndef OTAI_JSON_PUSH_H
#define OTAI_JSON_PUSH_H

#include "json.h"

#define OTAI_PUSH_TEXT 512 /* bytes of text that are kept, with NUL */

enum otai_push_event {
    OTAI_PUSH_OBJECT,
    OTAI_PUSH_OBJECT_END,
    OTAI_PUSH_ARRAY,
    OTAI_PUSH_ARRAY_END,
    OTAI_PUSH_NAME,   /* text: decoded */
    OTAI_PUSH_STRING, /* text: decoded */
    OTAI_PUSH_NUMBER, /* text: as written */
    OTAI_PUSH_BOOL,   /* text: "true" or "false" */
    OTAI_PUSH_NULL
};

struct otai_push {
    ota_err err;      /* latches: REJECT_SYNTAX, REJECT_LIMIT, or what the receiver returned */
    uint32_t objects; /* bit per open level: it is an object */
    uint8_t depth;
    uint8_t expect, token;
    bool name;                          /* the string under way is a member's name */
    bool cut;                           /* text did not fit */
    uint8_t seq[12], seq_len, seq_need; /* one character of a string whose bytes have not all come */
    uint16_t len;
    char text[OTAI_PUSH_TEXT];
};

/* Gets the events in order, with depth as it is inside an object or array that opened or outside one that ended.
 * What it returns other than OTA_OK latches. */
typedef ota_err otai_push_take(void *to, const struct otai_push *p, enum otai_push_event ev);

void otai_push_init(struct otai_push *p);
OTA_MUST_CHECK ota_err otai_push_bytes(struct otai_push *p, const uint8_t *bytes, size_t len, otai_push_take *take, void *to);
/* The text ends here: one whole document has come? */
OTA_MUST_CHECK ota_err otai_push_end(struct otai_push *p);

#endif
