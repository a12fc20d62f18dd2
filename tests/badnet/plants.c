/* SPDX-License-Identifier: Apache-2.0 */
/* Clients with one fault each, as they have been seen in the field: the rows must notice every one of them. */
#include "device.h"

#include <curl/curl.h>
#include <string.h>

static const struct ota_net_ops *real;
static struct ota_net_ops spoilt;
static uint64_t asked_from;
static struct ota_net_request changed;

static ota_err begin_noting(struct ota_net *net, const struct ota_net_request *req)
{
    asked_from = req->range_from;
    return real->begin(net, req);
}

/* Takes whatever follows a request for a range as that range. */
static ota_err head_200_as_206(struct ota_net *net, struct ota_net_head *h, int32_t *code)
{
    ota_err err = real->head(net, h, code);

    if (err == OTA_OK && asked_from && h->status == 200 && h->has_length) {
        h->status = 206;
        h->has_range = true;
        h->range_from = asked_from;
        h->range_total = h->length;
        h->range_to = h->length - 1;
        h->length -= asked_from;
    }
    return err;
}

/* Believes that any 206 is the range that was asked for. */
static ota_err head_any_range(struct ota_net *net, struct ota_net_head *h, int32_t *code)
{
    ota_err err = real->head(net, h, code);

    if (err == OTA_OK && asked_from && h->status == 206) {
        h->malformed = false;
        h->has_range = true;
        h->range_from = asked_from;
        h->range_total = 0;
        h->range_to = asked_from + (h->has_length && h->length ? h->length - 1 : 0);
    }
    return err;
}

static ota_err head_never_malformed(struct ota_net *net, struct ota_net_head *h, int32_t *code)
{
    ota_err err = real->head(net, h, code);

    h->malformed = false;
    return err;
}

static ota_err head_never_encoded(struct ota_net *net, struct ota_net_head *h, int32_t *code)
{
    ota_err err = real->head(net, h, code);

    h->encoded = false;
    return err;
}

static ota_err head_no_retry_after(struct ota_net *net, struct ota_net_head *h, int32_t *code)
{
    ota_err err = real->head(net, h, code);

    h->retry_after_s = -1;
    h->retry_at_s = 0;
    return err;
}

static ota_err head_all_is_well(struct ota_net *net, struct ota_net_head *h, int32_t *code)
{
    ota_err err = real->head(net, h, code);

    if (err == OTA_OK && h->status >= 400)
        h->status = 200;
    return err;
}

static ota_err begin_without_if_range(struct ota_net *net, const struct ota_net_request *req)
{
    changed = *req;
    changed.if_range = NULL;
    return real->begin(net, &changed);
}

static ota_err read_end_is_done(struct ota_net *net, void *buf, size_t len, size_t *got, int32_t *code)
{
    ota_err err = real->read(net, buf, len, got, code);

    return err == OTA_RETRY_TRUNCATED ? OTA_DONE : err;
}

/* The head's size is nobody's business. */
static size_t on_endless_header(char *line, size_t size, size_t count, void *user)
{
    struct ota_posix_net *n = user;
    size_t len = size * count;

    n->answer.bytes = 0;
    (void)ota_net_head_line(&n->answer, line, len < 1024 ? len : 1024);
    if ((line[0] == '\r' || line[0] == '\n') && n->answer.status >= 200)
        n->have_head = true;
    return len;
}

/* Lets libcurl go wherever an answer points. */
static size_t on_any_header(char *line, size_t size, size_t count, void *user)
{
    struct ota_posix_net *n = user;
    size_t len = size * count;

    (void)ota_net_head_line(&n->answer, line, len);
    if ((line[0] == '\r' || line[0] == '\n') && (n->answer.status < 300 || n->answer.status > 399))
        n->have_head = true;
    return len;
}

static bool set(struct device *d, CURLoption option, long value)
{
    return curl_easy_setopt(d->net.easy, option, value) == CURLE_OK;
}

bool plant(struct device *d, const char *name)
{
    real = d->net.port.ops;
    spoilt = *real;
    d->net.port.ops = &spoilt;
    spoilt.begin = begin_noting;
    if (strcmp(name, "200-as-206") == 0)
        return spoilt.head = head_200_as_206, true;
    if (strcmp(name, "any-range") == 0)
        return spoilt.head = head_any_range, true;
    if (strcmp(name, "never-malformed") == 0)
        return spoilt.head = head_never_malformed, true;
    if (strcmp(name, "never-encoded") == 0)
        return spoilt.head = head_never_encoded, true;
    if (strcmp(name, "no-retry-after") == 0)
        return spoilt.head = head_no_retry_after, true;
    if (strcmp(name, "status-blind") == 0)
        return spoilt.head = head_all_is_well, true;
    if (strcmp(name, "no-if-range") == 0)
        return spoilt.begin = begin_without_if_range, true;
    if (strcmp(name, "end-is-done") == 0)
        return spoilt.read = read_end_is_done, true;
    if (strcmp(name, "endless-head") == 0)
        return curl_easy_setopt(d->net.easy, CURLOPT_HEADERFUNCTION, on_endless_header) == CURLE_OK;
    if (strcmp(name, "follows-redirects") == 0)
        return set(d, CURLOPT_FOLLOWLOCATION, 1) && set(d, CURLOPT_DISALLOW_USERNAME_IN_URL, 0) &&
               curl_easy_setopt(d->net.easy, CURLOPT_HEADERFUNCTION, on_any_header) == CURLE_OK &&
               curl_easy_setopt(d->net.easy, CURLOPT_REDIR_PROTOCOLS_STR, "all") == CURLE_OK &&
               curl_easy_setopt(d->net.easy, CURLOPT_PROTOCOLS_STR, "all") == CURLE_OK;
    if (strcmp(name, "any-host") == 0)
        return set(d, CURLOPT_SSL_VERIFYHOST, 0);
    if (strcmp(name, "any-chain") == 0)
        return set(d, CURLOPT_SSL_VERIFYPEER, 0);
    if (strcmp(name, "old-tls") == 0)
        return set(d, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1) &&
               curl_easy_setopt(d->net.easy, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0") == CURLE_OK;
    if (strcmp(name, "patient") == 0) {
        d->cfg.limits.head_ms = d->cfg.limits.low_speed_s = 3600000;
        return true;
    }
    return false;
}
