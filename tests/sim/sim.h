/* SPDX-License-Identifier: Apache-2.0 */
/* A whole device in one value: slots, store, boot control, clock, health check, network and a boot ROM, with the agent
 * running on it. Two clocks tick inside: `ops` counts what is durable (store writes and removals, slot erases, writes
 * and syncs, boot record changes, the boot ROM's own among them); `calls` counts every call of a storage port. The power
 * can be cut at any op, and any call can be made to fail.
 *
 * What must hold at any time is checked as it happens; the first thing that did not hold is in `broken`. */
#ifndef SIM_H
#define SIM_H

#include "ota/boot_record.h"
#include "ota/ota.h"
#include "sim_cloud.h"

#define SIM_COMPONENTS 2
#define SIM_SLOT_MAX 16384
#define SIM_SIZE_MAX (SIM_SLOT_MAX - 512)
#define SIM_RECORDS_MAX 24
#define SIM_RECORD_MAX 8192
#define SIM_REPORTS_MAX 24
#define SIM_WORKSPACE 262144
#define SIM_FAULTS_MAX 4

struct sim;

/* ---- durable state ---- */

struct sim_record {
    char name[OTA_STORE_NAME_MAX];
    size_t len;
    uint8_t data[SIM_RECORD_MAX];
};

struct sim_store {
    struct ota_store port;
    struct sim *dev;
    size_t count;
    struct sim_record record[SIM_RECORDS_MAX];
};

struct sim_slot {
    struct ota_slot port;
    struct sim *dev;
    uint8_t component, index;
    struct ota_slot_geometry geometry;
    bool unsynced;
    uint8_t data[SIM_SLOT_MAX];       /* what is read */
    uint8_t synced[SIM_SLOT_MAX];     /* what is certain to survive */
};

struct sim_boot {
    struct ota_boot port;
    struct sim *dev;
    struct ota_boot_record record;
};

/* ---- the rest of the hardware ---- */

struct sim_clock {
    struct ota_clock port;
    struct sim *dev;
    uint64_t ms, boot_ms;     /* since the simulation began; at the last start */
    int64_t utc_s;            /* wall clock at ms == 0; INT64_MIN: not known */
};

struct sim_health {
    struct ota_health port;
    struct sim *dev;
};

struct sim_log {
    struct ota_log port;
    struct sim *dev;
    uint32_t count[64];       /* by event number */
    int64_t last_a[64];       /* first integer of the newest event with that number */
    struct ota_fault fault;   /* newest */
};

struct sim_crypto {
    struct ota_crypto port;
    struct sim *dev;
    uint32_t random;
};

/* What a server or the way to it does wrong, for requests whose URL contains `match`. */
enum sim_net_fault {
    SIM_NET_STATUS = 1,     /* answers with status `arg` */
    SIM_NET_BUSY,           /* 429 with Retry-After `arg` */
    SIM_NET_UNREACHABLE,    /* no connection */
    SIM_NET_STALL,          /* never answers */
    SIM_NET_DROP,           /* the connection breaks at the `arg`-th read of the body, from 1 */
    SIM_NET_WHOLE,          /* range ignored: 200 and the whole file */
    SIM_NET_RANGE_OFF,      /* 206 with a range that begins one byte later */
    SIM_NET_RANGE_TOTAL,    /* 206 with another total length */
    SIM_NET_LONGER,         /* `arg` bytes more than the file has, said in the head */
    SIM_NET_LONGER_UNSAID,  /* the same without a Content-Length */
    SIM_NET_SHORTER,        /* `arg` bytes less, said in the head */
    SIM_NET_SHORTER_UNSAID, /* the same without a Content-Length */
    SIM_NET_FLIP,           /* byte `arg` of the file has one bit changed */
    SIM_NET_REDIRECT,       /* 302 to `text` */
    SIM_NET_NEW_ETAG,       /* another entity tag than the file's, and the file as a whole */
    SIM_NET_NO_ACK          /* takes a PUT, then the connection breaks */
};

struct sim_fault {
    enum sim_net_fault kind;
    const char *match;
    int64_t arg;
    const char *text;
    uint32_t skip;      /* matching requests that go well before */
    uint32_t times;     /* then so many go wrong; 0 = all */
    uint32_t seen;
};

struct sim_net {
    struct ota_net port;
    struct sim *dev;
    bool down;                   /* no network: ready() says so */
    size_t chunk;                /* bytes that one read gives at most */
    struct sim_fault fault[SIM_FAULTS_MAX];
    /* the exchange under way */
    bool open, answered;
    const struct sim_fault *bad;
    struct ota_net_request req;
    const struct sim_file *file;
    uint64_t at, end;
    uint32_t reads;
    /* what went over the wire */
    uint32_t requests, conditional;
    uint64_t sent, received;     /* bytes of heads and bodies */
    uint64_t image_bytes;        /* body bytes of images */
    uint32_t image_reads;        /* reads that gave image bytes */
};

