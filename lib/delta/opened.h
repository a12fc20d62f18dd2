/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patches between images whose deflate streams were opened (docs/patch-format.md, 6). The inner decoder sees two views: the
 * old image with the contents of streams behind it, and the new one with streams as their contents. Here the first is made
 * when it is read, and the second becomes the new image.
 */
#ifndef OTAI_OPENED_H
#define OTAI_OPENED_H

#include "ota/delta.h"
#include "reflate.h"

#define OTAI_OPENED_STREAMS_MAX 65535u
#define OTAI_RING_LOG2_MIN 15u
#define OTAI_RING_LOG2_MAX 20u
#define OTAI_OPENED_PAGE 4096u

/* From a patch's header. All 0: nothing is opened. */
struct otai_opened_params {
    uint32_t old_len, new_len;         /* of the views */
    uint32_t old_count, new_count;     /* streams */
    uint8_t ring_log2;                 /* of the contents that are held to be read again; 0 without old streams */
    uint8_t hash_log2, symbols_log2;   /* the largest of any new stream; 0 without one */
    uint8_t zero;
};

/* Can this build apply it, and is everything within its bounds? SPEC, VALUE */
OTA_MUST_CHECK ota_err otai_opened_judge(const struct otai_opened_params *p, uint64_t base_len, uint64_t out_len);
/* Memory, and the part of it that a saved state must hold, which comes first. */
size_t otai_opened_memory(const struct otai_opened_params *p);
size_t otai_opened_saved(const struct otai_opened_params *p);

struct otai_opened;
/* Point into the memory that begins with o, also when it was moved. What was read ahead of the old image is forgotten. At
 * first all of *o is 0. @return the old view */
struct ota_delta_base *otai_opened_attach(struct otai_opened *o, const struct otai_opened_params *p, struct ota_delta_base *image,
                                          uint64_t base_len);
/* Bytes of the new view in, bytes of the new image out. OTA_DONE: all are given out. */
ota_err otai_opened_put(struct otai_opened *o, struct otai_span *in, uint8_t *out, size_t cap, size_t *made);
/* No index in what was read from a saved state points outside. */
bool otai_opened_plausible(const struct otai_opened *o);

/* ---- between its files -------------------------------------------------------------------------------------------------- */

/* The streams: integers as they came, little-endian. */
#define OTAI_OLD_ENTRY 8u              /* offset in the old image and begin in the old view, each less that of the one before */
#define OTAI_NEW_ENTRY 12u             /* bytes as they are before it, bytes of contents, way */

#define OTAI_WAY_EARLY (UINT32_C(1) << 24)
#define OTAI_WAY_ZLIB (UINT32_C(1) << 25)      /* with the head and the checksum of RFC 1950 */
#define OTAI_WAY_PAGE (UINT32_C(1) << 26)      /* contents begin at a multiple of OTAI_OPENED_PAGE */

struct otai_reader;
size_t otai_reader_memory(unsigned ring_log2);
ota_err otai_opened_read(struct ota_delta_base *self, uint64_t off, void *buf, size_t len);

enum otai_opened_phase { OTAI_O_TABLE, OTAI_O_RAW, OTAI_O_PAD, OTAI_O_HEAD, OTAI_O_CONTENT, OTAI_O_TAIL, OTAI_O_END };

struct otai_opened {
    struct ota_delta_base view;
    struct ota_delta_base *image;
    struct otai_opened_params params;
    uint64_t base_len;
    uint8_t *old_table, *new_table;
    struct otai_reader *reader;        /* NULL without old streams */
    /* The new view. */
    uint32_t at;                       /* bytes taken */
    uint32_t index;                    /* of the stream that comes, or that is being made */
    uint32_t left;                     /* bytes of the phase */
    uint32_t adler;
    uint8_t phase, way_flags;
    bool table_ok;
    struct otai_reflate reflate;
};

#endif
