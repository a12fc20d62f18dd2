/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the JSON reader and the canonical writer: characters of strings, and quick steps over text that the reader
 * has already checked. */
#ifndef OTAI_JSON_TEXT_H
#define OTAI_JSON_TEXT_H

#include "json.h"

/* Decode one character of a string's inside: escapes, surrogate pairs, UTF-8, all strictly. false: malformed, or the
 * end of the text. */
bool otai_json_char(const uint8_t *p, size_t len, size_t *pos, uint32_t *cp);

/* cp as UTF-8. @return its length, 1..4 */
size_t otai_json_utf8(uint32_t cp, uint8_t out[4]);

/* Order of two raw names by their decoded bytes, which is the order of their code points. */
int otai_json_order(struct otai_span a, struct otai_span b);

/* The rest is for checked text only. */

/* The inside of the string that begins (after its quote) at `at`. */
struct otai_span otai_json_inside(const struct otai_json *j, uint32_t at);
/* First offset from `at` on that is neither white space nor a separator. */
uint32_t otai_json_gap(const struct otai_json *j, uint32_t at);
/* First offset after the value that begins at `at`. */
uint32_t otai_json_after(const struct otai_json *j, uint32_t at);

#endif
