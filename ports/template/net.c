/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

static struct my_net *self(struct ota_net *net)
{
    return (struct my_net *)net;
}

static ota_err ready(struct ota_net *net)
{
    (void)net;
    return OTA_RETRY_NETWORK; /* TODO: OTA_OK once there is an address; must not block */
}

static ota_err begin(struct ota_net *net, const struct ota_net_request *req)
{
    (void)req;
    ota_net_head_reset(&self(net)->head);
    return OTA_RETRY_NETWORK; /* TODO: connect and queue the request; always verify the server's chain AND name; set open */
}

static ota_err head(struct ota_net *net, struct ota_net_head *h, int32_t *port_code)
{
    *h = self(net)->head;
    *port_code = MY_NOT_WRITTEN;
    return OTA_RETRY_NETWORK; /* TODO: give every header line to ota_net_head_line(); OTA_AGAIN until the empty one */
}

static ota_err read(struct ota_net *net, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    (void)net;
    (void)buf;
    (void)len;
    *got = 0;
    *port_code = MY_NOT_WRITTEN;
    return OTA_RETRY_NETWORK; /* TODO: body bytes; OTA_DONE at its proper end, OTA_RETRY_TRUNCATED before */
}

static void end(struct ota_net *net)
{
    self(net)->open = false; /* TODO: close, or keep the connection if the body was read to its end */
}

static void wait(struct ota_net *net, uint32_t ms)
{
    (void)net;
    (void)ms; /* TODO: sleep until the socket has news or the time is over */
}

static const struct ota_net_ops ops = { ready, begin, head, read, end, wait };

void my_net_init(struct my_net *n)
{
    *n = (struct my_net){ .port = { &ops } };
}
