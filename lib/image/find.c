/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Find the package at the start of a slot. A trailer is known by its magic, by sections that lead to its length, and by a
 * length that leads back; whether it is the one is known by its signature over all that stands before it.
 */
#include <string.h>

#include "bytes.h"
#include "package.h"

#define CAP_MIN 512u
#define MAGIC_STEP 4u /* a body is padded to this */

struct search {
    struct ota_package_verify *v;
    struct ota_package_reader *r;
    uint64_t size;
    uint8_t *buf;
    size_t cap;
    struct ota_crypto *crypto;
    const struct ota_package_want *want;
    struct ota_fault *fault;
    ota_err first; /* what is wrong with the first that looked like a package */
    struct ota_fault first_fault;
    unsigned tried;
};

static ota_err read_slot(struct search *s, uint64_t off, void *to, size_t len)
{
    int32_t code = 0;
    ota_err err = s->r->ops->read(s->r, off, to, len, &code);

    if (err == OTA_OK)
        return OTA_OK;
    return ota_fault_set(s->fault, ota_err_class(err) == OTA_CLASS_DEVICE ? err : OTA_DEVICE_SLOT, "slot.read", code);
}

/* Length of a package whose trailer begins at `at`; 0: none does. The tail's memory is free: nothing is verified now. */
static ota_err measure(struct search *s, uint64_t at, uint64_t *length)
{
    struct ota_package p;
    uint64_t left = s->size - at;
    size_t len = left < OTA_PACKAGE_TAIL_MAX ? (size_t)left : OTA_PACKAGE_TAIL_MAX;
    ota_err err = read_slot(s, at, s->v->tail, len);

    *length = 0;
    if (err != OTA_OK)
        return err;
    size_t trailer = otai_trailer_measure(s->v->tail, len);
    memset(&p, 0, sizeof p);
    if (trailer == 0 || otai_trailer_read(&p, s->v->tail, trailer, NULL) != OTA_OK)
        return OTA_OK;
    uint64_t end = at + trailer + otai_signature_len(p.signature_type);
    if (p.has & OTA_PACKAGE_HAS_SIGNATURE && end <= s->size)
        *length = end;
    return OTA_OK;
}

static ota_err verify_first(struct search *s, uint64_t length, struct ota_package *out, struct ota_fault *fault)
{
    ota_err err = ota_package_verify_begin(s->v, s->crypto, s->want, fault);

    for (uint64_t off = 0; err == OTA_OK && off < length;) {
        size_t len = length - off < s->cap ? (size_t)(length - off) : s->cap;
        err = read_slot(s, off, s->buf, len);
        if (err != OTA_OK) {
            ota_package_verify_cancel(s->v);
            return err;
        }
        err = ota_package_verify_add(s->v, s->buf, len);
        off += len;
    }
    return err == OTA_OK ? ota_package_verify_end(s->v, out) : err;
}

/* Not this one, or this one and nothing else? A signature that holds settles it, whatever else is wrong. */
static bool signed_by_another(ota_err err)
{
    return err == OTA_REJECT_SIGNATURE || err == OTA_REJECT_KEY;
}

/* AGAIN: look on. */
static ota_err try_trailer(struct search *s, uint64_t at, struct ota_package *out)
{
    struct ota_fault fault = { .err = OTA_OK };
    uint64_t length;
    ota_err err = measure(s, at, &length);

    if (err != OTA_OK || length == 0)
        return err == OTA_OK ? OTA_AGAIN : err;
    if (s->tried++ == OTA_PACKAGE_FOUND_MAX)
        return ota_fault_set(s->fault, OTA_REJECT_LIMIT, "package.trailer", 0);
    err = verify_first(s, length, out, &fault);
    if (signed_by_another(err)) {
        if (s->first == OTA_AGAIN) {
            s->first = err;
            s->first_fault = fault;
        }
        return OTA_AGAIN;
    }
    if (err != OTA_OK && fault.err != OTA_OK)
        (void)ota_fault_set(s->fault, err, fault.where, fault.port_code);
    return err;
}

/* What begins in a piece of the slot that is in the buffer. *next: where to read on; a verification needs the buffer, too. */
static ota_err look_through(struct search *s, uint64_t off, size_t len, uint64_t *next, struct ota_package *out)
{
    *next = off + len;
    for (size_t i = 0; i + MAGIC_STEP <= len; i += MAGIC_STEP) {
        unsigned tried = s->tried;
        ota_err err = otai_get_le32(s->buf + i) == OTAI_PACKAGE_MAGIC ? try_trailer(s, off + i, out) : OTA_AGAIN;
        if (err == OTA_AGAIN && s->tried == tried)
            continue;
        *next = off + i + MAGIC_STEP;
        return err;
    }
    return OTA_AGAIN;
}

/* A magic stands at a multiple of its own length, and so do pieces: none lies across two of them. */
static ota_err look(struct search *s, struct ota_package *out)
{
    ota_err err = OTA_AGAIN;

    for (uint64_t off = 0; err == OTA_AGAIN && off + OTAI_TRAILER_MIN <= s->size;) {
        size_t len = s->size - off < s->cap ? (size_t)(s->size - off) : s->cap;
        err = read_slot(s, off, s->buf, len);
        if (err == OTA_OK)
            err = look_through(s, off, len, &off, out);
    }
    return err;
}

ota_err ota_package_find(struct ota_package_verify *v, struct ota_package_reader *r, uint64_t size, uint8_t *buf, size_t cap,
                         struct ota_crypto *crypto, const struct ota_package_want *want, struct ota_package *out,
                         struct ota_fault *fault)
{
    struct search s = {
        .v = v, .r = r, .size = size, .buf = buf, .cap = cap, .crypto = crypto, .want = want, .fault = fault, .first = OTA_AGAIN
    };

    if (cap < CAP_MIN || cap % MAGIC_STEP != 0)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "package.buffer", 0);
    ota_err err = look(&s, out);
    if (err != OTA_AGAIN)
        return err;
    if (s.first == OTA_AGAIN)
        return ota_fault_set(fault, OTA_REJECT_MISSING, "package.trailer", 0);
    return ota_fault_set(fault, s.first, s.first_fault.where, s.first_fault.port_code);
}
