/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without hawkBit: nothing is left of it. */
#ifndef OTAI_AGENT_HAWKBIT_H
#define OTAI_AGENT_HAWKBIT_H

#define OTAI_HB_MEMBER /* of struct ota: none */

#define OTAI_HB_HOLD_NAMES

static inline const char *otai_hb_bad(const struct ota_config *c)
{
    return c->hawkbit ? "hawkbit" : NULL;
}

static inline size_t otai_hb_len(const struct ota_config *c)
{
    return (void)c, 0;
}

static inline ota_err otai_hb_start(struct ota *a)
{
    return (void)a, OTA_OK;
}

static inline bool otai_hb_on(const struct ota *a)
{
    return (void)a, false;
}

static inline ota_err otai_hb_poll(struct ota *a)
{
    return (void)a, OTA_SAME;
}

static inline ota_err otai_hb_compare(struct ota *a)
{
    return (void)a, OTA_OK;
}

static inline ota_err otai_hb_settled(struct ota *a, enum ota_outcome outcome)
{
    return (void)a, (void)outcome, OTA_SAME;
}

static inline ota_err otai_hb_ready(struct ota *a)
{
    return (void)a, OTA_OK;
}

static inline bool otai_hb_open(const struct ota *a)
{
    return (void)a, false;
}

static inline ota_err otai_hb_collect(struct ota *a)
{
    return (void)a, OTA_OK;
}

static inline bool otai_hb_telling(const struct ota *a)
{
    return (void)a, false;
}

static inline ota_err otai_hb_tell(struct ota *a)
{
    return (void)a, OTA_DONE;
}

static inline bool otai_hb_interrupts(struct ota *a)
{
    return (void)a, false;
}

static inline uint32_t otai_hb_holds(const struct ota *a)
{
    return (void)a, 0;
}

static inline bool otai_hb_forces(const struct ota *a)
{
    return (void)a, false;
}

static inline void otai_hb_begun(struct ota *a)
{
    (void)a;
}

static inline bool otai_hb_owes(const struct ota *a)
{
    return (void)a, false;
}

static inline uint32_t otai_hb_poll_every(const struct ota *a, uint32_t otherwise)
{
    return (void)a, otherwise;
}

#endif
