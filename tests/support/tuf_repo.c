/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf_repo.h"

#include <psa/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define GOOD_EXPIRES "2030-01-01T00:00:00Z"

struct buf {
    uint8_t *p;
    size_t len, cap;
};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "tuf_repo: %s\n", what);
    abort();
}

static void add_bytes(struct buf *b, const void *p, size_t len)
{
    if (b->len + len + 1 > b->cap) {
        b->cap = 2 * (b->len + len + 1);
        b->p = realloc(b->p, b->cap);
        need(b->p != NULL, "memory");
    }
    memcpy(b->p + b->len, p, len);
    b->len += len;
    b->p[b->len] = 0;
}

static void add(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct buf *b, const char *format, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    need(n >= 0 && (size_t)n < sizeof text, "text too long");
    add_bytes(b, text, (size_t)n);
}

static void add_hex(struct buf *b, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        add(b, "%02x", p[i]);
}

static void digest(psa_algorithm_t alg, const void *p, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    need(psa_hash_compute(alg, p, len, out, cap, out_len) == PSA_SUCCESS, "hash");
}

static ota_err put_canonical(void *ctx, const uint8_t *p, size_t len)
{
    add_bytes(ctx, p, len);
    return OTA_OK;
}

/* The canonical form of text; the text itself when it has none. */
static struct buf canonical(const void *text, size_t len)
{
    struct buf out = { 0 };
    const struct otai_json_sink sink = { put_canonical, &out };
    struct otai_json j;

    otai_json_init(&j, text, len);
    if (otai_json_canonical(&j, &sink) != OTA_OK) {
        out.len = 0;
        add_bytes(&out, text, len);
    }
    return out;
}

/* ---- keys */

static const uint8_t p256_spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t p384_spki[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                     0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };
static const uint8_t rsa2048_spki[] = { 0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00 };

static const struct kind {
    const uint8_t *spki;
    size_t spki_len, bits;
    psa_key_type_t type;
    psa_algorithm_t alg, hash;
    const char *keytype, *scheme;
} kinds[] = {
    [REPO_P256] = { p256_spki, sizeof p256_spki, 256, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                    PSA_ALG_ECDSA(PSA_ALG_SHA_256), PSA_ALG_SHA_256, "ecdsa", "ecdsa-sha2-nistp256" },
    [REPO_P384] = { p384_spki, sizeof p384_spki, 384, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                    PSA_ALG_ECDSA(PSA_ALG_SHA_384), PSA_ALG_SHA_384, "ecdsa", "ecdsa-sha2-nistp384" },
    [REPO_RSA] = { rsa2048_spki, sizeof rsa2048_spki, 2048, PSA_KEY_TYPE_RSA_KEY_PAIR, PSA_ALG_RSA_PSS(PSA_ALG_SHA_512),
                   PSA_ALG_SHA_512, "rsa", "rsassa-pss-sha512" },
};

static void add_base64(struct buf *b, const uint8_t *p, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);

        if (i && i % 48 == 0)
            add(b, "\\n");
        add(b, "%c%c%c%c", digits[v >> 18], digits[v >> 12 & 63], i + 1 < len ? digits[v >> 6 & 63] : '=',
            i + 2 < len ? digits[v & 63] : '=');
    }
}

static psa_key_attributes_t attributes(const struct kind *k)
{
    psa_key_attributes_t attr = psa_key_attributes_init();

    psa_set_key_type(&attr, k->type);
    psa_set_key_bits(&attr, k->bits);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attr, k->alg);
    return attr;
}

/* Make a key pair: the secret part into key, the public part after the SPKI head. @return its length */
static size_t make_pair(struct repo_key *key, const struct kind *k, uint8_t *public, size_t cap)
{
    psa_key_attributes_t attr = attributes(k);
    psa_key_id_t id;
    size_t len = 0;

    need(psa_crypto_init() == PSA_SUCCESS, "crypto");
    need(psa_generate_key(&attr, &id) == PSA_SUCCESS, "key");
    need(psa_export_key(id, key->secret, sizeof key->secret, &key->secret_len) == PSA_SUCCESS, "secret key");
    need(psa_export_public_key(id, public, cap, &len) == PSA_SUCCESS, "public key");
    need(psa_destroy_key(id) == PSA_SUCCESS, "key's end");
    return len;
}

