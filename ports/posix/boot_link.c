/* SPDX-License-Identifier: Apache-2.0 */
/* The switch of an application: a symbolic link to the slot that runs, set by whoever counts the tries. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot_file.h"
#include "file_io.h"

#define TARGET_MAX 4096

/* A link of a name that nobody has, renamed over the old one: at every moment the link leads to one slot or the other. */
static int replace_link(int dir_fd, const char *name, const char *target)
{
    char tmp[OTA_STORE_NAME_MAX];

    if (snprintf(tmp, sizeof tmp, ".%s.tmp", name) >= (int)sizeof tmp)
        return ENAMETOOLONG;
    if (unlinkat(dir_fd, tmp, 0) != 0 && errno != ENOENT)
        return errno;
    if (symlinkat(target, dir_fd, tmp) != 0)
        return errno;
    if (renameat(dir_fd, tmp, dir_fd, name) != 0) {
        int number = errno;

        (void)unlinkat(dir_fd, tmp, 0);
        return number;
    }
    return otap_fsync(dir_fd);
}

static int open_parent(const char *path, const char **name)
{
    char dir[TARGET_MAX];
    const char *slash = strrchr(path, '/');
    int fd;

    *name = slash ? slash + 1 : path;
    if (!**name || strlen(path) + 2 > sizeof dir)
        return -ENAMETOOLONG;
    (void)snprintf(dir, sizeof dir, "%.*s.", (int)(*name - path), path);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

ota_err ota_posix_link_set(const char *link, const char *target, int32_t *port_code)
{
    const char *name;
    int fd = open_parent(link, &name);
    int number = fd < 0 ? -fd : replace_link(fd, name, target);

    if (fd >= 0)
        otap_close(&fd);
    return otap_result(number, OTA_DEVICE_BOOT, port_code);
}

/* EBADSLT: it leads to something else. */
static int leads_to(const char *link, const char *target)
{
    char text[TARGET_MAX];
    ssize_t len = readlink(link, text, sizeof text);

    if (len < 0)
        return errno;
    return (size_t)len == strlen(target) && memcmp(text, target, (size_t)len) == 0 ? 0 : EBADSLT;
}

int otap_link_check(const struct ota_posix_boot *b, const struct ota_boot_view *v)
{
    return v->running[0] > 1 ? EBADSLT : leads_to(b->link, b->target[v->running[0]]);
}

ota_err ota_posix_boot_link_open(struct ota_posix_boot *b, const struct ota_posix_boot_link_config *cfg, struct ota_fault *fault)
{
    struct ota_boot_view v;
    int32_t code = 0;
    ota_err err;

    if (!b || !cfg || !cfg->link || !cfg->target[0] || !cfg->target[1])
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.link", 0);
    err = ota_posix_boot_open(b, &(struct ota_posix_boot_config){ cfg->path, cfg->reboot }, fault);
    if (err != OTA_OK)
        return err;
    b->link = cfg->link;
    b->target[0] = cfg->target[0];
    b->target[1] = cfg->target[1];
    err = b->port.ops->view(&b->port, &v, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "boot.link", code);
}
