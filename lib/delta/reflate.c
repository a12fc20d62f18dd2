/* SPDX-License-Identifier: Apache-2.0 */
/* The search for matches: hash chains and one byte of looking ahead, with the limits of each level. */
#include "reflate.h"

#include <string.h>

#define MATCH_MIN 3u
#define MATCH_MAX 258u
#define AHEAD_MIN (MATCH_MAX + MATCH_MIN + 1u) /* bytes in sight before a search, unless the input ends */
#define REACH (OTAI_REFLATE_HALF - AHEAD_MIN)
#define FAR 4096u /* three bytes from farther away cost more than they save */
#define HALF_MASK (OTAI_REFLATE_HALF - 1u)

struct effort {
    uint16_t good, lazy, nice, chain;
};

/* For levels 4..9: a match this good halves or quarters the search, ends it, or makes looking ahead superfluous. */
static const struct effort efforts[] = {
    { 4, 4, 16, 16 }, { 8, 16, 32, 32 }, { 8, 16, 128, 128 }, { 8, 32, 128, 256 }, { 32, 128, 258, 1024 }, { 32, 258, 258, 4096 },
};

bool otai_reflate_way_ok(const struct otai_reflate_way *w)
{
    return w->level >= OTAI_REFLATE_LEVEL_MIN && w->level <= OTAI_REFLATE_LEVEL_MAX && w->hash_log2 >= 15 &&
           w->hash_log2 <= OTAI_REFLATE_HASH_MAX && w->symbols_log2 >= 14 && w->symbols_log2 <= OTAI_REFLATE_SYMBOLS_MAX;
}

size_t otai_reflate_memory(unsigned hash_log2, unsigned symbols_log2)
{
    return OTAI_REFLATE_WINDOW + 2u * OTAI_REFLATE_HALF + ((size_t)2 << hash_log2) + ((size_t)3 << symbols_log2);
}

void otai_reflate_attach(struct otai_reflate *r, uint8_t *mem, unsigned hash_log2, unsigned symbols_log2)
{
    r->prev = (uint16_t *)(void *)mem;
    r->head = r->prev + OTAI_REFLATE_HALF;
    r->distance = r->head + ((size_t)1 << hash_log2);
    r->window = (uint8_t *)(r->distance + ((size_t)1 << symbols_log2));
    r->length = r->window + OTAI_REFLATE_WINDOW;
}

void otai_reflate_begin(struct otai_reflate *r, const struct otai_reflate_way *way, uint64_t len)
{
    r->way = *way;
    memset(r->head, 0, (size_t)2 << way->hash_log2);
    memset(r->prev, 0, 2u * OTAI_REFLATE_HALF);
    memset(r->window, 0, OTAI_REFLATE_WINDOW);
    r->at = r->ahead = r->match_at = r->symbols = r->copies = r->copy_bits = 0;
    r->match_len = MATCH_MIN - 1;
    r->block_at = 0;
    r->left = len;
    r->pending = r->last = r->ended = false;
    r->phase = OTAI_RF_MATCH;
    r->bits = 0;
    r->bit_count = 0;
}

/* Enter the three bytes at `at` into the chains. @return the last place where they, or others of the same hash, were */
static uint32_t enter(struct otai_reflate *r, uint32_t at)
{
    unsigned shift = (r->way.hash_log2 + 2u) / 3u;
    const uint8_t *p = r->window + at;
    uint32_t h = ((uint32_t)p[0] << 2 * shift ^ (uint32_t)p[1] << shift ^ p[2]) & ((1u << r->way.hash_log2) - 1u);
    uint32_t found = r->head[h];

    r->prev[at & HALF_MASK] = (uint16_t)found;
    r->head[h] = (uint16_t)at;
    return found;
}

static uint32_t common(const uint8_t *a, const uint8_t *b, uint32_t most)
{
    uint32_t n = 0;

    while (n < most && a[n] == b[n])
        n++;
    return n;
}

/* The longest match that is longer than `best`, along the chain that begins at `place`. gzip compares beyond the end of the
 * input, with what the window holds there, and so may prefer a match that zlib would not look for. */
