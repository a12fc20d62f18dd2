/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "commands.h"
#include "director.h"
#include "settings.h"

static const struct option no_options[] = { { NULL, NULL, NULL, OPTION_FLAG, false } };

struct tally {
    unsigned repositories, files, pointers;
    unsigned long shards;
};

static int verify_repo(struct tool *t, const char *product, struct repo *out, struct tally *tally)
{
    repo_locate(t, product, out);
    out->strict_time = true;
    int rc = check_metadata(out);
    if (rc == TOOL_OK)
        rc = check_target_files(out, &tally->files);
    if (rc == TOOL_OK)
        tally->repositories++;
    return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
}

static int verify_product(struct tool *t, struct repo *os, const cJSON *settings, struct tally *tally)
{
    struct repo product;
    unsigned long shards = 0;
    int rc = verify_repo(t, member_text(settings, "name"), &product, tally);

    if (rc == TOOL_OK)
        rc = check_pointers(os, &product, settings, &tally->pointers);
    if (rc == TOOL_OK)
        rc = director_verify(t, member_text(settings, "name"), settings, &shards);
    tally->shards += shards;
    return rc;
}

static int run_verify(struct tool *t, const struct args *a)
{
    struct repo os;
    struct tally tally = { 0 };
    const cJSON *item;
    int rc = verify_repo(t, NULL, &os, &tally);

    (void)a;
    cJSON_ArrayForEach(item, settings_products(t))
        if (rc == TOOL_OK)
            rc = verify_product(t, &os, item, &tally);
    cJSON_AddNumberToObject(t->result, "repositories", tally.repositories);
    cJSON_AddNumberToObject(t->result, "files", tally.files);
    cJSON_AddNumberToObject(t->result, "pointers", tally.pointers);
    cJSON_AddNumberToObject(t->result, "shards", (double)tally.shards);
    const char *shards = tally.shards > 0 ? tool_format(t, ", %lu shards", tally.shards) : "";
    if (rc == TOOL_OK)
        tool_say(t, "good: %u repositories, %u target files, %u pointers%s", tally.repositories, tally.files, tally.pointers, shards);
    return rc;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "Read everything that is published with a device's eyes: signatures, versions, expiry, files, pointers, shards.",
    .details = "Fails at the first fault and names its file and field. Needs no private key.",
    .options = no_options,
    .run = run_verify,
    .reads = true,
};
