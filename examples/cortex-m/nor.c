/* SPDX-License-Identifier: Apache-2.0 */
/* The flash driver: SPI NOR behind the board's firmware memory controller, in user mode, where each byte that is read from or
 * written to the window is a byte on the bus. */
#include "board.h"
#include "map.h"

#define FMC 0x7e620000u
#define WINDOW 0x80000000u
#define CONFIG (*(volatile uint32_t *)(FMC + 0x00u))
#define CONFIG_WRITE (1u << 16)
#define CONTROL (*(volatile uint32_t *)(FMC + 0x10u))
#define CONTROL_USER 3u
#define CONTROL_DESELECT 4u
#define BUS (*(volatile uint8_t *)WINDOW)

#define READ 0x03u
#define PROGRAM 0x02u
#define ERASE_4K 0x20u
#define WRITE_ENABLE 0x06u
#define STATUS 0x05u
#define STATUS_BUSY 1u
#define BUSY_MS 1000u
#define CODE_BUSY 1 /* the chip did not get ready */

static void select_chip(void)
{
    CONFIG |= CONFIG_WRITE;
    CONTROL = (CONTROL & ~7u) | CONTROL_USER;
}

static void deselect_chip(void)
{
    CONTROL = CONTROL | CONTROL_USER | CONTROL_DESELECT;
}

static void command(uint8_t code)
{
    select_chip();
    BUS = code;
}

static void command_at(uint8_t code, uint32_t off)
{
    command(code);
    BUS = (uint8_t)(off >> 16);
    BUS = (uint8_t)(off >> 8);
    BUS = (uint8_t)off;
}

static void enable_write(void)
{
    command(WRITE_ENABLE);
    deselect_chip();
}

static int32_t wait_ready(void)
{
    uint64_t until = board_ms() + BUSY_MS;
    uint8_t status;

    do {
        command(STATUS);
        status = BUS;
        deselect_chip();
        if ((status & STATUS_BUSY) == 0)
            return 0;
    } while (board_ms() < until);
    return CODE_BUSY;
}

static void geometry(struct ota_mcu_flash *f, struct ota_mcu_geometry *out)
{
    (void)f;
    *out = (struct ota_mcu_geometry){ NOR_SIZE, 1, NOR_ERASE };
}

static int32_t nor_read(struct ota_mcu_flash *f, uint32_t off, void *buf, uint32_t len)
{
    uint8_t *to = buf;

    (void)f;
    command_at(READ, off);
    for (uint32_t i = 0; i < len; i++)
        to[i] = BUS;
    deselect_chip();
    return 0;
}

static int32_t program_page(uint32_t off, const uint8_t *from, uint32_t len)
{
    enable_write();
    command_at(PROGRAM, off);
    for (uint32_t i = 0; i < len; i++)
        BUS = from[i];
    deselect_chip();
    return wait_ready();
}

static int32_t nor_program(struct ota_mcu_flash *f, uint32_t off, const void *buf, uint32_t len)
{
    const uint8_t *from = buf;
    int32_t code = 0;

    (void)f;
    while (len > 0 && code == 0) {
        uint32_t n = NOR_PAGE - off % NOR_PAGE;

        n = n < len ? n : len;
        code = program_page(off, from, n);
        off += n;
        from += n;
        len -= n;
    }
    return code;
}

static int32_t nor_erase(struct ota_mcu_flash *f, uint32_t off, uint32_t len)
{
    int32_t code = 0;

    (void)f;
    for (uint32_t at = 0; at < len && code == 0; at += NOR_ERASE) {
        enable_write();
        command_at(ERASE_4K, off + at);
        deselect_chip();
        code = wait_ready();
    }
    return code;
}

/* Each operation waits for the chip. */
static int32_t nor_sync(struct ota_mcu_flash *f)
{
    (void)f;
    return 0;
}

static const struct ota_mcu_flash_ops ops = { geometry, nor_read, nor_program, nor_erase, nor_sync };

struct ota_mcu_flash board_nor = { &ops };
