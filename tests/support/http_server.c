/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FAULTS_MAX 16
#define CLIENTS_MAX 256
#define HEAD_MAX 8192

struct rule {
    char path[256];
    struct test_http_fault fault;
    unsigned left;
    bool used;
};

struct client {
    struct test_http *server;
    pthread_t thread;
    int fd;
};

struct test_http {
    char dir[512], url[64];
    unsigned port;
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stopping;
    struct test_http_seen seen;
    struct rule rules[FAULTS_MAX];
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
};

struct request {
    char head[HEAD_MAX];
    size_t head_len, read_len;   /* read_len - head_len bytes of the body came along */
    char method[8], path[256];
    uint64_t from, to;           /* bytes=from-to */
    bool ranged, bounded;        /* from is there; to is there, too */
    char if_range[128], if_none_match[128];
    size_t body_len;
};

/* A file about to be sent. */
struct reply {
    int fd;
    uint64_t size, from, end;    /* of the file; what is sent */
    unsigned status;
    char etag[96];
};

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "test_http: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- sockets ---- */

static bool send_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

__attribute__((format(printf, 2, 3))) static bool say(int fd, const char *format, ...)
{
    char text[1024];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return len >= 0 && (size_t)len < sizeof text && send_all(fd, text, (size_t)len);
}

/* Until the peer goes away; stop() shuts the socket down, which looks the same. */
static void hang(int fd)
{
    char byte;
    ssize_t n;

    do
        n = recv(fd, &byte, 1, 0);
    while (n > 0 || (n < 0 && errno == EINTR));
}

static void rest(long ms)
{
    struct timespec t = { 0, ms * 1000000L };

    nanosleep(&t, NULL);
}

/* ---- requests ---- */

static const char *field(const struct request *r, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
            return line + 2 + len + 1 + (line[2 + len + 1] == ' ');
    return NULL;
}

static void copy_field(const struct request *r, const char *name, char *out, size_t cap)
{
    const char *value = field(r, name);
    size_t len = value ? strcspn(value, "\r\n") : 0;

    if (len >= cap)
        len = cap - 1;
    if (len > 0)
        memcpy(out, value, len);
    out[len] = '\0';
}

static bool read_head(int fd, struct request *r)
{
    r->read_len = 0;
    for (;;) {
        ssize_t n = recv(fd, r->head + r->read_len, HEAD_MAX - 1 - r->read_len, 0);
        char *end;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        r->read_len += (size_t)n;
        r->head[r->read_len] = '\0';
        end = strstr(r->head, "\r\n\r\n");
        if (end) {
            r->head_len = (size_t)(end - r->head) + 4;
            return true;
        }
    }
}

static bool parse(struct request *r)
{
    char range[64], length[32];

    if (sscanf(r->head, "%7s %255s", r->method, r->path) != 2)
        return false;
    copy_field(r, "Range", range, sizeof range);
    copy_field(r, "Content-Length", length, sizeof length);
    copy_field(r, "If-Range", r->if_range, sizeof r->if_range);
    copy_field(r, "If-None-Match", r->if_none_match, sizeof r->if_none_match);
    r->from = 0;
    int ends = sscanf(range, "bytes=%" SCNu64 "-%" SCNu64, &r->from, &r->to);
    r->ranged = ends >= 1;
    r->bounded = ends == 2;
    r->body_len = length[0] ? (size_t)strtoul(length, NULL, 10) : 0;
    return true;
}

static bool read_body(int fd, struct request *r, char *keep, size_t cap)
{
    size_t done = 0;

    for (size_t i = r->head_len; i < r->read_len && done < r->body_len; i++, done++)
        if (done + 1 < cap)
            keep[done] = r->head[i];
    while (done < r->body_len) {
        char byte;
        ssize_t n = recv(fd, &byte, 1, 0);

        if (n <= 0)
            return false;
        if (done + 1 < cap)
            keep[done] = byte;
        done++;
    }
    keep[done < cap ? done : cap - 1] = '\0';
    return true;
}

/* ---- faults ---- */

static struct rule *find_rule(struct test_http *s, const char *path)
{
    for (int i = 0; i < FAULTS_MAX; i++)
        if (s->rules[i].used && (strcmp(s->rules[i].path, path) == 0 || strcmp(s->rules[i].path, "*") == 0))
            return &s->rules[i];
    return NULL;
}

static struct test_http_fault take_fault(struct test_http *s, const char *path)
{
    struct test_http_fault f = { 0 };
    struct rule *rule;

    pthread_mutex_lock(&s->lock);
    rule = find_rule(s, path);
    if (rule) {
        f = rule->fault;
        if (f.times != 0 && --rule->left == 0)
            rule->used = false;
    }
    pthread_mutex_unlock(&s->lock);
    return f;
}

/* ---- answers ---- */

static bool flood(int fd, size_t bytes)
{
    char line[66];

    memset(line, 'x', sizeof line);
    memcpy(line, "X-Flood: ", 9);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    for (size_t sent = 0; sent < bytes; sent += sizeof line)
        if (!send_all(fd, line, sizeof line))
            return false;
    return true;
}

