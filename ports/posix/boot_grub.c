/* SPDX-License-Identifier: Apache-2.0 */
/* GRUB's environment block: ORDER, <slot>_OK, <slot>_TRY in a file of 1024 bytes that the loader finds by its blocks on the
 * disk. So it is rewritten in place, with one write and one sync; grub-editenv would empty it first. Our variables come
 * first in the block and keep their length, so that all that ever changes lies in its first sector: a torn write is the old
 * block or the new one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "file_io.h"
#include "loader.h"

#define BLOCK OTA_POSIX_GRUB_ENV_LEN
#define SECTOR 512

static const char head[] = "# GRUB Environment Block\n";
#define HEAD_LEN (sizeof head - 1)

/* What we keep in it. */
struct vars {
    char order[OTAP_WORDS_MAX];
    unsigned ok[2], tried[2];
};

struct block {
    char text[BLOCK + 1];
    struct vars v;
};

static struct ota_posix_boot_grub *self(struct ota_posix_loader *l)
{
    return (struct ota_posix_boot_grub *)l;
}

static int open_block(struct ota_posix_loader *l, int flags, int *fd)
{
    struct stat st;

    *fd = open(self(l)->env, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0)
        return otap_blame(l, "environment block", errno);
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == BLOCK)
        return 0;
    otap_close(fd);
    return otap_blame(l, "environment block's size", EBADMSG);
}

/* The line "name=..." at p? Then its value. */
static const char *value_at(const char *p, const char *name, size_t name_len, const char *suffix)
{
    size_t suffix_len = strlen(suffix);

    if (strncmp(p, name, name_len) != 0 || strncmp(p + name_len, suffix, suffix_len) != 0 || p[name_len + suffix_len] != '=')
        return NULL;
    return p + name_len + suffix_len + 1;
}

static const char *next_line(const char *p)
{
    const char *end = strchr(p, '\n');

    return end ? end + 1 : p + strlen(p);
}

/* The value of a variable, up to its newline. NULL: not there. */
static const char *find(const char *text, const char *name, const char *suffix, size_t *len)
{
    for (const char *p = text + HEAD_LEN; *p; p = next_line(p)) {
        const char *value = value_at(p, name, strlen(name), suffix);

        if (value) {
            *len = strcspn(value, "\n");
            return value;
        }
    }
    return NULL;
}

static int parse_order(struct ota_posix_loader *l, struct block *b)
{
    size_t len;
    const char *value = find(b->text, "ORDER", "", &len);

    if (!value)
        return otap_blame(l, "ORDER", ENODATA);
    if (len >= sizeof b->v.order || memchr(value, '\\', len))
        return otap_blame(l, "ORDER", ERANGE);
    memcpy(b->v.order, value, len);
    b->v.order[len] = '\0';
    return otap_words_first(l, b->v.order) != OTA_SLOT_NONE ? 0 : otap_blame(l, "ORDER", ERANGE);
}

static int parse_digit(struct ota_posix_loader *l, const struct block *b, uint8_t slot, const char *suffix, unsigned max, unsigned *out)
{
    size_t len;
    const char *value = find(b->text, l->cfg.name[slot], suffix, &len);
    char digits[3] = { 0 };

    if (!value)
        return otap_blame_of(l, l->cfg.name[slot], suffix, ENODATA);
    if (len < sizeof digits)
        memcpy(digits, value, len);
    return otap_number(digits, 10, max, out) ? 0 : otap_blame_of(l, l->cfg.name[slot], suffix, ERANGE);
}

static int parse(struct ota_posix_loader *l, struct block *b)
{
    int number;

    b->text[BLOCK] = '\0';
    if (memcmp(b->text, head, HEAD_LEN) != 0 || strlen(b->text) != BLOCK)
        return otap_blame(l, "environment block", EBADMSG);
    number = parse_order(l, b);
    for (uint8_t i = 0; i < 2 && number == 0; i++) {
        number = parse_digit(l, b, i, "_OK", 1, &b->v.ok[i]);
        if (number == 0)
            number = parse_digit(l, b, i, "_TRY", 15, &b->v.tried[i]);
    }
    return number;
}

static int load(struct ota_posix_loader *l, struct block *b)
{
    int fd, number = open_block(l, O_RDONLY, &fd);

    if (number != 0)
        return number;
    number = otap_pread(fd, b->text, BLOCK, 0);
    otap_close(&fd);
    return number == 0 ? parse(l, b) : otap_blame(l, "environment block", number);
}

static bool is_ours(const struct ota_posix_loader *l, const char *line)
{
    if (value_at(line, "ORDER", 5, ""))
        return true;
    for (size_t i = 0; i < 2; i++)
        if (value_at(line, l->cfg.name[i], strlen(l->cfg.name[i]), "_OK") || value_at(line, l->cfg.name[i], strlen(l->cfg.name[i]), "_TRY"))
            return true;
    return false;
}

