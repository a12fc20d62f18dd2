/* SPDX-License-Identifier: Apache-2.0 */
/* The process tries what its sandbox is there to refuse. Only what was put in force is tried; an attempt that works does no harm. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file_io.h"
#include "sandbox.h"

static bool opens(const char *path, int flags, int refusal)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    bool refused = fd < 0 && errno == refusal;

    otap_close(&fd);
    return !refused;
}

static bool makes_socket(int domain, int type)
{
    int fd = socket(domain, type | SOCK_CLOEXEC, 0);
    bool refused = fd < 0 && errno == EPERM;

    otap_close(&fd);
    return !refused;
}

static bool refused(long result)
{
    return result < 0 && errno == EPERM;
}

/* No such program: without a filter the kernel would say that. */
static bool runs(void)
{
    const char *const argv[] = { "", NULL };

    return !refused(syscall(SYS_execve, "", argv, argv)) || !refused(syscall(SYS_execveat, -1, "", argv, argv, 0));
}

static bool forks(void)
{
    long pid = syscall(SYS_clone, 0, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return !refused(pid);
}

static bool maps_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return errno != EPERM;
    (void)munmap(p, 4096);
    return true;
}

static bool has_caps(uint64_t keep)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct d[2];

    if (syscall(SYS_capget, &head, d) != 0)
        return true;
    return ((d[0].effective | d[0].permitted | d[0].inheritable) & (uint32_t)~keep) != 0 ||
           ((d[1].effective | d[1].permitted | d[1].inheritable) & (uint32_t)(~keep >> 32)) != 0;
}

static const char *probe_process(const struct ota_posix_sandbox_config *cfg, uint8_t has)
{
    struct rlimit core = { 1, 1 };

    if ((has & OTA_POSIX_NO_NEW_PRIVS) && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return "privileges";
    if ((has & OTA_POSIX_NOT_DUMPABLE) && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return "dumpable";
    if ((has & OTA_POSIX_LIMITS) && (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0))
        return "core";
    return (has & OTA_POSIX_NO_CAPS) && has_caps(cfg->keep_caps) ? "caps" : NULL;
}

static const char *probe_calls(enum ota_posix_role role)
{
    bool writer = role == OTA_POSIX_WRITER;

    if (writer ? makes_socket(AF_INET, SOCK_STREAM) || makes_socket(AF_UNIX, SOCK_STREAM) : makes_socket(AF_PACKET, SOCK_DGRAM))
        return writer ? "socket" : "packet";
    if (writer && !refused(syscall(SYS_connect, -1, NULL, 0)))
        return "connect";
    if (!writer && !otap_sandbox_counts && opens("/dev/null", O_WRONLY, EPERM))
        return "create"; /* where coverage counts, its files are written at the end */
    if (runs())
        return "exec";
    if (otap_sandbox_loose)
        return NULL;
    if (forks())
        return "fork";
    if (maps_code())
        return "memory";
    return refused(syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL)) ? NULL : "ptrace";
}

const char *otap_probe(const struct ota_posix_sandbox_config *cfg, uint8_t has)
{
    const char *worked = probe_process(cfg, has);

    if (!worked && (has & OTA_POSIX_LANDLOCK) && opens("/", O_RDONLY | O_DIRECTORY, EACCES))
        worked = "open";
    if (!worked && (has & OTA_POSIX_SECCOMP))
        worked = probe_calls(cfg->role);
    return worked;
}
