/* SPDX-License-Identifier: Apache-2.0 */
/* ota-tuf: a command line client of The Update Framework. Its exit status is 0 only if everything succeeded, else 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "ota/ota.h"

static const char help[] =
    "usage: ota-tuf --metadata-dir D init ROOT-FILE\n"
    "       ota-tuf --metadata-url U --metadata-dir D refresh\n"
    "       ota-tuf --metadata-url U --metadata-dir D --target-name T [--target-name T2 ...]\n"
    "               --target-dir TD --target-base-url B download\n"
    "\n"
    "  init       trust ROOT-FILE, which you obtained in a way that you trust; uses no network\n"
    "  refresh    bring the trusted metadata in D up to date (TUF 1.0.34, section 5)\n"
    "  download   refresh, then bring the targets into TD; one that is there already is left alone\n"
    "\n"
    "  --metadata-dir D      directory of the trusted metadata, one <role>.json each\n"
    "  --metadata-url U      where the repository's metadata is; used as given, ends in /\n"
    "  --target-name T       path of a target as in the metadata\n"
    "  --target-dir TD       directory for the targets\n"
    "  --target-base-url B   where the targets are; used as given, ends in /\n"
    "  --loose-keyids        accept key ids that are not the digest of their key\n"
    "  --version, --help\n"
    "\n"
    "Exit status: 0 if everything succeeded, else 1. Nothing half-written is left in D or TD.\n";

static int usage(const char *complaint, const char *what)
{
    (void)fprintf(stderr, "ota-tuf: %s%s (see ota-tuf --help)\n", complaint, what);
    return 1;
}

/* The option's place in o, or NULL. */
static const char **option_place(struct options *o, const char *name)
{
    if (strcmp(name, "--metadata-dir") == 0)
        return &o->metadata_dir;
    if (strcmp(name, "--metadata-url") == 0)
        return &o->metadata_url;
    if (strcmp(name, "--target-dir") == 0)
        return &o->target_dir;
    return strcmp(name, "--target-base-url") == 0 ? &o->target_base_url : NULL;
}

/* Options stand before the command. @return index of the command, or -1 after a complaint */
static int read_options(struct options *o, const char **targets, int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char **place = option_place(o, argv[i]);
        bool target = strcmp(argv[i], "--target-name") == 0;

        if (strcmp(argv[i], "--loose-keyids") == 0) {
            o->loose_keyids = true;
            continue;
        }
        if (!place && !target)
            return usage("unknown option ", argv[i]), -1;
        if (i + 1 == argc)
            return usage("a value is missing after ", argv[i]), -1;
        i++;
        if (target)
            targets[o->target_count++] = argv[i];
        else
            *place = argv[i];
    }
    return i;
}

static bool given(const char *value)
{
    return value && value[0];
}

static const char *missing(const struct options *o, bool network, bool targets)
{
    if (!given(o->metadata_dir))
        return "--metadata-dir";
    if (network && !given(o->metadata_url))
        return "--metadata-url";
    if (targets && !o->target_count)
        return "--target-name";
    if (targets && !given(o->target_dir))
        return "--target-dir";
    return targets && !given(o->target_base_url) ? "--target-base-url" : NULL;
}

/* A file's name is put right behind a base URL. */
static const char *unended(const struct options *o, bool network, bool targets)
{
    if (network && o->metadata_url[strlen(o->metadata_url) - 1] != '/')
        return "--metadata-url";
    return targets && o->target_base_url[strlen(o->target_base_url) - 1] != '/' ? "--target-base-url" : NULL;
}

static int command(const struct options *o, const char *name, const char *operand)
{
    bool init = strcmp(name, "init") == 0, download = strcmp(name, "download") == 0;

    if (!init && !download && strcmp(name, "refresh") != 0)
        return usage("unknown command ", name);
    const char *lacks = missing(o, !init, download);
    if (lacks)
        return usage("missing: ", lacks);
    lacks = unended(o, !init, download);
    if (lacks)
        return usage("must end in /: ", lacks);
    if (init != (operand != NULL))
        return usage(init ? "init needs the name of a root file" : "nothing may follow ", init ? "" : name);
    bool ok = init ? client_init(o, operand) : download ? client_download(o) : client_refresh(o);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(help, stdout) < 0;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("ota-tuf " OTA_VERSION_STRING) < 0;
    const char **targets = calloc((size_t)argc + 1, sizeof *targets);
    if (!targets)
        return usage("out of memory", "");
    o.targets = targets;
    int i = read_options(&o, targets, argc, argv);
    int status = 1;
    if (i > 0 && i < argc && argc - i <= 2)
        status = command(&o, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
    else if (i > 0)
        status = usage(i == argc ? "a command is missing" : "too many words after ", i == argc ? "" : argv[i]);
    free((void *)targets);
    return status;
}
