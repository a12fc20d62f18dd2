/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked over the socket, and those who do it wrong. */
#define _GNU_SOURCE /* the operating system beside the C library */
#include "peer_kit.h"

static void say(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Everything until the other side ends the connection. */
static size_t drain(int fd, char *out, size_t cap)
{
    size_t len = 0;
    ssize_t n;

    while (len < cap - 1 && (n = recv(fd, out + len, cap - 1 - len, 0)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    (void)close(fd);
    return len;
}

static void time_is_asked_for_across_the_border(void **state)
{
    struct ota_posix_peer p, q;
    struct ota_posix_news news;
    uint32_t granted = 9;

    (void)state;
    open_peer(&p, 0);
    open_peer(&q, 0);
    assert_err(ota_posix_peer_defer(&p, 60, &granted), OTA_RETRY_NOT_FOUND);
    assert_int_equal(granted, 0);
    start_server();
    assert_int_equal(ota_posix_peer_ask(&p, &news), OTA_OK);
    assert_string_equal(news.state, "idle");
    assert_string_equal(news.version, "1.0.0");
    assert_true(!news.deferred && !news.pending && !news.forced && !news.trial && news.seq == 0);
    assert_int_equal(ota_posix_peer_defer(&q, 100, &granted), OTA_OK);
    assert_int_equal(granted, 100);
    for (uint64_t until = now_ms(NULL) + PATIENCE_MS; !news.deferred && now_ms(NULL) < until;)
        if (!ota_posix_peer_news(&p, &news))
            nap(5);
    assert_true(news.deferred);   /* told without asking */
    assert_false(ota_posix_peer_news(&p, &news));
    assert_int_equal(ota_posix_peer_defer(&p, 10, &granted), OTA_OK);   /* within the other's */
    assert_int_equal(granted, 10);
    assert_int_equal(ota_posix_peer_defer(&p, UINT32_MAX / 2, &granted), OTA_OK);
    assert_true(granted > 0 && granted <= 3600);   /* the agent's own cap */
    assert_int_equal(ota_posix_peer_defer(&p, UINT32_MAX, &granted), OTA_RETRY_PROTOCOL);
    assert_int_equal(ota_posix_peer_check_now(&p), OTA_OK);
    for (int i = 0; i < 1000 && !atomic_load(&shared->checks); i++)
        nap(5);
    assert_int_equal(atomic_load(&shared->checks), 1);
    stop_server();
    assert_err(ota_posix_peer_check_now(&p), OTA_RETRY_NOT_FOUND);
    ota_posix_peer_close(&p);
    ota_posix_peer_close(&q);
}

static void commands_get_text(void **state)
{
    static char text[CONTROL_ANSWER_MAX];

    (void)state;
    assert_int_equal(control_ask(dir, "{\"do\":\"status\",\"text\":true}\n", text), -1);
    start_server();
    assert_int_equal(control_ask(dir, "{\"do\":\"status\",\"text\":true}\n", text), AGENT_OK);
    assert_non_null(strstr(text, "agent:        running"));
    assert_int_equal(control_ask(dir, "{\"do\":\"status\",\"form\":\"json\",\"text\":true}\n", text), AGENT_OK);
    assert_non_null(strstr(text, "\"state\":\"idle\""));
    assert_int_equal(control_ask(dir, "{\"do\":\"confirm\",\"text\":true}\n", text), AGENT_REFUSED);
    assert_non_null(strstr(text, "not allowed in this state"));
    assert_int_equal(control_ask(dir, "{\"do\":\"reject\",\"reason\":3}\n", text), AGENT_REFUSED);
    assert_int_equal(control_ask(dir, "{\"do\":\"reject\"}\n", text), AGENT_USAGE);
    assert_int_equal(control_ask(dir, "{\"do\":\"reject\",\"reason\":2147483648}\n", text), AGENT_USAGE);
    assert_int_equal(control_ask(dir, "{\"do\":\"defer\",\"seconds\":-1}\n", text), AGENT_USAGE);
    assert_int_equal(control_ask(dir, "{\"do\":\"defer\",\"seconds\":\"1\"}\n", text), AGENT_USAGE);
    assert_int_equal(control_ask(dir, "{\"do\":\"dance\"}\n", text), AGENT_USAGE);
    assert_int_equal(control_ask(dir, "{}\n", text), AGENT_USAGE);
    stop_server();
}

/* ---- those who do it wrong ---- */

/* Somebody else is still served. */
static void expect_service(void)
{
    static char text[CONTROL_ANSWER_MAX];

    assert_int_equal(control_ask(dir, "{\"do\":\"status\",\"text\":true}\n", text), AGENT_OK);
}

static void nonsense_ends_the_connection(void **state)
{
    static const char *const nonsense[] = { "\n", "status\n", "{\"do\":\"status\"\n", "{\"do\":\"turn\",\"do\":\"done\"}\n", "{\"do\":[]}\n" };
    char answer[256], long_line[OTA_POSIX_LINE_MAX + 64];

    (void)state;
    start_server();
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        int fd = dial();
        say(fd, nonsense[i]);
        (void)drain(fd, answer, sizeof answer);
        assert_non_null(strstr(answer, "{\"exit\":2,\"error\":\"REJECT_"));
        expect_service();
    }
    memset(long_line, ' ', sizeof long_line - 1);
    long_line[sizeof long_line - 1] = '\0';
    int fd = dial();
    say(fd, long_line);
    assert_int_equal(drain(fd, answer, sizeof answer), 0);
    expect_service();
    stop_server();
}

static void half_a_line_is_not_waited_for(void **state)
{
    char answer[256];

    (void)state;
    start_server();
    int fd = dial();
    say(fd, "{\"do\":\"status\"");
    expect_service();
    assert_int_equal(drain(fd, answer, sizeof answer), 0);   /* the agent ended it */
    expect_service();
    stop_server();
}

static void a_flood_ends_the_connection(void **state)
{
    static char answer[65536];

    (void)state;
    start_server();
    int fd = dial();
    pid_t a = start_app('a', 2, 5);
    for (int i = 0; i < 20 * CONTROL_LINES_MAX; i++)
        say(fd, "{\"do\":\"done\"}\n");
    expect_service();
    (void)drain(fd, answer, sizeof answer);
    size_t lines = 0;
    for (const char *p = answer; (p = strchr(p, '\n')); p++)
        lines++;
    assert_true(lines > 0 && lines < 20 * CONTROL_LINES_MAX);
    assert_int_equal(finish(a), 0);
    stop_server();
    expect_alone();
}

/* One that asks and never reads: its answers fill the buffer, then it is gone. */
static void one_that_does_not_read_is_dropped(void **state)
{
    char answer[16];

    (void)state;
    start_server();
    int fd = dial(), small = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 3000; i++) {
        say(fd, "{\"do\":\"status\",\"text\":true}\n");
        if (i % 50 == 0)
            expect_service();
    }
    expect_service();
    while (recv(fd, answer, sizeof answer, 0) > 0)
        continue;
    (void)close(fd);
    stop_server();
}

static void connections_are_limited(void **state)
{
    int fd[CONTROL_CLIENTS + 4];
    char answer[128];

    (void)state;
    start_server();
    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        fd[i] = dial();
        say(fd[i], "{\"do\":\"watch\"}\n");
        assert_true(recv(fd[i], answer, sizeof answer, 0) > 0);
    }
    int one_more = dial();
    (void)drain(one_more, answer, sizeof answer);
    assert_non_null(strstr(answer, "too many"));
    (void)close(fd[3]);
    for (int i = 0; i < 1000; i++) {
        static char text[CONTROL_ANSWER_MAX];

        if (control_ask(dir, "{\"do\":\"status\",\"text\":true}\n", text) == AGENT_OK)
            break;
        nap(5);
    }
    expect_service();
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        (void)close(fd[i]);
    stop_server();
}

