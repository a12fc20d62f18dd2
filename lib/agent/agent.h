/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's insides: one struct, one table. Steps report; the table decides (states.c); one function changes the
 * state (machine.c). */
#ifndef OTAI_AGENT_H
#define OTAI_AGENT_H

#include "boot.h"
#include "bytes.h"
#include "deploy.h"
#include "fetch.h"
#include "health.h"
#include "index.h"
#include "journal.h"
#include "levels.h"
#include "ota/delta.h"
#include "ota/ota.h"
#include "plan.h"
#include "report.h"
#include "slot.h"

/* Where the steps ask policy: with OTA_POLICY policy_on.h, else policy_off.h. */
#ifndef OTAI_POLICY_HEADER
#define OTAI_POLICY_HEADER "policy_on.h"
#endif

/* The build chooses whether components depend on one another (OTA_RELATIONS). */
#ifndef OTAI_RELATIONS_HEADER
#define OTAI_RELATIONS_HEADER "relations_on.h"
#endif

/* Whether there is a hawkBit check-in (OTA_HAWKBIT): hawkbit_on.h or hawkbit_off.h. */
#ifndef OTAI_HAWKBIT_HEADER
#define OTAI_HAWKBIT_HEADER "hawkbit_on.h"
#endif
#include OTAI_HAWKBIT_HEADER

/* Whether what runs is watched after boot (OTA_MONITOR): monitor_on.h or monitor_off.h. */
#ifndef OTAI_MONITOR_HEADER
#define OTAI_MONITOR_HEADER "monitor_on.h"
#endif
#include OTAI_MONITOR_HEADER

/* The build chooses what images may be packed with. */
#ifndef OTAI_UNPACK_HEADER
#define OTAI_UNPACK_HEADER "unpack_deflate.h"
#endif
#include OTAI_UNPACK_HEADER

/* A row of the table: what a state does and where each kind of result leads. */
struct otai_row {
    const char *name;
    ota_err (*step)(struct ota *a);
    uint8_t done, same, retry, reject, device;   /* next state; OTA_ST_COUNT = this result cannot come */
    bool journal;                  /* entering it is always journaled first; others only when a->dirty */
    uint8_t resume;                /* where an agent goes on that finds this state in the journal */
};

extern const struct otai_row otai_rows[OTA_ST_COUNT];

/* START's done edge: the resume column of the journaled state decides. */
#define OTAI_ST_RESUME ((uint8_t)(OTA_ST_COUNT + 1))

/* Phases inside TRUST. */
enum otai_trust_phase {
    OTAI_TRUST_NEXT,      /* choose the next goal */
    OTAI_TRUST_PUMP,      /* bring TUF what it wants */
    OTAI_TRUST_BODY,      /* metadata is arriving */
    OTAI_TRUST_POINTER,   /* the pointer file is arriving */
    OTAI_TRUST_IDENTIFY   /* hash what runs, where nobody knows what it is */
};

/* Memory of TRUST, laid over the shared region. What is small and often used comes first, as in struct ota. */
struct otai_trust {
    enum otai_trust_phase phase;
    bool have_pointer, have_feed, refreshed;
    uint8_t repo;                 /* repository that `tuf` works on */
    uint8_t image;                /* goal: index in pointer, or count when a pointer is the goal */
    uint8_t resolved;             /* bit per pointer image that became part of the release */
    uint8_t probed;               /* bit per component whose running slot was hashed */
    struct ota_tuf *tuf;
    struct ota_tuf_want want;
    size_t fill;                  /* bytes of the file under way */
    uint8_t *pointer_buf;
    void *tuf_mem;
    size_t tuf_len;
    uint64_t pointer_len;
    int64_t now_s;                /* fixed for the whole cycle */
    int64_t fresh_until_s;
    char etag[OTA_ETAG_MAX];      /* of repos[0]'s timestamp */
    char file[OTA_PATH_MAX + 72]; /* pointer's file */
    uint8_t pointer_sha256[OTA_SHA256_LEN];
    struct otai_pointer pointer;  /* the group's, with the feed's images appended */
    struct otai_seal seal;
    bool assigned;                /* the group is known: nothing signed says it, or what does was read */
    uint8_t shard;                /* where the shard's name begins in scope */
    char scope[OTA_NAME_MAX + 8]; /* of the director's shard: "<product>/<shard>" */
};

