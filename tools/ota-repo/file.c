/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"

#define COPY_LEN 65536
#define STOP_EXIT 75

/* Test hook: OTA_REPO_STOP_AFTER=n ends the program after its n-th rename, as a power cut would. */
static void stop_here(void)
{
    static unsigned long renames;
    const char *text = getenv("OTA_REPO_STOP_AFTER");
    unsigned long n;

    if (text != NULL && number_parse(text, 1, 1000000, &n) && ++renames == n)
        _exit(STOP_EXIT);
}

static int io_failed(struct tool *t, const char *path, const char *verb)
{
    return tool_failed(t, "%s: cannot %s: %s", path, verb, strerror(errno));
}

static int open_to_read(struct tool *t, const char *path, int *fd)
{
    struct stat st;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO by that name must not hang us */
    if (*fd < 0 && errno == ENOENT) {
        (void)tool_failed(t, "%s: not there", path);
        return TOOL_ABSENT;
    }
    if (*fd < 0)
        return io_failed(t, path, "open");
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
        return TOOL_OK;
    (void)close(*fd);
    return tool_failed(t, "%s: not a regular file", path);
}

static int read_all(struct tool *t, int fd, const char *path, char **text, size_t *len)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return io_failed(t, path, "read");
    if (st.st_size > (off_t)FILE_TEXT_MAX)
        return tool_failed(t, "%s: %lld bytes are too many", path, (long long)st.st_size);
    *text = tool_alloc(t, (size_t)st.st_size + 1);
    *len = 0;
    while (*len < (size_t)st.st_size) {
        ssize_t got = read(fd, *text + *len, (size_t)st.st_size - *len);
        if (got < 0)
            return io_failed(t, path, "read");
        if (got == 0)
            break;
        *len += (size_t)got;
    }
    return TOOL_OK;
}

int file_read(struct tool *t, const char *path, char **text, size_t *len)
{
    int fd;
    int rc = open_to_read(t, path, &fd);

    if (rc != TOOL_OK)
        return rc;
    rc = read_all(t, fd, path, text, len);
    (void)close(fd);
    return rc;
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, p, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        p += put;
        len -= (size_t)put;
    }
    return true;
}

static char *dir_of(struct tool *t, const char *path)
{
    char *dir = tool_format(t, "%s", path);
    char *slash = strrchr(dir, '/');

    if (slash == NULL)
        return tool_format(t, ".");
    if (slash == dir)
        return tool_format(t, "/");
    *slash = '\0';
    return dir;
}

static int sync_dir(struct tool *t, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return io_failed(t, dir, "open");
    int rc = fsync(fd) == 0 ? TOOL_OK : io_failed(t, dir, "sync");
    (void)close(fd);
    return rc;
}

static int rename_durably(struct tool *t, const char *temp, const char *path)
{
    if (rename(temp, path) != 0)
        return io_failed(t, path, "rename to");
    int rc = sync_dir(t, dir_of(t, path));
    stop_here();
    return rc;
}

char *file_temp(struct tool *t, const char *dir)
{
    return tool_format(t, "%s/.ota-repo.tmp", dir);
}

void file_discard(const char *temp)
{
    (void)unlink(temp);
}

/* The mode is set again because the process's umask may have taken bits that a web server needs. */
static int write_temp(struct tool *t, const char *temp, const void *data, size_t len, unsigned mode)
{
    file_discard(temp);
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return io_failed(t, temp, "create");
    bool ok = fchmod(fd, (mode_t)mode) == 0 && write_all(fd, data, len) && fsync(fd) == 0;
    int rc = ok ? TOOL_OK : io_failed(t, temp, "write");
    if (close(fd) != 0 && rc == TOOL_OK)
        rc = io_failed(t, temp, "close");
    if (rc != TOOL_OK)
        file_discard(temp);
    return rc;
}

/* Web servers make an entity tag of a file's size and the second of its time. A file that follows another within that
 * second must not get the same tag: a device that saw the older one would be told that nothing changed. */
static int make_newer(struct tool *t, const char *temp, const char *path)
{
    struct stat old, new;

    if (stat(path, &old) != 0)
        return TOOL_OK;
    if (stat(temp, &new) != 0)
        return io_failed(t, temp, "look at");
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = old.st_mtime + 1 } };
    if (new.st_mtime > old.st_mtime || utimensat(AT_FDCWD, temp, times, 0) == 0)
        return TOOL_OK;
    return io_failed(t, temp, "set the time of");
}

int file_replace(struct tool *t, const char *path, const void *data, size_t len, unsigned mode)
{
    const char *temp = file_temp(t, dir_of(t, path));
    int rc = write_temp(t, temp, data, len, mode);

    if (rc == TOOL_OK)
        rc = make_newer(t, temp, path);
    return rc != TOOL_OK ? rc : rename_durably(t, temp, path);
}

