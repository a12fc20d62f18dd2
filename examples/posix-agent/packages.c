/* SPDX-License-Identifier: Apache-2.0 */
#include "packages.h"

#include <stdio.h>

#include "device_boot.h"

static ota_err read_want(struct package_demand *p, const struct agent_package *c, size_t i, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_OK };
    char key[64];
    ota_err err = ota_posix_package_key_load(&p->key, c->key, &why);

    if (err != OTA_OK) {
        (void)snprintf(key, sizeof key, "components[%zu].package.key", i);
        return device_fail(fault, key, c->key, OTA_USAGE_CONFIG, &why);
    }
    if (c->component && !ota_posix_package_id_parse(c->component, p->component)) {
        (void)snprintf(key, sizeof key, "components[%zu].package.component", i);
        return device_fail(fault, key, c->component, OTA_USAGE_CONFIG, NULL);
    }
    p->want = (struct ota_package_want){ .kind = p->key.kind,
                                         .key = p->key.bytes,
                                         .key_len = p->key.len,
                                         .component = c->component ? p->component : NULL,
                                         .security_min = c->security_min };
    return OTA_OK;
}

ota_err packages_demand(struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    bool any = false;

    for (size_t i = 0; i < c->component_count; i++) {
        if (!c->component[i].package.key)
            continue;
        ota_err err = read_want(&d->package[i], &c->component[i].package, i, fault);
        if (err != OTA_OK)
            return err;
        d->wants[i] = &d->package[i].want;
        any = true;
    }
    ota_err err = any ? ota_demand_packages(d->agent, d->wants, c->component_count) : OTA_OK;
    return err == OTA_OK ? OTA_OK : device_fail(fault, "components", "package", err, NULL);
}
