/* SPDX-License-Identifier: Apache-2.0 */
/* Pointer targets: the small documents that say what a device group, or the followers of a feed, shall run. */
#include <string.h>

#include "commands.h"
#include "crypto.h"
#include "file.h"

char *group_path(struct tool *t, const char *slug)
{
    return tool_format(t, "group/%s/deploy.json", slug);
}

char *feed_path(struct tool *t, const char *feed, const char *product)
{
    return tool_format(t, "os/feed/%s/%s.json", feed, product);
}

const char *feed_role(const char *feed)
{
    return strcmp(feed, "retail") == 0 ? "feed-retail" : "feed-eval";
}

int pointer_read(struct repo *r, const struct role *role, const char *path, cJSON **out)
{
    const cJSON *target = role_target(role, path);
    char *text, hex[DIGEST_HEX];
    size_t len;

    *out = NULL;
    if (target == NULL)
        return TOOL_OK;
    const char *signed_hex = member_text(member(target, "hashes"), "sha256");
    const char *file = repo_target_file(r, path, signed_hex);
    int rc = file_read(r->t, file, &text, &len);
    if (rc != TOOL_OK)
        return TOOL_FAILED;
    rc = digest_hex(r->t, text, len, hex);
    if (rc == TOOL_OK && strcmp(hex, signed_hex) != 0)
        rc = tool_failed(r->t, "%s: sha256: is %s, must be %s", file, hex, signed_hex);
    return rc != TOOL_OK ? rc : json_parse_own(r->t, file, text, len, out);
}
