/* SPDX-License-Identifier: Apache-2.0 */
/* A filter of system calls, as a program for the kernel's BPF machine: a list of calls that may be made, some of them with
 * conditions on their arguments, and all others refused. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "sandbox.h"
#include "sandbox_calls.h"

#define PROGRAM_MAX 512u
/* A call made in another machine's way (32-bit calls on x86-64) has other numbers, and would pass for what it is not. */
#ifdef __x86_64__
#define MACHINE AUDIT_ARCH_X86_64
#else
#define MACHINE AUDIT_ARCH_AARCH64
#endif
#ifndef PR_SET_VMA /* names for pieces of memory, set by allocators; newer than some C libraries */
#define PR_SET_VMA 0x53564d41
#endif
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NEWEST_CALL 461u /* what the kernel got later is answered as an old one would */
#define LOW_WORD 0u /* both machines are little-endian */
#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#define WHERE(member) ((uint32_t)offsetof(struct seccomp_data, member))

struct program {
    struct sock_filter at[PROGRAM_MAX];
    size_t n;
    bool full;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
    p->full |= p->n == PROGRAM_MAX;
    if (!p->full)
        p->at[p->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void load(struct program *p, uint32_t where)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, where, 0, 0);
}

static void result(struct program *p, uint32_t action)
{
    add(p, BPF_RET | BPF_K, action, 0, 0);
}

/* If what is loaded equals v, the result is `action`. */
static void if_equal(struct program *p, uint32_t v, uint32_t action)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, v, 0, 1);
    result(p, action);
}

/* The call's number stays loaded from here on; a condition loads an argument and ends in a result. */
static void begin(struct program *p)
{
    load(p, WHERE(arch));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    result(p, SECCOMP_RET_KILL_PROCESS);
    load(p, WHERE(nr));
}

static void every(struct program *p, const int *calls, size_t count, uint32_t action)
{
    for (size_t i = 0; i < count; i++)
        if_equal(p, (uint32_t)calls[i], action);
}

/* Of one argument only the lower half is looked at: flags and small numbers, of which the kernel takes no more. */
static uint32_t argument(unsigned i)
{
    return WHERE(args) + 8u * i + LOW_WORD;
}

/* call: allowed when (argument & mask) == want, else refused. */
static void masked(struct program *p, int call, unsigned arg, uint32_t mask, uint32_t want)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5);
    load(p, argument(arg));
    add(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, want, 0, 1);
    result(p, ALLOW);
    result(p, REFUSE);
}

/* call: allowed unless (argument & mask) == mask. */
static void not_all(struct program *p, int call, unsigned arg, uint32_t mask)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5);
    load(p, argument(arg));
    add(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, mask, 0, 1);
    result(p, REFUSE);
    result(p, ALLOW);
}

/* call: allowed, or with `other` all but allowed, when the argument is one of the list. */
static void one_of(struct program *p, int call, unsigned arg, const uint32_t *list, size_t count, uint32_t action, uint32_t other)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (uint8_t)(2 * count + 2));
    load(p, argument(arg));
    for (size_t i = 0; i < count; i++)
        if_equal(p, list[i], action);
    result(p, other);
}

/* Memory is never written and executed at once; a process looks at itself, but does not change what holds it. */
static void conditions_of_both(struct program *p)
{
    static const uint32_t prctls[] = { PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_CAPBSET_READ };

    not_all(p, SYS_mmap, 2, PROT_WRITE | PROT_EXEC);
    not_all(p, SYS_mprotect, 1, PROT_WRITE | PROT_EXEC);
    one_of(p, SYS_prctl, 0, prctls, COUNT(prctls), ALLOW, REFUSE);
    masked(p, SYS_prlimit64, 0, ~0u, 0);
#ifdef SYS_clone3
    if_equal(p, SYS_clone3, UNKNOWN);   /* its flags are in memory: the C library goes back to clone() */
#endif
#ifdef SYS_openat2
    if_equal(p, SYS_openat2, UNKNOWN);
#endif
}

static void conditions_of_fetcher(struct program *p)
{
    static const uint32_t domains[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
    static const uint32_t ioctls[] = { FIONREAD, FIONBIO };

    one_of(p, SYS_socket, 0, domains, COUNT(domains), ALLOW, REFUSE);
    one_of(p, SYS_ioctl, 1, ioctls, COUNT(ioctls), ALLOW, REFUSE);
    masked(p, SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY), 0);
#ifdef SYS_open
    masked(p, SYS_open, 1, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY), 0);
#endif
    masked(p, SYS_clone, 0, CLONE_THREAD, CLONE_THREAD);
}

/* Nobody types into the terminal from which the agent was started. */
static void conditions_of_writer(struct program *p)
{
    static const uint32_t ioctls[] = { TIOCSTI, TIOCLINUX };

    one_of(p, SYS_ioctl, 1, ioctls, COUNT(ioctls), REFUSE, ALLOW);
}

static void make_strict(struct program *p, enum ota_posix_role role)
{
    bool writer = role == OTA_POSIX_WRITER;

    every(p, calls_of_both, COUNT(calls_of_both), ALLOW);
    if (writer)
        every(p, calls_of_writer, COUNT(calls_of_writer), ALLOW);
    else
        every(p, calls_of_fetcher, COUNT(calls_of_fetcher), ALLOW);
    conditions_of_both(p);
    if (writer)
        conditions_of_writer(p);
    else
        conditions_of_fetcher(p);
    add(p, BPF_JMP | BPF_JGE | BPF_K, NEWEST_CALL, 0, 1);
    result(p, UNKNOWN);
    result(p, REFUSE);
}

static void make_loose(struct program *p, enum ota_posix_role role)
{
    static const uint32_t domains[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

    every(p, refused_to_both, COUNT(refused_to_both), REFUSE);
    if (role == OTA_POSIX_WRITER)
        every(p, refused_to_writer, COUNT(refused_to_writer), REFUSE);
    else if (!otap_sandbox_counts)
        masked(p, SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, 0);
    if (role == OTA_POSIX_FETCHER)
        one_of(p, SYS_socket, 0, domains, COUNT(domains), ALLOW, REFUSE);
    result(p, ALLOW);
}

int otap_seccomp_enter(const struct ota_posix_sandbox_config *cfg)
{
    struct program p = { .n = 0 };

    begin(&p);
    if (otap_sandbox_loose)
        make_loose(&p, cfg->role);
    else
        make_strict(&p, cfg->role);
    if (p.full)
        return E2BIG;
    const struct sock_fprog whole = { (unsigned short)p.n, p.at };
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole, 0, 0) == 0 ? 0 : errno;
}