void tuf_repo_key(struct tuf_repo *r, int index, enum repo_key_kind kind)
{
    const struct kind *k = &kinds[kind];
    struct repo_key *key = &r->key[index];
    uint8_t spki[600], id[32];
    struct buf json = { 0 };
    size_t len;

    if (key->secret_len)
        return;
    memcpy(spki, k->spki, k->spki_len);
    len = make_pair(key, k, spki + k->spki_len, sizeof spki - k->spki_len);
    add(&json, "{\"keytype\":\"%s\",\"keyval\":{\"public\":\"-----BEGIN PUBLIC KEY-----\\n", k->keytype);
    add_base64(&json, spki, k->spki_len + len);
    add(&json, "\\n-----END PUBLIC KEY-----\\n\"},\"scheme\":\"%s\"}", k->scheme);
    need(json.len < sizeof key->json, "key text");
    memcpy(key->json, json.p, json.len + 1);
    struct buf form = canonical(json.p, json.len);
    digest(PSA_ALG_SHA_256, form.p, form.len, id, sizeof id, &len);
    for (int i = 0; i < 32; i++)
        (void)snprintf(key->id + 2 * i, 3, "%02x", id[i]);
    key->kind = kind;
    free(json.p);
    free(form.p);
}

static void add_der_integer(struct buf *b, const uint8_t *p, size_t len)
{
    while (len > 1 && *p == 0) {
        p++;
        len--;
    }
    uint8_t head[3] = { 0x02, (uint8_t)(len + (*p >> 7)), 0 };
    add_bytes(b, head, 2u + (*p >> 7));
    add_bytes(b, p, len);
}

static void sign(const struct repo_key *key, struct repo_signature *made, size_t hash_len)
{
    const struct kind *k = &kinds[key->kind];
    struct buf der = { 0 }, hex = { 0 };
    uint8_t raw[512];
    size_t len;

    psa_key_attributes_t attr = attributes(k);
    psa_key_id_t id;
    need(psa_import_key(&attr, key->secret, key->secret_len, &id) == PSA_SUCCESS, "key again");
    need(psa_sign_hash(id, k->alg, made->hash, hash_len, raw, sizeof raw, &len) == PSA_SUCCESS, "sign");
    need(psa_destroy_key(id) == PSA_SUCCESS, "key's end");
    if (key->kind == REPO_RSA) {
        add_hex(&hex, raw, len);
    } else {
        add_der_integer(&der, raw, len / 2);
        add_der_integer(&der, raw + len / 2, len / 2);
        add(&hex, "30%02x", (unsigned)der.len);
        add_hex(&hex, der.p, der.len);
    }
    need(hex.len < sizeof made->hex, "signature text");
    memcpy(made->hex, hex.p, hex.len + 1);
    free(der.p);
    free(hex.p);
}

static void add_signature(struct buf *b, struct tuf_repo *r, const struct repo_key *key, const char *id, const struct buf *form)
{
    struct repo_signature fresh = { .key = key }, *made = NULL;
    size_t hash_len;

    digest(kinds[key->kind].hash, form->p, form->len, fresh.hash, sizeof fresh.hash, &hash_len);
    for (int i = 0; i < REPO_SIGNATURES && !made; i++)
        if (r->made[i].key == key && memcmp(r->made[i].hash, fresh.hash, hash_len) == 0)
            made = &r->made[i];
    if (!made) {
        sign(key, &fresh, hash_len);
        made = &r->made[r->made_next];
        r->made_next = (r->made_next + 1) % REPO_SIGNATURES;
        *made = fresh;
    }
    add(b, "{\"keyid\":\"%s\",\"sig\":\"%s\"}", id ? id : key->id, made->hex);
}

