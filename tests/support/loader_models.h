/* SPDX-License-Identifier: Apache-2.0 */
/* Boot loaders as a device sees them: what a start does to their variables, and which slot it runs. Written from the loaders'
 * own scripts and manuals, with their own readers and writers, so that they do not share the ports' mistakes. */
#ifndef TEST_LOADER_MODELS_H
#define TEST_LOADER_MODELS_H

#include <stdbool.h>
#include <stddef.h>

enum model_kind { MODEL_GRUB, MODEL_UBOOT, MODEL_UBOOT_COUNT, MODEL_BLS, MODEL_EFI, MODEL_CUSTOM };

/** A device with two slots, A confirmed and running, in a directory of its own. */
struct model {
    enum model_kind kind;
    unsigned attempts;          /* GRUB: starts that the script gives */
    char dir[128];
    char path[192];             /* grubenv, fw_env.config, entries, efivars, program */
    char cmdline[192];          /* the kernel's command line; "" = the model gives none */
};

/** Make it in the directory `dir`, which must be empty. Fails the test when it cannot. */
void model_make(struct model *m, enum model_kind kind, unsigned attempts, const char *dir);

/** A start. @return the slot's letter, 'A' or 'B'; 0: nothing can be started */
char model_start(struct model *m);

/** Remove everything in the directory, not the directory. */
void model_remove(struct model *m);

/** One variable of the U-Boot models. value NULL: remove it. Stored as U-Boot does, over the older copy. */
void model_uboot_set(struct model *m, const char *name, const char *value);
bool model_uboot_get(struct model *m, const char *name, char *out, size_t cap);

#endif
