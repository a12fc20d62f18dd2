/* SPDX-License-Identifier: Apache-2.0 */
/* The boot record in a file: two copies, of which a store overwrites the older. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file_io.h"
#include "ota/posix.h"

#define COPIES 2

struct copies {
    struct ota_boot_record r[COPIES];
    uint8_t raw[COPIES][OTA_BOOT_RECORD_LEN];
    bool valid[COPIES];
    int newest; /* -1: none is valid */
};

static int read_copies(int fd, struct copies *c)
{
    c->newest = -1;
    for (int i = 0; i < COPIES; i++) {
        int number = otap_pread(fd, c->raw[i], sizeof c->raw[i], (uint64_t)i * OTA_BOOT_RECORD_COPY_OFF);

        if (number != 0)
            return number;
        c->valid[i] = ota_boot_record_decode(&c->r[i], c->raw[i]);
        if (c->valid[i] && (c->newest < 0 || c->r[i].generation > c->r[c->newest].generation))
            c->newest = i;
    }
    return 0;
}

ota_err ota_boot_record_load(const char *path, struct ota_boot_record *r, int32_t *port_code)
{
    struct copies c;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int number;

    if (fd < 0)
        return otap_result(errno, errno == ENOENT ? OTA_DEVICE_ABSENT : OTA_DEVICE_BOOT, port_code);
    number = read_copies(fd, &c);
    otap_close(&fd);
    if (number != 0)
        return otap_result(number, OTA_DEVICE_BOOT, port_code);
    if (c.newest < 0) {
        if (port_code)
            *port_code = 0;
        return OTA_DEVICE_BOOT;
    }
    *r = c.r[c.newest];
    return OTA_OK;
}

static int put(int fd, const uint8_t raw[OTA_BOOT_RECORD_LEN], int copy)
{
    int number = otap_pwrite(fd, raw, OTA_BOOT_RECORD_LEN, (uint64_t)copy * OTA_BOOT_RECORD_COPY_OFF);

    return number == 0 ? otap_fdatasync(fd) : number;
}

static int store_locked(int fd, struct ota_boot_record *r)
{
    struct copies c;
    struct ota_boot_record next = *r;
    uint8_t raw[OTA_BOOT_RECORD_LEN];
    int number = read_copies(fd, &c);

    if (number != 0)
        return number;
    if (c.newest < 0 || c.r[c.newest].generation != r->generation)
        return EAGAIN;
    next.generation++;
    ota_boot_record_encode(&next, raw);
    number = put(fd, raw, 1 - c.newest);
    if (number == 0)
        *r = next;
    else
        (void)put(fd, c.raw[1 - c.newest], 1 - c.newest); /* what is read must not be what a restart forgets */
    return number;
}

ota_err ota_boot_record_store(const char *path, struct ota_boot_record *r, int32_t *port_code)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int number;

    if (fd < 0)
        return otap_result(errno, OTA_DEVICE_BOOT, port_code);
    number = otap_lock(fd);
    if (number == 0)
        number = store_locked(fd, r);
    otap_close(&fd);
    return otap_result(number == EWOULDBLOCK ? EAGAIN : number, OTA_DEVICE_BOOT, port_code);
}

/* Splits off the directory. A path without '/' is in ".". Returns NULL when it does not fit. */
static const char *split(const char *path, char *dir, size_t cap)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;

    if (len + 2 > cap)
        return NULL;
    memcpy(dir, path, len);
    memcpy(dir + len, ".", 2);
    return slash ? slash + 1 : path;
}

static int create(const char *path, const struct ota_boot_record *r)
{
    uint8_t raw[OTA_BOOT_RECORD_FILE_LEN] = { 0 };
    char dir[OTA_URL_MAX], tmp[OTA_STORE_NAME_MAX];
    const char *name = split(path, dir, sizeof dir);
    int dir_fd, number;

    if (!name || !*name || snprintf(tmp, sizeof tmp, ".%s.tmp", name) >= (int)sizeof tmp)
        return ENAMETOOLONG;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return errno;
    ota_boot_record_encode(r, raw);
    number = otap_replace(dir_fd, tmp, name, raw, sizeof raw);
    otap_close(&dir_fd);
    return number;
}

ota_err ota_boot_record_create(const char *path, const struct ota_boot_record *r, int32_t *port_code)
{
    return otap_result(create(path, r), OTA_DEVICE_BOOT, port_code);
}
