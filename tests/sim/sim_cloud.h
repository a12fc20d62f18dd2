/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that publishers have: the OS vendor's repository and the product maker's, images with a known nature, and
 * the deployments of the device groups. */
#ifndef SIM_CLOUD_H
#define SIM_CLOUD_H

#include "sim_repo.h"

#define SIM_IMAGES_MAX 16
#define SIM_NOW_S 1800000000LL            /* when the simulation begins: 2027-01-15 */
#define SIM_EXPIRES_S (SIM_NOW_S + 30LL * 86400)
#define SIM_BASE "https://updates.test/"
#define SIM_REPORT_URL "https://updates.test/report/"

/* What an image does once it is started. The boot ROM and the health check read it from the image itself. */
enum sim_nature { SIM_HEALTHY = 'H', SIM_SICK = 'S', SIM_CRASHING = 'C', SIM_SILENT = 'N' };

/* What is wrong with a delta that a publisher signed all the same. */
enum sim_damage {
    SIM_DELTA_WHOLE = 0,
    SIM_DELTA_FLIPPED,     /* a bit in the middle is another */
    SIM_DELTA_SHORT,       /* its end is missing */
    SIM_DELTA_NONSENSE,    /* it is no patch */
    SIM_DELTA_OTHER_BASE,  /* made from other bytes than it claims */
    SIM_DELTA_OTHER_IMAGE, /* makes other bytes than it claims */
    SIM_DELTA_STUMP        /* not even its head is whole */
};

/* What is wrong with an index that a publisher signed all the same. */
enum sim_index_damage {
    SIM_INDEX_WHOLE = 0,
    SIM_INDEX_HEAD,        /* its head says another length */
    SIM_INDEX_VERSION,     /* it has another version */
    SIM_INDEX_PAGE,        /* a bit of a page is another */
    SIM_INDEX_SHORT,       /* its end is missing */
    SIM_INDEX_HASH,        /* the strong hash of a block is another's */
    SIM_INDEX_OTHER        /* it is another image's */
};

struct sim_image {
    const char *component, *version;
    enum sim_nature nature;
    uint32_t security;
    const uint8_t *data;
    size_t len;
    char path[96];
    char sha256[65];
};

/* How to make an image. A 0 takes the default in brackets. */
struct sim_image_spec {
    const char *component, *version;
    enum sim_nature nature;        /* [SIM_HEALTHY] */
    size_t len;                    /* [10000] */
    bool deflate;                  /* offer a deflated encoding too */
    bool zstd;                     /* offer it in zstd frames, too; does nothing in builds without zstd */
    uint32_t block;                /* the flush distance of the one, what is in a frame of the other [2048] */
    int more;                      /* signed bytes after the end of that; below 0: so many are missing there */
    const char *product;           /* "compatible" in the signed description [thermostat] */
    const char *claims;            /* "component" in the signed description [component] */
    uint32_t security;
    const struct sim_image *from;  /* offer a delta from this image, too ... */
    uint32_t memory;               /* ... whose decoder may use this much [32768]; most bytes are those of `from` */
    enum sim_damage damage;        /* of the delta, before its digest is signed */
    uint32_t index;                /* offer an index with blocks of this size [none] ... */
    uint64_t estimate;             /* ... of which the publisher thinks that it takes this much [2000] */
    enum sim_index_damage index_damage;
    const struct sim_image *like;  /* most bytes are those of this image, without a delta from it ... */
    size_t moved;                  /* ... so many bytes further back */
    const char *relations;         /* members of the description, with a comma behind each: "requires":{"abi":2}, */
    void (*finish)(uint8_t *bytes, size_t len);   /* may change the bytes before they are signed */
};

struct sim_cloud {
    struct sim_web web;
    struct sim_pool pool;
    struct sim_repo os, product;
    struct sim_role *groups, *publisher, *os_images, *os_feed;
    bool one_repo;                 /* OS images are published in the product repository, too: half the metadata */
    uint64_t seq;
    size_t image_count;
    struct sim_image image[SIM_IMAGES_MAX];
};

void sim_cloud_open(struct sim_cloud *c);
void sim_cloud_close(struct sim_cloud *c);

/* Make and publish an image: component "os" in the OS repository, others in the product's. */
const struct sim_image *sim_cloud_image(struct sim_cloud *c, const struct sim_image_spec *spec);
/* The image in these bytes; NULL if they are no image that was ever published, as a whole. */
const struct sim_image *sim_cloud_recognise(const struct sim_cloud *c, const uint8_t *slot, size_t len);

/* What a deployment says. A 0 takes the default in brackets. */
struct sim_deploy {
    const struct sim_image *image[4];
    uint64_t seq;                  /* [one more than the last] */
    const char *feed;              /* follow this OS feed */
    const char *policy;            /* [all] */
    const char *product;           /* [thermostat] */
    const char *path;              /* of image[0] instead of its own */
    const char *more;              /* further members: "\"poll_s\":900" */
};

/* Publish the pointer of the group "production". */
void sim_cloud_deploy(struct sim_cloud *c, const struct sim_deploy *d);
/* Publish the OS vendor's feed for the product. */
void sim_cloud_feed(struct sim_cloud *c, const char *feed, const struct sim_image *os);
/* New timestamps and snapshots with a new expiry. */
void sim_cloud_refresh(struct sim_cloud *c, int64_t expires_s);

#endif
