/* SPDX-License-Identifier: Apache-2.0 */
/* Digests; public keys: PEM in JSON -> the bytes that the crypto port wants. */
#include "encode.h"
#include "json_members.h"
#include "json_text.h"
#include "tuf_i.h"

#include OTAI_TUF_KINDS
#include <string.h>

#define DER_MAX 560 /* SubjectPublicKeyInfo of an RSA-4096 key: 550 */

const struct tuf_scheme otai_tuf_scheme[] = {
    { "ecdsa-sha2-nistp256", OTA_KEY_P256, OTA_SIG_ECDSA_SHA256, OTA_SHA256 },
    { "ecdsa-sha2-nistp384", OTA_KEY_P384, OTA_SIG_ECDSA_SHA384, OTA_SHA384 },
    { "rsassa-pss-sha256", OTA_KEY_RSA, OTA_SIG_RSA_PSS_SHA256, OTA_SHA256 },
    { "rsassa-pss-sha384", OTA_KEY_RSA, OTA_SIG_RSA_PSS_SHA384, OTA_SHA384 },
    { "rsassa-pss-sha512", OTA_KEY_RSA, OTA_SIG_RSA_PSS_SHA512, OTA_SHA512 },
    TUF_SCHEMES_MORE{ NULL, 0, 0, 0 },
};

/* Older repositories have an ECDSA key's scheme as its type, too; of Ed25519 both have one name. */
static bool is_type(struct otai_span keytype, const struct tuf_scheme *s)
{
    if (s->kind == OTA_KEY_RSA)
        return otai_json_raw_is(keytype, "rsa");
    return otai_json_raw_is(keytype, s->name) || (!otai_tuf_is_ed25519(s->kind) && otai_json_raw_is(keytype, "ecdsa"));
}

