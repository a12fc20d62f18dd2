/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

const struct option common_options[] = {
    { "dir", "D", "the publisher's directory: settings, private keys, web root", OPTION_ONE, false },
    { "json", NULL, "print one JSON object instead of text", OPTION_FLAG, false },
    { "now", "TIME", "take TIME (YYYY-MM-DDTHH:MM:SSZ) for the current time", OPTION_ONE, false },
    { "root-days", "N", "life time of root metadata that this command signs", OPTION_ONE, false },
    { "targets-days", "N", "life time of targets and delegated metadata", OPTION_ONE, false },
    { "snapshot-days", "N", "life time of snapshot metadata", OPTION_ONE, false },
    { "timestamp-days", "N", "life time of timestamp metadata", OPTION_ONE, false },
    { "help", NULL, "show this help", OPTION_FLAG, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static const struct option *find_in(const struct option *table, const char *name, size_t len)
{
    for (; table->name != NULL; table++)
        if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
            return table;
    return NULL;
}

static const struct option *find_option(const struct command *command, const char *name, size_t len)
{
    const struct option *found = command == NULL ? NULL : find_in(command->options, name, len);

    return found != NULL ? found : find_in(common_options, name, len);
}

const char *args_nth(const struct args *a, const char *name, size_t i)
{
    for (size_t k = 0; k < a->count; k++)
        if (strcmp(a->item[k].option->name, name) == 0 && i-- == 0)
            return a->item[k].value;
    return NULL;
}

const char *args_get(const struct args *a, const char *name)
{
    return args_nth(a, name, 0);
}

bool args_has(const struct args *a, const char *name)
{
    return args_get(a, name) != NULL;
}

int args_number(struct tool *t, const struct args *a, const char *name, unsigned long min, unsigned long max, unsigned *out)
{
    const char *text = args_get(a, name);
    unsigned long n;

    if (text == NULL)
        return TOOL_OK;
    if (!number_parse(text, min, max, &n))
        return tool_usage(t, "--%s: \"%s\" is not a whole number in %lu..%lu", name, text, min, max);
    *out = (unsigned)n;
    return TOOL_OK;
}

/* One "--name value", "--name=value" or "--flag". @return arguments taken, 0 after an error */
static int take_option(struct tool *t, const char *arg, const char *next, struct args *out)
{
    const char *name = arg + 2, *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct option *option = find_option(out->command, name, len);

    if (option == NULL) {
        (void)tool_usage(t, "%.*s: unknown option", (int)len + 2, arg);
        return 0;
    }
    if (option->kind == OPTION_FLAG && equals != NULL) {
        (void)tool_usage(t, "--%s: takes no value", option->name);
        return 0;
    }
    const char *value = option->kind == OPTION_FLAG ? "" : equals != NULL ? equals + 1 : next;
    if (value == NULL || (option->kind != OPTION_FLAG && value[0] == '\0')) {
        (void)tool_usage(t, "--%s: needs a value: %s", option->name, option->value);
        return 0;
    }
    if (option->kind == OPTION_ONE && args_has(out, option->name)) {
        (void)tool_usage(t, "--%s: given twice", option->name);
        return 0;
    }
    if (out->count == ARGS_MAX) {
        (void)tool_usage(t, "more than %d options", ARGS_MAX);
        return 0;
    }
    out->item[out->count].option = option;
    out->item[out->count++].value = value;
    return option->kind == OPTION_FLAG || equals != NULL ? 1 : 2;
}

static int check_complete(struct tool *t, const struct args *a)
{
    if (a->command == NULL)
        return TOOL_OK;
    if (a->command->operand != NULL && a->operand == NULL)
        return tool_usage(t, "%s: is missing", a->command->operand);
    for (const struct option *o = a->command->options; o->name != NULL; o++)
        if (o->required && !args_has(a, o->name))
            return tool_usage(t, "--%s: is missing", o->name);
    return TOOL_OK;
}

int args_parse(struct tool *t, const struct command *command, int argc, char **argv, struct args *out)
{
    out->command = command;
    for (int i = 0; i < argc;) {
        if (strncmp(argv[i], "--", 2) == 0) {
            int taken = take_option(t, argv[i], i + 1 < argc ? argv[i + 1] : NULL, out);
            if (taken == 0)
                return TOOL_USAGE;
            i += taken;
            continue;
        }
        if (command == NULL || command->operand == NULL || out->operand != NULL)
            return tool_usage(t, "\"%s\": unexpected argument", argv[i]);
        out->operand = argv[i++];
    }
    out->help = args_has(out, "help");
    return out->help ? TOOL_OK : check_complete(t, out);
}

static void help_options(const char *title, const struct option *table)
{
    if (table->name == NULL)
        return;
    (void)printf("\n%s:\n", title);
    for (; table->name != NULL; table++) {
        char left[48];
        (void)snprintf(left, sizeof left, "--%s%s%s", table->name, table->value ? " " : "", table->value ? table->value : "");
        (void)printf("  %-28s %s%s%s\n", left, table->help, table->required ? " (required)" : "",
                     table->kind == OPTION_MANY ? " (repeatable)" : "");
    }
}

void args_help(const struct command *command)
{
    (void)printf("Usage: ota-repo --dir D %s%s%s [options]\n\n%s\n", command->name, command->operand ? " " : "",
                 command->operand ? command->operand : "", command->summary);
    if (command->details != NULL)
        (void)printf("\n%s\n", command->details);
    help_options("Options", command->options);
    help_options("Options of every command", common_options);
}
