/* SPDX-License-Identifier: Apache-2.0 */
/* What the two documents of a deployment have in common: names and paths, checked while they are read. */
#ifndef OTAI_DEPLOY_TEXT_H
#define OTAI_DEPLOY_TEXT_H

#include "json.h"
#include "ota/records.h"

/* Which of the names (NULL-terminated list) is the current member's? Its index; the list's length if none. */
size_t otai_member_index(const struct otai_json *j, const char *const *names);

/* Latch REJECT_MISSING for the first of names[0..count) whose bit is not in seen. */
void otai_need_members(struct otai_json *j, uint32_t seen, const char *const *names, size_t count);

/* Take a length or a sequence number, 1..2^63-1: what a signed integer holds, so that no sum of two can wrap. */
uint64_t otai_take_number(struct otai_json *j);

/* Take a string of 1..cap-1 characters out of [a-z0-9-], or REJECT_VALUE. */
void otai_take_name(struct otai_json *j, char *out, size_t cap);

/* Take a target path or REJECT_VALUE: [A-Za-z0-9._/-], no empty part, no part that begins with '.', no "..". */
void otai_take_path(struct otai_json *j, char *out, size_t cap);

/* Take a string of 1..cap-1 characters out of [A-Za-z0-9._+~-], or REJECT_VALUE. */
void otai_take_version(struct otai_json *j, char *out, size_t cap);

/* Take a string that must be `want`, or fail with err. */
void otai_take_exactly(struct otai_json *j, const char *want, ota_err err);

#endif
