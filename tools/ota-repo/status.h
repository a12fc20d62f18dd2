/* SPDX-License-Identifier: Apache-2.0 */
/** @file How far a group's deployment is, from the reports of its devices. */
#ifndef OTA_REPO_STATUS_H
#define OTA_REPO_STATUS_H

#include "deploy.h"
#include "devices.h"
#include "reports.h"

#define STATUS_NAMED_MAX 20u  /**< failed devices that are named; the others are counted only */

/** So many devices, or so many of a hundred. */
struct status_share {
    unsigned n;
    bool per_cent;
};

/** Another deployment of the group: does it say the same? */
struct status_other {
    struct status_other *next;
    char sha256[DIGEST_HEX];
    bool same;
};

/** What is waited for: the deployment that is published now. */
struct status_wanted {
    struct tool *t;
    struct place *place;
    const char *slug, *path;      /**< of the group, of its pointer */
    cJSON *pointer;
    char sha256[DIGEST_HEX];      /**< of the pointer: the deployment that reports name */
    struct devices registry;      /**< devices whose group the publisher says */
    uint64_t listed;              /**< of them in this group, and in its rollout */
    unsigned devices;             /**< as many as the caller says there are; 0 = he does not */
    char *file;                   /**< where a pointer of the group was published; `digits` is the place of its digest in it */
    char *digits;
    struct status_other *others;  /**< its other deployments that reports named */
};

/** A device that failed. */
struct status_failure {
    char device[REPORT_TEXT_MAX], outcome[REPORT_TEXT_MAX], cause[REPORT_TEXT_MAX], where[REPORT_TEXT_MAX];
    char version[REPORT_TEXT_MAX], running[REPORT_TEXT_MAX];
    int64_t port;
};

/** One look at all reports. */
struct status_tally {
    uint64_t total, done, failed, bad;   /**< devices; bad: files that are no reports */
    struct status_failure failure[STATUS_NAMED_MAX];
};

/**
 * Find what a group shall run. Call status_close() also after a failure.
 * @return TOOL_FAILED when nothing was ever deployed to it, or it was withdrawn
 */
int status_open(struct tool *t, struct place *p, const char *group, struct status_wanted *out);
void status_close(struct status_wanted *w);

/**
 * Look at every report below `dir`. A device is done or failed by the newest outcome that it reported of a deployment, if that is
 * this one, or one with the same images and feed; else it is pending. It counts if the registry has it in the group, or does not
 * have it and its newest report names the group; and if the rollout chose it, or it is done or failed all the same.
 */
int status_look(struct status_wanted *w, const char *dir, struct status_tally *out);

/** Does `part` reach the share of `total`? Of a share in per cent, rounded up. At least one device always. */
bool status_reaches(struct status_share share, uint64_t part, uint64_t total);
/** Is `part` above the share of `total`? */
bool status_exceeds(struct status_share share, uint64_t part, uint64_t total);

#endif
