/* SPDX-License-Identifier: Apache-2.0 */
/* What a DDI server is sent: paths, header lines and bodies. */
#ifndef OTAI_HAWKBIT_TEXT_H
#define OTAI_HAWKBIT_TEXT_H

#include "hawkbit.h"

/* "TENANT/controller/v1/ID" and below it "/STEP", "/STEP/ACTION", "/STEP/ACTION?c=MARK&HISTORY", "/STEP/ACTION/feedback": NULL
 * and "" leave a part out. */
void otai_hb_file(struct otai_hb *h, const char *step, const struct otai_hb_link *link, const char *tail);
/* Credentials and what is accepted. */
void otai_hb_head(struct otai_hb *h);

/* Feedback on the link's action. */
void otai_hb_feedback(struct otai_hb *h, const char *execution, const char *finished, uint32_t code, const char *detail);
/* The result that the box holds. */
void otai_hb_final(struct otai_hb *h);
void otai_hb_consent(struct otai_hb *h, bool yes);
/* What runs, as a distribution set. */
void otai_hb_declaration(struct otai_hb *h);
/* The device's attributes. false: they do not fit. */
bool otai_hb_attributes(struct otai_hb *h);

/* One character that every server takes in an attribute? */
bool otai_hb_attribute_char(char c);

#endif
