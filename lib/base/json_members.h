/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects by a list of their members. Plain ones land in a struct; the reader of the object only sees the others:
 *
 *     static const struct otai_member members[] = {
 *         { "keyid", offsetof(struct entry, id), OTAI_JSON_STRING, true },
 *         { "hashes", 0, OTAI_OWN, false },
 *     };
 *     uint32_t left = OTAI_ALL(members);
 *     otai_json_object(j);
 *     while (otai_json_take(j, members, &entry, &left) >= 0)
 *         take_hashes(j, &entry.hashes);
 */
#ifndef OTAI_JSON_MEMBERS_H
#define OTAI_JSON_MEMBERS_H

#include "json.h"

/* Kind of a member besides those of enum otai_json_kind, which mean:
 *   STRING          struct otai_span: the raw string
 *   NUMBER          uint32_t: 1..UINT32_MAX, or REJECT_VALUE
 *   BOOL            bool
 *   OBJECT, ARRAY   struct otai_span: its text
 *   NONE            struct otai_span: the text of any value */
#define OTAI_OWN 0xff /* taken by who calls otai_json_take() */

struct otai_member {
    const char *name;
    uint16_t offset; /* in the struct */
    uint8_t kind;
    bool needed;
};

#define OTAI_ALL(list) ((1u << sizeof(list) / sizeof(list)[0]) - 1)

/*
 * In an object: take members up to the next OTAI_OWN one, which the caller must take.
 * @param left  bit i: list[i] is known here and did not come yet; the others are skipped like unknown ones
 * @return index of that member; -1: the object ended, or there is an error. Then what is needed has come, or
 *         REJECT_MISSING is latched at the first in the list that has not.
 */
int otai_json_take(struct otai_json *j, const struct otai_member *list, void *out, uint32_t *left);

#endif
