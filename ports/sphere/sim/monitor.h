/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trusted side of the platform's updates, simulated: what Azure Sphere's security monitor does for the part that downloads. That
 * part is not trusted. It may stage a manifest, ask which of its images are missing, and bring them block by block; the monitor
 * verifies each of them, makes the whole set current at once, and verifies it again at every start. An application on the platform
 * can call none of this: it is how the platform updates the application.
 *
 * The partition is a NOR flash: records (ports/mcu's store), and behind them cells of equal size, one image each. What runs, what ran
 * before it (last known good) and what is staged are sets of cells that one record names, so that each change of them is one write of
 * that record: a power cut leaves the old sets or the new ones. Of an update that was interrupted
 *
 *     nothing is staged        it begins anew
 *     some images are staged   monitor_missing() tells the others
 *     all of them are          monitor_start() installs them
 *     it was being installed   so it is, or monitor_start() does it
 */
#ifndef SPHERE_MONITOR_H
#define SPHERE_MONITOR_H

#include "ota/image.h"
#include "ota/mcu.h"

#define MONITOR_IMAGES_MAX 4u
#define MONITOR_CELLS_MAX 16u
#define MONITOR_MANIFEST_MAX 2048u
#define MONITOR_TRIES 3u
#define MONITOR_BLOCK 8u /* blocks begin and, but for the last one, end at multiples of it */

/* X(name, number): numbers up to 99 are those that the platform logs (categories of image updates), others are the simulation's. */
#define MONITOR_ERRORS(X)                                                                                                        \
    X(OK, 0)                                                                                                                     \
    X(IMAGE_ALREADY_LOADED, 1) /* that image is staged or runs */                                                                \
    X(NO_FREE_SPACE, 2)        /* no cell is free */                                                                             \
    X(BAD_IMAGE_COUNT, 4)      /* a manifest of none, or of too many */                                                          \
    X(IMAGE_NOT_FOUND, 6)                                                                                                        \
    X(UPDATE_IN_PROGRESS, 7) /* an image is being staged, or a set is on trial */                                                \
    X(BAD_HANDLE, 8)                                                                                                             \
    X(BAD_OFFSET_ALIGNMENT, 9)                                                                                                   \
    X(OFFSET_OUT_OF_BOUNDS, 10)                                                                                                  \
    X(WRITE_FAILED, 11)          /* the flash */                                                                                 \
    X(VERIFICATION_FAILED, 15)   /* signature, trailer, or digest: *fault tells which */                                         \
    X(IMAGE_TOO_LONG, 19)        /* for the component, or other than the manifest says */                                        \
    X(IDENTITY_INCONSISTENT, 20) /* the package is another image than the manifest names */                                      \
    X(MUST_DOWNLOAD_MISSING, 22) /* install: not all are staged */                                                               \
    X(MALFORMED_MANIFEST, 26)                                                                                                    \
    X(OUT_OF_ORDER_IMAGE, 30)    /* no manifest names it */                                                                      \
    X(NO_UPDATE_IN_PROGRESS, 38) /* no manifest is staged */                                                                     \
    X(MULTIPLE_COMPONENTS, 43)   /* a manifest names a component twice */                                                        \
    X(INVALID_COMPONENT, 47)     /* the package is for another component */                                                      \
    X(SOFTWARE_ROLLBACK, 100)    /* this set was rolled back here: skipped until there is another one */                         \
    X(MANIFEST_OLDER, 101)       /* than the one that runs */                                                                    \
    X(REQUIREMENTS_UNMET, 102)   /* an ABI that neither the platform nor the set provides */                                     \
    X(SECURITY_VERSION, 103)     /* older than the component's, or revoked */                                                    \
    X(BLOCK_OVERLAPS, 104)                                                                                                       \
    X(BLOCK_OUT_OF_ORDER, 105)                                                                                                   \
    X(ROLLBACK_TARGETS_ABSENT, 106) /* neither the current set nor the last known good one may run */                            \
    X(INCOMPLETE, 107)              /* commit: bytes are missing */

enum monitor_error {
#define MONITOR_ENUM(name, number) MONITOR_##name = (number),
    MONITOR_ERRORS(MONITOR_ENUM)
#undef MONITOR_ENUM
};
const char *monitor_error_name(enum monitor_error e);

struct monitor_image {
    uint8_t image[OTA_UID_LEN], component[OTA_UID_LEN], sha256[OTA_SHA256_LEN];
    uint32_t length, security;
    uint8_t cell;
    uint8_t staged; /* its bytes are there and were verified */
    uint8_t zero[2];
};

struct monitor_set {
    uint8_t manifest[OTA_SHA256_LEN]; /* digest; zero = no set */
    uint64_t built_s;
    uint32_t count, abi_count;
    struct monitor_image image[MONITOR_IMAGES_MAX];
    struct ota_abi abi[MONITOR_IMAGES_MAX * OTA_MANIFEST_ABI_MAX]; /* what its images provide */
};

enum monitor_trial { MONITOR_CONFIRMED = 0, MONITOR_INSTALLED = 1, MONITOR_TRIED = 2 };

/* The record. */
struct monitor_table {
    char magic[8];
    struct monitor_set current, backup, staged;
    uint8_t trial, tries, install; /* install was asked for */
    uint8_t zero[5];
    uint8_t rolled_back[OTA_SHA256_LEN]; /* manifest of the set that was given up last */
    uint32_t rollback_reason;            /* enum monitor_error, or 0: it did not become stable */
    uint32_t rollbacks;
};

struct monitor_config {
    struct ota_mcu_flash *flash;
    uint32_t table_len, cell_len, cells; /* bytes of the records' area; bytes of a cell; how many */
    struct ota_crypto *crypto;
    struct ota_package_want want; /* key, revoked security versions, ABI of the platform */
};

struct monitor {
    struct monitor_config cfg;
    struct ota_mcu_store store;
    struct ota_mcu_area cell[MONITOR_CELLS_MAX];
    struct monitor_table table;
    /* the image that is being staged */
    uint32_t handle, next_handle, done;
    size_t open_index;
    uint8_t open_cell;
    struct ota_package_verify verify;
    struct ota_fault why; /* of the last VERIFICATION_FAILED and its like */
};

/* Bring it up on what the flash holds. @return OTA_OK; USAGE_ARGUMENT, DEVICE_STORE: the flash */
OTA_MUST_CHECK ota_err monitor_open(struct monitor *m, const struct monitor_config *cfg, struct ota_fault *fault);

/* ---- what a start does, before anything runs ---- */
OTA_MUST_CHECK enum monitor_error monitor_start(struct monitor *m);
/* The set that runs is stable: it becomes the last known good one. */
OTA_MUST_CHECK enum monitor_error monitor_mark_good(struct monitor *m);

/* ---- what the part that downloads may ask for ---- */
/* A manifest: a whole package of image type 25. The images of an earlier one that it names, too, stay staged. */
OTA_MUST_CHECK enum monitor_error monitor_stage_manifest(struct monitor *m, const uint8_t *package, size_t len);
/* Indexes, in the staged set, of what has to be brought. */
size_t monitor_missing(const struct monitor *m, size_t index[MONITOR_IMAGES_MAX]);
OTA_MUST_CHECK enum monitor_error monitor_stage_open(struct monitor *m, const uint8_t image[OTA_UID_LEN], uint32_t length,
                                                     uint32_t *handle);
OTA_MUST_CHECK enum monitor_error monitor_stage_write(struct monitor *m, uint32_t handle, uint32_t off, const void *block,
                                                      uint32_t len);
OTA_MUST_CHECK enum monitor_error monitor_stage_commit(struct monitor *m, uint32_t handle);
OTA_MUST_CHECK enum monitor_error monitor_stage_abort(struct monitor *m, uint32_t handle);
/* All that is staged, at once; on trial from the next start. */
OTA_MUST_CHECK enum monitor_error monitor_install(struct monitor *m);
/* The images that run. */
const struct monitor_set *monitor_list(const struct monitor *m);
/* false: nothing was rolled back yet. */
bool monitor_rollback_info(const struct monitor *m, uint8_t manifest[OTA_SHA256_LEN], enum monitor_error *reason);

#endif
