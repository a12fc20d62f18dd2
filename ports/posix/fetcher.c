/* SPDX-License-Identifier: Apache-2.0 */
/* The fetcher: a process that holds the network and nothing else. It makes one exchange at a time for the writer and hands on what
 * comes, as far as the writer takes it. */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch_frame.h"
#include "net.h"
#include "sandbox.h"

#define NAP_MS 60000u
#define FILES_READ_MAX 40u

struct fetcher {
    int fd;
    struct ota_posix_net net;
    uint32_t exchange;
    bool open, have_head, done;
    size_t pending;                                      /* bytes of a frame that waits to be sent; 0 = none */
    uint8_t out[OTA_POSIX_FETCHER_FRAME], in[OTA_POSIX_FETCHER_FRAME];
};

/* ---- what is sent ---- */

static void queue(struct fetcher *f, enum otap_frame_type type, size_t len)
{
    otap_frame_seal(f->out, type, f->exchange, len);
    f->pending = OTAP_FRAME_HEADER + len;
}

static uint8_t *body(struct fetcher *f)
{
    return f->out + OTAP_FRAME_HEADER;
}

static void queue_result(struct fetcher *f, enum otap_frame_type type, ota_err err, int32_t code)
{
    queue(f, type, otap_put_result(body(f), err, code));
}

static void finish(struct fetcher *f, ota_err err, int32_t code)
{
    f->done = true;
    queue_result(f, OTAP_DONE, err, code);
}

