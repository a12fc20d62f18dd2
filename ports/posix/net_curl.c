/* SPDX-License-Identifier: Apache-2.0 */
/* http: and https: by libcurl's multi interface. Body bytes go straight into the reader's buffer while it asks for some;
 * what libcurl delivers beyond that waits in the port's buffer, and when that is full the transfer pauses. */
#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net.h"

#define CONNECT_MS 30000u
#define HEADER_LINE_MAX 1024u

/* So that an empty buffer takes whatever is delivered at once. */
static_assert(OTA_POSIX_NET_BUFFER_MIN >= CURL_MAX_WRITE_SIZE, "libcurl delivers more at once than the buffer holds");

/* ---- what libcurl calls ---- */

/* Only chunked: libcurl would inflate the others without being asked (the "malloc bomb" of CVE-2022-32206). */
static bool is_forbidden(const char *line, size_t len)
{
    static const char name[] = "Transfer-Encoding:";
    size_t at = sizeof name - 1;

    if (len < at || strncasecmp(line, name, at) != 0)
        return false;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    while (len > at && strchr("\r\n \t", line[len - 1]))
        len--;
    return len - at != 7 || strncasecmp(line + at, "chunked", 7) != 0;
}

/* Trailers of a chunked body say nothing that we need, but libcurl keeps them: they count towards the head's limit. */
static size_t take_trailer(struct ota_posix_net *n, size_t len)
{
    n->refused = len > OTA_NET_HEAD_MAX - n->answer.bytes;
    if (n->refused)
        return 0;
    n->answer.bytes += (uint32_t)len;
    return len;
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct ota_posix_net *n = user;
    size_t len = size * count;

    if (n->have_head)
        return take_trailer(n, len);
    if (!ota_net_head_line(&n->answer, line, len) || is_forbidden(line, len)) {
        n->refused = true;
        return 0;
    }
    if ((line[0] == '\r' || line[0] == '\n') && n->answer.status >= 200)
        n->have_head = true;
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct ota_posix_net *n = user;
    size_t len = size * count;
    size_t now = n->direct && n->fill == 0 ? n->direct_len - n->direct_got : 0;

    if (now > len)
        now = len;
    if (len - now > n->buffer_len - n->fill) {
        n->paused = true;
        return CURL_WRITEFUNC_PAUSE; /* nothing was taken: libcurl brings all of it again */
    }
    if (now > 0)
        memcpy(n->direct + n->direct_got, data, now);
    n->direct_got += now;
    memcpy(n->buffer + n->fill, data + now, len - now);
    n->fill += len - now;
    return len;
}

/* ---- open and close ---- */

