/* SPDX-License-Identifier: Apache-2.0 */
/* A capability file, taken apart. */
#ifndef OTAI_CAPABILITY_I_H
#define OTAI_CAPABILITY_I_H

#include "json_members.h"
#include "ota/capability.h"

struct otai_cap_signature {
    struct otai_span id, sig;
};

struct otai_cap_file {
    struct otai_cap_signature list[OTA_CAPABILITY_SIGNATURES_MAX];
    size_t count;
    struct otai_span signed_text;
};

/* Take the envelope apart; nothing of `signed` is looked at but that it is well formed. */
OTA_MUST_CHECK ota_err otai_cap_open(const void *file, size_t len, struct otai_cap_file *f, struct ota_fault *fault);
/* Read `signed`. */
OTA_MUST_CHECK ota_err otai_cap_signed(struct otai_span text, struct ota_capability *out, struct ota_fault *fault);

#endif
