/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on the files of a simulated device: one directory, small files, and the slots as files of fixed size. */
#include "sim_fs.h"

#include <string.h>

#include "sim.h"
#include "sim_must.h"

/* The prototypes, without renaming anything here. */
#include "sim_fs_calls.h"

#define FD_BASE 1000

static struct sim *now;

struct sim *sim_fs_use(struct sim *dev)
{
    struct sim *before = now;

    now = dev;
    return before;
}

bool sim_files_open(const struct sim *dev, uint8_t file)
{
    for (size_t i = 0; i < SIM_FDS_MAX; i++)
        if (dev->fd[i].used && dev->fd[i].object == SIM_OBJ_FILE + file)
            return true;
    return false;
}

void sim_fs_close_all(struct sim *dev)
{
    memset(dev->fd, 0, sizeof dev->fd);
}

static int fail(int number)
{
    errno = number;
    return -1;
}

static int take_fd(uint8_t object)
{
    for (int i = 0; i < SIM_FDS_MAX; i++) {
        if (now->fd[i].used)
            continue;
        now->fd[i] = (struct sim_fd){ true, object };
        return FD_BASE + i;
    }
    FAIL_SIM("a free descriptor");
    return -1;
}

static uint8_t object_of(int fd)
{
    MUST(now && fd >= FD_BASE && fd < FD_BASE + SIM_FDS_MAX && now->fd[fd - FD_BASE].used);
    return now->fd[fd - FD_BASE].object;
}

/* -1 with errno, where the op must not go on; 0: it was done, or says so; 1: the caller does half. */
static int happen(const struct sim_op *op, const void *data)
{
    enum sim_does does = sim_op(now, op, data);

    if (does == SIM_DOES || does == SIM_DOES_FAILS)
        sim_op_apply(now, op, data);
    switch (does) {
    case SIM_DOES:
    case SIM_LIES:
        return 0;
    case SIM_SHORT:
        return 1;
    case SIM_FULL:
        return fail(ENOSPC);
    default:
        return fail(EIO);
    }
}

static int open_name(const char *name, int flags)
{
    struct sim_dir *d = &now->medium.dir;
    uint8_t id = sim_name_id(now, name);

    if (now->off)
        return fail(EIO);
    if (d->now[id])
        return flags & O_EXCL ? fail(EEXIST) : take_fd((uint8_t)(SIM_OBJ_FILE + d->now[id] - 1));
    if (!(flags & O_CREAT))
        return fail(ENOENT);
    const struct sim_op op = { .kind = SIM_OP_CREATE, .object = SIM_OBJ_DIR, .name = id, .file = sim_file_new(now) };
    return happen(&op, NULL) < 0 ? -1 : take_fd((uint8_t)(SIM_OBJ_FILE + op.file));
}

int sim_fs_openat(int dir, const char *path, int flags, ...)
{
    MUST(object_of(dir) == SIM_OBJ_DIR);
    return flags & O_DIRECTORY ? take_fd(SIM_OBJ_DIR) : open_name(path, flags);
}

int sim_fs_open(const char *path, int flags, ...)
{
    unsigned component, slot;

    MUST(path[0] == '/');
    if (flags & O_DIRECTORY)
        return take_fd(SIM_OBJ_DIR);
    if (sscanf(path, "/slot-%u-%u", &component, &slot) == 2)
        return take_fd((uint8_t)(component * 2 + slot));
    return open_name(path + 1, flags);
}

int sim_fs_close(int fd)
{
    (void)object_of(fd);
    now->fd[fd - FD_BASE].used = false;
    return 0;
}

static size_t bytes_of(uint8_t object, uint8_t **p)
{
    if (object < SIM_OBJ_FILE) {
        struct sim_slot *s = &now->slot[object / 2][object % 2];

        *p = s->data;
        return s->geometry.size;
    }
    *p = now->medium.file[object - SIM_OBJ_FILE].now;
    return now->medium.file[object - SIM_OBJ_FILE].len;
}

ssize_t sim_fs_pread(int fd, void *buf, size_t len, off_t off)
{
    uint8_t *p;
    size_t have = bytes_of(object_of(fd), &p);

    if (!sim_call_ok(now))
        return fail(EIO);
    if ((size_t)off >= have)
        return 0;
    len = len < have - (size_t)off ? len : have - (size_t)off;
    memcpy(buf, p + off, len);
    return (ssize_t)len;
}