/* Everything that is not ours, in its order, without the padding. The last line may be padding without a newline. */
static size_t copy_rest(const struct ota_posix_loader *l, const char *text, char *out, size_t at)
{
    for (const char *p = text + HEAD_LEN; *p; p = next_line(p)) {
        const char *end = next_line(p);
        size_t len = (size_t)(end - p);

        if (end[-1] != '\n' || is_ours(l, p))
            continue;
        if (at + len <= BLOCK)
            memcpy(out + at, p, len);
        at += len;
    }
    return at;
}

static int format(struct ota_posix_loader *l, const struct block *b, char out[BLOCK])
{
    char ours[SECTOR];
    const char *const *name = l->cfg.name;
    const struct vars *v = &b->v;
    int len = snprintf(ours, sizeof ours, "%sORDER=%s\n%s_OK=%u\n%s_TRY=%u\n%s_OK=%u\n%s_TRY=%u\n", head, v->order, name[0], v->ok[0],
                       name[0], v->tried[0], name[1], v->ok[1], name[1], v->tried[1]);
    size_t at;

    if (len < 0 || (size_t)len >= sizeof ours)
        return otap_blame(l, "environment block: slot names", ENOSPC);
    memset(out, '#', BLOCK);
    memcpy(out, ours, (size_t)len);
    at = copy_rest(l, b->text, out, (size_t)len);
    return at <= BLOCK ? 0 : otap_blame(l, "environment block", ENOSPC);
}

static int save(struct ota_posix_loader *l, const struct block *b)
{
    char out[BLOCK];
    int fd, number = format(l, b, out);

    if (number == 0)
        number = open_block(l, O_RDWR, &fd);
    if (number != 0)
        return number;
    number = otap_pwrite(fd, out, sizeof out, 0);
    if (number == 0)
        number = otap_fdatasync(fd);
    otap_close(&fd);
    return number == 0 ? 0 : otap_blame(l, "environment block", number);
}

static uint8_t tries(struct ota_posix_loader *l, const struct vars *v, uint8_t slot)
{
    return v->ok[slot] && v->tried[slot] < l->tries_max ? (uint8_t)(l->tries_max - v->tried[slot]) : 0;
}

static int grub_read(struct ota_posix_loader *l, struct otap_loader_view *out)
{
    struct block b;
    int number = load(l, &b);

    if (number != 0)
        return number;
    out->armed = otap_words_first(l, b.v.order);
    for (uint8_t i = 0; i < 2; i++)
        out->tries_of[i] = tries(l, &b.v, i);
    out->tries = out->tries_of[out->armed];
    return 0;
}

/* One change of the block: this slot first or last, with so many tries left of it; the other one is good and untried. */
static int set(struct ota_posix_loader *l, uint8_t slot, bool first, unsigned tries_left)
{
    uint8_t other = (uint8_t)(1 - slot);
    struct block b;
    char order[OTAP_WORDS_MAX];
    int number = load(l, &b);

    if (number != 0)
        return number;
    number = otap_words_move(b.v.order, l->cfg.name[first ? slot : other], true, order);
    if (number != 0)
        return otap_blame(l, "ORDER", number);
    memcpy(b.v.order, order, sizeof order);
    b.v.ok[slot] = tries_left > 0;
    b.v.tried[slot] = tries_left > 0 ? l->tries_max - tries_left : 0;
    b.v.ok[other] = 1;
    b.v.tried[other] = 0;
    return save(l, &b);
}

static int grub_arm(struct ota_posix_loader *l, uint8_t slot, uint8_t tries_left)
{
    return set(l, slot, true, tries_left);
}

static int grub_keep(struct ota_posix_loader *l, uint8_t slot)
{
    return set(l, slot, true, l->tries_max);
}

static int grub_drop(struct ota_posix_loader *l, uint8_t slot)
{
    return set(l, slot, false, 0);
}

static int grub_refill(struct ota_posix_loader *l, uint8_t slot)
{
    struct block b;
    int number = load(l, &b);

    if (number != 0 || (b.v.ok[slot] && b.v.tried[slot] == 0))
        return number;
    b.v.ok[slot] = 1;
    b.v.tried[slot] = 0;
    return save(l, &b);
}

static const struct otap_loader_ops grub = { grub_read, grub_arm, grub_keep, grub_drop, grub_refill };

ota_err ota_posix_boot_grub_open(struct ota_posix_boot_grub *b, const struct ota_posix_boot_grub_config *cfg, struct ota_fault *fault)
{
    if (!b || !cfg || !cfg->env || cfg->attempts > 15)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, !cfg || !cfg->env ? "boot.env" : "boot.attempts", 0);
    *b = (struct ota_posix_boot_grub){ .env = cfg->env };
    b->base.tries_max = cfg->attempts ? cfg->attempts : 1;
    return otap_loader_open(&b->base, &grub, &cfg->loader, fault);
}
