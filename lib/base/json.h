/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON: a pull reader over bytes in memory, and the canonical form that signatures are made over. No tree, no
 * allocation, no recursion. What other parsers disagree about is refused: duplicate members (also by escaped names and
 * inside skipped values), fractions, exponents, leading zeros, -0, \u0000, lone surrogates, bad UTF-8, a byte order
 * mark, raw control bytes in strings, text after the document, nesting deeper than OTAI_JSON_DEPTH.
 *
 * The first error latches: from then on every call returns nothing, so that a parser checks once, at its end:
 *
 *     otai_json_init(&j, text, len);
 *     for (otai_json_object(&j); otai_json_member(&j);) {
 *         if (otai_json_name_is(&j, "seq"))
 *             out->seq = otai_json_u64(&j, 1, UINT64_MAX), seen |= SEQ;
 *         else if (otai_json_name_is(&j, "images"))
 *             for (otai_json_array(&j); otai_json_element(&j);)
 *                 parse_image(&j, ...);
 *         else
 *             otai_json_skip(&j);
 *     }
 *     otai_json_need(&j, seen & SEQ, "seq");
 *     otai_json_end(&j);
 *     return otai_json_fault(&j, "pointer", fault);
 *
 * Every member's value and every element must be taken exactly once: by a getter, by entering it, or by skipping it.
 */
#ifndef OTAI_JSON_H
#define OTAI_JSON_H

#include "bytes.h"
#include "ota/error.h"

#define OTAI_JSON_DEPTH 16     /* objects and arrays inside one another; more is REJECT_LIMIT */
#define OTAI_JSON_UNSORTED 256 /* members of one object whose names are not in order; more is REJECT_LIMIT */

enum otai_json_kind {
    OTAI_JSON_NONE, /* end of text, or an error */
    OTAI_JSON_OBJECT,
    OTAI_JSON_ARRAY,
    OTAI_JSON_STRING,
    OTAI_JSON_NUMBER,
    OTAI_JSON_BOOL,
    OTAI_JSON_NULL
};

/* One object or array that is open. */
struct otai_json_level {
    uint32_t first; /* offset of its first byte after the bracket */
    uint32_t name;  /* object: offset of the current member's name, after the quote */
    uint16_t count; /* members or elements begun; stops at its maximum */
    bool object, unsorted;
};

struct otai_json {
    const uint8_t *p;
    uint32_t len, pos; /* pos is where the error is once err is set */
    ota_err err;       /* OTA_OK or REJECT_SYNTAX, _TYPE, _VALUE, _MISSING, _DUPLICATE, _LIMIT */
    const char *at;    /* last part of the place of an error, or NULL */
    uint8_t depth;
    struct otai_json_level level[OTAI_JSON_DEPTH];
};

/* Begin. text must outlive j. Longer than 4 GiB is REJECT_LIMIT. */
void otai_json_init(struct otai_json *j, const void *text, size_t len);

/* Kind of the next value, which stays untaken. */
enum otai_json_kind otai_json_peek(struct otai_json *j);

/* Enter an object (REJECT_TYPE if it is not one). otai_json_member steps to its next member; false: the object ended
 * (and is taken) or there is an error. */
void otai_json_object(struct otai_json *j);
bool otai_json_member(struct otai_json *j);

/* Name of the current member: compared, copied (false and "" when it does not fit; no error), or raw: still escaped. */
bool otai_json_name_is(const struct otai_json *j, const char *name);
bool otai_json_name(const struct otai_json *j, char *out, size_t cap);
struct otai_span otai_json_name_raw(const struct otai_json *j);

/* Enter an array. otai_json_element steps to its next element; false: it ended or there is an error. */
void otai_json_array(struct otai_json *j);
bool otai_json_element(struct otai_json *j);

/* Take a value. A wrong kind is REJECT_TYPE; out of min..max REJECT_VALUE; text that does not fit REJECT_LIMIT.
 * otai_json_string decodes and NUL-terminates; out is "" after an error.
 * otai_json_hex wants exactly 2 * len lower-case digits (else REJECT_VALUE). */
void otai_json_string(struct otai_json *j, char *out, size_t cap);
uint64_t otai_json_u64(struct otai_json *j, uint64_t min, uint64_t max);
bool otai_json_bool(struct otai_json *j);
void otai_json_null(struct otai_json *j);
void otai_json_hex(struct otai_json *j, uint8_t *out, size_t len);

/* Take a string without decoding: what stands between its quotes. */
struct otai_span otai_json_string_raw(struct otai_json *j);
/* Does a raw string (a value or a name) say the same as text? Decode one into out (false when it does not fit, out ""). */
bool otai_json_raw_is(struct otai_span raw, const char *text);
bool otai_json_raw_copy(struct otai_span raw, char *out, size_t cap);
/* Do two raw strings say the same? */
bool otai_json_same(struct otai_span a, struct otai_span b);

/* Take any value, checked as strictly as if it were read. otai_json_value also gives its text, without the white space
 * around it; {NULL, 0} after an error. */
void otai_json_skip(struct otai_json *j);
struct otai_span otai_json_value(struct otai_json *j);

/* Only white space may follow. */
void otai_json_end(struct otai_json *j);

/* Latch err unless there is one already. at (may be NULL) is appended to the place; it must outlive j. */
void otai_json_fail(struct otai_json *j, ota_err err, const char *at);
/* Latch REJECT_MISSING at `name` unless present. Call it after the object ended. */
void otai_json_need(struct otai_json *j, bool present, const char *name);

/* Put j's error and place, "document.member[index].member", into fault (may be NULL). A document that ends with a space
 * is not followed by a dot. Nothing is written when there is no error. @return j->err */
ota_err otai_json_fault(const struct otai_json *j, const char *document, struct ota_fault *fault);

/* Gets pieces of the canonical form in order. What it returns other than OTA_OK ends the work. */
struct otai_json_sink {
    ota_err (*put)(void *ctx, const uint8_t *p, size_t len);
    void *ctx;
};

/*
 * Take the next value and write its canonical form (OLPC): members in the order of their decoded names' bytes, no
 * white space, in strings only " and \ escaped and everything else raw, control bytes included. The value is checked
 * as a whole before the first byte is put.
 * @return j->err, or what the sink returned
 */
OTA_MUST_CHECK ota_err otai_json_canonical(struct otai_json *j, const struct otai_json_sink *sink);

#endif
