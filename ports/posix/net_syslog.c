/* SPDX-License-Identifier: Apache-2.0 */
/* PUT to a file: URL below a datagram socket, such as file:///dev/log/: reports for syslog and journald. syslog(3) would not say
 * whether anybody took them, and a report is kept until somebody did. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "file_io.h"
#include "net.h"

#define LINE_MAX_LEN 4096u

/* "/dev/log/device/1-2.json" is "device/1-2.json" of the socket /dev/log. NULL: no part of the path is a socket. */
static const char *split(const char *path, struct sockaddr_un *to)
{
    struct stat st;

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);

        if (len >= sizeof to->sun_path)
            return NULL;
        memcpy(to->sun_path, path, len);
        to->sun_path[len] = '\0';
        if (stat(to->sun_path, &st) != 0)
            return NULL;
        if (S_ISSOCK(st.st_mode))
            return slash + 1;
    }
    return NULL;
}

/* What went as it should is less urgent than what did not. */
static int priority(const struct ota_net_request *req)
{
    static const char unplanned[] = "\"type\":\"unplanned\"";
    bool warn = memmem(req->body, req->body_len, unplanned, sizeof unplanned - 1u) != NULL;

    return LOG_DAEMON | (warn ? LOG_WARNING : LOG_NOTICE);
}

/* As syslog(3) writes it. 0: it does not fit. */
static size_t make_line(const char *name, const struct ota_net_request *req, char *out, size_t cap)
{
    time_t now = time(NULL);
    struct tm tm;
    char stamp[32];

    if (!localtime_r(&now, &tm) || strftime(stamp, sizeof stamp, "%h %e %T", &tm) == 0)
        stamp[0] = '\0';
    int n = snprintf(out, cap, "<%d>%s ota-agent[%ld]: report=%s %.*s", priority(req), stamp, (long)getpid(), name,
                     (int)(req->body_len < cap ? req->body_len : cap), (const char *)req->body);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

static int deliver(const struct sockaddr_un *to, const char *line, size_t len)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

    if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 || send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len)
        err = errno;
    otap_close(&fd);
    return err;
}

unsigned otap_syslog_put(const char *path, const struct ota_net_request *req)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *name = split(path, &to);
    char line[LINE_MAX_LEN];

    if (!name)
        return 405;
    size_t len = make_line(name, req, line, sizeof line);
    if (len == 0)
        return 413;
    int err = deliver(&to, line, len);
    if (err == 0)
        return 201;
    return err == EACCES || err == EPERM ? 403 : 503; /* nobody listens, or not fast enough: it comes again */
}
