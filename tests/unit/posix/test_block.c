/* SPDX-License-Identifier: Apache-2.0 */
/* Slots on block devices, on a file that plays one (tests/support/block_calls.h): which calls are made, in which order, and what
 * becomes of a device that is mounted, claimed, read-only, of an odd size, or that does not hold what was written. */
#define _GNU_SOURCE /* the operating system beside the C library */
#define BLOCK_CALLS_REAL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/fs.h>
#include <sys/sysmacros.h>

#include "block_calls.h"
#include "ota/posix.h"

#define SIZE 65536u

static char dir[] = "/tmp/ota-block-XXXXXX";
static char path[64], mounts[64];

static struct device {
    off_t size;
    int unit;
    int open_error, size_error, ioctl_error, sync_error, advise_error; /* errnos; 0 = none. open: where it is opened for writing */
    bool forgets;        /* what is written never reaches the medium: when the cache is dropped, zeroes are there */
    ino_t inode;
    int excl, writers, syncs, drops;
    int syncs_at_drop;
    bool synced_before_drop;
} dev;

int block_open(const char *name, int flags, ...)
{
    if (strcmp(name, path) != 0)
        return open(name, flags, 0600);
    if ((flags & O_ACCMODE) != O_RDONLY) {
        dev.writers++;
        dev.excl += (flags & O_EXCL) != 0;
        if (dev.open_error) {
            errno = dev.open_error;
            return -1;
        }
    } else {
        assert_int_equal(flags & O_EXCL, 0); /* the slot that runs is mounted, and read */
    }
    return open(name, flags & ~O_EXCL);
}

int block_fstat(int fd, struct stat *st)
{
    int result = fstat(fd, st);

    if (result == 0 && st->st_ino == dev.inode) {
        st->st_mode = S_IFBLK | 0600;
        st->st_rdev = makedev(8, 3);
    }
    return result;
}

int block_ioctl(int fd, unsigned long request, void *arg)
{
    (void)fd;
    if (dev.ioctl_error) {
        errno = dev.ioctl_error;
        return -1;
    }
    assert_int_equal(request, BLKSSZGET);
    memcpy(arg, &dev.unit, sizeof dev.unit);
    return 0;
}

off_t block_lseek(int fd, off_t off, int whence)
{
    (void)fd;
    assert_true(off == 0 && whence == SEEK_END);
    errno = dev.size_error;
    return dev.size_error ? -1 : dev.size;
}

int block_fdatasync(int fd)
{
    (void)fd;
    dev.syncs++;
    errno = dev.sync_error;
    return dev.sync_error ? -1 : 0;
}

int block_fadvise(int fd, off_t off, off_t len, int advice)
{
    static const char zero[SIZE];

    assert_true(off == 0 && len == 0 && advice == POSIX_FADV_DONTNEED);
    dev.synced_before_drop = dev.syncs > dev.syncs_at_drop;
    dev.syncs_at_drop = dev.syncs;
    dev.drops++;
    if (dev.forgets)
        assert_int_equal(pwrite(fd, zero, sizeof zero, 0), sizeof zero);
    return dev.advise_error;
}

FILE *block_fopen(const char *name, const char *mode)
{
    return fopen(strcmp(name, "/proc/self/mountinfo") == 0 ? mounts : name, mode);
}

