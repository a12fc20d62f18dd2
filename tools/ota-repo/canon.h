/* SPDX-License-Identifier: Apache-2.0 */
/** @file JSON in and out: two printers over cJSON trees, and a parser that refuses what JSON parsers disagree about. */
#ifndef OTA_REPO_CANON_H
#define OTA_REPO_CANON_H

#include "tool.h"

enum json_form {
    JSON_FILE,       /**< valid JSON: members sorted by their names' bytes, no white space, control characters escaped */
    JSON_CANONICAL   /**< OLPC canonical form, what is signed: the same, but only " and \ are escaped */
};

#define JSON_INT_MAX 9007199254740992.0   /**< 2^53: beyond it a double cannot count */

/**
 * Print a tree that json_parse accepted or that was built from strings, whole numbers, true, false, null.
 * @param len  may be NULL; gets the bytes without the NUL
 * @return text that lives until tool_end
 */
char *json_print(struct tool *t, const cJSON *tree, enum json_form form, size_t *len);

/**
 * Parse a document that people may have edited: any spacing and order. Refused: duplicate names, numbers that are not
 * whole or not in 0..2^53, depth over 32, NUL, text after the document.
 * @param what  names the document in errors
 * @param out   lives until tool_end
 */
int json_parse(struct tool *t, const char *what, const char *text, size_t len, cJSON **out);

/** Parse a document that this program wrote: it must be byte for byte what json_print would make of it. */
int json_parse_own(struct tool *t, const char *what, const char *text, size_t len, cJSON **out);

/** A place in a document, for getters whose errors say "file: prefix.name: reason". */
struct at {
    struct tool *t;
    const char *file;
    const char *prefix;
    cJSON *obj;
};

/** Error at a member of a->obj; name may be "" for the object itself. @return TOOL_FAILED */
int at_bad(struct at a, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Getters: TOOL_OK, or TOOL_FAILED when the member is absent, of another type or out of range. */
int at_string(struct at a, const char *name, const char **out);
int at_number(struct at a, const char *name, uint64_t min, uint64_t max, uint64_t *out);
int at_bool(struct at a, const char *name, bool *out);
int at_array(struct at a, const char *name, cJSON **out);
/** Enter an object member. */
int at_object(struct at a, const char *name, struct at *out);
/** The member, or NULL. */
cJSON *member(const cJSON *obj, const char *name);
/** Its text, or "" when it is absent or not a string: for documents that were checked before. */
const char *member_text(const cJSON *obj, const char *name);
/** Its number, or 0. */
uint64_t member_number(const cJSON *obj, const char *name);
/** Does an array of strings hold text? */
bool has_text(const cJSON *array, const char *text);
/** Set a member, replacing an older one. */
void put_item(cJSON *obj, const char *name, cJSON *value);

#endif
