/* SPDX-License-Identifier: Apache-2.0 */
/* ota-attest-service: challenges devices, appraises their evidence, issues short certificates. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "ota/posix.h"
#include "server.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
    (void)sig;
    stop = 1;
}

/* The signals come only while the server waits: none is lost between a look at `stop` and the wait. */
static void catch_signals(sigset_t *waiting)
{
    struct sigaction sa = { .sa_handler = on_stop };
    sigset_t block;

    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigemptyset(&block);
    (void)sigaddset(&block, SIGTERM);
    (void)sigaddset(&block, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &block, waiting);
}

static int complain(const char *where, const char *what)
{
    (void)fprintf(stderr, "ota-attest-service: %s%s%s\n", where, where[0] ? ": " : "", what);
    return STATUS_USAGE;
}

static bool load_config(struct config *c, const char *path)
{
    struct ota_fault fault = { .err = OTA_OK };
    size_t len = 0;
    char *text = file_read(path, CONFIG_MAX, &len);
    ota_err err;

    if (!text) {
        (void)complain(path, strerror(errno));
        return false;
    }
    err = config_read(c, text, len, &fault);
    free(text);
    if (err != OTA_OK)
        (void)complain(fault.where, ota_err_text(err));
    return err == OTA_OK;
}

/* Whoever waits for the service to be there waits for this file. */
static bool tell_port(const struct server *v)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%u\n", (unsigned)v->port);

    (void)printf("attest-service: listening on %s port %u\n", v->config->address, (unsigned)v->port);
    (void)fflush(stdout);
    if (!v->config->port_file.text[0] || file_replace(v->config->port_file.text, text, (size_t)n))
        return true;
    (void)complain("config.port_file", strerror(errno));
    return false;
}

static int serve(struct service *s, const sigset_t *waiting)
{
    static struct server v;
    struct ota_fault fault = { .err = OTA_OK };
    int status = STATUS_OK;

    if (!server_open(&v, s, &fault))
        status = complain(fault.where, fault.port_code ? strerror(fault.port_code) : ota_err_text(fault.err));
    else if (!tell_port(&v))
        status = STATUS_FAILED;
    else
        server_run(&v, &stop, waiting);
    server_close(&v);
    return status;
}

int main(int argc, char **argv)
{
    static struct config config;
    static struct service service;
    struct ota_posix_crypto crypto;
    struct ota_fault fault = { .err = OTA_OK };
    char why[256] = "";
    sigset_t waiting;
    int status;

    if (argc != 2 || argv[1][0] == '-') {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;

        (void)fputs("usage: ota-attest-service CONFIG\n", help ? stdout : stderr);
        return help ? STATUS_OK : STATUS_USAGE;
    }
    if (!load_config(&config, argv[1]))
        return STATUS_USAGE;
    if (ota_posix_crypto_open(&crypto, NULL, &fault) != OTA_OK)
        return complain("crypto", ota_err_text(fault.err));
    catch_signals(&waiting);
    if (service_open(&service, &config, &crypto.port, &fault, why))
        status = serve(&service, &waiting);
    else
        status = complain(fault.where, why);
    service_close(&service);
    ota_posix_crypto_close(&crypto);
    return status;
}
