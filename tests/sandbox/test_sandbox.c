/* SPDX-License-Identifier: Apache-2.0 */
/* A process in a sandbox: what it may still do, and that it finds out by itself when something forbidden works. Each case is a process
 * of its own, for there is no way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox.h"

#define MISSING 77 /* the kernel of this machine does not offer what is tested */

static char dir[] = "/tmp/ota-sandbox-XXXXXX";
static char inside[64], outside[64];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(inside, sizeof inside, "%s/inside", dir);
    snprintf(outside, sizeof outside, "%s/outside", dir);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(mkdir(outside, 0700), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)rmdir(inside);
    (void)rmdir(outside);
    return rmdir(dir);
}

/* 0 = as it must be; else the line at which it is not. Runs in a process of its own. */
#define MUST(condition)      \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)

static void in_a_process(int (*body)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        int line = body();

        if (line != 0 && line != MISSING)
            (void)fprintf(stderr, "%s:%d does not hold (%s)\n", __FILE__, line, strerror(errno));
        _exit(line == 0 ? 0 : line == MISSING ? MISSING : 1);
    }
    assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    if (WEXITSTATUS(status) == MISSING)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool can_make(const char *folder)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/file", folder);
    fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    return close(fd) == 0 && unlink(path) == 0;
}

static int as_writer(void)
{
    const char *const write[] = { inside, "/tmp/nobody/made/this", NULL }, *const read[] = { "/proc", NULL };
    const struct ota_posix_sandbox_config cfg = { .role = OTA_POSIX_WRITER, .read = read, .write = write };
    struct ota_posix_sandbox_state s;
    struct ota_fault fault;
    unsigned abi = ota_posix_landlock_abi();

    MUST(ota_posix_sandbox_enter(&cfg, &s, &fault) == OTA_OK);
    MUST(s.has & OTA_POSIX_NO_NEW_PRIVS && s.has & OTA_POSIX_NO_CAPS && s.has & OTA_POSIX_LIMITS);
    MUST(s.loose == otap_sandbox_loose && (s.loose || s.has & OTA_POSIX_NOT_DUMPABLE));
    if (!(s.has & OTA_POSIX_LANDLOCK) || !(s.has & OTA_POSIX_SECCOMP))
        return MISSING;
    MUST(s.landlock_abi == abi);
    MUST(can_make(inside) && !can_make(outside) && !can_make("/tmp") && errno == EACCES);
    MUST(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
    MUST(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM);
    MUST(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EPERM);
    MUST(access("/proc/self/mountinfo", R_OK) == 0 && open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0);
    return 0;
}

static int as_fetcher(void)
{
    const char *const read[] = { inside, NULL };
    const struct ota_posix_sandbox_config cfg = { .role = OTA_POSIX_FETCHER, .read = read, .write = read };
    struct ota_posix_sandbox_state s;
    struct ota_fault fault;
    int fd;

    MUST(ota_posix_sandbox_enter(&cfg, &s, &fault) == OTA_OK);
    if (!(s.has & OTA_POSIX_LANDLOCK) || !(s.has & OTA_POSIX_SECCOMP))
        return MISSING;
    MUST(!can_make(inside) && !can_make(outside));
    fd = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(fd >= 0 && close(fd) == 0);
    MUST(open(outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0 && errno == EACCES);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(fd >= 0 && close(fd) == 0);
    MUST(socket(AF_PACKET, SOCK_DGRAM, 0) < 0 && errno == EPERM);
    MUST(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EPERM);
    return 0;
}

/* A sandbox with a hole is an error of its own, not a state among others. */
static int with_everything_listed(void)
{
    const char *const all[] = { "/", NULL };
    const struct ota_posix_sandbox_config cfg = { .role = OTA_POSIX_WRITER, .read = all };
    struct ota_posix_sandbox_state s;
    struct ota_fault fault = { .err = OTA_OK };

    if (ota_posix_landlock_abi() == 0)
        return MISSING;
    MUST(ota_posix_sandbox_enter(&cfg, &s, &fault) == OTA_USAGE_STATE);
    MUST(strcmp(fault.where, "sandbox.open") == 0);
    return 0;
}

/* Every probe finds what is not held: in this process nothing is. */
static int without_a_sandbox(void)
{
    static const struct {
        enum ota_posix_role role;
        uint8_t claimed;
        const char *found;
    } rows[] = {
        { OTA_POSIX_WRITER, OTA_POSIX_NO_NEW_PRIVS, "privileges" }, { OTA_POSIX_WRITER, OTA_POSIX_NOT_DUMPABLE, "dumpable" },
        { OTA_POSIX_WRITER, OTA_POSIX_LANDLOCK, "open" }, { OTA_POSIX_FETCHER, OTA_POSIX_LANDLOCK, "open" },
        { OTA_POSIX_WRITER, OTA_POSIX_SECCOMP, "socket" }, { OTA_POSIX_FETCHER, OTA_POSIX_SECCOMP, "create" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct ota_posix_sandbox_config cfg = { .role = rows[i].role };
        const char *worked = otap_probe(&cfg, rows[i].claimed);
        /* who may not have raw sockets at all is stopped there without any filter */
        bool ok = worked && (strcmp(worked, rows[i].found) == 0 || strcmp(worked, "packet") == 0);

        if (!ok)
            (void)fprintf(stderr, "row %zu: %s\n", i, worked ? worked : "nothing");
        MUST(ok);
    }
    return 0;
}

/* keep_caps that the process has are found by a probe that expects none. */
static int with_a_capability_left(void)
{
    const struct ota_posix_sandbox_config kept = { .role = OTA_POSIX_WRITER, .keep_caps = 1 }, none = { .role = OTA_POSIX_WRITER };
    struct ota_posix_sandbox_state s;
    struct ota_fault fault;

    if (geteuid() != 0)
        return MISSING;
    MUST(ota_posix_sandbox_enter(&kept, &s, &fault) == OTA_OK);
    MUST(otap_probe(&kept, OTA_POSIX_NO_CAPS) == NULL);
    const char *worked = otap_probe(&none, OTA_POSIX_NO_CAPS);
    MUST(worked && strcmp(worked, "caps") == 0);
    return 0;
}

static void a_writer_has_its_files_and_no_network(void **state)
{
    (void)state;
    in_a_process(as_writer);
}

static void a_fetcher_has_the_network_and_writes_nothing(void **state)
{
    (void)state;
    in_a_process(as_fetcher);
}

static void a_hole_is_found(void **state)
{
    (void)state;
    in_a_process(with_everything_listed);
    in_a_process(without_a_sandbox);
    in_a_process(with_a_capability_left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_has_its_files_and_no_network),
        cmocka_unit_test(a_fetcher_has_the_network_and_writes_nothing),
        cmocka_unit_test(a_hole_is_found),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
