/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's allocations and file calls, replaced in the program that links this: counted, and failing as planned,
 * whoever calls them: our own code, libcurl, Mbed TLS, cJSON, OpenSSL. Nothing is counted and nothing fails until armed. */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_call {
    FAULT_MALLOC,   /* malloc, calloc, realloc, aligned */
    FAULT_OPEN, FAULT_READ, FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME, FAULT_UNLINK, FAULT_STAT, FAULT_MKDIR, FAULT_ALLOCATE,
    FAULT_LOCK,
    FAULT_CALLS
};

extern const char *const fault_names[FAULT_CALLS];

#define FAULT_SHORT (-1)   /* instead of an error number: one byte is read or written, where more was asked for */

struct fault_state {
    enum fault_call call;   /* FAULT_CALLS: nothing fails */
    int number;             /* errno */
    uint32_t at;            /* the call's number, from 1 */
    bool on;                /* and every one after; EINTR and short ones: every other one, else nobody would come through */
    uint32_t count[FAULT_CALLS];
    uint32_t struck;
    long blocks;            /* allocated and not freed while armed */
    long descriptors;       /* open at the last disarming and not at the arming, summed up */
};

/* false under AddressSanitizer, whose own strdup() and the like allocate without us. */
extern const bool fault_counts_blocks;

/* One for the program, in memory that a child shares with its parent. */
extern struct fault_state *fault_state;

void fault_open(void);          /* before the first use */
void fault_arm(void);           /* from now on, in this process */
void fault_disarm(void);

#endif
