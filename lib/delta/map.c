/* SPDX-License-Identifier: Apache-2.0 */
/* Where old addresses went: by the copies that are known beforehand, and by what was learned on the way. */
#include "delta_i.h"

static bool before(const struct otai_map *m, uint16_t a, uint16_t b)
{
    return m->from[a] != m->from[b] ? m->from[a] < m->from[b] : a < b;
}

static void sift(struct otai_map *m, uint32_t top, uint32_t end)
{
    for (uint32_t child; (child = 2 * top + 1) < end; top = child) {
        uint16_t *o = m->order, t;

        if (child + 1 < end && before(m, o[child], o[child + 1]))
            child++;
        if (!before(m, o[top], o[child]))
            return;
        t = o[top];
        o[top] = o[child];
        o[child] = t;
    }
}

/* Heap sort: no recursion, no memory, and no order of the input that makes it slow. */
void otai_map_sort(struct otai_map *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        m->order[i] = (uint16_t)i;
    for (uint32_t i = m->count / 2; i-- > 0;)
        sift(m, i, m->count);
    for (uint32_t end = m->count; end-- > 1;) {
        uint16_t t = m->order[0];

        m->order[0] = m->order[end];
        m->order[end] = t;
        sift(m, 0, end);
    }
}

uint32_t otai_offset_to_addr(const struct otai_layout *l, uint32_t off)
{
    for (unsigned i = 0; i < l->count; i++)
        if (off - l->segment[i].off < l->segment[i].len)
            return off - l->segment[i].off + l->segment[i].addr;
    return off;
}

bool otai_addr_to_offset(const struct otai_layout *l, uint32_t addr, uint32_t *off)
{
    *off = addr;
    if (l->count == 0)
        return addr < l->len;
    for (unsigned i = 0; i < l->count; i++)
        if (addr - l->segment[i].addr < l->segment[i].len) {
            *off = addr - l->segment[i].addr + l->segment[i].off;
            return *off < l->len;
        }
    return false;
}

/* How many copies begin at or before off. */
static uint32_t copies_to(const struct otai_map *m, uint32_t off)
{
    uint32_t low = 0, high = m->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (m->from[m->order[middle]] <= off)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What lies between two copies moves with the nearer one. */
enum otai_source otai_map_addr(const struct otai_map *m, uint32_t addr, uint32_t *out)
{
    uint32_t off;

    *out = addr;
    if (!otai_addr_to_offset(&m->was, addr, &off) || m->count == 0)
        return OTAI_FROM_NOTHING;
    uint32_t n = copies_to(m, off), i = m->order[n ? n - 1 : 0];
    bool inside = n > 0 && off - m->from[i] < m->len[i];
    if (!inside && n > 0 && n < m->count) {
        uint32_t next = m->order[n];

        if (m->from[next] - off < off - (m->from[i] + m->len[i]))
            i = next;
    }
    *out = otai_offset_to_addr(&m->now, m->to[i] + (off - m->from[i]));
    return inside ? OTAI_FROM_MAP : OTAI_FROM_GAP;
}

static uint32_t *entry_of(const struct otai_learned *l, uint32_t addr)
{
    return l->entry + 2 * (size_t)((addr * 0x9E3779B1u) >> (32 - l->log2));
}

bool otai_learned_find(const struct otai_learned *l, uint32_t addr, uint32_t *out)
{
    const uint32_t *e = entry_of(l, addr);

    if (e[0] != addr + 1)
        return false;
    *out = e[1];
    return true;
}

void otai_learned_put(struct otai_learned *l, uint32_t addr, uint32_t to)
{
    uint32_t *e = entry_of(l, addr);

    e[0] = addr + 1;
    e[1] = to;
}
