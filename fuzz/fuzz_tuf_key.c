/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys. Byte 0: kind, and whether the rest is a PEM text or the DER inside of one. What is taken must be what a
 * plain DER reader finds, and what that finds to be a good key must be taken. A key that was taken never makes the crypto
 * port fail: it is usable or refused.
 */
#include "tuf_fuzz_crypto.h"

#include "ota/posix.h"
#include "tuf_i.h"

#define KINDS 3

static const struct {
    const char *keytype, *scheme;
    enum ota_key_kind kind;
} kinds[KINDS] = { { "ecdsa", "ecdsa-sha2-nistp256", OTA_KEY_P256 },
                   { "ecdsa", "ecdsa-sha2-nistp384", OTA_KEY_P384 },
                   { "rsa", "rsassa-pss-sha256", OTA_KEY_RSA } };

struct text {
    char p[8192];
    size_t len;
};

static void put(struct text *t, const char *s)
{
    size_t len = strlen(s);

    if (len > sizeof t->p - t->len)
        abort();
    memcpy(t->p + t->len, s, len);
    t->len += len;
}

static void put_char(struct text *t, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    char escaped[7] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], 0 }, plain[2] = { (char)c, 0 };

    put(t, c < 0x20 || c == '"' || c == '\\' || c > 0x7e ? escaped : plain);
}

static void put_base64(struct text *t, const uint8_t *p, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);

        for (size_t k = 0; k < 4; k++)
            put_char(t, (uint8_t)(i + k > len ? '=' : letters[v >> (18 - 6 * k) & 63]));
        if (i % 48 == 45)
            put(t, "\\n");
    }
}

/* One DER element with this tag at *p: its content. Lengths in their shortest form only. */
static bool der(const uint8_t **p, const uint8_t *end, uint8_t tag, const uint8_t **content, size_t *len)
{
    if (end - *p < 2 || (*p)[0] != tag)
        return false;
    size_t n = (*p)[1], more = n & 0x7f;
    *p += 2;
    if (n >= 0x80) {
        if (more < 1 || more > 2 || (size_t)(end - *p) < more)
            return false;
        n = more == 1 ? (*p)[0] : (size_t)(*p)[0] << 8 | (*p)[1];
        if (n < (more == 1 ? 0x80u : 0x100u))
            return false;
        *p += more;
    }
    if ((size_t)(end - *p) < n)
        return false;
    *content = *p;
    *len = n;
    *p += n;
    return true;
}

static bool is(const uint8_t *p, size_t len, const void *want, size_t want_len)
{
    return len == want_len && memcmp(p, want, len) == 0;
}

/* RSAPublicKey: a modulus of 2048 to 4096 bits in whole bytes, and an exponent like 65537, which is what there is. */
static bool rsa_ok(const uint8_t *key, size_t len)
{
    const uint8_t *p = key, *in, *n, *e;
    size_t in_len, n_len, e_len;

    if (!der(&p, key + len, 0x30, &in, &in_len) || p != key + len)
        return false;
    p = in;
    if (!der(&p, in + in_len, 0x02, &n, &n_len) || !der(&p, in + in_len, 0x02, &e, &e_len) || p != in + in_len)
        return false;
    return n_len >= 257 && n_len <= 513 && n[0] == 0 && n[1] >= 0x80 && e_len >= 3 && e_len <= 5 && !(e[0] & 0x80) &&
           (e[0] != 0 || e[1] >= 0x80);
}

/* The key in a SubjectPublicKeyInfo of this kind, read as it is defined; NULL: it is none. whole: look into an RSA key,
 * too, which otherwise the crypto port judges. */
static const uint8_t *plain_read(enum ota_key_kind kind, const uint8_t *data, size_t size, size_t *key_len, bool whole)
{
    static const uint8_t ec[] = { 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1 };
    static const uint8_t p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 }, p384[] = { 6, 5, 0x2b, 0x81, 4, 0, 0x22 };
    static const uint8_t rsa[] = { 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 1, 1, 5, 0 };
    const uint8_t *p = data, *in, *alg, *bits;
    size_t in_len, alg_len, bits_len, curve_len = kind == OTA_KEY_P256 ? sizeof p256 : sizeof p384;

    if (!der(&p, data + size, 0x30, &in, &in_len) || p != data + size)
        return NULL;
    p = in;
    if (!der(&p, in + in_len, 0x30, &alg, &alg_len) || !der(&p, in + in_len, 0x03, &bits, &bits_len) || p != in + in_len ||
        bits_len < 2 || bits[0] != 0)
        return NULL;
    *key_len = bits_len - 1;
    if (kind == OTA_KEY_RSA)
        return is(alg, alg_len, rsa, sizeof rsa) && (!whole || rsa_ok(bits + 1, *key_len)) ? bits + 1 : NULL;
    bool curve = alg_len == sizeof ec + curve_len && memcmp(alg, ec, sizeof ec) == 0 &&
                 memcmp(alg + sizeof ec, kind == OTA_KEY_P256 ? p256 : p384, curve_len) == 0;
    return curve && bits[1] == 4 && *key_len == (kind == OTA_KEY_P256 ? 65u : 97u) ? bits + 1 : NULL;
}

