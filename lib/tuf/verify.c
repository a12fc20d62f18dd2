/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures. Until they are verified, nothing of a file is looked at but its `signatures` and the digest of `signed`. */
#include "encode.h"
#include "tuf_i.h"

#include <string.h>

#define SIG_MAX 512 /* RSA-4096 */

struct envelope {
    struct otai_span signed_text;
    uint8_t count;
    struct otai_span id[TUF_SIGS_MAX], sig[TUF_SIGS_MAX]; /* raw strings */
    bool hashed;
    enum ota_hash_alg alg; /* of digest, if hashed */
    uint8_t digest[OTA_HASH_LEN_MAX];
};

static void read_signature(struct otai_json *j, struct otai_span *id, struct otai_span *sig)
{
    id->p = sig->p = NULL;
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "keyid"))
            *id = otai_json_string_raw(j);
        else if (otai_json_name_is(j, "sig"))
            *sig = otai_json_string_raw(j);
        else
            otai_json_skip(j);
    }
    otai_json_need(j, id->p && sig->p, id->p ? "sig" : "keyid");
}

/* Section 4.2.1: a key id stands there at most once. */
static void read_signatures(struct otai_json *j, struct envelope *e)
{
    e->count = 0;
    for (otai_json_array(j); otai_json_element(j); e->count++) {
        if (e->count == TUF_SIGS_MAX) {
            otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
            return;
        }
        read_signature(j, &e->id[e->count], &e->sig[e->count]);
        for (uint8_t i = 0; i < e->count && j->err == OTA_OK; i++)
            if (otai_json_same(e->id[i], e->id[e->count]))
                otai_json_fail(j, OTA_REJECT_DUPLICATE, NULL);
    }
}

static ota_err open_envelope(struct ota_tuf *t, struct otai_span file, struct envelope *e)
{
    bool listed = false;
    struct otai_json j;

    e->signed_text.p = NULL;
    e->hashed = false;
    otai_json_init(&j, file.p, file.len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        if (otai_json_name_is(&j, "signatures")) {
            read_signatures(&j, e);
            listed = true;
        } else if (otai_json_name_is(&j, "signed")) {
            if (otai_json_peek(&j) != OTAI_JSON_OBJECT)
                otai_json_fail(&j, OTA_REJECT_TYPE, NULL);
            e->signed_text = otai_json_value(&j);
        } else {
            otai_json_skip(&j);
        }
    }
    otai_json_need(&j, listed, "signatures");
    otai_json_need(&j, e->signed_text.p, "signed");
    otai_json_end(&j);
    return otai_json_fault(&j, t->doc, &t->fault);
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

/* Signature bytes as the crypto port wants them; 0: not well formed, so not signed. */
static size_t decode_sig(struct otai_span text, uint8_t kind, uint8_t out[SIG_MAX])
{
    size_t len = text.len / 2, width = kind == OTA_KEY_P256 ? 32 : 48;
    uint8_t raw[96];

    if (len > SIG_MAX || !otai_hex_decode(text, out, OTAI_HEX_ANY))
        return 0;
    if (kind == OTA_KEY_RSA)
        return len;
    if (!der_to_raw(out, len, raw, width))
        return 0;
    memcpy(out, raw, 2 * width);
    return 2 * width;
}

static ota_err digest_signed(struct ota_tuf *t, struct envelope *e, enum ota_hash_alg alg)
{
    struct otai_json j;

    if (e->hashed && e->alg == alg)
        return OTA_OK;
    otai_json_init(&j, e->signed_text.p, e->signed_text.len);
    ota_err err = otai_tuf_canonical_hash(t, &j, alg, e->digest);
    e->hashed = err == OTA_OK;
    e->alg = alg;
    return err;
}

/* OTA_OK only when this key signed. */
static ota_err check_one(struct ota_tuf *t, struct envelope *e, const struct tuf_ring *ring, const struct tuf_key *k,
                         struct otai_span text)
{
    uint8_t sig[SIG_MAX];
    size_t len = decode_sig(text, k->kind, sig);

    if (len == 0)
        return OTA_REJECT_SIGNATURE;
    ota_err err = digest_signed(t, e, (enum ota_hash_alg)k->hash);
    if (err != OTA_OK)
        return err;
    return t->cfg.crypto->ops->verify(t->cfg.crypto, (enum ota_sig_alg)k->alg, (enum ota_key_kind)k->kind, ring->bytes + k->off,
                                      k->len, e->digest, ota_hash_len((enum ota_hash_alg)k->hash), sig, len);
}

static const struct otai_span *find_sig(struct ota_tuf *t, const struct envelope *e, const uint8_t *key_id)
{
    uint8_t id[OTA_SHA256_LEN];

    for (uint8_t i = 0; i < e->count; i++)
        if (otai_tuf_key_id(t, e->id[i], id) && memcmp(id, key_id, sizeof id) == 0)
            return &e->sig[i];
    return NULL;
}

/* Is there a key with the same bytes among those that counted? It may have another id. */
static bool counted(const struct tuf_ring *ring, uint32_t done, const struct tuf_key *k)
{
    for (uint8_t i = 0; i < ring->count; i++)
        if ((done & 1u << i) && ring->key[i].len == k->len &&
            memcmp(ring->bytes + ring->key[i].off, ring->bytes + k->off, k->len) == 0)
            return true;
    return false;
}

ota_err otai_tuf_verify(struct ota_tuf *t, struct otai_span file, const struct tuf_ring *ring, struct tuf_signers signers)
{
    uint32_t done = 0, valid = 0;
    struct envelope e;

    ota_err err = open_envelope(t, file, &e);
    if (err != OTA_OK)
        return err;
    for (uint8_t i = 0; i < ring->count && signers.threshold > 0; i++) {
        const struct tuf_key *k = &ring->key[i];
        const struct otai_span *sig = signers.keys & 1u << i ? find_sig(t, &e, k->id) : NULL;

        if (!sig || counted(ring, done, k))
            continue;
        err = check_one(t, &e, ring, k, *sig);
        if (ota_err_class(err) == OTA_CLASS_DEVICE)
            return otai_tuf_refuse(t, err, "signatures");
        if (err != OTA_OK)
            continue;
        done |= 1u << i;
        if (++valid == signers.threshold)
            return OTA_OK;
    }
    return otai_tuf_refuse(t, OTA_REJECT_SIGNATURE, "signatures");
}
