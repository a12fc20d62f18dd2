/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: which kind is the shortest, its Huffman codes, its bits. Ties are broken as zlib and gzip break them. */
#include <string.h>

#include "reflate.h"

#define END_OF_BLOCK 256u
#define LITERALS 256u
#define CODE_MAX 15u            /* bits of a code, and of one for lengths of codes */
#define LEN_CODE_MAX 7u
enum { REPEAT = 16, ZEROS = 17, MANY_ZEROS = 18 };
enum { STORED, FIXED, DYNAMIC };

/* The order in which the lengths of the codes for lengths are sent (RFC 1951, 3.2.7). */
static const uint8_t order[OTAI_LEN_CODES] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };

static unsigned log2_of(uint32_t v)
{
    unsigned n = 0;

    while (v >>= 1)
        n++;
    return n;
}

unsigned otai_reflate_distance_code(uint32_t distance)
{
    uint32_t v = distance - 1;
    unsigned k = log2_of(v | 1);

    return v < 4 ? v : 2 * k + (v >> (k - 1) & 1u);
}

unsigned otai_reflate_distance_extra(unsigned code)
{
    return code < 4 ? 0 : code / 2 - 1;
}

/* Code and extra bits of a length less 3. */
static unsigned length_code(unsigned v, unsigned *extra)
{
    unsigned k = log2_of(v | 1u);

    *extra = v < 8 || v == 255 ? 0 : k - 2;
    if (v < 8)
        return LITERALS + 1 + v;
    return v == 255 ? LITERALS + 29 : LITERALS + 1 + 4 * (k - 1) + (v >> (k - 2) & 3u);
}

/* ---- codes ------------------------------------------------------------------------------------------------------------ */

/* Is node a lighter than b? */
static bool lighter(const struct otai_tree *t, uint32_t a, uint32_t b)
{
    return t->freq[a] < t->freq[b] || (t->freq[a] == t->freq[b] && t->depth[a] <= t->depth[b]);
}

static void sift(struct otai_tree *t, uint32_t place)
{
    uint16_t node = t->heap[place];

    for (uint32_t child = 2 * place; child <= t->heap_len; child = 2 * place) {
        if (child < t->heap_len && lighter(t, t->heap[child + 1], t->heap[child]))
            child++;
        if (lighter(t, node, t->heap[child]))
            break;
        t->heap[place] = t->heap[child];
        place = child;
    }
    t->heap[place] = node;
}

/* The symbols that occur, two at least. @return the last symbol */
static uint32_t plant(struct otai_tree *t, uint32_t count)
{
    uint32_t last = 0;
    bool any = false;

    t->heap_len = 0;
    t->heap_max = OTAI_TREE_NODES;
    memset(t->depth, 0, sizeof t->depth);
    memset(t->len, 0, sizeof t->len);
    for (uint32_t i = 0; i < count; i++)
        if (t->freq[i]) {
            t->heap[++t->heap_len] = (uint16_t)i;
            last = i;
            any = true;
        }
    while (t->heap_len < 2) {
        uint32_t extra = !any ? 0 : last < 2 ? last + 1 : 0;

        if (!any || last < 2)
            last = extra;
        any = true;
        t->heap[++t->heap_len] = (uint16_t)extra;
        t->freq[extra] = 1;
    }
    return last;
}

/* Join the two lightest until one is left. The heap's upper part keeps all nodes, the heaviest first. */
static void join(struct otai_tree *t, uint32_t count)
{
    uint32_t node = count;

    for (uint32_t i = t->heap_len / 2; i >= 1; i--)
        sift(t, i);
    do {
        uint16_t a = t->heap[1];
        t->heap[1] = t->heap[t->heap_len--];
        sift(t, 1);
        uint16_t b = t->heap[1];

        t->heap[--t->heap_max] = a;
        t->heap[--t->heap_max] = b;
        t->freq[node] = (uint16_t)(t->freq[a] + t->freq[b]);
        t->depth[node] = (uint8_t)((t->depth[a] >= t->depth[b] ? t->depth[a] : t->depth[b]) + 1);
        t->parent[a] = t->parent[b] = (uint16_t)node;
        t->heap[1] = (uint16_t)node++;
        sift(t, 1);
    } while (t->heap_len >= 2);
    t->heap[--t->heap_max] = t->heap[1];
}

