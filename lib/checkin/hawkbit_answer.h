/* SPDX-License-Identifier: Apache-2.0 */
/* What a DDI server answers, read as it arrives: whatever its size, only what an agent acts on is kept. */
#ifndef OTAI_HAWKBIT_ANSWER_H
#define OTAI_HAWKBIT_ANSWER_H

#include "json_push.h"
#include "ota/records.h"

#define OTAI_HB_ID_MAX 32 /* an action's id and its change mark, with NUL: opaque text */

struct otai_hb_link {
    char id[OTAI_HB_ID_MAX];
    char mark[OTAI_HB_ID_MAX]; /* "c" of the query: changes with the action's nature; "" if absent */
};

enum otai_hb_mode { OTAI_HB_SKIP = 0, OTAI_HB_ATTEMPT = 1, OTAI_HB_FORCED = 2 };
/* The server's word for an action's state. The numbers are those of the event HISTORY: stable. */
enum otai_hb_status {
    OTAI_HB_OTHER_STATUS = 0, /* a word that is not known here */
    OTAI_HB_FINISHED = 1,
    OTAI_HB_ERROR = 2,
    OTAI_HB_WARNING = 3,
    OTAI_HB_RUNNING = 4,
    OTAI_HB_CANCELED = 5,
    OTAI_HB_CANCELING = 6,
    OTAI_HB_RETRIEVED = 7,
    OTAI_HB_DOWNLOAD = 8,
    OTAI_HB_SCHEDULED = 9,
    OTAI_HB_CANCEL_REJECTED = 10,
    OTAI_HB_DOWNLOADED = 11,
    OTAI_HB_WAIT_FOR_CONFIRMATION = 12,
    OTAI_HB_UNREAD = 255 /* no word: the answer made no sense */
};

struct otai_hb_history {
    bool said;        /* the answer has one */
    uint8_t status;   /* enum otai_hb_status */
    uint32_t entries; /* messages that came with it */
};

enum otai_hb_window { OTAI_HB_NO_WINDOW = 0, OTAI_HB_WINDOW_OPEN = 1, OTAI_HB_WINDOW_CLOSED = 2 };

struct otai_hb_answer {
    uint32_t sleep_s; /* 0 = not said */
    bool wants_attributes;
    struct otai_hb_link deployment, confirmation, cancel, installed; /* id "" = no such link */
    char id[OTAI_HB_ID_MAX];                                         /* of the action that the document is about */
    char stop_id[OTAI_HB_ID_MAX];
    bool has_download, has_update;
    uint8_t download, update, window;
    bool has_seq, has_digest;
    uint64_t seq;
    uint8_t digest[OTA_SHA256_LEN];
    struct otai_hb_history history;
};

struct otai_hb_reader {
    struct otai_push push;
    struct otai_hb_answer answer;
    const char *at;                     /* member that an error is about; NULL = the document */
    uint8_t node[OTAI_JSON_DEPTH + 1];  /* what each open level is; [0] is the document */
    uint32_t seen[OTAI_JSON_DEPTH + 1]; /* members that came, a bit per row of the table */
    uint8_t next;                       /* what the next value of the object is */
    bool next_known;
    uint8_t row; /* of that value in the table */
    uint8_t key; /* kind of the metadata entry under way */
    bool value_cut;
    char value[72]; /* its value */
};

void otai_hb_reader_init(struct otai_hb_reader *r);
/* Read on. OTA_OK; REJECT_SYNTAX, _TYPE, _VALUE, _DUPLICATE, _LIMIT with r->at */
OTA_MUST_CHECK ota_err otai_hb_reader_bytes(struct otai_hb_reader *r, const uint8_t *bytes, size_t len);
OTA_MUST_CHECK ota_err otai_hb_reader_end(struct otai_hb_reader *r);

/* "HH:mm:ss", or an ISO 8601 duration of days and shorter; fractions of seconds are dropped. */
bool otai_hb_seconds(const char *text, uint32_t *out);

#endif
