/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The contract suite for porters (library ota_contract): what include/ota/port_*.h promises, checked on a running port.
 * Plain functions, no test framework, no allocation: run them on the device itself. Each returns how many checks failed
 * and tells the report about every one of them. Whatever a port held before is overwritten.
 *
 *     struct ota_contract_report report = { print_check, 0, 0 };
 *     return ota_contract_store(&my_store.port, &report) == 0 && report.checks > 0 ? 0 : 1;
 */
#ifndef OTA_CONTRACT_H
#define OTA_CONTRACT_H

#include "ota/config.h"
#include "ota/port_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where results go. May be the first member of a struct of yours. */
struct ota_contract_report {
    /** Called for each check; may be NULL. name is static, such as "store: a longer record replaces a shorter one". */
    void (*check)(struct ota_contract_report *r, const char *name, bool passed);
    unsigned checks, failures;
};

/** The store port. Needs room for three records of 4 KiB. Leaves the store without the suite's records. */
unsigned ota_contract_store(struct ota_store *s, struct ota_contract_report *r);

/** The slot port. Overwrites the slot. Needs one with at least two erase units and two write units. */
unsigned ota_contract_slot(struct ota_slot *s, struct ota_contract_report *r);

/** A device whose boot control is tested. */
struct ota_contract_device {
    struct ota_boot *boot;
    size_t components;   /**< 1..OTA_COMPONENTS_MAX; each has a confirmed slot now, and no trial is armed */
    /** Do what a restart does to the boot control. false: it cannot. */
    bool (*restart)(struct ota_contract_device *d);
    uint8_t tries_max;   /**< most tries that the loader can give a trial; 0 = at least 3 */
};

/** The boot port. Restarts the device about 15 times. Ends with the slots that it began with, confirmed. */
unsigned ota_contract_boot(struct ota_contract_device *d, struct ota_contract_report *r);

/** Bytes of the file that the server must have as OTA_CONTRACT_FILE: byte i is ota_contract_byte(i). */
#define OTA_CONTRACT_FILE_LEN 100003u
uint8_t ota_contract_byte(uint32_t i);

/** What the network port is tested against. */
struct ota_contract_server {
    const char *file_url;    /**< a file of OTA_CONTRACT_FILE_LEN pattern bytes, with range support */
    const char *empty_url;   /**< an empty file */
    const char *absent_url;  /**< nothing there: 404 */
    const char *put_url;     /**< takes a PUT with 2xx; NULL = not tested */
    const char *dead_url;    /**< nobody listens there; NULL = not tested */
};

/** The network port. Gives up on any single exchange after some 10 s of waiting. */
unsigned ota_contract_net(struct ota_net *n, const struct ota_contract_server *server, struct ota_contract_report *r);

/** The clock port. Sleeps some 50 ms. */
unsigned ota_contract_clock(struct ota_clock *c, struct ota_contract_report *r);

/** The conditions port. `clock` is one that passed ota_contract_clock(). Sleeps some 200 ms. */
unsigned ota_contract_conditions(struct ota_conditions *c, struct ota_clock *clock, struct ota_contract_report *r);

/** The crypto port. SHA-256, P-256 and what else it has: RSA-PSS, P-384, SHA-384, SHA-512 may be absent, but not wrong. */
unsigned ota_contract_crypto(struct ota_crypto *c, struct ota_contract_report *r);

/** The crypto port's verify: more than 200 signatures and keys, nearly all of them bad in one way (150 KB of constants). */
unsigned ota_contract_signatures(struct ota_crypto *c, struct ota_contract_report *r);

/** An identity to be tested. */
struct ota_contract_identity {
    struct ota_identity *identity;
    /** Close it and open it again, as a restart of the device does; may change `identity`. false: it cannot. NULL: not tested. */
    bool (*restart)(struct ota_contract_identity *d);
    uint32_t counter;   /**< a counter that may be raised by some */
    uint32_t reg;       /**< a register that may be extended */
};

/** The identity port. `crypto` is one that passed ota_contract_crypto(). Counters stay raised and registers extended. */
unsigned ota_contract_identity(struct ota_contract_identity *d, struct ota_crypto *crypto, struct ota_contract_report *r);

#ifdef __cplusplus
}
#endif
#endif
