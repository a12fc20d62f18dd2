/* SPDX-License-Identifier: Apache-2.0 */
/* Flash that is worn out, for tests: a driver over the driver. */
#include "board.h"

static const struct ota_mcu_flash_ops *chip;
static uint32_t worn_from, worn_to;

static bool is_worn(uint32_t off)
{
    return off >= worn_from && off < worn_to;
}

static void geometry(struct ota_mcu_flash *f, struct ota_mcu_geometry *out)
{
    chip->geometry(f, out);
}

static int32_t worn_read(struct ota_mcu_flash *f, uint32_t off, void *buf, uint32_t len)
{
    return chip->read(f, off, buf, len);
}

static int32_t worn_program(struct ota_mcu_flash *f, uint32_t off, const void *buf, uint32_t len)
{
    return is_worn(off) ? 0 : chip->program(f, off, buf, len);
}

static int32_t worn_erase(struct ota_mcu_flash *f, uint32_t off, uint32_t len)
{
    return is_worn(off) ? 0 : chip->erase(f, off, len);
}

static int32_t worn_sync(struct ota_mcu_flash *f)
{
    return chip->sync(f);
}

void board_wear_out(uint32_t from, uint32_t to)
{
    static const struct ota_mcu_flash_ops worn = { geometry, worn_read, worn_program, worn_erase, worn_sync };

    if (from >= to)
        return;
    worn_from = from;
    worn_to = to;
    chip = board_nor.ops;
    board_nor.ops = &worn;
}
