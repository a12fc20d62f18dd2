/* SPDX-License-Identifier: Apache-2.0 */
/** @file lib/tuf driven by files and HTTP. */
#ifndef OTA_TUF_CLIENT_H
#define OTA_TUF_CLIENT_H

#include <stdbool.h>

/** The command line. */
struct options {
    const char *metadata_dir;      /**< trusted metadata: <role>.json, byte for byte as downloaded */
    const char *metadata_url;      /**< used as given */
    const char *target_dir;
    const char *target_base_url;   /**< used as given */
    const char *const *targets;    /**< target paths */
    int target_count;
    bool loose_keyids;
};

/** Make the trusted root out of a file that the caller vouches for. No network. false: said on standard error. */
bool client_init(const struct options *o, const char *root_file);

/** Bring the trusted metadata up to date. false: said on standard error; what was trusted stays. */
bool client_refresh(const struct options *o);

/** Refresh, then bring each target, in order, until one fails. Targets that are there already are left alone. */
bool client_download(const struct options *o);

#endif
