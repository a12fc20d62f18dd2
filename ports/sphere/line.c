/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to other processors: a UART, or the socket to an application on a real-time core. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <applibs/application.h>
#include <applibs/uart.h>

#include "ota/sphere.h"

#define WRITE_WAIT_MS 1000 /* for room; what does not go out by then is lost, as on any line */

static struct ota_sphere_line *self(struct ota_mcu_pipe *p)
{
    return (struct ota_sphere_line *)p;
}

/* A message of the socket comes whole or is cut, so it is taken whole. */
static bool fill(struct ota_sphere_line *l)
{
    ssize_t n;

    do
        n = read(l->fd, l->in, sizeof l->in);
    while (n < 0 && errno == EINTR);
    l->at = 0;
    l->len = n > 0 ? (size_t)n : 0;
    l->gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    return l->len > 0;
}

static size_t line_read(struct ota_mcu_pipe *p, void *buf, size_t cap)
{
    struct ota_sphere_line *l = self(p);

    if (l->at == l->len && !fill(l))
        return 0;
    size_t n = l->len - l->at < cap ? l->len - l->at : cap;
    memcpy(buf, l->in + l->at, n);
    l->at += n;
    return n;
}

static void line_write(struct ota_mcu_pipe *p, const void *buf, size_t len)
{
    struct ota_sphere_line *l = self(p);
    const uint8_t *from = buf;

    while (len > 0) {
        struct pollfd room = { .fd = l->fd, .events = POLLOUT };
        ssize_t n = write(l->fd, from, len);

        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            l->gone = true;
            return;
        }
        if (n < 0 && errno == EAGAIN && poll(&room, 1, WRITE_WAIT_MS) <= 0)
            return;
        from += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static const struct ota_mcu_pipe_ops ops = { line_read, line_write };

ota_err ota_sphere_uart_open(struct ota_sphere_line *l, int uart, uint32_t baud, struct ota_fault *fault)
{
    UART_Config cfg;

    UART_InitConfig(&cfg);
    cfg.baudRate = baud;
    cfg.flowControl = UART_FlowControl_RTSCTS;
    *l = (struct ota_sphere_line){ .port = { &ops }, .fd = UART_Open(uart, &cfg) };
    return l->fd >= 0 ? OTA_OK : ota_fault_set(fault, OTA_DEVICE_SLOT, "UART_Open", errno);
}

ota_err ota_sphere_core_open(struct ota_sphere_line *l, const char *component, struct ota_fault *fault)
{
    *l = (struct ota_sphere_line){ .port = { &ops }, .fd = Application_Connect(component) };
    if (l->fd >= 0 && fcntl(l->fd, F_SETFL, O_NONBLOCK) != 0) {
        int number = errno;
        ota_sphere_line_close(l);
        errno = number;
    }
    return l->fd >= 0 ? OTA_OK : ota_fault_set(fault, OTA_DEVICE_SLOT, "Application_Connect", errno);
}

void ota_sphere_line_close(struct ota_sphere_line *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
}