/* A delta on its way (patch.c). */
struct otai_patch {
    struct ota_delta_base base;     /* first: the decoder hands it back to read the old image */
    struct ota_slot *slot;          /* that runs */
    int32_t port_code;              /* of its last failure */
    struct ota_delta *delta;        /* NULL: this is no delta */
    void *mem;
    uint8_t *state;                 /* room for a record with the decoder's state */
    size_t state_cap;
};

/* An image that comes by index (ranges.c). */
struct otai_ranges {
    struct otai_index index;
    struct ota_slot *old, *spare;       /* that runs; that is written */
    struct ota_slot_geometry geometry;  /* of the one that runs */
    uint8_t phase;
    bool again;                         /* the block under way came wrong once */
    uint32_t unit;                      /* of the spare slot: nothing smaller is written or erased */
    size_t have;                        /* bytes of the block under way */
    uint64_t at, end;                   /* of what is looked through or fetched */
    uint64_t reused;                    /* bytes that were there already */
    char etag[OTA_ETAG_MAX];            /* of the plain image */
};

/* Memory of DOWNLOAD. */
struct otai_download {
    bool open;
    bool checking;                  /* that the slot that runs is the delta's base */
    struct otai_seal base;
    struct otai_patch patch;
    struct otai_ranges *ranges;     /* NULL: no index */
    struct otai_unpack *unpack;     /* neither it, nor patch.delta, nor ranges: plain */
    uint32_t unit;                  /* bytes between checkpoints, a power of two */
    uint8_t *in;
    size_t in_cap, in_len, in_off;
    uint8_t *out;                   /* decoded bytes on their way to the writer */
    size_t out_cap;
    bool body_done, stream_done;
    bool told;                      /* that the server ignored the range */
    struct otai_writer writer;
};

/* Memory of REPORT. */
struct otai_sending {
    bool open;
    struct otai_ring ring;
    uint8_t scratch[OTAI_REPORTS_BYTES];
    char body[OTAI_REPORT_BODY_MAX];
    char name[OTAI_REPORT_NAME_MAX];
};

/* What builds with OTA_FLEET add, or that there is nothing of it: a header of this folder, so that no branch is an #ifdef. */
#ifndef OTAI_FLEET_HEADER
#define OTAI_FLEET_HEADER "fleet_on.h"
#endif

/* Memory of policy (policy_on.h). */
struct otai_policy_memory {
    uint64_t look_ms;                  /* DOWNLOAD: not before this */
    uint64_t cycle_ms;                 /* when this check-in began */
    uint64_t bytes;                    /* image bytes that the deployment comes to with the plan at hand */
    uint32_t kept;                     /* OTA_HOLD bits that this check-in found so far */
    uint32_t left_s;                   /* of the deferral that an update meets */
    uint32_t early_s;                  /* granted before the journal was read */
    bool whole;                        /* the plan at hand is a whole image */
    bool waits;                        /* the restart is held back */
    bool new_update;
    bool sealed[OTA_COMPONENTS_MAX];   /* when READY was left for a check-in */
};

/* Small and often used members come first: instructions of small machines reach only the first kilobytes. */
#define OTAI_CLOCK_SLACK_S 300 /* how far the device's clock may be behind the signer's */

struct ota_package_want;
struct ota {
    enum ota_state state;
    bool busy;                       /* `region` belongs to the current state's memory */
    bool asked;                      /* ota_check_now() */
    bool dirty;                      /* a->j changed: the next state change writes it */
    bool restart_asked;
    bool backing_off;
    uint8_t failures;                /* failed check-ins in a row: exponent of the back-off */
    volatile bool cancel;
    enum otai_app_word app_word;
    int32_t app_reason;
    union {
        struct otai_trust *trust;
        struct otai_download *download;
        struct otai_seal *seal;
        struct otai_sending *sending;
    } m;
    struct ota_config cfg;           /* defaults filled in; its ports are what is used most */
    uint8_t *scratch;                /* OTAI_JOURNAL_MAX */
    uint8_t *region;                 /* memory of one state at a time */
    size_t region_len;
    ota_err cycle;                   /* what this check-in came to: first failure, or DONE/SAME */
    ota_err result;                  /* of the last finished check-in, for ota_run() */
    struct ota_wait wait;
    uint32_t reports_kept;
    uint64_t due_ms;                 /* next check-in */
    uint64_t floor_ms;               /* when j.time_floor_s was read or rose */
    uint64_t defer_until_ms;
    uint64_t trial_began_ms;
    int64_t retry_after_s;           /* the server's wish; -1 = none */
    struct ota_fault fault;          /* newest failure */
    struct ota_boot_view view;       /* as last read */
    bool sealed[OTA_COMPONENTS_MAX];
    uint8_t wrong_base[OTA_COMPONENTS_MAX];   /* a bit per source of its image in the release */
    struct ota_plan plan;
    struct otai_journal j;
    struct ota_image image[OTA_COMPONENTS_MAX];
    struct ota_offer offer;
    struct ota_release release;
    struct otai_fetch fetch;
    uint64_t rate_free_us;           /* no byte is read before it: limits.rate_bps */
    const struct ota_package_want *const *packages; /* one per component, or NULL */
    OTAI_HB_MEMBER
    OTAI_MONITOR_MEMBER
    const char *configured_group;    /* cfg.group as it came; cfg.group is what counts now */
    char group[OTA_NAME_MAX];        /* that a director assigned */
    struct otai_policy_memory policy;
};

