/* SPDX-License-Identifier: Apache-2.0 */
/* The system image of the demonstration: an executable of a few MB that says which version it is and which slot it runs
 * from. It is the first program of its device and so starts the update agent, and starts it again should it be killed.
 *
 * Environment: OTA_SLOT (from the boot loader), THERMOSTAT_AGENT (path of ota-agent; none = run nothing),
 * THERMOSTAT_CONFIG (its configuration). It gives OTA_SELF to its children: a path to this very image, so that the
 * agent's health check can ask it with --health. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "thermostat_data.h"

#define DEVICE_RESTART 75   /* tells the boot loader to start again */
#define AGENT_RESTART 3     /* ota-agent: a restart is needed */

static volatile sig_atomic_t stopping;
static volatile sig_atomic_t agent_pid;

static void on_stop(int sig)
{
    stopping = 1;
    if (agent_pid > 0)
        (void)kill((pid_t)agent_pid, sig);
}

/* The image is more than its code: every byte of its calibration table counts (FNV-1a, as the generator has it). */
static bool table_is_whole(void)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    size_t len = (size_t)(thermostat_data_end - thermostat_data) - 8;
    uint64_t want = 0;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ thermostat_data[i]) * UINT64_C(1099511628211);
    for (size_t i = 0; i < 8; i++)
        want |= (uint64_t)thermostat_data[len + i] << (8 * i);
    return sum == want;
}

static int health(void)
{
    if (!table_is_whole()) {
        (void)puts("thermostat " THERMOSTAT_VERSION ": calibration table damaged");
        return 2;
    }
    if (THERMOSTAT_SICK) {
        (void)puts("thermostat " THERMOSTAT_VERSION ": sensor self-test failed");
        return 1;
    }
    (void)puts("thermostat " THERMOSTAT_VERSION ": healthy, 21.5 degrees");
    return 0;
}

static pid_t start_agent(const char *agent, const char *config)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)execl(agent, agent, "run", "--progress", "--config", config, (char *)NULL);
        (void)fprintf(stderr, "thermostat: cannot start %s: %s\n", agent, strerror(errno));
        _exit(127);
    }
    agent_pid = pid;
    if (stopping && pid > 0)
        (void)kill(pid, SIGTERM);
    return pid;
}

/* @return what waitpid() says of the agent; -1 if it could not be started */
static int run_agent(const char *agent, const char *config)
{
    int status = -1;
    pid_t pid = start_agent(agent, config);

    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    agent_pid = 0;
    return status;
}

/* What an init does: keep the agent alive, and restart the device when it asks for it. */
static int mind_agent(const char *agent, const char *config)
{
    const struct timespec pause = { 0, 500000000L };

    for (;;) {
        int status = run_agent(agent, config);

        if (stopping)
            return 0;
        if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == AGENT_RESTART)
            return DEVICE_RESTART;
        if (status >= 0 && WIFSIGNALED(status))
            (void)printf("thermostat: the agent was killed (signal %d), starting it again\n", WTERMSIG(status));
        else
            (void)printf("thermostat: the agent ended with status %d, starting it again\n", status >= 0 ? WEXITSTATUS(status) : status);
        (void)nanosleep(&pause, NULL);
    }
}

static void give_self(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%ld/exe", (long)getpid());
    (void)setenv("OTA_SELF", path, 1);
}

static int run(void)
{
    struct sigaction sa = { .sa_handler = on_stop };
    const char *slot = getenv("OTA_SLOT");
    const char *agent = getenv("THERMOSTAT_AGENT");
    const char *config = getenv("THERMOSTAT_CONFIG");

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)printf("thermostat " THERMOSTAT_VERSION " running from slot %s\n", slot ? slot : "?");
    if (!agent || !config)
        return 0;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
    give_self();
    return mind_agent(agent, config);
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return run();
    if (argc == 2 && strcmp(argv[1], "--health") == 0)
        return health();
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("thermostat " THERMOSTAT_VERSION) < 0;
    (void)fputs("usage: thermostat [--health | --version]\n", stderr);
    return 2;
}
