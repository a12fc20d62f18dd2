/* SPDX-License-Identifier: Apache-2.0 */
/* systemd-boot and other loaders of the Boot Loader Specification with automatic boot assessment: a slot is an entry file
 * <name>[+left[-done]].conf. The loader renames it at every start: +3, +2-1, +1-2, +0-3; an entry without starts left is
 * tried last, one without a suffix is good. Among the others the higher `version` comes first, so arming writes one that is
 * higher than the other slot's.
 *
 * Everything here is one rename. Between two of them a slot has exactly one entry. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file_io.h"
#include "loader.h"

#define ENTRY_MAX 4096
#define NAME_LEN 256
#define SUFFIX ".conf"
#define COUNT_MAX 255u
#define VERSION_MAX 99999999u

struct entry {
    char file[NAME_LEN];
    bool counted;            /* the name has a counter */
    unsigned left, tried;
};

static struct ota_posix_boot_bls *self(struct ota_posix_loader *l)
{
    return (struct ota_posix_boot_bls *)l;
}

/* At most three digits of a counter; moves *p behind them. */
static bool counter(const char **p, unsigned *out)
{
    char digits[4] = { 0 };
    size_t len = strspn(*p, "0123456789");

    if (len == 0 || len >= sizeof digits)
        return false;
    memcpy(digits, *p, len);
    *p += len;
    return otap_number(digits, 10, COUNT_MAX, out);
}

/* Is this file the slot's entry? */
static bool is_entry(const char *file, const char *name, struct entry *e)
{
    size_t len = strlen(name);
    const char *p = file + len;

    if (strncmp(file, name, len) != 0)
        return false;
    *e = (struct entry){ .counted = *p == '+' };
    if (e->counted) {
        p++;
        if (!counter(&p, &e->left))
            return false;
        if (*p == '-') {
            p++;
            if (!counter(&p, &e->tried))
                return false;
        }
    }
    return strcmp(p, SUFFIX) == 0 && snprintf(e->file, sizeof e->file, "%s", file) < (int)sizeof e->file;
}

static int scan(struct ota_posix_loader *l, DIR *dir, struct entry e[2])
{
    unsigned found[2] = { 0, 0 };
    const struct dirent *d;
    struct entry one;

    for (errno = 0, d = readdir(dir); d; errno = 0, d = readdir(dir))
        for (int i = 0; i < 2; i++)
            if (is_entry(d->d_name, l->cfg.name[i], &one)) {
                e[i] = one;
                found[i]++;
            }
    if (errno != 0)
        return otap_blame(l, "entries", errno);
    for (int i = 0; i < 2; i++)
        if (found[i] != 1)
            return otap_blame(l, l->cfg.name[i], found[i] == 0 ? ENOENT : EEXIST);
    return 0;
}

static int find(struct ota_posix_loader *l, struct entry e[2])
{
    DIR *dir = opendir(self(l)->entries);
    int number;

    if (!dir)
        return otap_blame(l, "entries", errno);
    number = scan(l, dir, e);
    (void)closedir(dir);
    return number;
}

