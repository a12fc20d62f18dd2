/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys: PEM in JSON -> the bytes that the crypto port wants. */
#include "encode.h"
#include "json_text.h"
#include "tuf_i.h"

#include <string.h>

#define DER_MAX 560 /* SubjectPublicKeyInfo of an RSA-4096 key: 550 */

static const struct scheme {
    const char *keytype, *name;
    uint8_t kind, alg, hash;
} schemes[] = {
    { "ecdsa", "ecdsa-sha2-nistp256", OTA_KEY_P256, OTA_SIG_ECDSA_SHA256, OTA_SHA256 },
    { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", OTA_KEY_P256, OTA_SIG_ECDSA_SHA256, OTA_SHA256 },
    { "ecdsa", "ecdsa-sha2-nistp384", OTA_KEY_P384, OTA_SIG_ECDSA_SHA384, OTA_SHA384 },
    { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", OTA_KEY_P384, OTA_SIG_ECDSA_SHA384, OTA_SHA384 },
    { "rsa", "rsassa-pss-sha256", OTA_KEY_RSA, OTA_SIG_RSA_PSS_SHA256, OTA_SHA256 },
    { "rsa", "rsassa-pss-sha384", OTA_KEY_RSA, OTA_SIG_RSA_PSS_SHA384, OTA_SHA384 },
    { "rsa", "rsassa-pss-sha512", OTA_KEY_RSA, OTA_SIG_RSA_PSS_SHA512, OTA_SHA512 },
};

static const struct scheme *find_scheme(struct otai_span keytype, struct otai_span name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (otai_json_raw_is(keytype, schemes[i].keytype) && otai_json_raw_is(name, schemes[i].name))
            return &schemes[i];
    return NULL;
}

/* Pass the characters of text; false when others stand there. */
static bool pass(struct otai_span pem, size_t *pos, const char *text)
{
    uint32_t cp;

    for (; *text; text++)
        if (!otai_json_char(pem.p, pem.len, pos, &cp) || cp != (uint8_t)*text)
            return false;
    return true;
}

/* The DER in a PEM "PUBLIC KEY" block, whose lines may end in LF or CRLF. 0: not well formed or longer than cap. */
static size_t pem_decode(struct otai_span pem, uint8_t *out, size_t cap)
{
    struct otai_base64 b;
    size_t pos = 0;
    uint32_t cp = 0;

    otai_base64_init(&b, out, cap);
    if (!pass(pem, &pos, "-----BEGIN PUBLIC KEY-----"))
        return 0;
    while (otai_json_char(pem.p, pem.len, &pos, &cp) && cp != '-')
        if (cp != '\r' && cp != '\n')
            otai_base64_add(&b, cp);
    if (cp != '-' || !pass(pem, &pos, "----END PUBLIC KEY-----"))
        return 0;
    while (otai_json_char(pem.p, pem.len, &pos, &cp))
        if (cp != '\r' && cp != '\n')
            return 0;
    return otai_base64_end(&b) ? b.len : 0;
}

/* The one way to write the head of an uncompressed point's SubjectPublicKeyInfo (RFC 5480). */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
static const uint8_t p384_head[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                     0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 };
/* rsaEncryption with its NULL parameter (RFC 3279 section 2.3.1), between two lengths. */
static const uint8_t rsa_algorithm[] = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00
};

/* tag 82 HH LL: a header whose value fills the rest of der. */
static bool long_header(const uint8_t *der, size_t len, uint8_t tag)
{
    return len > 4 && der[0] == tag && der[1] == 0x82 && ((size_t)der[2] << 8 | der[3]) == len - 4;
}

/* Length of the SPKI head before an RSAPublicKey of 2048 bits or more; 0: not such a key. */
static size_t rsa_head(const uint8_t *der, size_t len)
{
    const size_t bits = 4 + sizeof rsa_algorithm, head = bits + 5;

    if (len < 270 + head || !long_header(der, len, 0x30) || memcmp(der + 4, rsa_algorithm, sizeof rsa_algorithm) != 0 ||
        !long_header(der + bits, len - bits, 0x03) || der[head - 1] != 0 || !long_header(der + head, len - head, 0x30))
        return 0;
    const uint8_t *modulus = der + head + 4;
    size_t bytes = (size_t)modulus[2] << 8 | modulus[3];
    bool ok = modulus[0] == 0x02 && modulus[1] == 0x82 && bytes >= 257 && modulus[4] == 0 && (modulus[5] & 0x80);
    return ok ? head : 0;
}

/* Length of the head to strip, so that the key as the port wants it remains; 0: not a key of this kind. */
static size_t spki_head(uint8_t kind, const uint8_t *der, size_t len)
{
    if (kind == OTA_KEY_RSA)
        return rsa_head(der, len);
    const uint8_t *head = kind == OTA_KEY_P256 ? p256_head : p384_head;
    size_t head_len = kind == OTA_KEY_P256 ? sizeof p256_head : sizeof p384_head;
    size_t point = kind == OTA_KEY_P256 ? 64 : 96;
    bool ok = len == head_len + point && memcmp(der, head, head_len) == 0;
    return ok ? head_len - 1 : 0; /* the 04 that marks an uncompressed point belongs to the key */
}

struct key_text {
    struct otai_span keytype, scheme, pem;
};

/* Take a key object. */
static void key_parse(struct otai_json *j, struct key_text *k)
{
    memset(k, 0, sizeof *k);
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "keytype")) {
            k->keytype = otai_json_string_raw(j);
        } else if (otai_json_name_is(j, "scheme")) {
            k->scheme = otai_json_string_raw(j);
        } else if (otai_json_name_is(j, "keyval")) {
            for (otai_json_object(j); otai_json_member(j);)
                if (otai_json_name_is(j, "public"))
                    k->pem = otai_json_string_raw(j);
                else
                    otai_json_skip(j);
        } else {
            otai_json_skip(j);
        }
    }
    otai_json_need(j, k->keytype.p && k->scheme.p && k->pem.p, "keyval");
}

