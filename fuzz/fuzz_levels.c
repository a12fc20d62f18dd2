/* SPDX-License-Identifier: Apache-2.0 */
/* What an image provides and requires: members of the custom data of its target. */
#include <stdlib.h>
#include <string.h>

#include "levels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check(const struct otai_level *list, uint8_t count)
{
    require(count <= OTAI_LEVELS_MAX);
    for (size_t i = 0; i < count; i++) {
        require(list[i].level >= 1 && list[i].name[0] && memchr(list[i].name, '\0', OTA_NAME_MAX) != NULL);
        require(otai_levels_meet(list, count, &list[i]));
        for (size_t k = 0; k < i; k++)
            require(strcmp(list[i].name, list[k].name) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ota_tuf_target target = { .custom = (const char *)data, .custom_len = size };
    struct ota_fault fault = { .err = OTA_OK };
    struct otai_levels levels;
    ota_err err = otai_deploy_levels(&target, &levels, &fault);

    require(fault.err == err);
    if (err == OTA_OK) {
        check(levels.provides, levels.provides_count);
        check(levels.requires, levels.requires_count);
    } else {
        require(ota_err_class(err) == OTA_CLASS_REJECT && fault.where[0]);
    }
    return 0;
}