int file_publish(struct tool *t, const char *path, const void *data, size_t len)
{
    char *old;
    size_t old_len;
    int rc = file_read(t, path, &old, &old_len);

    if (rc == TOOL_ABSENT)
        return file_replace(t, path, data, len, 0644);
    if (rc != TOOL_OK)
        return rc;
    if (old_len == len && memcmp(old, data, len) == 0)
        return TOOL_OK;
    return tool_failed(t, "%s: published already with other content; refusing to overwrite it", path);
}

bool file_finish(int fd)
{
    return fchmod(fd, 0644) == 0 && fsync(fd) == 0;
}

int file_place(struct tool *t, const char *temp, const char *path)
{
    if (file_exists(path))
        return tool_failed(t, "%s: published already; refusing to overwrite it", path);
    return rename_durably(t, temp, path);
}

bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

bool file_is_empty(const char *path)
{
    struct stat st;

    return stat(path, &st) != 0 || st.st_size == 0;
}

static int make_dir(struct tool *t, const char *path, unsigned mode)
{
    struct stat st;

    if (mkdir(path, (mode_t)mode) == 0)
        return chmod(path, (mode_t)mode) == 0 ? sync_dir(t, dir_of(t, path)) : io_failed(t, path, "set the mode of");
    if (errno != EEXIST)
        return io_failed(t, path, "create directory");
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return tool_failed(t, "%s: not a directory", path);
    return TOOL_OK;
}

int file_mkdirs(struct tool *t, const char *path, unsigned mode)
{
    char *part = tool_format(t, "%s", path);

    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = make_dir(t, part, mode);
        *slash = '/';
        if (rc != TOOL_OK)
            return rc;
    }
    return make_dir(t, part, mode);
}

/* Read `from` to its end: into the digest, and into `to` unless that is -1. */
static int pump(struct tool *t, int from, int to, const char *path, uint64_t *len, char hex[DIGEST_HEX])
{
    static char buf[COPY_LEN];
    struct digest d;
    int rc = digest_begin(t, &d);

    *len = 0;
    while (rc == TOOL_OK) {
        ssize_t got = read(from, buf, sizeof buf);
        if (got < 0)
            rc = io_failed(t, path, "read");
        if (got <= 0)
            break;
        if (to >= 0 && !write_all(to, buf, (size_t)got))
            rc = io_failed(t, path, "copy");
        if (rc == TOOL_OK)
            rc = digest_more(t, &d, buf, (size_t)got);
        *len += (uint64_t)got;
    }
    return digest_end(t, &d, rc, hex);
}

int file_digest(struct tool *t, const char *path, uint64_t *len, char hex[DIGEST_HEX])
{
    int fd;
    int rc = open_to_read(t, path, &fd);

    if (rc != TOOL_OK)
        return rc;
    rc = pump(t, fd, -1, path, len, hex);
    (void)close(fd);
    return rc;
}

int file_copy(struct tool *t, const char *from, const char *to, uint64_t *len, char hex[DIGEST_HEX])
{
    int in;
    int rc = open_to_read(t, from, &in);

    if (rc != TOOL_OK)
        return rc;
    file_discard(to);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (out < 0) {
        (void)close(in);
        return io_failed(t, to, "create");
    }
    rc = pump(t, in, out, from, len, hex);
    if (rc == TOOL_OK && !file_finish(out))
        rc = io_failed(t, to, "write");
    (void)close(in);
    (void)close(out);
    if (rc != TOOL_OK)
        file_discard(to);
    return rc;
}

int file_lock(struct tool *t, bool write)
{
    int how = write ? LOCK_EX : LOCK_SH;

    t->lock_fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->lock_fd < 0)
        return io_failed(t, t->dir, "open");
    if (flock(t->lock_fd, how | LOCK_NB) == 0)
        return TOOL_OK;
    tool_say(t, "waiting for another ota-repo that works on %s", t->dir);
    while (flock(t->lock_fd, how) != 0)
        if (errno != EINTR)
            return io_failed(t, t->dir, "lock");
    return TOOL_OK;
}

int file_map(struct tool *t, const char *path, struct file_map *m)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *p = MAP_FAILED;

    *m = (struct file_map){ 0 };
    errno = 0; /* stays so for an empty file, which cannot be mapped */
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    if (p == MAP_FAILED && why == 0)
        return tool_failed(t, "%s: is empty", path);
    if (p == MAP_FAILED)
        return tool_failed(t, "%s: cannot read: %s", path, strerror(why));
    *m = (struct file_map){ p, (size_t)st.st_size };
    return TOOL_OK;
}

void file_unmap(struct file_map *m)
{
    if (m->p)
        (void)munmap(m->p, m->len);
}

int file_make(struct tool *t, const char *to, const void *p, size_t len)
{
    file_discard(to);
    FILE *f = fopen(to, "wbx");
    if (f == NULL)
        return tool_failed(t, "%s: cannot create: %s", to, strerror(errno));
    bool good = fwrite(p, 1, len, f) == len && fflush(f) == 0 && file_finish(fileno(f));
    if (fclose(f) != 0 || !good)
        return tool_failed(t, "%s: cannot write: %s", to, strerror(errno));
    return TOOL_OK;
}
