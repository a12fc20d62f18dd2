/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of the old image at multiples of their size are looked up at every offset of the new one, by a hash that rolls
 * (R. Karp, M. Rabin, 1987). Each that is found is a vote for the region that it lies in; the stretch with most votes wins.
 */
#include "stretch.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 2048u
#define REGIONS 4096u
#define FACTOR UINT64_C(0x9E3779B97F4A7C15)

struct entry {
    uint64_t hash;
    uint64_t off;                  /* + 1; 0: free */
};

struct stretches {
    const uint8_t *old;
    uint64_t len, region;
    struct entry *table;
    size_t mask;
    uint64_t drop;                 /* FACTOR^(BLOCK - 1): takes the oldest byte out of a hash */
};

static uint64_t hash_of(const uint8_t *p)
{
    uint64_t h = 0;

    for (unsigned i = 0; i < BLOCK; i++)
        h = h * FACTOR + p[i] + 1;
    return h;
}

/* Blocks of one byte only say nothing about where they come from. */
static bool says_nothing(const uint8_t *p)
{
    return memcmp(p, p + 1, BLOCK - 1) == 0;
}

static struct entry *place_of(const struct stretches *s, uint64_t hash)
{
    size_t i = (size_t)(hash * FACTOR >> 20) & s->mask;

    while (s->table[i].off && s->table[i].hash != hash)
        i = (i + 1) & s->mask;
    return &s->table[i];
}

struct stretches *stretches_begin(const uint8_t *old, uint64_t len)
{
    struct stretches *s = calloc(1, sizeof *s);
    size_t slots = 1024;

    while (slots < len / BLOCK * 2)
        slots *= 2;
    if (s)
        *s = (struct stretches){ .old = old, .len = len, .region = len / REGIONS + 1, .mask = slots - 1, .drop = 1,
                                 .table = calloc(slots, sizeof *s->table) };
    if (!s || !s->table) {
        free(s);
        return NULL;
    }
    for (unsigned i = 1; i < BLOCK; i++)
        s->drop *= FACTOR;
    for (uint64_t off = 0; off + BLOCK <= len; off += BLOCK) {
        uint64_t hash = hash_of(old + off);
        struct entry *e = place_of(s, hash);

        if (!e->off && !says_nothing(old + off))
            *e = (struct entry){ hash, off + 1 };
    }
    return s;
}

static void vote(const struct stretches *s, const uint8_t *new, uint64_t len, uint32_t votes[REGIONS])
{
    uint64_t at = 0, hash = len >= BLOCK ? hash_of(new) : 0;

    while (at + BLOCK <= len) {
        const struct entry *e = place_of(s, hash);

        if (e->off && memcmp(s->old + e->off - 1, new + at, BLOCK) == 0) {
            votes[(e->off - 1) / s->region]++;
            at += BLOCK;
            hash = at + BLOCK <= len ? hash_of(new + at) : 0;
            continue;
        }
        if (at + BLOCK < len)
            hash = (hash - (new[at] + UINT64_C(1)) * s->drop) * FACTOR + new[at + BLOCK] + 1;
        at++;
    }
}

uint64_t stretches_find(const struct stretches *s, const uint8_t *new, uint64_t at, uint64_t len, uint64_t most)
{
    uint32_t votes[REGIONS] = { 0 };
    uint64_t regions = most / s->region, sum = 0, best = 0, begin;

    if (most >= s->len)
        return 0;
    if (regions == 0)
        regions = 1;
    vote(s, new, len, votes);
    /* Without votes: around the same place. */
    begin = at + len / 2 > most / 2 ? at + len / 2 - most / 2 : 0;
    for (uint64_t i = 0; i < REGIONS; i++) {
        sum += votes[i];
        if (i >= regions)
            sum -= votes[i - regions];
        if (sum <= best)
            continue;
        best = sum;
        begin = (i + 1 > regions ? i + 1 - regions : 0) * s->region;
    }
    return begin < s->len - most ? begin : s->len - most;
}

void stretches_end(struct stretches *s)
{
    if (s)
        free(s->table);
    free(s);
}
