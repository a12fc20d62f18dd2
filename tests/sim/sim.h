/* SPDX-License-Identifier: Apache-2.0 */
/* A whole device in one value: slots, store, boot control, clock, health check, network and a boot ROM, with the agent
 * running on it. Two clocks tick inside: `ops` counts what is durable (store writes and removals, slot erases, writes
 * and syncs, boot record changes, the boot ROM's own among them); `calls` counts every call of a storage port. The power
 * can be cut at any op in any shape of sim_medium.h, and any call can be made to fail.
 *
 * sim_open() makes the device of tests/flow, with flash slots and records that are old or new as a whole.
 * sim_open_as() makes others: see struct sim_geometry. There the store, the boot record and the slots can be files, and
 * then it is the code of ports/posix that runs, on the files of sim_fs.h, and each of its system calls is an op.
 *
 * A device is a plain value: sim_copy() clones it, without the agent, at any moment; that is how tests/powercut explores.
 *
 * What must hold at any time is checked as it happens; the first thing that did not hold is in `broken`. */
#ifndef SIM_H
#define SIM_H

#include "ota/boot_record.h"
#include "ota/ota.h"
#include "ota_cuts.h"
#include "sim_cloud.h"
#include "sim_fs.h"
#include "sim_medium.h"

#define SIM_COMPONENTS 2
#define SIM_BLOCKS_MAX 128
#define SIM_OWN_MAX 21   /* the last one is a world's */
#define SIM_SIZE_MAX (SIM_SLOT_MAX - 512)
#define SIM_RECORDS_MAX 24
#define SIM_RECORD_MAX (SIM_DELTA_MEMORY + 256)
#define SIM_DELTA_MEMORY 32768   /* what a delta's decoder may use */
#define SIM_REPORTS_MAX 24
#define SIM_RAM 16384            /* of ports that are tested */
#define SIM_WORKSPACE 524288
#define SIM_FAULTS_MAX 4

struct sim;

/* Ports to test, on a flash that the device has for them alone. Those that the rig (ota_cuts.h) has a function for take
 * the place of the device's own: the store; the boot control, whose function also does the boot loader's part; and the
 * second slot of component 0. */
struct sim_rig {
    uint32_t size, write_unit, erase_unit;   /* of the flash, at most SIM_CHIP_MAX */
    size_t ram;                              /* that the ports need, at most SIM_RAM */
    /* The power comes. All that the ports know lies in `ram`, which holds zeros: several devices live at the same time. */
    struct ota_cut_rig *(*open)(void *ram, struct ota_cut_flash *flash);
};

/* How a device keeps its bytes. A 0 takes the default in brackets. */
struct sim_geometry {
    const char *name;
    uint32_t write_unit, erase_unit;   /* of flash slots [16; 0 = no erase needed] */
    uint32_t slot_size[2];             /* [SIM_SLOT_MAX] */
    uint8_t erased;                    /* what erased bytes read as */
    uint32_t io, block, window_bits;   /* limits of the agent [512, 2048, 10] */
    bool files;                        /* store and boot record are files of ports/posix */
    bool slot_files;                   /* slots, too */
    const struct sim_rig *rig;         /* ports to test; they outlive the device */
};

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
    uint16_t erases[SIM_BLOCKS_MAX];
    uint8_t data[SIM_SLOT_MAX];       /* what is read */
    uint8_t synced[SIM_SLOT_MAX];     /* what is certain to survive */
};

struct sim_boot {
    struct ota_boot port;
    struct sim *dev;
    struct ota_boot_record record;    /* with files: what they say */
};

/* The ports that are tested, as long as the device runs. */
struct sim_rigged {
    struct ota_cut_flash flash;
    struct sim *dev;
    struct ota_store *store;          /* NULL: the device's own */
    struct ota_slot *slot;
    struct ota_slot_geometry geometry; /* its own; the device's slot in its place stays as large as it was */
    struct ota_boot *boot;
    max_align_t ram[SIM_RAM / sizeof(max_align_t)];
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
    int64_t last_b[64];       /* and its second one */
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
    SIM_NET_RANGE_SHORT,    /* 206 with the first 100 bytes of the range */
    SIM_NET_RANGE_OPEN,     /* 206 to the end of the file, whatever was asked for */
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
    uint32_t ranges;             /* answers with a part of a file */
};

