/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's ast1030-evb: Cortex-M4, two serial ports, a watchdog, SPI NOR. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ota/mcu.h"

void board_init(void);             /* clock, console, line */
uint64_t board_ms(void);
void board_idle(void);             /* until the next interrupt */
_Noreturn void board_restart(void);
void board_watchdog(uint32_t ms);  /* begin, or begin again; without another call in time the board restarts */
void board_watchdog_off(void);
_Noreturn void board_jump(uint32_t vectors);

/* Bytes of stack that were used since the start, at most; and what there is. */
uint32_t board_stack_used(void);
uint32_t board_stack_len(void);

/* The console. */
void say(const char *text);
void say_number(uint64_t v);
void say_hex(uint32_t v);

extern struct ota_mcu_flash board_nor;   /* nor.c */
void board_wear_out(uint32_t from, uint32_t to); /* for tests: cells of [from, to) keep what they hold, and the chip does not say so */
extern struct ota_mcu_pipe board_line;   /* line.c */
struct ota_crypto *board_crypto(void);   /* crypto.c: NULL when it does not start */
void board_seed(const uint8_t *seed, size_t len);
size_t board_crypto_peak(void);          /* how far its own pool was ever used, in bytes */

#endif
