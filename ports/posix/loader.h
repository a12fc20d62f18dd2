/* SPDX-License-Identifier: Apache-2.0 */
/* What a boot loader can do for a trial, in the same words for each of them. boot_loader.c is the one boot control port on
 * top: it knows records and trials; a table of these knows names and formats, and nothing of trials. */
#ifndef OTAP_LOADER_H
#define OTAP_LOADER_H

#include "ota/posix.h"

/* What a loader's variables say. */
struct otap_loader_view {
    uint8_t armed;       /* slot that the next start tries first, with a bounded number of starts; NONE = it does not say */
    uint8_t tries;       /* starts left of the slot `armed` */
    uint8_t tries_of[2]; /* starts left of each slot */
    uint8_t current;     /* slot that the loader says it has started; NONE = it does not say */
};

/* Each returns 0 or an errno, with l->trouble naming the variable, file or word that was at fault. What changes the loader's
 * variables changes them as a whole: after a power cut the old or the new ones are there. */
struct otap_loader_ops {
    int (*read)(struct ota_posix_loader *l, struct otap_loader_view *out);
    /* The next `tries` starts are this slot's; after them the other one's, for good. */
    int (*arm)(struct ota_posix_loader *l, uint8_t slot, uint8_t tries);
    /* This slot from now on. */
    int (*keep)(struct ota_posix_loader *l, uint8_t slot);
    /* Never this slot again until it is armed: the other one from now on. */
    int (*drop)(struct ota_posix_loader *l, uint8_t slot);
    /* Give a slot back the starts that ordinary starts have taken from it. NULL: they take none. */
    int (*refill)(struct ota_posix_loader *l, uint8_t slot);
};

/* Checks what is common, then reads everything once, so that what is wrong is said now and by name. */
ota_err otap_loader_open(struct ota_posix_loader *l, const struct otap_loader_ops *loader, const struct ota_posix_loader_config *cfg,
                         struct ota_fault *fault);

/* A slot is about to be overwritten: the loader must not start it. The slot that runs, or is on trial, is EBUSY. */
int otap_loader_unfit(struct ota_posix_loader *l, uint8_t slot);

/* Remember who is to blame. Returns number. */
int otap_blame(struct ota_posix_loader *l, const char *what, int number);
int otap_blame_of(struct ota_posix_loader *l, const char *name, const char *what, int number);

/* The slot that runs: kernel command line, mounted root, loader. Whoever speaks must say the same. EBADSLT, ENODEV. */
int otap_running_slot(struct ota_posix_loader *l, uint8_t loader_says, uint8_t *slot);

/* Which slot has this name: 0, 1, OTA_SLOT_NONE. */
uint8_t otap_slot_named(const struct ota_posix_loader *l, const char *name, size_t len);

/* Lists of names, such as "A B". `out` may not be `list`. */
#define OTAP_WORDS_MAX 128u
/* The first of our two slots in it, OTA_SLOT_NONE if there is none. */
uint8_t otap_words_first(const struct ota_posix_loader *l, const char *list);
bool otap_words_have(const char *list, const char *want);
/* The list with `want` in front (front) or without it. ENAMETOOLONG */
int otap_words_move(const char *list, const char *want, bool front, char out[OTAP_WORDS_MAX]);

/* A number: all of text, base 10 or 16, at most max. */
bool otap_number(const char *text, int base, unsigned max, unsigned *out);

#endif
