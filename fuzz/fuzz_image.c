/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image packages. Byte 0: kind of key (bit 0), whether the signature is made right (bit 1); byte 1: bytes of a piece; the rest
 * is the package. A second reader, slow and simple, must come to the same verdict and the same fields; a trailer that was
 * read must be written again with the same bytes; in pieces and in a slot, verification must say what it says at once.
 */
#include "package.h"

#include "tuf_fuzz_crypto.h"

#define SLOT_MORE 512u

static void require(bool good)
{
    if (!good)
        abort();
}

/* ---- the second reader: it has all of the file, and looks everywhere ---- */

struct reference {
    size_t trailer, end; /* of the sections: behind the count, before the length */
    size_t signature_len;
    uint32_t count;
    const uint8_t *found[10]; /* by row: data of the known sections */
    uint64_t found_len[10];
};

static const char letters[10][3] = { "ID", "SG", "DB", "TP", "ND", "NP", "CM", "RV", "RO", "IP" };
static const uint8_t lengths[10] = { 36, 24, 40, 4, 0, 0, 8, 4, 4, 4 };

static uint64_t number(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v * 256 + p[bytes];
    return v;
}

static bool locate(struct reference *r, const uint8_t *p, size_t size)
{
    static const size_t signatures[] = { 64, 96 };

    for (size_t k = 0; k < 2; k++)
        for (size_t at = 0; at + 8 + 5 + 4 + signatures[k] <= size; at++) {
            size_t end = size - signatures[k];
            if (memcmp(p + at, "4X4M", 4) != 0 || number(p + end - 4, 4) != end - at || end - at > OTA_PACKAGE_TRAILER_MAX)
                continue;
            *r = (struct reference){ .trailer = at, .end = end - 4, .signature_len = signatures[k] };
            r->count = (uint32_t)number(p + at + 4, 4);
            return true;
        }
    return false;
}

static bool name_good(const uint8_t *p)
{
    for (size_t i = 0; i < 32; i++) {
        if (p[i] == 0)
            return true;
        if (p[i] < 32 || p[i] == 127)
            return false;
    }
    return false;
}

static bool data_good(size_t row, const uint8_t *p, uint64_t len)
{
    if (lengths[row] && len != lengths[row])
        return false;
    if (row == 1)
        return number(p + 20, 4) == 1 || number(p + 20, 4) == 2;
    if (row == 2)
        return name_good(p + 8);
    if (row == 4 || row == 5)
        return len >= 4 && number(p, 4) <= 8 && len == 4 + 8 * number(p, 4);
    return true;
}

static bool reads(struct reference *r, const uint8_t *p, size_t size)
{
    if (!locate(r, p, size) || r->trailer % 4 || r->count < 1 || r->count > 24)
        return false;
    uint64_t at = r->trailer + 8;
    for (uint32_t i = 0; i < r->count; i++) {
        if (at + 4 > r->end)
            return false;
        uint64_t len = number(p + at + 2, 2);
        if (len == 0 || at + 4 + len > r->end)
            return false;
        for (size_t row = 0; row < 10; row++) {
            if (memcmp(p + at, letters[row], 2) != 0)
                continue;
            if (r->found[row] || !data_good(row, p + at + 4, len))
                return false;
            r->found[row] = p + at + 4;
            r->found_len[row] = len;
        }
        at += 4 + len;
    }
    if (at != r->end || !r->found[0])
        return false;
    return !r->found[1] || number(r->found[1] + 20, 4) == (r->signature_len == 64 ? 1u : 2u);
}

static uint64_t said(const struct reference *r, size_t row, size_t off, size_t bytes)
{
    return r->found[row] ? number(r->found[row] + off, bytes) : 0;
}

static void same_abi(const struct reference *r, size_t row, const struct ota_abi *abi, size_t count)
{
    require(count == said(r, row, 0, 4));
    for (size_t i = 0; i < count; i++)
        require(abi[i].version == said(r, row, 4 + 8 * i, 4) && abi[i].type == said(r, row, 8 + 8 * i, 4));
}

static void same_fields(const struct reference *r, const struct ota_package *p, size_t size)
{
    static const uint8_t zero[32];

    require(p->length == size && p->body_len == r->trailer && p->signature_len == r->signature_len);
    require(p->section_count == r->count && p->trailer_len == r->end + 4 - r->trailer);
    for (size_t row = 0; row < 10; row++)
        require(!(p->has & 1u << row) == !r->found[row]);
    require(p->image_type == said(r, 0, 0, 2) && memcmp(p->component, r->found[0] + 4, 16) == 0);
    require(memcmp(p->image, r->found[0] + 20, 16) == 0);
    require(memcmp(p->thumbprint, r->found[1] ? r->found[1] : zero, 20) == 0 && p->signature_type == said(r, 1, 20, 4));
    require(p->built_s == said(r, 2, 0, 8) && memcmp(p->name, r->found[2] ? r->found[2] + 8 : zero, 32) == 0);
    require(p->temporary == said(r, 3, 0, 4) && p->security == said(r, 7, 0, 4));
    require(p->flash_offset == said(r, 8, 0, 4) && p->policy == said(r, 9, 0, 4));
    require(p->uncompressed_len == said(r, 6, 0, 4) && p->compression == said(r, 6, 4, 4));
    same_abi(r, 4, p->depends, p->depends_count);
    same_abi(r, 5, p->provides, p->provides_count);
}

/* ---- what must hold ---- */

static void write_again(const struct ota_package *p, const uint8_t *trailer)
{
    uint8_t buf[OTA_PACKAGE_TRAILER_MAX];
    struct ota_package_writer w;
    size_t len = 0;

    ota_package_write_begin(&w, buf, sizeof buf);
    for (size_t i = 0; i < p->section_count; i++)
        ota_package_write_section(&w, p->section[i].id, p->section[i].data, p->section[i].len);
    require(ota_package_write_end(&w, &len, NULL) == OTA_OK);
    require(len == p->trailer_len && memcmp(buf, trailer, len) == 0);
}

