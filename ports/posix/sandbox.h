/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a sandbox. Each returns 0 or an errno; ENOSYS and the like: the kernel does not offer it. */
#ifndef OTAP_SANDBOX_H
#define OTAP_SANDBOX_H

#include "ota/posix_sandbox.h"

/* sandbox_landlock.c */
int otap_landlock_enter(const struct ota_posix_sandbox_config *cfg, uint8_t *abi);

/* sandbox_seccomp.c */
int otap_seccomp_enter(const struct ota_posix_sandbox_config *cfg);

/* sandbox_probe.c: try what must not work. NULL, or the name of what worked. */
const char *otap_probe(const struct ota_posix_sandbox_config *cfg, uint8_t has);

/* sandbox_strict.c or sandbox_loose.c: what a build for sanitizers or coverage has to allow. */
extern const bool otap_sandbox_loose;
/* A place where a build for coverage leaves its counts; NULL = none. */
extern const char *const otap_sandbox_counts;

/* Close every descriptor from `first` on, but not `keep`. */
void otap_close_from(int first, int keep);

#endif
