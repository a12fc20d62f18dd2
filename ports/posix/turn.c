/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to update: the lock that agents of one device share, and which states need it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "ota/posix_peer.h"

bool ota_posix_needs_turn(enum ota_state state)
{
    return state == OTA_ST_PLAN || state == OTA_ST_DOWNLOAD || state == OTA_ST_SEAL || state == OTA_ST_ARM;
}

bool ota_posix_keeps_turn(enum ota_state state)
{
    return state >= OTA_ST_PLAN && state <= OTA_ST_REVERT && state != OTA_ST_READY;
}

ota_err ota_posix_turn_lock_open(struct ota_posix_turn_lock *l, const char *runtime_dir, struct ota_fault *fault)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/update.lock", runtime_dir);

    *l = (struct ota_posix_turn_lock){ .fd = -1 };
    if (len < 0 || (size_t)len >= sizeof path)
        return ota_fault_set(fault, OTA_DEVICE_STORE, "runtime_dir", ENAMETOOLONG);
    /* Who may only read it can hold it as well; whoever comes first makes it. */
    l->fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    return l->fd >= 0 ? OTA_OK : ota_fault_set(fault, OTA_DEVICE_STORE, "update.lock", errno);
}

bool ota_posix_turn_lock_try(struct ota_posix_turn_lock *l)
{
    if (!l->held)
        l->held = l->fd >= 0 && flock(l->fd, LOCK_EX | LOCK_NB) == 0;
    return l->held;
}

void ota_posix_turn_lock_release(struct ota_posix_turn_lock *l)
{
    if (l->held)
        (void)flock(l->fd, LOCK_UN);
    l->held = false;
}

void ota_posix_turn_lock_close(struct ota_posix_turn_lock *l)
{
    ota_posix_turn_lock_release(l);
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
}