struct sim_report {
    uint32_t id, puts;
    size_t len;
    char body[2048];
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
    const struct sim_web *site;      /* what the server holds now; NULL: `web` */
    struct sim_web web;
    size_t components;
    struct sim_store store;
    struct sim_slot slot[SIM_COMPONENTS][2];
    struct sim_boot boot;
    struct sim_clock clock;
    struct sim_health health;
    struct sim_log log;
    struct sim_crypto crypto;
    struct sim_net net;
    struct sim_geometry geometry;
    struct sim_medium medium;        /* files, and what waits for a sync */
    struct sim_fd fd[SIM_FDS_MAX];
    struct ota_posix_store files;    /* the store over files, */
    struct ota_posix_boot boot_file; /* the boot control over a file, */
    struct ota_posix_slot slot_file[SIM_COMPONENTS][2]; /* and slots in files */
    struct sim_rigged rigged;        /* ports to test */
    /* configuration; change it before the first run, or after sim_kill() */
    struct ota_config cfg;
    struct ota_component component[SIM_COMPONENTS];
    struct ota_repo repo[2];
    /* the agent */
    struct ota *agent;               /* NULL: not running */
    ota_err init_err;
    bool judged_by_app;              /* no health port */
    bool spare_app;                  /* component 1 is removable */
    /* called before every step, may call the agent's public functions or change the world */
    void (*on_step)(struct sim *dev);
    void *context;
    /* called at every start of the device, when its slots are chosen */
    void (*on_start)(struct sim *dev);
    uint32_t own[SIM_OWN_MAX];       /* its own: survives a cut, and is copied with the device */
    uint32_t phase;                  /* the hook's own: it survives a cut, and is copied with the device */
    uint64_t since_ms;
    /* called at every op, before it happens */
    void (*on_op)(struct sim *dev, const struct sim_op *op, const void *data);
    uint32_t depth;                  /* the explorer's own: cuts so far */
    uint32_t steps;                  /* in all */
    uint32_t kill_at;                /* the agent is killed before this step and started again; 0 = never */
    /* faults of storage */
    uint32_t ops, cut_at;            /* 0 = never */
    enum sim_shape shape;
    uint32_t seed;                   /* of shapes with dice */
    struct sim_op cut_was;           /* the op at which the power went */
    bool disk_full;                  /* records and files cannot grow */
    bool rotten;                     /* a slot was damaged on purpose: starting it fails, as a crash does */
    bool tell;                       /* a log on stderr, also by SIM_LOG=1 in the environment */
    bool restart_drops;              /* a restart loses what waits, as a watchdog's reset does */
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
/* The same with another geometry, which must outlive nothing: it is copied. */
void sim_open_as(struct sim *dev, const struct sim_cloud *cloud, const struct sim_image *const *image, size_t components,
                 const struct sim_geometry *geometry);
/* `to` becomes a device like `from`: what it keeps, what waits, its clock, network, server, reports, configuration and
 * hooks, but no agent: the next run starts it. */
void sim_copy(struct sim *to, const struct sim *from);
/* A hash of some bytes, going on from h. */
uint64_t sim_mix(uint64_t h, const void *data, size_t len);
/* A hash of all that decides how a device goes on from a start: durable bytes, clock, server, reports, bad starts. */
uint64_t sim_state_hash(const struct sim *dev);

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
bool sim_call_ok(struct sim *dev);              /* a storage call begins: false = it fails */
void sim_check_change(struct sim_slot *s, uint64_t off, uint64_t len, uint32_t unit);
void sim_boot_refresh(struct sim *dev);         /* boot.record becomes what the file says */
bool sim_boot_rom(struct sim *dev);             /* choose the slots of this start; false: the power went, or a rule broke */
void sim_rig_open(struct sim *dev);             /* the flash below ports that are tested is there, and the power is off */
bool sim_rig_start(struct sim *dev);            /* they come up; false: the power went, or a rule broke */
void sim_rig_refresh(struct sim *dev);          /* boot.record becomes what their boot control says */
void sim_rig_look(const struct sim *dev, uint8_t out[SIM_SLOT_MAX]);   /* the first bytes of their slot */
const struct sim_web *sim_site(const struct sim *dev);
void sim_break(struct sim *dev, const char *rule);
void sim_ports_open(struct sim *dev);
void sim_boot_open(struct sim *dev);
void sim_net_open(struct sim *dev);
void sim_crypto_open(struct sim *dev);

#endif
