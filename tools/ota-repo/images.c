/* SPDX-License-Identifier: Apache-2.0 */
/* Images in the metadata: which role signs them, and finding them again. */
#include <string.h>

#include "commands.h"
#include "settings.h"

int image_role(struct tool *t, struct repo *os, struct repo *product, const cJSON *settings, const char *component,
               struct role **out)
{
    const char *publisher = product_publisher(settings, component);

    if (publisher == NULL)
        return tool_failed(t, "product %s has no component \"%s\"", member_text(settings, "name"), component);
    bool is_os = strcmp(component, "os") == 0;
    struct repo *r = is_os ? os : product;
    const char *role = is_os ? "os-images" : tool_format(t, "pub-%s", publisher);
    *out = repo_role(r, role);
    return *out != NULL ? TOOL_OK : tool_failed(t, "%s: has no role %s", r->dir, role);
}

int image_find(struct tool *t, const struct role *role, const char *product, const char *component, const char *version,
               struct named_image *out)
{
    const cJSON *target;

    cJSON_ArrayForEach(target, member(role->doc, "targets")) {
        const cJSON *ota = member(member(target, "custom"), "ota");
        if (strcmp(member_text(ota, "component"), component) != 0 || strcmp(member_text(ota, "version"), version) != 0 ||
            !has_text(member(ota, "compatible"), product))
            continue;
        *out = (struct named_image){ component, version, target->string, member_text(member(target, "hashes"), "sha256"),
                                     member_number(target, "length") };
        return TOOL_OK;
    }
    return tool_failed(t, "no image of component %s with version %s for product %s; add it with: image add", component,
                       version, product);
}

int image_argument(struct tool *t, const char *text, const char **component, const char **version)
{
    char *copy = tool_format(t, "%s", text);
    char *equals = strchr(copy, '=');

    if (equals == NULL)
        return tool_usage(t, "--image: \"%s\" is not COMPONENT=VERSION", text);
    *equals = '\0';
    *component = copy;
    *version = equals + 1;
    if (!name_ok(*component))
        return tool_usage(t, "--image: \"%s\": component must be 1..31 characters of [a-z0-9-]", text);
    if (!version_ok(*version))
        return tool_usage(t, "--image: \"%s\": version must be 1..31 characters of [A-Za-z0-9._+~-]", text);
    return TOOL_OK;
}
