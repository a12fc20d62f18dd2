/* SPDX-License-Identifier: Apache-2.0 */
/** @file What every part of ota-repo shares: the run's context, results and errors, memory that lives as long as the run. */
#ifndef OTA_REPO_TOOL_H
#define OTA_REPO_TOOL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Return values of nearly every function. The first three are also the exit codes, and the last two those of status. */
enum { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_ABSENT = 3, STATUS_FAILING = 4, STATUS_PENDING = 5 };

/** Kinds of metadata that have their own life time. Delegated roles share that of targets. */
enum days_of { DAYS_ROOT, DAYS_TARGETS, DAYS_SNAPSHOT, DAYS_TIMESTAMP, DAYS_COUNT };

#define DELTA_MEMORIES_MAX 3

/** ota-repo.json, checked. `tree` is the whole document; products are read and changed there. */
struct settings {
    cJSON *tree;
    unsigned days[DAYS_COUNT];
    bool deflate;
    unsigned window, block;
    unsigned zstd; /**< log2 of the zstd window; 0 = no zstd */
    bool delta;
    unsigned delta_keep;       /**< deltas begin from so many versions that were deployed last */
    uint32_t delta_memory[DELTA_MEMORIES_MAX];
    size_t delta_memories;
    bool index;                /**< offer an index of each image */
    unsigned index_block;      /**< bytes of its blocks; 0 = what costs least */
    unsigned root_keys, root_threshold, targets_keys, targets_threshold;
};

/** One run of the program. */
struct tool {
    const char *dir;           /**< --dir */
    const char *command;       /**< for messages, e.g. "image add" */
    bool json;                 /**< machine output wanted */
    bool already;              /**< nothing had to be done */
    int64_t now_s;             /**< Unix time of this run: the clock, or --now */
    unsigned days[DAYS_COUNT]; /**< life times asked for on the command line; 0 = as in the settings */
    int lock_fd;
    struct settings settings;
    cJSON *result;             /**< what --json prints */
    char error[1024];
    struct tool_block *blocks; /**< see tool_alloc */
};

void tool_begin(struct tool *t);
/** Free everything that tool_alloc, tool_format and tool_keep gave or took. */
void tool_end(struct tool *t);

/** Zeroed memory that lives until tool_end. Never NULL: without memory the program ends with a message. */
void *tool_alloc(struct tool *t, size_t len);
/** printf into such memory. */
char *tool_format(struct tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Delete this tree at tool_end. @return tree */
cJSON *tool_keep(struct tool *t, cJSON *tree);

/** Record why the run fails. @return TOOL_FAILED, TOOL_USAGE */
int tool_failed(struct tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
int tool_usage(struct tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A line for people on stdout; silent with --json. */
void tool_say(const struct tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A line on stderr, and an element of "warnings" in the JSON result. */
void tool_warn(struct tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Print the JSON result or the error, as asked for. @return the exit code */
int tool_report(struct tool *t, int rc);

#endif
