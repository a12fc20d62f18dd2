/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that a sandboxed process may make. A call that is not here is refused: EPERM, or ENOSYS where the C library then takes
 * an older way. Architectures lack one or the other of them; what they have in its stead is here as well. */
#ifndef OTAP_SANDBOX_CALLS_H
#define OTAP_SANDBOX_CALLS_H

#include <sys/syscall.h>

/* Memory, time, descriptors that are open, waiting. */
static const int calls_of_both[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_close, SYS_fstat, SYS_lseek, SYS_munmap, SYS_mremap, SYS_madvise,
    SYS_brk, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_ppoll, SYS_pselect6, SYS_nanosleep, SYS_clock_nanosleep,
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_futex, SYS_set_robust_list, SYS_sched_yield, SYS_sched_getaffinity, SYS_getrandom, SYS_exit, SYS_exit_group, SYS_restart_syscall, SYS_fcntl,
    SYS_dup, SYS_dup3, SYS_pipe2, SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_getcwd, SYS_getdents64, SYS_faccessat, SYS_readlinkat, SYS_capget,
    SYS_tgkill, SYS_membarrier, SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_shutdown, SYS_getsockopt, SYS_setsockopt, SYS_getsockname,
    SYS_getpeername, SYS_statfs, SYS_fstatfs,
#ifdef SYS_rseq
    SYS_rseq,
#endif
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
#ifdef SYS_getrlimit
    SYS_getrlimit,
#endif
#ifdef SYS_stat
    SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_poll, SYS_select, SYS_dup2, SYS_pipe, SYS_time,
#endif
};

/* Names, other hosts, threads of the resolver. socket(), clone() and open() have conditions: sandbox_seccomp.c */
static const int calls_of_fetcher[] = { SYS_connect, SYS_bind, SYS_socketpair, SYS_eventfd2, SYS_sendmmsg, SYS_recvmmsg };

/* Files as far as Landlock lets them be reached, programs that the helper started, clients that come to a socket that is open. */
static const int calls_of_writer[] = {
    SYS_openat, SYS_unlinkat, SYS_renameat2, SYS_symlinkat, SYS_mkdirat, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_sync_file_range,
    SYS_fadvise64, SYS_flock, SYS_umask, SYS_fchmod, SYS_accept4, SYS_kill, SYS_wait4, SYS_waitid,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_open
    SYS_open, SYS_unlink, SYS_rename, SYS_mkdir, SYS_symlink, SYS_accept,
#endif
};

/* What the probes try: all that is refused in a build for sanitizers. */
static const int refused_to_both[] = { SYS_execve, SYS_execveat };
static const int refused_to_writer[] = { SYS_socket, SYS_connect };

#endif
