/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP exchange over the network port: status rules, ranges, redirects, limits, low-speed abort. */
#ifndef OTAI_FETCH_H
#define OTAI_FETCH_H

#include "ota/port_clock.h"
#include "ota/port_net.h"

/* What an exchange may do. A 0 is no default here: the agent has filled it. */
struct otai_fetch_limits {
    uint32_t connect_ms, head_ms;
    uint32_t low_speed_bps, low_speed_s;
    uint8_t redirects;
    bool plain_http;   /* allow http: URLs at all; a redirect never changes the scheme whatever this says */
};

struct otai_fetch_job {
    enum ota_net_method method;
    const char *base;            /* ends in "/" */
    const char *file;            /* appended verbatim */
    uint64_t from;               /* first byte wanted */
    uint64_t last;               /* > 0: the last byte that the owner wants; more may come */
    uint64_t exact;              /* > 0: the whole file has exactly this many bytes */
    uint64_t max;                /* exact == 0: refuse files with more bytes than this */
    const char *if_range;        /* entity tag, or NULL or "" */
    const char *if_none_match;   /* entity tag, or NULL or "" */
    const char *extra;           /* see struct ota_net_request */
    const void *body;
    size_t body_len;
};

/* Running exchange. Fields are read by the owner, written only by fetch.c. The large ones come last: instructions of
 * small machines reach the others. */
struct otai_fetch {
    struct ota_net *net;
    struct ota_clock *clock;
    bool open, have_head;
    bool whole;                    /* job.from is the end of the file: there is nothing to ask for */
    uint8_t hops;
    uint64_t skip;                 /* bytes of a 200 that lie before job.from and are dropped */
    uint64_t skipped;              /* bytes dropped so far */
    uint64_t pos;                  /* file offset of the next byte that poll delivers */
    uint64_t end;                  /* the body may end here and must not go beyond */
    uint64_t began_ms;             /* request sent */
    uint64_t mark_ms, mark_bytes;  /* low-speed window */
    uint64_t seen;                 /* body bytes seen */
    int64_t retry_after_s;         /* after RETRY_*: what the server asked for; -1 = nothing */
    struct otai_fetch_limits limits;
    struct otai_fetch_job job;
    struct ota_net_request req;
    struct ota_fault fault;
    struct ota_net_head head;      /* valid once poll gave OTA_OK, OTA_DONE or OTA_SAME, and after a status error */
    char url[OTA_URL_MAX];
};

void otai_fetch_init(struct otai_fetch *f, struct ota_net *net, struct ota_clock *clock, const struct otai_fetch_limits *limits);

/* Begin. job's pointers stay valid until end. When job.from == job.exact nothing is sent and the first poll is OTA_DONE.
 * OTA_OK; USAGE_CONFIG (URL too long, scheme not allowed); USAGE_ARGUMENT (from beyond the file); what the port's begin
 * gave. */
OTA_MUST_CHECK ota_err otai_fetch_begin(struct otai_fetch *f, const struct otai_fetch_job *job);

/* Go on. Bytes delivered are always those of file offset `pos` before the call, in order.
 *   OTA_OK        *got > 0 bytes in buf
 *   OTA_AGAIN     nothing yet
 *   OTA_DONE      body complete (GET), or PUT or POST acknowledged with 2xx
 *   OTA_SAME      304 to a conditional request
 *   REJECT_LENGTH the server's file has more or fewer bytes than exact, or more than max
 *   RETRY_NOT_FOUND 404, 410; RETRY_REFUSED other 4xx; RETRY_BUSY 429, 503 (retry_after_s); RETRY_SERVER other 5xx;
 *   RETRY_PROTOCOL (206 unasked, wrong Content-Range, malformed head, content encoding, unexpected status),
 *   RETRY_REDIRECT, RETRY_TIMEOUT, RETRY_SLOW, RETRY_TRUNCATED, RETRY_NETWORK, RETRY_TLS
 * After anything but OTA_OK and OTA_AGAIN the exchange is over and the port's exchange ended. A 200 answer to a range
 * request is legal (RFC 9110 14.2): its first `from` bytes are dropped, never appended. */
OTA_MUST_CHECK ota_err otai_fetch_poll(struct otai_fetch *f, void *buf, size_t cap, size_t *got);

/* Give up. Safe at any time. */
void otai_fetch_end(struct otai_fetch *f);

/* Resolve a redirect into out: absolute with the same scheme, or an absolute path. OTA_OK or RETRY_REDIRECT. */
OTA_MUST_CHECK ota_err otai_url_redirect(const char *url, const char *location, char *out, size_t cap);

/* Does a redirect to location lead to another scheme, host or port than url's? */
bool otai_url_leaves(const char *url, const char *location);

/* Does url start with http://, https:// or file:// and is it allowed? */
bool otai_url_allowed(const char *url, bool plain_http);

#endif
