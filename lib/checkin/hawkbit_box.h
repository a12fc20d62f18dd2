/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox of the hawkBit check-in: which action this device works on, and what it owes the server about it. One store
 * record, written before the server hears of a change. */
#ifndef OTAI_HAWKBIT_BOX_H
#define OTAI_HAWKBIT_BOX_H

#include "hawkbit_answer.h"
#include "ota/port_store.h"

/* Stored numbers: stable, never reused. */
enum otai_hb_state {
    OTAI_HB_NONE = 0,
    OTAI_HB_OPEN = 1,     /* accepted: the device works on it */
    OTAI_HB_OWED = 2,     /* its result is known, and the server has not acknowledged it */
    OTAI_HB_TOLD = 3,     /* acknowledged, or the server wants to hear no more of it */
    OTAI_HB_CANCELLED = 4 /* given up because the server asked */
};
enum otai_hb_result { OTAI_HB_NO_RESULT = 0, OTAI_HB_SUCCESS = 1, OTAI_HB_FAILURE = 2, OTAI_HB_STORED = 3 };

/* Bits of `said`. */
#define OTAI_HB_SAID_PROCEEDING 1u
#define OTAI_HB_SAID_DOWNLOADED 2u
#define OTAI_HB_IS_STORED 4u /* not said yet: the image is there and waits for leave to be installed */

struct otai_hb_box {
    uint8_t state, result;
    uint8_t download, update, window; /* enum otai_hb_mode, otai_hb_window */
    uint8_t said;
    uint8_t again; /* how often a told result was asked for again, or an owed one was refused */
    bool has_digest;
    ota_err code;            /* of a failure */
    uint32_t report_base;    /* newest report when the action was accepted: what is newer is about it */
    uint32_t attributes_crc; /* of the attributes that the server has */
    uint32_t sleep_s;        /* the server's interval; 0 = not known */
    uint64_t seq;            /* signed deployment that the action names; 0 = none */
    uint8_t digest[OTA_SHA256_LEN];
    char action[OTAI_HB_ID_MAX], mark[OTAI_HB_ID_MAX];
    char denied[OTAI_HB_ID_MAX], denied_mark[OTAI_HB_ID_MAX];
    char where[OTA_FAULT_WHERE_MAX];
    char version[OTA_VERSION_MAX]; /* that runs when the result came about */
};

#define OTAI_HB_BOX_MAX 384

size_t otai_hb_box_encode(const struct otai_hb_box *box, uint8_t out[OTAI_HB_BOX_MAX]);
/* OTA_OK, or DEVICE_STORE for bytes that are no such record; box is then empty. */
OTA_MUST_CHECK ota_err otai_hb_box_decode(const uint8_t *p, size_t len, struct otai_hb_box *box);

/* An absent record is an empty box. A damaged one, too, and fault says so: the server offers the action again, and what
 * runs by then is looked at. OTA_OK, DEVICE_STORE */
OTA_MUST_CHECK ota_err otai_hb_box_load(struct ota_store *store, struct otai_hb_box *box, struct ota_fault *fault);
/* OTA_OK, DEVICE_STORE, DEVICE_FULL */
OTA_MUST_CHECK ota_err otai_hb_box_save(struct ota_store *store, const struct otai_hb_box *box, struct ota_fault *fault);

#endif
