/* SPDX-License-Identifier: Apache-2.0 */
/* A slot in a regular file of fixed size. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"
#include "slot.h"

#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) /* O_NONBLOCK: a FIFO by that name must not hang us */

/* Power was cut between a slot's first two steps, below. */
static bool is_half_made(const char *path)
{
    int fd = open(path, O_RDONLY | OPEN_FLAGS);
    struct stat st;
    bool half = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;

    otap_close(&fd);
    return half;
}

/* Space is taken now: an update must not find the disk full in its middle. */
static int make(const char *path, uint64_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | (is_half_made(path) ? 0 : O_EXCL) | OPEN_FLAGS, 0700);
    int number;

    if (fd < 0)
        return errno == EEXIST ? 0 : errno;
    number = posix_fallocate(fd, 0, (off_t)size);
    if (number == 0)
        number = otap_fsync(fd);
    otap_close(&fd);
    if (number != 0)
        (void)unlink(path);
    return number;
}

ota_err ota_posix_slot_file_open(struct ota_posix_slot *s, const struct ota_posix_slot_file_config *cfg, struct ota_fault *fault)
{
    int number;

    if (!s)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "slot", 0);
    otap_slot_init(s, cfg ? cfg->path : NULL);
    if (!cfg || !s->path)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "slot.path", 0);
    s->write_flags = O_NOFOLLOW;
    number = cfg->size > 0 ? make(cfg->path, cfg->size) : 0;
    if (number != 0)
        return otap_slot_fail(s, fault, "slot.create", number);
    s->read_fd = open(cfg->path, O_RDONLY | OPEN_FLAGS);
    number = s->read_fd < 0 ? errno : otap_slot_bind(s, false);
    if (number != 0)
        return otap_slot_fail(s, fault, "slot.path", number);
    if (s->size == 0 || (cfg->size > 0 && s->size != cfg->size))
        return otap_slot_fail(s, fault, "slot.size", EFBIG);
    return OTA_OK;
}
