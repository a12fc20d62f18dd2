/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

#include <errno.h>
#include <fcntl.h>

#include "file_io.h"
#include "loader.h"

static struct ota_posix_slot *self(struct ota_slot *s)
{
    return (struct ota_posix_slot *)s;
}

static ota_err result(int number, int32_t *port_code)
{
    bool taken = number == EWOULDBLOCK || number == EBUSY;

    return otap_result(number, taken ? OTA_DEVICE_LOCKED : OTA_DEVICE_SLOT, port_code);
}

/* One holder per slot. The lock is on the open file, so it also keeps out a second port in this process. */
static int hold(struct ota_posix_slot *s)
{
    int number = s->locked ? 0 : otap_lock(s->read_fd);

    s->locked = number == 0;
    return number;
}

static bool same_medium(const struct ota_posix_slot *s, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    return s->is_block ? (uint64_t)st.st_rdev == s->device
                       : (uint64_t)st.st_dev == s->device && (uint64_t)st.st_ino == s->inode;
}

static int open_for_write(struct ota_posix_slot *s)
{
    int number = hold(s);

    if (number != 0 || s->write_fd >= 0)
        return number;
    if (s->is_block)
        number = otap_block_in_use(s->device);
    if (number != 0)
        return number;
    if (s->loader)
        number = otap_loader_unfit(s->loader, s->index);
    if (number != 0)
        return number;
    s->write_fd = open(s->path, O_RDWR | O_CLOEXEC | s->write_flags);
    if (s->write_fd < 0)
        return errno;
    if (same_medium(s, s->write_fd))
        return 0;
    otap_close(&s->write_fd);
    return ESTALE;
}

static bool inside(const struct ota_posix_slot *s, uint64_t off, size_t len)
{
    return off <= s->size && len <= s->size - off;
}

static ota_err slot_geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *port_code)
{
    *out = (struct ota_slot_geometry){ .size = self(s)->size, .write_unit = self(s)->write_unit, .erase_unit = 0 };
    return result(hold(self(s)), port_code);
}

/* The geometry says that nothing needs erasing: being asked to is a mistake, not a wish. */
static ota_err slot_erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *port_code)
{
    (void)s;
    (void)off;
    (void)len;
    return result(ENOTSUP, port_code);
}

static ota_err slot_write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *port_code)
{
    struct ota_posix_slot *p = self(s);
    int number;

    if (!inside(p, off, len) || (off | len) % p->write_unit != 0)
        return result(EINVAL, port_code);
    number = open_for_write(p);
    if (number == 0) {
        p->cached = true;
        number = otap_pwrite(p->write_fd, buf, len, off);
    }
    return result(number, port_code);
}

/* What was just written would be read from memory: make the kernel forget it, so that the medium answers. */
static int drop_cache(struct ota_posix_slot *s)
{
    int number = otap_fdatasync(s->write_fd);

    if (number == 0)
        number = posix_fadvise(s->write_fd, 0, 0, POSIX_FADV_DONTNEED);
    if (number == 0)
        s->cached = false;
    return number;
}

static ota_err slot_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *port_code)
{
    struct ota_posix_slot *p = self(s);
    int number;

    if (!inside(p, off, len))
        return result(EINVAL, port_code);
    number = p->cached ? drop_cache(p) : 0;
    if (number == 0)
        number = otap_pread(p->read_fd, buf, len, off);
    return result(number, port_code);
}

static ota_err slot_sync(struct ota_slot *s, int32_t *port_code)
{
    return result(self(s)->write_fd < 0 ? 0 : otap_fdatasync(self(s)->write_fd), port_code);
}

const struct ota_slot_ops otap_slot_ops = { slot_geometry, slot_erase, slot_write, slot_read, slot_sync };

void otap_slot_init(struct ota_posix_slot *s, const char *path)
{
    *s = (struct ota_posix_slot){ .port = { &otap_slot_ops }, .path = path, .read_fd = -1, .write_fd = -1, .write_unit = 1 };
}

int otap_slot_bind(struct ota_posix_slot *s, bool want_block)
{
    struct stat st;

    if (fstat(s->read_fd, &st) != 0)
        return errno;
    if (want_block && !S_ISBLK(st.st_mode))
        return ENOTBLK;
    if (!want_block && !S_ISREG(st.st_mode))
        return EINVAL;
    s->is_block = want_block;
    s->device = (uint64_t)(want_block ? st.st_rdev : st.st_dev);
    s->inode = (uint64_t)st.st_ino;
    s->size = want_block ? 0 : (uint64_t)st.st_size;
    return 0;
}

ota_err otap_slot_fail(struct ota_posix_slot *s, struct ota_fault *fault, const char *where, int number)
{
    ota_posix_slot_close(s);
    return ota_fault_set(fault, OTA_DEVICE_SLOT, where, number);
}

void ota_posix_slot_close(struct ota_posix_slot *s)
{
    otap_close(&s->write_fd);
    otap_close(&s->read_fd);
    s->locked = false;
}
