/* SPDX-License-Identifier: Apache-2.0 */
/* file: URLs, answered as an HTTP server would, so that everything above sees one protocol. libcurl's own file: support
 * neither pauses nor answers with a status. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"
#include "net.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decoding (RFC 3986 section 2.1). A NUL would end the path early: refused. */
static bool decode(const char *in, char *out, size_t cap)
{
    size_t len = 0;

    for (; *in; in++) {
        int c = (unsigned char)*in;

        if (c == '%') {
            int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);

            if (low < 0 || (high == 0 && low == 0))
                return false;
            c = high * 16 + low;
            in += 2;
        }
        if (len + 1 >= cap)
            return false;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return true;
}

/* RFC 8089: "file:" then a path, with nothing or "localhost" as host. */
static bool path_of(const char *url, char *out, size_t cap)
{
    const char *p = url + strlen("file:");

    if (strncmp(p, "//", 2) == 0) {
        p += 2;
        if (strncasecmp(p, "localhost/", 10) == 0)
            p += 9;
    }
    return *p == '/' && decode(p, out, cap);
}

__attribute__((format(printf, 2, 3))) static void say(struct ota_posix_net *n, const char *format, ...)
{
    char line[128];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    (void)ota_net_head_line(&n->answer, line, len > 0 && (size_t)len < sizeof line ? (size_t)len : 0);
}

/* An answer without a body. */
static ota_err answer_empty(struct ota_posix_net *n, unsigned status)
{
    say(n, "HTTP/1.1 %u -", status);
    say(n, "Content-Length: 0");
    say(n, "%s", "");
    n->file_left = 0;
    return OTA_OK;
}

static unsigned status_of(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
        return 403;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return 404;
    default:
        return 500;
    }
}

static void make_etag(const struct stat *st, char *out, size_t cap)
{
    (void)snprintf(out, cap, "\"%jx-%jx-%jx.%lx\"", (uintmax_t)st->st_ino, (uintmax_t)st->st_size,
                   (uintmax_t)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
}

/* to: the last byte, or 0 for the file's */
static ota_err answer_range(struct ota_posix_net *n, uint64_t from, uint64_t to, uint64_t size, const char *etag)
{
    uint64_t last = to == 0 || to >= size ? size - 1u : to;

    if (from >= size) {
        say(n, "HTTP/1.1 416 -");
        say(n, "Content-Range: bytes */%" PRIu64, size);
        say(n, "Content-Length: 0");
        say(n, "%s", "");
        return OTA_OK;
    }
    if (lseek(n->file_fd, (off_t)from, SEEK_SET) < 0)
        return answer_empty(n, 500);
    n->file_left = last + 1u - from;
    say(n, "HTTP/1.1 206 -");
    say(n, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from, last, size);
    say(n, "Content-Length: %" PRIu64, n->file_left);
    say(n, "ETag: %s", etag);
    say(n, "%s", "");
    return OTA_OK;
}

static ota_err answer(struct ota_posix_net *n, const struct ota_net_request *req, const struct stat *st)
{
    uint64_t size = (uint64_t)st->st_size;
    char etag[OTA_ETAG_MAX];

    make_etag(st, etag, sizeof etag);
    n->file_left = 0;
    if (req->if_none_match && strcmp(req->if_none_match, etag) == 0) {
        say(n, "HTTP/1.1 304 -");
        say(n, "ETag: %s", etag);
        say(n, "%s", "");
        return OTA_OK;
    }
    if ((req->range_from > 0 || req->range_to > 0) && (req->range_to == 0 || req->range_to >= req->range_from) &&
        (!req->if_range || strcmp(req->if_range, etag) == 0))
        return answer_range(n, req->range_from, req->range_to, size, etag);
    n->file_left = size;
    say(n, "HTTP/1.1 200 -");
    say(n, "Content-Length: %" PRIu64, size);
    say(n, "ETag: %s", etag);
    say(n, "%s", "");
    return OTA_OK;
}

ota_err otap_file_begin(struct ota_posix_net *n, const struct ota_net_request *req)
{
    char path[OTA_URL_MAX];
    struct stat st;

    if (!path_of(req->url, path, sizeof path))
        return OTA_USAGE_ARGUMENT;
    n->is_file = true;
    if (req->method != OTA_NET_GET)
        return answer_empty(n, req->method == OTA_NET_PUT ? otap_syslog_put(path, req) : 405);
    n->file_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (n->file_fd < 0 || fstat(n->file_fd, &st) != 0)
        return answer_empty(n, status_of(errno));
    if (!S_ISREG(st.st_mode))
        return answer_empty(n, 404);
    return answer(n, req, &st);
}

ota_err otap_file_read(struct ota_posix_net *n, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    ssize_t count;

    if (n->file_left == 0)
        return OTA_DONE;
    count = read(n->file_fd, buf, len < n->file_left ? len : (size_t)n->file_left);
    if (count < 0 && errno == EINTR)
        return OTA_AGAIN;
    if (count < 0)
        return otap_result(errno, OTA_RETRY_NETWORK, port_code);
    if (count == 0)
        return len == 0 ? OTA_AGAIN : otap_result(ENODATA, OTA_RETRY_TRUNCATED, port_code);
    n->file_left -= (uint64_t)count;
    *got = (size_t)count;
    return OTA_OK;
}

void otap_file_end(struct ota_posix_net *n)
{
    otap_close(&n->file_fd);
}
