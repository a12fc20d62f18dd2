/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_all(int fd, char *p, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, p + len, cap - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

char *file_read(const char *path, size_t max, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *p = fd >= 0 ? malloc(max + 2) : NULL;
    ssize_t n = p ? read_all(fd, p, max + 1) : -1;
    int error = n > (ssize_t)max ? EFBIG : errno;

    if (fd >= 0)
        (void)close(fd);
    if (n < 0 || n > (ssize_t)max) {
        free(p);
        errno = error;
        return NULL;
    }
    p[n] = '\0';
    *len = (size_t)n;
    return p;
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* The new name is durable once its folder is synced. */
static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;
    bool ok;

    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = fsync(fd) == 0;
    (void)close(fd);
    return ok;
}

bool file_replace(const char *path, const void *p, size_t len)
{
    char temp[PATH_MAX];
    int fd;
    bool ok;

    if (snprintf(temp, sizeof temp, "%s.new", path) >= (int)sizeof temp) {
        errno = ENAMETOOLONG;
        return false;
    }
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    ok = write_all(fd, p, len);
    int error = errno;
    (void)close(fd);
    errno = error;
    return ok && rename(temp, path) == 0 && sync_folder(path);
}