/* Lengths of the codes, none above `most`: too long ones are moved up where it costs least. */
static void measure(struct otai_tree *t, uint32_t last, unsigned most, uint16_t *of_len)
{
    uint32_t h = t->heap_max;
    int over = 0;

    t->len[t->heap[h]] = 0;
    for (h++; h < OTAI_TREE_NODES; h++) {
        uint32_t node = t->heap[h];
        unsigned len = t->len[t->parent[node]] + 1u;

        if (len > most) {
            len = most;
            over++;
        }
        t->len[node] = (uint8_t)len;
        if (node <= last)
            of_len[len]++;
    }
    if (over == 0)
        return;
    for (; over > 0; over -= 2) {
        unsigned len = most - 1;

        while (of_len[len] == 0)
            len--;
        of_len[len]--;
        of_len[len + 1] = (uint16_t)(of_len[len + 1] + 2);
        of_len[most]--;
    }
    for (unsigned len = most; len > 0; len--)
        for (uint32_t n = of_len[len]; n > 0;) {
            uint32_t node = t->heap[--h];

            if (node > last)
                continue;
            t->len[node] = (uint8_t)len;
            n--;
        }
}

static uint16_t reversed(uint32_t code, unsigned len)
{
    uint32_t r = 0;

    for (; len > 0; len--, code >>= 1)
        r = r << 1 | (code & 1u);
    return (uint16_t)r;
}

/* Codes from lengths (RFC 1951, 3.2.2), ready to be sent lowest bit first. */
static void number_codes(const uint8_t *len, uint32_t count, uint16_t *bits)
{
    uint32_t next[CODE_MAX + 2] = { 0 }, code = 0;

    for (uint32_t i = 0; i < count; i++)
        if (len[i])
            next[len[i] + 1]++;
    for (unsigned n = 1; n <= CODE_MAX; n++) {
        code = (code + next[n]) << 1;
        next[n] = code;
    }
    for (uint32_t i = 0; i < count; i++)
        bits[i] = len[i] ? reversed(next[len[i]]++, len[i]) : 0;
}

/* Codes for what t->freq says. @return the last symbol that has one */
static uint32_t make_code(struct otai_tree *t, uint32_t count, unsigned most, uint8_t *len, uint16_t *bits)
{
    uint16_t of_len[CODE_MAX + 1] = { 0 };
    uint32_t last = plant(t, count);

    join(t, count);
    measure(t, last, most, of_len);
    for (uint32_t i = 0; i < count; i++)
        len[i] = i <= last ? t->len[i] : 0;
    number_codes(len, count, bits);
    return last;
}

/* ---- the lengths of the codes, as runs ---------------------------------------------------------------------------------- */

static void add_run(struct otai_reflate *r, unsigned symbol, unsigned extra)
{
    r->run[2u * r->runs] = (uint8_t)symbol;
    r->run[2u * r->runs + 1] = (uint8_t)extra;
    r->runs++;
}

static void put_run(struct otai_reflate *r, unsigned len, unsigned count, bool repeats)
{
    unsigned least = len == 0 || repeats ? 3 : 4;

    if (count < least) {
        while (count-- > 0)
            add_run(r, len, 0);
        return;
    }
    if (len == 0) {
        add_run(r, count <= 10 ? ZEROS : MANY_ZEROS, count - (count <= 10 ? 3 : 11));
        return;
    }
    if (!repeats) {
        add_run(r, len, 0);
        count--;
    }
    add_run(r, REPEAT, count - 3);
}

static void find_runs(struct otai_reflate *r, const uint8_t *len, uint32_t last)
{
    int before = -1;
    unsigned count = 0;

    for (uint32_t i = 0; i <= last; i++) {
        bool same = (int)len[i] == before;
        unsigned most = len[i] == 0 ? 138 : same ? 6 : 7;

        count++;
        if (count < most && i < last && len[i + 1] == len[i])
            continue;
        put_run(r, len[i], count, same);
        before = len[i];
        count = 0;
    }
}