/* As another user: only who is listed, and not everything. */
static int as_nobody(const char *request)
{
    static char text[CONTROL_ANSWER_MAX];
    pid_t pid = fork();

    if (pid != 0)
        return finish(pid);
    if (setgid(NOBODY_UID) != 0 || setuid(NOBODY_UID) != 0)
        _exit(99);
    int status = control_ask(dir, request, text);
    _exit(status < 0 ? 90 : status);
}

static void other_users_are_told_apart(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(dir, 0755), 0);
    start_server();
    assert_int_equal(as_nobody("{\"do\":\"status\"}\n"), 90);   /* the socket's mode */
    stop_server();
    config.application_count = 1;
    config.application[0].uid = NOBODY_UID - 1;
    start_server();
    assert_int_equal(as_nobody("{\"do\":\"status\"}\n"), AGENT_NOT_RUNNING);   /* by its credentials */
    stop_server();
    config.application[0].uid = NOBODY_UID;
    start_server();
    assert_int_equal(as_nobody("{\"do\":\"status\"}\n"), AGENT_OK);
    assert_int_equal(as_nobody("{\"do\":\"defer\",\"seconds\":5}\n"), AGENT_OK);
    assert_int_equal(as_nobody("{\"do\":\"confirm\"}\n"), AGENT_NOT_RUNNING);
    assert_int_equal(as_nobody("{\"do\":\"reject\",\"reason\":1}\n"), AGENT_NOT_RUNNING);
    stop_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(time_is_asked_for_across_the_border),
        TEST(commands_get_text),
        TEST(nonsense_ends_the_connection),
        TEST(half_a_line_is_not_waited_for),
        TEST(a_flood_ends_the_connection),
        TEST(one_that_does_not_read_is_dropped),
        TEST(connections_are_limited),
        TEST(other_users_are_told_apart),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