static uint8_t key_bytes[2048]; /* of the ring below: the key begins at 0 */

/* Take the key as a role of a root would. */
static ota_err take(struct text *keys, struct tuf_ring *ring)
{
    static struct ota_crypto crypto = { &fuzz_ops };
    static struct ota_tuf t;
    static const char ids[] = "[\"k\"]";
    struct otai_json j;
    uint32_t mask = 0;

    memset(&t, 0, sizeof t);
    memset(ring, 0, sizeof *ring);
    t.cfg.crypto = &crypto;
    t.cfg.loose_keyids = true;
    t.cfg.limits.key_bytes = sizeof key_bytes;
    t.key_bytes = key_bytes;
    t.in.keys = (struct otai_span){ (const uint8_t *)keys->p, keys->len };
    otai_json_init(&j, ids, sizeof ids - 1);
    otai_tuf_keyids(&t, &j, ring, &mask);
    if ((mask != 0) != (ring->count == 1))
        abort();
    return j.err;
}

static void use(enum ota_key_kind kind, const struct tuf_ring *ring)
{
    static struct ota_posix_crypto crypto;
    static const uint8_t hash[OTA_HASH_LEN_MAX], sig[512] = { 1 };
    enum ota_sig_alg alg = kind == OTA_KEY_RSA ? OTA_SIG_RSA_PSS_SHA256 : kind == OTA_KEY_P256 ? OTA_SIG_ECDSA_SHA256 : OTA_SIG_ECDSA_SHA384;
    size_t sig_len = kind == OTA_KEY_RSA ? 256 : kind == OTA_KEY_P256 ? 64 : 96;

    if (!crypto.port.ops && ota_posix_crypto_open(&crypto, NULL, NULL) != OTA_OK)
        abort();
    ota_err err = crypto.port.ops->verify(&crypto.port, alg, kind, key_bytes, ring->key[0].len, hash,
                                          kind == OTA_KEY_P384 ? 48 : 32, sig, sig_len);
    if (ota_err_class(err) != OTA_CLASS_REJECT)
        abort();
}

/* A root's `keys` with this one under the id "k". */
static void write_keys(struct text *keys, unsigned which, bool as_der, const uint8_t *data, size_t size)
{
    keys->len = 0;
    put(keys, "{\"k\":{\"keytype\":\"");
    put(keys, kinds[which].keytype);
    put(keys, "\",\"scheme\":\"");
    put(keys, kinds[which].scheme);
    put(keys, "\",\"keyval\":{\"public\":\"");
    if (as_der) {
        put(keys, "-----BEGIN PUBLIC KEY-----\\n");
        put_base64(keys, data, size);
        put(keys, "\\n-----END PUBLIC KEY-----\\n");
    } else {
        for (size_t i = 0; i < size; i++)
            put_char(keys, data[i]);
    }
    put(keys, "\"}}}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text keys;
    static struct tuf_ring ring;

    if (size < 1 || size > 1000)
        return 0;
    unsigned which = (data[0] & 0x7f) % KINDS;
    bool as_der = data[0] & 0x80;
    enum ota_key_kind kind = kinds[which].kind;
    data++;
    size--;
    write_keys(&keys, which, as_der, data, size);
    ota_err err = take(&keys, &ring);
    size_t want_len = 0;
    if (as_der && plain_read(kind, data, size, &want_len, true) && err != OTA_OK)
        abort();
    const uint8_t *want = as_der ? plain_read(kind, data, size, &want_len, false) : NULL;
    if (as_der && ring.count && (!want || want_len != ring.key[0].len || memcmp(want, key_bytes + ring.key[0].off, want_len) != 0))
        abort();
    if (ring.count)
        use(kind, &ring);
    return 0;
}
