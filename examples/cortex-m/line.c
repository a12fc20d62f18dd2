/* SPDX-License-Identifier: Apache-2.0 */
/* The byte pipe: the second serial port, polled. The relay speaks only when it was asked, so nothing is lost meanwhile. */
#include "board.h"
#include "uart.h"

#define PATIENCE 3000 /* looks at the port: the bytes of a frame come close behind each other */

static size_t line_read(struct ota_mcu_pipe *p, void *buf, size_t cap)
{
    uint8_t *to = buf;
    size_t got = 0;

    (void)p;
    for (int left = PATIENCE; got < cap && left > 0; left--) {
        if (uart_get(UART_LINE, &to[got])) {
            got++;
            left = PATIENCE;
        } else if (got == 0) {
            break;
        }
    }
    return got;
}

static void line_write(struct ota_mcu_pipe *p, const void *buf, size_t len)
{
    const uint8_t *from = buf;

    (void)p;
    for (size_t i = 0; i < len; i++)
        uart_put(UART_LINE, from[i]);
}

static const struct ota_mcu_pipe_ops ops = { line_read, line_write };

struct ota_mcu_pipe board_line = { &ops };
