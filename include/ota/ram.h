/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Ports in memory (library ota_ram), for examples, tests and fuzzing: nothing is allocated, nothing is global, nothing
 * blocks. Each can be told to fail. Fields marked "script" may be changed between any two calls; fields marked "seen" are
 * for looking at. There is nothing to close.
 */
#ifndef OTA_RAM_H
#define OTA_RAM_H

#include "ota/boot_record.h"
#include "ota/config.h"
#include "ota/port_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A switch that makes one operation fail: the `at`-th one that would change something, counted from 1; 0 = never. With
 * `for_good` every later one fails, too. port_code is then OTA_RAM_CODE.
 */
struct ota_ram_fail {
    uint32_t at;     /**< script */
    bool for_good;   /**< script */
    uint32_t ops;    /**< seen: operations so far */
};
#define OTA_RAM_CODE 5

/* ------------------------------------------------------------------------------------------------ network -- */

/** One file of the pretended server. What is 0 or NULL is well-behaved. */
struct ota_ram_file {
    const char *url;            /**< compared byte by byte */
    const void *body;
    size_t len;
    const char *etag;           /**< with its quotes; NULL = none */
    const char *fields;         /**< further header lines, each ended by "\n", e.g. "Retry-After: 5\n" */
    uint16_t status;            /**< script: answer with this status whatever was asked, body included if 2xx */
    bool ignore_range;          /**< script: 200 with everything to a range request */
    bool wrong_range;           /**< script: Content-Range is one byte off */
    bool no_length;             /**< script: no Content-Length */
    bool stall;                 /**< script: never answers */
    uint32_t drop_times;        /**< script: the next so many bodies are cut after drop_after bytes; counts down */
    size_t drop_after;
    uint32_t per_poll;          /**< script: body bytes per read at most; between any two of them one AGAIN */
    uint32_t requests;          /**< seen */
    uint64_t bytes;             /**< seen: body bytes delivered */
};

struct ota_ram_clock;

struct ota_ram_net {
    struct ota_net port;
    struct ota_ram_file *files;
    size_t file_count;
    struct ota_ram_clock *clock;/**< script: time that passes while wait() finds nothing; may be NULL */
    bool down;                  /**< script: no network: ready() and begin() say so */
    uint16_t put_status;        /**< script: answer to a PUT; 0 = 204 */
    uint8_t *put_body;          /**< the last PUT's body, cut at put_cap; may be NULL */
    size_t put_cap;
    size_t put_len;             /**< seen: whole length of the last PUT's body */
    uint32_t puts;              /**< seen */
    uint32_t requests;          /**< seen: of all kinds */
    uint64_t bytes;             /**< seen: body bytes delivered, of all files */
    char last_url[OTA_URL_MAX]; /**< seen */
    uint64_t last_from;         /**< seen: range_from of the last request */
    /* the exchange under way */
    bool open, pause, stalled;
    struct ota_net_head answer;
    struct ota_ram_file *file;
    const uint8_t *next;
    size_t left, until_drop;
};

/** A server with these files; any other URL is a 404. Every PUT is taken. */
void ota_ram_net_init(struct ota_ram_net *n, struct ota_ram_file *files, size_t count);

/* --------------------------------------------------------------------------------------------------- slot -- */

/**
 * A slot that behaves like flash: geometry is enforced, and with an erase unit a byte takes one write between erases.
 * A failing operation is torn: its first half lands.
 */
struct ota_ram_slot {
    struct ota_slot port;
    uint8_t *mem;
    struct ota_slot_geometry geometry;
    struct ota_ram_fail fail;
    bool locked;                /**< script: geometry says that another process holds it */
    uint32_t erases, writes, syncs, reads;  /**< seen */
    uint64_t written;           /**< seen: bytes */
};

/** @param mem  geometry->size bytes; made erased (0xff) */
void ota_ram_slot_init(struct ota_ram_slot *s, void *mem, const struct ota_slot_geometry *geometry);

/* -------------------------------------------------------------------------------------------------- store -- */

/** What a record takes besides its own bytes. */
#define OTA_RAM_STORE_OVERHEAD (OTA_STORE_NAME_MAX + 4u)