static uint32_t longest(struct otai_reflate *r, uint32_t place, uint32_t best)
{
    const struct effort *e = &efforts[r->way.level - OTAI_REFLATE_LEVEL_MIN];
    const uint8_t *here = r->window + r->at;
    uint32_t chain = best >= e->good ? e->chain / 4u : e->chain, limit = r->at > REACH ? r->at - REACH : 0;
    uint32_t sight = r->way.early || r->ahead > MATCH_MAX ? MATCH_MAX : r->ahead, nice = e->nice < sight ? e->nice : sight;

    do {
        const uint8_t *there = r->window + place;

        if (best < sight && there[best] == here[best] && there[best - 1] == here[best - 1] && there[0] == here[0]) {
            uint32_t n = common(there, here, sight);

            if (n > best) {
                best = n;
                r->match_at = place;
                if (n >= nice)
                    break;
            }
        }
        place = r->prev[place & HALF_MASK];
    } while (place > limit && --chain > 0);
    return best < r->ahead ? best : r->ahead;
}

/* gzip looks whether a block is worth ending every 4096 symbols. */
static bool worth_ending(const struct otai_reflate *r)
{
    uint32_t spent = (r->symbols * 8u + r->copy_bits) >> 3, covered = (uint32_t)((int32_t)r->at - r->block_at);

    return r->way.early && (r->symbols & 0xfff) == 0 && r->copies < r->symbols / 2u && spent < covered / 2u;
}

/* Add a symbol. true: the block is full */
static bool tally(struct otai_reflate *r, uint32_t distance, uint32_t length)
{
    r->distance[r->symbols] = (uint16_t)distance;
    r->length[r->symbols] = (uint8_t)length;
    r->symbols++;
    if (distance) {
        r->copies++;
        r->copy_bits += 5u + otai_reflate_distance_extra(otai_reflate_distance_code(distance));
    }
    return worth_ending(r) || r->symbols == (1u << r->way.symbols_log2) - 1u;
}

static void end_block(struct otai_reflate *r, bool last)
{
    uint32_t len = (uint32_t)((int32_t)r->at - r->block_at);

    otai_reflate_block(r, r->block_at >= 0 ? r->window + r->block_at : NULL, len, last);
    r->block_at = (int32_t)r->at;
    r->symbols = r->copies = r->copy_bits = 0;
}

/* The match that began one byte ago is taken. */
static void take_match(struct otai_reflate *r, uint32_t from, uint32_t len)
{
    uint32_t enterable = r->at + r->ahead >= MATCH_MIN ? r->at + r->ahead - MATCH_MIN : 0;
    bool full = tally(r, r->at - 1 - from, len - MATCH_MIN);

    r->ahead -= len - 1;
    for (uint32_t n = len - 2; n > 0; n--)
        if (++r->at <= enterable)
            (void)enter(r, r->at);
    r->pending = false;
    r->match_len = MATCH_MIN - 1;
    r->at++;
    if (full)
        end_block(r, false);
}

/* gzip gives up where a match could reach beyond the window; zlib moves the window on before that. */
static bool searches(const struct otai_reflate *r)
{
    return !r->way.early || r->at <= OTAI_REFLATE_WINDOW - AHEAD_MIN;
}

/* One byte further, at least. Wants AHEAD_MIN bytes in sight, or the end of the input. */
static void search(struct otai_reflate *r)
{
    uint32_t found = r->ahead >= MATCH_MIN ? enter(r, r->at) : 0, before = r->match_len, from = r->match_at;

    r->match_len = MATCH_MIN - 1;
    if (found && before < efforts[r->way.level - OTAI_REFLATE_LEVEL_MIN].lazy && r->at - found <= REACH && searches(r)) {
        r->match_len = longest(r, found, before);
        if (r->match_len == MATCH_MIN && r->at - r->match_at > FAR)
            r->match_len = MATCH_MIN - 1;
    }
    if (before >= MATCH_MIN && r->match_len <= before) {
        take_match(r, from, before);
        return;
    }
    if (r->pending && tally(r, 0, r->window[r->at - 1]))
        end_block(r, false);
    r->pending = true;
    r->at++;
    r->ahead--;
}

