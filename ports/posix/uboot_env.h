/* SPDX-License-Identifier: Apache-2.0 */
/* U-Boot's environment through libubootenv: read, and change several variables in one store. */
#ifndef OTAP_UBOOT_ENV_H
#define OTAP_UBOOT_ENV_H

#include "loader.h"

struct uboot_ctx;

struct otap_uboot_var {
    const char *name;
    const char *value;
};

/* Open and check the environment that fw_env.config describes: it has to have two copies. 0 or an errno, blamed. */
int otap_uboot_open(struct ota_posix_loader *l, const char *fw_env_config, struct uboot_ctx **env);
void otap_uboot_close(struct uboot_ctx *env);

/* A copy of a variable. ENODATA, ERANGE (longer than cap) */
int otap_uboot_get(struct ota_posix_loader *l, struct uboot_ctx *env, const char *name, char *out, size_t cap);
int otap_uboot_number(struct ota_posix_loader *l, struct uboot_ctx *env, const char *name, int base, unsigned max, unsigned *out);

/* Change all of them: one store into the older copy, and see that the medium has it. */
int otap_uboot_store(struct ota_posix_loader *l, const char *fw_env_config, struct uboot_ctx *env, const struct otap_uboot_var *var,
                     size_t count);

#endif
