/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD: writes down everything that changes files below a directory, so that what a power cut may leave of it can be
 * worked out (disk.py), and cuts the power itself at a chosen operation.
 *
 *   UNSYNCED_DIR   the directory, canonical
 *   UNSYNCED_LOG   where to write, appended by all processes; "<log>.count" holds the shared count of operations
 *   UNSYNCED_KILL  the operation at which the whole process group is killed; 0 = never
 *   UNSYNCED_ONE   set: only the process that does it is killed; the system lives on
 *   UNSYNCED_LIE   "all", "files", "names" or the end of a file's path: syncs of these are not written down, as on a disk
 *                  that lies, or by a port that forgets them
 *
 * A record: "OPR1", kind u8, lengths of two paths u16 each, inode u64, offset u64, length of data u32, paths, data;
 * integers little-endian. It is written before the operation is carried out, but for "create", which needs the inode. A sync
 * is only written down: nothing here shall wait for this machine's disk.
 */
#define _GNU_SOURCE /* RTLD_NEXT, O_TMPFILE */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#pragma GCC visibility push(default)

enum kind { CREATE = 1, WRITE, TRUNCATE, RENAME, UNLINK, MKDIR, SYNC, SYNC_DIR };

static const char *watched;
static size_t watched_len;
static int log_fd = -1;
static _Atomic uint64_t *count;
static uint64_t kill_at;
static bool kill_one;
static const char *lie;

__attribute__((noreturn)) static void give_up(const char *what)
{
    (void)fprintf(stderr, "unsynced: %s: %s\n", what, strerror(errno));
    _exit(126);
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("UNSYNCED_LOG"), *when = getenv("UNSYNCED_KILL");
    char counter[PATH_MAX];

    watched = getenv("UNSYNCED_DIR");
    if (!watched || !path)
        return;
    watched_len = strlen(watched);
    kill_at = when ? strtoull(when, NULL, 10) : 0;
    kill_one = getenv("UNSYNCED_ONE") != NULL;
    lie = getenv("UNSYNCED_LIE");
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    (void)snprintf(counter, sizeof counter, "%s.count", path);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, counter, O_RDWR | O_CLOEXEC, 0);
    if (log_fd < 0 || fd < 0)
        give_up(path);
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (count == MAP_FAILED)
        give_up(counter);
    (void)close(fd);
}

static bool is_watched(const char *path)
{
    return log_fd >= 0 && strncmp(path, watched, watched_len) == 0 && (path[watched_len] == '/' || path[watched_len] == '\0');
}

/* The path of an open file. false: it is none of our business. */
static bool path_of(int fd, char out[PATH_MAX])
{
    char link[64];

    if (log_fd < 0)
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n < 0)
        return false;
    out[n] = '\0';
    return is_watched(out);
}

static bool path_at(int dir_fd, const char *name, char out[PATH_MAX])
{
    char dir[PATH_MAX];

    if (name[0] == '/')
        return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX && is_watched(out);
    if (dir_fd == AT_FDCWD || !path_of(dir_fd, dir))
        return false;
    return snprintf(out, PATH_MAX, "%.2000s/%.1000s", dir, name) < PATH_MAX;
}

static void put(uint8_t **p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        *(*p)++ = (uint8_t)v;
}

static uint64_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* Write an operation down; the chosen one is the last of its group's. */
static void note(enum kind kind, const char *a, const char *b, uint64_t inode, uint64_t off, const void *data, size_t len)
{
    uint8_t head[32], *p = head;
    size_t a_len = a ? strlen(a) : 0, b_len = b ? strlen(b) : 0;

    memcpy(p, "OPR1", 4);
    p += 4;
    put(&p, kind, 1);
    put(&p, a_len, 2);
    put(&p, b_len, 2);
    put(&p, inode, 8);
    put(&p, off, 8);
    put(&p, len, 4);
    const struct iovec v[] = { { head, (size_t)(p - head) }, { (void *)(uintptr_t)a, a_len }, { (void *)(uintptr_t)b, b_len },
                               { (void *)(uintptr_t)data, len } };
    if (syscall(SYS_writev, log_fd, v, 4) < 0)
        give_up("log");
    if (atomic_fetch_add(count, 1) + 1 == kill_at) {
        (void)kill(kill_one ? getpid() : 0, SIGKILL);
        for (;;)
            (void)pause();
    }
}

static void note_data(int fd, const void *buf, size_t len, off_t off)
{
    char path[PATH_MAX];

    if (len > 0 && path_of(fd, path))
        note(WRITE, path, NULL, inode_of(fd), (uint64_t)off, buf, len);
}

/* ---- what changes data ---- */

