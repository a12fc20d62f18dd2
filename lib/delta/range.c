/* SPDX-License-Identifier: Apache-2.0 */
/* Range decoder: 32 bits of range, refilled by bytes (G. N. N. Martin, "Range encoding", 1979; the carry is the
 * encoder's business). Its state is three numbers, and every bit has a probability of its own. */
#include "delta_i.h"

#define RANGE_LOW (1u << 24)

unsigned otai_unrange_bit(struct otai_coder *c, uint32_t p1, unsigned bit)
{
    struct otai_unrange *r = (struct otai_unrange *)c;
    uint32_t bound = (r->range >> 16) * p1;

    bit = r->code < bound;
    if (bit) {
        r->range = bound;
    } else {
        r->code -= bound;
        r->range -= bound;
    }
    while (r->range < RANGE_LOW) {
        r->over |= r->at >= r->len;
        r->code = r->code << 8 | (r->at < r->len ? r->p[r->at] : 0u);
        r->range <<= 8;
        r->at++;
    }
    return bit;
}
