/* SPDX-License-Identifier: Apache-2.0 */
#include "cbor.h"

#include <string.h>

/* Values that one skipped value may hold. More is no claim that anybody makes. */
#define ITEMS_MAX 4096u

void otai_out_bytes(struct otai_out *o, const void *p, size_t len)
{
    if (o->len <= o->cap && len <= o->cap - o->len && len > 0)
        memcpy(o->p + o->len, p, len);
    o->len += len;
}

void otai_out_text(struct otai_out *o, const char *text)
{
    otai_out_bytes(o, text, strlen(text));
}

/* RFC 8949 section 4.2.1: the shortest form. */
void otai_cbor_head(struct otai_out *o, enum otai_cbor_major major, uint64_t v)
{
    uint8_t head[9];
    uint8_t follows = v < 24 ? 0 : v <= UINT8_MAX ? 1 : v <= UINT16_MAX ? 2 : v <= UINT32_MAX ? 4 : 8;
    uint8_t code = follows == 0 ? (uint8_t)v : follows == 1 ? 24 : follows == 2 ? 25 : follows == 4 ? 26 : 27;

    head[0] = (uint8_t)((unsigned)major << 5 | code);
    for (uint8_t i = 0; i < follows; i++)
        head[1 + i] = (uint8_t)(v >> 8 * (follows - 1 - i));
    otai_out_bytes(o, head, 1u + follows);
}

void otai_cbor_int(struct otai_out *o, int64_t v)
{
    if (v < 0)
        otai_cbor_head(o, OTAI_CBOR_NINT, (uint64_t)(-1 - v));
    else
        otai_cbor_head(o, OTAI_CBOR_UINT, (uint64_t)v);
}

void otai_cbor_bytes(struct otai_out *o, const void *p, size_t len)
{
    otai_cbor_head(o, OTAI_CBOR_BYTES, len);
    otai_out_bytes(o, p, len);
}

void otai_cbor_text(struct otai_out *o, const char *text)
{
    otai_cbor_head(o, OTAI_CBOR_TEXT, strlen(text));
    otai_out_text(o, text);
}

void otai_cbor_init(struct otai_cbor *r, const void *p, size_t len)
{
    memset(r, 0, sizeof *r);
    r->p = p;
    r->len = len;
}

void otai_cbor_fail(struct otai_cbor *r, ota_err err)
{
    if (r->err == OTA_OK)
        r->err = err;
}

static uint64_t take_argument(struct otai_cbor *r, uint8_t follows)
{
    uint64_t v = 0;

    if (r->len - r->pos < follows) {
        otai_cbor_fail(r, OTA_REJECT_SYNTAX);
        return 0;
    }
    for (; follows > 0; follows--)
        v = v << 8 | r->p[r->pos++];
    return v;
}

/* The head of any value. Codes 28 to 31 are reserved or of indefinite length. */
static enum otai_cbor_major take_head(struct otai_cbor *r, uint64_t *v)
{
    uint8_t first, code;

    *v = 0;
    if (r->err != OTA_OK || r->pos == r->len) {
        otai_cbor_fail(r, OTA_REJECT_SYNTAX);
        return OTAI_CBOR_OTHER;
    }
    first = r->p[r->pos++];
    code = first & 31u;
    if (code > 27)
        otai_cbor_fail(r, OTA_REJECT_SYNTAX);
    else
        *v = code < 24 ? code : take_argument(r, (uint8_t)(1u << (code - 24)));
    return (enum otai_cbor_major)(first >> 5);
}

uint64_t otai_cbor_take(struct otai_cbor *r, enum otai_cbor_major major)
{
    uint64_t v;

    if (take_head(r, &v) == major && r->err == OTA_OK)
        return v;
    otai_cbor_fail(r, OTA_REJECT_TYPE);
    return 0;
}

int64_t otai_cbor_take_int(struct otai_cbor *r)
{
    uint64_t v;
    enum otai_cbor_major major = take_head(r, &v);

    if (major != OTAI_CBOR_UINT && major != OTAI_CBOR_NINT)
        otai_cbor_fail(r, OTA_REJECT_TYPE);
    if (v > INT64_MAX)
        otai_cbor_fail(r, OTA_REJECT_LIMIT);
    if (r->err != OTA_OK)
        return 0;
    return major == OTAI_CBOR_NINT ? -1 - (int64_t)v : (int64_t)v;
}

static struct otai_span take_bytes(struct otai_cbor *r, uint64_t len)
{
    struct otai_span s = { NULL, 0 };

    if (r->err != OTA_OK || len > r->len - r->pos) {
        otai_cbor_fail(r, OTA_REJECT_SYNTAX);
        return s;
    }
    s.p = r->p + r->pos;
    s.len = (size_t)len;
    r->pos += s.len;
    return s;
}

struct otai_span otai_cbor_take_string(struct otai_cbor *r, enum otai_cbor_major kind)
{
    return take_bytes(r, otai_cbor_take(r, kind));
}

/* How many values a head announces. */
static uint64_t inside(struct otai_cbor *r, enum otai_cbor_major major, uint64_t v)
{
    switch (major) {
    case OTAI_CBOR_BYTES:
    case OTAI_CBOR_TEXT:
        (void)take_bytes(r, v);
        return 0;
    case OTAI_CBOR_ARRAY:
        return v;
    case OTAI_CBOR_MAP:
        return v > ITEMS_MAX ? v : 2 * v;
    case OTAI_CBOR_TAG:
        return 1;
    default:
        return 0;
    }
}

/* Values that are still to come are counted, instead of being descended into. */
void otai_cbor_skip(struct otai_cbor *r)
{
    uint64_t v, budget = ITEMS_MAX;

    for (uint64_t left = 1; left > 0 && r->err == OTA_OK; left--) {
        enum otai_cbor_major major = take_head(r, &v);
        uint64_t more = inside(r, major, v);

        if (more > budget) {
            otai_cbor_fail(r, OTA_REJECT_LIMIT);
            return;
        }
        budget -= more;
        left += more;
    }
}

void otai_cbor_end(struct otai_cbor *r)
{
    if (r->pos != r->len)
        otai_cbor_fail(r, OTA_REJECT_SYNTAX);
}
