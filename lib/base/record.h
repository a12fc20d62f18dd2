/* SPDX-License-Identifier: Apache-2.0 */
/* Stored records from tables: one list of fields describes a struct's bytes for writing and for reading, so that the
 * two cannot disagree. Integers little-endian, no padding. A table only ever grows at its end. */
#ifndef OTAI_RECORD_H
#define OTAI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum otai_field_kind {
    OTAI_F_U8,      /* uint8_t or bool; arg = highest value allowed */
    OTAI_F_SLOT,    /* uint8_t: 0, 1 or OTA_SLOT_NONE */
    OTAI_F_U32,     /* any 32-bit integer */
    OTAI_F_U64,     /* any 64-bit integer */
    OTAI_F_ERR,     /* ota_err: 32 bits on the medium whatever the compiler makes of the enum; up to 0xffff */
    OTAI_F_OUTCOME, /* enum ota_outcome: 8 bits */
    OTAI_F_BYTES,   /* arg bytes as they are */
    OTAI_F_TEXT     /* arg bytes: printable ASCII, then NULs to the end */
};

struct otai_field {
    uint16_t offset;    /* in the struct */
    uint8_t kind, arg;
    const char *name;   /* for the error; NULL where every value is allowed */
};

struct otai_table {
    const struct otai_field *field;
    size_t count;
};

/* Bytes of one struct on the medium. */
size_t otai_record_len(struct otai_table t);

/* Write the struct's fields. Returns the end. Text is cut at its NUL. */
uint8_t *otai_record_put(uint8_t *out, struct otai_table t, const void *from);

/* Where reading stands. `why` latches the name of the first bad field. */
struct otai_record_in {
    const uint8_t *p;
    size_t left;
    const char *why;
};

/* Read the fields into a zeroed struct. When the bytes end before a field, it and all after it stay zero: an older
 * writer did not know them. Bytes that end inside a field are an error. */
void otai_record_get(struct otai_record_in *in, struct otai_table t, void *to);

#endif
