/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's port against fetchers that do what they must not: each misdeed has its name, and the next exchange works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetch_frame.h"
#include "helper.h"
#include "hostile.h"
#include "spawn.h"

#define FILE_LEN 3000007u

enum where { BEGIN, HEAD, READ };

/* Memory that fetchers, which are other processes, see as well. */
static struct shared {
    volatile int what;
    volatile pid_t pid;
} *shared;

static char dir[] = "/tmp/ota-fetcher-XXXXXX";
static char url[128], file[64];
static struct ota_posix_helper helper;
static const struct ota_posix_net_config net = { .connect_ms = 2000 };
static struct ota_posix_fetcher f;

static int fetcher(int fd, const struct ota_posix_helper_config *cfg)
{
    enum hostile what = (enum hostile)shared->what;

    shared->pid = getpid();
    return what == HOSTILE_NONE ? ota_posix_fetcher_main(fd, cfg) : hostile_fetcher(fd, what);
}

static int set_up(void **state)
{
    static const char *const files[] = { dir, NULL };
    static const char *const yes[] = { "/bin/true", "--", NULL };
    static const struct ota_posix_command commands[] = { { yes, 1 } };
    static const struct ota_posix_helper_config cfg = { .net = &net, .fetcher_read = files, .fetcher = fetcher, .commands = commands, .command_count = 1 };
    FILE *out;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/file", dir);
    snprintf(url, sizeof url, "file://%s", file);
    out = fopen(file, "wb");
    assert_non_null(out);
    for (unsigned i = 0; i < FILE_LEN; i++)
        fputc((int)(i * 31u + (i >> 9)), out);
    assert_int_equal(fclose(out), 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    assert_int_equal(ota_posix_helper_start(&helper, &cfg, NULL), OTA_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ota_posix_helper_stop(&helper);
    unlink(file);
    return rmdir(dir);
}

static void open_port(uint32_t answer_ms)
{
    const struct ota_posix_fetcher_config cfg = { .helper = &helper, .net = &net, .answer_ms = answer_ms };

    assert_int_equal(ota_posix_fetcher_open(&f, &cfg, NULL), OTA_OK);
}

static ota_err begin(void)
{
    const struct ota_net_request req = { .url = url };

    return f.port.ops->begin(&f.port, &req);
}

static ota_err await_head(int32_t *code)
{
    struct ota_net_head h;
    ota_err err = OTA_AGAIN;

    for (int polls = 0; err == OTA_AGAIN && polls < 6000; polls++) {
        err = f.port.ops->head(&f.port, &h, code);
        if (err == OTA_AGAIN)
            f.port.ops->wait(&f.port, 10);
    }
    return err;
}

static ota_err read_all(uint64_t most, uint64_t *len, int32_t *code)
{
    static uint8_t buf[5000];
    ota_err err = OTA_OK;
    int polls = 0;

    *len = 0;
    while ((err == OTA_OK || err == OTA_AGAIN) && *len < most && polls < 6000) {
        size_t got = 0;

        err = f.port.ops->read(&f.port, buf, sizeof buf, &got, code);
        for (size_t i = 0; i < got && shared->what == HOSTILE_NONE; i++, (*len)++)
            assert_int_equal(buf[i], (uint8_t)(*len * 31u + (*len >> 9)));
        *len += shared->what == HOSTILE_NONE ? 0 : got;
        if (err == OTA_AGAIN) {
            f.port.ops->wait(&f.port, 10);
            polls++;
        }
    }
    return err;
}

/* begin() waits out the pause before a second start in a row. */
static ota_err begin_patiently(void)
{
    ota_err err = begin();

    for (int polls = 0; err != OTA_OK && f.fd < 0 && f.trouble == 0 && polls < 600; polls++) {
        (void)poll(NULL, 0, 100);
        err = begin();
    }
    return err;
}

static void a_good_exchange_works(void)
{
    int32_t code = 0;
    uint64_t len;

    shared->what = HOSTILE_NONE;
    assert_int_equal(begin_patiently(), OTA_OK);
    assert_int_equal(await_head(&code), OTA_OK);
    assert_int_equal(f.answer.status, 200);
    assert_int_equal(read_all(UINT64_MAX, &len, &code), OTA_DONE);
    assert_int_equal(len, FILE_LEN);
    f.port.ops->end(&f.port);
    assert_int_equal(f.failures, 0);
}

static void every_misdeed_has_its_name(void **state)
{
    static const struct {
        const char *name;
        enum where where;
        ota_err err;
        int32_t code;
    } rows[] = {
#define ROW(n, w, e, c) { #n, w, OTA_##e, c },
        HOSTILE_LIST(ROW)
    };
    unsigned wrong = 0;

    (void)state;
    for (int i = 0; i < HOSTILE_COUNT; i++) {
        int32_t code = 0;
        uint64_t len;
        bool silent = i == HOSTILE_SILENT_AT_ONCE || i == HOSTILE_SILENT_AFTER_HELLO;

        open_port(silent ? 300 : 60000);
        shared->what = i;
        enum where where = BEGIN;
        ota_err err = begin();
        if (err == OTA_OK) {
            where = HEAD;
            err = await_head(&code);
        }
        if (err == OTA_OK) {
            where = READ;
            err = read_all(UINT64_MAX, &len, &code);
        }
        code = where == BEGIN ? f.trouble : code;
        if (where != rows[i].where || err != rows[i].err || code != rows[i].code) {
            print_error("%s: at %d %s, code %d\n", rows[i].name, (int)where, ota_err_name(err), (int)code);
            wrong++;
        }
        assert_true(rows[i].code == 0 || ota_posix_fetcher_code_name(rows[i].code)[0]);
        f.port.ops->end(&f.port);
        f.answer_ms = 60000;
        a_good_exchange_works();
        ota_posix_fetcher_close(&f);
    }
    assert_int_equal(wrong, 0);
    assert_true(HOSTILE_COUNT > 35);
}

static void a_body_without_end_ends_with_the_reader(void **state)
{
    int32_t code = 0;
    uint64_t len;

    (void)state;
    open_port(60000);
    shared->what = HOSTILE_ENDLESS;
    assert_int_equal(begin(), OTA_OK);
    assert_int_equal(await_head(&code), OTA_OK);
    assert_int_equal(read_all(10u << 20, &len, &code), OTA_OK);
    assert_true(len >= 10u << 20);
    f.port.ops->end(&f.port);
    assert_int_equal(f.trouble, 0); /* so far it is a server that sends more than was asked for */
    ota_posix_fetcher_close(&f);
}

static void a_flood_after_the_end_is_cut(void **state)
{
    int32_t code = 0;

    (void)state;
    open_port(60000);
    shared->what = HOSTILE_FLOOD;
    assert_int_equal(begin(), OTA_OK);
    assert_int_equal(await_head(&code), OTA_OK);
    f.port.ops->end(&f.port);
    a_good_exchange_works(); /* by the one that took its place */
    assert_int_equal(f.trouble, OTA_POSIX_FETCHER_FLOOD);
    assert_int_equal(f.starts, 2);
    ota_posix_fetcher_close(&f);
}

static void a_fetcher_that_fails_again_and_again_is_left_alone_for_a_while(void **state)
{
    (void)state;
    open_port(60000);
    shared->what = HOSTILE_GONE_AT_ONCE;
    assert_int_equal(begin(), OTA_RETRY_NETWORK);
    assert_int_equal(begin(), OTA_RETRY_NETWORK);
    assert_int_equal(f.starts, 2);
    for (uint64_t from = f.tried_ms; f.tried_ms == from && begin() == OTA_RETRY_NETWORK;)
        assert_true(f.starts <= 3);
    assert_int_equal(f.starts, 3);
    f.failures = 1;
    a_good_exchange_works();
    ota_posix_fetcher_close(&f);
}

/* Killed at any moment: an error, then the next one works. */
static void a_fetcher_that_is_killed_is_started_again(void **state)
{
    unsigned killed = 0;

    (void)state;
    open_port(60000);
    shared->what = HOSTILE_NONE;
    for (int n = 0; n < 12; n++) {
        int32_t code = 0;
        uint64_t len = 0, before = (uint64_t)n * 200000u;

        shared->what = HOSTILE_NONE;
        assert_int_equal(begin(), OTA_OK);
        ota_err err = await_head(&code);
        if (err == OTA_OK && before > 0)
            err = read_all(before, &len, &code);
        (void)kill(shared->pid, SIGKILL);
        while (err == OTA_OK) {
            static uint8_t buf[5000];
            size_t got = 0;

            err = f.port.ops->read(&f.port, buf, sizeof buf, &got, &code);
            err = err == OTA_AGAIN ? OTA_OK : err;
            f.port.ops->wait(&f.port, 10);
        }
        killed += err == OTA_RETRY_NETWORK && code == OTA_POSIX_FETCHER_DIED;
        f.port.ops->end(&f.port);
        f.failures = 0; /* the pauses are another test's */
        a_good_exchange_works();
    }
    assert_true(killed >= 6); /* towards the end all bytes were on their way already */
    ota_posix_fetcher_close(&f);
}

static void a_renewed_file_starts_the_fetcher_anew(void **state)
{
    static char ca[64];
    static struct ota_posix_net_config with_ca;
    const struct ota_posix_fetcher_config cfg = { .helper = &helper, .net = &with_ca };

    (void)state;
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    FILE *out = fopen(ca, "w");
    assert_non_null(out);
    assert_int_equal(fclose(out), 0);
    with_ca.ca_file = ca;
    assert_int_equal(ota_posix_fetcher_open(&f, &cfg, NULL), OTA_OK);
    a_good_exchange_works();
    a_good_exchange_works();
    assert_int_equal(f.starts, 1);
    assert_int_equal(unlink(ca), 0);
    a_good_exchange_works();
    assert_int_equal(f.starts, 2);
    assert_int_equal(f.trouble, 0);
    ota_posix_fetcher_close(&f);
    struct ota_fault fault;
    assert_int_equal(ota_posix_fetcher_open(&f, &cfg, &fault), OTA_USAGE_CONFIG);
    assert_string_equal(fault.where, "net.ca_file");
}

static void requests_that_cannot_be_sent_are_said(void **state)
{
    static char extra[70000];
    const struct ota_net_request long_one = { .url = url, .extra = extra }, no_url = { .url = NULL }, ftp = { .url = "ftp://127.0.0.1/x" };
    struct ota_posix_fetcher none;

    (void)state;
    memset(extra, 'x', sizeof extra - 1);
    open_port(60000);
    shared->what = HOSTILE_NONE;
    assert_int_equal(f.port.ops->begin(&f.port, &no_url), OTA_USAGE_ARGUMENT);
    assert_int_equal(f.port.ops->begin(&f.port, &long_one), OTA_USAGE_ARGUMENT);
    assert_int_equal(f.port.ops->begin(&f.port, &ftp), OTA_USAGE_ARGUMENT);
    assert_int_equal(begin(), OTA_OK);
    assert_int_equal(begin(), OTA_USAGE_STATE);
    f.port.ops->end(&f.port);
    a_good_exchange_works();
    ota_posix_fetcher_close(&f);
    assert_int_equal(ota_posix_fetcher_open(&none, &(struct ota_posix_fetcher_config){ .net = &net }, NULL), OTA_USAGE_ARGUMENT);
    ota_posix_fetcher_close(&none);
}

static void only_bodies_that_are_whole_are_read(void **state)
{
    const struct ota_net_request req = { .method = OTA_NET_PUT, .url = "http://h/", .range_from = 7, .range_to = 9, .if_range = "\"a\"",
                                         .extra = "X: y", .body = "{}", .body_len = 2, .other_origin = true, .connect_ms = 5 };
    static uint8_t body[OTAP_FRAME_BODY_MAX], work[OTAP_FRAME_BODY_MAX];
    struct ota_net_request got;
    size_t len = otap_put_request(body, sizeof body, &req);
    unsigned read = 0;

    (void)state;
    assert_true(len > 0);
    memcpy(work, body, len);
    assert_true(otap_get_request(work, len, &got));
    assert_string_equal(got.url, req.url);
    assert_string_equal(got.if_range, req.if_range);
    assert_null(got.if_none_match);
    assert_string_equal(got.extra, req.extra);
    assert_memory_equal(got.body, "{}", 2);
    assert_true(got.method == OTA_NET_PUT && got.range_from == 7 && got.range_to == 9 && got.other_origin && got.connect_ms == 5);
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(work, body, cut);
        read += otap_get_request(work, cut, &got);
    }
    assert_int_equal(read, 0);
    for (size_t at = 0; at < len; at++) /* whatever stands there: nothing outside of it is looked at */
        for (unsigned v = 0; v < 256; v += 15) {
            uint8_t *heap = malloc(len);

            assert_non_null(heap);
            memcpy(heap, body, len);
            heap[at] = (uint8_t)v;
            if (otap_get_request(heap, len, &got))
                assert_true(strlen(got.url) < len && got.body_len < len);
            free(heap);
        }
    for (size_t cap = 0; cap < len; cap++)
        assert_int_equal(otap_put_request(work, cap, &req), 0);
}

/* ---- programs ---- */

static int run(const char *const *argv, int *status)
{
    pid_t pid = 0;
    int number = otap_spawn(argv, &pid);

    if (number == 0 && waitpid(pid, status, 0) != pid)
        return -1;
    return number;
}

static void only_programs_that_were_named_are_run(void **state)
{
    static const char *const good[] = { "/bin/true", "--", NULL }, *const more[] = { "/bin/true", "--", "a-b.c", NULL };
    static const char *const two[] = { "/bin/true", "--", "a", "b", NULL }, *const odd[] = { "/bin/true", "--", "a b", NULL };
    static const char *const less[] = { "/bin/true", NULL }, *const other[] = { "/bin/sh", "--", NULL }, *const empty[] = { "/bin/true", "--", "", NULL };
    int status = -1;

    (void)state;
    assert_int_equal(run(good, &status), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(run(more, &status), 0);
    assert_int_equal(run(two, &status), EPERM);
    assert_int_equal(run(odd, &status), EPERM);
    assert_int_equal(run(empty, &status), EPERM);
    assert_int_equal(run(less, &status), EPERM);
    assert_int_equal(run(other, &status), EPERM);
}

static void a_program_that_is_not_there_is_said(void **state)
{
    static const char *const absent[] = { "/nowhere/at/all", NULL };
    static const struct ota_posix_command commands[] = { { absent, 0 } };
    static const struct ota_posix_helper_config cfg = { .commands = commands, .command_count = 1 };
    struct ota_posix_helper h;
    int status, fd = -1;

    (void)state;
    assert_int_equal(ota_posix_helper_start(&h, &cfg, NULL), OTA_OK);
    assert_int_equal(run(absent, &status), ENOENT);
    assert_int_equal(waitpid(-1, &status, WNOHANG), 0); /* no child but the helpers, which run */
    assert_int_equal(otap_helper_fetcher(h.fd, &fd), EPERM);
    ota_posix_helper_stop(&h);
    otap_spawn_through(helper.fd, otap_helper_command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_misdeed_has_its_name),
        cmocka_unit_test(a_body_without_end_ends_with_the_reader),
        cmocka_unit_test(a_flood_after_the_end_is_cut),
        cmocka_unit_test(a_fetcher_that_fails_again_and_again_is_left_alone_for_a_while),
        cmocka_unit_test(a_fetcher_that_is_killed_is_started_again),
        cmocka_unit_test(a_renewed_file_starts_the_fetcher_anew),
        cmocka_unit_test(requests_that_cannot_be_sent_are_said),
        cmocka_unit_test(only_bodies_that_are_whole_are_read),
        cmocka_unit_test(only_programs_that_were_named_are_run),
        cmocka_unit_test(a_program_that_is_not_there_is_said),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
