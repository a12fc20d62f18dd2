/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file_io.h"
#include "ota/boot_record.h"
#include "ota/posix.h"

/* The store record "crash.<component>" (SPEC.md, "Crash note"). */
#define NOTE_LEN 36u

static void put(uint8_t *p, uint64_t v, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(v >> (8u * i));
}

static uint64_t get(const uint8_t *p, size_t len)
{
    uint64_t v = 0;

    while (len-- > 0)
        v = v << 8 | p[len];
    return v;
}

/* The same crash as the note tells of: counted up. Anything else begins anew. */
static void count_up(const uint8_t *old, uint8_t *note)
{
    uint32_t count = (uint32_t)get(old + 12, 4);

    if (memcmp(old, note, 12) != 0 || get(old + NOTE_LEN - 4, 4) != ota_boot_record_crc(0, old, NOTE_LEN - 4) || count == 0)
        return;
    put(note + 12, count == UINT32_MAX ? count : count + 1u, 4);
    memcpy(note + 16, old + 16, 8);
}

static int write_note(int dir, const char *name, bool by_signal, int number, int64_t now_s)
{
    uint8_t old[NOTE_LEN + 1] = { 0 },
                           note[NOTE_LEN] = { 'O', 'T', 'A', 'K', 1, (uint8_t)(by_signal ? OTA_REPORT_SIGNAL : OTA_REPORT_EXIT) };
    char temp[128];
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, old, sizeof old);

    otap_close(&fd);
    put(note + 8, (uint32_t)number, 4);
    put(note + 12, 1, 4);
    put(note + 16, (uint64_t)now_s, 8);
    put(note + 24, (uint64_t)now_s, 8);
    if (n == (ssize_t)NOTE_LEN)
        count_up(old, note);
    put(note + NOTE_LEN - 4, ota_boot_record_crc(0, note, NOTE_LEN - 4), 4);
    if (snprintf(temp, sizeof temp, ".%s.tmp", name) >= (int)sizeof temp)
        return ENAMETOOLONG;
    return otap_replace(dir, temp, name, note, sizeof note);
}

ota_err ota_posix_crash_note(const char *path, bool by_signal, int number, int64_t now_s, int32_t *port_code)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    char folder[4096];
    int dir, err;

    if (!slash || slash[1] == '\0' || (size_t)(slash - path) >= sizeof folder)
        return otap_result(EINVAL, OTA_USAGE_ARGUMENT, port_code);
    (void)snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    err = dir < 0 ? errno : write_note(dir, slash + 1, by_signal, number, now_s);
    otap_close(&dir);
    return otap_result(err, OTA_DEVICE_STORE, port_code);
}
