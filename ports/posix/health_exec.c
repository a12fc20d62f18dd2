/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "file_io.h"
#include "ota/posix.h"
#include "spawn.h"

#define LIMIT_MS 60000u

static ota_err start(struct ota_posix_health *h, int32_t *port_code)
{
    pid_t pid = 0;
    int number = otap_spawn(h->argv, &pid);

    if (number != 0)
        return otap_result(number, OTA_DEVICE_HEALTH, port_code);
    h->pid = pid;
    h->started_ms = otap_now_ms();
    return OTA_AGAIN;
}

static ota_err judge(int status, int32_t *port_code)
{
    int number = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);

    if (number == OTA_POSIX_HEALTH_NO_VERDICT)
        return OTA_AGAIN;
    return otap_result(number, OTA_REJECT_HEALTH, port_code);
}

/* The whole group: what the check started must not outlive it. */
static int kill_group(struct ota_posix_health *h)
{
    int status = SIGKILL;

    (void)kill((pid_t)-h->pid, SIGKILL);
    while (waitpid((pid_t)h->pid, &status, 0) < 0 && errno == EINTR)
        ;
    h->pid = 0;
    return status;
}

static ota_err check(struct ota_health *port, int32_t *port_code)
{
    struct ota_posix_health *h = (struct ota_posix_health *)port;
    int status = 0;
    pid_t got;

    if (h->pid == 0)
        return start(h, port_code);
    got = waitpid((pid_t)h->pid, &status, WNOHANG);
    if (got == (pid_t)h->pid) {
        (void)kill((pid_t)-h->pid, SIGKILL);
        h->pid = 0;
        return judge(status, port_code);
    }
    if (got < 0 && errno != EINTR) {
        h->pid = 0; /* somebody else took its status, for example by ignoring SIGCHLD */
        return otap_result(errno, OTA_DEVICE_HEALTH, port_code);
    }
    if (otap_now_ms() - h->started_ms < h->limit_ms)
        return OTA_AGAIN;
    return judge(kill_group(h), port_code);
}

static const struct ota_health_ops exec_ops = { check };

ota_err ota_posix_health_exec_open(struct ota_posix_health *h, const struct ota_posix_health_config *cfg, struct ota_fault *fault)
{
    if (!h)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "health", 0);
    *h = (struct ota_posix_health){ .port = { &exec_ops } };
    if (!cfg || !cfg->argv || !cfg->argv[0])
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "health.argv", 0);
    h->argv = cfg->argv;
    h->limit_ms = cfg->limit_ms ? cfg->limit_ms : LIMIT_MS;
    return OTA_OK;
}

void ota_posix_health_close(struct ota_posix_health *h)
{
    if (h->pid != 0)
        (void)kill_group(h);
}
