/* SPDX-License-Identifier: Apache-2.0 */
/* The board's 4 MiB of NOR, and the RAM that an image runs in. device.py knows the same numbers. */
#ifndef MAP_H
#define MAP_H

#define NOR_SIZE 0x400000u
#define NOR_ERASE 0x1000u
#define NOR_PAGE 0x100u

#define BOOT_OFF 0x000000u        /* boot record */
#define BOOT_LEN 0x004000u
#define FACTORY_OFF 0x008000u     /* written once, at the factory: texts, then the root metadata */
#define FACTORY_TEXT 0x001000u
#define FACTORY_ROOT 0x004000u
#define STORE_OFF 0x010000u
#define STORE_LEN 0x040000u
#define SLOT_A_OFF 0x100000u
#define SLOT_B_OFF 0x200000u
#define SLOT_LEN 0x040000u

#define IMAGE_AT 0x00020000u      /* where the boot stage copies an image's body to */
#define IMAGE_RAM_LEN 0x00040000u

#endif
