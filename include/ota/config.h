/* SPDX-License-Identifier: Apache-2.0 */
/** @file What an agent needs to be told: identity, ports, components, repositories, limits, times. */
#ifndef OTA_CONFIG_H
#define OTA_CONFIG_H

#include "ota/hawkbit.h"
#include "ota/port_boot.h"
#include "ota/port_clock.h"
#include "ota/port_conditions.h"
#include "ota/port_crypto.h"
#include "ota/port_health.h"
#include "ota/port_log.h"
#include "ota/port_net.h"
#include "ota/port_slot.h"
#include "ota/port_store.h"
#include "ota/tuf.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A part of the device with two slots of its own. The order in the configuration is the order of installation. */
struct ota_component {
    const char *name;             /**< as in deployments, 1..OTA_NAME_MAX-1 characters of [a-z0-9-] */
    struct ota_slot *slot[2];
    const char *factory_version;  /**< version that runs before the first update, or NULL */
    bool removable;               /**< a deployment that does not name it takes it out, on trial as any update; for components that
                                       the agent does not live in, never "os". Builds with OTA_RELATIONS; the boot port must be
                                       able to (OTA_SLOT_REMOVE) */
};

/** What is there without any component of this agent: hardware, or a system that another agent updates. */
struct ota_provided {
    const char *name;             /**< 1..OTA_NAME_MAX-1 characters of [a-z0-9-] */
    uint32_t level;
};

/** A trusted TUF repository. The path map is the list of prefixes (TAP 4 style): each path has exactly one repository. */
struct ota_repo {
    const char *name;             /**< 1..15 characters of [a-z0-9-]; names its records in the store */
    const char *metadata_url;     /**< ends in "/" */
    const char *targets_url;      /**< ends in "/" */
    const char *const *prefixes;  /**< NULL-terminated list of target path prefixes that belong to it, e.g. "os/"; none is
                                       empty, and one of repos[0] must cover "group/<group>/deploy.json" */
    const uint8_t *root;          /**< factory root metadata */
    size_t root_len;
};

/** Bounds. A 0 takes the default in brackets. */
struct ota_limits {
    struct ota_tuf_limits tuf;
    uint32_t pointer_max;         /**< bytes of a deployment pointer [4096] */
    uint32_t block;               /**< bytes between two durable checkpoints of a download, power of two [65536] */
    uint32_t io;                  /**< bytes of one read or write; power of two, 512..block [4096] */
    uint8_t window_bits;          /**< largest deflate window that the workspace has room for, 9..15 [15]; 1 = no deflate */
    uint32_t delta_memory;        /**< most that the decoder of a delta may need; its saved state takes as much again in the
                                       workspace, OTA_DELTA_MEMORY_MIN.. [32768]; 1 = no deltas. The search of an index may use
                                       as much; 1 = no indexes either */
    uint64_t bytes_max;           /**< image bytes that one deployment may take from the network; on a metered link, less
                                       than a whole image: then only what is cheaper comes [no limit] */
    uint8_t zstd_window_bits;     /**< largest zstd window that the workspace has room for, 10..23; the decoder takes as
                                       much, and 230 to 480 KiB more. 0 = no zstd; builds without OTA_ZSTD have none in any case */
    uint8_t redirects;            /**< redirects followed in one request [3] */
    uint32_t low_speed_bps;       /**< a transfer slower than this ... [64] */
    uint32_t low_speed_s;         /**< ... for this long is given up [60] */
    uint32_t connect_ms;          /**< [30000] */
    uint32_t head_ms;             /**< from request to the end of the answer's head [60000] */
    uint32_t rate_bps;            /**< bytes a second that are taken from a server, at least twice low_speed_bps; needs a library
                                       with OTA_FLEET [no limit] */
};

/** Times. A 0 takes the default in brackets. Seconds unless the name says otherwise. */
struct ota_times {
    uint32_t poll_s;              /**< between two check-ins: at the device's own place in each interval, which its id decides;
                                       jitter of a tenth is added [3600] */
    uint32_t full_s;              /**< a conditional poll never replaces the full refresh for longer than this [86400] */
    uint32_t retry_base_s;        /**< first back-off; waits are random up to base * 4^n, then at the device's own
                                       place in the cap or the interval, whichever is shorter [10] */
    uint32_t retry_cap_s;         /**< longest back-off, and the longest Retry-After that is honoured [3600] */
    uint32_t health_grace_s;      /**< a sick verdict before this age of the trial is not final [0] */
    uint32_t health_deadline_s;   /**< no healthy verdict by then means sick [300] */
    uint32_t defer_cap_s;         /**< longest total deferral of one deployment [what the group's pointer says, else 86400 for
                                       one that changes the component "os" and 601200 for others; 86400 in builds without
                                       OTA_POLICY]. The pointer cannot allow more than what is set here */
    int64_t utc_floor_s;          /**< no time before this is believed, e.g. the build time [0];
                                       nor one before the newest signed time that was seen, which the journal keeps */
    /* These need a library with OTA_FLEET; others go without them. */
    uint32_t start_s;             /**< the first check-in comes at a random moment of the first start_s seconds of the monotonic
                                       clock, at once after that: a fleet that is switched on together does not come together
                                       [300]; 1 = at once */
    uint32_t poll_min_s;          /**< least and ... [60] */
    uint32_t poll_max_s;          /**< ... longest interval that the group's deployment may ask for [604800] */
};

