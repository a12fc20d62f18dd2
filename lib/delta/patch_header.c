/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "patch.h"
#include OTAI_REPACK_HEADER

static const uint8_t magic[4] = { 'O', 'T', 'A', 'D' };

#define AT_VERSION 4u
#define AT_FRAME 5u
#define AT_SLOTS 6u
#define AT_RUNS 7u
#define AT_LEARNED 8u
#define AT_BASE 9u
#define AT_OUT (AT_BASE + OTA_DELTA_DIGEST_LEN)
#define AT_NUMBERS (AT_OUT + OTA_DELTA_DIGEST_LEN)
#define CRC_LEN 4u
#define NUMBER_LEN_MAX 9u
#define OPENED_NUMBERS 4u
#define OPENED_BYTES 3u

static bool is_opened(const uint8_t *in)
{
    return OTAI_REPACK && in[AT_VERSION] & OTAI_PATCH_OPENED;
}

/* A number of at most 63 bits. AGAIN when the bytes end before it; REJECT_VALUE when it is longer than needed or allowed. */
static ota_err get_number(const uint8_t *in, size_t len, size_t *at, uint64_t *v)
{
    *v = 0;
    for (unsigned i = 0; i < NUMBER_LEN_MAX; i++) {
        if (*at >= len)
            return OTA_AGAIN;
        uint8_t c = in[(*at)++];
        *v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c < 0x80)
            return c == 0 && i > 0 ? OTA_REJECT_VALUE : OTA_OK;
    }
    return OTA_REJECT_VALUE;
}

/* What is only there when streams were opened. A number beyond its field is refused here. */
static ota_err get_opened(const uint8_t *in, size_t len, size_t *at, struct otai_opened_params *p)
{
    uint64_t v[OPENED_NUMBERS];

    for (unsigned i = 0; i < OPENED_NUMBERS; i++) {
        ota_err err = get_number(in, len, at, &v[i]);
        if (err != OTA_OK)
            return err;
        if (v[i] > UINT32_MAX)
            return OTA_REJECT_VALUE;
    }
    if (len - *at < OPENED_BYTES)
        return OTA_AGAIN;
    *p = (struct otai_opened_params){ .old_len = (uint32_t)v[0], .new_len = (uint32_t)v[1], .old_count = (uint32_t)v[2],
                                      .new_count = (uint32_t)v[3], .ring_log2 = in[*at], .hash_log2 = in[*at + 1],
                                      .symbols_log2 = in[*at + 2] };
    *at += OPENED_BYTES;
    return OTA_OK;
}

static bool bounds_ok(const struct otai_patch_params *p)
{
    return p->frame_log2 >= OTAI_FRAME_LOG2_MIN && p->frame_log2 <= OTAI_FRAME_LOG2_MAX && p->slots_log2 >= OTAI_SLOTS_LOG2_MIN &&
           p->slots_log2 <= OTAI_SLOTS_LOG2_MAX && p->runs_log2 >= OTAI_RUNS_LOG2_MIN && p->runs_log2 <= OTAI_RUNS_LOG2_MAX &&
           p->learned_log2 >= OTAI_LEARNED_LOG2_MIN && p->learned_log2 <= OTAI_LEARNED_LOG2_MAX;
}

static void fill(struct ota_delta_info *info, const struct otai_patch_params *p, const uint8_t *in, size_t header_len)
{
    uint64_t most = (1u << p->frame_log2) - OTAI_FRAME_CRC_LEN, frames = (p->payload_len + most - 1) / most;

    info->version = OTAI_PATCH_VERSION;
    memcpy(info->base_digest, in + AT_BASE, OTA_DELTA_DIGEST_LEN);
    memcpy(info->out_digest, in + AT_OUT, OTA_DELTA_DIGEST_LEN);
    info->patch_len = header_len + p->payload_len + frames * OTAI_FRAME_CRC_LEN;
    info->memory = (uint32_t)otai_patch_memory(p);
    info->state_len = info->memory + OTAI_STATE_EXTRA;
    if (is_opened(in))
        info->state_len -= (uint32_t)(otai_opened_memory(&p->opened) - otai_opened_saved(&p->opened));
    info->frame = 1u << p->frame_log2;
    info->header_len = (uint16_t)header_len;
}

