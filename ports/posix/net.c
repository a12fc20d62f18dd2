/* SPDX-License-Identifier: Apache-2.0 */
#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file_io.h"

static struct ota_posix_net *self(struct ota_net *net)
{
    return (struct ota_posix_net *)net;
}

static bool has_scheme(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

static void reset(struct ota_posix_net *n)
{
    ota_net_head_reset(&n->answer);
    n->have_head = n->done = n->paused = n->refused = n->is_file = false;
    n->result = 0;
    n->at = n->fill = 0;
}

/* Tried before a connection is: without the certificate it could only end in the server's own words for that. */
static bool lacks_certificate(const struct ota_posix_net *n, const struct ota_net_request *req)
{
    return n->needs_cert && !n->cert_file && !req->other_origin && has_scheme(req->url, "https://");
}

static ota_err net_begin(struct ota_net *net, const struct ota_net_request *req)
{
    struct ota_posix_net *n = self(net);
    ota_err err = OTA_USAGE_ARGUMENT;

    if (n->open)
        return OTA_USAGE_STATE;
    if (!req->url)
        return OTA_USAGE_ARGUMENT;
    if (lacks_certificate(n, req))
        return OTA_RETRY_CERTIFICATE;
    reset(n);
    if (has_scheme(req->url, "file:"))
        err = otap_file_begin(n, req);
    else if (has_scheme(req->url, "http://") || has_scheme(req->url, "https://"))
        err = otap_curl_begin(n, req);
    n->open = err == OTA_OK;
    return err;
}

static ota_err net_head(struct ota_net *net, struct ota_net_head *h, int32_t *port_code)
{
    struct ota_posix_net *n = self(net);
    ota_err err;

    if (!n->open)
        return OTA_USAGE_STATE;
    err = n->is_file ? OTA_OK : otap_curl_head(n, port_code);
    if (err == OTA_OK)
        *h = n->answer;
    return err;
}

static ota_err net_read(struct ota_net *net, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    struct ota_posix_net *n = self(net);

    *got = 0;
    if (!n->open)
        return OTA_USAGE_STATE;
    if (n->is_file)
        return otap_file_read(n, buf, len, got, port_code);
    return otap_curl_read(n, buf, len, got, port_code);
}

static void net_end(struct ota_net *net)
{
    struct ota_posix_net *n = self(net);

    if (!n->open)
        return;
    if (n->is_file)
        otap_file_end(n);
    else
        otap_curl_end(n);
    n->open = false;
}

static void net_wait(struct ota_net *net, uint32_t ms)
{
    struct ota_posix_net *n = self(net);
    bool has_news = n->open && (n->is_file || n->done || n->paused || n->at < n->fill);

    if (!has_news)
        otap_curl_wait(n, ms);
}

/* No `ready`: whether there is a way to the server is known only by trying, and loopback needs no network. */
static const struct ota_net_ops ops = { NULL, net_begin, net_head, net_read, net_end, net_wait };

static bool readable(const char *path)
{
    return !path || access(path, R_OK) == 0;
}

ota_err otap_net_check(const struct ota_posix_net_config *cfg, struct ota_fault *fault)
{
    const struct {
        const char *path, *where;
    } files[] = { { cfg->ca_file, "net.ca_file" }, { cfg->ca_dir, "net.ca_dir" },
                  { cfg->cert_file, "net.cert_file" }, { cfg->key_file, "net.key_file" } };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (!readable(files[i].path))
            return ota_fault_set(fault, OTA_USAGE_CONFIG, files[i].where, errno);
    if (!cfg->cert_file != !cfg->key_file)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, cfg->cert_file ? "net.key_file" : "net.cert_file", 0);
    return OTA_OK;
}

static ota_err take_buffer(struct ota_posix_net *n, const struct ota_posix_net_config *cfg, struct ota_fault *fault)
{
    if (cfg->buffer && cfg->buffer_len < OTA_POSIX_NET_BUFFER_MIN)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "net.buffer", 0);
    n->own_buffer = !cfg->buffer;
    n->buffer = cfg->buffer ? cfg->buffer : malloc(OTA_POSIX_NET_BUFFER);
    n->buffer_len = cfg->buffer ? cfg->buffer_len : OTA_POSIX_NET_BUFFER;
    return n->buffer ? OTA_OK : ota_fault_set(fault, OTA_RETRY_NETWORK, "net.buffer", ENOMEM);
}

static void give_buffer(struct ota_posix_net *n)
{
    if (n->own_buffer)
        free(n->buffer);
    n->buffer = NULL;
    n->own_buffer = false;
}

ota_err ota_posix_net_open(struct ota_posix_net *n, const struct ota_posix_net_config *cfg, struct ota_fault *fault)
{
    ota_err err;

    if (!n)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "net", 0);
    memset(n, 0, sizeof *n);
    n->port.ops = &ops;
    n->file_fd = -1;
    if (!cfg)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "net", 0);
    err = otap_net_check(cfg, fault);
    if (err != OTA_OK)
        return err;
    err = take_buffer(n, cfg, fault);
    if (err != OTA_OK)
        return err;
    err = otap_curl_open(n, cfg);
    if (err == OTA_OK)
        return OTA_OK;
    give_buffer(n);
    return ota_fault_set(fault, err, "net.curl", n->result);
}

ota_err ota_posix_net_certificate(struct ota_posix_net *n, const char *file, struct ota_fault *fault)
{
    if (n->open)
        return ota_fault_set(fault, OTA_USAGE_STATE, "net.certificate", 0);
    n->cert_file = n->key_file = NULL;
    n->fresh = true;
    if (!readable(file))
        return ota_fault_set(fault, OTA_USAGE_CONFIG, "net.certificate", errno);
    n->cert_file = n->key_file = file;
    return OTA_OK;
}

void ota_posix_net_close(struct ota_posix_net *n)
{
    net_end(&n->port);
    otap_curl_close(n);
    give_buffer(n);
}
