/* SPDX-License-Identifier: Apache-2.0 */
/* Who is believed: certificates made by the openssl command, served by `openssl s_server` on loopback. */
#define _GNU_SOURCE /* the operating system beside the C library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "ota/posix.h"

static char dir[] = "/tmp/ota-tls-XXXXXX";
static char ca[64], client_cert[64], client_key[64];

/* Two authorities; a client; servers for the right name, another name, expired, and one of the other authority. */
static const char make_certificates[] =
    "set -e; cd \"$0\"; exec >/dev/null 2>&1\n"
    "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.pem -days 30 -subj "
    "/CN=$1; }\n"
    "leaf() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj /CN=$1\n"
    "  printf 'subjectAltName=%s\\nextendedKeyUsage=serverAuth,clientAuth\\n' \"$3\" >$1.ext\n"
    "  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -out $1.pem -days $4 -extfile $1.ext; }\n"
    "ca ours; ca theirs\n"
    "leaf right ours IP:127.0.0.1 30; leaf other ours DNS:update.example 30; leaf expired ours IP:127.0.0.1 0\n"
    "leaf foreign theirs IP:127.0.0.1 30; leaf client ours DNS:device 30\n"
    "cat client.key client.pem >client.both; cat foreign.key foreign.pem >foreign.both\n"
    "echo hello >file; sleep 1.1\n"; /* no day, and one second on: expired. OpenSSL 3.5 refuses days below 0 */

static int shell(const char *script, const char *argument)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, argument, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static bool answers(unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;

    close(fd);
    return ok;
}

/* extra: up to two more options of s_server. */
static pid_t serve(const char *name, unsigned port, const char *extra1, const char *extra2)
{
    char accept[32], cert[32], key[32];
    pid_t pid;

    snprintf(accept, sizeof accept, "127.0.0.1:%u", port);
    snprintf(cert, sizeof cert, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);

        if (chdir(dir) != 0)
            _exit(127);
        dup2(nowhere, 0);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
        execlp("openssl", "openssl", "s_server", "-accept", accept, "-cert", cert, "-key", key, "-WWW", "-CAfile", "ours.pem",
               extra1, extra2, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !answers(port); i++) {
        struct timespec t = { 0, 10 * 1000000 };

        nanosleep(&t, NULL);
    }
    return pid;
}

static ota_err poll_head(struct ota_posix_net *n, struct ota_net_head *h)
{
    ota_err err = OTA_AGAIN;
    int32_t code = 0;

    for (int i = 0; i < 500 && err == OTA_AGAIN; i++) {
        err = n->port.ops->head(&n->port, h, &code);
        if (err == OTA_AGAIN)
            n->port.ops->wait(&n->port, 10);
    }
    return err;
}

static ota_err fetch_from(const struct ota_posix_net_config *cfg, const char *host, unsigned port, bool other_origin)
{
    static struct ota_posix_net n;
    char url[64];
    const struct ota_net_request req = { .url = url, .connect_ms = 5000, .other_origin = other_origin };
    struct ota_net_head h = { .status = 0 };
    ota_err err;

    snprintf(url, sizeof url, "https://%s:%u/file", host, port);
    assert_int_equal(ota_posix_net_open(&n, cfg, NULL), OTA_OK);
    assert_int_equal(n.port.ops->begin(&n.port, &req), OTA_OK);
    err = poll_head(&n, &h);
    n.port.ops->end(&n.port);
    ota_posix_net_close(&n);
    return err == OTA_OK && h.status != 200 ? OTA_RETRY_REFUSED : err;
}

static ota_err fetch(const struct ota_posix_net_config *cfg, const char *host, unsigned port)
{
    return fetch_from(cfg, host, port, false);
}

static ota_err ask(const struct ota_posix_net_config *cfg, const char *name, const char *extra1, const char *extra2)
{
    unsigned port = free_port();
    pid_t pid = serve(name, port, extra1, extra2);
    ota_err err = fetch(cfg, "127.0.0.1", port);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return err;
}

