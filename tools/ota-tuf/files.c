/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "bytes.h"
#include "ota/posix.h"

#define DRAFT ".ota-tuf-" /* how a draft's name begins; no role's and no target's does */

static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-_~", c));
}

/* A dot is plain but at the beginning: no name is hidden, "." or "..". */
static void encode(struct otai_text *t, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (const char *p = s; *p; p++) {
        uint8_t c = (uint8_t)*p;
        char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };
        bool plain = unreserved(*p) || (*p == '.' && p != s);

        otai_text_bytes(t, plain ? p : escaped, plain ? 1 : sizeof escaped);
    }
}

static bool digest_name(struct otai_text *t, const char *what)
{
    struct ota_posix_crypto c;
    struct ota_hash h;
    uint8_t sum[OTA_SHA256_LEN];

    if (ota_posix_crypto_open(&c, NULL, NULL) != OTA_OK || c.port.ops->hash_start(&c.port, &h, OTA_SHA256) != OTA_OK)
        return false;
    ota_err err = c.port.ops->hash_add(&c.port, &h, what, strlen(what));
    ota_err end = c.port.ops->hash_end(&c.port, &h, err == OTA_OK ? sum : NULL);
    otai_text_hex(t, sum, sizeof sum);
    return err == OTA_OK && end == OTA_OK;
}

bool files_name(char out[FILES_NAME_MAX], const char *what, const char *suffix)
{
    struct otai_text t;

    otai_text_init(&t, out, FILES_NAME_MAX);
    encode(&t, what);
    otai_text_add(&t, suffix);
    if (!t.full)
        return t.len > 0;
    otai_text_init(&t, out, FILES_NAME_MAX);
    bool ok = digest_name(&t, what);
    otai_text_add(&t, suffix);
    return ok && !t.full;
}

static int open_dir(const char *dir)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* All of buf[0..cap), or what there is. -1 on an error. */
static int64_t read_up_to(int fd, uint8_t *buf, size_t cap)
{
    size_t at = 0;

    while (at < cap) {
        ssize_t n = read(fd, buf + at, cap - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        at += (size_t)n;
    }
    return (int64_t)at;
}

int64_t files_read(const char *dir, const char *name, uint8_t *buf, size_t cap)
{
    uint8_t more;
    int dir_fd = open_dir(dir);
    int fd = dir_fd < 0 ? -1 : openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int64_t len = fd < 0 ? -1 : read_up_to(fd, buf, cap);

    if (len == (int64_t)cap && read_up_to(fd, &more, 1) != 0)
        len = -1;
    if (fd >= 0)
        (void)close(fd);
    if (dir_fd >= 0)
        (void)close(dir_fd);
    return len;
}

bool files_write(const char *dir, const char *name, const uint8_t *p, size_t len)
{
    struct files_draft d;

    if (!files_draft_open(&d, dir))
        return false;
    if (files_draft_add(&d, p, len))
        return files_draft_keep(&d, name);
    files_draft_drop(&d);
    return false;
}

bool files_remove(const char *dir, const char *name)
{
    int dir_fd = open_dir(dir);
    bool ok = dir_fd >= 0 && (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) && fsync(dir_fd) == 0;

    if (dir_fd >= 0)
        (void)close(dir_fd);
    return ok;
}

/* A scan that fails removes nothing: drafts are in nobody's way. */
static void remove_drafts(int dir_fd)
{
    int scan_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *scan = scan_fd < 0 ? NULL : fdopendir(scan_fd);
    struct dirent *entry;

    if (!scan && scan_fd >= 0)
        (void)close(scan_fd);
    while (scan && (entry = readdir(scan)) != NULL)
        if (strncmp(entry->d_name, DRAFT, sizeof DRAFT - 1) == 0)
            (void)unlinkat(dir_fd, entry->d_name, 0);
    if (scan)
        (void)closedir(scan);
}

int files_claim(const char *dir)
{
    int fd = open_dir(dir);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;

        (void)close(fd);
        errno = why;
        return -1;
    }
    if (fd >= 0)
        remove_drafts(fd);
    return fd;
}

bool files_draft_open(struct files_draft *d, const char *dir)
{
    *d = (struct files_draft){ .dir_fd = open_dir(dir), .fd = -1 };
    (void)snprintf(d->temp, sizeof d->temp, DRAFT "%ld", (long)getpid());
    if (d->dir_fd < 0)
        return false;
    d->fd = openat(d->dir_fd, d->temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (d->fd >= 0)
        return true;
    files_draft_drop(d);
    return false;
}

bool files_draft_add(struct files_draft *d, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(d->fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool files_draft_keep(struct files_draft *d, const char *name)
{
    bool ok = fsync(d->fd) == 0 && renameat(d->dir_fd, d->temp, d->dir_fd, name) == 0;

    if (ok) {
        d->temp[0] = '\0';
        ok = fsync(d->dir_fd) == 0;
    }
    files_draft_drop(d);
    return ok;
}

void files_draft_drop(struct files_draft *d)
{
    int why = errno;

    if (d->fd >= 0)
        (void)close(d->fd);
    if (d->dir_fd >= 0 && d->temp[0])
        (void)unlinkat(d->dir_fd, d->temp, 0);
    if (d->dir_fd >= 0)
        (void)close(d->dir_fd);
    d->fd = d->dir_fd = -1;
    d->temp[0] = '\0';
    errno = why;
}
