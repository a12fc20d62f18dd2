/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A porter starts here: copy this folder, rename my_ to your device's name, and fill in each TODO. It compiles as it is,
 * and every function fails with a clear error until it is written. What each one promises is in include/ota/port_*.h; the
 * contract suite (tests/contract/ota_contract.h) checks it, on the device. Rules that hold for all:
 *   - a port holds mechanism, never policy: it does not retry, verify or skip;
 *   - *port_code gets your own error number whenever a function fails: it ends up in the log and in the report;
 *   - state belongs into the structs below, not into globals: their first member is the port, so a cast gets you there.
 */
#ifndef MY_PORTS_H
#define MY_PORTS_H

#include "ota/config.h"

/* Given as port_code by everything that is not written yet. */
#define MY_NOT_WRITTEN 1

struct my_boot {
    struct ota_boot port;
    /* TODO: where the boot loader keeps its variables */
};

struct my_clock {
    struct ota_clock port;
};

struct my_conditions {
    struct ota_conditions port;
};

struct my_crypto {
    struct ota_crypto port;
};

struct my_health {
    struct ota_health port;
};

struct my_log {
    struct ota_log port;
};

struct my_net {
    struct ota_net port;
    struct ota_net_head head;
    bool open;
    /* TODO: your socket or client handle */
};

struct my_slot {
    struct ota_slot port;
    uint64_t start, size;   /* in your flash */
};

struct my_store {
    struct ota_store port;
    /* TODO: your file system or key-value store */
};

void my_boot_init(struct my_boot *b);
void my_clock_init(struct my_clock *c);
void my_conditions_init(struct my_conditions *c);
void my_crypto_init(struct my_crypto *c);
void my_health_init(struct my_health *h);
void my_log_init(struct my_log *l);
void my_net_init(struct my_net *n);
void my_slot_init(struct my_slot *s, uint64_t start, uint64_t size);
void my_store_init(struct my_store *s);

#endif
