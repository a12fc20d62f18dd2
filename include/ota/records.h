/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The row of records. An update is offer -> release -> plan -> image -> trial -> verdict -> report: each stage eats
 * one record and makes the next. Read this page first.
 *
 * Trust is a type: only the deployment stage, from targets that TUF verified, fills a struct ota_release; only the
 * slot seal fills a struct ota_image; arming a trial takes a const struct ota_image *.
 */
#ifndef OTA_RECORDS_H
#define OTA_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ota/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_COMPONENTS_MAX 4  /**< components (each with two slots) in one deployment */
#define OTA_REPOS_MAX 4       /**< TUF repositories that one agent trusts */
#define OTA_SOURCES_MAX 4     /**< encodings of one image that are kept: plain, and those that can serve this device */
#define OTA_NAME_MAX 32       /**< product, group, component, repository name, with NUL */
#define OTA_VERSION_MAX 32    /**< image version text, with NUL */
#define OTA_PATH_MAX 192      /**< target path or file path below a base URL, with NUL */
#define OTA_URL_MAX 512       /**< a whole URL, with NUL */
#define OTA_ETAG_MAX 80       /**< an HTTP entity tag with its quotes, with NUL; longer ones are not kept */
#define OTA_SHA256_LEN 32
#define OTA_ZSTD_WINDOW_BITS_MIN 10
#define OTA_ZSTD_WINDOW_BITS_MAX 23
#define OTA_SLOT_NONE 0xffu
#define OTA_SLOT_REMOVE 0xfeu   /**< in a trial: the component is taken out, nothing of it runs */

/** 1. What a server says without being trusted. It can delay an update, never choose bytes. */
struct ota_offer {
    bool changed;             /**< false: the server vouches that nothing changed since `etag` */
    char etag[OTA_ETAG_MAX];  /**< validator for the next conditional request; "" if none */
};

/** How an image's bytes travel. */
enum ota_codec { OTA_CODEC_PLAIN = 0, OTA_CODEC_DEFLATE = 1, OTA_CODEC_DELTA = 2, OTA_CODEC_INDEX = 3, OTA_CODEC_ZSTD = 4,
                 OTA_CODEC_COUNT };

/** @return "plain", "deflate", "delta", "index", "zstd"; "none" for what is no codec; "" in builds without OTA_TEXTS. Never NULL. */
const char *ota_codec_name(enum ota_codec codec);

/** Why an image travels as it does, and not cheaper. Numbers are stored: stable, never reused. */
enum ota_why {
    OTA_WHY_NONE = 0,       /**< nothing was chosen yet */
    OTA_WHY_CHEAPEST = 1,   /**< nothing cheaper was offered */
    OTA_WHY_BASE = 2,       /**< the deltas that were offered are for other images than the one that runs */
    OTA_WHY_MEMORY = 3,     /**< a cheaper one needs more memory than it is given */
    OTA_WHY_FAILED = 4,     /**< a cheaper one was tried on this device and failed */
    OTA_WHY_RESUMED = 5,    /**< a part of the image came this way already */
    OTA_WHY_COUNT
};

/** @return "cheapest", "no-base", "memory", "failed", "resumed"; "none" for anything else; "" in builds without
 *          OTA_TEXTS. Never NULL. */
const char *ota_why_name(enum ota_why why);

/** One way to obtain an image. */
struct ota_source {
    enum ota_codec codec;
    uint8_t window_bits;              /**< log2 of the window that the decoder needs; deflate: 9..15; zstd:
                                           OTA_ZSTD_WINDOW_BITS_MIN..OTA_ZSTD_WINDOW_BITS_MAX */
    uint32_t block;                   /**< deflate: output bytes between two full flushes; zstd: of a frame; power of two; 0 = none.
                                           index: bytes of a block */
    uint32_t memory;                  /**< delta: bytes that the decoder needs; index: the least that the search needs */
    uint64_t base_length;             /**< delta: bytes of the image that it begins from ... */
    uint8_t base[OTA_SHA256_LEN];     /**< ... and their digest */
    uint64_t length;                  /**< bytes on the wire; index: of the index alone */
    uint64_t estimate;                /**< bytes on the wire in all: for an index what its publisher expects, else `length` */
    uint8_t sha256[OTA_SHA256_LEN];   /**< digest of the bytes on the wire */
    char file[OTA_PATH_MAX];          /**< path below the repository's targets URL, digest prefix included */
};

/** One image of a release. */
struct ota_release_image {
    uint8_t component;                /**< index in the configuration */
    uint8_t repo;                     /**< index in the configuration */
    uint8_t source_count;             /**< 1..OTA_SOURCES_MAX; source[0] is always OTA_CODEC_PLAIN */
    bool other_base;                  /**< deltas were offered for other images than the one that runs */
    uint32_t security;                /**< security version, compared with the device's floor */
    uint64_t length;                  /**< bytes in the slot */
    uint8_t sha256[OTA_SHA256_LEN];   /**< digest of the bytes in the slot */
    char version[OTA_VERSION_MAX];
    struct ota_source source[OTA_SOURCES_MAX];
};

