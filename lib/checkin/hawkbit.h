/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check-in with a DDI server, without I/O: it says what to request, takes the answer as it arrives, and says what
 * comes next. Nothing of it is trusted: it names an action and the deployment that this wants.
 *
 *     otai_hb_begin(&h, cfg, &box, &facts, OTAI_HB_ALL);
 *     while ((err = otai_hb_next(&h, &request)) == OTA_AGAIN) {
 *         if (h.save) store the box;
 *         send the request; give its body to otai_hb_body() as it comes;
 *         err = otai_hb_answered(&h, how it ended, status, &fault);    // a failure ends the check-in
 *     }
 *     if (h.save) store the box;
 *     // DONE: there is an action to work on; SAME: there is none, or nothing to do for it now
 */
#ifndef OTAI_HAWKBIT_H
#define OTAI_HAWKBIT_H

#include "hawkbit_box.h"
#include "ota/hawkbit.h"
#include "ota/port_net.h"

/* The newest messages of an action's history: more than that the server need not send. */
#define OTAI_HB_HISTORY "actionHistory=8"
#define OTAI_HB_FILE_MAX 464 /* "TENANT/controller/v1/ID/deploymentBase/ACTION?c=MARK&HISTORY", with NUL */
#define OTAI_HB_BODY_MAX 4096

struct otai_hb_facts {
    const char *device_id, *product, *group;
    const char *version;  /* that runs; may be "" */
    int64_t utc_s;        /* 0 = not known */
    uint32_t report_last; /* newest report */
    uint8_t taken_up;     /* enum otai_hb_state: in which the start found the box, unless asked about since; 0 = none */
};

struct otai_hb_request {
    enum ota_net_method method;
    const char *file; /* below the configured URL */
    const char *head; /* header lines: credentials, what is accepted */
    const char *body; /* NULL = none */
    bool conditional; /* an answer that is the same as that of the last quiet poll need not come again */
};

/* Why an action is not worked on. */
enum otai_hb_held { OTAI_HB_HELD_WINDOW = 1, OTAI_HB_HELD_CONSENT = 2, OTAI_HB_HELD_SKIP = 4 };

enum otai_hb_task {
    OTAI_HB_ALL,        /* a whole check-in */
    OTAI_HB_TELL_RESULT /* only what is owed */
};

struct otai_hb {
    const struct ota_hawkbit *cfg;
    struct otai_hb_box *box;
    struct otai_hb_facts facts;
    bool save;    /* the box changed */
    bool abandon; /* the update under way is not wanted any more */
    bool told, sent_attributes, refusing;
    bool quiet;                     /* the poll alone said that there is nothing to do: the same answer will say so again */
    bool unchanged;                 /* it was the same */
    uint8_t held;                   /* enum otai_hb_held */
    struct otai_hb_history history; /* news of it: of the last answer that had one. The caller takes it away */
    uint8_t task, phase, rounds;
    uint32_t crc;             /* of the attributes under way */
    struct otai_hb_link link; /* that the request under way follows */
    struct otai_hb_reader reader;
    char file[OTAI_HB_FILE_MAX];
    char head[OTA_HAWKBIT_TOKEN_MAX + 64];
    char body[OTAI_HB_BODY_MAX];
};

/* Is the configuration of this device usable, but for the URL's own form? The name of the field that is not, or NULL. */
const char *otai_hb_config_bad(const struct ota_hawkbit *cfg, const char *device_id);

void otai_hb_begin(struct otai_hb *h, const struct ota_hawkbit *cfg, struct otai_hb_box *box, const struct otai_hb_facts *facts,
                   enum otai_hb_task task);
/* OTA_AGAIN: *out wants an answer. OTA_DONE: the box holds an action to work on. OTA_SAME: it does not. */
OTA_MUST_CHECK ota_err otai_hb_next(struct otai_hb *h, struct otai_hb_request *out);
/* A piece of the body. What is wrong with it is said at the end. */
void otai_hb_body(struct otai_hb *h, const uint8_t *bytes, size_t len);
/*
 * The exchange ended with `err` (see fetch.h) and this HTTP status. OTA_SAME only where the request was conditional.
 * OTA_OK: go on with otai_hb_next(). RETRY_PROTOCOL: the answer makes no sense, fault names the member. Other RETRY_*: as given.
 */
OTA_MUST_CHECK ota_err otai_hb_answered(struct otai_hb *h, ota_err err, uint16_t status, struct ota_fault *fault);

/* The action's end: noted in the box, which must be stored before the server hears of it. Without an open action nothing
 * changes. true: the box changed. */
bool otai_hb_result(struct otai_hb_box *box, enum otai_hb_result result, const struct ota_fault *cause, const char *version);
/* Everything is verified and in place. true: the action lets it be installed (or there is no action). Otherwise the box says
 * that the image is stored, and changed. */
bool otai_hb_may_install(struct otai_hb_box *box, const char *version);

/* Does the signed deployment agree with what the open action names? OTA_OK (also without one), REJECT_SEQUENCE, REJECT_HASH. */
OTA_MUST_CHECK ota_err otai_hb_agrees(const struct otai_hb_box *box, uint64_t seq, const uint8_t digest[OTA_SHA256_LEN],
                                      struct ota_fault *fault);

/* Seconds until the next check-in, by what the server said and the configuration's bounds; `otherwise` if it said nothing. */
uint32_t otai_hb_sleep(const struct ota_hawkbit *cfg, const struct otai_hb_box *box, uint32_t otherwise);

#endif
