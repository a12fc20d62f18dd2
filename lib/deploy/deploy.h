/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment: the signed pointer of a device group, and the signed description of each image that it names, become a
 * release. Inputs are bytes whose digest TUF has vouched for and targets that only TUF makes. */
#ifndef OTAI_DEPLOY_H
#define OTAI_DEPLOY_H

#include "ota/config.h"
#include "ota/records.h"
#include "ota/tuf.h"

/* The build chooses whether zstd is a known codec. */
#ifndef OTAI_ZSTD_HEADER
#define OTAI_ZSTD_HEADER "zstd_off.h"
#endif

/* One image as the pointer names it. It must be found again through its publisher's delegation. */
struct otai_pointer_image {
    char component[OTA_NAME_MAX];
    char path[OTA_PATH_MAX];
    uint64_t length;
    uint8_t sha256[OTA_SHA256_LEN];
};

/* Deferral is capped by what a deployment changes. */
enum { OTAI_CLASS_SYSTEM, OTAI_CLASS_APPLICATION, OTAI_CLASSES };
#define OTAI_DEFER_SYSTEM_MIN 1440u        /* minutes, where nothing else is said */
#define OTAI_DEFER_APPLICATION_MIN 10020u
#define OTAI_DEFER_MAX_MIN 44640u          /* most that a pointer can allow: 31 days */
#define OTAI_POLL_MIN_S 60u                /* what a pointer can ask for as the interval of check-ins */
#define OTAI_POLL_MAX_S 604800u

/* What a pointer asks of the group's devices beside its images. All zero in builds without OTA_POLICY, which skip the members. */
struct otai_rules {
    uint32_t poll_s;                    /* seconds between two check-ins; 0 = it does not say */
    uint32_t defer_min[OTAI_CLASSES];   /* most minutes of deferral, by class */
    bool staged;                        /* it is for a part of the devices only */
    uint16_t per_mille;                 /* so many of a thousand, chosen by salt and device id */
    uint8_t salt[16];
};

struct otai_pointer {
    uint64_t seq;
    char os_feed[OTA_NAME_MAX];   /* "" = none */
    bool os_only;                 /* update policy: only the component "os" is updated */
    uint8_t count;
    struct otai_pointer_image image[OTA_COMPONENTS_MAX];
    struct otai_rules rules;
};

/* Target path of a group's pointer: "group/<group>/deploy.json"; of a feed's: "os/feed/<feed>/<product>.json". */
OTA_MUST_CHECK ota_err otai_pointer_path(const char *group, char *out, size_t cap);
OTA_MUST_CHECK ota_err otai_feed_path(const char *feed, const char *product, char *out, size_t cap);

/* Parse a pointer. group == NULL: it is a feed's, which has "feed" instead of "group".
 * Members that are not known are ignored; format other than 1 is REJECT_SPEC. Every error names the field in fault. */
OTA_MUST_CHECK ota_err otai_pointer_parse(const uint8_t *p, size_t len, const char *product, const char *group,
                                          const char *feed, struct otai_pointer *out, struct ota_fault *fault);

/* Does it name the component? */
bool otai_pointer_names(const struct otai_pointer *p, const char *component);

/* The device that an image is for. */
struct otai_device {
    const char *product;
    const uint8_t *runs;   /* digest of what the component runs, OTA_SHA256_LEN bytes; NULL = not known: every delta may fit */
};

/* Join what the pointer names with what TUF vouches for: equal length and digest (REJECT_LENGTH, REJECT_HASH), custom
 * data present and well formed, made for this product (REJECT_PRODUCT) and component (REJECT_COMPONENT). Deltas from
 * other images than the one that runs are checked and left out. The caller sets out->component and out->repo before. */
OTA_MUST_CHECK ota_err otai_deploy_image(const struct otai_pointer_image *named, const struct ota_tuf_target *target,
                                         const struct otai_device *device, struct ota_release_image *out,
                                         struct ota_fault *fault);

/* Index of the repository whose prefix list claims path; longest prefix wins. -1 if none. */
int otai_repo_for(const struct ota_repo *repos, size_t count, const char *path);

#endif
