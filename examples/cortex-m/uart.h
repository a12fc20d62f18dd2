/* SPDX-License-Identifier: Apache-2.0 */
/* A 16550 with a register every four bytes. */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stdint.h>

#define UART_CONSOLE 0x7e784000u   /* UART5: QEMU's first -serial */
#define UART_LINE 0x7e783000u      /* UART1: its second */

static inline volatile uint32_t *uart_reg(uint32_t base, uint32_t n)
{
    return (volatile uint32_t *)(base + 4u * n);
}

static inline void uart_open(uint32_t base)
{
    *uart_reg(base, 3) = 3;    /* 8 bits, no parity */
    *uart_reg(base, 1) = 0;    /* no interrupts: it is polled */
    *uart_reg(base, 2) = 0xc7; /* FIFOs on and empty; the receiver's takes 14 bytes before it asks the sender to wait */
}

static inline void uart_put(uint32_t base, uint8_t byte)
{
    while ((*uart_reg(base, 5) & 0x20u) == 0) { }
    *uart_reg(base, 0) = byte;
}

static inline bool uart_get(uint32_t base, uint8_t *byte)
{
    if ((*uart_reg(base, 5) & 1u) == 0)
        return false;
    *byte = (uint8_t)*uart_reg(base, 0);
    return true;
}

#endif
