/* SPDX-License-Identifier: Apache-2.0 */
/* The boot stage: choose a slot by the boot record, count the try, see that its image is whole, run it. Whatever the flash
 * holds, one of the slots is started as long as one holds a whole image. */
#include <string.h>

#include "board.h"
#include "image.h"
#include "map.h"

#define SLOTS 2u
#define STORE_TRIES 3
#define WATCHDOG_MS 8000u

static const struct ota_mcu_area record_area = { &board_nor, BOOT_OFF, BOOT_LEN };
static const struct ota_mcu_area slots[SLOTS] = { { &board_nor, SLOT_A_OFF, SLOT_LEN }, { &board_nor, SLOT_B_OFF, SLOT_LEN } };

static void say_slot(uint8_t slot, const char *what)
{
    say(slot == 0 ? "boot: slot a " : "boot: slot b ");
    say(what);
    say("\r\n");
}

static bool is_whole(uint8_t slot, struct ota_crypto *crypto, struct image *image)
{
    const char *why = image_check(&slots[slot], crypto, image);

    if (why)
        say_slot(slot, why);
    return !why;
}

static void store(struct ota_boot_record *r)
{
    int32_t code = 0;

    for (int i = 0; i < STORE_TRIES; i++) {
        if (ota_mcu_boot_store(&record_area, r, &code) == OTA_OK)
            return;
        say("boot: record cannot be stored: ");
        say_hex((uint32_t)code);
        say("\r\n");
    }
    /* An uncounted try would let a bad image run for ever. */
    memcpy(r->running, r->confirmed, sizeof r->running);
}

/* The record is lost. Of two whole images the older one ran and was confirmed some day; the newer one may never have. */
static bool start_over(struct ota_boot_record *r, struct ota_crypto *crypto)
{
    struct image image[SLOTS];
    bool whole[SLOTS];
    uint8_t slot;

    for (uint8_t i = 0; i < SLOTS; i++)
        whole[i] = is_whole(i, crypto, &image[i]);
    if (!whole[0] && !whole[1])
        return false;
    slot = whole[0] && (!whole[1] || image[0].number <= image[1].number) ? 0 : 1;
    ota_boot_record_init(r, &slot, 1);
    store(r);
    say_slot(slot, "is taken");
    return true;
}

static uint8_t choose(struct ota_boot_record *r)
{
    bool changed = false;
    enum ota_boot_start start = ota_boot_record_start(r, &changed);

    if (changed)
        store(r);
    if (start == OTA_BOOT_START_FELL_BACK)
        say("boot: the trial is over, back to the confirmed slot\r\n");
    return r->running[0];
}

/* The slot to run: on trial, the confirmed one once the trial's tries are used up by a damaged image, or what is left. */
static bool find_slot(struct ota_boot_record *r, struct ota_crypto *crypto, uint8_t *slot, struct image *image)
{
    do {
        *slot = choose(r);
        if (*slot < SLOTS && is_whole(*slot, crypto, image))
            return true;
    } while (r->state != OTA_BOOT_TRIAL_NONE);
    if (!start_over(r, crypto))
        return false;
    *slot = r->running[0];
    return is_whole(*slot, crypto, image);
}

static void run(const struct ota_boot_record *r, uint8_t slot, const struct image *image)
{
    bool trial = r->state == OTA_BOOT_TRIAL_STARTED && r->running[0] == r->trial[0];

    say(trial ? "boot: trial of version " : "boot: version ");
    say(image->version);
    say(slot == 0 ? " in slot a\r\n" : " in slot b\r\n");
    (void)board_nor.ops->read(&board_nor, slots[slot].off + IMAGE_HEAD, (void *)(uintptr_t)IMAGE_AT, image->len);
    board_watchdog(WATCHDOG_MS);
    board_jump(IMAGE_AT);
}

int main(void)
{
    struct ota_boot_record record;
    struct image image;
    int32_t code = 0;
    uint8_t slot = 0;

    board_watchdog_off();
    board_init();
    struct ota_crypto *crypto = board_crypto();
    if (ota_mcu_boot_load(&record_area, &record, &code) != OTA_OK) {
        say(code == OTA_MCU_NO_RECORD ? "boot: no copy of the boot record is valid\r\n" : "boot: flash cannot be read\r\n");
        memset(&record, 0, sizeof record);
        if (start_over(&record, crypto) && is_whole(record.running[0], crypto, &image))
            run(&record, record.running[0], &image);
    } else if (find_slot(&record, crypto, &slot, &image)) {
        run(&record, slot, &image);
    }
    say("boot: no slot holds a whole image\r\n");
    for (;;)
        board_idle();
}
