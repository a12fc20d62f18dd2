/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: the kernel refuses files, TCP and signals that were not listed. Without libraries, so with the kernel's own calls. Its header
 * may be older than the kernel: rights that it lacks are spelled here as in Linux's include/uapi/linux/landlock.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file_io.h"
#include "sandbox.h"

#define FS_FIRST UINT64_C(0x1fff)      /* ABI 1: all from EXECUTE to MAKE_SYM */
#define FS_REFER UINT64_C(0x2000)      /* 2 */
#define FS_TRUNCATE UINT64_C(0x4000)   /* 3 */
#define FS_IOCTL_DEV UINT64_C(0x8000)  /* 5 */
#define NET_ALL UINT64_C(3)            /* 4: bind, connect */
#define NET_BIND UINT64_C(1)
#define SCOPE_ABSTRACT UINT64_C(1)     /* 6: abstract sockets */

/* The same numbers on every machine; a C library may be older. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGE_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define CHANGE (CHANGE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM | FS_REFER)
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | CHANGE_FILE)

struct ruleset {
    uint64_t fs, net, scoped;
};

unsigned ota_posix_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (unsigned)abi : 0;
}

static struct ruleset handled(enum ota_posix_role role, unsigned abi)
{
    struct ruleset r = { .fs = FS_FIRST };

    r.fs |= abi >= 2 ? FS_REFER : 0;
    r.fs |= abi >= 3 ? FS_TRUNCATE : 0;
    r.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
    if (abi >= 4)
        r.net = role == OTA_POSIX_FETCHER ? NET_BIND : NET_ALL;
    r.scoped = abi >= 6 ? SCOPE_ABSTRACT : 0;
    return r;
}

static size_t size_for(unsigned abi)
{
    return abi < 4 ? sizeof(uint64_t) : abi < 6 ? 2 * sizeof(uint64_t) : sizeof(struct ruleset);
}

/* A path that is not there cannot be reached either. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = fd };
    struct stat st;
    int number = 0;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= OF_FILES;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        number = errno;
    otap_close(&fd);
    return number;
}

static int allow_all(int ruleset, const char *const *paths, uint64_t rights)
{
    int number = 0;

    for (size_t i = 0; paths && paths[i] && number == 0; i++)
        number = allow(ruleset, paths[i], rights);
    return number;
}

int otap_landlock_enter(const struct ota_posix_sandbox_config *cfg, uint8_t *abi)
{
    unsigned version = ota_posix_landlock_abi();
    struct ruleset r = handled(cfg->role, version);

    if (version == 0)
        return ENOSYS;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &r, size_for(version), 0);
    if (fd < 0)
        return errno;
    int number = allow_all(fd, cfg->read, READ & r.fs);
    if (number == 0 && cfg->role == OTA_POSIX_WRITER)
        number = allow_all(fd, cfg->write, (READ | CHANGE) & r.fs);
    if (number == 0 && otap_sandbox_counts)
        number = allow(fd, otap_sandbox_counts, (READ | CHANGE | LANDLOCK_ACCESS_FS_MAKE_DIR) & r.fs);
    if (number == 0 && otap_sandbox_loose)
        number = allow(fd, "/proc", READ & r.fs);
    if (number == 0 && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        number = errno;
    otap_close(&fd);
    *abi = number == 0 ? (uint8_t)version : 0;
    return number;
}
