/* SPDX-License-Identifier: Apache-2.0 */
/* For builds with a sanitizer or for coverage only, never for a device. A sanitizer's run time needs calls that nothing here does:
 * it stops its own threads with ptrace() from a process that it clones, and reads /proc. So everything is allowed there that is not
 * on the list of what the probes try, and the process stays dumpable. Coverage writes its counts when a program ends. */
#include <stddef.h>

#include "sandbox.h"

#ifndef OTAP_COUNTS
#define OTAP_COUNTS NULL
#endif

const bool otap_sandbox_loose = true;
const char *const otap_sandbox_counts = OTAP_COUNTS;