/* ---- files */

struct repo_file *tuf_repo_file(struct tuf_repo *r, const char *name)
{
    for (int i = 0; i < r->files; i++)
        if (strcmp(r->file[i].name, name) == 0)
            return &r->file[i];
    return NULL;
}

void repo_file_set(struct repo_file *f, const char *name, const void *bytes, size_t len)
{
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    uint8_t *copy = malloc(len ? len : 1);
    need(copy != NULL, "memory");
    if (len)
        memcpy(copy, bytes, len);
    free(f->bytes);
    f->bytes = copy;
    f->len = len;
}

void tuf_repo_put(struct tuf_repo *r, const char *name, const void *bytes, size_t len)
{
    struct repo_file *f = tuf_repo_file(r, name);

    if (!f) {
        need(r->files < REPO_FILES, "too many files");
        f = &r->file[r->files++];
        memset(f, 0, sizeof *f);
    }
    repo_file_set(f, name, bytes, len);
}

uint8_t *tuf_repo_copy(const struct repo_file *f, size_t *len)
{
    uint8_t *p = malloc(f->len + 1);

    need(p != NULL, "memory");
    memcpy(p, f->bytes, f->len);
    *len = f->len;
    return p;
}

static void add_encoded(struct buf *b, const char *name)
{
    for (; *name; name++) {
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", *name) != NULL;

        add(b, plain ? "%c" : "%%%02X", plain ? *name : (uint8_t)*name);
    }
}

static void file_name(const struct tuf_repo *r, int role, char *out, size_t cap)
{
    struct buf b = { 0 };

    if (role == REPO_ROOT || (r->consistent && role != REPO_TIMESTAMP))
        add(&b, "%u.", r->role[role].version);
    add_encoded(&b, r->role[role].name);
    add(&b, ".json");
    need(b.len < cap, "file name");
    memcpy(out, b.p, b.len + 1);
    free(b.p);
}

/* ---- metadata */

static void add_head(struct buf *b, const struct tuf_repo *r, int role, const char *type)
{
    add(b, "{\"_type\":\"%s\",\"expires\":\"%s\",\"spec_version\":\"1.0.34\",\"version\":%u", type, r->role[role].expires,
        r->role[role].version);
    if (r->scope && role != REPO_ROOT)
        add(b, ",\"x-scope\":\"%s\"", r->scope);
}

static void add_keys(struct buf *b, const struct tuf_repo *r, int first, int last, int parent)
{
    bool any = false, done[REPO_KEYS] = { false };

    add(b, "{");
    for (int i = first; i < last; i++) {
        for (int k = 0; k < r->role[i].keys && r->role[i].parent == parent; k++) {
            int index = r->role[i].key[k];

            if (done[index])
                continue;
            done[index] = true;
            add(b, "%s\"%s\":%s", any ? "," : "", r->key[index].id, r->key[index].json);
            any = true;
        }
    }
    add(b, "}");
}

static void add_keyids(struct buf *b, const struct tuf_repo *r, int role)
{
    add(b, "\"keyids\":[");
    for (int k = 0; k < r->role[role].keys; k++)
        add(b, "%s\"%s\"", k ? "," : "", r->key[r->role[role].key[k]].id);
    add(b, "]");
}

static void write_root(struct buf *b, const struct tuf_repo *r)
{
    add_head(b, r, REPO_ROOT, "root");
    add(b, ",\"consistent_snapshot\":%s,\"keys\":", r->consistent ? "true" : "false");
    add_keys(b, r, 0, REPO_TOP, -1);
    add(b, ",\"roles\":{");
    for (int i = 0; i < REPO_TOP; i++) {
        add(b, "%s\"%s\":{", i ? "," : "", r->role[i].name);
        add_keyids(b, r, i);
        add(b, ",\"threshold\":%u}", r->role[i].threshold);
    }
    add(b, "}}");
}