ssize_t sim_fs_pwrite(int fd, const void *buf, size_t len, off_t off)
{
    struct sim_op op = { .kind = SIM_OP_WRITE, .object = object_of(fd), .off = (uint32_t)off, .len = (uint32_t)len };

    if (!sim_call_ok(now))
        return fail(EIO);
    if (op.object < SIM_OBJ_FILE)
        sim_check_change(&now->slot[op.object / 2][op.object % 2], op.off, op.len, 1);
    int how = happen(&op, buf);
    if (how < 0)
        return -1;
    if (how == 0)
        return (ssize_t)len;
    op.len = op.len > 1 ? op.len / 2 : op.len;
    sim_op_apply(now, &op, buf);
    return (ssize_t)op.len;
}

int sim_fs_fsync(int fd)
{
    const struct sim_op op = { .kind = SIM_OP_SYNC, .object = object_of(fd) };

    if (!sim_call_ok(now))
        return fail(EIO);
    int how = happen(&op, NULL);
    return how > 0 ? fail(EINTR) : how;
}

int sim_fs_flock(int fd, int how)
{
    (void)how;
    (void)object_of(fd);
    return now->off ? fail(EIO) : 0;
}

int sim_fs_fstat(int fd, struct stat *st)
{
    uint8_t object = object_of(fd), *p;

    memset(st, 0, sizeof *st);
    st->st_mode = object == SIM_OBJ_DIR ? S_IFDIR | 0700 : S_IFREG | 0600;
    st->st_dev = 1;
    st->st_ino = (ino_t)object + 1;
    st->st_size = object == SIM_OBJ_DIR ? 0 : (off_t)bytes_of(object, &p);
    return 0;
}

int sim_fs_unlinkat(int dir, const char *name, int flags)
{
    struct sim_dir *d = &now->medium.dir;
    uint8_t id = sim_name_id(now, name);

    (void)flags;
    MUST(object_of(dir) == SIM_OBJ_DIR);
    if (now->off)
        return fail(EIO);
    if (!d->now[id])
        return fail(ENOENT);
    const struct sim_op op = { .kind = SIM_OP_UNLINK, .object = SIM_OBJ_DIR, .name = id, .file = (uint8_t)(d->now[id] - 1) };
    return happen(&op, NULL) < 0 ? -1 : 0;
}

int sim_fs_unlink(const char *path)
{
    (void)path;
    return fail(ENOENT);
}

int sim_fs_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    struct sim_dir *d = &now->medium.dir;
    uint8_t id = sim_name_id(now, from);

    MUST(object_of(from_dir) == SIM_OBJ_DIR && object_of(to_dir) == SIM_OBJ_DIR);
    if (now->off)
        return fail(EIO);
    if (!d->now[id])
        return fail(ENOENT);
    const struct sim_op op = { .kind = SIM_OP_RENAME, .object = SIM_OBJ_DIR, .name = id, .to = sim_name_id(now, to),
        .file = (uint8_t)(d->now[id] - 1) };
    return happen(&op, NULL) < 0 ? -1 : 0;
}

int sim_fs_mkdir(const char *path, mode_t mode)
{
    (void)path;
    (void)mode;
    return fail(now->off ? EIO : EEXIST);
}

int sim_fs_fadvise(int fd, off_t off, off_t len, int advice)
{
    (void)off;
    (void)len;
    (void)advice;
    (void)object_of(fd);
    return 0;
}

int sim_fs_fallocate(int fd, off_t off, off_t len)
{
    (void)fd;
    (void)off;
    (void)len;
    return ENOSPC;
}

void sim_fs_make_boot(struct sim *dev, const struct ota_boot_record *r)
{
    uint8_t file = sim_file_new(dev), id = sim_name_id(dev, &SIM_FS_BOOT[1]);
    struct sim_file_body *f = &dev->medium.file[file];

    memset(f->now, 0, OTA_BOOT_RECORD_FILE_LEN);
    ota_boot_record_encode(r, f->now);
    memcpy(f->safe, f->now, sizeof f->safe);
    f->len = f->safe_len = OTA_BOOT_RECORD_FILE_LEN;
    dev->medium.dir.now[id] = dev->medium.dir.safe[id] = (uint8_t)(file + 1);
}

/* A slot here is never a block device. */
int simp_block_in_use(uint64_t device)
{
    (void)device;
    return 0;
}

int simp_link_check(const struct ota_posix_boot *b, const struct ota_boot_view *v)
{
    (void)b;
    (void)v;
    return 0;
}

int simp_loader_unfit(struct ota_posix_loader *l, uint8_t slot)
{
    (void)l;
    (void)slot;
    return 0;
}
