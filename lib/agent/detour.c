/* SPDX-License-Identifier: Apache-2.0 */
/* A source that is of no use on this device: plan again without it. */
#include "agent.h"

/* It is for another image than the one that runs: no failure, and asked again in the next run. */
ota_err otai_leave_source(struct ota *a)
{
    const struct ota_release_image *r = otai_image_of(a, a->plan.component);

    for (size_t i = 0; i < r->source_count; i++)
        if (otai_equal(r->source[i].sha256, a->plan.source.sha256, OTA_SHA256_LEN))
            a->wrong_base[a->plan.component] |= (uint8_t)(1u << i);
    return OTA_SAME;
}

/* A delta or an index that turned out bad is not tried again for this image, and costs a detour only: the failure is told
 * by name, and the next cheapest encoding is planned. The journal remembers it before anything else is fetched. */
ota_err otai_source_result(struct ota *a, ota_err err)
{
    struct otai_progress *p = &a->j.progress[a->plan.component];

    if (ota_err_class(err) != OTA_CLASS_REJECT || a->plan.source.codec < OTA_CODEC_DELTA)
        return err;
    a->fault.err = err;
    a->fault.state = (uint8_t)a->state;
    a->fault.component = a->plan.component;
    p->failed |= 1u << a->plan.source.codec;
    p->out_off = p->src_off = 0;
    p->etag[0] = '\0';
    otai_patch_forget(a);
    otai_note(a, OTA_EV_FAULT, a->state, err);
    otai_note(a, OTA_EV_FELL_BACK, a->plan.component, err);
    return OTA_SAME;
}
