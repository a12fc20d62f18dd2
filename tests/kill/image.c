/* SPDX-License-Identifier: Apache-2.0 */
/* A system image for the kill test: it checks in once with the agent (KILL_AGENT, KILL_CONFIG) and ends as the agent did. How
 * it does is patched into a copy of it: 'w' well, 's' sick (its health check fails), 'c' crashes before anything else. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGENT_REBOOT 3   /* of ota-agent */
#define IMAGE_REBOOT 75  /* of the boot supervisor */

static const volatile char how[] = "kill-test-image:w";

int main(void)
{
    char kind[] = { how[sizeof how - 2], '\0' };
    int status = -1;

    if (kind[0] == 'c' || setenv("KILL_IMAGE", kind, 1) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        execl(getenv("KILL_AGENT"), "ota-agent", "check", "--config", getenv("KILL_CONFIG"), (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return 1;
    return WEXITSTATUS(status) == AGENT_REBOOT ? IMAGE_REBOOT : WEXITSTATUS(status);
}
