/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 16u
#define IN_MAX (HTTP_HEAD_MAX + WIRE_BODY_MAX)
#define OUT_MAX (WIRE_ANSWER_MAX + 512u)
#define DRAIN_MS 1000u

enum state {
    FREE,
    HANDSHAKE,
    READING,
    WRITING,
    DRAINING /* all is said: what still comes is thrown away, so that the answer is not lost to a reset */
};

struct connection {
    enum state state;
    int fd;
    bool wants_write;
    uint64_t until_ms;
    mbedtls_ssl_context tls;
    size_t in, out, out_at;
    char in_buf[IN_MAX], out_buf[OUT_MAX];
};

static struct connection all[CONNECTIONS];

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- bytes ---- */

static int send_bytes(void *ctx, const unsigned char *p, size_t len)
{
    ssize_t n = send(((struct connection *)ctx)->fd, p, len, MSG_NOSIGNAL);

    if (n >= 0)
        return (int)n;
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int take_bytes(void *ctx, unsigned char *p, size_t len)
{
    ssize_t n = recv(((struct connection *)ctx)->fd, p, len, 0);

    if (n >= 0)
        return (int)n;
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static void close_connection(struct connection *c)
{
    mbedtls_ssl_free(&c->tls);
    (void)close(c->fd);
    c->state = FREE;
}

/* Does TLS only wait? Then the connection goes on later; else rc is a result. */
static bool waits(struct connection *c, int rc)
{
    c->wants_write = rc == MBEDTLS_ERR_SSL_WANT_WRITE;
    return rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* ---- a request ---- */

static void answer(struct server *v, struct connection *c, int status, const struct http_request *r)
{
    static struct service_answer a;
    const struct service_now now = { now_ms(), (int64_t)time(NULL) };
    char retry[48] = "";
    int n;

    service_answer(v->service, &now, status, r, &a);
    (void)printf("attest-service: %s\n", a.line);
    (void)fflush(stdout);
    if (a.retry_s)
        (void)snprintf(retry, sizeof retry, "Retry-After: %u\r\n", (unsigned)a.retry_s);
    n = snprintf(c->out_buf, sizeof c->out_buf,
                 "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n%s"
                 "Connection: close\r\n\r\n%s",
                 a.status, http_reason(a.status), a.len, retry, a.body);
    c->out = n > 0 && n < (int)sizeof c->out_buf ? (size_t)n : 0;
    c->out_at = 0;
    c->state = WRITING;
    c->until_ms = now.ms + v->config->timeout_s * 1000u;
}

static bool go_on_handshake(struct connection *c)
{
    int rc = mbedtls_ssl_handshake(&c->tls);

    if (rc == 0) {
        c->state = READING;
        return true;
    }
    if (!waits(c, rc))
        close_connection(c);
    return false;
}

static bool go_on_reading(struct server *v, struct connection *c)
{
    struct http_request r;
    int rc = mbedtls_ssl_read(&c->tls, (unsigned char *)c->in_buf + c->in, sizeof c->in_buf - c->in);

    if (rc > 0)
        c->in += (size_t)rc;
    else if (waits(c, rc))
        return false;
    else {
        if (c->in > 0)
            (void)printf("attest-service: cut off bytes=%zu\n", c->in), (void)fflush(stdout);
        close_connection(c); /* half a request is none */
        return false;
    }
    int status = http_read(c->in_buf, c->in, WIRE_BODY_MAX, &r);
    if (status == 0 && c->in == sizeof c->in_buf)
        status = 413;
    if (status != 0)
        answer(v, c, status, &r);
    return true;
}

static bool go_on_writing(struct connection *c)
{
    int rc = mbedtls_ssl_write(&c->tls, (const unsigned char *)c->out_buf + c->out_at, c->out - c->out_at);

    if (rc > 0)
        c->out_at += (size_t)rc;
    else if (waits(c, rc))
        return false;
    else {
        close_connection(c);
        return false;
    }
    if (c->out_at == c->out) {
        (void)mbedtls_ssl_close_notify(&c->tls);
        (void)shutdown(c->fd, SHUT_WR);
        c->state = DRAINING;
        c->wants_write = false;
        c->until_ms = now_ms() + DRAIN_MS;
    }
    return true;
}

static bool go_on_draining(struct connection *c)
{
    unsigned char bin[4096];
    int rc = take_bytes(c, bin, sizeof bin);

    if (rc > 0)
        return true;
    if (rc != MBEDTLS_ERR_SSL_WANT_READ)
        close_connection(c);
    return false;
}

static bool go_on(struct server *v, struct connection *c)
{
    switch (c->state) {
    case HANDSHAKE: return go_on_handshake(c);
    case READING: return go_on_reading(v, c);
    case WRITING: return go_on_writing(c);
    case DRAINING: return go_on_draining(c);
    case FREE: break;
    }
    return false;
}

static void expire(struct server *v, struct connection *c)
{
    const struct http_request none = { .body = NULL };

    if (c->state == READING && c->in > 0)
        answer(v, c, 408, &none);
    else
        close_connection(c);
}

/* ---- connections ---- */

static struct connection *find_free(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (all[i].state == FREE)
            return &all[i];
    return NULL;
}

static void accept_one(struct server *v)
{
    struct connection *c = find_free();
    int fd = accept(v->listener, NULL, NULL);

    if (fd < 0)
        return;
    if (!c || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        (void)close(fd);
        return;
    }
    c->fd = fd;
    c->in = c->out = c->out_at = 0;
    c->wants_write = false;
    mbedtls_ssl_init(&c->tls);
    c->state = HANDSHAKE;
    c->until_ms = now_ms() + v->config->timeout_s * 1000u;
    if (mbedtls_ssl_setup(&c->tls, &v->tls) != 0) {
        close_connection(c);
        return;
    }
    mbedtls_ssl_set_bio(&c->tls, c, send_bytes, take_bytes, NULL);
}

/* Who to listen to. While every place is taken, who comes waits in the kernel's queue. */
static nfds_t fill_poll(const struct server *v, struct pollfd *p, size_t *who, int64_t *wait_ms)
{
    uint64_t now = now_ms();
    nfds_t n = 0;

    *wait_ms = -1;
    if (find_free())
        p[n++] = (struct pollfd){ v->listener, POLLIN, 0 }, who[0] = CONNECTIONS;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (all[i].state == FREE)
            continue;
        int64_t left = all[i].until_ms > now ? (int64_t)(all[i].until_ms - now) : 0;
        if (*wait_ms < 0 || left < *wait_ms)
            *wait_ms = left;
        who[n] = i;
        p[n++] = (struct pollfd){ all[i].fd, (short)(all[i].wants_write || all[i].state == WRITING ? POLLOUT : POLLIN), 0 };
    }
    return n;
}

static void expire_all(struct server *v)
{
    uint64_t now = now_ms();

    for (size_t i = 0; i < CONNECTIONS; i++)
        if (all[i].state != FREE && all[i].until_ms <= now)
            expire(v, &all[i]);
}

void server_run(struct server *v, const volatile sig_atomic_t *stop, const sigset_t *waiting)
{
    struct pollfd p[CONNECTIONS + 1];
    size_t who[CONNECTIONS + 1];

    while (!*stop) {
        int64_t wait_ms;
        nfds_t n = fill_poll(v, p, who, &wait_ms);
        const struct timespec t = { (time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000L };

        if (ppoll(p, n, wait_ms < 0 ? NULL : &t, waiting) < 0)
            n = 0;
        for (nfds_t i = 0; i < n; i++) {
            if (!p[i].revents)
                continue;
            if (who[i] == CONNECTIONS)
                accept_one(v);
            else
                while (go_on(v, &all[who[i]]))
                    continue;
        }
        expire_all(v);
    }
}

/* ---- open and close ---- */

static bool open_socket(struct server *v, struct ota_fault *fault)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(v->config->port) };
    socklen_t len = sizeof a;
    int one = 1;

    if (inet_pton(AF_INET, v->config->address, &a.sin_addr) != 1)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "config.address", 0) == OTA_OK;
    v->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (v->listener < 0 || setsockopt(v->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(v->listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(v->listener, 64) != 0 ||
        getsockname(v->listener, (struct sockaddr *)&a, &len) != 0)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "config.port", errno) == OTA_OK;
    v->port = ntohs(a.sin_port);
    return true;
}

static bool open_tls(struct server *v, struct ota_fault *fault)
{
    mbedtls_ssl_config *t = &v->tls;

    if (mbedtls_x509_crt_parse_file(&v->cert, v->config->tls_cert.text) != 0)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "config.tls_cert", 0) == OTA_OK;
    if (issue_read_key(&v->key, v->config->tls_key.text, &v->service->random) != 0)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "config.tls_key", 0) == OTA_OK;
    if (mbedtls_ssl_config_defaults(t, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0 ||
        mbedtls_ssl_conf_own_cert(t, &v->cert, &v->key) != 0)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "config.tls_cert", 0) == OTA_OK;
    mbedtls_ssl_conf_rng(t, mbedtls_ctr_drbg_random, &v->service->random.drbg);
    mbedtls_ssl_conf_authmode(t, MBEDTLS_SSL_VERIFY_NONE); /* who a device is, its evidence says */
    mbedtls_ssl_conf_min_version(t, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    return true;
}

bool server_open(struct server *v, struct service *s, struct ota_fault *fault)
{
    memset(v, 0, sizeof *v);
    v->service = s;
    v->config = s->config;
    v->listener = -1;
    mbedtls_ssl_config_init(&v->tls);
    mbedtls_x509_crt_init(&v->cert);
    mbedtls_pk_init(&v->key);
    return open_tls(v, fault) && open_socket(v, fault);
}

void server_close(struct server *v)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (all[i].state != FREE)
            close_connection(&all[i]);
    if (v->listener >= 0)
        (void)close(v->listener);
    mbedtls_ssl_config_free(&v->tls);
    mbedtls_x509_crt_free(&v->cert);
    mbedtls_pk_free(&v->key);
}
