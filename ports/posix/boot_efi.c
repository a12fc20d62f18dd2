/* SPDX-License-Identifier: Apache-2.0 */
/* UEFI firmware alone: a slot is a boot entry (Boot0001), a trial is BootNext, what is confirmed comes first in BootOrder. The
 * firmware deletes BootNext before it starts it, so a trial has one start. Variables are files of efivarfs: four bytes of
 * attributes, then the value; each is written with one write(), which the firmware stores as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"
#include "loader.h"

#define EFIVARS "/sys/firmware/efi/efivars"
#define GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c" /* UEFI 2.10, section 3.3: EFI_GLOBAL_VARIABLE */
#define ATTRIBUTES 7u                                   /* non-volatile, boot service and run time access */
#define ATTRIBUTES_LEN 4
#define ORDER_MAX 64u
#define VALUE_MAX (2 * ORDER_MAX)
#define PATH_LEN 300

struct order {
    uint16_t entry[ORDER_MAX];
    size_t count;
};

static struct ota_posix_boot_efi *self(struct ota_posix_loader *l)
{
    return (struct ota_posix_boot_efi *)l;
}

static int path_of(struct ota_posix_loader *l, const char *name, char out[PATH_LEN])
{
    int n = snprintf(out, PATH_LEN, "%s/%s-" GLOBAL, self(l)->variables, name);

    return n < PATH_LEN ? 0 : otap_blame(l, "efivars", ENAMETOOLONG);
}

/* The value without its attributes. ENOENT is left without blame: the caller knows whether it is one. */
static int read_variable(struct ota_posix_loader *l, const char *name, uint8_t value[VALUE_MAX], size_t *len)
{
    uint8_t raw[ATTRIBUTES_LEN + VALUE_MAX + 1];
    char path[PATH_LEN];
    int fd, number = path_of(l, name, path);
    ssize_t n;

    if (number != 0)
        return number;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ENOENT : otap_blame(l, name, errno);
    do
        n = read(fd, raw, sizeof raw);
    while (n < 0 && errno == EINTR);
    number = n < 0 ? errno : 0;
    otap_close(&fd);
    if (number != 0)
        return otap_blame(l, name, number);
    if (n < ATTRIBUTES_LEN || n == (ssize_t)sizeof raw || n % 2 != 0)
        return otap_blame(l, name, EBADMSG);
    *len = (size_t)n - ATTRIBUTES_LEN;
    memcpy(value, raw + ATTRIBUTES_LEN, *len);
    return 0;
}

/* efivarfs replaces the variable by what one write() brings; a plain file is cut to it, too. */
static int write_variable(struct ota_posix_loader *l, const char *name, const uint8_t *value, size_t len)
{
    uint8_t raw[ATTRIBUTES_LEN + VALUE_MAX] = { ATTRIBUTES };
    char path[PATH_LEN];
    struct stat st;
    int fd, number = path_of(l, name, path);

    if (number != 0)
        return number;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return otap_blame(l, name, errno);
    memcpy(raw + ATTRIBUTES_LEN, value, len);
    ssize_t n = write(fd, raw, ATTRIBUTES_LEN + len);
    if (n < 0)
        number = errno;
    else if ((size_t)n != ATTRIBUTES_LEN + len)
        number = EIO;
    else if (fstat(fd, &st) == 0 && st.st_size > n && ftruncate(fd, n) != 0)
        number = errno;
    if (number == 0)
        number = otap_fsync(fd);
    if (number == EINVAL)
        number = 0; /* efivarfs has nothing to sync: the firmware has stored it */
    otap_close(&fd);
    return number == 0 ? 0 : otap_blame(l, name, number);
}

/* A 16-bit variable; OTA_SLOT_NONE when it is absent or names none of our entries. */
static int read_slot(struct ota_posix_loader *l, const char *name, uint8_t *slot)
{
    uint8_t value[VALUE_MAX];
    size_t len;
    int number = read_variable(l, name, value, &len);

    *slot = OTA_SLOT_NONE;
    if (number == ENOENT)
        return 0;
    if (number == 0 && len != 2)
        number = otap_blame(l, name, EBADMSG);
    for (uint8_t i = 0; i < 2 && number == 0; i++)
        if (self(l)->entry[i] == (unsigned)(value[0] | value[1] << 8))
            *slot = i;
    return number;
}

static int read_order(struct ota_posix_loader *l, struct order *o)
{
    uint8_t value[VALUE_MAX];
    size_t len = 0;
    int number = read_variable(l, "BootOrder", value, &len);

    if (number != 0)
        return number == ENOENT ? otap_blame(l, "BootOrder", ENODATA) : number;
    o->count = len / 2;
    for (size_t i = 0; i < o->count; i++)
        o->entry[i] = (uint16_t)(value[2 * i] | value[2 * i + 1] << 8);
    return 0;
}

