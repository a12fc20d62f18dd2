/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Monitoring after boot: what runs is read again, slice by slice, and compared with what was installed; and the health port is
 * asked on, long after an update was confirmed. An engine beside the agent: bounded work in each step, no allocation, memory
 * from the caller.
 *
 *     struct ota_watch watch;                             the agent as the monitor's owner
 *     struct ota_monitor monitor;
 *     ota_watch_init(&watch, agent, NULL, &fault);
 *     ota_monitor_init(&monitor, &(struct ota_monitor_config){ .size = sizeof cfg, .owner = &watch.owner, ... }, &fault);
 *     for (;;) {
 *         ota_step(agent, &wait);
 *         ota_monitor_step(&monitor, &wait);              waits no longer than it already says
 *         ...
 *     }
 *
 * A program without an agent brings its own struct ota_monitor_owner.
 *
 * It finds decay, mistakes and an attacker who cannot change the monitor itself; who may write the running slot may be able to
 * do that, too. Built with OTA_MONITOR. Records and reports: SPEC.md, "Monitor".
 */
#ifndef OTA_MONITOR_H
#define OTA_MONITOR_H

#include "ota/ota.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is done about a finding. */
enum ota_monitor_answer {
    OTA_MONITOR_REPORT = 0, /**< tell */
    OTA_MONITOR_REVERT = 1, /**< tell, and put the other slot's image on trial if it is whole and not below the security floor */
    OTA_MONITOR_STOP = 2    /**< tell, and have the owner stop what runs */
};

/** What was found. Numbers are stored. */
enum ota_monitor_kind {
    OTA_MONITOR_FINE = 0,
    OTA_MONITOR_TAMPERED = 1, /**< the running slot holds other bytes than were installed */
    OTA_MONITOR_SICK = 2,     /**< the health port says so, persistently */
    OTA_MONITOR_UNREAD = 3    /**< the slot or the crypto service fails: nothing can be said. Told, never answered otherwise */
};

/** @return "fine", "tampered", "sick", "unread"; "none" for anything else. Never NULL. */
const char *ota_monitor_kind_name(enum ota_monitor_kind kind);

/** What was done about it. Numbers are stored. */
enum ota_monitor_done {
    OTA_MONITOR_PENDING = 0,  /**< nothing yet */
    OTA_MONITOR_TOLD = 1,
    OTA_MONITOR_REVERTED = 2, /**< the other image is on trial */
    OTA_MONITOR_REFUSED = 3,  /**< it was to be reverted, and cannot be: finding.cause says why */
    OTA_MONITOR_STOPPED = 4,
    OTA_MONITOR_FAILED = 5    /**< the owner could not do it: finding.cause says why */
};

/** @return "pending", "told", "reverted", "refused", "stopped", "failed"; "none" for anything else. Never NULL. */
const char *ota_monitor_done_name(enum ota_monitor_done done);

/** An image and the slot that should hold it. */
struct ota_monitor_image {
    uint8_t slot;                    /**< 0 or 1 */
    bool newest;                     /**< running: it came with the last update, so what came with it goes back with it */
    uint32_t security;               /**< its security version */
    uint32_t floor;                  /**< the lowest that may still be started */
    uint64_t length;                 /**< bytes, > 0 */
    uint8_t sha256[OTA_SHA256_LEN];  /**< of those bytes */
    char version[OTA_VERSION_MAX];
};

struct ota_monitor_finding {
    enum ota_monitor_kind kind;
    enum ota_monitor_done done;
    uint8_t component;              /**< OTA_COMPONENT_NONE: SICK, which is said of all that runs */
    uint8_t slot;                   /**< OTA_SLOT_NONE: SICK */
    bool located;                   /**< off and len are known: the first block that differs */
    uint64_t off;
    uint32_t len;
    uint8_t sha256[OTA_SHA256_LEN]; /**< of the image that was installed; SICK: of the first component's */
    struct ota_fault cause;         /**< REJECT_HASH; REJECT_HEALTH or REJECT_SILENT; the DEVICE_ error; or what refused the way back */
};

/** What ota_monitor_owner_ops.look() answers: what the monitor must leave alone now. */
enum { OTA_MONITOR_BUSY_SLOTS = 1u, OTA_MONITOR_BUSY_HEALTH = 2u };

