/* SPDX-License-Identifier: Apache-2.0 */
/* One step after the other, from what can be tried without the others to what forbids the calls that they need. */
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WRITER_FILES 256u
#define FETCHER_FILES 128u
#define CAPS_MAX 64

void otap_close_from(int first, int keep)
{
    struct rlimit limit = { 0 };

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 65536)
        limit.rlim_cur = 65536;
#ifdef SYS_close_range
    if ((keep <= first || syscall(SYS_close_range, first, keep - 1, 0) == 0) &&
        syscall(SYS_close_range, keep >= first ? keep + 1 : first, ~0u, 0) == 0)
        return;
#endif
    for (int fd = first; fd < (int)limit.rlim_cur; fd++)
        if (fd != keep)
            (void)close(fd);
}

static bool is_more(const struct __user_cap_data_struct data[2], uint64_t keep)
{
    for (size_t i = 0; i < 2; i++)
        if (((data[i].effective | data[i].permitted) & ~(uint32_t)(keep >> 32 * i)) != 0 || data[i].inheritable != 0)
            return true;
    return false;
}

/* Nothing that is started later gets what is not kept here; a bounding set can only be made smaller by who may. */
static bool drop_caps(uint64_t keep)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int cap = 0; cap < CAPS_MAX; cap++)
        if (!(keep >> cap & 1))
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    if (syscall(SYS_capget, &head, data) != 0)
        return false;
    if (!is_more(data, keep))
        return true; /* a service manager's filter may refuse even this */
    for (size_t i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(keep >> 32 * i);
        data[i].effective &= (uint32_t)(keep >> 32 * i);
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &head, data) == 0;
}

/* The kernel's own call: C libraries do not agree on the type of `what`. */
static bool lower(int what, uint64_t to)
{
    uint64_t limit[2]; /* now, and at most */

    if (syscall(SYS_prlimit64, 0, what, NULL, limit) != 0)
        return false;
    limit[0] = limit[0] < to ? limit[0] : to;
    limit[1] = limit[1] < to ? limit[1] : to;
    return syscall(SYS_prlimit64, 0, what, limit, NULL) == 0;
}

/* The fetcher writes no file at all: a log that goes to one is the writer's. */
static bool set_limits(enum ota_posix_role role)
{
    bool ok = lower(RLIMIT_CORE, 0) && lower(RLIMIT_NOFILE, role == OTA_POSIX_WRITER ? WRITER_FILES : FETCHER_FILES);

    return ok && (role == OTA_POSIX_WRITER || otap_sandbox_loose || lower(RLIMIT_FSIZE, 0));
}

/* LD_PRELOAD and the like were obeyed long ago; what reads its orders from the environment later shall find none. */
static void forget_environment(void)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy",
        "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "LOCALDOMAIN", "RES_OPTIONS",
        "HOSTALIASES", "RESOLV_HOST_CONF" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
}

const char *ota_posix_sandbox_name(uint8_t bit)
{
    switch (bit) {
    case OTA_POSIX_NO_NEW_PRIVS: return "no-new-privileges";
    case OTA_POSIX_NO_CAPS: return "no-capabilities";
    case OTA_POSIX_LANDLOCK: return "landlock";
    case OTA_POSIX_SECCOMP: return "seccomp";
    case OTA_POSIX_LIMITS: return "limits";
    case OTA_POSIX_NOT_DUMPABLE: return "not-dumpable";
    default: return NULL;
    }
}

/* A profile for tests may be loose and still be whole. */
static ota_err judge(const struct ota_posix_sandbox_config *cfg, const struct ota_posix_sandbox_state *s, int number, struct ota_fault *fault)
{
    uint8_t all = otap_sandbox_loose ? OTA_POSIX_SANDBOX_ALL & ~OTA_POSIX_NOT_DUMPABLE : OTA_POSIX_SANDBOX_ALL;

    if (!cfg->required || (s->has & all) == all)
        return OTA_OK;
    return ota_fault_set(fault, OTA_USAGE_CONFIG, "sandbox.required", number);
}

static const char *place_of(const char *probe)
{
    static const char *const places[][2] = {
        { "open", "sandbox.open" }, { "create", "sandbox.create" }, { "socket", "sandbox.socket" }, { "connect", "sandbox.connect" },
        { "packet", "sandbox.packet" }, { "exec", "sandbox.exec" }, { "fork", "sandbox.fork" }, { "ptrace", "sandbox.ptrace" },
        { "memory", "sandbox.memory" }, { "caps", "sandbox.caps" }, { "privileges", "sandbox.privileges" }, { "core", "sandbox.core" },
        { "dumpable", "sandbox.dumpable" },
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(places[i][0], probe) == 0)
            return places[i][1];
    return "sandbox";
}

ota_err ota_posix_sandbox_enter(const struct ota_posix_sandbox_config *cfg, struct ota_posix_sandbox_state *s, struct ota_fault *fault)
{
    int number = 0, seccomp;

    *s = (struct ota_posix_sandbox_state){ .loose = otap_sandbox_loose };
    if (cfg->role == OTA_POSIX_FETCHER)
        forget_environment();
    s->has |= set_limits(cfg->role) ? OTA_POSIX_LIMITS : 0;
    s->has |= !otap_sandbox_loose && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? OTA_POSIX_NOT_DUMPABLE : 0;
    s->has |= prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? OTA_POSIX_NO_NEW_PRIVS : 0;
    s->has |= drop_caps(cfg->keep_caps) ? OTA_POSIX_NO_CAPS : 0;
    number = otap_landlock_enter(cfg, &s->landlock_abi);
    s->has |= number == 0 ? OTA_POSIX_LANDLOCK : 0;
    seccomp = otap_seccomp_enter(cfg);
    s->has |= seccomp == 0 ? OTA_POSIX_SECCOMP : 0;
    number = number == 0 ? seccomp : number;
    const char *worked = otap_probe(cfg, s->has);
    if (worked)
        return ota_fault_set(fault, OTA_USAGE_STATE, place_of(worked), 0);
    return judge(cfg, s, number, fault);
}