static uint8_t first_of(struct ota_posix_loader *l, const struct order *o)
{
    for (size_t i = 0; i < o->count; i++)
        for (uint8_t k = 0; k < 2; k++)
            if (o->entry[i] == self(l)->entry[k])
                return k;
    return OTA_SLOT_NONE;
}

/* This slot in front of everything; who stood before it moves back one place. */
static int put_first(struct ota_posix_loader *l, uint8_t slot)
{
    uint8_t value[VALUE_MAX];
    size_t len = 2;
    struct order o;
    uint16_t want = self(l)->entry[slot];
    int number = read_order(l, &o);

    if (number != 0 || (o.count > 0 && o.entry[0] == want))
        return number;
    value[0] = (uint8_t)want;
    value[1] = (uint8_t)(want >> 8);
    for (size_t i = 0; i < o.count; i++) {
        if (o.entry[i] == want)
            continue;
        if (len == VALUE_MAX)
            return otap_blame(l, "BootOrder", ENOSPC);
        value[len++] = (uint8_t)o.entry[i];
        value[len++] = (uint8_t)(o.entry[i] >> 8);
    }
    return write_variable(l, "BootOrder", value, len);
}

static int has_entry(struct ota_posix_loader *l, uint8_t slot)
{
    char path[PATH_LEN];
    int number = path_of(l, self(l)->name[slot], path);

    if (number == 0 && access(path, R_OK) != 0)
        number = otap_blame(l, self(l)->name[slot], errno == ENOENT ? ENODATA : errno);
    return number;
}

static int efi_read(struct ota_posix_loader *l, struct otap_loader_view *out)
{
    struct order o;
    int number = read_order(l, &o);

    for (uint8_t i = 0; i < 2 && number == 0; i++)
        number = has_entry(l, i);
    if (number == 0 && first_of(l, &o) == OTA_SLOT_NONE)
        number = otap_blame(l, "BootOrder", ERANGE);
    if (number == 0)
        number = read_slot(l, "BootCurrent", &out->current);
    if (number == 0)
        number = read_slot(l, "BootNext", &out->armed);
    if (number == 0 && out->armed != OTA_SLOT_NONE)
        out->tries = out->tries_of[out->armed] = 1;
    return number;
}

static int efi_arm(struct ota_posix_loader *l, uint8_t slot, uint8_t tries)
{
    const uint8_t next[2] = { (uint8_t)self(l)->entry[slot], (uint8_t)(self(l)->entry[slot] >> 8) };
    int number = put_first(l, (uint8_t)(1 - slot));

    (void)tries;
    return number == 0 ? write_variable(l, "BootNext", next, sizeof next) : number;
}

static int efi_keep(struct ota_posix_loader *l, uint8_t slot)
{
    return put_first(l, slot);
}

static int forget_next(struct ota_posix_loader *l, uint8_t slot)
{
    char path[PATH_LEN];
    uint8_t next;
    int number = read_slot(l, "BootNext", &next);

    if (number != 0 || next != slot)
        return number;
    number = path_of(l, "BootNext", path);
    if (number == 0 && unlink(path) != 0)
        number = otap_blame(l, "BootNext", errno);
    return number;
}

static int efi_drop(struct ota_posix_loader *l, uint8_t slot)
{
    int number = forget_next(l, slot);

    return number == 0 ? put_first(l, (uint8_t)(1 - slot)) : number;
}

static const struct otap_loader_ops efi = { efi_read, efi_arm, efi_keep, efi_drop, NULL };

/* An entry is four hexadecimal digits, as in Boot001F: UEFI 2.10 has them in upper case. */
static bool parse_entry(struct ota_posix_boot_efi *b, size_t i, const char *name)
{
    unsigned entry;

    if (!name || strlen(name) != 4 || !otap_number(name, 16, 0xffff, &entry))
        return false;
    b->entry[i] = (uint16_t)entry;
    (void)snprintf(b->name[i], sizeof b->name[i], "Boot%04X", entry & 0xffffu);
    return true;
}

ota_err ota_posix_boot_efi_open(struct ota_posix_boot_efi *b, const struct ota_posix_boot_efi_config *cfg, struct ota_fault *fault)
{
    if (!b || !cfg)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot", 0);
    *b = (struct ota_posix_boot_efi){ .variables = cfg->variables ? cfg->variables : EFIVARS };
    b->base.tries_max = 1;
    for (size_t i = 0; i < 2; i++)
        if (!parse_entry(b, i, cfg->loader.name[i]))
            return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.slots", 0);
    return otap_loader_open(&b->base, &efi, &cfg->loader, fault);
}