/* The text of the key that has this id, or {NULL, 0}. */
static struct otai_span key_find(struct otai_span keys, struct otai_span id)
{
    struct otai_json j;

    otai_json_init(&j, keys.p, keys.len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        bool same = otai_json_same(otai_json_name_raw(&j), id);
        struct otai_span value = otai_json_value(&j);

        if (same)
            return value;
    }
    return (struct otai_span){ NULL, 0 };
}

struct hash_sink {
    struct ota_crypto *crypto;
    struct ota_hash hash;
};

static ota_err hash_put(void *ctx, const uint8_t *p, size_t len)
{
    struct hash_sink *s = ctx;

    return s->crypto->ops->hash_add(s->crypto, &s->hash, p, len);
}

ota_err otai_tuf_canonical_hash(struct ota_tuf *t, struct otai_json *j, enum ota_hash_alg alg, uint8_t *out)
{
    struct hash_sink s = { .crypto = t->cfg.crypto };
    const struct otai_json_sink sink = { hash_put, &s };

    ota_err err = s.crypto->ops->hash_start(s.crypto, &s.hash, alg);
    if (err != OTA_OK)
        return err;
    err = otai_json_canonical(j, &sink);
    ota_err end = s.crypto->ops->hash_end(s.crypto, &s.hash, err == OTA_OK ? out : NULL);
    return err != OTA_OK ? err : end;
}

bool otai_tuf_key_id(struct ota_tuf *t, struct otai_span raw, uint8_t out[OTA_SHA256_LEN])
{
    if (raw.len == 2 * OTA_SHA256_LEN && otai_hex_decode(raw, out, OTAI_HEX_LOWER))
        return true;
    /* Any text may be a name when it is not the digest of its key; its own digest makes it 32 bytes long. */
    return t->cfg.loose_keyids && otai_tuf_hash(t, OTA_SHA256, raw.p, raw.len, out) == OTA_OK;
}

