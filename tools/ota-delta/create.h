/* SPDX-License-Identifier: Apache-2.0 */
/* Make patches: also used by ota-repo. */
#ifndef CREATE_H
#define CREATE_H

#include "encode.h"

/* 16 KiB: for what an image of some MiB needs; what does not fit is sent in other ways. */
#define CREATE_MEMORY_MIN 16384u

struct create_job {
    const uint8_t *old, *new;
    uint64_t old_len, new_len;
    uint8_t old_sha256[OTA_SHA256_LEN], new_sha256[OTA_SHA256_LEN];
    uint32_t memory;   /* that a decoder may use, CREATE_MEMORY_MIN or more */
    uint64_t part_len; /* larger images are made in parts of so many new bytes; 0: what suits 4 GiB of memory */
    unsigned threads;  /* that share the work, 1 or more; they change nothing of what is made */
    bool explain;      /* on standard error */
    void (*progress)(void *who, const char *what, unsigned percent); /* may be NULL */
    void *who;
};

/* Make a patch, owned by the caller, and apply it once to see that it is right. The same job gives the same bytes.
 * @return NULL, or what is wrong */
const char *create_patch(const struct create_job *job, struct bytes *out);

#endif
