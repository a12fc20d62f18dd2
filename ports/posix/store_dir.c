/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as store: a record is a file, replaced by rename. Names that begin with '.' are the port's own. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"
#include "ota/posix.h"

#define LOCK_NAME ".lock"
#define TEMP_NAME ".tmp" /* one is enough: the lock leaves one writer */

static int dir_of(struct ota_store *s)
{
    return ((struct ota_posix_store *)s)->dir_fd;
}

static int read_file(int fd, void *buf, size_t cap, size_t *len)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EINVAL;
    *len = (size_t)st.st_size;
    return otap_pread(fd, buf, *len < cap ? *len : cap, 0);
}

static ota_err store_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    int fd, number;

    *len = 0;
    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    /* O_NONBLOCK: something put a FIFO there, and opening it must not hang. */
    fd = openat(dir_of(s), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return otap_result(errno, errno == ENOENT ? OTA_DEVICE_ABSENT : OTA_DEVICE_STORE, port_code);
    number = read_file(fd, buf, cap, len);
    otap_close(&fd);
    return otap_result(number, OTA_DEVICE_STORE, port_code);
}

static ota_err store_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *port_code)
{
    int number;

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    number = otap_replace(dir_of(s), TEMP_NAME, name, buf, len);
    return otap_result(number, number == ENOSPC || number == EDQUOT ? OTA_DEVICE_FULL : OTA_DEVICE_STORE, port_code);
}

static ota_err store_remove(struct ota_store *s, const char *name, int32_t *port_code)
{
    int number = 0;

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    if (unlinkat(dir_of(s), name, 0) != 0 && errno != ENOENT)
        number = errno;
    /* Also when it is absent: an earlier try may have removed it and then failed to sync. */
    if (number == 0)
        number = otap_fsync(dir_of(s));
    return otap_result(number, OTA_DEVICE_STORE, port_code);
}

static const struct ota_store_ops ops = { store_read, store_write, store_remove };

static int take_lock(struct ota_posix_store *s)
{
    s->lock_fd = openat(s->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return s->lock_fd < 0 ? errno : otap_lock(s->lock_fd);
}

/* What a power cut in the middle of a write left behind. */
static int sweep(struct ota_posix_store *s)
{
    return unlinkat(s->dir_fd, TEMP_NAME, 0) == 0 || errno == ENOENT ? 0 : errno;
}

static ota_err fail(struct ota_posix_store *s, struct ota_fault *fault, const char *where, int number)
{
    ota_posix_store_close(s);
    return ota_fault_set(fault, number == EWOULDBLOCK ? OTA_DEVICE_LOCKED : OTA_DEVICE_STORE, where, number);
}

ota_err ota_posix_store_open(struct ota_posix_store *s, const struct ota_posix_store_config *cfg, struct ota_fault *fault)
{
    int number;

    if (!s)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "store", 0);
    *s = (struct ota_posix_store){ .port = { &ops }, .dir_fd = -1, .lock_fd = -1 };
    if (!cfg || !cfg->dir)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "store.dir", 0);
    number = otap_open_dir(cfg->dir, &s->dir_fd);
    if (number != 0)
        return fail(s, fault, "store.dir", number);
    number = take_lock(s);
    if (number != 0)
        return fail(s, fault, "store.lock", number);
    number = sweep(s);
    return number == 0 ? OTA_OK : fail(s, fault, "store.sweep", number);
}

void ota_posix_store_close(struct ota_posix_store *s)
{
    otap_close(&s->lock_fd);
    otap_close(&s->dir_fd);
}