/** 2. What the signed deployment of this device's group wants it to run. */
struct ota_release {
    uint8_t deployment[OTA_SHA256_LEN];   /**< digest of the signed pointer file: the deployment's identity */
    uint64_t seq;                         /**< the deployment's sequence number, never decreasing */
    uint8_t count;                        /**< images, in the order of the configuration */
    uint8_t remove;                       /**< a bit per component that is installed and that it does not name: to be removed */
    struct ota_release_image image[OTA_COMPONENTS_MAX];
};

/** 3. What to do next for one component. */
struct ota_plan {
    uint8_t component;
    uint8_t slot;                     /**< index of the slot to write: never the running one */
    enum ota_why why;                 /**< reason for `source` */
    uint64_t out_off;                 /**< slot bytes that an earlier run left durable */
    uint64_t src_off;                 /**< source bytes that they came from */
    uint64_t length;                  /**< bytes in the slot when complete */
    uint8_t sha256[OTA_SHA256_LEN];   /**< digest when complete */
    struct ota_source source;
};

/** 4. A slot whose bytes were read back and match the signed digest. Only ota's slot seal makes one. */
struct ota_image {
    uint8_t component;
    uint8_t slot;
    uint64_t length;
    uint8_t sha256[OTA_SHA256_LEN];
};

/** 5. A set of slots on probation. */
struct ota_trial {
    uint8_t slot[OTA_COMPONENTS_MAX];   /**< slot index per component; OTA_SLOT_NONE = not part of the trial; OTA_SLOT_REMOVE */
    uint8_t tries;                      /**< starts that the boot loader grants */
    uint8_t remove;                     /**< a bit per component that the trial takes out */
    uint64_t started_ms;                /**< monotonic time at which this start began to be judged */
};

/** 6. The judgement on a trial. */
enum ota_verdict_kind { OTA_VERDICT_NONE = 0, OTA_VERDICT_HEALTHY = 1, OTA_VERDICT_SICK = 2 };
struct ota_verdict {
    enum ota_verdict_kind kind;
    struct ota_fault cause;   /**< OTA_OK unless sick */
};

/** Final outcome of one deployment on this device. */
enum ota_outcome { OTA_OUTCOME_NONE = 0, OTA_OUTCOME_CONFIRMED = 1, OTA_OUTCOME_ROLLED_BACK = 2, OTA_OUTCOME_REFUSED = 3 };

/** What a report tells of. */
enum ota_report_event {
    OTA_REPORT_OUTCOME = 0,   /**< what became of a deployment */
    OTA_REPORT_EXIT = 1,      /**< a component ended with an exit status, which is cause.port_code; told by its supervisor */
    OTA_REPORT_SIGNAL = 2,    /**< a component was ended by a signal, whose number is cause.port_code */
    OTA_REPORT_TAMPERED = 3,  /**< what runs is not what was installed (ota/monitor.h); cause.where says what was done */
    OTA_REPORT_SICK = 4,      /**< what runs is sick long after it was confirmed */
    OTA_REPORT_UNREAD = 5     /**< the slot that runs could not be read again */
};

/** 7. What is told to the maker, kept until acknowledged. */
struct ota_report {
    uint32_t id;                          /**< per device, increasing, never reused: the idempotency key */
    enum ota_outcome outcome;
    struct ota_fault cause;               /**< OTA_OK when confirmed */
    uint64_t seq;                         /**< deployment's sequence number; 0 if none was trusted yet */
    uint8_t deployment[OTA_SHA256_LEN];   /**< all zero if none was trusted yet */
    int64_t utc_s;                        /**< Unix time, 0 if the clock was unknown */
    uint32_t count;                       /**< how often the same event happened in a row, >= 1 */
    uint64_t fetched;                     /**< image bytes taken from the network for this deployment */
    char version[OTA_VERSION_MAX];        /**< version of the first component that the deployment changes; "" if none */
    char running[OTA_VERSION_MAX];        /**< version of that component that runs now */
    uint8_t codec;                        /**< enum ota_codec: how that component's image came */
    uint8_t why;                          /**< enum ota_why: and why so; NONE: nothing was chosen, `codec` means nothing */
    /* These are kept by libraries with OTA_FLEET; others leave them 0. */
    uint8_t event;                        /**< enum ota_report_event */
    uint8_t component;                    /**< index of the component that `version` is of; OTA_COMPONENT_NONE */
    uint32_t boot;                        /**< start of the agent that saw it, counted by the journal */
    int64_t first_s;                      /**< when it was first seen; utc_s is the last time. 0 if the clock was unknown */
    uint8_t image[OTA_SHA256_LEN];        /**< digest of that component's image; all zero if unknown */
};

/** @return "confirmed", "rolled_back", "refused" or "none". Never NULL. */
const char *ota_outcome_name(enum ota_outcome outcome);

#ifdef __cplusplus
}
#endif
#endif
