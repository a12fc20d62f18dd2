/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bring.h"
#include "commands.h"
#include "identity.h"

#define CONFIG_FILE "/etc/ota/agent.json"

static const char help[] =
    "usage: ota-agent COMMAND [OPTION...]\n"
    "\n"
    "  run               look for updates and install them, until stopped or until a restart is needed\n"
    "  check             look once, now, and install what there is\n"
    "  status            what goes on, and what holds an update back\n"
    "  identity          who this device is, and what its key and counters are worth\n"
    "  doctor            which of the seven properties of a secured device this one has, with the evidence\n"
    "  claim [FILE]      whose the device is; with FILE, take it over by a transfer that its owner signed\n"
    "  defer SECONDS     ask the running agent for time before it installs an update; 0 ends a deferral\n"
    "  confirm           vouch for the update on trial (configurations without \"health\")\n"
    "  reject [REASON]   condemn the update on trial; REASON is a number for the report [1]\n"
    "  sideload WHAT     install an image package, or from a folder with copies of the servers' files, if a capability allows it\n"
    "  capability VERB [FILE]  show; install FILE (a persistent one); remove\n"
    "\n"
    "  -c, --config FILE  configuration [" CONFIG_FILE "]\n"
    "      --capability FILE  for sideload [the one that is installed]\n"
    "      --progress     draw the progress of downloads even where standard error is no terminal\n"
    "      --json         status, identity, claim and doctor as JSON\n"
    "      --root DIR     doctor: look at /proc and /sys below DIR\n"
    "  -v, --verbose      log every change of state\n"
    "      --version, --help\n"
    "\n"
    "exit status: 0 up to date or done, 1 no agent runs, 2 usage or configuration, 3 restart the device, 4 try later,\n"
    "             5 update refused, 6 this device failed, 7 another agent holds the state directory, 8 doctor: not all is present,\n"
    "             9 stop what runs\n";

struct command_line {
    const char *config;
    struct agent_options options;
    const char *command;
    const char *argument, *second;   /* NULL = none */
    const char *capability;          /* NULL = the installed one */
};

static int usage(const char *complaint, const char *what)
{
    (void)fprintf(stderr, "ota-agent: %s%s (see ota-agent --help)\n", complaint, what ? what : "");
    return AGENT_USAGE;
}

/* A device without a name in its configuration is called after its key. */
static bool name_device(struct agent_config *c, const char *path)
{
    static char id[OTA_IDENTITY_DEVICE_ID_LEN];
    struct ota_fault fault = { .err = OTA_OK };

    if (c->device_id)
        return true;
    if (agent_identity_device_id(&c->identity, id, &fault) != OTA_OK) {
        (void)fprintf(stderr, "ota-agent: %s: %s: %s (%d)\n", path, fault.where, ota_err_text(fault.err), (int)fault.port_code);
        return false;
    }
    c->device_id = id;
    return true;
}

static int with_config(const struct command_line *l, int (*command)(const struct agent_config *, const struct command_line *))
{
    static struct agent_config config;
    struct schema_fault fault;
    int status;

    if (!agent_config_load(&config, l->config, &fault)) {
        (void)fprintf(stderr, "ota-agent: %s: %s%s%s\n", l->config, fault.where, fault.where[0] ? ": " : "", fault.what);
        return AGENT_USAGE;
    }
    status = name_device(&config, l->config) ? command(&config, l) : AGENT_DEVICE;
    agent_config_free(&config);
    return status;
}

static int run(const struct agent_config *c, const struct command_line *l)
{
    return agent_run(c, &l->options);
}

static int check(const struct agent_config *c, const struct command_line *l)
{
    return agent_check(c, &l->options);
}

static int status(const struct agent_config *c, const struct command_line *l)
{
    return agent_status(c, &l->options);
}

static int doctor(const struct agent_config *c, const struct command_line *l)
{
    return agent_doctor(c, &l->options);
}

static int identity(const struct agent_config *c, const struct command_line *l)
{
    return agent_identity(c, &l->options);
}

static int claim(const struct agent_config *c, const struct command_line *l)
{
    return agent_claim(c, &l->options, l->argument);
}

static int tell(const struct agent_config *c, const struct command_line *l)
{
    const char *argument = l->argument ? l->argument : strcmp(l->command, "reject") == 0 ? "1" : NULL;
    int result = agent_tell(c, l->command, argument);

    return result == AGENT_USAGE ? usage("not a number in range: ", argument) : result;
}

static int sideload(const struct agent_config *c, const struct command_line *l)
{
    return agent_sideload(c, &l->options, l->argument, l->capability);
}

static int capability(const struct agent_config *c, const struct command_line *l)
{
    bool installs = strcmp(l->argument, "install") == 0;

    if (!installs && strcmp(l->argument, "show") != 0 && strcmp(l->argument, "remove") != 0)
        return usage("capability: show, install FILE or remove, not ", l->argument);
    if (installs != (l->second != NULL))
        return installs ? usage("an argument is missing after ", l->argument) : usage("unexpected argument: ", l->second);
    return agent_capability(c, &l->options, l->argument, l->second);
}

static int dispatch(const struct command_line *l)
{
    static const struct {
        const char *name;
        int (*command)(const struct agent_config *, const struct command_line *);
        int least, most;   /* arguments */
    } commands[] = {
        { "run", run, 0, 0 }, { "check", check, 0, 0 }, { "status", status, 0, 0 }, { "identity", identity, 0, 0 }, { "doctor", doctor, 0, 0 },
        { "claim", claim, 0, 1 },
        { "defer", tell, 1, 1 }, { "confirm", tell, 0, 0 }, { "reject", tell, 0, 1 },
        { "sideload", sideload, 1, 1 }, { "capability", capability, 1, 2 },
    };
    int arguments = (l->argument != NULL) + (l->second != NULL);

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, l->command) != 0)
            continue;
        if (arguments < commands[i].least)
            return usage("an argument is missing after ", l->command);
        if (arguments > commands[i].most)
            return usage("unexpected argument: ", l->second && commands[i].most == 1 ? l->second : l->argument);
        if (l->capability && commands[i].command != sideload)
            return usage("--capability does not go with ", l->command);
        return with_config(l, commands[i].command);
    }
    return usage("unknown command: ", l->command);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "progress", no_argument, NULL, 'p' },
        { "verbose", no_argument, NULL, 'v' }, { "json", no_argument, NULL, 'j' }, { "root", required_argument, NULL, 'r' },
        { "capability", required_argument, NULL, 'k' },
        { "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
    };
    struct command_line l = { .config = CONFIG_FILE };
    int opt;

    while ((opt = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
        switch (opt) {
        case 'c': l.config = optarg; break;
        case 'p': l.options.progress = true; break;
        case 'v': l.options.verbose = true; break;
        case 'k': l.capability = optarg; break;
        case 'j': l.options.json = true; break;
        case 'r': l.options.root = optarg; break;
        case 'V': return puts("ota-agent " OTA_VERSION_STRING) < 0 ? AGENT_DEVICE : AGENT_OK;
        case 'h': return fputs(help, stdout) < 0 ? AGENT_DEVICE : AGENT_OK;
        default: return AGENT_USAGE;
        }
    }
    if (optind == argc)
        return usage("no command", NULL);
    if (argc - optind > 3)
        return usage("unexpected argument: ", argv[optind + 3]);
    l.command = argv[optind];
    l.argument = argv[optind + 1];
    l.second = l.argument ? argv[optind + 2] : NULL;
    return dispatch(&l);
}
