/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const char *path, const char *what)
{
    (void)fprintf(stderr, "ota-delta: %s: %s: %s\n", path, what, strerror(errno));
    return false;
}

static bool map_fd(struct mapped *m, int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return complain(path, "cannot read");
    if (!S_ISREG(st.st_mode)) {
        (void)fprintf(stderr, "ota-delta: %s: not a regular file\n", path);
        return false;
    }
    m->len = (size_t)st.st_size;
    if (m->len == 0)
        return true;
    void *p = mmap(NULL, m->len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return complain(path, "cannot map");
    m->p = p;
    return true;
}

bool files_map(struct mapped *m, const char *path)
{
    static const uint8_t nothing[1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *m = (struct mapped){ .p = nothing };
    if (fd < 0)
        return complain(path, "cannot open");
    bool ok = map_fd(m, fd, path);
    (void)close(fd);
    return ok;
}

void files_unmap(struct mapped *m)
{
    if (m->len)
        (void)munmap((void *)(uintptr_t)m->p, m->len);
    m->len = 0;
}

bool files_begin(struct draft *d, const char *path)
{
    size_t len = strlen(path) + 16;

    *d = (struct draft){ .path = path, .temp = malloc(len) };
    if (!d->temp)
        return complain(path, "cannot write");
    (void)snprintf(d->temp, len, "%s.XXXXXX", path);
    int fd = mkstemp(d->temp);
    if (fd >= 0 && fchmod(fd, 0644) == 0)
        d->f = fdopen(fd, "wb");
    if (d->f)
        return true;
    (void)complain(path, "cannot create beside it");
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(d->temp);
    }
    free(d->temp);
    d->temp = NULL;
    return false;
}

bool files_add(struct draft *d, const void *p, size_t len)
{
    return fwrite(p, 1, len, d->f) == len || complain(d->path, "cannot write");
}

void files_drop(struct draft *d)
{
    if (d->f)
        (void)fclose(d->f);
    if (d->temp)
        (void)unlink(d->temp);
    free(d->temp);
    *d = (struct draft){ 0 };
}

bool files_keep(struct draft *d)
{
    bool ok = fflush(d->f) == 0 && fsync(fileno(d->f)) == 0;

    ok = fclose(d->f) == 0 && ok;
    d->f = NULL;
    if (!ok || rename(d->temp, d->path) != 0) {
        (void)complain(d->path, "cannot write");
        files_drop(d);
        return false;
    }
    free(d->temp);
    d->temp = NULL;
    return true;
}
