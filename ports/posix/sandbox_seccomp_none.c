/* SPDX-License-Identifier: Apache-2.0 */
/* A machine whose calls are not listed. */
#include <errno.h>

#include "sandbox.h"

int otap_seccomp_enter(const struct ota_posix_sandbox_config *cfg)
{
    (void)cfg;
    return ENOSYS;
}