/* config.c: check, fill defaults, measure. */
OTA_MUST_CHECK ota_err otai_config_check(const struct ota_config *in, struct ota_config *out, struct ota_fault *fault);
size_t otai_region_len(const struct ota_config *cfg);

/* machine.c */
OTA_MUST_CHECK ota_err otai_enter(struct ota *a, uint8_t next);       /* the one place where the state changes */
OTA_MUST_CHECK ota_err otai_save(struct ota *a);                      /* journal a->j */
/* Note a failure and give its code back. A step that got its failure from a stage, which wrote the place into a->fault
 * itself, returns it as it is: the step loop adds state and component. */
ota_err otai_fail(struct ota *a, ota_err err, const char *where);
ota_err otai_fail_port(struct ota *a, ota_err err, const char *where, int32_t port_code);
void otai_fault_clear(struct ota_fault *f);
void otai_event(struct ota *a, enum ota_event ev, int64_t x, int64_t y);
void otai_note(struct ota *a, enum ota_event ev, uint32_t x, uint32_t y);   /* the same for small numbers */
uint64_t otai_now_ms(const struct ota *a);
/* The wall clock, if it can be believed. OTA_OK, RETRY_CLOCK */
OTA_MUST_CHECK ota_err otai_believed_time(struct ota *a, int64_t *now_s);
/* Signed metadata says that this time has passed. */
void otai_time_passed(struct ota *a, int64_t utc_s);
bool otai_unfinished(const struct ota *a);
const struct ota_release_image *otai_image_of(const struct ota *a, size_t component);   /* of the release, or NULL */
bool otai_net_ready(const struct ota *a);
void otai_digest_copy(uint8_t to[OTA_SHA256_LEN], const uint8_t from[OTA_SHA256_LEN]);
void otai_installed_set(struct otai_installed *now, const uint8_t sha256[OTA_SHA256_LEN], const char *version);
const char *otai_running(const struct ota *a, size_t component);      /* version text, or NULL */
void otai_deployment_confirmed(struct ota *a);                        /* a->j.deployment is what runs from now on */
/* Take the region for this state, with a zeroed head; the rest is for its buffers. None is ever NULL: otai_region_len() has
 * room for what each state takes, and plans keep to the limits. */
void *otai_region(struct ota *a, size_t len, struct otai_arena *rest);
size_t otai_power_of_two_below(size_t n);                             /* the largest that is not above n > 0 */
void otai_release_region(struct ota *a);                              /* end the exchange, forget the region */
ota_err otai_look(struct ota *a);                                     /* read a->view */
ota_err otai_fetch_failed(struct ota *a, ota_err err, const char *where);
ota_err otai_fail_in(struct ota *a, ota_err err, const char *what, const struct ota_fault *why);
/* Begin an exchange: OTA_AGAIN, or the failure. */
ota_err otai_get(struct ota *a, const struct otai_fetch_job *job, const char *where);
/* Go on with it: OTA_OK with bytes, OTA_DONE, OTA_SAME, OTA_AGAIN (waits for the network), or the failure. */
ota_err otai_receive(struct ota *a, void *buf, size_t cap, size_t *got, const char *where);
ota_err otai_again_in(struct ota *a, uint64_t ms);                    /* OTA_AGAIN alone means: at once */
ota_err otai_wait_net(struct ota *a);                                 /* OTA_AGAIN when the network has news */

/* wait.c; wait_fleet.c has only the last one of them */
uint32_t otai_backoff_s(uint32_t base_s, uint32_t cap_s, uint32_t failures, uint32_t random);
uint32_t otai_poll_s(uint32_t poll_s, uint32_t random);
void otai_schedule(struct ota *a, ota_err cycle);

