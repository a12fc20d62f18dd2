/* SPDX-License-Identifier: Apache-2.0 */
/* Ports in front of an agent's ports. Every call is counted by its function; one call, or all from one on, gives an error
 * that its page in include/ota/ documents. What is opened and never ended is counted too. */
#ifndef FAULTY_H
#define FAULTY_H

#include "ota/ota.h"

enum faulty_call {
    FAULTY_NET_READY, FAULTY_NET_BEGIN, FAULTY_NET_HEAD, FAULTY_NET_READ,
    FAULTY_STORE_READ, FAULTY_STORE_WRITE, FAULTY_STORE_REMOVE,
    FAULTY_SLOT_GEOMETRY, FAULTY_SLOT_ERASE, FAULTY_SLOT_WRITE, FAULTY_SLOT_READ, FAULTY_SLOT_SYNC,
    FAULTY_BOOT_VIEW, FAULTY_BOOT_ARM, FAULTY_BOOT_CONFIRM, FAULTY_BOOT_REVERT, FAULTY_BOOT_REBOOT,
    FAULTY_CLOCK_UTC,
    FAULTY_HASH_START, FAULTY_HASH_ADD, FAULTY_HASH_END, FAULTY_VERIFY, FAULTY_RANDOM,
    FAULTY_HEALTH_CHECK,
    FAULTY_CALLS
};

extern const char *const faulty_names[FAULTY_CALLS];

/* How a call goes wrong. */
enum faulty_way {
    FAULTY_NOT_DONE,   /* an error instead of the call */
    FAULTY_DONE_TOO,   /* the call is made, and an error is given all the same */
    FAULTY_SHORT       /* net.read gives one byte at a time: no error, and it must not matter */
};

/* What goes wrong. call == FAULTY_CALLS: nothing. */
struct faulty_plan {
    enum faulty_call call;
    ota_err err;
    enum faulty_way way;
    uint32_t at;   /* the call's number, from 1 */
    bool on;       /* and every one after it */
};

#define FAULTY_PORT(what)          \
    struct faulty_##what {         \
        struct ota_##what port;    \
        struct ota_##what *real;   \
        struct faulty *owner;      \
    }

struct faulty;
FAULTY_PORT(net);
FAULTY_PORT(store);
FAULTY_PORT(slot);
FAULTY_PORT(boot);
FAULTY_PORT(clock);
FAULTY_PORT(crypto);
FAULTY_PORT(health);

struct faulty {
    struct faulty_net net;
    struct faulty_store store;
    struct faulty_slot slot[OTA_COMPONENTS_MAX][2];
    struct faulty_boot boot;
    struct faulty_clock clock;
    struct faulty_crypto crypto;
    struct faulty_health health;
    struct faulty_plan plan;
    bool forgives;                   /* planted: an error is swallowed, as a careless port would */
    uint32_t count[FAULTY_CALLS];
    uint32_t struck;                 /* calls that went wrong */
    char record[OTA_STORE_NAME_MAX]; /* of the newest call of the store that went wrong */
    uint32_t hashes, exchanges;      /* begun and not ended */
};

/* Put them in front of the ports that the configuration and its components name. */
void faulty_open(struct faulty *f, struct ota_config *cfg, struct ota_component *components);
/* From now on everything works; counts go on. */
void faulty_heal(struct faulty *f);
void faulty_plan(struct faulty *f, struct faulty_plan plan);

#endif
