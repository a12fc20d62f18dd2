/* SPDX-License-Identifier: Apache-2.0 */
/* Built without OTA_ATTEST: no identity can be opened. */
#include "identity.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"

ota_err agent_identity_open(struct agent_identity *i, const struct agent_identity_config *c, struct ota_fault *fault)
{
    memset(i, 0, sizeof *i);
    return ota_fault_set(fault, c->kind == AGENT_IDENTITY_NONE ? OTA_USAGE_CONFIG : OTA_USAGE_UNSUPPORTED, "identity", 0);
}

void agent_identity_close(struct agent_identity *i)
{
    i->port = NULL;
}

ota_err agent_identity_device_id(const struct agent_identity_config *c, char id[OTA_IDENTITY_DEVICE_ID_LEN], struct ota_fault *fault)
{
    static struct agent_identity i;

    id[0] = '\0';
    return agent_identity_open(&i, c, fault);
}

int agent_identity(const struct agent_config *c, const struct agent_options *o)
{
    (void)c, (void)o;
    (void)fprintf(stderr, "ota-agent: identity: this program was built without OTA_ATTEST\n");
    return AGENT_USAGE;
}