static void only_our_authority_and_the_right_name_are_believed(void **state)
{
    const struct ota_posix_net_config ours = { .ca_file = ca }, system = { .ca_file = NULL };

    (void)state;
    assert_int_equal(ask(&ours, "right", NULL, NULL), OTA_OK);
    assert_int_equal(ask(&ours, "other", NULL, NULL), OTA_RETRY_TLS);
    assert_int_equal(ask(&ours, "expired", NULL, NULL), OTA_RETRY_TLS);
    assert_int_equal(ask(&ours, "foreign", NULL, NULL), OTA_RETRY_TLS);
    assert_int_equal(ask(&system, "right", NULL, NULL), OTA_RETRY_TLS);
}

static void the_host_is_checked_by_the_name_that_was_asked_for(void **state)
{
    const struct ota_posix_net_config ours = { .ca_file = ca };
    unsigned port = free_port();
    pid_t pid = serve("right", port, NULL, NULL);

    (void)state;
    assert_int_equal(fetch(&ours, "localhost", port), OTA_RETRY_TLS);
    assert_int_equal(fetch(&ours, "127.0.0.1", port), OTA_OK);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void old_protocols_are_refused(void **state)
{
    const struct ota_posix_net_config ours = { .ca_file = ca };

    (void)state;
    assert_int_equal(ask(&ours, "right", "-tls1_2", NULL), OTA_OK);
    assert_int_equal(ask(&ours, "right", "-tls1_1", "-cipher=DEFAULT@SECLEVEL=0"), OTA_RETRY_TLS);
}

static void the_client_shows_its_certificate(void **state)
{
    const struct ota_posix_net_config with = { .ca_file = ca, .cert_file = client_cert, .key_file = client_key };
    const struct ota_posix_net_config without = { .ca_file = ca };

    (void)state;
    assert_int_equal(ask(&with, "right", "-Verify=1", "-verify_return_error"), OTA_OK);
    assert_int_not_equal(ask(&without, "right", "-Verify=1", "-verify_return_error"), OTA_OK);
}

/* Found by tests/badnet. A server that wants a certificate refuses a client that shows none. */
static void the_certificate_is_shown_to_no_other_origin(void **state)
{
    const struct ota_posix_net_config with = { .ca_file = ca, .cert_file = client_cert, .key_file = client_key };
    unsigned port = free_port();
    pid_t pid = serve("right", port, "-Verify=1", "-verify_return_error");

    (void)state;
    assert_int_equal(fetch_from(&with, "127.0.0.1", port, false), OTA_OK);
    assert_int_not_equal(fetch_from(&with, "127.0.0.1", port, true), OTA_OK);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static ota_err fetch_with(struct ota_posix_net *n, unsigned port, bool other_origin)
{
    char url[64];
    const struct ota_net_request req = { .url = url, .connect_ms = 5000, .other_origin = other_origin };
    struct ota_net_head h = { .status = 0 };
    ota_err err;

    snprintf(url, sizeof url, "https://127.0.0.1:%u/file", port);
    err = n->port.ops->begin(&n->port, &req);
    if (err != OTA_OK)
        return err;
    err = poll_head(n, &h);
    n->port.ops->end(&n->port);
    return err == OTA_OK && h.status != 200 ? OTA_RETRY_REFUSED : err;
}

/* A certificate that comes later, changes, and is taken back. What is in the file counts, not what was in it before. */
static void a_certificate_may_come_later(void **state)
{
    static struct ota_posix_net n;
    const struct ota_posix_net_config cfg = { .ca_file = ca, .certificate_later = true };
    struct ota_fault fault = { .err = OTA_OK };
    char use[64], copy[160];
    unsigned port = free_port();
    pid_t pid = serve("right", port, "-Verify=1", "-verify_return_error");

    (void)state;
    snprintf(use, sizeof use, "%s/use.pem", dir);
    assert_int_equal(ota_posix_net_open(&n, &cfg, NULL), OTA_OK);
    assert_int_equal(fetch_with(&n, port, false), OTA_RETRY_CERTIFICATE); /* nobody was asked */
    assert_int_equal(ota_posix_net_certificate(&n, use, &fault), OTA_USAGE_CONFIG);
    assert_string_equal(fault.where, "net.certificate");
    assert_int_equal(fetch_with(&n, port, false), OTA_RETRY_CERTIFICATE);
    snprintf(copy, sizeof copy, "cp %s/client.both %s", dir, use);
    assert_int_equal(shell(copy, ""), 0);
    assert_int_equal(ota_posix_net_certificate(&n, use, NULL), OTA_OK);
    assert_int_equal(fetch_with(&n, port, false), OTA_OK);
    assert_int_not_equal(fetch_with(&n, port, true), OTA_OK); /* not shown there, and so not let in */
    assert_int_equal(fetch_with(&n, port, false), OTA_OK);
    /* Another authority's, in the same file: neither a connection nor a session of the old one is used. */
    snprintf(copy, sizeof copy, "cp %s/foreign.both %s", dir, use);
    assert_int_equal(shell(copy, ""), 0);
    assert_int_equal(ota_posix_net_certificate(&n, use, NULL), OTA_OK);
    assert_int_not_equal(fetch_with(&n, port, false), OTA_OK);
    snprintf(copy, sizeof copy, "cp %s/client.both %s", dir, use);
    assert_int_equal(shell(copy, ""), 0);
    assert_int_equal(ota_posix_net_certificate(&n, use, NULL), OTA_OK);
    assert_int_equal(fetch_with(&n, port, false), OTA_OK);
    assert_int_equal(ota_posix_net_certificate(&n, NULL, NULL), OTA_OK);
    assert_int_equal(fetch_with(&n, port, false), OTA_RETRY_CERTIFICATE);
    ota_posix_net_close(&n);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static unsigned contexts;
static int context_result;

static int on_context(void *curl, void *tls)
{
    contexts++;
    return curl && tls ? context_result : -1;
}

/* A key that is no file: whoever has it is asked before the handshake, for the configured server only. */
static void the_tls_context_is_given_for_the_configured_server_only(void **state)
{
    const struct ota_posix_net_config with = { .ca_file = ca, .tls_context = on_context };
    unsigned port = free_port();
    pid_t pid = serve("right", port, NULL, NULL);

    (void)state;
    contexts = 0, context_result = 0;
    assert_int_equal(fetch_from(&with, "127.0.0.1", port, false), OTA_OK);
    assert_int_equal(contexts, 1);
    assert_int_equal(fetch_from(&with, "127.0.0.1", port, true), OTA_OK);
    assert_int_equal(contexts, 1);
    context_result = -1; /* the chip refused */
    assert_int_equal(fetch_from(&with, "127.0.0.1", port, false), OTA_RETRY_TLS);
    assert_int_equal(contexts, 2);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(ca, sizeof ca, "%s/ours.pem", dir);
    snprintf(client_cert, sizeof client_cert, "%s/client.pem", dir);
    snprintf(client_key, sizeof client_key, "%s/client.key", dir);
    return shell(make_certificates, dir);
}

static int tear_down(void **state)
{
    (void)state;
    return shell("rm -r \"$0\"", dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_authority_and_the_right_name_are_believed),
        cmocka_unit_test(the_host_is_checked_by_the_name_that_was_asked_for),
        cmocka_unit_test(old_protocols_are_refused),
        cmocka_unit_test(the_client_shows_its_certificate),
        cmocka_unit_test(the_certificate_is_shown_to_no_other_origin),
        cmocka_unit_test(a_certificate_may_come_later),
        cmocka_unit_test(the_tls_context_is_given_for_the_configured_server_only),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
