/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The update agent. Most programs include only this.
 *
 *     size_t len = ota_workspace_len(&cfg);
 *     struct ota *agent;
 *     if (ota_init(&agent, &cfg, workspace, len) != OTA_OK) ...
 *     ota_err err = ota_run(agent);        // OTA_SAME: up to date; OTA_REBOOT: restart now; else see ota_err_class()
 *
 * Threads: one agent belongs to one thread; only ota_cancel() may be called from another thread or a signal handler.
 * Memory: everything lives in the caller's workspace; nothing is allocated, nothing is global.
 */
#ifndef OTA_OTA_H
#define OTA_OTA_H

#include "ota/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_VERSION_STRING "0.1.0"

struct ota;

/** States of the machine, in the order of an update. Numbers are stored in the journal: stable, never reused. */
enum ota_state {
    OTA_ST_START = 0,      /**< read the journal and the boot control */
    OTA_ST_IDLE = 1,       /**< wait for the next check-in */
    OTA_ST_POLL = 2,       /**< one conditional request: offer */
    OTA_ST_TRUST = 3,      /**< TUF: offer -> release */
    OTA_ST_PLAN = 4,       /**< release -> plan of the next component */
    OTA_ST_DOWNLOAD = 5,   /**< plan -> bytes in the spare slot */
    OTA_ST_SEAL = 6,       /**< read back and hash -> image */
    OTA_ST_READY = 7,      /**< wait until nothing holds the update back */
    OTA_ST_ARM = 8,        /**< image -> trial */
    OTA_ST_REBOOT = 9,     /**< restart into the trial */
    OTA_ST_TRIAL = 10,     /**< trial -> verdict */
    OTA_ST_CONFIRM = 11,   /**< make the trial permanent */
    OTA_ST_REVERT = 12,    /**< give the trial up */
    OTA_ST_REFUSE = 13,    /**< drop this try, store the cause */
    OTA_ST_REPORT = 14,    /**< verdict -> report, delivered or kept */
    OTA_ST_FAULT = 15,     /**< the device failed: store the cause, back off */
    OTA_ST_COUNT
};

/** @return "idle", "download", ... Never NULL. */
const char *ota_state_name(enum ota_state s);

/** What a step left behind: when to call again. */
struct ota_wait {
    uint32_t ms;         /**< call ota_step() again after this long at the latest */
    bool wait_for_net;   /**< or as soon as the network port has news */
};

/** Reasons why an update does not proceed, a bit each. ota_hold_name() gives the name. */
enum ota_hold {
    OTA_HOLD_NETWORK = 1u << 0,    /**< no network */
    OTA_HOLD_CLOCK = 1u << 1,      /**< clock unknown, or before a time that is known to have passed */
    OTA_HOLD_BACKOFF = 1u << 2,    /**< waiting after a failure */
    OTA_HOLD_DEFERRED = 1u << 3,   /**< the application asked for time */
    OTA_HOLD_TRIAL = 1u << 4,      /**< a trial is not confirmed yet */
    OTA_HOLD_BLOCKED = 1u << 5,    /**< this deployment failed here before */
    OTA_HOLD_RESTART = 1u << 6,    /**< a restart was asked for and has not happened */
    /* Those below come in builds with OTA_POLICY only. */
    OTA_HOLD_WINDOW = 1u << 7,     /**< outside of the maintenance windows */
    OTA_HOLD_CONSENT = 1u << 8,    /**< nobody has agreed yet */
    OTA_HOLD_BATTERY = 1u << 9,    /**< battery below the minimum */
    OTA_HOLD_METERED = 1u << 10,   /**< more than may come over this link */
    OTA_HOLD_ROLLOUT = 1u << 11,   /**< the deployment is for a part of the devices, without this one */
    OTA_HOLD_PINNED = 1u << 12,    /**< a component stays at the version to which it is pinned */
    OTA_HOLD_OS_ONLY = 1u << 13,   /**< the group's update policy leaves applications out */
    /* Those below come in builds with OTA_HAWKBIT only. */
    OTA_HOLD_HAWKBIT_WINDOW = 1u << 14,   /**< outside of the action's maintenance window */
    OTA_HOLD_HAWKBIT_CONSENT = 1u << 15,  /**< the server's confirmation flow waits, or this device denied */
    OTA_HOLD_HAWKBIT_SKIP = 1u << 16      /**< the action says that nothing is to be downloaded */
};

/** @return the name of one bit: "network", "clock", ...; NULL for a bit that has none. */
const char *ota_hold_name(uint32_t bit);

struct ota_component_status {
    char running[OTA_VERSION_MAX];   /**< version that runs; "" if unknown */
    char wanted[OTA_VERSION_MAX];    /**< version of the update under way; "" if none */
    uint8_t slot;                    /**< slot that runs; OTA_SLOT_NONE: nothing is installed */
    bool removing;                   /**< the update under way takes the component out */
    uint64_t done;                   /**< bytes in the spare slot */
    uint64_t length;                 /**< bytes when complete; 0 if no update is under way */
    enum ota_codec codec;            /**< how the update under way or the last one came */
    enum ota_why why;                /**< and why not cheaper; NONE: nothing was chosen yet, `codec` means nothing */
};

