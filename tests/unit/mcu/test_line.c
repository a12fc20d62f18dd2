/* SPDX-License-Identifier: Apache-2.0 */
/* The network by serial line: the contract suite with the real relay and a real server, on a clean line and on one that loses
 * and damages bytes; and what a line does wrong, by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_server.h"
#include "ota/mcu.h"
#include "ota_contract.h"

static char dir[] = "/tmp/ota-line-XXXXXX";

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void nap(void)
{
    usleep(500);
}

/* ---- a pipe: a socket, or bytes that a test prepared ---- */

struct pipe {
    struct ota_mcu_pipe port;
    int fd;                      /* -1: the bytes below */
    uint8_t in[4096];
    size_t in_at, in_len;
    size_t out_len;              /* bytes that were sent */
    uint8_t out[4096];
};

static size_t pipe_read(struct ota_mcu_pipe *port, void *buf, size_t cap)
{
    struct pipe *p = (struct pipe *)port;
    size_t left = p->in_len - p->in_at;

    if (p->fd >= 0) {
        ssize_t got = recv(p->fd, buf, cap, MSG_DONTWAIT);

        return got > 0 ? (size_t)got : 0;
    }
    left = left < cap ? left : cap;
    memcpy(buf, p->in + p->in_at, left);
    p->in_at += left;
    return left;
}

static void pipe_write(struct ota_mcu_pipe *port, const void *buf, size_t len)
{
    struct pipe *p = (struct pipe *)port;

    if (p->fd >= 0)
        assert_int_equal(send(p->fd, buf, len, MSG_NOSIGNAL), len);
    else if (p->out_len + len <= sizeof p->out)
        memcpy(p->out + p->out_len, buf, len);
    p->out_len += len;
}

static const struct ota_mcu_pipe_ops pipe_ops = { pipe_read, pipe_write };

/* ---- the relay ---- */

static pid_t relay_start(const char *path, const char *damage)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it outlives no test that fails */
        if (damage)
            execlp("python3", "python3", "-B", OTA_SOURCE_DIR "/tools/ota-relay.py", "--damage", damage, path, (char *)NULL);
        else
            execlp("python3", "python3", "-B", OTA_SOURCE_DIR "/tools/ota-relay.py", path, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static void relay_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int relay_connect(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX }; /* the path is ended by the zeros here */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(strlen(path) < sizeof to.sun_path);
    memcpy(to.sun_path, path, strlen(path));
    for (int i = 0; i < 2000; i++) {
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
            return fd;
        usleep(10000);
    }
    fail_msg("the relay does not listen");
    return -1;
}

/* ---- the contract ---- */

static void print_check(struct ota_contract_report *report, const char *name, bool passed)
{
    (void)report;
    if (!passed)
        print_message("FAILED %s\n", name);
}

static void write_file(const char *name, size_t len)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    for (uint32_t i = 0; i < len; i++)
        fputc(ota_contract_byte(i), f);
    assert_int_equal(fclose(f), 0);
}

static void run_contract(const char *damage)
{
    static struct ota_mcu_net net;
    struct test_http *s = test_http_start(dir);
    struct ota_contract_report report = { print_check, 0, 0 };
    char file[300], empty[300], absent[300], put[300], path[300];
    const struct ota_contract_server server = { file, empty, absent, put, "http://127.0.0.1:1/" };
    struct ota_mcu_clock clock;
    struct pipe line = { { &pipe_ops }, -1, { 0 }, 0, 0, 0, { 0 } };
    pid_t pid;

    snprintf(path, sizeof path, "%s/line", dir);
    snprintf(file, sizeof file, "%sfile.bin", test_http_url(s));
    snprintf(empty, sizeof empty, "%sempty.bin", test_http_url(s));
    snprintf(absent, sizeof absent, "%sabsent.bin", test_http_url(s));
    snprintf(put, sizeof put, "%sput", test_http_url(s));
    pid = relay_start(path, damage);
    line.fd = relay_connect(path);
    ota_mcu_clock_open(&clock, now_ms, nap);
    ota_mcu_net_open(&net, &line.port, &clock);
    net.retry_ms = 30;
    assert_int_equal(ota_mcu_net_greet(&net, 10000), OTA_OK);
    int64_t utc = 0;
    assert_int_equal(clock.port.ops->utc_s(&clock.port, &utc), OTA_OK);
    assert_true(utc - (int64_t)time(NULL) <= 1 && (int64_t)time(NULL) - utc <= 30);
    assert_int_equal(ota_contract_net(&net.port, &server, &report), 0);
    assert_true(report.checks >= 20);
    if (damage)
        assert_true(net.again > 10 && net.damaged > 5);
    print_message("%u frames, %u of them again; %u damaged ones came\n", (unsigned)net.sent, (unsigned)net.again, (unsigned)net.damaged);
    close(line.fd);
    relay_stop(pid);
    unlink(path);
    test_http_stop(s);
}

