/* SPDX-License-Identifier: Apache-2.0 */
/* Patches between images of the simulation, made by the encoder that ota-repo has. */
#ifndef SIM_PATCH_H
#define SIM_PATCH_H

#include <stddef.h>
#include <stdint.h>

struct sim_patch_job {
    const uint8_t *old, *new;
    size_t old_len, new_len;
    uint32_t memory;   /* that the decoder may use */
};

/* Bytes of the patch; `needs` gets the memory that its decoder needs. */
size_t sim_patch(const struct sim_patch_job *job, uint8_t *out, size_t cap, uint32_t *needs);

#endif
