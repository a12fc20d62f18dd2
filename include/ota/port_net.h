/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Network port: one HTTP-like exchange at a time. The port moves bytes; it never retries, follows a redirect, judges a
 * status or decompresses. Time limits beyond connecting are the core's: it polls and gives up through end().
 */
#ifndef OTA_PORT_NET_H
#define OTA_PORT_NET_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

/** POST is asked for by the hawkBit check-in alone: a port that cannot answers begin() with USAGE_ARGUMENT. */
enum ota_net_method { OTA_NET_GET = 0, OTA_NET_PUT = 1, OTA_NET_POST = 2 };

/** One request. All pointers stay valid and unchanged until end(). */
struct ota_net_request {
    enum ota_net_method method;
    const char *url;            /**< absolute, already percent-encoded: used as given */
    uint64_t range_from;        /**< > 0: send "Range: bytes=N-" */
    uint64_t range_to;          /**< > 0: last byte that is wanted: send "Range: bytes=N-M", also for N = 0. M below N is
                                     no range (RFC 9110 section 14.1.1): the whole file. A port that leaves the end out
                                     costs bytes, not correctness */
    const char *if_range;       /**< entity tag for If-Range, or NULL */
    const char *if_none_match;  /**< entity tag for If-None-Match, or NULL */
    const char *extra;          /**< further header lines, each "Name: value", separated by "\n"; or NULL */
    const void *body;           /**< PUT, POST: the body, sent as application/json; else NULL */
    size_t body_len;            /**< bytes in body */
    bool other_origin;          /**< a redirect led to a server that is not the configured one: show it no credentials */
    uint32_t connect_ms;        /**< give up connecting (DNS, TCP, TLS) after this long; 0 = the port's default */
};

/** What the answer's head says. Filled line by line by ota_net_head_line(), the one strict parser for every port. */
struct ota_net_head {
    uint16_t status;                 /**< 200...; 0 before a status line was seen */
    bool malformed;                  /**< a field that we rely on was malformed, negative, repeated or contradictory */
    bool has_length;
    uint64_t length;                 /**< Content-Length */
    bool has_range;
    uint64_t range_from, range_to;   /**< Content-Range, both inclusive */
    uint64_t range_total;            /**< complete length; 0 = "*" */
    bool encoded;                    /**< a Content-Encoding other than identity is present */
    char etag[OTA_ETAG_MAX];         /**< strong entity tag with quotes; "" if absent, weak or too long */
    int64_t date_s;                  /**< Date as Unix seconds; 0 if absent or malformed */
    int64_t retry_after_s;           /**< Retry-After: seconds to wait; -1 if absent or malformed */
    int64_t retry_at_s;              /**< Retry-After given as a date: Unix seconds; 0 if not */
    uint32_t bytes;                  /**< bytes of all header lines so far */
    char location[OTA_URL_MAX];      /**< Location; "" if absent or too long */
};

/** Longest head that is accepted, all lines together. A port stops reading and ends with RETRY_PROTOCOL beyond it. */
#define OTA_NET_HEAD_MAX 16384u

/** Prepare a head for a new answer. */
void ota_net_head_reset(struct ota_net_head *h);

/**
 * Take one raw header line (status line, field line or the empty line), with or without CR LF. A new status line
 * starts over, which is how interim 1xx answers and a proxy's CONNECT answer disappear.
 * Source: RFC 9110 sections 8.6, 8.8.3, 10.2.2, 10.2.3, 14.4; RFC 9112 section 4.
 * @return false when the head is larger than OTA_NET_HEAD_MAX: stop the transfer
 */
bool ota_net_head_line(struct ota_net_head *h, const char *line, size_t len);

struct ota_net;
struct ota_net_ops {
    /**
     * Is a network up? Must not block. NULL means always.
     * @return OTA_OK, or RETRY_NETWORK while there is none
     */
    ota_err (*ready)(struct ota_net *net);
    /**
     * Begin an exchange. Must not block longer than it takes to queue it. Only one exchange is open at a time.
     * @return OTA_OK; RETRY_* when it cannot be begun; USAGE_ARGUMENT for a URL the port cannot speak
     */
    ota_err (*begin)(struct ota_net *net, const struct ota_net_request *req);
    /**
     * Poll for the answer's head. Non-blocking. `*port_code` gets the port's own number on failure.
     * file: URLs answer as HTTP would: 200, 206 or 404.
     * @return OTA_OK once complete (h filled), OTA_AGAIN before, or RETRY_NETWORK / RETRY_TLS / RETRY_PROTOCOL
     */
    ota_err (*head)(struct ota_net *net, struct ota_net_head *h, int32_t *port_code);
    /**
     * Read body bytes. Non-blocking. Never returns more than len bytes.
     * @return OTA_OK with *got > 0; OTA_AGAIN with *got == 0; OTA_DONE when the body ended where the protocol says;
     *         RETRY_TRUNCATED when the connection ended early; RETRY_NETWORK else
     */
    ota_err (*read)(struct ota_net *net, void *buf, size_t len, size_t *got, int32_t *port_code);
    /** End the exchange, finished or not. Safe when none is open. The connection may be kept for the next one. */
    void (*end)(struct ota_net *net);
    /** Sleep until the open exchange has news or ms passed. May return early. Used by ota_run() only. */
    void (*wait)(struct ota_net *net, uint32_t ms);
};

/** First member of the port's own struct. */
struct ota_net {
    const struct ota_net_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