static void add_meta(struct buf *b, struct tuf_repo *r, int role)
{
    char name[256];
    uint8_t hash[32];
    size_t len;

    file_name(r, role, name, sizeof name);
    const struct repo_file *f = tuf_repo_file(r, name);
    add(b, "\"%s.json\":{", r->role[role].name);
    if (r->hashes && f) {
        digest(PSA_ALG_SHA_256, f->bytes, f->len, hash, sizeof hash, &len);
        add(b, "\"hashes\":{\"sha256\":\"");
        add_hex(b, hash, len);
        add(b, "\"},\"length\":%zu,", f->len);
    }
    add(b, "\"version\":%u}", r->role[role].version);
}

static void write_timestamp(struct buf *b, struct tuf_repo *r)
{
    add_head(b, r, REPO_TIMESTAMP, "timestamp");
    add(b, ",\"meta\":{");
    add_meta(b, r, REPO_SNAPSHOT);
    add(b, "}}");
}

static void write_snapshot(struct buf *b, struct tuf_repo *r)
{
    bool any = false;

    add_head(b, r, REPO_SNAPSHOT, "snapshot");
    add(b, ",\"meta\":{");
    for (int i = r->roles - 1; i >= REPO_TARGETS_ROLE; i--) {
        if (r->role[i].no_meta)
            continue;
        add(b, "%s", any ? "," : "");
        add_meta(b, r, i);
        any = true;
    }
    add(b, "}}");
}

static void add_delegations(struct buf *b, const struct tuf_repo *r, int parent)
{
    bool any = false;

    if (r->role[parent].delegations) {
        add(b, "%s", r->role[parent].delegations);
        return;
    }
    for (int i = REPO_TOP; i < r->roles; i++) {
        if (r->role[i].parent != parent)
            continue;
        if (!any) {
            add(b, ",\"delegations\":{\"keys\":");
            add_keys(b, r, REPO_TOP, r->roles, parent);
            add(b, ",\"roles\":[");
        }
        add(b, "%s{", any ? "," : "");
        add_keyids(b, r, i);
        add(b, ",\"name\":\"%s\",%s,\"terminating\":%s,\"threshold\":%u}", r->role[i].name, r->role[i].paths,
            r->role[i].terminating ? "true" : "false", r->role[i].threshold);
        any = true;
    }
    if (any)
        add(b, "]}");
}

static void write_targets(struct buf *b, const struct tuf_repo *r, int role)
{
    bool any = false;

    add_head(b, r, role, "targets");
    add_delegations(b, r, role);
    add(b, ",\"targets\":{");
    for (int i = 0; i < r->targets; i++) {
        if (r->target[i].role != role)
            continue;
        add(b, "%s\"%s\":%s", any ? "," : "", r->target[i].path, r->target[i].json);
        any = true;
    }
    add(b, "}}");
}

static void apply_edits(struct buf *b, struct tuf_repo *r, int role)
{
    for (int i = 0; i < r->edits; i++) {
        const struct repo_edit *e = &r->edit[i];
        struct buf out = { 0 };

        if (e->role != role)
            continue;
        char *found = strstr((char *)b->p, e->from);
        if (!found) {
            r->edits_missed++;
            continue;
        }
        size_t at = (size_t)(found - (char *)b->p), from = *e->from ? strlen(e->from) : b->len;
        add_bytes(&out, b->p, at);
        add(&out, "%s", e->to);
        add_bytes(&out, b->p + at + from, b->len - at - from);
        free(b->p);
        *b = out;
    }
}

