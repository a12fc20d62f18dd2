/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

static int write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int copy_all(int from, int to)
{
    static char buf[65536];

    for (;;) {
        ssize_t n = read(from, buf, sizeof buf);

        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || write_all(to, buf, (size_t)n) != 0)
            return -1;
    }
}

/* The slot is copied whole: a loader does not know where the image in it ends, and the padding does no harm. */
int image_load(const char *slot_path)
{
    int slot = open(slot_path, O_RDONLY | O_CLOEXEC);
    int memory = slot < 0 ? -1 : memfd_create("image", MFD_CLOEXEC);
    int err = 0;

    if (memory >= 0 && copy_all(slot, memory) != 0)
        err = errno;
    if (memory < 0)
        err = errno;
    if (slot >= 0)
        (void)close(slot);
    if (err != 0 && memory >= 0)
        (void)close(memory);
    errno = err;
    return err == 0 ? memory : -1;
}

int image_exec(int image, char **argv)
{
    return fexecve(image, argv, environ);
}
