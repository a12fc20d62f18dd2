/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports.h"

/* One walk. Folders hold many files, and nothing of them is kept. */
struct walk {
    struct tool *t;
    struct report_walk *w;
    const char *dir;
    char device[REPORT_TEXT_MAX]; /* folder under way */
    struct report report;
    char text[REPORT_FILE_MAX + 1];
};

static int skip(struct walk *k, const char *name, const char *why)
{
    k->w->bad++;
    if (k->w->bad <= k->w->max_bad_named)
        (void)fprintf(stderr, "ota-repo: skipped: %s/%s%s%s: %s\n", k->dir, k->device, k->device[0] ? "/" : "", name, why);
    return TOOL_OK;
}

/* "<id>.json", "<boot>-<id>.json". */
static bool name_numbers(const char *name, uint64_t *boot, uint64_t *id)
{
    char canonical[64];
    int n = 0;

    *boot = 0;
    if (sscanf(name, "%" SCNu64 "-%" SCNu64 ".json%n", boot, id, &n) == 2 && n > 0)
        (void)snprintf(canonical, sizeof canonical, "%" PRIu64 "-%" PRIu64 ".json", *boot, *id);
    else if (*boot = 0, sscanf(name, "%" SCNu64 ".json%n", id, &n) == 1 && n > 0)
        (void)snprintf(canonical, sizeof canonical, "%" PRIu64 ".json", *id);
    else
        return false;
    return strcmp(canonical, name) == 0;
}

/* The whole file, or why not. */
static const char *read_whole(int dir_fd, const char *name, char *text, size_t *len)
{
    struct stat st;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = 0;

    *len = 0;
    if (fd < 0)
        return errno == ELOOP ? "is a link" : strerror(errno);
    const char *why = fstat(fd, &st) != 0 ? strerror(errno) : !S_ISREG(st.st_mode) ? "is not a file" : NULL;
    while (why == NULL && *len <= REPORT_FILE_MAX && (n = read(fd, text + *len, REPORT_FILE_MAX + 1 - *len)) > 0)
        *len += (size_t)n;
    if (why == NULL && n < 0)
        why = strerror(errno);
    (void)close(fd);
    return why == NULL && *len > REPORT_FILE_MAX ? "is larger than 8192 bytes" : why;
}

static int take_file(struct walk *k, int dir_fd, const char *name)
{
    uint64_t boot, id;
    char why[256];
    size_t len;

    k->w->files++;
    if (!name_numbers(name, &boot, &id))
        return skip(k, name, "its name is not <boot>-<id>.json");
    const char *trouble = read_whole(dir_fd, name, k->text, &len);
    if (trouble != NULL)
        return skip(k, name, trouble);
    if (!report_parse(k->text, len, &k->report, why, sizeof why))
        return skip(k, name, why);
    if (strcmp(k->report.device, k->device) != 0)
        return skip(k, name, "device: is not the name of the folder");
    if (k->report.id != id)
        return skip(k, name, "id: is not the one of the file's name");
    if (k->report.boot != boot)
        return skip(k, name, "boot: is not the one of the file's name");
    k->w->good++;
    return k->w->visit(k->w->self, &k->report);
}

/* The next name that is no dot file's, or NULL; *failed says why there is none. */
static const char *next_name(DIR *d, int *failed)
{
    struct dirent *e;

    do {
        errno = 0;
        e = readdir(d);
    } while (e != NULL && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
    *failed = e == NULL ? errno : 0;
    return e == NULL ? NULL : e->d_name;
}

static int walk_device(struct walk *k, int fd)
{
    DIR *d = fdopendir(fd);
    const char *name;
    int rc = TOOL_OK, failed = errno;

    if (d == NULL) {
        (void)close(fd);
        return tool_failed(k->t, "%s/%s: %s", k->dir, k->device, strerror(failed));
    }
    while (rc == TOOL_OK && (name = next_name(d, &failed)) != NULL)
        rc = take_file(k, dirfd(d), name);
    (void)closedir(d);
    return rc == TOOL_OK && failed ? tool_failed(k->t, "%s/%s: %s", k->dir, k->device, strerror(failed)) : rc;
}

static int enter(struct walk *k, int root_fd, const char *name)
{
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    k->device[0] = '\0';
    if (fd < 0) {
        k->w->files++;
        return skip(k, name, "is not the folder of a device");
    }
    if (strlen(name) >= sizeof k->device) {
        (void)close(fd);
        k->w->files++;
        return skip(k, name, "its name is longer than a device's");
    }
    (void)snprintf(k->device, sizeof k->device, "%s", name);
    return walk_device(k, fd);
}

int report_walk(struct tool *t, const char *dir, struct report_walk *w)
{
    struct walk k = { .t = t, .w = w, .dir = dir }; /* not tool_alloc: a folder may be walked every few seconds */
    DIR *d = opendir(dir);
    const char *name;
    int rc = TOOL_OK, failed = 0;

    if (d == NULL)
        return tool_failed(t, "%s: %s", dir, strerror(errno));
    while (rc == TOOL_OK && (name = next_name(d, &failed)) != NULL)
        rc = enter(&k, dirfd(d), name);
    (void)closedir(d);
    return rc == TOOL_OK && failed ? tool_failed(t, "%s: %s", dir, strerror(failed)) : rc;
}