static void publish_role(struct tuf_repo *r, int role)
{
    struct buf text = { 0 }, file = { 0 };
    char name[256];

    if (role == REPO_ROOT)
        write_root(&text, r);
    else if (role == REPO_TIMESTAMP)
        write_timestamp(&text, r);
    else if (role == REPO_SNAPSHOT)
        write_snapshot(&text, r);
    else
        write_targets(&text, r, role);
    apply_edits(&text, r, role);
    struct buf form = canonical(text.p, text.len);
    add(&file, "{%s\"signatures\":[", r->indent);
    for (int k = 0; k < r->role[role].signs; k++) {
        add(&file, "%s", k ? "," : "");
        add_signature(&file, r, &r->key[r->role[role].sign[k]], r->role[role].sign_id[k], &form);
    }
    if (r->role[role].sigs)
        add_bytes(&file, r->role[role].sigs, strlen(r->role[role].sigs));
    add(&file, "],%s\"signed\":", r->indent);
    add_bytes(&file, text.p, text.len);
    add(&file, "}%s", r->indent);
    file_name(r, role, name, sizeof name);
    tuf_repo_put(r, name, file.p, file.len);
    free(text.p);
    free(form.p);
    free(file.p);
}

void tuf_repo_publish(struct tuf_repo *r)
{
    for (int i = r->roles - 1; i >= REPO_TARGETS_ROLE; i--)
        publish_role(r, i);
    publish_role(r, REPO_SNAPSHOT);
    publish_role(r, REPO_TIMESTAMP);
    publish_role(r, REPO_ROOT);
}

void tuf_repo_next_day(struct tuf_repo *r)
{
    for (int i = REPO_TIMESTAMP; i < r->roles; i++)
        r->role[i].version++;
    tuf_repo_publish(r);
}

void tuf_repo_signer(struct tuf_repo *r, int role, int key)
{
    struct repo_role *x = &r->role[role];

    tuf_repo_key(r, key, REPO_P256);
    x->key[x->keys++] = (uint8_t)key;
    x->sign[x->signs++] = (uint8_t)key;
}

static int add_role(struct tuf_repo *r, const char *name, int parent, int key)
{
    need(r->roles < REPO_ROLES, "too many roles");
    struct repo_role *x = &r->role[r->roles];
    memset(x, 0, sizeof *x);
    (void)snprintf(x->name, sizeof x->name, "%s", name);
    x->parent = parent;
    x->version = 1;
    x->threshold = 1;
    x->expires = GOOD_EXPIRES;
    tuf_repo_signer(r, r->roles, key);
    return r->roles++;
}

int tuf_repo_delegate(struct tuf_repo *r, int parent, const char *name, const char *paths, bool terminating, int key)
{
    int role = add_role(r, name, parent, key);

    r->role[role].paths = paths;
    r->role[role].terminating = terminating;
    return role;
}

void tuf_repo_target(struct tuf_repo *r, int role, const char *path, const char *json)
{
    need(r->targets < REPO_TARGETS, "too many targets");
    r->target[r->targets++] = (struct repo_target){ role, path, json };
}

void tuf_repo_edit(struct tuf_repo *r, int role, const char *from, const char *to)
{
    need(r->edits < REPO_EDITS, "too many edits");
    r->edit[r->edits++] = (struct repo_edit){ role, from, to };
}

static void drop_files(struct tuf_repo *r)
{
    for (int i = 0; i < r->files; i++)
        free(r->file[i].bytes);
    memset(r->file, 0, sizeof r->file);
    r->files = 0;
}

void tuf_repo_init(struct tuf_repo *r)
{
    static const char *const names[] = { "root", "timestamp", "snapshot", "targets" };

    drop_files(r);
    r->roles = r->targets = r->edits = r->edits_missed = 0;
    r->consistent = r->hashes = true;
    r->scope = NULL;
    r->indent = "";
    r->log[0] = '\0';
    r->fetches = 0;
    for (int i = 0; i < REPO_TOP; i++)
        (void)add_role(r, names[i], -1, i);
    int pub = tuf_repo_delegate(r, REPO_TARGETS_ROLE, "pub", "\"paths\":[\"app/*\"]", true, 4);
    tuf_repo_target(r, pub, "app/one",
                    "{\"custom\":{\"ota\":{\"version\":\"1.0.0\"}},\"hashes\":{\"sha256\":"
                    "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"},\"length\":1000}");
    tuf_repo_publish(r);
}

void tuf_repo_free(struct tuf_repo *r)
{
    drop_files(r);
    memset(r, 0, sizeof *r);
}
