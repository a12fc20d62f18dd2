/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of a porter: store, slot and boot control on one small flash. Each fault that a porter might make can be built in. */
#ifndef MY_PORTS_H
#define MY_PORTS_H

#include <ota-test/ota_cuts.h>

enum mistake {
    MISTAKE_NONE,
    STORE_IN_PLACE,      /* a record has one place, and is overwritten there */
    STORE_NO_CHECK,      /* the newer copy counts, whole or not */
    STORE_NO_SYNC,       /* says that it is durable before it is */
    SLOT_NO_SYNC,        /* the same for an image */
    BOOT_IN_PLACE,       /* one copy of the boot record */
    BOOT_NO_TRIES,       /* a start takes no try */
    MAP_OVERLAPS,        /* the slot begins inside the records: each port alone is right */
    MISTAKES
};

#define MY_FLASH_LEN 131072u
#define MY_ERASE 2048u
#define MY_WRITE 8u
#define MY_COPY 4096u         /* one of the two copies of a record */

/* All that the ports know while the device runs, their buffers too: none is static, for the simulation has many devices. */
struct my_device {
    struct ota_cut_rig rig;   /* first */
    enum mistake mistake;
    uint8_t copy[MY_COPY], other[MY_COPY], record[MY_COPY];
    struct { struct ota_store port; struct my_device *dev; } store;
    struct { struct ota_slot port; struct my_device *dev; } slot;
    struct { struct ota_boot port; struct my_device *dev; } boot;
};

void my_device_open(struct my_device *d, struct ota_cut_flash *flash);

#endif