static bool end_head(int fd, const struct test_http_fault *f)
{
    return send_all(fd, f->fields ? f->fields : "", f->fields ? strlen(f->fields) : 0) && flood(fd, f->flood) &&
           send_all(fd, "\r\n", 2);
}

static bool answer_status(int fd, unsigned status, const struct test_http_fault *f)
{
    return say(fd, "HTTP/1.1 %u -\r\n", status) &&
           (status == 304 || status == 204 || say(fd, "Content-Length: 0\r\n")) && end_head(fd, f);
}

static void count_bytes(struct test_http *s, size_t len)
{
    pthread_mutex_lock(&s->lock);
    s->seen.body_bytes += len;
    pthread_mutex_unlock(&s->lock);
}

static bool send_piece(int fd, const char *data, size_t len, const struct test_http_fault *f)
{
    if (!f->chunked)
        return send_all(fd, data, len);
    return say(fd, "%zx\r\n", len) && send_all(fd, data, len) && send_all(fd, "\r\n", 2);
}

static size_t piece_len(const struct test_http_fault *f, uint64_t sent, uint64_t left, size_t cap)
{
    uint64_t len = left < cap ? left : cap;

    if (f->slow_bytes && len > f->slow_bytes)
        len = f->slow_bytes;
    if (f->drop && len > f->drop_after - sent)
        len = f->drop_after - sent;
    if (f->stall && len > f->stall_after - sent)
        len = f->stall_after - sent;
    return (size_t)len;
}

/* true: the connection can go on. */
static bool send_body(struct test_http *s, int fd, const struct reply *r, const struct test_http_fault *f)
{
    char data[16384];
    uint64_t sent = 0, total = r->end - r->from;

    while (sent < total) {
        size_t want = piece_len(f, sent, total - sent, sizeof data);
        ssize_t n = want > 0 ? pread(r->fd, data, want, (off_t)(r->from + sent)) : 0;

        if (want == 0 && f->stall)
            hang(fd);
        if (n <= 0 || !send_piece(fd, data, (size_t)n, f))
            return false;
        sent += (uint64_t)n;
        count_bytes(s, (size_t)n);
        if (f->slow_bytes)
            rest(5);
    }
    if (f->chunked && !say(fd, "0\r\nX-Trailer: 1\r\n\r\n"))
        return false;
    return !f->no_length && !f->drop && f->length_lie == 0;
}

static bool send_file(struct test_http *s, int fd, const struct reply *r, const struct test_http_fault *f)
{
    uint64_t off = f->wrong_range ? 1 : 0;

    if (!say(fd, "HTTP/1.1 %u -\r\nETag: %s\r\n", r->status, r->etag))
        return false;
    if (r->status == 206 && !say(fd, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", r->from + off,
                                 r->end - 1 + off, r->size + off))
        return false;
    if (f->chunked && !say(fd, "Transfer-Encoding: chunked\r\n"))
        return false;
    if (!f->no_length && !f->chunked && !say(fd, "Content-Length: %" PRId64 "\r\n", (int64_t)(r->end - r->from) + f->length_lie))
        return false;
    return end_head(fd, f) && send_body(s, fd, r, f);
}

