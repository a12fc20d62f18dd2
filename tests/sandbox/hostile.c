/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch_frame.h"

static int to;
static uint32_t exchange;
static uint8_t frame[OTA_POSIX_FETCHER_FRAME + 100];

#define BODY (frame + OTAP_FRAME_HEADER)

enum hostile hostile_named(const char *name)
{
#define NAME(n, where, err, code) #n,
    static const char *const names[] = { HOSTILE_LIST(NAME) "", "ENDLESS", "FLOOD", "OLDER" };
    size_t i = 0;

    while (i < HOSTILE_NONE && strcmp(names[i], name) != 0)
        i++;
    return (enum hostile)i;
}

static bool put(size_t len)
{
    return send(to, frame, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool say(enum otap_frame_type type, uint32_t of, size_t len)
{
    otap_frame_seal(frame, type, of, len);
    return put(OTAP_FRAME_HEADER + len);
}

static bool say_result(enum otap_frame_type type, ota_err err, int32_t code)
{
    return say(type, exchange, otap_put_result(BODY, err, code));
}

static void hello(uint8_t has, ota_err err)
{
    const struct ota_posix_sandbox_state s = { has, 7, false };

    (void)say(OTAP_HELLO, 0, otap_put_hello(BODY, &s, err, 0));
}

static size_t make_head(void)
{
    static const struct ota_net_head h = { .status = 200, .has_length = true, .length = 10, .retry_after_s = -1, .etag = "\"tag\"",
                                           .location = "/there" };

    return otap_put_head(BODY, OTAP_FRAME_BODY_MAX, &h);
}

static void give_descriptor(enum otap_frame_type type, size_t len)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } c = { .bytes = { 0 } };
    struct iovec io = { frame, OTAP_FRAME_HEADER + len };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = c.bytes, .msg_controllen = sizeof c.bytes };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    int fd = 2;

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(h), &fd, sizeof fd);
    otap_frame_seal(frame, type, type == OTAP_HELLO ? 0 : exchange, len);
    (void)sendmsg(to, &m, MSG_NOSIGNAL);
}

/* One byte of a good head is made another one, or its end is cut. */
static void bad_head(size_t at, uint8_t value, size_t cut)
{
    size_t len = make_head();

    if (cut == 0)
        BODY[at] = value;
    (void)say(OTAP_HEAD, exchange, len - cut);
}

/* Bytes 2 to 0. */
static void bad_range(void)
{
    size_t len = make_head();

    BODY[2] = 4;
    BODY[16] = 2;
    (void)say(OTAP_HEAD, exchange, len);
}

static void head_misdeed(enum hostile what)
{
    switch (what) {
    case HOSTILE_HEAD_CUT: bad_head(0, 0, 1); break;
    case HOSTILE_HEAD_STATUS: bad_head(1, 0xff, 0); break;
    case HOSTILE_HEAD_FLAGS: bad_head(3, 1, 0); break;
    case HOSTILE_HEAD_LENGTH: bad_head(15, 0x80, 0); break;
    case HOSTILE_HEAD_RANGE: bad_range(); break;
    case HOSTILE_HEAD_ETAG: bad_head(65, 0, 0); break;
    case HOSTILE_HEAD_ETAG_LONG: bad_head(61, 0xff, 0); break;
    default: bad_head(71, '\n', 0); break;
    }
}

static void result_misdeed(enum hostile what)
{
    switch (what) {
    case HOSTILE_RESULT_CUT: (void)otap_put_result(BODY, OTA_DONE, 0); (void)say(OTAP_DONE, exchange, 7); break;
    case HOSTILE_RESULT_OK: (void)say_result(OTAP_DONE, OTA_OK, 0); break;
    case HOSTILE_RESULT_REJECT: (void)say_result(OTAP_DONE, OTA_REJECT_SIGNATURE, 0); break;
    case HOSTILE_RESULT_CODE: (void)say_result(OTAP_DONE, OTA_RETRY_NETWORK, OTA_POSIX_FETCHER_DIED); break;
    default: (void)say_result(OTAP_DONE, OTA_DONE, 0); break;
    }
}

