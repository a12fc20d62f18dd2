/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl as ports/posix uses it, with the platform's word on the network and the device's certificate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <applibs/application.h>
#include <applibs/networking.h>
#include <applibs/storage.h>
#include <tlsutils/deviceauth_curl.h>

#include "ota/sphere.h"

static struct ota_net *inner(struct ota_net *net)
{
    return &((struct ota_sphere_net *)net)->posix.port;
}

static ota_err net_ready(struct ota_net *net)
{
    bool ready = false;

    (void)net;
    return Networking_IsNetworkingReady(&ready) == 0 && ready ? OTA_OK : OTA_RETRY_NETWORK;
}

/* With a certificate that the platform has not got yet the server would refuse us. */
static ota_err net_ready_to_prove(struct ota_net *net)
{
    bool ready = false;
    ota_err err = net_ready(net);

    if (err != OTA_OK)
        return err;
    return Application_IsDeviceAuthReady(&ready) == 0 && ready ? OTA_OK : OTA_RETRY_NETWORK;
}

static ota_err net_begin(struct ota_net *net, const struct ota_net_request *req)
{
    return inner(net)->ops->begin(inner(net), req);
}

static ota_err net_head(struct ota_net *net, struct ota_net_head *h, int32_t *port_code)
{
    return inner(net)->ops->head(inner(net), h, port_code);
}

static ota_err net_read(struct ota_net *net, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    return inner(net)->ops->read(inner(net), buf, len, got, port_code);
}

static void net_end(struct ota_net *net)
{
    inner(net)->ops->end(inner(net));
}

static void net_wait(struct ota_net *net, uint32_t ms)
{
    inner(net)->ops->wait(inner(net), ms);
}

static const struct ota_net_ops ops = { net_ready, net_begin, net_head, net_read, net_end, net_wait };
static const struct ota_net_ops ops_with_auth = { net_ready_to_prove, net_begin, net_head, net_read, net_end, net_wait };

static int show_certificate(void *curl, void *tls)
{
    return DeviceAuth_CurlSslFunc(curl, tls, NULL) == CURLE_OK ? 0 : -1;
}

ota_err ota_sphere_net_open(struct ota_sphere_net *n, const struct ota_sphere_net_config *cfg, struct ota_fault *fault)
{
    struct ota_posix_net_config inside = { .tls_context = cfg->device_auth ? show_certificate : NULL };

    memset(n, 0, sizeof *n);
    n->port.ops = cfg->device_auth ? &ops_with_auth : &ops;
    if (cfg->ca_file) {
        n->ca_file = Storage_GetAbsolutePathInImagePackage(cfg->ca_file);
        if (!n->ca_file)
            return ota_fault_set(fault, OTA_DEVICE_STORE, "net.ca_file", errno);
    }
    inside.ca_file = n->ca_file;
    inside.buffer = n->buffer;
    inside.buffer_len = sizeof n->buffer;
    ota_err err = ota_posix_net_open(&n->posix, &inside, fault);
    if (err != OTA_OK) {
        free(n->ca_file);
        n->ca_file = NULL;
    }
    return err;
}

void ota_sphere_net_close(struct ota_sphere_net *n)
{
    ota_posix_net_close(&n->posix);
    free(n->ca_file);
    n->ca_file = NULL;
}