/** ota_config.director: "device/<id>.json" in one of the repositories says the device's group. */
#define OTA_DIRECTOR_DEVICE 255
#define OTA_DIRECTOR_DIGITS_MAX 6

#define OTA_WINDOWS_MAX 16u
#define OTA_EVERY_DAY 0x7fu

/** A maintenance window in local time. */
struct ota_window {
    uint8_t days;                 /**< on which it begins: bit 0 Sunday .. bit 6 Saturday; at least one */
    uint16_t from_min;            /**< minute of the day at which it begins, 0..1439 */
    uint16_t to_min;              /**< first minute that is outside again, 1..1440, not from_min; below it: on the next day */
};

/** What needs somebody's consent. */
enum ota_consent { OTA_CONSENT_NONE = 0, OTA_CONSENT_INSTALL = 1, OTA_CONSENT_FETCH = 2 /**< and the installation */ };

/** What may be fetched over a link on which each byte costs. */
enum ota_metered { OTA_METERED_ANY = 0, OTA_METERED_DIFFERENCES = 1 /**< deltas and indexes, never a whole image */, OTA_METERED_NOTHING = 2 };

/**
 * What the device's owner asks of updates. All zero: nothing. What it holds back is listed by ota_status() and in reports.
 * Check-ins are never held back: they cost little, and a deployment that was withdrawn must be noticed.
 */
struct ota_policy {
    size_t size;                  /**< sizeof(struct ota_policy) */
    const struct ota_window *windows; /**< installation and restart happen in one of them; none: at any time */
    size_t window_count;          /**< 0..OTA_WINDOWS_MAX */
    int16_t utc_offset_min;       /**< local time minus UTC where the conditions port does not tell it, -720..840 */
    bool fetch_in_window;         /**< images are fetched in a window only, too */
    enum ota_consent consent;     /**< needs a conditions port that can ask */
    uint8_t battery_min;          /**< per cent, 0..100, below which nothing is fetched or installed unless on mains. A battery
                                       that cannot be read holds nothing back */
    enum ota_metered metered;
    uint64_t metered_bytes_max;   /**< on a metered link, image bytes that one deployment may come to, what came before over
                                       whatever link included; 0 = no limit */
    const char *pin[OTA_COMPONENTS_MAX]; /**< version at which a component stays, by its index in the configuration: an image
                                       of another version is left out of the deployment; NULL = none */
};

/** The whole configuration. Copied by ota_init(); everything pointed to must outlive the agent. */
struct ota_config {
    size_t size;                  /**< sizeof(struct ota_config): lets a newer library serve an older caller */
    const char *product;          /**< 1..OTA_NAME_MAX-1 characters of [a-z0-9-] */
    const char *group;            /**< device group, 1..OTA_NAME_MAX-1 characters of [a-z0-9-] */
    const char *device_id;        /**< opaque name used in reports, 1..127 characters of [A-Za-z0-9._-] */
    struct ota_net *net;
    struct ota_store *store;
    struct ota_clock *clock;
    struct ota_crypto *crypto;
    struct ota_boot *boot;
    struct ota_health *health;    /**< NULL: the application judges with ota_confirm()/ota_reject() */
    struct ota_log *log;          /**< NULL: silent */
    const struct ota_component *components;
    size_t component_count;       /**< 1..OTA_COMPONENTS_MAX */
    const struct ota_repo *repos; /**< repos[0] is the product repository: it holds the group's pointer */
    size_t repo_count;            /**< 1..OTA_REPOS_MAX */
    uint8_t director;             /**< where a signed assignment says the device's group: 1..OTA_DIRECTOR_DIGITS_MAX: in the
                                       repository that covers "shard/", not repos[0], whose metadata_url then has a folder for
                                       each shard, named by so many hex digits; OTA_DIRECTOR_DEVICE: in the one that covers
                                       "device/". A device that is not named there goes by `group` [0: so do all]. Builds without
                                       OTA_DIRECTOR take only 0 */
    const char *report_url;       /**< reports are PUT below it, ends in "/"; with OTA_FLEET a query may follow, which goes behind each
                                       report's name, for storage that is reached by signed URLs; NULL = reports are only kept */
    uint8_t tries;                /**< starts that a trial gets, 1..15 [3] */
    bool plain_http;              /**< allow http: URLs. Signatures protect the bytes, but not privacy */
    bool tell_facts;              /**< say in the header OTA-Device of check-ins which product, group, version, deployment, slot and
                                       boot this is and what became of the last update (SPEC.md, 8); no device id [false] */
    struct ota_limits limits;
    struct ota_times times;
    const struct ota_provided *provided;   /**< for what images require; NULL = nothing. What stands in it may change between two steps:
                                                it is read when a deployment is judged, before each image is fetched, and before
                                                the trial is armed; a name "" provides nothing. Builds with OTA_RELATIONS */
    size_t provided_count;
    const struct ota_hawkbit *hawkbit;   /**< NULL: check in with repos[0]; else with this server (needs OTA_HAWKBIT) */
    struct ota_conditions *conditions;  /**< NULL: nothing is known of power, link and local time. This and the next member do
                                             nothing in builds without OTA_POLICY */
    const struct ota_policy *policy;    /**< NULL: none */
};

#ifdef __cplusplus
}
#endif
#endif
