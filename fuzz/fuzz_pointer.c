/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment pointers, of a group and of a feed. What is accepted keeps every rule that the rest of the core relies on. */
#include <stdlib.h>
#include <string.h>

#include "deploy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check(const struct otai_pointer *p)
{
    const struct otai_rules *r = &p->rules;

    require(p->seq >= 1 && p->seq <= INT64_MAX && p->count <= OTA_COMPONENTS_MAX);
    require(r->poll_s == 0 || (r->poll_s >= OTAI_POLL_MIN_S && r->poll_s <= OTAI_POLL_MAX_S));
    require(r->defer_min[0] <= OTAI_DEFER_MAX_MIN && r->defer_min[1] <= OTAI_DEFER_MAX_MIN && r->per_mille <= 1000);
    for (size_t i = 0; i < p->count; i++) {
        const struct otai_pointer_image *image = &p->image[i];
        require(image->component[0] && memchr(image->component, '\0', OTA_NAME_MAX) != NULL);
        require(strspn(image->component, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(image->component));
        require(memchr(image->path, '\0', OTA_PATH_MAX) != NULL && image->path[0] != '/');
        require(!strstr(image->path, "..") && !strstr(image->path, "//") && image->length >= 1 && image->length <= INT64_MAX);
        for (size_t k = 0; k < i; k++)
            require(strcmp(image->component, p->image[k].component) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otai_pointer p;
    struct ota_fault fault = { .err = OTA_OK };

    ota_err err = otai_pointer_parse(data, size, "thermostat", "production", NULL, &p, &fault);
    require(fault.err == err);
    if (err == OTA_OK)
        check(&p);
    else
        require(ota_err_class(err) == OTA_CLASS_REJECT && strncmp(fault.where, "pointer", 7) == 0);
    if (otai_pointer_parse(data, size, "thermostat", NULL, "retail", &p, NULL) == OTA_OK)
        check(&p);
    return 0;
}
