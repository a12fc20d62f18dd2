/* SPDX-License-Identifier: Apache-2.0 */
/* Reference values for an attestation service: what the devices of a group may have started. */
#include <string.h>

#include "commands.h"
#include "deltas.h"
#include "deploy.h"
#include "file.h"
#include "settings.h"

#define REFERENCE_VERSION 1
#define PREVIOUS_DEFAULT 1u
#define PREVIOUS_MAX 16u

static const struct option reference_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "the device group, by slug or name", OPTION_ONE, true },
    { "previous", "N", "versions deployed before that devices may still run in full standing, 0..16 [1]", OPTION_ONE, false },
    { "file", "WHAT=F", "a file that is measured at each start, such as boot/supervisor=FILE", OPTION_MANY, false },
    { "out", "F", "write the values to this file, atomically [print them]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* What the values are made from. */
struct making {
    struct tool *t;
    struct place place;
    cJSON *pointer, *feed; /* NULL = none */
    unsigned previous;
    bool tells; /* people read along: the values themselves go to a file */
    cJSON *list;
};

static bool names_digest(const cJSON *pointer, const char *sha256)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, member(pointer, "images"))
        if (strcmp(member_text(entry, "sha256"), sha256) == 0)
            return true;
    return false;
}

static bool is_deployed(const struct making *m, const char *sha256)
{
    return names_digest(m->pointer, sha256) || names_digest(m->feed, sha256);
}

static bool needs(const struct making *m, const char *component)
{
    return pointer_names(m->pointer, component) || pointer_names(m->feed, component);
}

/* Version that the deployment has for a component, by the image that it names; NULL = none. */
static const char *deployed_version(const struct making *m, const struct role *role, const char *component)
{
    const cJSON *target;

    cJSON_ArrayForEach(target, member(role->doc, "targets")) {
        const cJSON *ota = member(member(target, "custom"), "ota");
        if (ota != NULL && strcmp(member_text(ota, "component"), component) == 0 &&
            is_deployed(m, member_text(member(target, "hashes"), "sha256")))
            return member_text(ota, "version");
    }
    return NULL;
}

/* Is it among the last that were deployed before? */
static bool is_previous(const struct making *m, const char *component, const char *version, const char *current)
{
    const cJSON *list = deployed_list(m->place.settings, component);
    unsigned left = m->previous;

    for (int i = cJSON_GetArraySize(list) - 1; i >= 0 && left > 0; i--) {
        const char *was = cJSON_GetArrayItem(list, i)->valuestring;
        if (current != NULL && strcmp(was, current) == 0)
            continue;
        if (strcmp(was, version) == 0)
            return true;
        left--;
    }
    return false;
}

static cJSON *add_value(struct making *m, const char *what, const char *sha256, bool required)
{
    cJSON *row = cJSON_CreateObject();

    cJSON_AddStringToObject(row, "what", what);
    cJSON_AddStringToObject(row, "digest", sha256);
    cJSON_AddBoolToObject(row, "required", required);
    cJSON_AddItemToArray(m->list, row);
    return row;
}

static void add_image(struct making *m, const struct role *role, const cJSON *target, const cJSON *ota)
{
    const char *component = member_text(ota, "component"), *version = member_text(ota, "version");
    const char *sha256 = member_text(member(target, "hashes"), "sha256");
    bool current = is_deployed(m, sha256) || is_previous(m, component, version, deployed_version(m, role, component));
    cJSON *row = add_value(m, tool_format(m->t, "image/%s", component), sha256, needs(m, component));

    cJSON_AddStringToObject(row, "version", version);
    if (!current)
        cJSON_AddBoolToObject(row, "update_only", true);
    if (m->tells)
        tool_say(m->t, "  image/%-20s %-12s %s", component, version, current ? "" : "for updates only");
}

static void add_images(struct making *m, const struct repo *r)
{
    for (size_t i = 0; i < r->role_count; i++) {
        const cJSON *target;

        cJSON_ArrayForEach(target, member(r->role[i].doc, "targets")) {
            const cJSON *ota = member(member(target, "custom"), "ota");
            if (ota != NULL && has_text(member(ota, "compatible"), m->place.product))
                add_image(m, &r->role[i], target, ota);
        }
    }
}

