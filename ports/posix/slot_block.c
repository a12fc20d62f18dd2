/* SPDX-License-Identifier: Apache-2.0 */
/* A slot on a whole block device or partition (Linux). */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file_io.h"
#include "slot.h"

#define UNIT_MAX 4096 /* of struct ota_slot_geometry */

static int measure(struct ota_posix_slot *s)
{
    off_t size = lseek(s->read_fd, 0, SEEK_END); /* BLKGETSIZE64 is more than musl's ioctl() takes without a warning */
    int unit = 0;

    if (size < 0 || ioctl(s->read_fd, BLKSSZGET, &unit) != 0)
        return errno;
    if (size == 0 || unit <= 0 || unit > UNIT_MAX || (unit & (unit - 1)) != 0)
        return ENOTSUP;
    s->size = (uint64_t)size;
    s->write_unit = (uint32_t)unit;
    return 0;
}

/* proc(5), mountinfo: "mount-id parent-id major:minor root mount-point ..." The running root is one of the mounts. */
static bool line_names(const char *line, unsigned want_major, unsigned want_minor)
{
    unsigned id, parent, dev_major, dev_minor;

    if (sscanf(line, "%u %u %u:%u", &id, &parent, &dev_major, &dev_minor) != 4)
        return false;
    return dev_major == want_major && dev_minor == want_minor;
}

int otap_block_in_use(uint64_t device)
{
    char line[512];
    bool in_use = false, at_start = true;
    FILE *f = fopen("/proc/self/mountinfo", "re");

    if (!f)
        return errno;
    while (!in_use && fgets(line, sizeof line, f)) {
        size_t len = 0;

        in_use = at_start && line_names(line, major((dev_t)device), minor((dev_t)device));
        while (line[len] != '\0')
            len++;
        at_start = len > 0 && line[len - 1] == '\n'; /* a longer line comes in pieces */
    }
    (void)fclose(f);
    return in_use ? EBUSY : 0;
}

ota_err ota_posix_slot_block_open(struct ota_posix_slot *s, const struct ota_posix_slot_block_config *cfg, struct ota_fault *fault)
{
    int number;

    if (!s)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "slot", 0);
    otap_slot_init(s, cfg ? cfg->path : NULL);
    if (!cfg || !s->path)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "slot.path", 0);
    s->write_flags = O_EXCL; /* on a block device: fail with EBUSY while a file system or another writer has it */
    s->read_fd = open(cfg->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    number = s->read_fd < 0 ? errno : otap_slot_bind(s, true);
    if (number != 0)
        return otap_slot_fail(s, fault, "slot.path", number);
    number = measure(s);
    return number == 0 ? OTA_OK : otap_slot_fail(s, fault, "slot.size", number);
}