struct ota_ram_store {
    struct ota_store port;
    uint8_t *mem;
    size_t cap;                 /**< script: may be lowered to fake a full store */
    size_t used;                /**< seen */
    struct ota_ram_fail fail;
    bool land;                  /**< script: a failing write still lands: the caller must not rely on the old bytes */
    uint32_t writes, removes;   /**< seen */
};

void ota_ram_store_init(struct ota_ram_store *s, void *mem, size_t cap);

/* --------------------------------------------------------------------------------------------------- boot -- */

struct ota_ram_boot {
    struct ota_boot port;
    struct ota_boot_record record;
    struct ota_ram_fail fail;
    uint32_t reboots;           /**< seen: restarts asked for */
};

/** A device on which slot[0..count-1] run, confirmed. */
void ota_ram_boot_init(struct ota_ram_boot *b, const uint8_t *slot, size_t count);

/** The restart itself, as the boot supervisor does it. */
enum ota_boot_start ota_ram_boot_start(struct ota_ram_boot *b);

/* -------------------------------------------------------------------------------------------------- clock -- */

struct ota_ram_clock {
    struct ota_clock port;
    uint64_t now_ms;            /**< script */
    int64_t utc_s;              /**< script: wall clock; negative = unknown. Sleeping advances both */
};

void ota_ram_clock_init(struct ota_ram_clock *c, int64_t utc_s);

/* --------------------------------------------------------------------------------------------- conditions -- */

struct ota_ram_conditions {
    struct ota_conditions port;
    struct ota_conditions_now now;  /**< script */
    bool agrees;                    /**< script: the answer to consent */
    bool fails;                     /**< script: the device cannot be asked */
    uint32_t reads, questions;      /**< seen */
    uint64_t seq;                   /**< seen: of the last question */
};

/** Nothing is known, and nobody agrees. */
void ota_ram_conditions_init(struct ota_ram_conditions *c);

/* ----------------------------------------------------------------------------------------------- identity -- */

/** A device's identity whose key the test brings. Says OTA_STRENGTH_SOFT and no protection of its counters. It cannot quote. */
struct ota_ram_identity {
    struct ota_identity port;   /**< script: strength and rollback may be changed, to see what others make of it */
    struct ota_crypto *crypto;
    struct ota_signer *signer;
    const void *certificate;    /**< script: NULL = none */
    size_t certificate_len;
    struct ota_ram_fail fail;   /**< counts calls of every kind but quote */
    uint8_t key[OTA_IDENTITY_KEY_LEN];
    uint64_t counter[OTA_IDENTITY_COUNTERS];                     /**< script, seen */
    uint8_t reg[OTA_IDENTITY_REGISTERS][OTA_SHA256_LEN];         /**< script, seen */
    uint32_t signs;             /**< seen */
};

/** @param signer  signs with the private half of key; crypto hashes and makes random bytes. Both must outlive s. */
void ota_ram_identity_init(struct ota_ram_identity *s, struct ota_crypto *crypto, const uint8_t key[OTA_IDENTITY_KEY_LEN],
                           struct ota_signer *signer);

/* ------------------------------------------------------------------------------------------------- health -- */

struct ota_ram_health {
    struct ota_health port;
    const ota_err *answers;     /**< script: one per look; the last one stays */
    size_t count, at;
    int32_t port_code;          /**< script: given with every answer that is not OTA_OK or OTA_AGAIN */
};

/** No answers: always healthy. */
void ota_ram_health_init(struct ota_ram_health *h, const ota_err *answers, size_t count);

/* ---------------------------------------------------------------------------------------------------- log -- */

#define OTA_RAM_LOG_LEN 64u

struct ota_ram_log_entry {
    enum ota_event event;
    int64_t a, b;
    struct ota_fault fault;     /**< OTA_OK if the event carried none */
};

/** Keeps the last events. */
struct ota_ram_log {
    struct ota_log port;
    uint32_t count;             /**< seen: events so far; number i is entry[i % OTA_RAM_LOG_LEN] */
    struct ota_ram_log_entry entry[OTA_RAM_LOG_LEN];
};

void ota_ram_log_init(struct ota_ram_log *l);

/** @return how many of the kept entries are this event */
uint32_t ota_ram_log_seen(const struct ota_ram_log *l, enum ota_event event);

#ifdef __cplusplus
}
#endif
#endif
