/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/boot_record.h"

#include <string.h>

#define TRIES_MAX 15u
#define FORMAT 1u

static const uint8_t magic[4] = { 'O', 'T', 'A', 'B' };

/* Bitwise: a record is 28 bytes, a table would be larger than the work. */
uint32_t ota_boot_record_crc(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static void put_le(uint8_t *p, uint64_t v, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_le(const uint8_t *p, size_t len)
{
    uint64_t v = 0;

    for (size_t i = 0; i < len; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static bool is_slot(uint8_t slot)
{
    return slot <= 1 || slot == OTA_SLOT_NONE;
}

static bool are_slots(const uint8_t *slot)
{
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        if (!is_slot(slot[i]))
            return false;
    return true;
}

/* A trial may also take out what is installed. */
static bool is_trial(const struct ota_boot_record *r)
{
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        if (!is_slot(r->trial[i]) && (r->trial[i] != OTA_SLOT_REMOVE || r->confirmed[i] == OTA_SLOT_NONE))
            return false;
    return true;
}

static bool names_a_slot(const uint8_t *slot, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slot[i] != OTA_SLOT_NONE)
            return true;
    return false;
}

void ota_boot_record_init(struct ota_boot_record *r, const uint8_t *slot, size_t count)
{
    memset(r, 0, sizeof *r);
    memset(r->confirmed, OTA_SLOT_NONE, sizeof r->confirmed);
    memset(r->trial, OTA_SLOT_NONE, sizeof r->trial);
    for (size_t i = 0; i < count && i < OTA_COMPONENTS_MAX; i++)
        r->confirmed[i] = slot[i];
    memcpy(r->running, r->confirmed, sizeof r->running);
}

void ota_boot_record_encode(const struct ota_boot_record *r, uint8_t out[OTA_BOOT_RECORD_LEN])
{
    memcpy(out, magic, sizeof magic);
    out[4] = FORMAT;
    out[5] = r->state;
    out[6] = r->tries;
    out[7] = r->fate;
    put_le(out + 8, r->generation, 8);
    memcpy(out + 16, r->confirmed, 4);
    memcpy(out + 20, r->running, 4);
    memcpy(out + 24, r->trial, 4);
    put_le(out + 28, ota_boot_record_crc(0, out, 28), 4);
}

/* A trial and its state belong together: either both are there or neither. */
static bool is_sound(const struct ota_boot_record *r)
{
    bool named = names_a_slot(r->trial, OTA_COMPONENTS_MAX);

    return r->state <= OTA_BOOT_TRIAL_DROPPED && r->tries <= TRIES_MAX && r->fate <= OTA_BOOT_FATE_OUT_OF_TRIES &&
           are_slots(r->confirmed) && are_slots(r->running) && is_trial(r) &&
           named == (r->state != OTA_BOOT_TRIAL_NONE);
}

bool ota_boot_record_decode(struct ota_boot_record *r, const uint8_t in[OTA_BOOT_RECORD_LEN])
{
    struct ota_boot_record x = { .state = in[5], .tries = in[6], .fate = in[7] };

    if (memcmp(in, magic, sizeof magic) != 0 || in[4] != FORMAT || get_le(in + 28, 4) != ota_boot_record_crc(0, in, 28))
        return false;
    x.generation = get_le(in + 8, 8);
    memcpy(x.confirmed, in + 16, 4);
    memcpy(x.running, in + 20, 4);
    memcpy(x.trial, in + 24, 4);
    if (!is_sound(&x))
        return false;
    *r = x;
    return true;
}

static void forget_trial(struct ota_boot_record *r, enum ota_boot_fate fate)
{
    memset(r->trial, OTA_SLOT_NONE, sizeof r->trial);
    r->state = OTA_BOOT_TRIAL_NONE;
    r->tries = 0;
    r->fate = (uint8_t)fate;
}

/* What runs of a component while the trial does. */
static uint8_t in_trial(const struct ota_boot_record *r, size_t i)
{
    if (r->trial[i] == OTA_SLOT_REMOVE)
        return OTA_SLOT_NONE;
    return r->trial[i] != OTA_SLOT_NONE ? r->trial[i] : r->confirmed[i];
}

static void start_trial(struct ota_boot_record *r)
{
    r->tries--;
    r->state = OTA_BOOT_TRIAL_STARTED;
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        r->running[i] = in_trial(r, i);
}

enum ota_boot_start ota_boot_record_start(struct ota_boot_record *r, bool *changed)
{
    *changed = r->state != OTA_BOOT_TRIAL_NONE;
    if (!*changed) {
        memcpy(r->running, r->confirmed, sizeof r->running);
        return OTA_BOOT_START_CONFIRMED;
    }
    if (r->state != OTA_BOOT_TRIAL_DROPPED && r->tries > 0) {
        start_trial(r);
        return OTA_BOOT_START_TRIAL;
    }
    forget_trial(r, r->state == OTA_BOOT_TRIAL_DROPPED ? OTA_BOOT_FATE_REVERTED : OTA_BOOT_FATE_OUT_OF_TRIES);
    memcpy(r->running, r->confirmed, sizeof r->running);
    return OTA_BOOT_START_FELL_BACK;
}

/* To keep a component, to take out what is installed, or to run the slot that neither runs nor is confirmed. */
static bool may_become(const struct ota_boot_record *r, size_t i, uint8_t slot)
{
    if (slot == OTA_SLOT_REMOVE)
        return r->confirmed[i] != OTA_SLOT_NONE;
    return slot == OTA_SLOT_NONE || (slot <= 1 && slot != r->confirmed[i] && slot != r->running[i]);
}

static bool may_try(const struct ota_boot_record *r, const uint8_t *slot, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!may_become(r, i, slot[i]))
            return false;
    return names_a_slot(slot, count);
}

ota_err ota_boot_record_arm(struct ota_boot_record *r, const uint8_t *slot, size_t count, uint8_t tries)
{
    if (r->state == OTA_BOOT_TRIAL_STARTED || r->state == OTA_BOOT_TRIAL_DROPPED)
        return OTA_USAGE_STATE;
    if (count > OTA_COMPONENTS_MAX || tries == 0 || tries > TRIES_MAX || !may_try(r, slot, count))
        return OTA_USAGE_ARGUMENT;
    memset(r->trial, OTA_SLOT_NONE, sizeof r->trial);
    memcpy(r->trial, slot, count);
    r->state = OTA_BOOT_TRIAL_ARMED;
    r->tries = tries;
    r->fate = OTA_BOOT_FATE_NONE;
    return OTA_OK;
}

bool ota_boot_record_confirm(struct ota_boot_record *r)
{
    if (r->state != OTA_BOOT_TRIAL_STARTED)
        return false;
    memcpy(r->confirmed, r->running, sizeof r->confirmed);
    forget_trial(r, OTA_BOOT_FATE_CONFIRMED);
    return true;
}

static bool is_spent(const struct ota_boot_record *r)
{
    return r->state == OTA_BOOT_TRIAL_NONE && r->fate == OTA_BOOT_FATE_OUT_OF_TRIES;
}

bool ota_boot_record_revert(struct ota_boot_record *r)
{
    if (is_spent(r)) {
        r->fate = OTA_BOOT_FATE_REVERTED;
        return true;
    }
    if (r->state == OTA_BOOT_TRIAL_ARMED) {
        forget_trial(r, OTA_BOOT_FATE_REVERTED);
        return true;
    }
    if (r->state != OTA_BOOT_TRIAL_STARTED)
        return false;
    r->state = OTA_BOOT_TRIAL_DROPPED;
    r->tries = 0;
    r->fate = OTA_BOOT_FATE_REVERTED;
    return true;
}

void ota_boot_record_view(const struct ota_boot_record *r, struct ota_boot_view *out)
{
    memcpy(out->running, r->running, sizeof out->running);
    if (r->state == OTA_BOOT_TRIAL_DROPPED)
        memset(out->armed, OTA_SLOT_NONE, sizeof out->armed);
    else
        memcpy(out->armed, r->trial, sizeof out->armed);
    out->trial = r->state == OTA_BOOT_TRIAL_STARTED || r->state == OTA_BOOT_TRIAL_DROPPED;
    out->pending = r->state == OTA_BOOT_TRIAL_ARMED;
    out->tries_left = r->tries;
    out->spent = is_spent(r);
}
