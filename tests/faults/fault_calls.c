/* SPDX-License-Identifier: Apache-2.0 */
#undef _FORTIFY_SOURCE /* its inline functions would stand where ours do */
#define _GNU_SOURCE
#include "fault_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const char *const fault_names[FAULT_CALLS] = { "allocation", "open", "read", "write", "fsync", "rename", "unlink", "stat",
    "mkdir", "fallocate", "lock" };

struct fault_state *fault_state;
static volatile bool armed;

void fault_open(void)
{
    void *p = mmap(NULL, sizeof *fault_state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        abort();
    fault_state = p;
    fault_state->call = FAULT_CALLS;
}

static long descriptors(void)
{
    long n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

void fault_arm(void)
{
    fault_state->descriptors -= descriptors();
    armed = true;
}

void fault_disarm(void)
{
    armed = false;
    fault_state->descriptors += descriptors();
}

/* Count a call. 0: it is made. */
static int strikes(enum fault_call call)
{
    struct fault_state *f = fault_state;

    if (!armed)
        return 0;
    uint32_t n = ++f->count[call];
    bool halting = f->number == EINTR || f->number == FAULT_SHORT;
    if (f->call != call || n < f->at || (n > f->at && (!f->on || (halting && (n - f->at) % 2 == 1))))
        return 0;
    f->struck++;
    errno = f->number > 0 ? f->number : 0;
    return f->number;
}

/* ---- allocations ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REAL(what) __interceptor_##what
const bool fault_counts_blocks = false;
#endif
#endif
#ifndef REAL
#define REAL(what) __libc_##what
const bool fault_counts_blocks = true;
#endif
extern void *REAL(malloc)(size_t);
extern void *REAL(calloc)(size_t, size_t);
extern void *REAL(realloc)(void *, size_t);
extern void *REAL(memalign)(size_t, size_t);
extern void REAL(free)(void *);

static void *counted(void *p)
{
    if (armed && p)
        fault_state->blocks++;
    return p;
}

static bool refused(void)
{
    if (strikes(FAULT_MALLOC) == 0)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t len)
{
    return refused() ? NULL : counted(REAL(malloc)(len));
}

void *calloc(size_t n, size_t len)
{
    return refused() ? NULL : counted(REAL(calloc)(n, len));
}

void *realloc(void *p, size_t len)
{
    if (refused())
        return NULL;
    void *q = REAL(realloc)(p, len);
    return p ? q : counted(q);
}

void *aligned_alloc(size_t align, size_t len)
{
    return refused() ? NULL : counted(REAL(memalign)(align, len));
}

int posix_memalign(void **out, size_t align, size_t len)
{
    if (refused())
        return ENOMEM;
    *out = counted(REAL(memalign)(align, len));
    return *out ? 0 : ENOMEM;
}

void free(void *p)
{
    if (armed && p)
        fault_state->blocks--;
    REAL(free)(p);
}

/* ---- files ---- */

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
    return strikes(FAULT_OPEN) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode = 0;

    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode = 0;

    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return open_at(dir, path, flags, mode);
}

ssize_t pread(int fd, void *buf, size_t len, off_t off)
{
    int number = strikes(FAULT_READ);

    return number > 0 ? -1 : syscall(SYS_pread64, fd, buf, number == FAULT_SHORT && len ? 1 : len, off);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
    int number = strikes(FAULT_WRITE);

    return number > 0 ? -1 : syscall(SYS_pwrite64, fd, buf, number == FAULT_SHORT && len ? 1 : len, off);
}

/* Not made: no test here pulls the plug, and a real one is slow. */
int fsync(int fd)
{
    (void)fd;
    return strikes(FAULT_FSYNC) ? -1 : 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return strikes(FAULT_RENAME) ? -1 : (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
}

int unlinkat(int dir, const char *path, int flags)
{
    return strikes(FAULT_UNLINK) ? -1 : (int)syscall(SYS_unlinkat, dir, path, flags);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int fstat(int fd, struct stat *st)
{
    return strikes(FAULT_STAT) ? -1 : (int)syscall(SYS_fstat, fd, st);
}

int mkdir(const char *path, mode_t mode)
{
    return strikes(FAULT_MKDIR) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int posix_fallocate(int fd, off_t off, off_t len)
{
    int number = strikes(FAULT_ALLOCATE);

    return number ? number : syscall(SYS_fallocate, fd, 0, off, len) == 0 ? 0 : errno;
}

int flock(int fd, int operation)
{
    return strikes(FAULT_LOCK) ? -1 : (int)syscall(SYS_flock, fd, operation);
}

/* Time passes for the caller, not for whoever waits for the test. */
int nanosleep(const struct timespec *t, struct timespec *left)
{
    const struct timespec instant = { 0, t->tv_sec || t->tv_nsec ? 200000 : 0 };

    return (int)syscall(SYS_nanosleep, &instant, left);
}
