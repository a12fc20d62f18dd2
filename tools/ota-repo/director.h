/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file Telling each device its group, SPEC 7.3. Small fleets: a target "device/<id>.json" in the product's repository. Large
 * ones: the director, 16^digits repositories of three small files below D/web/d/<product>/metadata/<shard>/, of which a device
 * reads only its own. Only what changes is written.
 */
#ifndef OTA_REPO_DIRECTOR_H
#define OTA_REPO_DIRECTOR_H

#include "devices.h"
#include "repo.h"

#define SHARD_DIGITS_MAX 6

enum director_mode {
    DIRECTOR_CHANGES,   /**< write what says something else than is published */
    DIRECTOR_REFRESH    /**< and sign anew what has less than half of its life left */
};

struct director_tally {
    unsigned long shards, written, refreshed;   /**< of shards, or of devices without them; written: content; refreshed: times */
};

/** Shard of a device: the first `digits` hex digits of SHA-256(id), as a number. */
int director_shard(struct tool *t, const char *id, size_t len, unsigned digits, uint32_t *out);

/** Has the product a director? *digits is 0 for targets in the product's repository. */
bool director_of(const cJSON *settings, unsigned *digits);

/** Bring what is published in line with the registry. Does nothing for a product without director. */
int director_publish(struct tool *t, const char *product, const cJSON *settings, const struct devices *d, enum director_mode mode,
                     struct director_tally *tally);
/** Into the JSON result, and for people. */
void director_report(struct tool *t, const struct director_tally *tally);

/**
 * Read what devices are told with their eyes: of each shard signatures, versions, expiry, scope, its one target; that each device of the
 * registry is named, in its shard, with its group, and no other is. Memory does not grow with the shards.
 * @param shards  gets their number, or that of devices that have a target each
 * @return TOOL_FAILED at the first fault, which names file and field
 */
int director_verify(struct tool *t, const char *product, const cJSON *settings, unsigned long *shards);

/** The director's own repository: its roots. */
void director_locate(struct tool *t, const char *product, struct repo *out);

#endif
