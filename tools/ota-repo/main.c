/* SPDX-License-Identifier: Apache-2.0 */
/* ota-repo: the publisher's tool. It owns one directory with keys, settings, and the web root that any static server
 * can serve while this program works on it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "commands.h"
#include "crypto.h"
#include "file.h"
#include "settings.h"

static const struct command *const commands[] = {
    &command_init,
    &command_product_add, &command_product_list,
    &command_group_add, &command_group_set, &command_group_list,
    &command_device_set, &command_device_import, &command_device_remove, &command_device_list, &command_director_set,
    &command_key_list, &command_key_add, &command_key_rotate,
    &command_sign_export, &command_sign_payload, &command_sign_merge,
    &command_image_add, &command_image_list, &command_image_remove,
    &command_image_pack, &command_image_show, &command_image_verify,
    &command_capability_make, &command_capability_sign, &command_capability_show, &command_capability_verify,
    &command_transfer_make, &command_transfer_sign, &command_transfer_show, &command_transfer_verify,
    &command_manifest_show, &command_manifest_convert, &command_manifest_deployment,
    &command_deploy, &command_promote, &command_rollout, &command_withdraw,
    &command_feed_set,
    &command_refresh, &command_show, &command_check, &command_verify,
    &command_reports, &command_status, &command_reference,
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void help_all(void)
{
    (void)puts("Usage: ota-repo --dir D COMMAND [options]\n\n"
               "Make and publish signed update repositories (The Update Framework) for devices that run libota.\n\nCommands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        (void)printf("  %-20s %s\n", commands[i]->name, commands[i]->summary);
    (void)puts("\nota-repo COMMAND --help tells more. Exit codes: 0 done or already there, 1 failed, 2 wrong usage;"
               "\nstatus: 4 the deployment fails, 5 it is pending.");
}

/* Words of the command: the first one or two arguments that are not options, wherever options stand. */
static size_t words_of(const struct command *c)
{
    return strchr(c->name, ' ') != NULL ? 2 : 1;
}

static const struct command *find_command(const char *first, const char *second)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = commands[i]->name, *space = strchr(name, ' ');
        size_t len = space == NULL ? strlen(name) : (size_t)(space - name);
        if (strlen(first) != len || strncmp(first, name, len) != 0)
            continue;
        if (space == NULL || (second != NULL && strcmp(second, space + 1) == 0))
            return commands[i];
    }
    return NULL;
}

/* Common options may stand before the command. @return index of the first argument that is none of them */
static int skip_options(int argc, char **argv)
{
    int i = 1;

    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        const struct option *o = common_options;
        while (o->name != NULL && strcmp(o->name, argv[i] + 2) != 0)
            o++;
        i += o->name != NULL && o->kind != OPTION_FLAG ? 2 : 1;
    }
    return i;
}

/* argv without the command's own words, so that args_parse sees only options and the operand. */
static int remove_words(int argc, char **argv, int at, size_t words, char **out)
{
    int n = 0;

    for (int i = 1; i < argc; i++)
        if (i < at || i >= at + (int)words)
            out[n++] = argv[i];
    return n;
}

static int read_common(struct tool *t, const struct args *a)
{
    static const char *const options[DAYS_COUNT] = { "root-days", "targets-days", "snapshot-days", "timestamp-days" };
    const char *now = args_get(a, "now");

    t->dir = args_get(a, "dir");
    if (t->dir == NULL && !a->command->alone)
        return tool_usage(t, "--dir: is missing");
    t->now_s = (int64_t)time(NULL);
    if (now != NULL && !time_parse(now, &t->now_s))
        return tool_usage(t, "--now: \"%s\" is not YYYY-MM-DDTHH:MM:SSZ", now);
    for (int i = 0; i < DAYS_COUNT; i++) {
        int rc = args_number(t, a, options[i], 1, DAYS_MAX, &t->days[i]);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}

static int load_settings(struct tool *t, bool reads)
{
    int rc = file_exists(settings_path(t)) ? file_lock(t, !reads) : TOOL_OK;

    if (rc == TOOL_OK)
        rc = settings_load(t);
    if (rc == TOOL_ABSENT)
        return tool_failed(t, "--dir: %s is not a publisher's directory; make one with: init", t->dir);
    return rc;
}

static int run(struct tool *t, const struct args *a)
{
    int rc = read_common(t, a);

    if (rc == TOOL_OK)
        rc = crypto_begin(t);
    if (rc == TOOL_OK && !a->command->creates)
        rc = load_settings(t, a->command->reads);
    return rc != TOOL_OK ? rc : a->command->run(t, a);
}

/* "image dance" when there are commands "image ...", else just the first word. */
static int unknown_command(struct tool *t, const char *first, const char *second)
{
    for (size_t i = 0; second != NULL && i < COMMAND_COUNT; i++) {
        size_t len = strlen(first);
        if (strncmp(commands[i]->name, first, len) == 0 && commands[i]->name[len] == ' ')
            return tool_usage(t, "\"%s %s\": unknown command", first, second);
    }
    return tool_usage(t, "\"%s\": unknown command", first);
}

static int start(struct tool *t, int argc, char **argv)
{
    struct args a = { 0 };
    int at = skip_options(argc, argv);
    char **rest = tool_alloc(t, (size_t)argc * sizeof *rest);

    if (at < argc)
        a.command = find_command(argv[at], at + 1 < argc ? argv[at + 1] : NULL);
    for (int i = 1; i < argc; i++)
        t->json = t->json || strcmp(argv[i], "--json") == 0;
    if (at < argc && a.command == NULL)
        return unknown_command(t, argv[at], at + 1 < argc ? argv[at + 1] : NULL);
    int n = remove_words(argc, argv, at, a.command == NULL ? 0 : words_of(a.command), rest);
    t->command = a.command == NULL ? NULL : a.command->name;
    int rc = args_parse(t, a.command, n, rest, &a);
    if (rc != TOOL_OK)
        return rc;
    if (a.help || a.command == NULL) {
        if (a.command != NULL)
            args_help(a.command);
        else
            help_all();
        t->json = false;
        return a.help ? TOOL_OK : tool_usage(t, "command is missing");
    }
    return run(t, &a);
}

int main(int argc, char **argv)
{
    struct tool t;

    /* Published files must be readable by the web server, whatever the caller's umask; keys get their own mode. */
    (void)umask(022);
    tool_begin(&t);
    int rc = tool_report(&t, start(&t, argc, argv));
    tool_end(&t);
    return rc;
}
