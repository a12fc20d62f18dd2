/* SPDX-License-Identifier: Apache-2.0 */
/* U-Boot with RAUC's script: BOOT_ORDER names the slots in the order in which they are tried, BOOT_<slot>_LEFT (hexadecimal)
 * how often. The script takes one at every start, also from a confirmed slot. */
#include <errno.h>
#include <stdio.h>

#include "loader.h"
#include "uboot_env.h"

#define ATTEMPTS 3u
#define LEFT_MAX 0xffu
#define LEFT_TEXT 4

struct state {
    struct uboot_ctx *env;
    char order[OTAP_WORDS_MAX];
    unsigned left[2];
};

static struct ota_posix_boot_uboot *self(struct ota_posix_loader *l)
{
    return (struct ota_posix_boot_uboot *)l;
}

/* On 0 the environment is open. */
static int load(struct ota_posix_loader *l, struct state *s)
{
    int number = otap_uboot_open(l, self(l)->fw_env_config, &s->env);

    if (number != 0)
        return number;
    number = otap_uboot_get(l, s->env, "BOOT_ORDER", s->order, sizeof s->order);
    if (number == 0 && otap_words_first(l, s->order) == OTA_SLOT_NONE)
        number = otap_blame(l, "BOOT_ORDER", ERANGE);
    for (int i = 0; i < 2 && number == 0; i++) {
        const char *name = self(l)->left_name[i];

        number = otap_uboot_number(l, s->env, name, 16, LEFT_MAX, &s->left[i]);
    }
    if (number != 0)
        otap_uboot_close(s->env);
    return number;
}

static int uboot_read(struct ota_posix_loader *l, struct otap_loader_view *out)
{
    struct state s;
    int number = load(l, &s);

    if (number != 0)
        return number;
    otap_uboot_close(s.env);
    out->armed = otap_words_first(l, s.order);
    for (int i = 0; i < 2; i++)
        out->tries_of[i] = (uint8_t)(otap_words_have(s.order, l->cfg.name[i]) ? s.left[i] : 0);
    out->tries = out->tries_of[out->armed];
    return 0;
}

/* One store: this slot in front or out, its counter, and the other one's filled up, for it is what the device falls back to. */
static int change(struct ota_posix_loader *l, struct state *s, uint8_t slot, bool front, unsigned left)
{
    uint8_t other = (uint8_t)(1 - slot);
    unsigned attempts = self(l)->attempts;
    char rest[OTAP_WORDS_MAX], order[OTAP_WORDS_MAX], of_slot[LEFT_TEXT], of_other[LEFT_TEXT];
    const struct otap_uboot_var var[] = { { "BOOT_ORDER", order }, { self(l)->left_name[slot], of_slot },
                                          { self(l)->left_name[other], of_other } };
    int number = otap_words_move(s->order, l->cfg.name[other], true, rest);

    if (number == 0)
        number = otap_words_move(rest, l->cfg.name[slot], front, order);
    if (number != 0)
        return otap_blame(l, "BOOT_ORDER", number);
    (void)snprintf(of_slot, sizeof of_slot, "%x", left);
    (void)snprintf(of_other, sizeof of_other, "%x", s->left[other] < attempts ? attempts : s->left[other]);
    return otap_uboot_store(l, self(l)->fw_env_config, s->env, var, 3);
}

static int set(struct ota_posix_loader *l, uint8_t slot, bool front, unsigned left)
{
    struct state s;
    int number = load(l, &s);

    if (number != 0)
        return number;
    number = change(l, &s, slot, front, left);
    otap_uboot_close(s.env);
    return number;
}

static int uboot_arm(struct ota_posix_loader *l, uint8_t slot, uint8_t tries)
{
    return set(l, slot, true, tries);
}

static int uboot_keep(struct ota_posix_loader *l, uint8_t slot)
{
    return set(l, slot, true, self(l)->attempts);
}

static int uboot_drop(struct ota_posix_loader *l, uint8_t slot)
{
    return set(l, slot, false, 0);
}

static int uboot_refill(struct ota_posix_loader *l, uint8_t slot)
{
    char text[LEFT_TEXT];
    const struct otap_uboot_var var = { self(l)->left_name[slot], text };
    struct state s;
    int number = load(l, &s);

    if (number != 0)
        return number;
    (void)snprintf(text, sizeof text, "%x", (unsigned)self(l)->attempts);
    if (s.left[slot] < self(l)->attempts)
        number = otap_uboot_store(l, self(l)->fw_env_config, s.env, &var, 1);
    otap_uboot_close(s.env);
    return number;
}

static const struct otap_loader_ops uboot = { uboot_read, uboot_arm, uboot_keep, uboot_drop, uboot_refill };

ota_err ota_posix_boot_uboot_open(struct ota_posix_boot_uboot *b, const struct ota_posix_boot_uboot_config *cfg, struct ota_fault *fault)
{
    if (!b || !cfg || !cfg->fw_env_config || cfg->attempts > 15)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, !cfg || !cfg->fw_env_config ? "boot.fw_env_config" : "boot.attempts", 0);
    *b = (struct ota_posix_boot_uboot){ .fw_env_config = cfg->fw_env_config };
    b->attempts = cfg->attempts ? cfg->attempts : ATTEMPTS;
    b->base.tries_max = 15;
    for (size_t i = 0; i < 2; i++) {
        const char *name = cfg->loader.name[i] ? cfg->loader.name[i] : i == 0 ? "A" : "B";

        if (snprintf(b->left_name[i], sizeof b->left_name[i], "BOOT_%s_LEFT", name) >= (int)sizeof b->left_name[i])
            return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.slots", 0);
    }
    return otap_loader_open(&b->base, &uboot, &cfg->loader, fault);
}
