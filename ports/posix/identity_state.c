/* SPDX-License-Identifier: Apache-2.0 */
#include "identity_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "file_io.h"

#define TEMP_NAME ".tmp" /* one is enough: the lock leaves one writer */
#define LOCK_NAME ".lock"
#define HEAD_LEN 8u
#define BOOT_ID_LEN 36u
#define COUNTERS_LEN (HEAD_LEN + OTA_SHA256_LEN + 8u * OTA_IDENTITY_COUNTERS + OTA_SHA256_LEN)
#define REGISTERS_LEN (HEAD_LEN + BOOT_ID_LEN + sizeof(struct otap_registers) + OTA_SHA256_LEN)

static const char counters_name[] = "counters", registers_name[] = "registers";
static const uint8_t counters_head[HEAD_LEN] = "OTAC\1", registers_head[HEAD_LEN] = "OTAR\1";

int otap_identity_dir_ok(int dir_fd)
{
    struct stat st;

    if (fstat(dir_fd, &st) != 0)
        return errno;
    if (st.st_uid != geteuid())
        return EPERM;
    return (st.st_mode & 022) == 0 ? 0 : EACCES;
}

static int judge(int fd, size_t len)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EBADMSG;
    if (st.st_uid != geteuid())
        return EPERM;
    if ((st.st_mode & 0177) != 0 || st.st_nlink != 1)
        return EACCES;
    return (uint64_t)st.st_size == len ? 0 : EBADMSG;
}

int otap_identity_read(int dir_fd, const char *name, void *buf, size_t len)
{
    /* O_NONBLOCK: something put a FIFO there, and opening it must not hang. */
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return errno;
    int number = judge(fd, len);
    if (number == 0)
        number = otap_pread(fd, buf, len, 0);
    otap_close(&fd);
    return number;
}

int otap_identity_write(int dir_fd, const char *name, const void *buf, size_t len)
{
    return otap_replace(dir_fd, TEMP_NAME, name, buf, len);
}

int otap_identity_lock(int dir_fd)
{
    int fd = openat(dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR) {
            int number = errno;
            otap_close(&fd);
            return -number;
        }
    return fd;
}

int otap_sha256(const void *p, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    size_t got = 0;

    return (int)psa_hash_compute(PSA_ALG_SHA_256, p, len, out, OTA_SHA256_LEN, &got);
}

/* ---- records that end in the digest of all before it ---- */

static int sealed_read(int dir_fd, const char *name, uint8_t *buf, size_t len)
{
    uint8_t digest[OTA_SHA256_LEN];
    int number = otap_identity_read(dir_fd, name, buf, len);

    if (number == 0)
        number = otap_sha256(buf, len - sizeof digest, digest);
    if (number != 0)
        return number;
    return memcmp(digest, buf + len - sizeof digest, sizeof digest) == 0 ? 0 : EBADMSG;
}

static int sealed_write(int dir_fd, const char *name, uint8_t *buf, size_t len)
{
    int number = otap_sha256(buf, len - OTA_SHA256_LEN, buf + len - OTA_SHA256_LEN);

    return number == 0 ? otap_identity_write(dir_fd, name, buf, len) : number;
}

static void put_u64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

int otap_counters_read(int dir_fd, const uint8_t owner[OTA_SHA256_LEN], struct otap_counters *c)
{
    uint8_t buf[COUNTERS_LEN];
    int number = sealed_read(dir_fd, counters_name, buf, sizeof buf);

    if (number != 0)
        return number;
    if (memcmp(buf, counters_head, HEAD_LEN) != 0 || (owner && memcmp(buf + HEAD_LEN, owner, OTA_SHA256_LEN) != 0))
        return EBADMSG;
    for (size_t i = 0; i < OTA_IDENTITY_COUNTERS; i++)
        c->value[i] = get_u64(buf + HEAD_LEN + OTA_SHA256_LEN + 8 * i);
    return 0;
}

int otap_counters_write(int dir_fd, const uint8_t owner[OTA_SHA256_LEN], const struct otap_counters *c)
{
    uint8_t buf[COUNTERS_LEN];

    memcpy(buf, counters_head, HEAD_LEN);
    memcpy(buf + HEAD_LEN, owner, OTA_SHA256_LEN);
    for (size_t i = 0; i < OTA_IDENTITY_COUNTERS; i++)
        put_u64(buf + HEAD_LEN + OTA_SHA256_LEN + 8 * i, c->value[i]);
    return sealed_write(dir_fd, counters_name, buf, sizeof buf);
}

/* ---- registers: of this start of the kernel, or zero ---- */

static int boot_id(uint8_t id[BOOT_ID_LEN])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    int number = otap_pread(fd, id, BOOT_ID_LEN, 0);
    otap_close(&fd);
    return number;
}

int otap_registers_read(int dir_fd, struct otap_registers *r)
{
    uint8_t buf[REGISTERS_LEN], id[BOOT_ID_LEN];
    int number = boot_id(id);

    memset(r, 0, sizeof *r);
    if (number != 0)
        return number;
    number = sealed_read(dir_fd, registers_name, buf, sizeof buf);
    if (number == ENOENT)
        return 0;
    if (number != 0)
        return number;
    if (memcmp(buf, registers_head, HEAD_LEN) != 0)
        return EBADMSG;
    if (memcmp(buf + HEAD_LEN, id, sizeof id) == 0)
        memcpy(r, buf + HEAD_LEN + BOOT_ID_LEN, sizeof *r);
    return 0;
}

int otap_registers_write(int dir_fd, const struct otap_registers *r)
{
    uint8_t buf[REGISTERS_LEN];
    int number = boot_id(buf + HEAD_LEN);

    if (number != 0)
        return number;
    memcpy(buf, registers_head, HEAD_LEN);
    memcpy(buf + HEAD_LEN + BOOT_ID_LEN, r, sizeof *r);
    return sealed_write(dir_fd, registers_name, buf, sizeof buf);
}