static bool set_callbacks(struct ota_posix_net *n)
{
    return curl_easy_setopt(n->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(n->easy, CURLOPT_HEADERDATA, n) == CURLE_OK &&
           curl_easy_setopt(n->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(n->easy, CURLOPT_WRITEDATA, n) == CURLE_OK;
}

ota_err otap_curl_open(struct ota_posix_net *n, const struct ota_posix_net_config *cfg)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

    n->result = (int32_t)code;
    if (code != CURLE_OK)
        return OTA_RETRY_NETWORK;
    n->connect_ms = cfg->connect_ms ? cfg->connect_ms : CONNECT_MS;
    n->cert_file = cfg->cert_file;
    n->key_file = cfg->key_file;
    n->needs_cert = cfg->certificate_later;
    n->tls_context = cfg->tls_context;
    n->multi = curl_multi_init();
    n->easy = curl_easy_init();
    if (n->multi && n->easy && set_callbacks(n) && otap_curl_set_options(n, cfg) &&
        curl_multi_setopt(n->multi, CURLMOPT_MAXCONNECTS, 1L) == CURLM_OK)
        return OTA_OK;
    n->result = CURLE_FAILED_INIT;
    if (!n->multi)
        curl_global_cleanup(); /* close() takes an open multi handle as its sign that this is due */
    otap_curl_close(n);
    return OTA_RETRY_NETWORK;
}

void otap_curl_close(struct ota_posix_net *n)
{
    curl_easy_cleanup(n->easy);
    n->easy = NULL;
    if (!n->multi)
        return;
    (void)curl_multi_cleanup(n->multi);
    n->multi = NULL;
    curl_global_cleanup();
}

/* ---- one exchange ---- */

static bool add_header(struct ota_posix_net *n, const char *line)
{
    struct curl_slist *longer = curl_slist_append(n->headers, line);

    if (longer)
        n->headers = longer;
    return longer != NULL;
}

static bool add_field(struct ota_posix_net *n, const char *name, const char *value)
{
    char line[HEADER_LINE_MAX];

    if (!value)
        return true;
    if (snprintf(line, sizeof line, "%s: %s", name, value) >= (int)sizeof line)
        return false;
    return add_header(n, line);
}

static bool add_extra(struct ota_posix_net *n, const char *extra)
{
    char line[HEADER_LINE_MAX];

    while (extra && *extra) {
        size_t len = strcspn(extra, "\n");

        if (len >= sizeof line)
            return false;
        memcpy(line, extra, len);
        line[len] = '\0';
        if (len > 0 && !add_header(n, line))
            return false;
        extra += len + (extra[len] == '\n');
    }
    return true;
}

/* "Expect:" without a value switches off libcurl's wait for "100 Continue", which some servers never send. */
static bool set_headers(struct ota_posix_net *n, const struct ota_net_request *req)
{
    bool put = req->method != OTA_NET_GET;

    return add_field(n, "If-Range", req->range_from > 0 ? req->if_range : NULL) &&
           add_field(n, "If-None-Match", req->if_none_match) && add_extra(n, req->extra) &&
           (!put || (add_header(n, "Content-Type: application/json") && add_header(n, "Expect:"))) &&
           curl_easy_setopt(n->easy, CURLOPT_HTTPHEADER, n->headers) == CURLE_OK;
}

static bool set_range(CURL *e, uint64_t from, uint64_t to)
{
    char range[48];

    if (from == 0 && to == 0)
        return curl_easy_setopt(e, CURLOPT_RANGE, NULL) == CURLE_OK;
    if (to > 0)
        (void)snprintf(range, sizeof range, "%llu-%llu", (unsigned long long)from, (unsigned long long)to);
    else
        (void)snprintf(range, sizeof range, "%llu-", (unsigned long long)from);
    return curl_easy_setopt(e, CURLOPT_RANGE, range) == CURLE_OK;
}

/* Order matters: HTTPGET undoes POST, and CUSTOMREQUEST renames whatever method is chosen. */
static bool set_method(CURL *e, const struct ota_net_request *req)
{
    if (req->method == OTA_NET_GET)
        return curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDS, req->body_len > 0 ? req->body : "") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method == OTA_NET_PUT ? "PUT" : NULL) == CURLE_OK;
}