static void frame_misdeed(enum hostile what)
{
    otap_frame_seal(frame, OTAP_HEAD, exchange, make_head());
    switch (what) {
    case HOSTILE_FRAME_EMPTY: (void)put(0); break;
    case HOSTILE_FRAME_SHORT: (void)put(OTAP_FRAME_HEADER - 1); break;
    case HOSTILE_FRAME_LONG: (void)say(OTAP_HEAD, exchange, OTAP_FRAME_BODY_MAX + 1); break;
    case HOSTILE_FRAME_LIES_UP: (void)put(OTAP_FRAME_HEADER + 60); break;
    case HOSTILE_FRAME_LIES_DOWN: (void)put(OTAP_FRAME_HEADER + 200); break;
    case HOSTILE_FRAME_VERSION: frame[0] = 2; (void)put(OTAP_FRAME_HEADER + make_head()); break;
    case HOSTILE_FRAME_RESERVED: frame[13] = 1; (void)put(OTAP_FRAME_HEADER + make_head()); break;
    case HOSTILE_FRAME_TYPE: frame[2] = 99; (void)put(OTAP_FRAME_HEADER + make_head()); break;
    default: memset(frame, 0xa5, 5000); (void)put(5000); break;
    }
}

/* Frames that are well made and come when they must not. */
static void order_misdeed(enum hostile what)
{
    switch (what) {
    case HOSTILE_TYPE_OF_WRITER: (void)say(OTAP_BEGIN, exchange, 0); break;
    case HOSTILE_DATA_BEFORE_HEAD: (void)say(OTAP_DATA, exchange, 10); break;
    case HOSTILE_DATA_EMPTY: (void)say(OTAP_HEAD, exchange, make_head()); (void)say(OTAP_DATA, exchange, 0); break;
    case HOSTILE_HEAD_TWICE: (void)say(OTAP_HEAD, exchange, make_head()); (void)say(OTAP_HEAD, exchange, make_head()); break;
    case HOSTILE_BEGUN_TWICE: (void)say_result(OTAP_BEGUN, OTA_OK, 0); break;
    case HOSTILE_OTHER_EXCHANGE: (void)say(OTAP_HEAD, exchange - 1, make_head()); break;
    case HOSTILE_LATER_EXCHANGE: (void)say(OTAP_HEAD, exchange + 1, make_head()); break;
    case HOSTILE_DESCRIPTOR: give_descriptor(OTAP_HEAD, make_head()); break;
    case HOSTILE_GONE_AFTER_HEAD: (void)say(OTAP_HEAD, exchange, make_head()); break;
    case HOSTILE_GONE_AFTER_DATA: (void)say(OTAP_HEAD, exchange, make_head()); (void)say(OTAP_DATA, exchange, 5); break;
    default: break;
    }
}

/* Bytes without end, also when nobody wants them any more. */
static void pour(enum hostile what)
{
    uint8_t request[64];

    (void)say(OTAP_HEAD, exchange, make_head());
    memset(BODY, 'x', OTAP_FRAME_BODY_MAX);
    while (say(OTAP_DATA, exchange, what == HOSTILE_FLOOD ? 1 : OTAP_FRAME_BODY_MAX))
        if (what == HOSTILE_ENDLESS && recv(to, request, sizeof request, MSG_DONTWAIT) > 0)
            break;
    (void)say(OTAP_ENDED, exchange, 0);
}

static void do_it(enum hostile what)
{
    if (what == HOSTILE_GONE_AFTER_BEGUN)
        return;
    if (what >= HOSTILE_FRAME_EMPTY && what <= HOSTILE_FRAME_GARBAGE)
        frame_misdeed(what);
    else if (what >= HOSTILE_HEAD_CUT && what <= HOSTILE_HEAD_LOCATION)
        head_misdeed(what);
    else if (what >= HOSTILE_RESULT_CUT && what <= HOSTILE_DONE_WITHOUT_HEAD)
        result_misdeed(what);
    else if (what == HOSTILE_ENDLESS || what == HOSTILE_FLOOD)
        pour(what);
    else
        order_misdeed(what);
}

static void linger(void)
{
    uint8_t b;

    while (recv(to, &b, 1, 0) > 0)
        ;
}