static int open_dir(struct ota_posix_loader *l, int *fd)
{
    *fd = open(self(l)->entries, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd >= 0 ? 0 : otap_blame(l, "entries", errno);
}

static int read_entry(struct ota_posix_loader *l, int dir, const char *file, char text[ENTRY_MAX])
{
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int number = fd < 0 ? errno : 0;
    size_t fill = 0;
    ssize_t n = 1;

    while (number == 0 && n != 0) {
        n = read(fd, text + fill, ENTRY_MAX - 1 - fill);
        if (n < 0 && errno != EINTR)
            number = errno;
        fill += n > 0 ? (size_t)n : 0;
        if (fill == ENTRY_MAX - 1)
            number = EFBIG;
    }
    otap_close(&fd);
    text[fill] = '\0';
    return number == 0 ? 0 : otap_blame(l, "entry", number);
}

/* The line "key value": its place and length without the newline. NULL: not there. */
static const char *line_of(const char *text, const char *key, size_t *len)
{
    size_t key_len = strlen(key);

    for (const char *p = text; *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n')) {
        *len = strcspn(p, "\n");
        if (*len > key_len && memcmp(p, key, key_len) == 0 && strchr(" \t", p[key_len]))
            return p;
    }
    return NULL;
}

static int version_of(struct ota_posix_loader *l, int dir, const char *file, unsigned *version)
{
    char text[ENTRY_MAX], digits[16];
    size_t len, skip;
    const char *line;
    int number = read_entry(l, dir, file, text);

    if (number != 0)
        return number;
    if (line_of(text, "sort-key", &len))
        return otap_blame(l, "sort-key", ERANGE); /* it would come before the version */
    line = line_of(text, "version", &len);
    if (!line)
        return otap_blame(l, "version", ENODATA);
    skip = strlen("version") + strspn(line + strlen("version"), " \t");
    if (len - skip >= sizeof digits)
        return otap_blame(l, "version", ERANGE);
    memcpy(digits, line + skip, len - skip);
    digits[len - skip] = '\0';
    return otap_number(digits, 10, VERSION_MAX, version) ? 0 : otap_blame(l, "version", ERANGE);
}

/* Nothing left to try: the loader puts it behind the others. */
static bool is_bad(const struct entry *e)
{
    return e->counted && e->left == 0;
}

static int bls_read(struct ota_posix_loader *l, struct otap_loader_view *out)
{
    struct entry e[2];
    unsigned version[2] = { 0, 0 };
    int dir, number = find(l, e);

    if (number == 0)
        number = open_dir(l, &dir);
    if (number != 0)
        return number;
    for (int i = 0; i < 2 && number == 0; i++)
        number = version_of(l, dir, e[i].file, &version[i]);
    otap_close(&dir);
    if (number != 0)
        return number;
    for (int i = 0; i < 2; i++)
        out->tries_of[i] = (uint8_t)(e[i].counted ? e[i].left : 0);
    if (is_bad(&e[0]) == is_bad(&e[1]))
        out->armed = version[1] > version[0];
    else
        out->armed = is_bad(&e[0]);
    out->tries = out->tries_of[out->armed];
    return 0;
}

static int rename_entry(struct ota_posix_loader *l, int dir, struct entry *e, const char *to)
{
    if (strcmp(e->file, to) != 0 && renameat(dir, e->file, dir, to) != 0)
        return otap_blame(l, "entry", errno);
    (void)snprintf(e->file, sizeof e->file, "%s", to);
    int number = otap_fsync(dir);
    return number == 0 ? 0 : otap_blame(l, "entries", number);
}

static void name_with(char out[NAME_LEN], const char *name, const char *counter_text)
{
    (void)snprintf(out, NAME_LEN, "%.200s%.12s" SUFFIX, name, counter_text);
}

/* The entry's text with another version, put in place of the old one. */
static int write_version(struct ota_posix_loader *l, int dir, const struct entry *e, unsigned version)
{
    char text[ENTRY_MAX], fresh[ENTRY_MAX + 32];
    size_t len = 0;
    const char *line;
    int n, number = read_entry(l, dir, e->file, text);

    if (number != 0)
        return number;
    line = line_of(text, "version", &len);
    if (!line)
        return otap_blame(l, "version", ENODATA);
    n = snprintf(fresh, sizeof fresh, "%.*sversion %u%s", (int)(line - text), text, version, line + len);
    number = otap_replace(dir, ".ota-entry.tmp", e->file, fresh, (size_t)n);
    return number == 0 ? 0 : otap_blame(l, "entry", number);
}

/* Set aside, given the higher version, and only then put in front. */
static int arm_entry(struct ota_posix_loader *l, int dir, struct entry e[2], uint8_t slot, uint8_t tries)
{
    char aside[NAME_LEN], armed[NAME_LEN], text[8];
    unsigned mine, others;
    int number;

    name_with(aside, l->cfg.name[slot], "+0");
    (void)snprintf(text, sizeof text, "+%u", (unsigned)tries);
    name_with(armed, l->cfg.name[slot], text);
    number = version_of(l, dir, e[slot].file, &mine);
    if (number == 0)
        number = version_of(l, dir, e[1 - slot].file, &others);
    if (number == 0)
        number = rename_entry(l, dir, &e[slot], aside);
    if (number == 0 && mine <= others)
        number = write_version(l, dir, &e[slot], others + 1);
    return number == 0 ? rename_entry(l, dir, &e[slot], armed) : number;
}

/* The other slot's entry must be good before this one is tried. */
static int bls_arm(struct ota_posix_loader *l, uint8_t slot, uint8_t tries)
{
    struct entry e[2];
    char good[NAME_LEN];
    uint8_t other = (uint8_t)(1 - slot);
    int dir, number = find(l, e);

    if (number == 0)
        number = open_dir(l, &dir);
    if (number != 0)
        return number;
    name_with(good, l->cfg.name[other], "");
    if (e[other].counted)
        number = rename_entry(l, dir, &e[other], good);
    if (number == 0)
        number = arm_entry(l, dir, e, slot, tries);
    otap_close(&dir);
    return number;
}

static int rename_slot(struct ota_posix_loader *l, uint8_t slot, const char *counter_text)
{
    struct entry e[2];
    char to[NAME_LEN];
    int dir, number = find(l, e);

    if (number == 0)
        number = open_dir(l, &dir);
    if (number != 0)
        return number;
    name_with(to, l->cfg.name[slot], counter_text);
    number = rename_entry(l, dir, &e[slot], to);
    otap_close(&dir);
    return number;
}

/* What systemd-bless-boot does for "good". */
static int bls_keep(struct ota_posix_loader *l, uint8_t slot)
{
    return rename_slot(l, slot, "");
}

static int bls_drop(struct ota_posix_loader *l, uint8_t slot)
{
    return rename_slot(l, slot, "+0");
}

static const struct otap_loader_ops bls = { bls_read, bls_arm, bls_keep, bls_drop, NULL };

ota_err ota_posix_boot_bls_open(struct ota_posix_boot_bls *b, const struct ota_posix_boot_bls_config *cfg, struct ota_fault *fault)
{
    if (!b || !cfg || !cfg->entries)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.entries", 0);
    *b = (struct ota_posix_boot_bls){ .entries = cfg->entries };
    b->base.tries_max = 15;
    for (size_t i = 0; i < 2; i++)
        if (cfg->loader.name[i] && strlen(cfg->loader.name[i]) > 200)
            return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.slots", 0);
    return otap_loader_open(&b->base, &bls, &cfg->loader, fault);
}
