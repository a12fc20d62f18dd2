/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's end: a network port whose exchanges the fetcher makes. Whatever comes from there is checked as if a stranger had sent
 * it; the first frame that must not be is the last one of that fetcher. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fetch_frame.h"
#include "file_io.h"
#include "helper.h"
#include "net.h"

#define ANSWER_MS 10000u
#define BACKOFF_FIRST_MS 1000u
#define BACKOFF_MAX_MS 60000u
#define STALE_MAX 4096u /* more than a socket's buffer holds, however small they are */

static struct ota_posix_fetcher *self(struct ota_net *net)
{
    return (struct ota_posix_fetcher *)net;
}

const char *ota_posix_fetcher_code_name(int32_t code)
{
    static const char *const names[] = { "fetcher is gone", "fetcher is silent", "fetcher did not start", "length of a frame", "version of a frame",
        "type of a frame", "frame of another exchange", "impossible head", "impossible result", "file descriptor sent", "frames after the end" };
    int32_t n = OTA_POSIX_FETCHER_DIED - code;

    return n >= 0 && n < (int32_t)(sizeof names / sizeof names[0]) ? names[n] : "";
}

/* ---- the process ---- */

static void stop(struct ota_posix_fetcher *f)
{
    if (f->fd < 0)
        return;
    otap_close(&f->fd);
    (void)otap_helper_end_fetcher(f->helper->fd);
}

/* An exchange that is open ends with this. */
static void drop(struct ota_posix_fetcher *f, int32_t code)
{
    stop(f);
    f->failures++;
    f->trouble = code;
    f->ending = false;
    f->done = true;
    f->code = code;
    f->result = code <= OTA_POSIX_FETCHER_LENGTH ? OTA_RETRY_PROTOCOL : OTA_RETRY_NETWORK;
}

