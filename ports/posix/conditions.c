/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file_io.h"
#include "ota/posix.h"
#include "spawn.h"

#define POWER_DIR "/sys/class/power_supply"
#define LIMIT_MS 10000u
#define ASK_AGAIN_MS 30000u
#define LINE_MAX_LEN 64

/* ---- small files ---- */

/* The first line of a file below dir_fd; false: there is none. */
static bool line_of(int dir_fd, const char *path, char out[LINE_MAX_LEN])
{
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, LINE_MAX_LEN - 1);

    otap_close(&fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return n > 0;
}

static bool supply_line(int dir_fd, const char *supply, const char *what, char out[LINE_MAX_LEN])
{
    char path[NAME_MAX + 16];
    int n = snprintf(path, sizeof path, "%s/%s", supply, what);

    return n > 0 && (size_t)n < sizeof path && line_of(dir_fd, path, out);
}

/* A decimal number up to max, or -1. */
static int64_t number(const char *text, uint64_t max)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    return *end || errno || v > max ? -1 : (int64_t)v;
}

/* ---- power ---- */

/* The fullest battery counts: it is what the device runs from last. One of a mouse or a pen is not the device's. */
static void take_battery(int dir_fd, const char *supply, struct ota_conditions_now *now)
{
    char line[LINE_MAX_LEN];
    int64_t percent = -1;

    if (supply_line(dir_fd, supply, "scope", line) && strcmp(line, "Device") == 0)
        return;
    if (supply_line(dir_fd, supply, "capacity", line))
        percent = number(line, 100);
    if (percent > now->battery_percent)
        now->battery_percent = (int8_t)percent;
    if (supply_line(dir_fd, supply, "status", line) && (strcmp(line, "Charging") == 0 || strcmp(line, "Full") == 0))
        now->on_mains = 1;
}

static void take_supply(int dir_fd, const char *supply, struct ota_conditions_now *now)
{
    char line[LINE_MAX_LEN];

    if (!supply_line(dir_fd, supply, "type", line))
        return;
    if (strcmp(line, "Battery") == 0)
        take_battery(dir_fd, supply, now);
    else if (supply_line(dir_fd, supply, "online", line) && now->on_mains < 1)
        now->on_mains = line[0] == '1';
}

static void take_power(const char *dir, struct ota_conditions_now *now)
{
    DIR *d = opendir(dir);

    for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        if (e->d_name[0] != '.')
            take_supply(dirfd(d), e->d_name, now);
    if (d)
        (void)closedir(d);
}

/* ---- the link ---- */

static void end_probe(struct ota_posix_conditions *c)
{
    int status;

    (void)kill((pid_t)-c->pid, SIGKILL);
    while (waitpid((pid_t)c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
}

static void look_at_probe(struct ota_posix_conditions *c)
{
    int status = 0;
    pid_t got = waitpid((pid_t)c->pid, &status, WNOHANG);

    if (got == 0 && otap_now_ms() - c->asked_ms < c->limit_ms)
        return;
    c->metered = OTA_NOT_KNOWN;
    if (got == 0) {
        end_probe(c);
        return;
    }
    if (got == (pid_t)c->pid) {
        (void)kill((pid_t)-c->pid, SIGKILL);
        if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
            c->metered = WEXITSTATUS(status) == 0;
    }
    c->pid = 0;
}

static void take_link(struct ota_posix_conditions *c, struct ota_conditions_now *now)
{
    pid_t pid = 0;

    if (!c->metered_argv)
        return;
    if (c->pid)
        look_at_probe(c);
    else if (c->asked_ms == 0 || otap_now_ms() - c->asked_ms >= ASK_AGAIN_MS) {
        c->asked_ms = otap_now_ms();
        c->pid = otap_spawn(c->metered_argv, &pid) == 0 ? pid : 0;
        if (!c->pid)
            c->metered = OTA_NOT_KNOWN;
    }
    now->metered = c->metered;
}

/* ---- the port ---- */

static void take_local_time(struct ota_conditions_now *now)
{
    time_t t = time(NULL);
    struct tm local;

    tzset(); /* the zone may have been changed meanwhile */
    now->offset_known = localtime_r(&t, &local) != NULL;
    now->utc_offset_s = now->offset_known ? (int32_t)local.tm_gmtoff : 0;
}

static ota_err read_now(struct ota_conditions *port, struct ota_conditions_now *now, int32_t *port_code)
{
    struct ota_posix_conditions *c = (struct ota_posix_conditions *)port;

    (void)port_code;
    take_power(c->power_dir, now);
    take_link(c, now);
    if (c->local_time)
        take_local_time(now);
    return OTA_OK;
}

static ota_err consent(struct ota_conditions *port, uint64_t seq, int32_t *port_code)
{
    const struct ota_posix_conditions *c = (const struct ota_posix_conditions *)port;
    char line[LINE_MAX_LEN];

    (void)port_code;
    if (!c->consent_file || !line_of(AT_FDCWD, c->consent_file, line))
        return OTA_AGAIN;
    return strcmp(line, "any") == 0 || number(line, INT64_MAX) == (int64_t)seq ? OTA_OK : OTA_AGAIN;
}

static const struct ota_conditions_ops ops = { read_now, consent };

ota_err ota_posix_conditions_open(struct ota_posix_conditions *c, const struct ota_posix_conditions_config *cfg, struct ota_fault *fault)
{
    if (!c || !cfg)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "conditions", 0);
    *c = (struct ota_posix_conditions){ .port = { &ops }, .power_dir = cfg->power_dir ? cfg->power_dir : POWER_DIR,
                                        .metered_argv = cfg->metered, .consent_file = cfg->consent_file, .local_time = cfg->local_time,
                                        .limit_ms = cfg->limit_ms ? cfg->limit_ms : LIMIT_MS, .metered = 1 };
    if (cfg->metered && !cfg->metered[0])
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "conditions.metered", 0);
    return OTA_OK;
}

void ota_posix_conditions_close(struct ota_posix_conditions *c)
{
    if (c->pid)
        end_probe(c);
}