static void mounted(const char *text)
{
    FILE *f = fopen(mounts, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static ota_err open_slot(struct ota_posix_slot *s, struct ota_fault *fault)
{
    return ota_posix_slot_block_open(s, &(struct ota_posix_slot_block_config){ path }, fault);
}

static ota_err put(struct ota_posix_slot *s, uint64_t off, size_t len, int32_t *code)
{
    static char bytes[SIZE];

    memset(bytes, 'x', sizeof bytes);
    *code = 0;
    return s->port.ops->write(&s->port, off, bytes, len, code);
}

static char first_byte(void)
{
    char c = '?';
    int fd = open(path, O_RDONLY);

    assert_int_equal(read(fd, &c, 1), 1);
    close(fd);
    return c;
}

static void it_is_written_by_one_alone(void **state)
{
    struct ota_posix_slot s, other;
    struct ota_slot_geometry g;
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_slot(&s, NULL), OTA_OK);
    assert_int_equal(s.port.ops->geometry(&s.port, &g, &code), OTA_OK);
    assert_true(g.size == SIZE && g.write_unit == 512 && g.erase_unit == 0);
    assert_int_equal(dev.writers, 0); /* a slot that is only read may be the one that runs */
    assert_int_equal(put(&s, 0, 512, &code), OTA_OK);
    assert_int_equal(put(&s, 512, 512, &code), OTA_OK);
    assert_true(dev.writers == 1 && dev.excl == 1);
    assert_int_equal(open_slot(&other, NULL), OTA_OK); /* another agent */
    assert_int_equal(put(&other, 0, 512, &code), OTA_DEVICE_LOCKED);
    ota_posix_slot_close(&other);
    ota_posix_slot_close(&s);
}

/* A file system that is not in our namespace, swap, device mapper: the kernel says so. */
static void a_claimed_device_is_not_written(void **state)
{
    struct ota_posix_slot s;
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_slot(&s, NULL), OTA_OK);
    dev.open_error = EBUSY;
    assert_int_equal(put(&s, 0, 512, &code), OTA_DEVICE_LOCKED);
    assert_int_equal(code, EBUSY);
    assert_int_equal(first_byte(), 0);
    dev.open_error = 0; /* it was let go */
    assert_int_equal(put(&s, 0, 512, &code), OTA_OK);
    assert_int_equal(first_byte(), 'x');
    ota_posix_slot_close(&s);
}

static void a_mounted_device_is_not_written(void **state)
{
    static const char root[] = "21 1 8:3 / / rw,relatime - ext4 /dev/root rw\n";
    static const char elsewhere[] = "30 21 8:30 / /a rw - ext4 /dev/sda30 rw\n31 21 18:3 / /b rw - ext4 /dev/x rw\n8:3 nonsense\n";
    static char lines[2000];
    struct ota_posix_slot s;
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_slot(&s, NULL), OTA_OK);
    snprintf(lines, sizeof lines, "20 1 0:5 / /%01000d rw - tmpfs none rw\n%s", 0, root); /* behind a line of more than one piece */
    const char *const texts[] = { root, lines, "40 21 8:3 /sub /mnt ro - ext4 /dev/sda3 ro\n" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mounted(texts[i]);
        assert_int_equal(put(&s, 0, 512, &code), OTA_DEVICE_LOCKED);
        assert_int_equal(code, EBUSY);
    }
    assert_int_equal(unlink(mounts), 0); /* where it cannot be told, nothing is written */
    assert_int_equal(put(&s, 0, 512, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, ENOENT);
    assert_true(dev.writers == 0 && first_byte() == 0);
    mounted(elsewhere);
    assert_int_equal(put(&s, 0, 512, &code), OTA_OK);
    ota_posix_slot_close(&s);
}

static void odd_devices_are_refused(void **state)
{
    static const struct {
        off_t size;
        int unit, size_error, ioctl_error;
        int32_t code;
    } list[] = {
        { 0, 512, 0, 0, ENOTSUP },    { SIZE, 0, 0, 0, ENOTSUP },       { SIZE, -512, 0, 0, ENOTSUP },  { SIZE, 768, 0, 0, ENOTSUP },
        { SIZE, 8192, 0, 0, ENOTSUP }, { SIZE, 512, 0, ENXIO, ENXIO }, { SIZE, 512, EOVERFLOW, 0, EOVERFLOW },
    };
    struct ota_posix_slot s;
    struct ota_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        dev.size = list[i].size;
        dev.unit = list[i].unit;
        dev.size_error = list[i].size_error;
        dev.ioctl_error = list[i].ioctl_error;
        assert_int_equal(open_slot(&s, &fault), OTA_DEVICE_SLOT);
        assert_string_equal(fault.where, "slot.size");
        assert_int_equal(fault.port_code, list[i].code);
    }
}

