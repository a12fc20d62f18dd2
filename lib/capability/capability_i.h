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

/* Take the envelope apart; nothing of `signed` is looked at but that it is well formed. what: "capability", in faults. */
OTA_MUST_CHECK ota_err otai_cap_open(const void *file, size_t len, const char *what, struct otai_cap_file *f, struct ota_fault *fault);
/* Did a threshold of these keys, one behind the other and all different, sign? REJECT_SIGNATURE, REJECT_KEY, DEVICE_CRYPTO at where. */
OTA_MUST_CHECK ota_err otai_cap_signed_by(const struct otai_cap_file *f, const uint8_t *keys, size_t count, size_t threshold,
                                          struct ota_crypto *c, const char *where, struct ota_fault *fault);
/* Is a key among those before it, too? */
bool otai_cap_is_twice(const uint8_t *keys, size_t nth);
/* Parts of `signed`. */
void otai_cap_device(struct otai_json *j, char out[OTA_CAPABILITY_DEVICE_MAX]);
void otai_cap_time(struct otai_json *j, int64_t *out);
void otai_cap_fixed(struct otai_json *j, const char *text, ota_err err);
/* Which of names[0..count) the current member's is; count: none of them. */
unsigned otai_cap_member(const struct otai_json *j, const char *const *names, unsigned count);
/* Read `signed`. */
OTA_MUST_CHECK ota_err otai_cap_signed(struct otai_span text, struct ota_capability *out, struct ota_fault *fault);

#endif