/* The older half goes when a search would soon look beyond the window. */
static void slide(struct otai_reflate *r)
{
    memmove(r->window, r->window + OTAI_REFLATE_HALF, OTAI_REFLATE_HALF);
    r->at -= OTAI_REFLATE_HALF;
    r->match_at = r->match_at >= OTAI_REFLATE_HALF ? r->match_at - OTAI_REFLATE_HALF : 0;
    r->block_at -= (int32_t)OTAI_REFLATE_HALF;
    for (size_t i = 0; i < (size_t)1 << r->way.hash_log2; i++)
        r->head[i] = (uint16_t)(r->head[i] >= OTAI_REFLATE_HALF ? r->head[i] - OTAI_REFLATE_HALF : 0);
    for (size_t i = 0; i < OTAI_REFLATE_HALF; i++)
        r->prev[i] = (uint16_t)(r->prev[i] >= OTAI_REFLATE_HALF ? r->prev[i] - OTAI_REFLATE_HALF : 0);
}

static size_t fill(struct otai_reflate *r, const uint8_t *in, size_t len)
{
    if (r->at >= OTAI_REFLATE_HALF + REACH)
        slide(r);
    size_t n = OTAI_REFLATE_WINDOW - r->at - r->ahead;
    if (n > len)
        n = len;
    if (n > r->left)
        n = (size_t)r->left;
    if (in) /* NULL: the end, and nothing more */
        memcpy(r->window + r->at + r->ahead, in, n);
    r->ahead += (uint32_t)n;
    r->left -= n;
    return n;
}

/* gzip looks for more input once in vain, zlib always: it matters where the window stands. Behind the last byte gzip has two
 * zeros, and then what the window held before. */
static void end_input(struct otai_reflate *r)
{
    r->ended = true;
    memset(r->window + r->at + r->ahead, 0, MATCH_MIN - 1u);
}

static void finish(struct otai_reflate *r)
{
    if (r->pending)
        (void)tally(r, 0, r->window[r->at - 1]);
    r->pending = false;
    end_block(r, true);
}

ota_err otai_reflate_push(struct otai_reflate *r, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t cap,
                          size_t *made)
{
    *used = *made = 0;
    for (;;) {
        if (!otai_reflate_emit(r, out, cap, made))
            return OTA_OK;
        if (r->phase == OTAI_RF_END)
            return OTA_DONE;
        if (r->ahead < AHEAD_MIN && !r->ended) {
            *used += fill(r, in_len > *used ? in + *used : NULL, in_len - *used);
            if (r->ahead < AHEAD_MIN && r->left > 0)
                return OTA_OK;
            if (r->ahead < AHEAD_MIN && r->way.early)
                end_input(r);
        }
        if (r->ahead > 0)
            search(r);
        else
            finish(r);
    }
}

bool otai_reflate_plausible(const struct otai_reflate *r)
{
    if (!otai_reflate_way_ok(&r->way) || r->phase > OTAI_RF_END)
        return false;
    uint32_t symbols = UINT32_C(1) << r->way.symbols_log2;
    bool idle = r->phase == OTAI_RF_MATCH || r->phase == OTAI_RF_END;
    uint32_t most = idle ? UINT32_MAX : r->phase == OTAI_RF_STORED ? OTAI_REFLATE_WINDOW : symbols;
    return r->symbols < symbols && r->at <= OTAI_REFLATE_WINDOW && r->ahead <= OTAI_REFLATE_WINDOW - r->at &&
           r->match_at < OTAI_REFLATE_WINDOW && r->block_at <= (int32_t)r->at && r->bit_count < 64 && r->emit_end <= most &&
           r->runs <= sizeof r->run / 2 && r->order_count <= OTAI_LEN_CODES &&
           (r->phase != OTAI_RF_ORDER || r->emit_at < OTAI_LEN_CODES) && (r->phase != OTAI_RF_LENS || r->emit_at < r->runs);
}