/* Section 4.2: the id is the digest of the key's canonical form. */
static ota_err check_id(struct ota_tuf *t, struct otai_span text, const uint8_t *id)
{
    uint8_t digest[OTA_SHA256_LEN];
    struct otai_json j;

    if (t->cfg.loose_keyids)
        return OTA_OK;
    otai_json_init(&j, text.p, text.len);
    ota_err err = otai_tuf_canonical_hash(t, &j, OTA_SHA256, digest);
    if (err != OTA_OK)
        return err;
    return memcmp(digest, id, sizeof digest) == 0 ? OTA_OK : OTA_REJECT_KEY;
}

/* Index of the key in ring that is the same in id and bytes; count: none is. */
static uint8_t find_same(const struct tuf_ring *ring, const struct tuf_key *new, const uint8_t *bytes)
{
    uint8_t i = 0;

    for (; i < ring->count; i++) {
        const struct tuf_key *k = &ring->key[i];

        if (memcmp(k->id, new->id, sizeof k->id) == 0 && k->alg == new->alg &&
            k->len == new->len &&memcmp(ring->bytes + k->off, bytes, k->len) == 0)
            break;
    }
    return i;
}

/* Put a key behind the others unless it is there. */
static ota_err insert(struct tuf_ring *ring, struct tuf_key *k, const uint8_t *bytes, uint32_t *mask)
{
    uint8_t index = find_same(ring, k, bytes);

    if (index == ring->count) {
        if (ring->count == TUF_KEYS_MAX || k->len > TUF_KEY_BYTES - ring->used)
            return OTA_REJECT_LIMIT;
        k->off = ring->used;
        memcpy(ring->bytes + k->off, bytes, k->len);
        ring->key[ring->count++] = *k;
        ring->used = (uint16_t)(ring->used + k->len);
    }
    if (*mask & 1u << index)
        return OTA_REJECT_DUPLICATE;
    *mask |= 1u << index;
    return OTA_OK;
}

ota_err otai_tuf_key_add(struct ota_tuf *t, struct tuf_ring *ring, struct otai_span keys, struct otai_span id, uint32_t *mask)
{
    struct otai_span text = key_find(keys, id);
    uint8_t der[DER_MAX];
    struct key_text parts;
    struct otai_json j;
    struct tuf_key k;

    if (!text.p)
        return OTA_SAME;
    otai_json_init(&j, text.p, text.len);
    key_parse(&j, &parts);
    if (j.err != OTA_OK)
        return j.err;
    const struct scheme *s = find_scheme(parts.keytype, parts.scheme);
    if (!s)
        return OTA_SAME;
    if (!otai_tuf_key_id(t, id, k.id))
        return OTA_REJECT_KEY;
    ota_err err = check_id(t, text, k.id);
    if (err != OTA_OK)
        return err;
    size_t len = pem_decode(parts.pem, der, sizeof der);
    size_t head = spki_head(s->kind, der, len);
    if (head == 0)
        return OTA_REJECT_KEY;
    k.len = (uint16_t)(len - head);
    k.kind = s->kind;
    k.alg = s->alg;
    k.hash = s->hash;
    return insert(ring, &k, der + head, mask);
}

void otai_tuf_keyids(struct ota_tuf *t, struct otai_json *j, struct otai_span keys, struct tuf_ring *ring, uint32_t *mask)
{
    *mask = 0;
    for (otai_json_array(j); otai_json_element(j);) {
        struct otai_span id = otai_json_string_raw(j);
        ota_err err = id.p ? otai_tuf_key_add(t, ring, keys, id, mask) : OTA_OK;

        if (err != OTA_OK && err != OTA_SAME)
            otai_json_fail(j, err, NULL);
    }
}
