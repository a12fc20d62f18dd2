/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads: the same code as the decoder's, with a coder that writes. */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdatomic.h>

#include "patch.h"

struct bytes {
    uint8_t *p;
    size_t len, cap;
};

/* What is sent, beyond the parts themselves. */
struct encode_job {
    struct ota_delta_base *base;
    uint64_t base_len, out_len;
    const struct otai_patch_params *params;
    const atomic_size_t *most;                  /* a payload that is longer is given up; may be NULL */
    void (*progress)(void *who, uint64_t done); /* may be NULL */
    void *who;
    /* Result, both or neither: what each byte of a new image of one part cost; at a copy's first byte, its announcement. */
    uint32_t *byte_cost, *head_cost;
};
#define COST_BIT 256 /* a bit, in costs */

struct encoder;

struct encoder *encode_begin(const struct encode_job *job);
/* One part after the other. false: out of memory, too long, or what cannot be encoded */
bool encode_part(struct encoder *e, const struct otai_script *script);
/* The payload, owned by the caller. Frees e. false: out of memory */
bool encode_end(struct encoder *e, struct bytes *out);

#endif