ssize_t write(int fd, const void *buf, size_t len)
{
    note_data(fd, buf, len, log_fd < 0 ? 0 : lseek(fd, 0, SEEK_CUR));
    return syscall(SYS_write, fd, buf, len);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
    note_data(fd, buf, len, off);
    return syscall(SYS_pwrite64, fd, buf, len, off);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t off)
{
    return pwrite(fd, buf, len, off);
}

static int truncate_noted(int fd, off_t len)
{
    char path[PATH_MAX];

    if (path_of(fd, path))
        note(TRUNCATE, path, NULL, inode_of(fd), (uint64_t)len, NULL, 0);
    return (int)syscall(SYS_ftruncate, fd, len);
}

int ftruncate(int fd, off_t len)
{
    return truncate_noted(fd, len);
}

int ftruncate64(int fd, off64_t len)
{
    return truncate_noted(fd, len);
}

/* Of a whole fresh file, as the slot port makes one: its length is all that it changes. */
int posix_fallocate(int fd, off_t off, off_t len)
{
    return truncate_noted(fd, off + len) == 0 ? 0 : errno;
}

static bool forgets(const char *path, bool is_dir)
{
    size_t len = lie ? strlen(lie) : 0, path_len = strlen(path);

    if (len == 0 || strcmp(lie, "all") == 0)
        return len > 0;
    if (strcmp(lie, is_dir ? "names" : "files") == 0)
        return true;
    return path_len >= len && strcmp(path + path_len - len, lie) == 0;
}

static int sync_noted(int fd)
{
    char path[PATH_MAX];
    struct stat st;

    if (!path_of(fd, path) || fstat(fd, &st) != 0)
        return 0;
    bool is_dir = S_ISDIR(st.st_mode);
    if (!forgets(path, is_dir))
        note(is_dir ? SYNC_DIR : SYNC, path, NULL, inode_of(fd), 0, NULL, 0);
    return 0;
}

int fsync(int fd)
{
    return sync_noted(fd);
}

int fdatasync(int fd)
{
    return sync_noted(fd);
}

/* ---- what changes names ---- */

static int open_noted(int dir_fd, const char *name, int flags, unsigned mode)
{
    char path[PATH_MAX];
    struct stat st;
    bool ours = (flags & (O_CREAT | O_TRUNC)) && path_at(dir_fd, name, path);
    bool fresh = ours && (flags & O_CREAT) && stat(path, &st) != 0;
    int fd = (int)syscall(SYS_openat, dir_fd, name, flags, mode);

    if (fd >= 0 && fresh)
        note(CREATE, path, NULL, inode_of(fd), 0, NULL, 0);
    if (fd >= 0 && ours && !fresh && (flags & O_TRUNC))
        note(TRUNCATE, path, NULL, inode_of(fd), 0, NULL, 0);
    return fd;
}

#define WITH_MODE(flags, mode)                                   \
    do {                                                         \
        va_list args;                                            \
        va_start(args, flags);                                   \
        mode = (flags) & O_CREAT ? va_arg(args, unsigned) : 0;   \
        va_end(args);                                            \
    } while (0)

int open(const char *path, int flags, ...)
{
    unsigned mode;

    WITH_MODE(flags, mode);
    return open_noted(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    unsigned mode;

    WITH_MODE(flags, mode);
    return open_noted(AT_FDCWD, path, flags, mode);
}

int openat(int dir_fd, const char *path, int flags, ...)
{
    unsigned mode;

    WITH_MODE(flags, mode);
    return open_noted(dir_fd, path, flags, mode);
}

int openat64(int dir_fd, const char *path, int flags, ...)
{
    unsigned mode;

    WITH_MODE(flags, mode);
    return open_noted(dir_fd, path, flags, mode);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    char a[PATH_MAX], b[PATH_MAX];

    if (path_at(from_fd, from, a) && path_at(to_fd, to, b))
        note(RENAME, a, b, 0, 0, NULL, 0);
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int dir_fd, const char *name, int flags)
{
    char path[PATH_MAX];
    struct stat st;

    if (path_at(dir_fd, name, path) && lstat(path, &st) == 0)
        note(UNLINK, path, NULL, 0, 0, NULL, 0);
    return (int)syscall(SYS_unlinkat, dir_fd, name, flags);
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int mkdir(const char *name, mode_t mode)
{
    char path[PATH_MAX];
    struct stat st;

    if (path_at(AT_FDCWD, name, path) && stat(path, &st) != 0)
        note(MKDIR, path, NULL, 0, 0, NULL, 0);
    return (int)syscall(SYS_mkdirat, AT_FDCWD, name, mode);
}
