/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into an agent in place of the fetcher's main function. What it does stands in the file that OTA_TEST_HOSTILE names, one line:
 * "NAME" for ever, "NAME N" for the first N fetchers that are started, "KILL N" to die of SIGKILL when N packets were sent. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile.h"

int __real_ota_posix_fetcher_main(int fd, const struct ota_posix_helper_config *cfg);
int __wrap_ota_posix_fetcher_main(int fd, const struct ota_posix_helper_config *cfg);
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);

static long kill_at = -1;

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    if (kill_at >= 0 && kill_at-- == 0)
        (void)!(write(STDERR_FILENO, "fetcher killed\n", 15) + raise(SIGKILL));
    return __real_send(fd, bytes, len, flags);
}

static enum hostile take_order(const char *path)
{
    char name[32] = "";
    long left = -1;
    FILE *f = fopen(path, "r");

    if (!f)
        return HOSTILE_NONE;
    int n = fscanf(f, "%31s %ld", name, &left);
    (void)fclose(f);
    if (n < 1 || left == 0)
        return HOSTILE_NONE;
    if (strcmp(name, "KILL") == 0) {
        kill_at = left;
        (void)remove(path);
        return HOSTILE_NONE;
    }
    if (n == 2) {
        f = fopen(path, "w");
        if (f) {
            (void)fprintf(f, "%s %ld\n", name, left - 1);
            (void)fclose(f);
        }
    }
    return hostile_named(name);
}

int __wrap_ota_posix_fetcher_main(int fd, const struct ota_posix_helper_config *cfg)
{
    const char *path = getenv("OTA_TEST_HOSTILE");
    enum hostile what = path ? take_order(path) : HOSTILE_NONE;

    if (what == HOSTILE_OLDER)
        return hostile_older(fd, cfg);
    return what == HOSTILE_NONE ? __real_ota_posix_fetcher_main(fd, cfg) : hostile_fetcher(fd, what);
}
