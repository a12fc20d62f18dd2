/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_POLICY: the journal's fields since 1.3. Included by journal.c, behind what it needs. */
#ifndef OTAI_RULED_H
#define OTAI_RULED_H

static const struct otai_field ruled_rows[] = {
    FIELD(otai_journal, ruled, U8, 1, "ruled"),
    FIELD(otai_journal, poll_s, U32, 0, NULL),
    FIELD(otai_journal, defer_system_min, U32, 0, NULL),
    FIELD(otai_journal, defer_application_min, U32, 0, NULL),
    FIELD(otai_journal, kept_from, U32, 0, NULL),
    FIELD(otai_journal, held_by, U32, 0, NULL),
};

static inline uint8_t *put_ruled(uint8_t *p, const struct otai_journal *j)
{
    return otai_record_put(p, TABLE(ruled_rows), j);
}

static inline void get_ruled(struct otai_record_in *in, struct otai_journal *j)
{
    otai_record_get(in, TABLE(ruled_rows), j);
}

#endif
