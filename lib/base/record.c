/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <string.h>

#include "bytes.h"
#include "ota/error.h"
#include "ota/records.h"

static size_t width(const struct otai_field *f)
{
    switch ((enum otai_field_kind)f->kind) {
    case OTAI_F_U8:
    case OTAI_F_SLOT:
    case OTAI_F_OUTCOME: return 1;
    case OTAI_F_U32:
    case OTAI_F_ERR: return 4;
    case OTAI_F_U64: return 8;
    case OTAI_F_BYTES:
    case OTAI_F_TEXT: break;
    }
    return f->arg;
}

size_t otai_record_len(struct otai_table t)
{
    size_t len = 0;

    for (size_t i = 0; i < t.count; i++)
        len += width(&t.field[i]);
    return len;
}

static bool printable(uint8_t c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* What is written can always be read again: a stray byte becomes '?', and the last one is always NUL. */
static void put_text(uint8_t *out, const uint8_t *text, size_t len)
{
    memset(out, 0, len);
    for (size_t i = 0; i + 1 < len && text[i]; i++)
        out[i] = printable(text[i]) ? text[i] : '?';
}

static void put_field(uint8_t *out, const struct otai_field *f, const void *from)
{
    uint32_t v32;
    uint64_t v64;

    switch ((enum otai_field_kind)f->kind) {
    case OTAI_F_U32:
        memcpy(&v32, from, sizeof v32);
        otai_put_le32(out, v32);
        return;
    case OTAI_F_ERR:
        otai_put_le32(out, (uint32_t)*(const ota_err *)from);
        return;
    case OTAI_F_OUTCOME:
        out[0] = (uint8_t)*(const enum ota_outcome *)from;
        return;
    case OTAI_F_U64:
        memcpy(&v64, from, sizeof v64);
        otai_put_le64(out, v64);
        return;
    case OTAI_F_TEXT:
        put_text(out, from, f->arg);
        return;
    case OTAI_F_U8:
    case OTAI_F_SLOT:
    case OTAI_F_BYTES:
        memcpy(out, from, width(f));
    }
}

uint8_t *otai_record_put(uint8_t *out, struct otai_table t, const void *from)
{
    for (size_t i = 0; i < t.count; i++) {
        put_field(out, &t.field[i], (const uint8_t *)from + t.field[i].offset);
        out += width(&t.field[i]);
    }
    return out;
}

static bool text_ok(const uint8_t *p, size_t len)
{
    size_t i = 0;

    while (i < len && printable(p[i]))
        i++;
    return i < len && otai_is_zero(p + i, len - i);
}

static bool value_ok(const struct otai_field *f, const uint8_t *p)
{
    switch ((enum otai_field_kind)f->kind) {
    case OTAI_F_U8: return p[0] <= f->arg;
    case OTAI_F_SLOT: return p[0] <= 1 || p[0] == OTA_SLOT_NONE;
    case OTAI_F_ERR: return otai_get_le32(p) <= 0xffff;
    case OTAI_F_OUTCOME: return p[0] <= OTA_OUTCOME_REFUSED;
    case OTAI_F_TEXT: return text_ok(p, f->arg);
    case OTAI_F_U32:
    case OTAI_F_U64:
    case OTAI_F_BYTES: break;
    }
    return true;
}

static void get_field(const uint8_t *p, const struct otai_field *f, void *to)
{
    uint32_t v32;
    uint64_t v64;

    switch ((enum otai_field_kind)f->kind) {
    case OTAI_F_U32:
        v32 = otai_get_le32(p);
        memcpy(to, &v32, sizeof v32);
        return;
    case OTAI_F_ERR:
        *(ota_err *)to = (ota_err)otai_get_le32(p);
        return;
    case OTAI_F_OUTCOME:
        *(enum ota_outcome *)to = (enum ota_outcome)p[0];
        return;
    case OTAI_F_U64:
        v64 = otai_get_le64(p);
        memcpy(to, &v64, sizeof v64);
        return;
    case OTAI_F_U8:
    case OTAI_F_SLOT:
    case OTAI_F_BYTES:
    case OTAI_F_TEXT:
        memcpy(to, p, width(f));
    }
}

void otai_record_get(struct otai_record_in *in, struct otai_table t, void *to)
{
    for (size_t i = 0; i < t.count && in->left && !in->why; i++) {
        const struct otai_field *f = &t.field[i];
        size_t len = width(f);

        if (len > in->left || !value_ok(f, in->p)) {
            in->why = f->name && len <= in->left ? f->name : "body";
            return;
        }
        get_field(in->p, f, (uint8_t *)to + f->offset);
        in->p += len;
        in->left -= len;
    }
}