struct sim_report {
    uint32_t id, puts;
    size_t len;
    char body[1024];
};

/* How the power goes. */
enum sim_shape {
    SIM_CUT_KEEP = 0,   /* the op is lost, all before it are kept */
    SIM_CUT_DROP = 1,   /* and what was not synced is lost as well */
    SIM_CUT_TORN = 2    /* half of a slot op lands; a record is old or new as a whole, so here the op is lost */
};

enum sim_end {
    SIM_IDLE,         /* nothing to do before the next check-in */
    SIM_BACKING_OFF,  /* idle after failures, still, after several tries */
    SIM_HELD,         /* waits for an application's word or the end of a deferral that no one ends */
    SIM_POWER_LOST,   /* the cut that was asked for happened */
    SIM_STUCK         /* more starts or steps than any update needs */
};

struct sim {
    const struct sim_cloud *cloud;   /* knows every image that was ever published */
    struct sim_web web;              /* what the server holds now */
    size_t components;
    struct sim_store store;
    struct sim_slot slot[SIM_COMPONENTS][2];
    struct sim_boot boot;
    struct sim_clock clock;
    struct sim_health health;
    struct sim_log log;
    struct sim_crypto crypto;
    struct sim_net net;
    /* configuration; change it before the first run, or after sim_kill() */
    struct ota_config cfg;
    struct ota_component component[SIM_COMPONENTS];
    struct ota_repo repo[2];
    /* the agent */
    struct ota *agent;               /* NULL: not running */
    ota_err init_err;
    bool judged_by_app;              /* no health port */
    /* called before every step, may call the agent's public functions or change the world */
    void (*on_step)(struct sim *dev);
    void *context;
    uint32_t steps;                  /* in all */
    uint32_t kill_at;                /* the agent is killed before this step and started again; 0 = never */
    /* faults of storage */
    uint32_t ops, cut_at;            /* 0 = never */
    enum sim_shape shape;
    bool off;                        /* the power is off */
    uint32_t calls, fail_at;         /* 0 = never */
    bool fail_on;                    /* every call from fail_at on fails */
    ota_err fail_with;               /* for the store [DEVICE_STORE]; slots and boot control have one code each */
    uint32_t failed;                 /* calls that were made to fail */
    /* what happened */
    const char *broken;              /* first rule that did not hold; NULL = all did */
    uint32_t starts;                 /* of the device */
    uint32_t bad_starts[SIM_IMAGES_MAX];   /* starts of images that are not healthy, by image */
    uint32_t slot_writes, store_writes;
    size_t report_count;
    struct sim_report report[SIM_REPORTS_MAX];
    max_align_t workspace[SIM_WORKSPACE / sizeof(max_align_t)];
};

/* A device fresh from the factory that runs image[0..components-1] in its first slots. Geometry: write unit 16, erase
 * unit 512. */
void sim_open(struct sim *dev, const struct sim_cloud *cloud, const struct sim_image *const *image, size_t components);

/* Let the agent check in, and go on until it is idle: through restarts, back-offs and a few check-ins. Begins with a
 * start of the device unless the agent is still running. */
enum sim_end sim_run(struct sim *dev);
/* The same, but one check-in only: a back-off is not waited for. */
enum sim_end sim_check_in(struct sim *dev);
/* Start the device and the agent, and do nothing else: for tests that call the agent themselves. false: it does not come up. */
bool sim_start(struct sim *dev);
/* Power is back after SIM_POWER_LOST: the next run starts the device. */
void sim_restore_power(struct sim *dev);
/* End the agent as SIGKILL would. The next run starts it again, on the running device. */
void sim_kill(struct sim *dev);
/* End the agent and start the device again at the next run. */
void sim_power_cycle(struct sim *dev);

/* Add a fault of the network. The last one that was added counts first. */
void sim_net_fault(struct sim *dev, struct sim_fault fault);
void sim_net_heal(struct sim *dev);

/* What the device would start now, or runs: NULL if the confirmed slot holds no whole image. */
const struct sim_image *sim_confirmed(const struct sim *dev, size_t component);
const struct sim_image *sim_running(const struct sim *dev, size_t component);
/* Newest report that reached the server; NULL = none. */
const struct sim_report *sim_last_report(const struct sim *dev);
/* Does the report have this member with this value? value as in the JSON text. */
bool sim_report_has(const struct sim_report *r, const char *member, const char *value);
struct ota_status sim_status(const struct sim *dev);
uint32_t sim_events(const struct sim *dev, enum ota_event ev);

/* shared inside tests/sim */
bool sim_durable(struct sim *dev);              /* an op is about to happen: false = it is lost */
bool sim_call_ok(struct sim *dev);              /* a storage call begins: false = it fails */
void sim_break(struct sim *dev, const char *rule);
void sim_ports_open(struct sim *dev);
void sim_net_open(struct sim *dev);
void sim_crypto_open(struct sim *dev);

#endif
