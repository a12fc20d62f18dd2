/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's configuration file: whatever the bytes, the parser refuses with a sentence or fills a sound struct. */
#include <stdlib.h>
#include <string.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct agent_config c;
    struct schema_fault fault = { .where = "" };

    if (!agent_config_parse(&c, (const char *)data, len, &fault)) {
        require(fault.what[0] != '\0' && !c.tree);
        return 0;
    }
    require(c.product && c.group && c.device_id && c.state_dir && c.runtime_dir && c.boot.path);
    require(c.component_count >= 1 && c.component_count <= OTA_COMPONENTS_MAX);
    require(c.repo_count >= 1 && c.repo_count <= OTA_REPOS_MAX);
    for (size_t i = 0; i < c.component_count; i++)
        for (size_t k = 0; k < 2; k++)
            require(!c.component[i].slot[k].file != !c.component[i].slot[k].block);
    for (size_t i = 0; i < c.repo_count; i++)
        require(c.repo[i].prefixes[0] && !c.repo[i].prefixes[AGENT_PREFIXES_MAX] && strlen(c.repo[i].name) < 16);
    agent_config_free(&c);
    return 0;
}
