/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of CBOR (RFC 8949) that evidence needs: integers, byte and text strings, arrays, maps, one tag; definite lengths only.
 * Written in the one deterministic form, read in any form that means the same.
 */
#ifndef OTAI_CBOR_H
#define OTAI_CBOR_H

#include "bytes.h"
#include "ota/error.h"

enum otai_cbor_major {
    OTAI_CBOR_UINT = 0,
    OTAI_CBOR_NINT = 1,
    OTAI_CBOR_BYTES = 2,
    OTAI_CBOR_TEXT = 3,
    OTAI_CBOR_ARRAY = 4,
    OTAI_CBOR_MAP = 5,
    OTAI_CBOR_TAG = 6,
    OTAI_CBOR_OTHER = 7
};

/* Bytes under construction. What does not fit is counted but not written: check len against cap at the end. */
struct otai_out {
    uint8_t *p;
    size_t cap, len;
};

void otai_out_bytes(struct otai_out *o, const void *p, size_t len);
void otai_out_text(struct otai_out *o, const char *text);

void otai_cbor_head(struct otai_out *o, enum otai_cbor_major major, uint64_t v);
void otai_cbor_int(struct otai_out *o, int64_t v);
void otai_cbor_bytes(struct otai_out *o, const void *p, size_t len);
void otai_cbor_text(struct otai_out *o, const char *text);

/* A reader. The first error latches; from then on every call returns nothing. */
struct otai_cbor {
    const uint8_t *p;
    size_t len, pos;
    ota_err err; /* OTA_OK, REJECT_SYNTAX (cut short, not well-formed), _TYPE, _LIMIT */
};

void otai_cbor_init(struct otai_cbor *r, const void *p, size_t len);
void otai_cbor_fail(struct otai_cbor *r, ota_err err);
/* Take the head of a value of that kind: its number, its length, or its count. */
uint64_t otai_cbor_take(struct otai_cbor *r, enum otai_cbor_major major);
/* Take an integer; one that does not fit is REJECT_LIMIT. */
int64_t otai_cbor_take_int(struct otai_cbor *r);
struct otai_span otai_cbor_take_string(struct otai_cbor *r, enum otai_cbor_major kind);
/* Take any value. */
void otai_cbor_skip(struct otai_cbor *r);
/* Nothing may follow. */
void otai_cbor_end(struct otai_cbor *r);

#endif
