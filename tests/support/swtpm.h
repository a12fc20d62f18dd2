/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM 2.0 as a process of the test's own. */
#ifndef TEST_SWTPM_H
#define TEST_SWTPM_H

#include <stdbool.h>
#include <sys/types.h>

struct test_swtpm {
    pid_t pid;          /* 0: none runs */
    char state[128];    /* folder with the TPM's memory */
    char tcti[192];     /* how to reach it */
};

/* Is the program there? Tests leave with 77 when it is not. */
bool test_swtpm_is_there(void);

/* Start it on what `state` holds: a folder that exists, whose path is short (a socket lies in it). Waits until it answers. */
bool test_swtpm_start(struct test_swtpm *t, const char *state);

/* As a power cut: kill, and wait until it is gone. */
void test_swtpm_kill(struct test_swtpm *t);

/* Kill it, and remove the folder with all in it. */
void test_swtpm_remove(struct test_swtpm *t);

#endif
