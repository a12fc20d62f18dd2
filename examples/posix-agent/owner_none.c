/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without OTA_CAPABILITY: devices are nobody's. */
#include <stdio.h>

#include "commands.h"
#include "owner.h"

ota_err agent_owner_check(struct ota_posix_store *store, const struct agent_config *c, struct schema_fault *fault)
{
    (void)store, (void)c, (void)fault;
    return OTA_OK;
}

int agent_claim(const struct agent_config *c, const struct agent_options *options, const char *path)
{
    (void)c, (void)options, (void)path;
    (void)fprintf(stderr, "ota-agent: claim: %s\n", ota_err_text(OTA_USAGE_UNSUPPORTED));
    return AGENT_USAGE;
}
