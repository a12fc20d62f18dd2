/* SPDX-License-Identifier: Apache-2.0 */
/* What may proceed now, and when to look again. Pure: settings and facts in, a word out. */
#ifndef OTAI_POLICY_H
#define OTAI_POLICY_H

#include "ota/config.h"
#include "ota/ota.h"
#include "ota/port_crypto.h"

/* Steps of an update that policy is asked about. */
enum otai_policy_step { OTAI_FETCH, OTAI_INSTALL, OTAI_RESTART, OTAI_POLICY_STEPS };

struct otai_policy_facts {
    int64_t now_s;                      /* Unix UTC, where the clock is known */
    bool clock_known;
    uint32_t deferred_s;                /* seconds that are left of a deferral; 0 = none */
    bool consent;                       /* somebody agreed */
    bool whole;                         /* what has to be fetched is a whole image, not the difference to another */
    uint64_t bytes;                     /* image bytes that the deployment has taken from the network by then */
    struct ota_conditions_now device;
};

struct otai_policy_word {
    uint32_t against[OTAI_POLICY_STEPS];   /* enum ota_hold; 0 = it may proceed */
    uint32_t look_s;                       /* until something may be different; UINT32_MAX = nothing is held back */
};

#define OTAI_POLICY_LOOK_S 60u     /* conditions change without a word */
#define OTAI_POLICY_DOZE_S 900u    /* local time may jump: a window is never waited for longer without a look */

/* settings NULL: nobody asked for anything but deferral. */
void otai_policy_judge(const struct ota_policy *settings, const struct otai_policy_facts *facts, struct otai_policy_word *out);

/* Seconds from this local time until a window is open; 0 = one is, or there are none. */
uint32_t otai_policy_opens_in_s(const struct ota_policy *settings, int64_t local_s);

/* What decides whether a device takes part in a rollout: SHA-256 of the salt's bytes and the id's characters. Errors of the port. */
#define OTAI_SALT_LEN 16u
OTA_MUST_CHECK ota_err otai_policy_number(struct ota_crypto *c, const uint8_t salt[OTAI_SALT_LEN], const char *id,
                                          uint8_t out[OTA_SHA256_LEN]);

/* Does the device take part? */
bool otai_policy_in_rollout(const uint8_t digest[OTA_SHA256_LEN], uint16_t per_mille);

/* Most seconds that a deployment may be deferred in all. changes_os: the component "os" is among what it changes.
 * local_s: the device's own bound, 0 = none. */
uint32_t otai_policy_defer_cap_s(uint32_t system_min, uint32_t application_min, bool changes_os, uint32_t local_s);

/* The name of the first setting that is out of range, or NULL. */
const char *otai_policy_bad(const struct ota_config *cfg);

#endif