static void writes_are_whole_units_inside_the_device(void **state)
{
    static const struct {
        uint64_t off;
        size_t len;
    } bad[] = { { 100, 512 }, { 512, 4096 }, { 0, 512 }, { 4096, 100 }, { SIZE, 4096 }, { SIZE - 4096, 8192 }, { UINT64_MAX - 4095, 4096 } };
    struct ota_posix_slot s;
    int32_t code = 0;

    (void)state;
    dev.unit = 4096;
    assert_int_equal(open_slot(&s, NULL), OTA_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(put(&s, bad[i].off, bad[i].len, &code), OTA_DEVICE_SLOT);
        assert_int_equal(code, EINVAL);
    }
    assert_true(dev.writers == 0 && first_byte() == 0);
    assert_int_equal(put(&s, SIZE - 4096, 4096, &code), OTA_OK);
    ota_posix_slot_close(&s);
}

static void a_read_only_device_is_said(void **state)
{
    struct ota_posix_slot s;
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_slot(&s, NULL), OTA_OK);
    dev.open_error = EROFS;
    assert_int_equal(put(&s, 0, 512, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, EROFS);
    assert_int_equal(first_byte(), 0);
    ota_posix_slot_close(&s);
}

static void a_sync_that_fails_is_said(void **state)
{
    struct ota_posix_slot s;
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_slot(&s, NULL), OTA_OK);
    assert_int_equal(s.port.ops->sync(&s.port, &code), OTA_OK);
    assert_int_equal(dev.syncs, 0); /* nothing was written */
    assert_int_equal(put(&s, 0, 512, &code), OTA_OK);
    assert_int_equal(s.port.ops->sync(&s.port, &code), OTA_OK);
    assert_int_equal(dev.syncs, 1);
    dev.sync_error = EIO;
    assert_int_equal(s.port.ops->sync(&s.port, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, EIO);
    ota_posix_slot_close(&s);
}

/* What is read back comes from the medium: the cache is synced and dropped, once for what was written since. */
static void the_medium_answers_and_not_the_cache(void **state)
{
    struct ota_posix_slot s;
    char byte = '?';
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_slot(&s, NULL), OTA_OK);
    assert_int_equal(s.port.ops->read(&s.port, 0, &byte, 1, &code), OTA_OK);
    assert_int_equal(dev.drops, 0);
    assert_int_equal(put(&s, 0, 512, &code), OTA_OK);
    assert_int_equal(first_byte(), 'x'); /* so says the cache */
    dev.forgets = true;
    assert_int_equal(s.port.ops->read(&s.port, 0, &byte, 1, &code), OTA_OK);
    assert_int_equal(byte, 0);
    assert_true(dev.drops == 1 && dev.synced_before_drop);
    assert_int_equal(s.port.ops->read(&s.port, 1, &byte, 1, &code), OTA_OK);
    assert_int_equal(dev.drops, 1);
    assert_int_equal(put(&s, 0, 512, &code), OTA_OK);
    dev.advise_error = EINVAL;
    assert_int_equal(s.port.ops->read(&s.port, 0, &byte, 1, &code), OTA_DEVICE_SLOT); /* it may still be the cache that answers */
    assert_int_equal(code, EINVAL);
    dev.advise_error = 0;
    dev.sync_error = EIO;
    assert_int_equal(s.port.ops->read(&s.port, 0, &byte, 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, EIO);
    ota_posix_slot_close(&s);
}

static int make(void **state)
{
    struct stat st;
    int fd;

    (void)state;
    dev = (struct device){ .size = SIZE, .unit = 512 };
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, SIZE) != 0 || fstat(fd, &st) != 0)
        return -1;
    dev.inode = st.st_ino;
    mounted("21 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    return close(fd);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/device", dir);
    snprintf(mounts, sizeof mounts, "%s/mounts", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(mounts);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_written_by_one_alone, make),
        cmocka_unit_test_setup(a_claimed_device_is_not_written, make),
        cmocka_unit_test_setup(a_mounted_device_is_not_written, make),
        cmocka_unit_test_setup(odd_devices_are_refused, make),
        cmocka_unit_test_setup(writes_are_whole_units_inside_the_device, make),
        cmocka_unit_test_setup(a_read_only_device_is_said, make),
        cmocka_unit_test_setup(a_sync_that_fails_is_said, make),
        cmocka_unit_test_setup(the_medium_answers_and_not_the_cache, make),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