static bool open_file(const struct test_http *s, const char *path, struct reply *r)
{
    char full[1024];
    struct stat st;

    if (strstr(path, "..") || snprintf(full, sizeof full, "%s%s", s->dir, path) >= (int)sizeof full)
        return false;
    r->fd = open(full, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        return false;
    if (fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(r->fd);
        return false;
    }
    r->size = (uint64_t)st.st_size;
    snprintf(r->etag, sizeof r->etag, "\"%jx-%jx.%lx\"", (uintmax_t)st.st_size, (uintmax_t)st.st_mtim.tv_sec,
             (unsigned long)st.st_mtim.tv_nsec);
    return true;
}

static bool answer_open(struct test_http *s, int fd, const struct request *q, struct reply *r, const struct test_http_fault *f)
{
    bool tag_ok = q->if_range[0] == '\0' || strcmp(q->if_range, r->etag) == 0 || f->ignore_if_range;
    bool ranged = q->ranged && tag_ok && !f->ignore_range;

    if (strcmp(q->if_none_match, r->etag) == 0)
        return say(fd, "HTTP/1.1 304 -\r\nETag: %s\r\n", r->etag) && end_head(fd, f);
    if (ranged && q->from >= r->size)
        return answer_status(fd, 416, f);
    r->status = ranged ? 206 : 200;
    r->from = ranged ? q->from : 0;
    r->end = ranged && q->bounded && q->to < r->size ? q->to + 1 : r->size;
    return send_file(s, fd, r, f);
}

static bool answer_get(struct test_http *s, int fd, const struct request *q, const struct test_http_fault *f)
{
    struct reply r;
    bool go_on;

    if (!open_file(s, q->path, &r))
        return answer_status(fd, 404, f);
    go_on = answer_open(s, fd, q, &r, f);
    close(r.fd);
    return go_on;
}

static bool take_put(struct test_http *s, int fd, struct request *q)
{
    char body[sizeof s->seen.put_body];

    if (!read_body(fd, q, body, sizeof body))
        return false;
    pthread_mutex_lock(&s->lock);
    memcpy(s->seen.put_body, body, sizeof body);
    s->seen.put_len = q->body_len;
    s->seen.puts++;
    pthread_mutex_unlock(&s->lock);
    return true;
}

static bool answer(struct test_http *s, int fd, struct request *q)
{
    struct test_http_fault f = take_fault(s, q->path);
    bool put = strcmp(q->method, "PUT") == 0;

    if (put && !take_put(s, fd, q))
        return false;
    if (f.stall_head)
        hang(fd);
    if (f.raw)
        (void)send_all(fd, f.raw, strlen(f.raw));
    if (f.stall_head || f.raw)
        return false;
    for (unsigned i = 0; i < f.interim; i++)
        if (!say(fd, "HTTP/1.1 103 -\r\nLink: </x>\r\n\r\n"))
            return false;
    if (f.status)
        return answer_status(fd, f.status, &f);
    return put ? answer_status(fd, 204, &f) : answer_get(s, fd, q, &f);
}

static void count_request(struct test_http *s, const struct request *q)
{
    size_t len = q->head_len < sizeof s->seen.request ? q->head_len : sizeof s->seen.request - 1;

    pthread_mutex_lock(&s->lock);
    s->seen.requests++;
    memcpy(s->seen.request, q->head, len);
    s->seen.request[len] = '\0';
    pthread_mutex_unlock(&s->lock);
}

/* ---- threads ---- */

static void *serve(void *arg)
{
    struct client *c = arg;
    struct request q;

    while (read_head(c->fd, &q) && parse(&q)) {
        count_request(c->server, &q);
        if (!answer(c->server, c->fd, &q))
            break;
    }
    shutdown(c->fd, SHUT_RDWR); /* closed by stop(): the number must not be reused while it may be shut down */
    return NULL;
}

static bool adopt(struct test_http *s, int fd)
{
    struct client *c = &s->clients[s->client_count];
    int on = 1;
    bool ok = false;

    pthread_mutex_lock(&s->lock);
    if (!s->stopping && s->client_count < CLIENTS_MAX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        *c = (struct client){ .server = s, .fd = fd };
        ok = pthread_create(&c->thread, NULL, serve, c) == 0;
        s->client_count += ok;
        s->seen.connections += ok;
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static void *accept_loop(void *arg)
{
    struct test_http *s = arg;

    for (;;) {
        int fd = accept(s->listener, NULL, NULL);

        if (fd < 0 && errno == EINTR)
            continue;
        if (fd < 0)
            return NULL;
        if (!adopt(s, fd))
            close(fd);
    }
}

static void bind_loopback(struct test_http *s)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof a;

    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->listener, 16) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&a, &len) != 0)
        give_up("listen");
    s->port = ntohs(a.sin_port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/", s->port);
}

struct test_http *test_http_start(const char *dir)
{
    struct test_http *s = calloc(1, sizeof *s);

    if (!s || strlen(dir) >= sizeof s->dir)
        give_up("start");
    strcpy(s->dir, dir);
    pthread_mutex_init(&s->lock, NULL);
    bind_loopback(s);
    if (pthread_create(&s->thread, NULL, accept_loop, s) != 0)
        give_up("thread");
    return s;
}

const char *test_http_url(const struct test_http *s)
{
    return s->url;
}

unsigned test_http_port(const struct test_http *s)
{
    return s->port;
}

static struct rule *slot_for(struct test_http *s, const char *path)
{
    struct rule *free_slot = NULL;

    for (int i = 0; i < FAULTS_MAX; i++) {
        if (s->rules[i].used && strcmp(s->rules[i].path, path) == 0)
            return &s->rules[i];
        if (!s->rules[i].used && !free_slot)
            free_slot = &s->rules[i];
    }
    return free_slot;
}

void test_http_fault(struct test_http *s, const char *path, const struct test_http_fault *fault)
{
    struct rule *rule;

    pthread_mutex_lock(&s->lock);
    rule = slot_for(s, path);
    if (!rule || strlen(path) >= sizeof rule->path)
        give_up("too many faults");
    rule->used = fault != NULL;
    if (fault) {
        strcpy(rule->path, path);
        rule->fault = *fault;
        rule->left = fault->times;
    }
    pthread_mutex_unlock(&s->lock);
}

void test_http_seen(struct test_http *s, struct test_http_seen *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->seen;
    pthread_mutex_unlock(&s->lock);
}

void test_http_reset(struct test_http *s)
{
    pthread_mutex_lock(&s->lock);
    memset(&s->seen, 0, sizeof s->seen);
    pthread_mutex_unlock(&s->lock);
}

void test_http_stop(struct test_http *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    for (unsigned i = 0; i < s->client_count; i++) {
        shutdown(s->clients[i].fd, SHUT_RDWR);
        pthread_join(s->clients[i].thread, NULL);
        close(s->clients[i].fd);
    }
    close(s->listener);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
