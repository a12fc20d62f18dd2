/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures. Until they are verified, nothing of a file is looked at but its `signatures` and the digest of `signed`. */
#include "encode.h"
#include "json_members.h"
#include "tuf_i.h"

#include OTAI_TUF_KINDS
#include <string.h>

#define SIG_MAX 512 /* RSA-4096 */

static void read_signature(struct otai_json *j, struct tuf_signature *s)
{
    static const struct otai_member members[] = {
        { "keyid", offsetof(struct tuf_signature, id), OTAI_JSON_STRING, true },
        { "sig", offsetof(struct tuf_signature, sig), OTAI_JSON_STRING, true },
    };
    uint32_t left = OTAI_ALL(members);

    otai_json_object(j);
    (void)otai_json_take(j, members, s, &left);
}

/* Section 4.2.1: a key id stands there at most once. */
static void read_signatures(struct otai_json *j, struct tuf_envelope *e)
{
    for (otai_json_array(j); otai_json_element(j); e->count++) {
        struct tuf_signature *s = &e->list[e->count];

        if (e->count == TUF_SIGS_MAX) {
            otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
            return;
        }
        read_signature(j, s);
        for (const struct tuf_signature *other = e->list; other < s && j->err == OTA_OK; other++)
            if (otai_json_same(other->id, s->id))
                otai_json_fail(j, OTA_REJECT_DUPLICATE, NULL);
    }
}

static ota_err open_envelope(struct tuf_envelope *e)
{
    static const struct otai_member members[] = {
        { "signatures", 0, OTAI_OWN, true },
        { "signed", offsetof(struct tuf_envelope, signed_text), OTAI_JSON_OBJECT, true },
    };
    uint32_t left = OTAI_ALL(members);
    struct otai_json j;

    otai_json_init(&j, e->t->file.p, e->t->file.len);
    otai_json_object(&j);
    while (otai_json_take(&j, members, e, &left) >= 0)
        read_signatures(&j, e);
    return otai_tuf_end(e->t, &j);
}

/* A DER INTEGER without sign, in its shortest form, as exactly `width` bytes. */
static bool der_integer(const uint8_t **p, const uint8_t *end, uint8_t *out, size_t width)
{
    if (end - *p < 3 || (*p)[0] != 0x02)
        return false;
    size_t len = (*p)[1];
    const uint8_t *v = *p + 2;
    if (len == 0 || len > (size_t)(end - v) || (v[0] & 0x80))
        return false;
    *p = v + len;
    if (v[0] == 0 && len > 1) {
        if (!(v[1] & 0x80))
            return false;
        v++;
        len--;
    }
    if (len > width)
        return false;
    memset(out, 0, width - len);
    memcpy(out + width - len, v, len);
    return true;
}

/* ECDSA-Sig-Value (RFC 3279 section 2.2.3) as r||s. One form is accepted for one signature: strict DER. */
static bool der_to_raw(const uint8_t *der, size_t len, uint8_t *out, size_t width)
{
    const uint8_t *p = der + 2, *end = der + len;

    return len >= 2 && len < 130 && der[0] == 0x30 && der[1] == len - 2 && der_integer(&p, end, out, width) &&
           der_integer(&p, end, out + width, width) && p == end;
}

/* OTA_OK: e->digest is the one of `signed` for this scheme. */
static ota_err digest_signed(struct tuf_envelope *e, const struct tuf_scheme *s)
{
    if (e->alg == s->alg)
        return OTA_OK;
    ota_err err = otai_tuf_hash(e->t, s->hash | TUF_CANONICAL, e->signed_text, e->digest);
    e->alg = err == OTA_OK ? s->alg : 0;
    return err;
}

/* OTA_OK only when this key signed. A signature that is not well formed is none. */
static ota_err check_one(struct tuf_envelope *e, const struct tuf_key *k, struct otai_span text)
{
    const struct tuf_scheme *s = &otai_tuf_scheme[k->scheme];
    struct ota_crypto *c = e->t->cfg.crypto;
    size_t len = text.len / 2, width = s->kind == OTA_KEY_P256 ? 32 : 48;
    uint8_t bytes[SIG_MAX], raw[2 * 48];
    const uint8_t *sig = bytes, *key = e->t->key_bytes + k->off;

    if (len > SIG_MAX || !otai_hex_decode(text, bytes, OTAI_HEX_ANY))
        return OTA_REJECT_SIGNATURE;
    if (s->kind < OTA_KEY_RSA) {
        if (!der_to_raw(bytes, len, raw, width))
            return OTA_REJECT_SIGNATURE;
        sig = raw;
        len = 2 * width;
    }
    ota_err err = otai_tuf_is_ed25519(s->kind) ? otai_tuf_ed25519_digest(e, key, sig, len) : digest_signed(e, s);
    if (err != OTA_OK)
        return err;
    return c->ops->verify(c, (enum ota_sig_alg)s->alg, (enum ota_key_kind)s->kind, key, k->len, e->digest,
                          ota_hash_len((enum ota_hash_alg)s->hash), sig, len);
}

static const struct otai_span *find_sig(const struct tuf_envelope *e, const struct tuf_key *k)
{
    uint8_t id[OTA_SHA256_LEN];

    for (const struct tuf_signature *s = e->list; s < e->list + e->count; s++)
        if (otai_tuf_key_id(e->t, s->id, id) && memcmp(id, k->id, sizeof id) == 0)
            return &s->sig;
    return NULL;
}

/* Is there a key with the same bytes among those that counted? It may have another id. */
static bool counted(const struct tuf_envelope *e, const struct tuf_key *k)
{
    const struct tuf_key *other = e->ring->key;
    const uint8_t *bytes = e->t->key_bytes;

    for (uint32_t done = e->t->signed_by; done; done >>= 1, other++)
        if ((done & 1) && other->len == k->len && memcmp(bytes + other->off, bytes + k->off, k->len) == 0)
            return true;
    return false;
}

/* A root that keeps a key of the trusted one was found to be signed by it already: a device need not compute that twice. */
static bool known(const struct ota_tuf *t, uint32_t before, const struct tuf_key *k)
{
    return before >> otai_tuf_find_same(t, &t->root.ring, k, t->key_bytes + k->off) & 1;
}

ota_err otai_tuf_verify(struct ota_tuf *t, const struct tuf_ring *ring, const struct tuf_signers *signers)
{
    uint32_t valid = 0, before = t->signed_by;
    struct tuf_envelope e;

    memset(&e, 0, sizeof e);
    e.t = t;
    t->signed_by = 0;
    e.ring = ring;
    ota_err err = open_envelope(&e);
    if (err != OTA_OK)
        return err;
    for (uint32_t i = 0; i < ring->count; i++) {
        const struct tuf_key *k = &ring->key[i];
        const struct otai_span *sig = signers->keys >> i & 1 ? find_sig(&e, k) : NULL;

        if (!sig || counted(&e, k))
            continue;
        err = known(t, before, k) ? OTA_OK : check_one(&e, k, *sig);
        if (ota_err_class(err) == OTA_CLASS_DEVICE)
            return otai_tuf_refuse(t, err, "signatures");
        if (err != OTA_OK)
            continue;
        t->signed_by |= 1u << i;
        if (++valid == signers->threshold)
            return OTA_OK;
    }
    return otai_tuf_refuse(t, OTA_REJECT_SIGNATURE, "signatures");
}