static CURLcode on_tls(CURL *easy, void *tls, void *user)
{
    const struct ota_posix_net *n = user;

    return n->tls_context(easy, tls) == 0 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* libcurl knows a certificate by its file's name: neither a connection nor a session may outlive what was in the file. */
static bool set_fresh(const struct ota_posix_net *n)
{
    return !n->needs_cert || (curl_easy_setopt(n->easy, CURLOPT_FRESH_CONNECT, n->fresh ? 1L : 0L) == CURLE_OK &&
                              curl_easy_setopt(n->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK);
}

/* The device's certificate is for the server that its owner chose, not for where a redirect leads. */
static bool set_client(struct ota_posix_net *n, bool show)
{
    if (!set_fresh(n))
        return false;
    if (n->tls_context && (curl_easy_setopt(n->easy, CURLOPT_SSL_CTX_FUNCTION, show ? on_tls : NULL) != CURLE_OK ||
                           curl_easy_setopt(n->easy, CURLOPT_SSL_CTX_DATA, n) != CURLE_OK))
        return false;
    return curl_easy_setopt(n->easy, CURLOPT_SSLCERT, show ? n->cert_file : NULL) == CURLE_OK &&
           curl_easy_setopt(n->easy, CURLOPT_SSLKEY, show ? n->key_file : NULL) == CURLE_OK;
}

static bool set_request(struct ota_posix_net *n, const struct ota_net_request *req)
{
    long connect_ms = (long)(req->connect_ms ? req->connect_ms : n->connect_ms);

    return curl_easy_setopt(n->easy, CURLOPT_URL, req->url) == CURLE_OK &&
           curl_easy_setopt(n->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK && set_client(n, !req->other_origin) &&
           set_method(n->easy, req) && set_range(n->easy, req->range_from, req->range_to) && set_headers(n, req);
}

static bool is_url(const char *url)
{
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;

    curl_url_cleanup(u);
    return ok;
}

static void free_headers(struct ota_posix_net *n)
{
    (void)curl_easy_setopt(n->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(n->headers);
    n->headers = NULL;
}

ota_err otap_curl_begin(struct ota_posix_net *n, const struct ota_net_request *req)
{
    if (!is_url(req->url))
        return OTA_USAGE_ARGUMENT;
    if (set_request(n, req) && curl_multi_add_handle(n->multi, n->easy) == CURLM_OK) {
        n->fresh = false;
        return OTA_OK;
    }
    free_headers(n);
    return OTA_RETRY_NETWORK;
}

void otap_curl_end(struct ota_posix_net *n)
{
    (void)curl_multi_remove_handle(n->multi, n->easy);
    free_headers(n);
}

/* ---- progress ---- */

static void perform(struct ota_posix_net *n)
{
    int running = 0, left = 0;
    CURLMcode code = curl_multi_perform(n->multi, &running);
    CURLMsg *m;

    if (code != CURLM_OK) {
        n->done = true;
        n->result = CURLE_FAILED_INIT;
        return;
    }
    while ((m = curl_multi_info_read(n->multi, &left)) != NULL)
        if (m->msg == CURLMSG_DONE) {
            n->done = true;
            n->result = (int32_t)m->data.result;
        }
}

static ota_err judge_code(const struct ota_posix_net *n)
{
    switch ((CURLcode)n->result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        return OTA_RETRY_TLS;
    case CURLE_PARTIAL_FILE: /* libcurl says so of a cut head, too, once that has named a length */
        return n->have_head ? OTA_RETRY_TRUNCATED : OTA_RETRY_PROTOCOL;
    case CURLE_RECV_ERROR: /* reset, or TLS ended without saying so */
        return n->have_head ? OTA_RETRY_TRUNCATED : OTA_RETRY_NETWORK;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 and what is not HTTP at all */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_OUT_OF_MEMORY: /* a header line larger than libcurl takes */
        return OTA_RETRY_PROTOCOL;
    default:
        return OTA_RETRY_NETWORK;
    }
}

/* What a transfer that is over means to the reader. */
static ota_err judge(const struct ota_posix_net *n, int32_t *port_code)
{
    if (n->result == CURLE_OK)
        return n->have_head ? OTA_DONE : OTA_RETRY_PROTOCOL;
    *port_code = n->result;
    return n->refused ? OTA_RETRY_PROTOCOL : judge_code(n);
}

ota_err otap_curl_head(struct ota_posix_net *n, int32_t *port_code)
{
    if (!n->have_head && !n->done)
        perform(n);
    if (n->have_head)
        return OTA_OK;
    return n->done ? judge(n, port_code) : OTA_AGAIN;
}

static size_t take_buffered(struct ota_posix_net *n, void *buf, size_t len)
{
    size_t have = n->fill - n->at;

    if (len > have)
        len = have;
    memcpy(buf, n->buffer + n->at, len);
    n->at += len;
    return len;
}

/* The buffer is empty here. Letting a paused transfer go delivers at once what libcurl kept back. */
static void refill(struct ota_posix_net *n, void *buf, size_t len)
{
    n->direct = buf;
    n->direct_len = len;
    n->direct_got = n->at = n->fill = 0;
    if (n->paused) {
        n->paused = false;
        (void)curl_easy_pause(n->easy, CURLPAUSE_CONT); /* its failure comes back from the next perform() */
    }
    if (n->direct_got == 0)
        perform(n);
    n->direct = NULL;
}

ota_err otap_curl_read(struct ota_posix_net *n, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    if (len == 0)
        return OTA_AGAIN;
    if (n->at == n->fill && !n->done) {
        refill(n, buf, len);
        *got = n->direct_got;
    } else {
        *got = take_buffered(n, buf, len);
    }
    if (*got > 0)
        return OTA_OK;
    return n->done ? judge(n, port_code) : OTA_AGAIN;
}

void otap_curl_wait(struct ota_posix_net *n, uint32_t ms)
{
    (void)curl_multi_poll(n->multi, NULL, 0, ms > INT32_MAX ? INT32_MAX : (int)ms, NULL);
}

void otap_curl_wait_also(struct ota_posix_net *n, int fd, uint32_t ms)
{
    struct curl_waitfd also = { .fd = fd, .events = CURL_WAIT_POLLIN };
    bool has_news = n->is_file || n->done || n->paused || n->at < n->fill;

    if (!has_news)
        (void)curl_multi_poll(n->multi, &also, 1, ms > INT32_MAX ? INT32_MAX : (int)ms, NULL);
}