struct ota_status {
    enum ota_state state;
    uint32_t holds;                  /**< enum ota_hold bits: everything that holds an update back now */
    uint32_t next_check_s;           /**< until the next check-in; 0 while one is under way */
    uint64_t seq;                    /**< sequence number of the installed deployment */
    uint64_t fetched;                /**< image bytes taken from the network for the update under way or the last one */
    uint32_t reports_kept;           /**< reports not yet acknowledged */
    enum ota_outcome last_outcome;   /**< of the last deployment that ended */
    struct ota_fault last_fault;     /**< newest failure; OTA_OK after a success */
    size_t component_count;
    struct ota_component_status component[OTA_COMPONENTS_MAX];
};

/** @return bytes of workspace that cfg needs; 0 when cfg is unusable (ota_init() then says why). */
size_t ota_workspace_len(const struct ota_config *cfg);

/**
 * Make an agent in the workspace, which must be aligned for any type. Reads no port yet.
 * @param fault  may be NULL; gets the name of the configuration field that is wrong
 * @return OTA_OK, USAGE_CONFIG, USAGE_MEMORY, USAGE_ABI, DEVICE_ROOT (a repository has no factory root)
 */
OTA_MUST_CHECK ota_err ota_init(struct ota **out, const struct ota_config *cfg, void *workspace, size_t len, struct ota_fault *fault);

/** Do one bounded piece of work. Never blocks longer than one port call. @return OTA_OK; OTA_REBOOT when a restart was asked for; USAGE_ARGUMENT */
OTA_MUST_CHECK ota_err ota_step(struct ota *a, struct ota_wait *wait);

/**
 * Step and sleep until there is nothing to do before the next check-in.
 * @return OTA_SAME  idle: up to date, or held back (see ota_status())
 *         OTA_DONE  idle: a trial was confirmed in this run
 *         OTA_REBOOT  restart the device (or leave, where the boot port's owner restarts it)
 *         RETRY_*, REJECT_*, DEVICE_*  why this run ended without success; the next run goes on
 */
OTA_MUST_CHECK ota_err ota_run(struct ota *a);

/** What goes on and what holds it back. Never fails, never blocks. */
void ota_status(const struct ota *a, struct ota_status *out);

/**
 * Check in at the next step instead of waiting. Skips the interval, back-off and the server's Retry-After; nothing else:
 * deferral, windows, consent, battery, metered links, pins and rollouts count as ever. An update that waits to be installed
 * is looked at anew, and goes on waiting.
 */
void ota_check_now(struct ota *a);

/**
 * Ask for time before the update is installed; counted from now. Total deferral of one deployment is capped
 * (times.defer_cap_s); what exceeds it is cut, and when it has run out the update is installed. What is left of a deferral
 * counts against the deployment that it meets. A restart of the agent ends a deferral, without giving the time back; 0 ends
 * it at once. Before its first step an agent does not know what earlier ones granted: what is beyond the cap is cut later.
 * @param granted_s  may be NULL; gets the seconds that were granted
 * @return OTA_OK; USAGE_STATE once the trial is armed; DEVICE_STORE, DEVICE_FULL: nothing was granted, for it could not be noted
 */
OTA_MUST_CHECK ota_err ota_defer(struct ota *a, uint32_t seconds, uint32_t *granted_s);

/** Stop what is under way at the next step: the download keeps its place. May be called from a signal handler. */
void ota_cancel(struct ota *a);

/** The application vouches for the running trial. @return OTA_OK; USAGE_STATE without a trial */
OTA_MUST_CHECK ota_err ota_confirm(struct ota *a);

/** The application condemns the running trial. reason goes into the report. @return OTA_OK; USAGE_STATE without a trial */
OTA_MUST_CHECK ota_err ota_reject(struct ota *a, int32_t reason);

#define OTA_LEVELS_MAX 16          /**< levels that the components of one agent provide */
#define OTA_LEVELS_MEMORY 10240u

struct ota_level {
    char name[OTA_NAME_MAX];
    uint32_t level;
};

struct ota_levels {
    size_t count;
    struct ota_level level[OTA_LEVELS_MAX];
    uint64_t memory[OTA_LEVELS_MEMORY / 8u];   /**< the call's own */
};

/**
 * What the confirmed images of this agent provide ("provides" of their descriptions), for an agent whose images require it: its
 * ota_config.provided. A trial's images count when they are confirmed. Nothing is known of an image that came before this library
 * was there. Between two steps; reads the store. Builds with OTA_RELATIONS.
 * @return OTA_OK; DEVICE_STORE
 */
OTA_MUST_CHECK ota_err ota_levels(struct ota *a, struct ota_levels *out);

/** End the open network exchange and forget the agent. The workspace may be reused. */
void ota_close(struct ota *a);

#ifdef __cplusplus
}
#endif
#endif