struct ota_monitor_owner;
struct ota_monitor_owner_ops {
    /** Called first in every step. Short. @return OTA_MONITOR_BUSY_ bits */
    unsigned (*look)(struct ota_monitor_owner *o);
    /**
     * The image that a component should run, confirmed (other = false), or that its other slot should hold. Short, no slot is
     * read. @return OTA_OK; DEVICE_ABSENT: nobody knows, or nothing is there
     */
    ota_err (*image)(struct ota_monitor_owner *o, uint8_t component, bool other, struct ota_monitor_image *out);
    /**
     * Keep a finding, durably, and tell it once f->done is not PENDING. First called with PENDING, before anything is done
     * about it; when the same finding was kept before, f->done becomes what was done about it then. May block for a write of
     * the store. @return OTA_OK, or a DEVICE_ error
     */
    ota_err (*found)(struct ota_monitor_owner *o, struct ota_monitor_finding *f);
    /**
     * Put the images of other slots, which were read and are whole, on trial. All or none; durable on OTA_OK. @return OTA_OK;
     * USAGE_STATE: not now, ask again later; anything else: refused, and fault says why
     */
    ota_err (*revert)(struct ota_monitor_owner *o, const struct ota_monitor_finding *f, const struct ota_monitor_image *image,
                      const uint8_t *component, size_t count, struct ota_fault *fault);
    /** Stop what runs. @return OTA_OK, or why it cannot be */
    ota_err (*stop)(struct ota_monitor_owner *o, const struct ota_monitor_finding *f);
};

/** Knows what is installed, and does what is to be done. First member of its own struct. */
struct ota_monitor_owner {
    const struct ota_monitor_owner_ops *ops;
};

/** The two slots of a component, in the order of the owner's components. */
struct ota_monitor_part {
    struct ota_slot *slot[2];
};

/** Everything that is pointed to must outlive the monitor. A 0 takes the default in brackets. */
struct ota_monitor_config {
    size_t size;                     /**< sizeof(struct ota_monitor_config) */
    struct ota_monitor_owner *owner;
    struct ota_crypto *crypto;
    struct ota_clock *clock;
    struct ota_health *health;       /**< NULL: health is not watched */
    struct ota_log *log;             /**< NULL: silent */
    const struct ota_monitor_part *parts;
    size_t part_count;               /**< 1..OTA_COMPONENTS_MAX */
    uint8_t *buf;                    /**< pace bytes to read through */
    uint32_t pace;                   /**< bytes that one step reads and hashes: a power of two, 512.. */
    uint32_t every_ms;               /**< from one such step to the next: pace / every_ms is the load [1000] */
    uint32_t rest_ms;                /**< from the end of a round over all components to the next one [3600000] */
    uint8_t (*marks)[OTA_SHA256_LEN];/**< room for digests of blocks, by which rounds behind the first good one find the block
                                          that changed, as soon as it is read; NULL: a finding has no place */
    size_t mark_count;               /**< shared by all components; the more, the smaller the blocks */
    uint32_t health_every_ms;        /**< from one verdict to the next question [60000] */
    uint32_t health_deadline_ms;     /**< no verdict by then counts as a sick one [60000] */
    uint8_t health_times;            /**< sick verdicts in a row that are persistent [3] */
    enum ota_monitor_answer answer;
};

struct ota_monitor_part_status {
    bool known;                      /**< it is known what the running slot should hold; false: it cannot be watched */
    enum ota_monitor_kind kind;      /**< what the last complete round found */
    uint32_t rounds;                 /**< complete ones since the monitor began */
    uint64_t off, length;            /**< of the round under way; length 0: none is */
};

struct ota_monitor_status {
    struct ota_monitor_part_status part[OTA_COMPONENTS_MAX];
    enum ota_monitor_kind health;    /**< FINE or SICK */
    bool paused;                     /**< the owner is busy with its slots */
    struct ota_monitor_finding last; /**< kind FINE: none yet */
};

/** A monitor. Fields belong to the library. */
struct ota_monitor {
    struct ota_monitor_config cfg;
    uint8_t phase, part, at, count;
    bool hashing, marking, again, paused, asking, pending_sick;
    uint8_t sick, held[OTA_COMPONENTS_MAX + 1];
    uint8_t component[OTA_COMPONENTS_MAX];
    uint64_t due_ms, health_due_ms, asked_ms, off;
    struct ota_hash hash, mark;
    struct ota_monitor_image now;
    struct ota_monitor_image back[OTA_COMPONENTS_MAX];
    struct ota_monitor_finding finding;
    struct ota_fault sick_cause;
    uint8_t proven[OTA_COMPONENTS_MAX][OTA_SHA256_LEN];
    uint8_t told[OTA_COMPONENTS_MAX + 1][OTA_SHA256_LEN];
    struct ota_monitor_status status;
};

