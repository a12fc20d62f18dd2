/* SPDX-License-Identifier: Apache-2.0 */
/** @file Report files, as devices PUT them below <report_url>: <folder>/<device>/<boot>-<id>.json, or <id>.json as older devices do. */
#ifndef OTA_REPO_REPORTS_H
#define OTA_REPO_REPORTS_H

#include "text.h"
#include "tool.h"

#define REPORT_FILE_MAX 8192u /**< bytes of one report; devices send at most 2 KiB */
#define REPORT_TEXT_MAX 128u  /**< bytes of one text in it, with NUL */

enum report_type { REPORT_PLANNED, REPORT_UNPLANNED };
enum report_class { REPORT_OS, REPORT_APPLICATION };

/** One report, checked. Texts that the device did not give are "". */
struct report {
    uint64_t boot, id;
    char device[REPORT_TEXT_MAX], product[REPORT_TEXT_MAX], group[REPORT_TEXT_MAX];
    char event[REPORT_TEXT_MAX]; /**< "update-confirmed", "update-rolled_back", "update-refused", "app-crash", ... */
    enum report_type type;
    enum report_class class;
    char category[REPORT_TEXT_MAX]; /**< why: the cause's name, "exit" or "signal", or "update" */
    char outcome[REPORT_TEXT_MAX];  /**< "confirmed", "rolled_back", "refused"; "none" when it tells of no deployment */
    char component[REPORT_TEXT_MAX], version[REPORT_TEXT_MAX], running[REPORT_TEXT_MAX];
    char image[DIGEST_HEX], deployment[DIGEST_HEX];
    char cause[REPORT_TEXT_MAX], where[REPORT_TEXT_MAX];
    int64_t code, port; /**< the cause's number; the port's own one */
    uint64_t seq, count;
    int64_t first_s, last_s; /**< Unix time; 0 = the device's clock was unknown */
};

const char *report_type_name(enum report_type type);
const char *report_class_name(enum report_class class);

/**
 * Parse one report. Nothing is kept of the text.
 * @param why  gets "member: reason" when it is none
 */
bool report_parse(const char *text, size_t len, struct report *out, char *why, size_t why_cap);

/** What a walk found. */
struct report_walk {
    uint64_t files, good, bad;
    uint64_t max_bad_named; /**< name at most so many bad files on stderr; the others are counted only */
    /** Called for each good report, in the order of the folders. @return TOOL_OK to go on; anything else ends the walk */
    int (*visit)(void *self, const struct report *r);
    void *self;
};

/**
 * Read every report below `dir`. Memory does not grow with their number. A file that is none is named on stderr, counted
 * and skipped: another name, a link, too large, no JSON, a member that is missing or wrong, a device or an id that is not
 * the one of its name.
 * @return TOOL_OK, also with bad files; TOOL_FAILED when a folder cannot be read; what visit gave
 */
int report_walk(struct tool *t, const char *dir, struct report_walk *w);

#endif