static void contract_clean(void **state)
{
    (void)state;
    run_contract(NULL);
}

/* One byte in 10,000 is lost and one in 10,000 has a wrong bit: every tenth frame suffers. */
static void contract_on_a_bad_line(void **state)
{
    (void)state;
    run_contract("1:10:10");
}

/* ---- what goes wrong ---- */

static uint64_t fake_now;

static uint64_t fake_ms(void)
{
    return fake_now;
}

static void fake_idle(void)
{
    fake_now++;
}

struct desk {
    struct ota_mcu_net net;
    struct ota_mcu_clock clock;
    struct pipe line;
};

static struct desk *desk_open(void)
{
    static struct desk d;

    memset(&d, 0, sizeof d);
    d.line.port.ops = &pipe_ops;
    d.line.fd = -1;
    ota_mcu_clock_open(&d.clock, fake_ms, fake_idle);
    ota_mcu_net_open(&d.net, &d.line.port, &d.clock);
    return &d;
}

static uint32_t crc(const uint8_t *p, size_t len)
{
    return ota_boot_record_crc(0, p, len);
}

static void put_le(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* Let a frame arrive. flip: damage this byte of it; -1 = none. */
static void arrive(struct desk *d, char kind, uint32_t number, uint32_t offset, const void *data, size_t len, int flip)
{
    uint8_t content[600];
    struct pipe *p = &d->line;

    content[0] = (uint8_t)kind;
    put_le(content + 1, number);
    put_le(content + 5, offset);
    if (len)
        memcpy(content + 9, data, len);
    put_le(content + 9 + len, crc(content, 9 + len));
    if (flip >= 0)
        content[flip] ^= 4;
    p->in_len = p->in_at = 0;
    p->in[p->in_len++] = 0x7e;
    for (size_t i = 0; i < len + 13; i++) {
        bool special = content[i] == 0x7e || content[i] == 0x7d;

        if (special)
            p->in[p->in_len++] = 0x7d;
        p->in[p->in_len++] = (uint8_t)(special ? content[i] ^ 0x20 : content[i]);
    }
    p->in[p->in_len++] = 0x7e;
}

static void greet(struct desk *d)
{
    uint8_t greeting[28] = { 0, 0, 1, 0, 0x10, 0x20, 0x30, 0x40 };

    (void)d->net.port.ops->ready(&d->net.port);
    arrive(d, 'h', 0, 0, greeting, sizeof greeting, -1);
    assert_int_equal(d->net.port.ops->ready(&d->net.port), OTA_OK);
    assert_int_equal(d->net.base, 0x10000);
}

static const struct ota_net_request get = { .method = OTA_NET_GET, .url = "http://s/x", .connect_ms = 5000 };

/* Greet, and begin an exchange up to its answer. */
static void begin(struct desk *d)
{
    struct ota_net_head h;
    int32_t code = 0;

    greet(d);
    assert_int_equal(d->net.port.ops->begin(&d->net.port, &get), OTA_OK);
    arrive(d, 'q', 0x10001, 0, NULL, 0, -1);
    assert_int_equal(d->net.port.ops->head(&d->net.port, &h, &code), OTA_AGAIN);
}

static ota_err head(struct desk *d, int32_t *code)
{
    struct ota_net_head h;

    return d->net.port.ops->head(&d->net.port, &h, code);
}

static void no_relay_means_no_network(void **state)
{
    struct desk *d = desk_open();

    (void)state;
    assert_int_equal(ota_mcu_net_greet(&d->net, 60000), OTA_RETRY_NETWORK);
    assert_int_equal(d->net.sent, 151); /* one each 400 ms, for as long as it takes */
    greet(d);
}

static void silence_is_named(void **state)
{
    struct desk *d = desk_open();
    ota_err err = OTA_AGAIN;
    int32_t code = 0;

    (void)state;
    begin(d);
    for (int i = 0; i < 10000 && err == OTA_AGAIN; i++, fake_now++)
        err = head(d, &code);
    assert_int_equal(err, OTA_RETRY_NETWORK);
    assert_int_equal(code, OTA_MCU_SILENT);
    assert_int_equal(d->net.again, 11);
    /* The next exchange begins afresh. */
    assert_int_equal(d->net.port.ops->begin(&d->net.port, &get), OTA_OK);
    assert_int_equal(head(d, &code), OTA_AGAIN);
}

static void answers(char kind, const char *data, ota_err want, int32_t want_code)
{
    struct desk *d = desk_open();
    int32_t code = 0;

    begin(d);
    arrive(d, kind, 0x10001, 0, data, strlen(data), -1);
    assert_int_equal(head(d, &code), want);
    assert_int_equal(code, want_code);
}

static void what_the_relay_says_is_named(void **state)
{
    char flood[500];

    (void)state;
    answers('x', "", OTA_RETRY_NETWORK, OTA_MCU_LOST);
    answers('r', "N", OTA_RETRY_NETWORK, OTA_MCU_SERVER);
    answers('r', "T", OTA_RETRY_PROTOCOL, OTA_MCU_SERVER);
    answers('r', "E", OTA_RETRY_PROTOCOL, 0);
    answers('r', "D", OTA_RETRY_NETWORK, OTA_MCU_SERVER); /* no bytes is no answer */
    answers('r', "?", OTA_RETRY_NETWORK, OTA_MCU_SERVER);
    answers('r', "W", OTA_AGAIN, 0);
    answers('r', "DHTTP/1.1 200 OK\r\n\r\n", OTA_OK, 0);
    answers('r', "LHTTP/1.1 200 OK\r\n\r\n", OTA_OK, 0);
    answers('r', "LHTTP/1.1 200 OK\r\n", OTA_RETRY_PROTOCOL, 0);
    memset(flood, 'a', sizeof flood);
    flood[0] = 'D';
    flood[sizeof flood - 1] = '\0';
    struct desk *d = desk_open();
    int32_t code = 0;
    ota_err err = OTA_AGAIN;
    begin(d);
    for (uint32_t at = 0; at < 40000 && err == OTA_AGAIN; at += 498) {
        arrive(d, 'r', 0x10001, at, flood, 499, -1);
        (void)head(d, &code); /* takes it */
        err = head(d, &code); /* asks for the next */
    }
    assert_int_equal(err, OTA_RETRY_PROTOCOL);
    assert_int_equal(code, OTA_MCU_BAD_HEAD);
}

/* A frame with any byte damaged is as good as lost; old answers and strange ones change nothing. */
static void what_was_not_asked_for_is_not_taken(void **state)
{
    static const char good[] = "DHTTP/1.1 200 OK\r\n\r\n";
    struct desk *d = desk_open();
    int32_t code = 0;

    (void)state;
    begin(d);
    for (int i = 0; i < (int)sizeof good - 1 + 13; i++) {
        arrive(d, 'r', 0x10001, 0, good, sizeof good - 1, i);
        assert_int_equal(head(d, &code), OTA_AGAIN);
        assert_int_equal(d->net.damaged, i + 1);
    }
    arrive(d, 'r', 0x10000, 0, good, sizeof good - 1, -1);
    assert_int_equal(head(d, &code), OTA_AGAIN);
    arrive(d, 'r', 0x10001, 7, good, sizeof good - 1, -1);
    assert_int_equal(head(d, &code), OTA_AGAIN);
    arrive(d, 'q', 0x10001, 0, good, sizeof good - 1, -1);
    assert_int_equal(head(d, &code), OTA_AGAIN);
    arrive(d, 'h', 0, 0, good, sizeof good - 1, -1);
    assert_int_equal(head(d, &code), OTA_AGAIN);
    memset(d->line.in, 'z', sizeof d->line.in); /* noise without an end */
    d->line.in_at = 0;
    d->line.in_len = sizeof d->line.in;
    assert_int_equal(head(d, &code), OTA_AGAIN);
    arrive(d, 'r', 0x10001, 0, good, sizeof good - 1, -1);
    (void)head(d, &code); /* its first flag ends the noise */
    assert_int_equal(head(d, &code), OTA_OK);
    size_t got = 0;
    uint8_t byte;
    assert_int_equal(d->net.port.ops->read(&d->net.port, &byte, 1, &got, &code), OTA_AGAIN);
    arrive(d, 'r', 0x10001, sizeof good - 2, "T", 1, -1);
    assert_int_equal(d->net.port.ops->read(&d->net.port, &byte, 1, &got, &code), OTA_RETRY_TRUNCATED);
    assert_int_equal(code, OTA_MCU_SERVER);
}

static void requests_cannot_be_split(void **state)
{
    static const char *const bad[] = { "nonsense", "gopher://s/", "http://s/a b", "http://s/a\nRange: x", "http://s/\x7f" };
    struct desk *d = desk_open();

    (void)state;
    greet(d);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(d->net.port.ops->begin(&d->net.port, &(struct ota_net_request){ .url = bad[i] }), OTA_USAGE_ARGUMENT);
}

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    write_file("file.bin", OTA_CONTRACT_FILE_LEN);
    write_file("empty.bin", 0);
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = { "file.bin", "empty.bin" };
    char path[300];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_clean),
        cmocka_unit_test(contract_on_a_bad_line),
        cmocka_unit_test(no_relay_means_no_network),
        cmocka_unit_test(silence_is_named),
        cmocka_unit_test(what_the_relay_says_is_named),
        cmocka_unit_test(what_was_not_asked_for_is_not_taken),
        cmocka_unit_test(requests_cannot_be_split),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
