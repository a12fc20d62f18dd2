/* SPDX-License-Identifier: Apache-2.0 */
/** @file The command line: commands and options as tables, from which parsing and --help come. */
#ifndef OTA_REPO_ARGS_H
#define OTA_REPO_ARGS_H

#include "tool.h"

#define ARGS_MAX 96

enum option_kind { OPTION_FLAG, OPTION_ONE, OPTION_MANY };

struct option {
    const char *name;      /**< without "--"; NULL ends a table */
    const char *value;     /**< name of the value in --help; NULL for a flag */
    const char *help;
    enum option_kind kind;
    bool required;
};

struct args;
struct command {
    const char *name;          /**< one or two words */
    const char *operand;       /**< name of the operand in --help, or NULL */
    const char *summary;
    const char *details;       /**< more for --help, or NULL */
    const struct option *options;
    int (*run)(struct tool *t, const struct args *a);
    bool creates;              /**< makes D itself: no settings to load */
    bool reads;                /**< changes nothing: shares the lock */
    bool alone;                /**< needs no --dir */
};

struct args {
    const struct command *command;
    const char *operand;
    struct { const struct option *option; const char *value; } item[ARGS_MAX];
    size_t count;
    bool help;
};

/** Common options, offered by every command. */
extern const struct option common_options[];

/** argv after the command's own words. @return TOOL_OK, TOOL_USAGE */
int args_parse(struct tool *t, const struct command *command, int argc, char **argv, struct args *out);
void args_help(const struct command *command);

/** Value of an option, or NULL. */
const char *args_get(const struct args *a, const char *name);
bool args_has(const struct args *a, const char *name);
/** The i-th value of a repeatable option, or NULL after the last. */
const char *args_nth(const struct args *a, const char *name, size_t i);
/** A number in min..max; *out stays as it is without the option. */
int args_number(struct tool *t, const struct args *a, const char *name, unsigned long min, unsigned long max, unsigned *out);

#endif