/* Index of the scheme; of the one without a name: not known, or not of this type. */
static uint16_t find_scheme(struct otai_span keytype, struct otai_span name)
{
    const struct tuf_scheme *s = otai_tuf_scheme;

    while (s->name && !(otai_json_raw_is(name, s->name) && is_type(keytype, s)))
        s++;
    return (uint16_t)(s - otai_tuf_scheme);
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

/* The next character that is no line end. */
static bool next_char(struct otai_span pem, size_t *pos, uint32_t *cp)
{
    bool any;

    do
        any = otai_json_char(pem.p, pem.len, pos, cp);
    while (any && (*cp == '\r' || *cp == '\n'));
    return any;
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
    while (next_char(pem, &pos, &cp) && cp != '-')
        otai_base64_add(&b, cp);
    if (cp != '-' || !pass(pem, &pos, "----END PUBLIC KEY-----") || next_char(pem, &pos, &cp))
        return 0;
    return otai_base64_end(&b) ? b.len : 0;
}

/*
 * How a key of each kind begins: the only way to write a SubjectPublicKeyInfo of an uncompressed point (RFC 5480), or of
 * rsaEncryption with its NULL parameter and a key whose lengths all need two bytes (RFC 3279 section 2.3.1). REST stands
 * for such a length, which must reach to the end.
 */
#define REST 0xff, 0xff
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
static const uint8_t p384_head[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                     0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 };
static const uint8_t rsa_head[] = { 0x30, 0x82, REST, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
                                    0x01, 0x01, 0x05, 0x00, 0x03, 0x82, REST, 0x00, 0x30, 0x82, REST, 0x02, 0x82 };

static const struct spki {
    const uint8_t *head;
    uint8_t head_len;
    uint8_t strip;        /* what the port does not want */
    uint16_t least, most; /* bytes of the whole */
} spkis[] = {
    [OTA_KEY_P256] = { p256_head, sizeof p256_head, sizeof p256_head - 1, sizeof p256_head + 64, sizeof p256_head + 64 },
    [OTA_KEY_P384] = { p384_head, sizeof p384_head, sizeof p384_head - 1, sizeof p384_head + 96, sizeof p384_head + 96 },
    [OTA_KEY_RSA] = { rsa_head, sizeof rsa_head, sizeof rsa_head - 6, 294, DER_MAX },
};

static bool begins(const struct spki *k, const uint8_t *der, size_t len)
{
    for (size_t i = 0; i < k->head_len; i++) {
        if (k->head[i] != 0xff) {
            if (der[i] != k->head[i])
                return false;
            continue;
        }
        if (((size_t)der[i] << 8 | der[i + 1]) != len - (i + 2))
            return false;
        i++;
    }
    return true;
}

/* Length of the part to strip, so that the key as the port wants it remains; 0: not a key of this kind. */
static size_t spki_head(uint8_t kind, const uint8_t *der, size_t len)
{
    const struct spki *k = &spkis[kind];
    const uint8_t *modulus = der + k->head_len;

    if (len < k->least || len > k->most || !begins(k, der, len))
        return 0;
    /* 2048 bits or more: a modulus that begins with a zero byte, because its first bit is set */
    if (kind == OTA_KEY_RSA && (((size_t)modulus[0] << 8 | modulus[1]) < 257 || modulus[2] != 0 || !(modulus[3] & 0x80)))
        return 0;
    return k->strip;
}

struct key_text {
    struct otai_span keytype, scheme, public;
};

/* The text of a key object's parts. */
static ota_err key_parse(struct otai_span text, struct key_text *k)
{
    static const struct otai_member members[] = {
        { "keytype", offsetof(struct key_text, keytype), OTAI_JSON_STRING, true },
        { "scheme", offsetof(struct key_text, scheme), OTAI_JSON_STRING, true },
        { "keyval", 0, OTAI_OWN, true },
    };
    static const struct otai_member values[] = { { "public", offsetof(struct key_text, public), OTAI_JSON_STRING, true } };
    uint32_t left = OTAI_ALL(members), left_values = OTAI_ALL(values);
    struct otai_json j;

    otai_json_init(&j, text.p, text.len);
    otai_json_object(&j);
    while (otai_json_take(&j, members, k, &left) >= 0) {
        otai_json_object(&j);
        (void)otai_json_take(&j, values, k, &left_values);
    }
    return j.err;
}

static ota_err hash_put(void *ctx, const uint8_t *p, size_t len)
{
    struct tuf_hash *h = ctx;

    return h->crypto->ops->hash_add(h->crypto, &h->hash, p, len);
}

ota_err otai_tuf_hash_rest(struct tuf_hash *h, unsigned alg, struct otai_span bytes, uint8_t *out)
{
    const struct otai_json_sink sink = { hash_put, h };
    struct otai_json j;

    otai_json_init(&j, bytes.p, bytes.len);
    ota_err err = alg & TUF_CANONICAL ? otai_json_canonical(&j, &sink) : hash_put(h, bytes.p, bytes.len);
    ota_err end = h->crypto->ops->hash_end(h->crypto, &h->hash, err == OTA_OK ? out : NULL);
    return err != OTA_OK ? err : end;
}

ota_err otai_tuf_hash(struct ota_tuf *t, unsigned alg, struct otai_span bytes, uint8_t *out)
{
    struct tuf_hash h = { .crypto = t->cfg.crypto };

    ota_err err = h.crypto->ops->hash_start(h.crypto, &h.hash, (enum ota_hash_alg)(alg & ~TUF_CANONICAL));
    return err == OTA_OK ? otai_tuf_hash_rest(&h, alg, bytes, out) : err;
}

void otai_tuf_narrow(struct otai_span *in, struct otai_span name)
{
    struct otai_json j;
    bool same = false;

    otai_json_init(&j, in->p, in->len);
    for (otai_json_object(&j); !same && otai_json_member(&j);) {
        same = otai_json_same(otai_json_name_raw(&j), name);
        *in = otai_json_value(&j);
    }
    if (!same)
        *in = (struct otai_span){ NULL, 0 };
}

bool otai_tuf_key_id(struct ota_tuf *t, struct otai_span raw, uint8_t out[OTA_SHA256_LEN])
{
    if (raw.len == 2 * OTA_SHA256_LEN && otai_hex_decode(raw, out, OTAI_HEX_LOWER))
        return true;
    /* Any text may be a name when it is not the digest of its key; its own digest makes it 32 bytes long. */
    return t->cfg.loose_keyids && otai_tuf_hash(t, OTA_SHA256, raw, out) == OTA_OK;
}

/* Section 4.2: the id is the digest of the key's canonical form. */
static ota_err check_id(struct ota_tuf *t, struct otai_span text, const uint8_t *id)
{
    uint8_t digest[OTA_SHA256_LEN];

    if (t->cfg.loose_keyids)
        return OTA_OK;
    ota_err err = otai_tuf_hash(t, OTA_SHA256 | TUF_CANONICAL, text, digest);
    if (err != OTA_OK)
        return err;
    return memcmp(digest, id, sizeof digest) == 0 ? OTA_OK : OTA_REJECT_KEY;
}

void otai_tuf_ring_clear(const struct ota_tuf *t, struct tuf_ring *ring)
{
    ring->count = 0;
    ring->end = t->free_half;
}

uint8_t otai_tuf_find_same(const struct ota_tuf *t, const struct tuf_ring *ring, const struct tuf_key *key, const uint8_t *bytes)
{
    uint8_t i = 0;

    for (; i < ring->count; i++) {
        const struct tuf_key *k = &ring->key[i];

        if (memcmp(k, key, offsetof(struct tuf_key, off)) == 0 && memcmp(t->key_bytes + k->off, bytes, k->len) == 0)
            break;
    }
    return i;
}

/* Put a key behind the others unless it is there. */
static ota_err insert(struct ota_tuf *t, struct tuf_ring *ring, struct tuf_key *k, const uint8_t *bytes, uint32_t *mask)
{
    uint8_t index = otai_tuf_find_same(t, ring, k, bytes);

    if (index == ring->count) {
        if (ring->count == TUF_KEYS_MAX || k->len > t->free_half + t->cfg.limits.key_bytes - ring->end)
            return OTA_REJECT_LIMIT;
        k->off = ring->end;
        memcpy(t->key_bytes + k->off, bytes, k->len);
        ring->key[ring->count++] = *k;
        ring->end = (uint16_t)(ring->end + k->len);
    }
    if (*mask & 1u << index)
        return OTA_REJECT_DUPLICATE;
    *mask |= 1u << index;
    return OTA_OK;
}

/* Text of a key -> bytes that begin at *head of out and end at what is returned; 0: not a key of this kind. */
static size_t decode(uint8_t kind, struct otai_span text, uint8_t *out, size_t *head)
{
    *head = 0;
    if (otai_tuf_is_ed25519(kind))
        return otai_tuf_ed25519_key(text, out);
    size_t len = pem_decode(text, out, DER_MAX);
    *head = spki_head(kind, out, len);
    return *head ? len : 0;
}

/* Put the key with this raw id into ring and its bit into *mask. */
static ota_err add(struct ota_tuf *t, struct otai_span id, struct tuf_ring *ring, uint32_t *mask)
{
    struct otai_span text = t->in.keys;
    uint8_t der[DER_MAX];
    struct key_text parts;
    struct tuf_key k;

    otai_tuf_narrow(&text, id);
    if (!text.p)
        return OTA_OK;
    ota_err err = key_parse(text, &parts);
    if (err != OTA_OK)
        return err;
    k.scheme = find_scheme(parts.keytype, parts.scheme);
    if (!otai_tuf_scheme[k.scheme].name)
        return OTA_OK;
    if (!otai_tuf_key_id(t, id, k.id))
        return OTA_REJECT_KEY;
    err = check_id(t, text, k.id);
    if (err != OTA_OK)
        return err;
    size_t head, len = decode(otai_tuf_scheme[k.scheme].kind, parts.public, der, &head);
    if (len == 0)
        return OTA_REJECT_KEY;
    k.len = (uint16_t)(len - head);
    return insert(t, ring, &k, der + head, mask);
}

void otai_tuf_keyids(struct ota_tuf *t, struct otai_json *j, struct tuf_ring *ring, uint32_t *mask)
{
    *mask = 0;
    for (otai_json_array(j); otai_json_element(j);) {
        struct otai_span id = otai_json_string_raw(j);
        ota_err err = id.p ? add(t, id, ring, mask) : OTA_OK;

        if (err != OTA_OK)
            otai_json_fail(j, err, NULL);
    }
}
