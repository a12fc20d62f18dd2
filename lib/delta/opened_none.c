/* SPDX-License-Identifier: Apache-2.0 */
/* Instead of opened.c, opened_read.c and reflate*.c: patches of opened images are refused by their header. */
#include "opened.h"

ota_err otai_opened_judge(const struct otai_opened_params *p, uint64_t base_len, uint64_t out_len)
{
    (void)p;
    (void)base_len;
    (void)out_len;
    return OTA_REJECT_SPEC;
}

/* None of the others is called after that. */
size_t otai_opened_memory(const struct otai_opened_params *p)
{
    (void)p;
    return 0;
}

size_t otai_opened_saved(const struct otai_opened_params *p)
{
    (void)p;
    return 0;
}

struct ota_delta_base *otai_opened_attach(struct otai_opened *o, const struct otai_opened_params *p, struct ota_delta_base *image,
                                          uint64_t base_len)
{
    (void)o;
    (void)p;
    (void)image;
    (void)base_len;
    return NULL;
}

ota_err otai_opened_put(struct otai_opened *o, struct otai_span *in, uint8_t *out, size_t cap, size_t *made)
{
    (void)o;
    (void)in;
    (void)out;
    (void)cap;
    *made = 0;
    return OTA_REJECT_SPEC;
}

bool otai_opened_plausible(const struct otai_opened *o)
{
    (void)o;
    return false;
}
