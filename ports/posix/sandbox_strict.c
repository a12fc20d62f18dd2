/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "sandbox.h"

const bool otap_sandbox_loose = false;
const char *const otap_sandbox_counts = NULL;
