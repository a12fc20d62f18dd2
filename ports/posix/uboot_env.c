/* SPDX-License-Identifier: Apache-2.0 */
#include "uboot_env.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h> /* libuboot.h of 0.3.2 lacks it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libuboot.h>

#include "file_io.h"

#define COPIES 2
#define CONFIG_LINE 512
#define VALUE_MAX 32u
#define LOCK "/var/lock/fw_printenv.lock" /* of the library, and of U-Boot's own programs */
#define NAP_MS 5

/* The files or devices that hold the copies, as fw_env.config names them. */
struct copies {
    char path[COPIES][CONFIG_LINE];
    unsigned count;
};

/* fw_env.config: "device offset size ...", one line a copy, '#' comments. */
static void add_copy(struct copies *c, const char *line)
{
    const char *start = line + strspn(line, " \t");
    size_t len = strcspn(start, " \t\r\n");

    if (len == 0 || *start == '#')
        return;
    if (c->count < COPIES) {
        memcpy(c->path[c->count], start, len);
        c->path[c->count][len] = '\0';
    }
    c->count++;
}

static int read_config(struct ota_posix_loader *l, const char *path, struct copies *c)
{
    char line[CONFIG_LINE];
    FILE *f = fopen(path, "re");

    c->count = 0;
    if (!f)
        return otap_blame(l, "fw_env.config", errno);
    while (fgets(line, sizeof line, f))
        add_copy(c, line);
    (void)fclose(f);
    if (c->count == 1)
        return otap_blame(l, "fw_env.config: one copy, two are needed", ENOTSUP);
    return c->count == COPIES ? 0 : otap_blame(l, "fw_env.config", EINVAL);
}

/* Its errors are negative errnos; -1 stands for "some error" as well as for EPERM. */
static int number_of(int result)
{
    if (result >= 0)
        return 0;
    return result == -1 ? EIO : -result;
}

void otap_uboot_close(struct uboot_ctx *env)
{
    if (!env)
        return;
    libuboot_close(env);
    libuboot_exit(env);
}

/* The library waits for the lock without end. Who holds it for too long is found out here first; who takes it between this and
 * the library's turn has it for as long as a change takes. */
static int wait_for_lock(struct ota_posix_loader *l)
{
    uint64_t end = otap_now_ms() + l->cfg.timeout_ms;
    int fd = open(LOCK, O_RDONLY | O_CLOEXEC);
    int number;

    if (fd < 0)
        return 0; /* nobody has it; if it cannot be made either, the library says so */
    for (number = otap_lock(fd); number == EWOULDBLOCK && otap_now_ms() < end; number = otap_lock(fd))
        (void)poll(NULL, 0, NAP_MS);
    otap_close(&fd);
    return number == 0 ? 0 : otap_blame(l, "environment lock", number == EWOULDBLOCK ? ETIMEDOUT : number);
}

int otap_uboot_open(struct ota_posix_loader *l, const char *fw_env_config, struct uboot_ctx **env)
{
    struct copies c;
    int number = read_config(l, fw_env_config, &c);

    *env = NULL;
    if (number == 0)
        number = wait_for_lock(l);
    if (number != 0)
        return number;
    number = number_of(libuboot_initialize(env, NULL));
    if (number != 0)
        return otap_blame(l, "libubootenv", number);
    number = number_of(libuboot_read_config(*env, fw_env_config));
    if (number != 0)
        otap_blame(l, "fw_env.config", number);
    else
        number = number_of(libuboot_open(*env));
    if (number == ENODATA)
        number = otap_blame(l, "environment: no copy is valid", EBADMSG);
    else if (number != 0 && !l->trouble[0])
        number = otap_blame(l, "environment", number);
    if (number == 0)
        return 0;
    otap_uboot_close(*env); /* a failed open keeps its lock */
    *env = NULL;
    return number;
}

int otap_uboot_get(struct ota_posix_loader *l, struct uboot_ctx *env, const char *name, char *out, size_t cap)
{
    char *value = libuboot_get_env(env, name); /* a copy that is ours */
    size_t len = value ? strlen(value) : 0;
    int number = !value ? ENODATA : len >= cap ? ERANGE : 0;

    if (number == 0)
        memcpy(out, value, len + 1);
    free(value);
    return number == 0 ? 0 : otap_blame(l, name, number);
}

int otap_uboot_number(struct ota_posix_loader *l, struct uboot_ctx *env, const char *name, int base, unsigned max, unsigned *out)
{
    char text[VALUE_MAX];
    int number = otap_uboot_get(l, env, name, text, sizeof text);

    if (number != 0)
        return number;
    return otap_number(text, base, max, out) ? 0 : otap_blame(l, name, ERANGE);
}

static int set_all(struct ota_posix_loader *l, struct uboot_ctx *env, const struct otap_uboot_var *var, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = number_of(libuboot_set_env(env, var[i].name, var[i].value));

        if (number != 0)
            return otap_blame(l, var[i].name, number);
    }
    return 0;
}

/* The library does not say when its fsync() failed. The kernel tells everybody who has the file open, so we have it open
 * meanwhile, and sync it again. A character device (MTD, UBI) writes through: there is nothing to sync. */
static int sync_copies(struct ota_posix_loader *l, int fd[COPIES])
{
    int number = 0;

    for (int i = 0; i < COPIES; i++) {
        int failed = otap_fsync(fd[i]);

        if (number == 0 && failed != EINVAL)
            number = failed;
        otap_close(&fd[i]);
    }
    return number == 0 ? 0 : otap_blame(l, "environment", number);
}

int otap_uboot_store(struct ota_posix_loader *l, const char *fw_env_config, struct uboot_ctx *env, const struct otap_uboot_var *var,
                     size_t count)
{
    struct copies c;
    int fd[COPIES] = { -1, -1 };
    int stored, number = read_config(l, fw_env_config, &c);

    if (number == 0)
        number = set_all(l, env, var, count);
    for (int i = 0; i < COPIES && number == 0; i++) {
        fd[i] = open(c.path[i], O_RDWR | O_CLOEXEC);
        if (fd[i] < 0)
            number = otap_blame(l, "environment", errno);
    }
    stored = number == 0 ? number_of(libuboot_env_store(env)) : 0;
    if (stored != 0)
        number = otap_blame(l, "environment", stored);
    if (number == 0)
        return sync_copies(l, fd);
    otap_close(&fd[0]);
    otap_close(&fd[1]);
    return number;
}
