/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps bytes when the power goes, and what does not. Slots, files and one directory are objects; each has what is
 * read now and what is certain to survive. Every change is one numbered op. It waits in a log until its object is synced;
 * a power cut decides, by its shape, which of the waiting ops and how much of the one in flight become durable. */
#ifndef SIM_MEDIUM_H
#define SIM_MEDIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_SLOT_MAX 16384
#define SIM_FILE_MAX 33280   /* the saved state of a delta is the largest */
#define SIM_FILES_MAX 28
#define SIM_NAMES_MAX 28
#define SIM_NAME_MAX 48
#define SIM_CHIP_MAX 131072 /* the flash below ports that are tested */
#define SIM_LOG_MAX 96
#define SIM_LOG_BYTES 131072

struct sim;

/* How the power goes at an op, and, from SIM_BAD_SILENT on, what else can go wrong there while the device runs on.
 * "Waiting" ops are those that no sync has made durable yet. */
enum sim_shape {
    SIM_CUT_KEEP = 0,        /* the op is lost, all before it are durable */
    SIM_CUT_DROP = 1,        /* the op and all that waits is lost */
    SIM_CUT_TORN = 2,        /* the first half of the op lands, all before it is durable */
    SIM_CUT_TORN_DROP = 3,   /* the first half of the op lands, all that waits is lost */
    SIM_CUT_LAST = 4,        /* the op is durable, all that waits is lost: reordering */
    SIM_CUT_NOT_FIRST = 5,   /* all but the first of what waits is durable, the op too */
    SIM_CUT_ONE_BEFORE = 6,  /* of all that waits only the last is durable; the op is lost */
    SIM_CUT_RANDOM = 7,      /* each is lost, torn or durable, by a seed */
    SIM_CUT_GARBAGE = 8,     /* the op's whole block holds neither old nor new bytes */
    SIM_CUT_OTHER_HALF = 9,  /* the second half of the op lands: half an erase, a write torn from behind */
    SIM_CUT_DISTURB = 10,    /* the op is lost, and one bit elsewhere in its block flips */
    SIM_CUT_NAMES_FIRST = 11,/* the directory is durable, data that waits is not: a rename before its data */
    SIM_CUT_ZEROS = 12,      /* lengths are durable, data that waits reads as zeros */
    SIM_CUT_NO_NAMES = 13,   /* data is durable, changes of the directory are lost */
    SIM_CUTS,
    SIM_BAD_SILENT = 14,     /* a slot write says ok and does nothing */
    SIM_BAD_DONE = 15,       /* the op is done and says that it failed */
    SIM_BAD_FAIL = 16,       /* the op is not done and says so */
    SIM_BAD_SYNC = 17,       /* a sync of a file fails once; what waited never becomes durable, and the next sync says ok */
    SIM_BAD_FULL = 18,       /* no space is left, once */
    SIM_BAD_SHORT = 19,      /* a write takes half, a sync is interrupted by a signal: not an error */
    SIM_SHAPES
};

enum sim_kind { SIM_OP_WRITE, SIM_OP_ERASE, SIM_OP_SYNC, SIM_OP_CREATE, SIM_OP_UNLINK, SIM_OP_RENAME, SIM_OP_RECORD, SIM_OP_KINDS };

/* Objects: slots first, then files, then the directory; SIM_OBJ_NONE is a record that is old or new as a whole;
 * SIM_OBJ_CHIP is the flash below ports that are tested. */
#define SIM_OBJ_FILE 4
#define SIM_OBJ_DIR 250
#define SIM_OBJ_NONE 251
#define SIM_OBJ_CHIP 252

struct sim_op {
    uint8_t kind, object;
    uint8_t name, to, file;   /* directory ops: names and the file */
    uint32_t off, len;
    uint32_t data;            /* of a write: place in the log's bytes */
};

/* What the device makes of an op. */
enum sim_does {
    SIM_DOES,        /* it is done and says so */
    SIM_LOST,        /* the power is off */
    SIM_FAILS,       /* it is not done, and fails */
    SIM_DOES_FAILS,  /* it is done, and fails */
    SIM_LIES,      /* it is not done, and says that it is */
    SIM_FULL,        /* it is not done: no space */
    SIM_SHORT        /* it is half done and says so */
};

struct sim_file_body {
    uint32_t len, safe_len;
    bool dirty;                    /* now and safe may differ */
    uint8_t now[SIM_FILE_MAX];
    uint8_t safe[SIM_FILE_MAX];
};

/* One directory; a name's entry is the file's number plus one, 0 = no such file. Names are never forgotten. */
struct sim_dir {
    uint8_t names;
    char name[SIM_NAMES_MAX][SIM_NAME_MAX];
    uint8_t now[SIM_NAMES_MAX], safe[SIM_NAMES_MAX];
};

struct sim_log_ops {
    uint32_t count, bytes;
    struct sim_op op[SIM_LOG_MAX];
    uint8_t data[SIM_LOG_BYTES];
};

/* A flash whose erased bytes are 0xff. size 0: the device has none. */
struct sim_chip {
    uint32_t size, block;
    uint8_t now[SIM_CHIP_MAX], safe[SIM_CHIP_MAX];
};

struct sim_medium {
    struct sim_dir dir;
    struct sim_log_ops log;
    struct sim_chip chip;
    struct sim_file_body file[SIM_FILES_MAX];
};

/* An op is about to happen: counts it, asks the explorer, cuts the power or lets it go wrong where that was asked for.
 * data: the bytes of a write. */
enum sim_does sim_op(struct sim *dev, const struct sim_op *op, const void *data);
/* Let it happen: what is read changes now, what is durable at the next sync. */
void sim_op_apply(struct sim *dev, const struct sim_op *op, const void *data);
/* Both, for an object whose port answers with yes or no. */
bool sim_op_ok(struct sim *dev, const struct sim_op *op, const void *data);
/* The power goes at this op: now and safe become what the shape leaves. op NULL: between two ops. */
void sim_crash(struct sim *dev, const struct sim_op *op, const void *data, enum sim_shape shape, uint32_t seed);
/* Can this shape happen to this op in a way that another shape does not cover? */
bool sim_shape_applies(const struct sim *dev, const struct sim_op *op, enum sim_shape shape);
const char *sim_shape_name(enum sim_shape shape);
const char *sim_kind_name(enum sim_kind kind);

uint8_t sim_name_id(struct sim *dev, const char *name);   /* adds it when it is new */
/* A file that nothing refers to. */
uint8_t sim_file_new(struct sim *dev);
/* The file of this name, or NULL: what is read now. */
struct sim_file_body *sim_file_named(struct sim *dev, const char *name);
void sim_medium_copy(struct sim *to, const struct sim *from);

#endif