static bool greet(enum hostile what)
{
    if (what == HOSTILE_GONE_AT_ONCE)
        return false;
    if (what == HOSTILE_SILENT_AT_ONCE) {
        linger();
        return false;
    }
    if (what == HOSTILE_DESCRIPTOR_IN_HELLO) {
        const struct ota_posix_sandbox_state s = { 0 };

        give_descriptor(OTAP_HELLO, otap_put_hello(BODY, &s, OTA_OK, 0));
        linger();
        return false;
    }
    hello(what == HOSTILE_HELLO_STRANGE ? 0xff : 0, what == HOSTILE_NO_SANDBOX ? OTA_USAGE_CONFIG : OTA_OK);
    if (what == HOSTILE_HELLO_TWICE)
        hello(0, OTA_OK);
    return what != HOSTILE_GONE_AFTER_HELLO;
}

int hostile_fetcher(int fd, enum hostile what)
{
    static uint8_t request[OTA_POSIX_FETCHER_FRAME];
    struct otap_frame f;

    to = fd;
    if (!greet(what))
        return 0;
    ssize_t n = recv(fd, request, sizeof request, 0);
    if (n <= 0 || otap_frame_open(&f, request, (size_t)n) != 0)
        return 1;
    exchange = f.exchange;
    if (what == HOSTILE_SILENT_AFTER_HELLO)
        linger();
    (void)say_result(OTAP_BEGUN, what == HOSTILE_RESULT_OF_BEGIN ? OTA_REJECT_SIGNATURE : OTA_OK, 0);
    do_it(what);
    if (what != HOSTILE_DONE_WITHOUT_HEAD && (what < HOSTILE_GONE_AFTER_BEGUN || what > HOSTILE_GONE_AFTER_DATA))
        linger();
    return 0;
}

/* The bytes of the file that OTA_TEST_OLDER names, however many the right file has; if it has more, the rest is zeros. */
static void pass_body(struct ota_net *net, bool swap)
{
    const char *path = getenv("OTA_TEST_OLDER");
    FILE *older = swap && path ? fopen(path, "rb") : NULL;
    ota_err err = OTA_OK;
    int32_t code = 0;

    while (err == OTA_OK || err == OTA_AGAIN) {
        size_t got = 0;

        err = net->ops->read(net, BODY, OTAP_FRAME_BODY_MAX, &got, &code);
        if (older && got > 0) {
            memset(BODY, 0, got);
            (void)!fread(BODY, 1, got, older);
        }
        if (got > 0 && !say(OTAP_DATA, exchange, got))
            break;
        if (err == OTA_AGAIN)
            net->ops->wait(net, 100);
    }
    (void)say_result(OTAP_DONE, err, code);
    if (older)
        (void)fclose(older);
}

static void pass_answer(struct ota_net *net, bool swap)
{
    struct ota_net_head h;
    int32_t code = 0;
    ota_err err;

    while ((err = net->ops->head(net, &h, &code)) == OTA_AGAIN)
        net->ops->wait(net, 100);
    if (err != OTA_OK) {
        (void)say_result(OTAP_DONE, err, code);
        return;
    }
    (void)say(OTAP_HEAD, exchange, otap_put_head(BODY, OTAP_FRAME_BODY_MAX, &h));
    pass_body(net, swap);
}

int hostile_older(int fd, const struct ota_posix_helper_config *cfg)
{
    static uint8_t request[OTA_POSIX_FETCHER_FRAME];
    static struct ota_posix_net n;
    struct ota_net_request req;
    struct otap_frame f;
    ssize_t len;

    to = fd;
    if (ota_posix_net_open(&n, cfg->net, NULL) != OTA_OK)
        return 1;
    hello(0, OTA_OK);
    while ((len = recv(fd, request, sizeof request, 0)) > 0 && otap_frame_open(&f, request, (size_t)len) == 0) {
        exchange = f.exchange;
        if (f.type == OTAP_END) {
            n.port.ops->end(&n.port);
            (void)say(OTAP_ENDED, exchange, 0);
            continue;
        }
        if (!otap_get_request(request + OTAP_FRAME_HEADER, f.len, &req))
            return 1;
        ota_err err = n.port.ops->begin(&n.port, &req);
        (void)say_result(OTAP_BEGUN, err, 0);
        if (err == OTA_OK)
            pass_answer(&n.port, strstr(req.url, "/img/") != NULL);
    }
    return 0;
}
