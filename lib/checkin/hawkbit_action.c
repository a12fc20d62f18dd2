/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of an action, by the box and by the server's answer, and what becomes of it on the device. */
#include "hawkbit_action.h"

#include <string.h>

#include "bytes.h"

/* ---- the server's view ---- */

bool otai_hb_ended_there(uint8_t status)
{
    return status == OTAI_HB_FINISHED || status == OTAI_HB_ERROR || status == OTAI_HB_CANCELED;
}

const char *otai_hb_lacking(const struct otai_hb_answer *a, const char *id)
{
    if (strcmp(a->id, id) != 0)
        return "hawkbit.id";
    if (!a->has_download)
        return "hawkbit.download";
    return a->has_update ? NULL : "hawkbit.update";
}

/* ---- the device's ---- */

bool otai_hb_about(const struct otai_hb_box *b, const char *id)
{
    return b->state != OTAI_HB_NONE && strcmp(b->action, id) == 0;
}

bool otai_hb_has_result(const struct otai_hb_box *b)
{
    return b->state == OTAI_HB_OWED || b->state == OTAI_HB_TOLD;
}

bool otai_hb_result(struct otai_hb_box *box, enum otai_hb_result result, const struct ota_fault *cause, const char *version)
{
    if (box->state != OTAI_HB_OPEN)
        return false;
    box->state = OTAI_HB_OWED;
    box->result = (uint8_t)result;
    box->again = 0;
    box->code = cause ? cause->err : OTA_OK;
    (void)otai_copy(box->where, sizeof box->where, cause ? cause->where : "");
    (void)otai_copy(box->version, sizeof box->version, version);
    return true;
}

/* Download-only ends with it; a window that is closed may open yet. */
bool otai_hb_may_install(struct otai_hb_box *box, const char *version)
{
    if (box->state != OTAI_HB_OPEN || box->update != OTAI_HB_SKIP)
        return true;
    if (box->window == OTAI_HB_NO_WINDOW)
        (void)otai_hb_result(box, OTAI_HB_STORED, NULL, version);
    else
        box->said |= OTAI_HB_IS_STORED;
    return false;
}

ota_err otai_hb_agrees(const struct otai_hb_box *box, uint64_t seq, const uint8_t digest[OTA_SHA256_LEN], struct ota_fault *fault)
{
    if (box->state != OTAI_HB_OPEN)
        return OTA_OK;
    if (box->seq != seq)
        return ota_fault_set(fault, OTA_REJECT_SEQUENCE, "hawkbit.ota.seq", 0);
    if (box->has_digest && !otai_equal(box->digest, digest, OTA_SHA256_LEN))
        return ota_fault_set(fault, OTA_REJECT_HASH, "hawkbit.ota.deployment", 0);
    return OTA_OK;
}