/* What can be refused is refused at the first byte that shows it, but only a whole header with a right CRC is believed. */
ota_err otai_patch_header(struct ota_delta_info *info, struct otai_patch_params *p, const uint8_t *in, size_t len)
{
    size_t at = AT_NUMBERS;
    uint64_t map_max = 0;

    memset(info, 0, sizeof *info);
    memset(p, 0, sizeof *p);
    if (memcmp(in, magic, len < sizeof magic ? len : sizeof magic) != 0)
        return OTA_REJECT_SYNTAX;
    if (len > AT_VERSION && (in[AT_VERSION] & ~(OTAI_REPACK ? OTAI_PATCH_OPENED : 0u)) != OTAI_PATCH_VERSION)
        return OTA_REJECT_SPEC;
    if (len < AT_NUMBERS)
        return OTA_AGAIN;
    ota_err err = get_number(in, len, &at, &info->base_len);
    if (err == OTA_OK)
        err = get_number(in, len, &at, &info->out_len);
    if (err == OTA_OK)
        err = get_number(in, len, &at, &p->payload_len);
    if (err == OTA_OK)
        err = get_number(in, len, &at, &map_max);
    if (err == OTA_OK && is_opened(in))
        err = (info->base_len | info->out_len) >> 32 ? OTA_REJECT_VALUE : get_opened(in, len, &at, &p->opened);
    if (err != OTA_OK)
        return err;
    if (len - at < CRC_LEN)
        return OTA_AGAIN;
    if (otai_crc32(0, in, at) != otai_get_le32(in + at))
        return OTA_REJECT_CORRUPT;
    p->frame_log2 = in[AT_FRAME];
    p->slots_log2 = in[AT_SLOTS];
    p->runs_log2 = in[AT_RUNS];
    p->learned_log2 = in[AT_LEARNED];
    p->map_max = (uint32_t)map_max;
    if (!bounds_ok(p) || map_max > OTAI_MAP_MAX || p->payload_len >> 61)
        return OTA_REJECT_VALUE;
    if (is_opened(in))
        err = otai_opened_judge(&p->opened, info->base_len, info->out_len);
    if (err != OTA_OK)
        return err;
    fill(info, p, in, at + CRC_LEN);
    return OTA_OK;
}

ota_err ota_delta_peek(struct ota_delta_info *info, const void *in, size_t len)
{
    struct otai_patch_params p;

    return otai_patch_header(info, &p, in, len);
}

static uint8_t *put_number(uint8_t *p, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *put_opened(uint8_t *p, const struct otai_opened_params *o)
{
    p = put_number(p, o->old_len);
    p = put_number(p, o->new_len);
    p = put_number(p, o->old_count);
    p = put_number(p, o->new_count);
    *p++ = o->ring_log2;
    *p++ = o->hash_log2;
    *p++ = o->symbols_log2;
    return p;
}

size_t otai_patch_put_header(uint8_t *out, const struct ota_delta_info *info, const struct otai_patch_params *p)
{
    memcpy(out, magic, sizeof magic);
    out[AT_VERSION] = OTAI_PATCH_VERSION;
    out[AT_FRAME] = p->frame_log2;
    out[AT_SLOTS] = p->slots_log2;
    out[AT_RUNS] = p->runs_log2;
    out[AT_LEARNED] = p->learned_log2;
    memcpy(out + AT_BASE, info->base_digest, OTA_DELTA_DIGEST_LEN);
    memcpy(out + AT_OUT, info->out_digest, OTA_DELTA_DIGEST_LEN);
    uint8_t *end = put_number(out + AT_NUMBERS, info->base_len);
    end = put_number(end, info->out_len);
    end = put_number(end, p->payload_len);
    end = put_number(end, p->map_max);
    if (otai_patch_opened(p)) {
        out[AT_VERSION] |= OTAI_PATCH_OPENED;
        end = put_opened(end, &p->opened);
    }
    otai_put_le32(end, otai_crc32(0, out, (size_t)(end - out)));
    return (size_t)(end - out) + CRC_LEN;
}