static void read_manifest(const uint8_t *body, size_t len)
{
    struct ota_manifest_entry entry[OTA_MANIFEST_IMAGES_MAX];
    uint8_t buf[OTA_MANIFEST_HEAD_LEN + OTA_MANIFEST_IMAGES_MAX * OTA_MANIFEST_ENTRY_LEN];
    struct ota_manifest m;
    struct ota_fault fault = { .err = OTA_OK };
    size_t made;
    ota_err err = ota_manifest_open(&m, body, len, false, &fault);

    require(err == fault.err);
    if (err != OTA_OK)
        return;
    require(m.count <= OTA_MANIFEST_IMAGES_MAX);
    for (size_t i = 0; i < m.count; i++)
        ota_manifest_get(&m, i, &entry[i]);
    err = ota_manifest_write(buf, sizeof buf, m.built_s, entry, m.count, &made, NULL);
    require(err == (m.hashed || m.count == 0 ? OTA_OK : OTA_REJECT_MISSING));
    for (size_t i = 0; err == OTA_OK && i < m.count; i++)
        require(memcmp(buf + 16 + i * 108, body + m.head_len + i * m.entry_len, 108) == 0);
}

static ota_err in_pieces(struct ota_crypto *crypto, const struct ota_package_want *want, const uint8_t *p, size_t size,
                         size_t piece, struct ota_fault *fault)
{
    static struct ota_package_verify v;
    struct ota_package out;
    ota_err err = ota_package_verify_begin(&v, crypto, want, fault);

    for (size_t off = 0; err == OTA_OK && off < size; off += piece)
        err = ota_package_verify_add(&v, p + off, size - off < piece ? size - off : piece);
    return err == OTA_OK ? ota_package_verify_end(&v, &out) : err;
}

struct slot {
    struct ota_package_reader reader;
    const uint8_t *p;
    size_t size;
};

static ota_err slot_read(struct ota_package_reader *r, uint64_t off, void *to, size_t len, int32_t *port_code)
{
    const struct slot *s = (const struct slot *)(const void *)r;

    (void)port_code;
    require(off + len <= s->size);
    memcpy(to, s->p + off, len);
    return OTA_OK;
}

/* In a slot, what is found must be signed as a package of its own; and the package itself must be found, unless a shorter
 * one stands in its beginning. */
static void in_a_slot(struct ota_crypto *crypto, const struct ota_package_want *want, const uint8_t *p, size_t size, bool good)
{
    static struct ota_package_verify v;
    struct ota_package out;
    static const struct ota_package_reader_ops ops = { slot_read };
    struct ota_fault fault = { .err = OTA_OK };
    uint8_t *mem = malloc(size + SLOT_MORE), buf[512];
    struct slot s = { { &ops }, mem, size + SLOT_MORE };

    require(mem != NULL);
    memcpy(mem, p, size);
    memset(mem + size, 0xff, SLOT_MORE);
    ota_err err = ota_package_find(&v, &s.reader, s.size, buf, sizeof buf, crypto, want, &out, &fault);
    require(err == fault.err);
    if (err == OTA_OK)
        require(out.length <= size && in_pieces(crypto, want, mem, (size_t)out.length, 1000, NULL) == OTA_OK);
    else
        require(ota_err_class(err) == OTA_CLASS_REJECT && (!good || err == OTA_REJECT_LIMIT || fault.where[0]));
    free(mem);
}

static void look_at(uint8_t *p, size_t size, unsigned options, size_t piece)
{
    static const uint8_t key[97] = { 4 };
    static const struct ota_abi provided[] = { { 5, 3 }, { 0, 1 } };
    struct ota_crypto crypto = { &fuzz_ops };
    struct ota_package_want want = {
        options & 1 ? OTA_KEY_P384 : OTA_KEY_P256, key, options & 1 ? 97 : 65, NULL, 1, 8, provided, 2, 2, true
    };
    struct reference r;
    struct ota_package got;
    struct ota_fault fault = { .err = OTA_OK }, other = { .err = OTA_OK };
    size_t sig = options & 1 ? 96 : 64;

    if (options & 2 && size >= sig) {
        memset(p + size - sig, 0, sig);
        p[size - sig / 2 - 1] = p[size - 1] = 1;
    }
    bool good = reads(&r, p, size);
    ota_err err = ota_package_parse(&got, size, p, size, &fault);
    require(good == (err == OTA_OK) && err == fault.err);
    require(good || (ota_err_class(err) == OTA_CLASS_REJECT && memcmp(fault.where, "package.", 8) == 0));
    if (good) {
        same_fields(&r, &got, size);
        write_again(&got, p + r.trailer);
        read_manifest(p, r.trailer);
    }
    err = in_pieces(&crypto, &want, p, size, size + 1, &fault);
    require(err == in_pieces(&crypto, &want, p, size, piece, &other) && strcmp(fault.where, other.where) == 0);
    require(err != OTA_OK ||
            (good && r.found[1] && r.signature_len == sig && got.security >= 1 && got.security != 3 && !(got.temporary & ~2u)));
    in_a_slot(&crypto, &want, p, size, err == OTA_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 16384)
        return 0;
    uint8_t *copy = malloc(size - 2); /* of that size exactly: a sanitizer sees a read beyond */
    require(copy != NULL);
    memcpy(copy, data + 2, size - 2);
    look_at(copy, size - 2, data[0], (size_t)data[1] * 5 + 1);
    read_manifest(copy, size - 2);
    free(copy);
    return 0;
}