/* the steps */
ota_err otai_step_start(struct ota *a);
ota_err otai_step_idle(struct ota *a);
ota_err otai_step_poll(struct ota *a);
ota_err otai_step_trust(struct ota *a);
ota_err otai_step_plan(struct ota *a);
ota_err otai_step_download(struct ota *a);
ota_err otai_step_seal(struct ota *a);
ota_err otai_step_ready(struct ota *a);
ota_err otai_step_arm(struct ota *a);
ota_err otai_step_reboot(struct ota *a);
ota_err otai_step_trial(struct ota *a);
ota_err otai_step_confirm(struct ota *a);
ota_err otai_step_revert(struct ota *a);
ota_err otai_step_refuse(struct ota *a);
ota_err otai_step_report(struct ota *a);
ota_err otai_step_fault(struct ota *a);

/* step_trust.c, trust_settle.c */
ota_err otai_trust_go_on(struct ota *a);
ota_err otai_trust_identify(struct ota *a);
ota_err otai_trust_settle(struct ota *a);
ota_err otai_trust_nothing(struct ota *a);
/* SHA-256 of two pieces. */
OTA_MUST_CHECK ota_err otai_trust_digest(struct ota *a, const void *x, size_t x_len, const void *y, size_t y_len,
                                         uint8_t out[OTA_SHA256_LEN]);

/* patch.c, or patch_none.c in builds without deltas: the most that a decoder may need, and the memory that it takes with
 * its saved state, 0 = no deltas. Begin, or go on from the saved state, which sets the plan's offsets; decode into d->out,
 * at most cap bytes; where the source would be taken up again; save the state behind what is durable in the slot; drop it. */
uint32_t otai_delta_memory(const struct ota_limits *limits);
size_t otai_patch_len(const struct ota_limits *limits);
OTA_MUST_CHECK ota_err otai_patch_open(struct ota *a, struct otai_patch *p, struct otai_arena *rest,
                                       const struct ota_slot_geometry *g);
OTA_MUST_CHECK ota_err otai_patch_push(struct ota *a, struct otai_download *d, size_t cap, size_t *made);
uint64_t otai_patch_src(const struct otai_patch *p);
OTA_MUST_CHECK ota_err otai_patch_save(struct ota *a, struct otai_patch *p);
void otai_patch_forget(struct ota *a);
/* Look whether the slot that runs holds the delta's base: AGAIN, DONE, SAME (it does not: plan without it), or a failure. */
OTA_MUST_CHECK ota_err otai_patch_begin_check(struct ota *a, struct otai_download *d);
OTA_MUST_CHECK ota_err otai_patch_check(struct ota *a, struct otai_download *d);

/* ranges.c, or ranges_none.c in builds without indexes: the memory that the search may use, 0 = none; what it takes in all.
 * Begin, and go on until DONE; SAME: the index is of no use here, plan without it. */
uint32_t otai_ranges_memory(const struct ota_limits *limits);
size_t otai_ranges_len(const struct ota_limits *limits);
OTA_MUST_CHECK ota_err otai_ranges_open(struct ota *a, struct otai_download *d, struct otai_arena *rest);
OTA_MUST_CHECK ota_err otai_ranges_step(struct ota *a);

/* detour.c, or detour_none.c in builds with neither: the source is of no use with what this device holds: SAME, plan again
 * without it. What DOWNLOAD or SEAL came to; SAME instead of a rejection: a delta or an index was bad, plan without it. */
ota_err otai_leave_source(struct ota *a);
OTA_MUST_CHECK ota_err otai_source_result(struct ota *a, ota_err err);

/* step_install.c, for ranges.c: where the plan's files are; make what was written durable and journal it, with the source
 * byte from which to go on; is it time to? */
const struct ota_repo *otai_repo_of_plan(const struct ota *a);
OTA_MUST_CHECK ota_err otai_checkpoint(struct ota *a, uint64_t src_off);
bool otai_at_checkpoint(const struct ota *a, uint64_t pos);

/* Names of TUF records in the store: "<repo>.<role>.json". */
OTA_MUST_CHECK ota_err otai_record_name(const char *repo, const char *role, char out[OTA_STORE_NAME_MAX]);

/* Whether images may have to be packages. */
#ifndef OTAI_PACKAGE_HEADER
#define OTAI_PACKAGE_HEADER "package_off.h"
#endif
#include OTAI_PACKAGE_HEADER

#endif
