/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in one file, integers little-endian. The file has two halves; each may hold a log:
 *
 *   0   4  "OTAM"
 *   4   1  version: 1. Another one is no log
 *   5   3  zero
 *   8   4  generation: of two logs the one that is less than 2^31 ahead counts
 *   12  4  CRC-32 (ISO-HDLC) of the 12 bytes before
 *   16     entries, each padded with zeros to a multiple of 8:
 *            0   1  1 = a record, 2 = its removal
 *            1   1  length of the name, 1..95
 *            2   2  zero
 *            4   4  length of the record; 0 in a removal
 *            8   4  CRC-32 of the 8 bytes before, the checksum of the entry before (of the head, for the first one), name and record
 *            12  n  name, then the record
 *
 * The log ends at the first entry that is not valid. Since each checksum contains the one before, what an interrupted or an older
 * append left behind the end is never taken for an entry. Of a name the last entry counts.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <applibs/storage.h>

#include "ota/sphere.h"

#define VERSION 1u
#define HEAD 16u
#define ENTRY 12u
#define RECORD 1u
#define REMOVAL 2u
#define BLOCK 256u /* of one read while the log is looked through */

struct entry {
    uint32_t at;  /* in the file */
    uint32_t len; /* of the record */
    uint8_t kind, name_len;
    char name[OTA_STORE_NAME_MAX];
    uint32_t crc;
};

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t crc_add(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static uint32_t padded(uint32_t len)
{
    return (len + 7u) & ~7u;
}

static uint32_t size_of(const struct entry *e)
{
    return padded(ENTRY + e->name_len + e->len);
}

/* ---- the file ---- */

/* 0, errno, or ENODATA behind the file's end. */
static int read_at(int fd, void *buf, size_t len, uint32_t off)
{
    uint8_t *p = buf;

    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENODATA;
        p += n;
        off += (uint32_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_at(int fd, const void *buf, size_t len, uint32_t off)
{
    const uint8_t *p = buf;

    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        p += n;
        off += (uint32_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int sync_file(int fd)
{
    while (fsync(fd) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static ota_err result(int number, ota_err err, int32_t *port_code)
{
    if (port_code)
        *port_code = number;
    if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        return OTA_DEVICE_FULL;
    return number ? err : OTA_OK;
}

/* ---- reading the log ---- */

static int crc_of_file(int fd, uint32_t crc, uint32_t at, uint32_t len, uint32_t *out)
{
    uint8_t block[BLOCK];

    while (len > 0) {
        uint32_t n = len < BLOCK ? len : BLOCK;
        int number = read_at(fd, block, n, at);
        if (number)
            return number;
        crc = crc_add(crc, block, n);
        at += n;
        len -= n;
    }
    *out = crc;
    return 0;
}

static uint32_t start_crc(const uint8_t head[8], uint32_t chain)
{
    uint8_t before[4];

    put32(before, chain);
    return crc_add(crc_add(0, head, 8), before, sizeof before);
}

/* The entry at `at`. ENODATA: there is none, the log ends here. */
static int read_entry(const struct ota_sphere_store *s, uint32_t at, uint32_t chain, struct entry *e)
{
    uint8_t head[ENTRY];
    uint32_t limit = s->base + s->half, crc;

    if (limit - at < ENTRY)
        return ENODATA;
    int number = read_at(s->fd, head, sizeof head, at);
    if (number)
        return number;
    *e = (struct entry){ .at = at, .kind = head[0], .name_len = head[1], .len = get32(head + 4) };
    if ((e->kind != RECORD && e->kind != REMOVAL) || e->name_len == 0 || e->name_len >= sizeof e->name || head[2] || head[3] ||
        e->len > s->half || size_of(e) > limit - at)
        return ENODATA;
    number = read_at(s->fd, e->name, e->name_len, at + ENTRY);
    if (number == 0)
        number = crc_of_file(s->fd, crc_add(start_crc(head, chain), e->name, e->name_len), at + ENTRY + e->name_len, e->len,
                             &crc);
    if (number)
        return number;
    e->crc = crc;
    return crc == get32(head + 8) && ota_store_name_ok(e->name) ? 0 : ENODATA;
}

/* Is there a log in the half at `base`? Its generation and the checksum of its head. */
static int read_head(int fd, uint32_t base, uint32_t *generation, uint32_t *chain)
{
    uint8_t head[HEAD];
    int number = read_at(fd, head, sizeof head, base);

    if (number)
        return number;
    *generation = get32(head + 8);
    *chain = get32(head + 12);
    if (memcmp(head, "OTAM", 4) != 0 || head[4] != VERSION || head[5] || head[6] || head[7] || *chain != crc_add(0, head, 12))
        return ENODATA;
    return 0;
}

/* The last entry of that name, over [first entry, s->end). ENOENT: none, or it was removed. */
static int find(const struct ota_sphere_store *s, const char *name, struct entry *out)
{
    struct entry e;
    uint32_t chain, generation;
    int number, found = ENOENT;

    number = s->end ? read_head(s->fd, s->base, &generation, &chain) : ENOENT;
    for (uint32_t at = s->base + HEAD; number == 0 && at < s->end; at += size_of(&e), chain = e.crc) {
        number = read_entry(s, at, chain, &e);
        if (number == 0 && strcmp(e.name, name) == 0) {
            *out = e;
            found = e.kind == RECORD ? 0 : ENOENT;
        }
    }
    return number ? (number == ENODATA ? EIO : number) : found; /* what was there when it was opened is gone */
}

static ota_err store_read(struct ota_store *port, const char *name, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    const struct ota_sphere_store *s = (const struct ota_sphere_store *)port;
    struct entry e;

    *len = 0;
    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    int number = find(s, name, &e);
    if (number == 0) {
        *len = e.len;
        number = read_at(s->fd, buf, e.len < cap ? e.len : cap, e.at + ENTRY + e.name_len);
    }
    return number == ENOENT ? OTA_DEVICE_ABSENT : result(number, OTA_DEVICE_STORE, port_code);
}

/* ---- writing ---- */

/* One entry behind the log's end, and nothing else: in pieces, but durable only as a whole. */
static int append(struct ota_sphere_store *s, const struct entry *e, const void *data)
{
    uint8_t head[ENTRY] = { e->kind, e->name_len };
    static const uint8_t zero[8];
    uint32_t crc, at = s->end, used = ENTRY + e->name_len + e->len;

    put32(head + 4, e->len);
    crc = crc_add(crc_add(start_crc(head, s->chain), e->name, e->name_len), data, e->len);
    put32(head + 8, crc);
    int number = write_at(s->fd, head, ENTRY, at);
    if (number == 0)
        number = write_at(s->fd, e->name, e->name_len, at + ENTRY);
    if (number == 0)
        number = write_at(s->fd, data, e->len, at + ENTRY + e->name_len);
    if (number == 0)
        number = write_at(s->fd, zero, size_of(e) - used, at + used);
    if (number)
        return number;
    s->end += size_of(e);
    s->chain = crc;
    return 0;
}

static int copy_entry(const struct ota_sphere_store *from, struct ota_sphere_store *to, const struct entry *e)
{
    uint8_t head[ENTRY] = { e->kind, e->name_len }, block[BLOCK];
    uint32_t done = 0, all = e->name_len + e->len, crc;

    put32(head + 4, e->len);
    int number = crc_of_file(from->fd, start_crc(head, to->chain), e->at + ENTRY, all, &crc);
    if (number)
        return number;
    put32(head + 8, crc);
    number = write_at(to->fd, head, ENTRY, to->end);
    for (; number == 0 && done < size_of(e) - ENTRY; done += BLOCK) {
        uint32_t left = size_of(e) - ENTRY - done, n = left < BLOCK ? left : BLOCK;

        memset(block, 0, sizeof block);
        if (done < all)
            number = read_at(from->fd, block, all - done < n ? all - done : n, e->at + ENTRY + done);
        if (number == 0)
            number = write_at(to->fd, block, n, to->end + ENTRY + done);
    }
    to->end += size_of(e);
    to->chain = crc;
    return number;
}

static void make_head(uint8_t head[HEAD], uint32_t generation)
{
    memset(head, 0, HEAD);
    memcpy(head, "OTAM", 4);
    head[4] = VERSION;
    put32(head + 8, generation);
    put32(head + 12, crc_add(0, head, 12));
}

/* Every record but `without` into the other half, then `more`, then, when all that is durable, the head that makes it valid. */
static int begin_anew(struct ota_sphere_store *s, const char *without, const struct entry *more, const void *data)
{
    struct ota_sphere_store to = *s;
    struct entry e, last;
    uint8_t head[HEAD];
    uint32_t chain = 0, generation;
    int number = 0;

    to.base = s->base ? 0 : s->half;
    to.generation = s->generation + 1;
    make_head(head, to.generation);
    to.chain = get32(head + 12);
    to.end = to.base + HEAD;
    /* The head in the other half, if there is one, is of the log before this one. It must not be believed half-way. */
    number = write_at(s->fd, (const uint8_t[HEAD]){ 0 }, HEAD, to.base);
    if (number == 0)
        number = sync_file(s->fd);
    if (number == 0 && s->end)
        number = read_head(s->fd, s->base, &generation, &chain);
    for (uint32_t at = s->base + HEAD; number == 0 && at < s->end; at += size_of(&e), chain = e.crc) {
        number = read_entry(s, at, chain, &e);
        if (number || e.kind != RECORD || strcmp(e.name, without) == 0 || find(s, e.name, &last) != 0 || last.at != at)
            continue;
        number = size_of(&e) > to.base + to.half - to.end ? ENOSPC : copy_entry(s, &to, &e);
    }
    if (number == 0 && more)
        number = size_of(more) > to.base + to.half - to.end ? ENOSPC : append(&to, more, data);
    if (number == 0)
        number = sync_file(s->fd);
    if (number == 0)
        number = write_at(s->fd, head, HEAD, to.base);
    if (number == 0)
        number = sync_file(s->fd);
    if (number)
        return number;
    to.unsure = false;
    *s = to;
    return 0;
}

static int add(struct ota_sphere_store *s, const struct entry *e, const void *data)
{
    if (!s->end || s->unsure || size_of(e) > s->base + s->half - s->end)
        return begin_anew(s, e->name, e->kind == RECORD ? e : NULL, data);

    struct ota_sphere_store before = *s;
    int number = append(s, e, data);
    if (number == 0)
        number = sync_file(s->fd);
    if (number) {
        *s = before;
        s->unsure = true; /* it may be there after a restart, or not: the next one must not build on it */
    }
    return number;
}

static ota_err store_write(struct ota_store *port, const char *name, const void *buf, size_t len, int32_t *port_code)
{
    struct ota_sphere_store *s = (struct ota_sphere_store *)port;
    struct entry e = { .kind = RECORD, .len = (uint32_t)len };

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    if (len > s->half)
        return result(ENOSPC, OTA_DEVICE_STORE, port_code);
    e.name_len = (uint8_t)strlen(name);
    memcpy(e.name, name, e.name_len);
    return result(add(s, &e, buf), OTA_DEVICE_STORE, port_code);
}

static ota_err store_remove(struct ota_store *port, const char *name, int32_t *port_code)
{
    struct ota_sphere_store *s = (struct ota_sphere_store *)port;
    struct entry e = { .kind = REMOVAL };

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    int number = find(s, name, &e);
    if (number == ENOENT && !s->unsure)
        return OTA_OK;
    if (number && number != ENOENT)
        return result(number, OTA_DEVICE_STORE, port_code);
    e = (struct entry){ .kind = REMOVAL, .name_len = (uint8_t)strlen(name) };
    memcpy(e.name, name, e.name_len);
    return result(add(s, &e, ""), OTA_DEVICE_STORE, port_code);
}

static const struct ota_store_ops ops = { store_read, store_write, store_remove };

/* ---- opening ---- */

/* The end of the log at s->base: the first place where there is no entry. What lies there may be an append that was cut: the
 * next one goes over it. */
static int find_end(struct ota_sphere_store *s)
{
    struct entry e;
    uint32_t at = s->base + HEAD;
    int number;

    while ((number = read_entry(s, at, s->chain, &e)) == 0) {
        s->chain = e.crc;
        at += size_of(&e);
    }
    s->end = at;
    return number == ENODATA ? 0 : number;
}

static int open_log(struct ota_sphere_store *s)
{
    uint32_t generation[2] = { 0 }, chain[2];
    int number[2];

    for (unsigned i = 0; i < 2; i++) {
        number[i] = read_head(s->fd, i * s->half, &generation[i], &chain[i]);
        if (number[i] && number[i] != ENODATA)
            return number[i];
    }
    if (number[0] && number[1])
        return 0; /* a new file: s->end stays 0 */
    unsigned i = number[0] || (number[1] == 0 && generation[1] - generation[0] < 1u << 31);
    s->base = i * s->half;
    s->generation = generation[i];
    s->chain = chain[i];
    return find_end(s);
}

ota_err ota_sphere_store_open(struct ota_sphere_store *s, uint32_t size, struct ota_fault *fault)
{
    *s = (struct ota_sphere_store){ .port = { &ops }, .fd = -1 };
    if (size < OTA_SPHERE_STORE_MIN || size > OTA_SPHERE_STORE_MAX || size % 8)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "store.size", 0);
    s->half = size / 2 & ~7u;
    s->fd = Storage_OpenMutableFile();
    if (s->fd < 0)
        return ota_fault_set(fault, OTA_DEVICE_STORE, "Storage_OpenMutableFile", errno);
    int number = open_log(s);
    if (number == 0)
        return OTA_OK;
    ota_sphere_store_close(s);
    return ota_fault_set(fault, OTA_DEVICE_STORE, "mutable file", number);
}

void ota_sphere_store_close(struct ota_sphere_store *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}
