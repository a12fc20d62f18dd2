/* SPDX-License-Identifier: Apache-2.0 */
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_must.h"
#include "soak.h"

/* ---- a cloud that does not grow ---- */

static bool names_digest(const struct sim_repo *r, const char *digest)
{
    for (size_t i = 0; i < r->role_count; i++)
        for (size_t t = 0; t < r->role[i].count; t++)
            if (strstr(r->role[i].target[t].json, digest))
                return true;
    return false;
}

/* A target's file that metadata still names. */
static bool is_target(const struct sim_cloud *c, const char *url)
{
    const char *name = strrchr(url, '/') + 1;
    char digest[65];

    if (strlen(name) < 65 || name[64] != '.')
        return false;
    memcpy(digest, name, 64);
    digest[64] = '\0';
    return names_digest(&c->os, digest) || names_digest(&c->product, digest);
}

/* The newest root of its repository, and the one before it: a device is never further behind. */
static bool is_recent_root(const struct sim_cloud *c, const char *url)
{
    const struct sim_repo *const repos[] = { &c->os, &c->product };
    const char *name = strrchr(url, '/') + 1;

    for (size_t i = 0; i < 2; i++) {
        const struct sim_repo *r = repos[i];

        if (strncmp(url, r->metadata_url, strlen(r->metadata_url)) == 0 && strstr(name, "root.json"))
            return strtoul(name, NULL, 10) + 2 > r->root_version;
    }
    return false;
}

/* Targets of images that are not in the table any more. */
static void drop_targets(const struct sim_cloud *c, struct sim_role *role)
{
    size_t kept = 0;

    for (size_t t = 0; t < role->count; t++) {
        bool known = false;

        for (size_t i = 0; i < c->image_count; i++)
            known |= strncmp(role->target[t].path, c->image[i].path, strlen(c->image[i].path)) == 0;
        if (known)
            role->target[kept++] = role->target[t];
    }
    role->count = kept;
}

void soak_trim(struct sim_cloud *c, int64_t expires_s)
{
    static struct sim_web before;
    struct sim_pool old = c->pool;

    drop_targets(c, c->publisher);
    drop_targets(c, c->os_images);
    before = c->web;
    c->pool = (struct sim_pool){ NULL };
    c->web.count = 0;
    for (size_t i = 0; i < before.count; i++) {
        const struct sim_file *f = &before.file[i];

        if (is_target(c, f->url) || is_recent_root(c, f->url))
            sim_web_put(&c->web, &c->pool, f->url, f->data, f->len);
    }
    for (size_t i = 0; i < c->image_count; i++)
        c->image[i].data = sim_pool_take(&c->pool, c->image[i].data, c->image[i].len);
    c->os.root = sim_pool_take(&c->pool, c->os.root, c->os.root_len);
    c->product.root = sim_pool_take(&c->pool, c->product.root, c->product.root_len);
    sim_cloud_refresh(c, expires_s);
    sim_pool_free(&old);
}

/* ---- signatures ---- */

/* What stands for a signature: r and s are digests of the public key and the message's digest, positive and of full
 * length, so that their DER has one shape. Whoever changes a byte of either is found out; that is all the soak needs. */
static void sign(const uint8_t point[65], const uint8_t hash[32], uint8_t sig[64])
{
    uint8_t both[97];

    memcpy(both, point, 65);
    memcpy(both + 65, hash, 32);
    sim_sha256(both, sizeof both, sig);
    sim_sha256(sig, 32, sig + 32);
    sig[0] = (uint8_t)((sig[0] & 0x7f) | 1);
    sig[32] = (uint8_t)((sig[32] & 0x7f) | 1);
}

void __wrap_sim_key_sign(const struct sim_key *k, const void *msg, size_t len, char hex[SIM_SIG_HEX_MAX]);

void __wrap_sim_key_sign(const struct sim_key *k, const void *msg, size_t len, char hex[SIM_SIG_HEX_MAX])
{
    uint8_t hash[32], sig[64], der[70] = { 0x30, 68, 0x02, 32 };

    sim_sha256(msg, len, hash);
    sign(k->point, hash, sig);
    memcpy(der + 4, sig, 32);
    der[36] = 0x02;
    der[37] = 32;
    memcpy(der + 38, sig + 32, 32);
    sim_hex(der, sizeof der, hex);
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    struct ota_crypto *real = ((struct soak_crypto *)c)->real;

    return real->ops->hash_start(real, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    struct ota_crypto *real = ((struct soak_crypto *)c)->real;

    return real->ops->hash_add(real, h, data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    struct ota_crypto *real = ((struct soak_crypto *)c)->real;

    return real->ops->hash_end(real, h, out);
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    uint8_t want[64];

    (void)c, (void)alg, (void)kind;
    if (hash_len != 32 || sig_len != 64 || key_len != 65)
        return OTA_REJECT_SIGNATURE;
    sign(key, hash, want);
    return memcmp(want, sig, sizeof want) == 0 ? OTA_OK : OTA_REJECT_SIGNATURE;
}

static ota_err draw(struct ota_crypto *c, void *out, size_t len)
{
    struct ota_crypto *real = ((struct soak_crypto *)c)->real;

    return real->ops->random(real, out, len);
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, draw };

void soak_crypto_open(struct soak_crypto *c, struct ota_crypto *real)
{
    *c = (struct soak_crypto){ { &ops }, real };
}