/* ---- the block ---------------------------------------------------------------------------------------------------------- */

static unsigned run_extra(unsigned symbol)
{
    return symbol == REPEAT ? 2 : symbol == ZEROS ? 3 : symbol == MANY_ZEROS ? 7 : 0;
}

static unsigned fixed_len(uint32_t i)
{
    return i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
}

struct cost {
    uint32_t dynamic, fixed;      /* bits */
};

static struct cost code_symbols(struct otai_reflate *r, uint32_t *last_lit, uint32_t *last_dist)
{
    struct cost c = { 0, 0 };
    uint16_t lit[OTAI_LIT_CODES] = { 0 }, dist[OTAI_DIST_CODES] = { 0 };
    unsigned extra;

    lit[END_OF_BLOCK] = 1;
    for (uint32_t i = 0; i < r->symbols; i++) {
        if (r->distance[i] == 0) {
            lit[r->length[i]]++;
            continue;
        }
        unsigned d = otai_reflate_distance_code(r->distance[i]);
        lit[length_code(r->length[i], &extra)]++;
        dist[d]++;
        c.dynamic += extra + otai_reflate_distance_extra(d);
    }
    c.fixed = c.dynamic;
    memcpy(r->tree.freq, lit, sizeof lit);
    *last_lit = make_code(&r->tree, OTAI_LIT_CODES - 2, CODE_MAX, r->lit.len, r->lit.bits);
    memcpy(r->tree.freq, dist, sizeof dist);
    *last_dist = make_code(&r->tree, OTAI_DIST_CODES, CODE_MAX, r->dist_len, r->dist_bits);
    for (uint32_t i = 0; i < OTAI_LIT_CODES - 2; i++) {
        c.dynamic += (uint32_t)lit[i] * r->lit.len[i];
        c.fixed += lit[i] * fixed_len(i);
    }
    for (uint32_t i = 0; i < OTAI_DIST_CODES; i++) {
        c.dynamic += (uint32_t)dist[i] * r->dist_len[i];
        c.fixed += dist[i] * 5u;
    }
    return c;
}

/* @return bits of the block's head */
static uint32_t code_lengths(struct otai_reflate *r, uint32_t last_lit, uint32_t last_dist)
{
    uint16_t freq[OTAI_LEN_CODES] = { 0 };
    uint32_t cost = 0;

    r->runs = 0;
    find_runs(r, r->lit.len, last_lit);
    find_runs(r, r->dist_len, last_dist);
    for (uint32_t i = 0; i < r->runs; i++) {
        freq[r->run[2 * i]]++;
        cost += run_extra(r->run[2 * i]);
    }
    memcpy(r->tree.freq, freq, sizeof freq);
    (void)make_code(&r->tree, OTAI_LEN_CODES, LEN_CODE_MAX, r->len_len, r->len_bits);
    for (uint32_t i = 0; i < OTAI_LEN_CODES; i++)
        cost += (uint32_t)freq[i] * r->len_len[i];
    r->order_count = OTAI_LEN_CODES;
    while (r->order_count > 4 && r->len_len[order[r->order_count - 1u]] == 0)
        r->order_count--;
    return cost + 3u * r->order_count + 14u;
}

static void use_fixed_code(struct otai_reflate *r)
{
    for (uint32_t i = 0; i < OTAI_LIT_CODES; i++)
        r->lit.len[i] = (uint8_t)fixed_len(i);
    number_codes(r->lit.len, OTAI_LIT_CODES, r->lit.bits);
    for (uint32_t i = 0; i < OTAI_DIST_CODES; i++) {
        r->dist_len[i] = 5;
        r->dist_bits[i] = reversed(i, 5);
    }
}

static void put(struct otai_reflate *r, uint32_t v, unsigned count)
{
    r->bits |= (uint64_t)v << r->bit_count;
    r->bit_count += count;
}

static void pad_to_byte(struct otai_reflate *r)
{
    r->bit_count = (r->bit_count + 7u) & ~7u;
}

