/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <string.h>

#include "uart.h"

#define SYSCLK_KHZ 200000u
#define STACK_PAINT 0xa5a5a5a5u
#define SYST_CSR (*(volatile uint32_t *)0xe000e010u)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014u)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018u)
#define SCB_VTOR (*(volatile uint32_t *)0xe000ed08u)
#define SCB_AIRCR (*(volatile uint32_t *)0xe000ed0cu)
#define AIRCR_RESET 0x05fa0004u
#define WDT(n) (*(volatile uint32_t *)(0x7e785000u + (n)))
#define WDT_RELOAD 0x04u
#define WDT_RESTART 0x08u
#define WDT_CONTROL 0x0cu
#define WDT_MAGIC 0x4755u
#define WDT_ON 0x13u   /* enabled, resets the system, counts microseconds */

/* From the linker script. */
extern uint32_t data_load[], data_begin[], data_end[], bss_begin[], bss_end[], stack_begin[], stack_end[];

int main(void);

static volatile uint64_t ticks;

static void on_tick(void)
{
    ticks++;
}

/* A fault in the program restarts the board: on trial, that takes a try. */
static void on_fault(void)
{
    say("board: fault\r\n");
    board_restart();
}

static void on_reset(void)
{
    volatile uint32_t *top = (volatile uint32_t *)((uintptr_t)__builtin_frame_address(0) - 64u);

    memcpy(data_begin, data_load, (size_t)((uint8_t *)data_end - (uint8_t *)data_begin));
    memset(bss_begin, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_begin));
    for (volatile uint32_t *p = stack_begin; p < top; p++)
        *p = STACK_PAINT;
    (void)main();
    board_restart();
}

union vector {
    uint32_t *stack;
    void (*handler)(void);
};

#define HANDLER(f) { .handler = (f) }

__attribute__((section(".vectors"), used)) const union vector board_vectors[16] = {
    { .stack = stack_end }, HANDLER(on_reset), HANDLER(on_fault), HANDLER(on_fault), HANDLER(on_fault), HANDLER(on_fault),
    HANDLER(on_fault), { NULL }, { NULL }, { NULL }, { NULL }, HANDLER(on_fault), HANDLER(on_fault), { NULL }, HANDLER(on_fault),
    HANDLER(on_tick),
};

void board_init(void)
{
    uart_open(UART_CONSOLE);
    uart_open(UART_LINE);
    SCB_VTOR = (uint32_t)(uintptr_t)board_vectors;
    SYST_RVR = SYSCLK_KHZ - 1u;
    SYST_CVR = 0;
    SYST_CSR = 7;
    __asm volatile("cpsie i");
}

/* Read twice: the two halves are not read at once. */
uint64_t board_ms(void)
{
    uint64_t a, b;

    do {
        a = ticks;
        b = ticks;
    } while (a != b);
    return a;
}

void board_idle(void)
{
    __asm volatile("wfi");
}

void board_restart(void)
{
    SCB_AIRCR = AIRCR_RESET;
    for (;;) { }
}

void board_watchdog(uint32_t ms)
{
    WDT(WDT_RELOAD) = ms * 1000u;
    WDT(WDT_RESTART) = WDT_MAGIC;
    WDT(WDT_CONTROL) = WDT_ON;
}

void board_watchdog_off(void)
{
    WDT(WDT_CONTROL) = 0;
}

void board_jump(uint32_t vectors)
{
    const uint32_t *v = (const uint32_t *)(uintptr_t)vectors;

    SYST_CSR = 0;
    SCB_VTOR = vectors;
    __asm volatile("msr msp, %0\n bx %1" : : "r"(v[0]), "r"(v[1]));
    __builtin_unreachable();
}

uint32_t board_stack_len(void)
{
    return (uint32_t)((uint8_t *)stack_end - (uint8_t *)stack_begin);
}

uint32_t board_stack_used(void)
{
    const uint32_t *p = stack_begin;

    while (p < stack_end && *p == STACK_PAINT)
        p++;
    return (uint32_t)((uint8_t *)stack_end - (const uint8_t *)p);
}

void say(const char *text)
{
    for (; *text; text++)
        uart_put(UART_CONSOLE, (uint8_t)*text);
}

void say_number(uint64_t v)
{
    char digits[21] = { 0 };
    size_t at = sizeof digits - 1u;

    do {
        digits[--at] = (char)('0' + v % 10u);
        v /= 10u;
    } while (v > 0);
    say(digits + at);
}

void say_hex(uint32_t v)
{
    static const char digit[] = "0123456789abcdef";
    char text[] = "0x00000000";

    for (int i = 0; i < 8; i++)
        text[2 + i] = digit[v >> (28 - 4 * i) & 15u];
    say(text);
}