/* "<kind>/<name>=FILE", kinds as in include/ota/attest.h. */
static int add_file(struct making *m, const char *argument)
{
    static const char *const kinds[] = { "boot/", "image/", "config/", "trust/" };
    const char *equals = strchr(argument, '=');
    char hex[DIGEST_HEX];
    uint64_t len;

    for (size_t i = 0; equals != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t kind = strlen(kinds[i]);
        if (strncmp(argument, kinds[i], kind) != 0)
            continue;
        char *what = tool_format(m->t, "%.*s", (int)(equals - argument), argument);
        if (!name_ok(what + kind))
            break;
        int rc = file_digest(m->t, equals + 1, &len, hex);
        if (rc == TOOL_ABSENT)
            return tool_failed(m->t, "--file: %s: no such file", equals + 1);
        if (rc == TOOL_OK)
            (void)add_value(m, what, hex, true);
        return rc;
    }
    return tool_usage(m->t, "--file: \"%s\" is not boot/NAME=FILE, image/NAME=FILE, config/NAME=FILE or trust/NAME=FILE", argument);
}

static int open_making(struct making *m, const struct args *a, cJSON **group)
{
    struct tool *t = m->t;
    int rc = args_number(t, a, "previous", 0, PREVIOUS_MAX, &m->previous);

    if (rc == TOOL_OK)
        rc = place_open(t, a, &m->place);
    if (rc == TOOL_OK)
        rc = group_need(t, m->place.settings, args_get(a, "group"), group);
    if (rc == TOOL_OK)
        rc = pointer_of_group(t, &m->place, *group, &m->pointer);
    const char *feed = rc == TOOL_OK ? member_text(m->pointer, "os_feed") : "";
    const struct role *role = feed[0] != '\0' ? repo_role(&m->place.os, feed_role(feed)) : NULL;
    if (role != NULL)
        rc = pointer_read(&m->place.os, role, feed_path(t, feed, m->place.product), &m->feed);
    return rc;
}

static int put_out(struct tool *t, const struct args *a, cJSON *document)
{
    const char *out = args_get(a, "out");
    char *text;
    int rc = TOOL_OK;

    if (out == NULL && t->json) {
        put_item(t->result, "reference", cJSON_Duplicate(document, true));
        return TOOL_OK;
    }
    text = cJSON_Print(document);
    if (text == NULL)
        return tool_failed(t, "no memory");
    if (out != NULL)
        rc = file_replace(t, out, text, strlen(text), 0644);
    else
        tool_say(t, "%s", text);
    cJSON_free(text);
    return rc;
}

static int run_reference(struct tool *t, const struct args *a)
{
    struct making m = { .t = t, .previous = PREVIOUS_DEFAULT, .tells = args_has(a, "out") };
    cJSON *document = tool_keep(t, cJSON_CreateObject()), *group = NULL;
    const char *file;
    int rc = open_making(&m, a, &group);

    if (rc != TOOL_OK)
        return rc;
    cJSON_AddNumberToObject(document, "version", REFERENCE_VERSION);
    cJSON_AddStringToObject(document, "product", m.place.product);
    cJSON_AddStringToObject(document, "group", member_text(group, "slug"));
    m.list = cJSON_AddArrayToObject(document, "references");
    add_images(&m, &m.place.os);
    add_images(&m, &m.place.repo);
    for (size_t i = 0; rc == TOOL_OK && (file = args_nth(a, "file", i)) != NULL; i++)
        rc = add_file(&m, file);
    return rc == TOOL_OK ? put_out(t, a, document) : rc;
}

const struct command command_reference = {
    .name = "reference",
    .summary = "Write the reference values by which an attestation service judges the devices of a group.",
    .details = "Images that the group is to run, and those deployed before them, are in full standing; every other image that is\n"
               "still published gets a certificate for updates only; one that was removed gets none. Write the file anew after each\n"
               "deploy, promote, withdraw, feed set and image remove: the service reads it again when it has changed.",
    .options = reference_options,
    .run = run_reference,
    .reads = true,
};