static void begin_stored(struct otai_reflate *r, uint32_t begin, uint32_t len)
{
    pad_to_byte(r);
    put(r, len & 0xffff, 16);
    put(r, ~len & 0xffff, 16);
    r->emit_at = begin;
    r->emit_end = begin + len;
    r->phase = OTAI_RF_STORED;
}

void otai_reflate_block(struct otai_reflate *r, const uint8_t *bytes, uint32_t len, bool last)
{
    uint32_t last_lit, last_dist;
    struct cost c = code_symbols(r, &last_lit, &last_dist);

    c.dynamic += code_lengths(r, last_lit, last_dist);
    uint32_t dynamic = (c.dynamic + 10u) >> 3, fixed = (c.fixed + 10u) >> 3, best = fixed <= dynamic ? fixed : dynamic;
    unsigned kind = bytes && len <= 0xffff && len + 4 <= best ? STORED : fixed == best ? FIXED : DYNAMIC;
    r->last = last;
    put(r, kind << 1 | (last ? 1u : 0u), 3);
    if (kind == STORED) {
        begin_stored(r, (uint32_t)(bytes - r->window), len);
        return;
    }
    r->emit_at = 0;
    r->emit_end = r->symbols;
    r->phase = OTAI_RF_SYMBOLS;
    if (kind == FIXED) {
        use_fixed_code(r);
        return;
    }
    put(r, last_lit - 256u, 5);
    put(r, last_dist, 5);
    put(r, r->order_count - 4u, 4);
    r->phase = OTAI_RF_ORDER;
}

/* ---- bits out ------------------------------------------------------------------------------------------------------------ */

static void put_symbol(struct otai_reflate *r, uint32_t i)
{
    uint32_t distance = r->distance[i], value = r->length[i];
    unsigned extra, code = distance ? length_code(value, &extra) : value;

    put(r, r->lit.bits[code], r->lit.len[code]);
    if (distance == 0)
        return;
    put(r, value & ((1u << extra) - 1u), extra);
    code = otai_reflate_distance_code(distance);
    extra = otai_reflate_distance_extra(code);
    put(r, r->dist_bits[code], r->dist_len[code]);
    put(r, (distance - 1u) & ((1u << extra) - 1u), extra);
}

/* A block is complete; after the last one the stream is. */
static void end_emission(struct otai_reflate *r)
{
    if (r->last)
        pad_to_byte(r);
    r->phase = r->last ? OTAI_RF_END : OTAI_RF_MATCH;
}

/* The next few bits, 48 at most. */
static void next_bits(struct otai_reflate *r)
{
    uint32_t i = r->emit_at++;

    switch ((enum otai_reflate_phase)r->phase) {
    case OTAI_RF_ORDER:
        put(r, r->len_len[order[i]], 3);
        if (i + 1 == r->order_count) {
            r->emit_at = 0;
            r->phase = OTAI_RF_LENS;
        }
        break;
    case OTAI_RF_LENS:
        put(r, r->len_bits[r->run[2 * i]], r->len_len[r->run[2 * i]]);
        put(r, r->run[2 * i + 1], run_extra(r->run[2 * i]));
        if (i + 1 == r->runs) {
            r->emit_at = 0;
            r->phase = OTAI_RF_SYMBOLS;
        }
        break;
    case OTAI_RF_SYMBOLS:
        if (i < r->emit_end) {
            put_symbol(r, i);
            break;
        }
        put(r, r->lit.bits[END_OF_BLOCK], r->lit.len[END_OF_BLOCK]);
        end_emission(r);
        break;
    default:
        if (i < r->emit_end)
            put(r, r->window[i], 8);
        else
            end_emission(r);
    }
}

bool otai_reflate_emit(struct otai_reflate *r, uint8_t *out, size_t cap, size_t *made)
{
    for (;;) {
        for (; r->bit_count >= 8; r->bit_count -= 8, r->bits >>= 8) {
            if (*made == cap)
                return false;
            out[(*made)++] = (uint8_t)r->bits;
        }
        if (r->phase == OTAI_RF_MATCH || r->phase == OTAI_RF_END)
            return true;
        next_bits(r);
    }
}
