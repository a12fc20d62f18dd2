/* SPDX-License-Identifier: Apache-2.0 */
/* One action: questions about it that a check-in asks in several places. */
#ifndef OTAI_HAWKBIT_ACTION_H
#define OTAI_HAWKBIT_ACTION_H

#include "hawkbit.h"

/* Is the box about the action of this id? */
bool otai_hb_about(const struct otai_hb_box *b, const char *id);
/* Does it hold a result, told or not? */
bool otai_hb_has_result(const struct otai_hb_box *b);

/* Does this word (enum otai_hb_status) say that the server is done with the action? */
bool otai_hb_ended_there(uint8_t status);
/* What a deployment must say before it is worked on, and this one does not; NULL: nothing. */
const char *otai_hb_lacking(const struct otai_hb_answer *a, const char *id);

#endif