/* false: the writer is gone. */
static bool flush(struct fetcher *f)
{
    if (f->pending == 0)
        return true;
    if (send(f->fd, f->out, f->pending, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        f->pending = 0;
    else if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
        return false;
    return true;
}

/* ---- the exchange ---- */

static void look_for_head(struct fetcher *f)
{
    struct ota_net *net = &f->net.port;
    struct ota_net_head h;
    int32_t code = 0;
    ota_err err = net->ops->head(net, &h, &code);

    if (err == OTA_AGAIN)
        return;
    if (err != OTA_OK) {
        finish(f, err, code);
        return;
    }
    f->have_head = true;
    queue(f, OTAP_HEAD, otap_put_head(body(f), OTAP_FRAME_BODY_MAX, &h));
}

/* As much as there is, up to one frame. What ends the body is said in a frame of its own. */
static void read_body(struct fetcher *f)
{
    struct ota_net *net = &f->net.port;
    ota_err err = OTA_OK;
    int32_t code = 0;
    size_t fill = 0;

    while (err == OTA_OK && fill < OTAP_FRAME_BODY_MAX) {
        size_t got = 0;

        err = net->ops->read(net, body(f) + fill, OTAP_FRAME_BODY_MAX - fill, &got, &code);
        fill += got;
    }
    if (fill > 0)
        queue(f, OTAP_DATA, fill);
    else if (err != OTA_AGAIN)
        finish(f, err, code);
}

static void go_on(struct fetcher *f)
{
    if (!f->open || f->done || f->pending > 0)
        return;
    if (f->have_head)
        read_body(f);
    else
        look_for_head(f);
}

/* ---- what is asked ---- */

/* The request's texts lie in f->in, which stays as it is until the exchange ends: END is received elsewhere. */
static bool begin(struct fetcher *f, const struct otap_frame *frame)
{
    struct ota_net *net = &f->net.port;
    struct ota_net_request req;

    if (f->open || f->pending > 0 || !otap_get_request(f->in + OTAP_FRAME_HEADER, frame->len, &req))
        return false;
    f->exchange = frame->exchange;
    f->have_head = f->done = false;
    ota_err err = net->ops->begin(net, &req);
    f->open = err == OTA_OK;
    queue_result(f, OTAP_BEGUN, err, 0);
    return true;
}

/* What was not sent yet is of no use to anybody. */
static bool end(struct fetcher *f, const struct otap_frame *frame)
{
    if (frame->exchange != f->exchange || frame->len != 0)
        return false;
    f->net.port.ops->end(&f->net.port);
    f->open = false;
    queue(f, OTAP_ENDED, 0);
    return true;
}

/* false: the writer is gone, or sent what a writer never sends. */
static bool take_request(struct fetcher *f)
{
    uint8_t small[OTAP_FRAME_HEADER + 1];
    uint8_t *to = f->open ? small : f->in;
    ssize_t n = recv(f->fd, to, f->open ? sizeof small : sizeof f->in, MSG_DONTWAIT | MSG_TRUNC);
    struct otap_frame frame;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0 || (size_t)n > (f->open ? sizeof small : sizeof f->in) || otap_frame_open(&frame, to, (size_t)n) != 0)
        return false;
    if (frame.type == OTAP_BEGIN)
        return begin(f, &frame);
    return frame.type == OTAP_END && end(f, &frame);
}

/* ---- the loop ---- */

/* Nothing is read from the network while the writer does not take what was read. */
static void nap(struct fetcher *f)
{
    short want = (short)(POLLIN | (f->pending > 0 ? POLLOUT : 0));
    struct pollfd p = { .fd = f->fd, .events = want };

    if (f->open && !f->done && f->pending == 0)
        otap_curl_wait_also(&f->net, f->fd, NAP_MS);
    else
        (void)poll(&p, 1, (int)NAP_MS);
}

static void serve(struct fetcher *f)
{
    for (;;) {
        go_on(f);
        bool idle = f->pending == 0;

        if (!flush(f))
            return;
        if (idle || f->pending > 0)
            nap(f);
        if (!take_request(f))
            return;
    }
}

/* Where the C library and OpenSSL look by themselves: names, certificates, and the libraries that they load for it. */
static const char *const system_files[] = {
    "/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf",
    "/etc/gai.conf", "/etc/services", "/etc/protocols", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/etc/ssl", "/etc/pki",
    "/usr/lib/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib64",
    "/usr/local/lib", "/dev/urandom", "/dev/null", "/proc/self", "/proc/sys/crypto", NULL,
};

static ota_err enter(const struct ota_posix_helper_config *cfg, struct ota_posix_sandbox_state *s, struct ota_fault *fault)
{
    const char *read[sizeof system_files / sizeof system_files[0] + FILES_READ_MAX];
    const char *const own[] = { cfg->net->ca_file, cfg->net->ca_dir, cfg->net->cert_file, cfg->net->key_file };
    size_t n = 0;

    for (size_t i = 0; system_files[i]; i++)
        read[n++] = system_files[i];
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i])
            read[n++] = own[i];
    for (size_t i = 0; cfg->fetcher_read && cfg->fetcher_read[i] && n + 1 < sizeof read / sizeof read[0]; i++)
        read[n++] = cfg->fetcher_read[i];
    read[n] = NULL;
    const struct ota_posix_sandbox_config sandbox = { .role = OTA_POSIX_FETCHER, .read = read, .required = cfg->required };
    return ota_posix_sandbox_enter(&sandbox, s, fault);
}

/* One that comes later may be there by now; when it comes, or is replaced, the writer starts another fetcher. */
static ota_err open_net(struct fetcher *f, const struct ota_posix_net_config *cfg, struct ota_fault *fault)
{
    struct ota_posix_net_config own = *cfg;

    if (cfg->certificate_later)
        own.cert_file = own.key_file = NULL;
    ota_err err = ota_posix_net_open(&f->net, &own, fault);
    if (err == OTA_OK && cfg->certificate_later && cfg->cert_file && access(cfg->cert_file, R_OK) == 0)
        err = ota_posix_net_certificate(&f->net, cfg->cert_file, fault);
    return err;
}

int ota_posix_fetcher_main(int fd, const struct ota_posix_helper_config *cfg)
{
    struct fetcher *f = calloc(1, sizeof *f);
    struct ota_posix_sandbox_state s = { 0 };
    struct ota_fault fault = { .err = OTA_OK };

    if (!f)
        return 1;
    f->fd = fd;
    ota_err err = open_net(f, cfg->net, &fault);
    if (err == OTA_OK)
        err = enter(cfg, &s, &fault);
    queue(f, OTAP_HELLO, otap_put_hello(body(f), &s, err, fault.port_code));
    if (flush(f) && err == OTA_OK)
        serve(f);
    ota_posix_net_close(&f->net);
    free(f);
    return err == OTA_OK ? 0 : 1;
}
