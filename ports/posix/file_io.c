/* SPDX-License-Identifier: Apache-2.0 */
#include "file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "a slot beyond 2 GiB would be written at its beginning: build with _FILE_OFFSET_BITS=64");

int otap_pread(int fd, void *buf, size_t len, uint64_t off)
{
    char *p = buf;

    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            return ENODATA;
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int otap_pwrite(int fd, const void *buf, size_t len, uint64_t off)
{
    const char *p = buf;

    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            return EIO; /* POSIX allows it; going round would be for ever */
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int otap_fsync(int fd)
{
    while (fsync(fd) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

int otap_fdatasync(int fd)
{
    while (fdatasync(fd) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

int otap_lock(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

void otap_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* A new directory must survive a power cut as its files do: its name is durable once the parent is synced. */
static int sync_parent(int dir_fd)
{
    int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    int number = otap_fsync(fd);
    otap_close(&fd);
    return number;
}

int otap_open_dir(const char *dir, int *fd)
{
    bool made = mkdir(dir, 0700) == 0;

    if (!made && errno != EEXIST)
        return errno;
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return errno;
    return made ? sync_parent(*fd) : 0;
}

static int write_fresh(int dir_fd, const char *tmp, const void *buf, size_t len)
{
    int fd, number;

    if (unlinkat(dir_fd, tmp, 0) != 0 && errno != ENOENT)
        return errno;
    fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    number = otap_pwrite(fd, buf, len, 0);
    if (number == 0)
        number = otap_fsync(fd);
    if (close(fd) != 0 && number == 0)
        number = errno;
    return number;
}

int otap_replace(int dir_fd, const char *tmp, const char *name, const void *buf, size_t len)
{
    int number = write_fresh(dir_fd, tmp, buf, len);

    if (number == 0 && renameat(dir_fd, tmp, dir_fd, name) != 0)
        number = errno;
    if (number != 0) {
        (void)unlinkat(dir_fd, tmp, 0);
        return number;
    }
    return otap_fsync(dir_fd);
}

ota_err otap_result(int number, ota_err err, int32_t *port_code)
{
    if (number == 0)
        return OTA_OK;
    if (port_code)
        *port_code = number;
    return err;
}

uint64_t otap_now_ms(void)
{
    struct timespec t = { 0, 0 };

    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}