static void look_at_files(const struct ota_posix_net_config *c, struct ota_posix_fetcher_file file[4])
{
    const char *const path[4] = { c->ca_file, c->ca_dir, c->cert_file, c->key_file };

    for (size_t i = 0; i < 4; i++) {
        struct stat st;

        file[i] = (struct ota_posix_fetcher_file){ 0 };
        if (path[i] && stat(path[i], &st) == 0)
            file[i] = (struct ota_posix_fetcher_file){ (uint64_t)st.st_dev, (uint64_t)st.st_ino,
                                                       (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec };
    }
}

/* A certificate that was renewed is another file: the sandbox of a fetcher that runs does not let it in. */
static bool files_changed(const struct ota_posix_fetcher *f)
{
    struct ota_posix_fetcher_file now[4];

    look_at_files(f->net, now);
    return memcmp(now, f->file, sizeof now) != 0;
}

static bool may_start(const struct ota_posix_fetcher *f)
{
    uint64_t wait = BACKOFF_FIRST_MS;

    if (f->failures < 2)
        return true;
    for (uint32_t i = 2; i < f->failures && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    return otap_now_ms() - f->tried_ms >= (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
}

/* ---- frames ---- */

/* 1: a frame; 0: none yet; -1: dropped. */
static int receive(struct ota_posix_fetcher *f, struct otap_frame *frame)
{
    struct iovec io = { f->frame, sizeof f->frame };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
    ssize_t n = recvmsg(f->fd, &m, MSG_DONTWAIT);
    int32_t code;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        code = OTA_POSIX_FETCHER_DIED;
    else if (m.msg_flags & MSG_CTRUNC) /* the kernel had no place to put what came beside the bytes, and closed it */
        code = OTA_POSIX_FETCHER_DESCRIPTOR;
    else if (m.msg_flags & MSG_TRUNC)
        code = OTA_POSIX_FETCHER_LENGTH;
    else
        code = otap_frame_open(frame, f->frame, (size_t)n);
    if (code == 0)
        return 1;
    drop(f, code);
    return -1;
}

/* The same, with patience. false: dropped. */
static bool await(struct ota_posix_fetcher *f, struct otap_frame *frame, uint64_t until)
{
    for (;;) {
        struct pollfd p = { .fd = f->fd, .events = POLLIN };
        int got = receive(f, frame);
        uint64_t now = otap_now_ms();

        if (got != 0)
            return got > 0;
        if (now >= until) {
            drop(f, OTA_POSIX_FETCHER_SILENT);
            return false;
        }
        (void)poll(&p, 1, (int)(until - now));
    }
}

static bool send_frame(struct ota_posix_fetcher *f, enum otap_frame_type type, size_t len)
{
    otap_frame_seal(f->frame, type, f->exchange, len);
    if (send(f->fd, f->frame, OTAP_FRAME_HEADER + len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)(OTAP_FRAME_HEADER + len))
        return true;
    drop(f, errno == EAGAIN ? OTA_POSIX_FETCHER_SILENT : OTA_POSIX_FETCHER_DIED);
    return false;
}

static bool take_hello(struct ota_posix_fetcher *f, uint64_t until)
{
    struct otap_frame frame;
    ota_err err = OTA_OK;
    int32_t code = 0;

    if (!await(f, &frame, until))
        return false;
    bool is_hello = frame.type == OTAP_HELLO && otap_get_hello(frame.body, frame.len, &f->sandbox, &err, &code);
    if (is_hello && err == OTA_OK)
        return true;
    drop(f, is_hello ? OTA_POSIX_FETCHER_START : OTA_POSIX_FETCHER_TYPE);
    return false;
}

static bool start(struct ota_posix_fetcher *f, uint64_t until)
{
    if (!may_start(f))
        return false;
    f->tried_ms = otap_now_ms();
    f->starts++;
    f->exchange = 0;
    look_at_files(f->net, f->file);
    int number = otap_helper_fetcher(f->helper->fd, &f->fd);
    if (number != 0) {
        drop(f, OTA_POSIX_FETCHER_START);
        return false;
    }
    return take_hello(f, until);
}

/* One frame of an exchange that was given up. It is bounded what may still be on its way. */
static void take_stale(struct ota_posix_fetcher *f, const struct otap_frame *frame)
{
    if (frame->exchange != f->exchange)
        drop(f, OTA_POSIX_FETCHER_EXCHANGE);
    else if (frame->type == OTAP_ENDED && frame->len == 0)
        f->ending = false;
    else if (frame->type != OTAP_HEAD && frame->type != OTAP_DATA && frame->type != OTAP_DONE)
        drop(f, OTA_POSIX_FETCHER_TYPE);
    else if (++f->stale > STALE_MAX)
        drop(f, OTA_POSIX_FETCHER_FLOOD);
}

static void await_ended(struct ota_posix_fetcher *f, uint64_t until)
{
    struct otap_frame frame;

    while (f->ending && await(f, &frame, until))
        take_stale(f, &frame);
}

/* A fetcher that is ready for a request. The one that is found dead or strange here was not ours to lose: the next one is tried. */
static bool make_ready(struct ota_posix_fetcher *f, uint64_t until)
{
    await_ended(f, until);
    if (f->fd >= 0 && files_changed(f))
        stop(f);
    return f->fd >= 0 || start(f, until);
}

/* ---- the port ---- */

static bool is_result_of_begin(ota_err err)
{
    return err == OTA_OK || err == OTA_USAGE_ARGUMENT || err == OTA_RETRY_NETWORK || err == OTA_RETRY_TLS || err == OTA_RETRY_PROTOCOL || err == OTA_RETRY_CERTIFICATE;
}

static ota_err take_begun(struct ota_posix_fetcher *f, uint64_t until)
{
    struct otap_frame frame;
    ota_err err = OTA_OK;
    int32_t code = 0;

    if (!await(f, &frame, until))
        return f->result;
    if (frame.type != OTAP_BEGUN || frame.exchange != f->exchange)
        drop(f, frame.type != OTAP_BEGUN ? OTA_POSIX_FETCHER_TYPE : OTA_POSIX_FETCHER_EXCHANGE);
    else if (!otap_get_result(frame.body, frame.len, &err, &code) || !is_result_of_begin(err))
        drop(f, OTA_POSIX_FETCHER_RESULT);
    return f->fd >= 0 ? err : f->result;
}

static ota_err net_begin(struct ota_net *net, const struct ota_net_request *req)
{
    struct ota_posix_fetcher *f = self(net);
    uint64_t until = otap_now_ms() + f->answer_ms;

    if (f->open)
        return OTA_USAGE_STATE;
    if (!req->url)
        return OTA_USAGE_ARGUMENT;
    if (f->net->certificate_later && !f->certificate && !req->other_origin && strncasecmp(req->url, "https://", 8) == 0)
        return OTA_RETRY_CERTIFICATE;
    uint32_t failures = f->failures;
    if (!make_ready(f, until))
        return f->failures != failures ? f->result : OTA_RETRY_NETWORK;
    size_t len = otap_put_request(f->frame + OTAP_FRAME_HEADER, OTAP_FRAME_BODY_MAX, req);
    if (len == 0)
        return OTA_USAGE_ARGUMENT;
    f->exchange++;
    f->have_head = f->done = false;
    f->at = f->fill = 0;
    f->code = 0;
    f->stale = 0;
    if (!send_frame(f, OTAP_BEGIN, len))
        return f->result;
    ota_err err = take_begun(f, until);
    f->open = err == OTA_OK;
    return err;
}

static bool is_result(ota_err err)
{
    return err == OTA_DONE || err == OTA_RETRY_NETWORK || err == OTA_RETRY_TLS || err == OTA_RETRY_PROTOCOL || err == OTA_RETRY_TRUNCATED;
}

static void take_done(struct ota_posix_fetcher *f, const struct otap_frame *frame)
{
    ota_err err;
    int32_t code;

    if (!otap_get_result(frame->body, frame->len, &err, &code) || !is_result(err) || code < 0) {
        drop(f, OTA_POSIX_FETCHER_RESULT);
        return;
    }
    f->done = true;
    f->code = code;
    f->result = err == OTA_DONE && !f->have_head ? OTA_RETRY_PROTOCOL : err;
    if (err == OTA_DONE && f->have_head)
        f->failures = 0; /* a whole exchange: this fetcher does its work */
}

static void take_frame(struct ota_posix_fetcher *f, const struct otap_frame *frame)
{
    if (frame->exchange != f->exchange) {
        drop(f, OTA_POSIX_FETCHER_EXCHANGE);
    } else if (frame->type == OTAP_DONE) {
        take_done(f, frame);
    } else if (frame->type == OTAP_HEAD && !f->have_head) {
        f->have_head = otap_get_head(frame->body, frame->len, &f->answer);
        if (!f->have_head)
            drop(f, OTA_POSIX_FETCHER_HEAD);
    } else if (frame->type == OTAP_DATA && f->have_head && frame->len > 0) {
        f->at = (size_t)(frame->body - f->frame);
        f->fill = f->at + frame->len;
    } else {
        drop(f, OTA_POSIX_FETCHER_TYPE);
    }
}

/* One frame, if there is one. */
static void look(struct ota_posix_fetcher *f)
{
    struct otap_frame frame;

    if (!f->done && receive(f, &frame) > 0)
        take_frame(f, &frame);
}

static ota_err outcome(const struct ota_posix_fetcher *f, int32_t *port_code)
{
    if (!f->done)
        return OTA_AGAIN;
    if (f->result != OTA_DONE && f->code != 0)
        *port_code = f->code;
    return f->result;
}

static ota_err net_head(struct ota_net *net, struct ota_net_head *h, int32_t *port_code)
{
    struct ota_posix_fetcher *f = self(net);

    if (!f->open)
        return OTA_USAGE_STATE;
    if (!f->have_head)
        look(f);
    if (!f->have_head)
        return outcome(f, port_code);
    *h = f->answer;
    return OTA_OK;
}

static ota_err net_read(struct ota_net *net, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    struct ota_posix_fetcher *f = self(net);

    *got = 0;
    if (!f->open)
        return OTA_USAGE_STATE;
    if (len == 0)
        return OTA_AGAIN;
    if (f->at == f->fill)
        look(f);
    *got = f->fill - f->at < len ? f->fill - f->at : len;
    if (*got == 0)
        return outcome(f, port_code);
    memcpy(buf, f->frame + f->at, *got);
    f->at += *got;
    return OTA_OK;
}

static void net_end(struct ota_net *net)
{
    struct ota_posix_fetcher *f = self(net);

    if (!f->open)
        return;
    f->open = false;
    f->at = f->fill = 0;
    if (f->fd >= 0)
        f->ending = send_frame(f, OTAP_END, 0);
}

static void net_wait(struct ota_net *net, uint32_t ms)
{
    struct ota_posix_fetcher *f = self(net);
    struct pollfd p = { .fd = f->fd, .events = POLLIN };
    int limit = ms > INT32_MAX ? INT32_MAX : (int)ms;

    if (f->open && (f->done || f->at < f->fill))
        return;
    (void)poll(&p, f->open ? 1 : 0, limit);
}

/* No `ready`: as the port whose work it is. */
static const struct ota_net_ops ops = { NULL, net_begin, net_head, net_read, net_end, net_wait };

ota_err ota_posix_fetcher_open(struct ota_posix_fetcher *f, const struct ota_posix_fetcher_config *cfg, struct ota_fault *fault)
{
    if (!f)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "net", 0);
    memset(f, 0, offsetof(struct ota_posix_fetcher, frame));
    f->port.ops = &ops;
    f->fd = -1;
    if (!cfg || !cfg->net || !cfg->helper || cfg->helper->fd < 0)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "net.helper", 0);
    f->helper = cfg->helper;
    f->net = cfg->net;
    f->answer_ms = cfg->answer_ms ? cfg->answer_ms : ANSWER_MS;
    struct ota_posix_net_config files = *cfg->net;
    if (files.certificate_later)
        files.cert_file = files.key_file = NULL;
    return otap_net_check(&files, fault);
}

ota_err ota_posix_fetcher_certificate(struct ota_posix_fetcher *f, bool usable)
{
    if (f->open)
        return OTA_USAGE_STATE;
    f->certificate = usable;
    return OTA_OK;
}

void ota_posix_fetcher_close(struct ota_posix_fetcher *f)
{
    net_end(&f->port);
    if (f->port.ops)
        stop(f);
    f->ending = false;
}
