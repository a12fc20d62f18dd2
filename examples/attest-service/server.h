/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on one listening socket, in one thread: connections that wait for one another's bytes, never for one another. */
#ifndef ATTEST_SERVER_H
#define ATTEST_SERVER_H

#include <signal.h>

#include <mbedtls/ssl.h>

#include "service.h"

struct server {
    struct service *service;
    const struct config *config;
    mbedtls_ssl_config tls;
    mbedtls_x509_crt cert;
    mbedtls_pk_context key;
    int listener;
    uint16_t port; /* that the kernel gave */
};

/* Open the socket and what TLS needs. false: *fault names the configuration's member; close it all the same. */
bool server_open(struct server *v, struct service *s, struct ota_fault *fault);
void server_close(struct server *v);

/* Serve until *stop is set by a signal, which is to be blocked outside of this. */
void server_run(struct server *v, const volatile sig_atomic_t *stop, const sigset_t *waiting);

#endif
