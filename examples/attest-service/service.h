/* SPDX-License-Identifier: Apache-2.0 */
/* What the service decides: a request in, an answer out. No sockets here. */
#ifndef ATTEST_SERVICE_H
#define ATTEST_SERVICE_H

#include "settings.h"
#include "devices.h"
#include "http.h"
#include "issue.h"
#include "nonces.h"

/* Times of an answer: the monotonic clock for challenges, the wall clock for certificates. */
struct service_now {
    uint64_t ms;
    int64_t utc_s;
};

struct service {
    const struct config *config;
    struct ota_crypto *crypto;
    struct issue_random random;
    struct issuer issuer[CONFIG_GROUPS_MAX];
    struct reference reference[CONFIG_GROUPS_MAX];
    struct nonces nonces;
    struct devices devices;
};

struct service_answer {
    int status;
    uint32_t retry_s; /* 0 = no Retry-After */
    size_t len;
    char body[WIRE_ANSWER_MAX];
    char line[512];   /* for the log */
};

/* Open what the configuration names. false: *fault says which member, and why has a sentence. Close it all the same. */
bool service_open(struct service *s, const struct config *c, struct ota_crypto *crypto, struct ota_fault *fault, char why[256]);
void service_close(struct service *s);

/* Answer a request that http_read() judged; status as that says. */
void service_answer(struct service *s, const struct service_now *now, int status, const struct http_request *r,
                    struct service_answer *out);

#endif