/**
 * Begin. Reads nothing yet; the first round begins with the first step.
 * @param fault  may be NULL; gets the field that is wrong
 * @return OTA_OK; USAGE_CONFIG; USAGE_ABI (size); USAGE_ARGUMENT
 */
OTA_MUST_CHECK ota_err ota_monitor_init(struct ota_monitor *m, const struct ota_monitor_config *cfg, struct ota_fault *fault);

/**
 * Do one bounded piece of work, if it is time for one: at most `pace` bytes are read, or one question asked. Nothing is read
 * while the owner is busy with its slots. A restart of the program begins the round anew.
 * @param wait  in: how long the caller will sleep anyway; out: no longer than until the monitor has something to do
 * @return OTA_OK; USAGE_ARGUMENT
 */
OTA_MUST_CHECK ota_err ota_monitor_step(struct ota_monitor *m, struct ota_wait *wait);

/** How it stands. Never blocks. */
void ota_monitor_status(const struct ota_monitor *m, struct ota_monitor_status *out);

/** End hashes under way. The memory may be reused. */
void ota_monitor_close(struct ota_monitor *m);

/* ------------------------------------------------------------------------------------- the agent as owner -- */

struct ota_watch_stop;
struct ota_watch_stop_ops {
    /** Stop what runs: the application, or the device. @return OTA_OK, or why not */
    ota_err (*stop)(struct ota_watch_stop *s, const struct ota_monitor_finding *f);
};
/** First member of the caller's own struct. */
struct ota_watch_stop {
    const struct ota_watch_stop_ops *ops;
};

/** What is remembered of one component, and of health. */
struct ota_watch_part {
    struct ota_watch_slot {
        bool known;
        uint32_t security, came;     /* came: start of the agent that first saw it run there */
        uint64_t length;
        uint8_t sha256[OTA_SHA256_LEN];
        char version[OTA_VERSION_MAX];
    } slot[2];
    uint8_t ran;                     /* the slot that ran last, confirmed */
    uint8_t kind, done;              /* of the last finding since then */
    uint8_t sha256[OTA_SHA256_LEN];  /* that it was about */
};

/** An agent as a monitor's owner. Fields belong to the library. */
struct ota_watch {
    struct ota_monitor_owner owner;
    struct ota *agent;
    struct ota_watch_stop *stop;
    struct ota_store *store;
    bool loaded, dirty;
    uint64_t retry_ms;               /* the store failed: not before this */
    struct ota_watch_part part[OTA_COMPONENTS_MAX + 1];
    uint8_t record[1536];
};

/**
 * An agent as owner. It learns by and by what lies in the slots: an image's length is known once an update was confirmed,
 * or a check-in found it installed, and is kept in the store record "monitor". Findings become reports of the agent
 * (OTA_FLEET). What is reverted because it was tampered with is installed anew by the next check-in; what was sick is not:
 * its deployment counts as rolled back.
 * @param stop  for OTA_MONITOR_STOP; NULL: answered with USAGE_CONFIG
 * @return OTA_OK; USAGE_ARGUMENT
 */
OTA_MUST_CHECK ota_err ota_watch_init(struct ota_watch *w, struct ota *a, struct ota_watch_stop *stop);

/** An image that lies whole in the slot of its component that does not run. */
struct ota_local {
    struct ota_image image;          /**< its bytes were read back and compared with a digest that somebody vouches for */
    uint32_t security;
    char version[OTA_VERSION_MAX];
};

/**
 * Put images that are on the device already on trial, outside of any deployment: the agent restarts the device, judges
 * them as any update, and confirms or reverts. The floors stay.
 * @param block  what is deployed now counts as rolled back: it does not come again. false: the next check-in may bring it
 * @return OTA_OK; USAGE_STATE: the agent is not at rest, try again later; USAGE_ARGUMENT: a slot that runs, no bytes, a component
 *         twice; REJECT_SECURITY: below a component's floor; REJECT_REQUIRES (OTA_RELATIONS): what stays requires what
 *         would go; DEVICE_BOOT, DEVICE_STORE, DEVICE_FULL
 */
OTA_MUST_CHECK ota_err ota_try_local(struct ota *a, const struct ota_local *set, size_t count, bool block, struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
