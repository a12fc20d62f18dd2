/* SPDX-License-Identifier: Apache-2.0 */
/* U-Boot's own boot counter: while upgrade_available is 1 every start adds one to bootcount, and above bootlimit altbootcmd
 * runs, which puts the other slot into the partition variable and upgrade_available to 0. All of them are decimal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"
#include "uboot_env.h"

#define NUMBER_TEXT 4
#define COUNT_MAX 999u

struct state {
    struct uboot_ctx *env;
    uint8_t slot;                        /* what the partition variable names */
    unsigned available, count, limit;
};

static struct ota_posix_boot_uboot_count *self(struct ota_posix_loader *l)
{
    return (struct ota_posix_boot_uboot_count *)l;
}

static int load_slot(struct ota_posix_loader *l, struct state *s)
{
    char text[32];
    int number = otap_uboot_get(l, s->env, self(l)->variable, text, sizeof text);

    if (number != 0)
        return number;
    s->slot = otap_slot_named(l, text, strlen(text));
    return s->slot != OTA_SLOT_NONE ? 0 : otap_blame(l, self(l)->variable, ERANGE);
}

/* On 0 the environment is open. A device that never had an update may lack the counter and its limit: 0. */
static int load(struct ota_posix_loader *l, struct state *s)
{
    int number = otap_uboot_open(l, self(l)->fw_env_config, &s->env);

    if (number != 0)
        return number;
    s->count = s->limit = 0;
    number = load_slot(l, s);
    if (number == 0)
        number = otap_uboot_number(l, s->env, "upgrade_available", 10, 1, &s->available);
    if (number == 0 && s->available)
        number = otap_uboot_number(l, s->env, "bootcount", 10, COUNT_MAX, &s->count);
    if (number == 0 && s->available)
        number = otap_uboot_number(l, s->env, "bootlimit", 10, COUNT_MAX, &s->limit);
    if (number != 0)
        otap_uboot_close(s->env);
    return number;
}

static int count_read(struct ota_posix_loader *l, struct otap_loader_view *out)
{
    struct state s;
    int number = load(l, &s);

    if (number != 0)
        return number;
    otap_uboot_close(s.env);
    if (s.available) {
        out->armed = s.slot;
        out->tries = (uint8_t)(s.count >= s.limit ? 0 : s.limit - s.count > 255 ? 255 : s.limit - s.count);
        out->tries_of[s.slot] = out->tries;
    }
    return 0;
}

/* limit 0: leave it as it is. */
static int set(struct ota_posix_loader *l, uint8_t slot, const char *available, unsigned limit)
{
    char text[NUMBER_TEXT];
    const struct otap_uboot_var var[] = { { self(l)->variable, l->cfg.name[slot] }, { "upgrade_available", available },
                                          { "bootcount", "0" }, { "bootlimit", text } };
    struct state s;
    int number = load(l, &s);

    if (number != 0)
        return number;
    (void)snprintf(text, sizeof text, "%u", limit);
    number = otap_uboot_store(l, self(l)->fw_env_config, s.env, var, limit > 0 ? 4 : 3);
    otap_uboot_close(s.env);
    return number;
}

static int count_arm(struct ota_posix_loader *l, uint8_t slot, uint8_t tries)
{
    return set(l, slot, "1", tries);
}

static int count_keep(struct ota_posix_loader *l, uint8_t slot)
{
    return set(l, slot, "0", 0);
}

static int count_drop(struct ota_posix_loader *l, uint8_t slot)
{
    return set(l, (uint8_t)(1 - slot), "0", 0);
}

static const struct otap_loader_ops counting = { count_read, count_arm, count_keep, count_drop, NULL };

ota_err ota_posix_boot_uboot_count_open(struct ota_posix_boot_uboot_count *b, const struct ota_posix_boot_uboot_count_config *cfg,
                                        struct ota_fault *fault)
{
    if (!b || !cfg || !cfg->fw_env_config || !cfg->variable)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, cfg && cfg->fw_env_config ? "boot.variable" : "boot.fw_env_config", 0);
    *b = (struct ota_posix_boot_uboot_count){ .fw_env_config = cfg->fw_env_config, .variable = cfg->variable };
    b->base.tries_max = 15;
    return otap_loader_open(&b->base, &counting, &cfg->loader, fault);
}
