/* SPDX-License-Identifier: Apache-2.0 */
/* Load an executable image from a slot into memory and run it from there, as a boot loader does: the slot itself stays
 * free to be read, and what runs cannot change under it. */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

/** @return a descriptor of the loaded image; -1 with errno */
int image_load(const char *slot_path);

/** Replace this process by the image. @return -1 with errno, only when that failed */
int image_exec(int image, char **argv);

#endif
