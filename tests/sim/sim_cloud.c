/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_cloud.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "bytes.h"
#include "sim_index.h"
#include "sim_must.h"
#include "sim_patch.h"
#include "sim_zstd.h"

#define WINDOW_BITS 10   /* small: the decoder's memory is cleared at every start */
#define IMAGE_HEAD 64

void sim_cloud_open(struct sim_cloud *c)
{
    memset(c, 0, sizeof *c);
    sim_repo_open(&c->os, "os", SIM_BASE "os/", &c->web, &c->pool, SIM_EXPIRES_S);
    sim_repo_open(&c->product, "product", SIM_BASE "p/thermostat/", &c->web, &c->pool, SIM_EXPIRES_S);
    c->os_images = sim_repo_delegate(&c->os, "os-images", "[\"os/img/*\"]");
    c->os_feed = sim_repo_delegate(&c->os, "feed-retail", "[\"os/feed/retail/*\"]");
    c->publisher = sim_repo_delegate(&c->product, "pub-acme", "[\"app/app/*\",\"app/extra/*\"]");
    c->groups = sim_repo_delegate(&c->product, "groups", "[\"group/*/deploy.json\"]");
    sim_repo_publish(&c->os);
    sim_repo_publish(&c->product);
}

void sim_cloud_close(struct sim_cloud *c)
{
    sim_pool_free(&c->pool);
}

/* Bytes of an image: a head that tells what it is, then a mixture that deflates to about half. */
static uint8_t *make_bytes(struct sim_cloud *c, const struct sim_image_spec *s, size_t len)
{
    uint8_t *p = sim_pool_take(&c->pool, NULL, len);
    uint32_t x = otai_crc32(0, s->version, strlen(s->version)) | 1u;

    MUST(len > IMAGE_HEAD);
    (void)snprintf((char *)p, IMAGE_HEAD, "SIM %c %s %s", (char)s->nature, s->component, s->version);
    for (size_t i = IMAGE_HEAD; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = i / 64 % 2 || s->from || s->like ? (uint8_t)(x >> 24) : (uint8_t)(i / 64);
        if (s->from && i % 512 >= 160 && i < s->from->len)
            p[i] = s->from->data[i];   /* most of the next version is the last one, the rest is all new */
        if (s->like && i % 4096 >= 300 && i >= IMAGE_HEAD + s->moved && i - s->moved < s->like->len)
            p[i] = s->like->data[i - s->moved];
    }
    return p;
}

/* One zlib stream with a full flush behind every block of input but the last. */
static size_t deflate_with_marks(const uint8_t *in, size_t len, size_t block, uint8_t *out, size_t cap)
{
    z_stream z = { .next_out = out, .avail_out = (uInt)cap };

    MUST(deflateInit2(&z, 9, Z_DEFLATED, WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    for (size_t off = 0; off < len; off += block) {
        size_t n = len - off < block ? len - off : block;
        bool last = off + n == len;

        z.next_in = (Bytef *)(uintptr_t)(in + off);
        z.avail_in = (uInt)n;
        MUST(deflate(&z, last ? Z_FINISH : Z_FULL_FLUSH) == (last ? Z_STREAM_END : Z_OK));
    }
    MUST(z.avail_out > 0);
    size_t made = cap - z.avail_out;
    MUST(deflateEnd(&z) == Z_OK);
    return made;
}

static void add_deflated(struct sim_cloud *c, struct sim_repo *r, struct sim_role *role, const struct sim_image *i,
                         const struct sim_image_spec *s, char *json, size_t cap)
{
    uint32_t block = s->block ? s->block : 2048;
    uint8_t *out = sim_pool_take(&c->pool, NULL, i->len + 4096);
    size_t len = deflate_with_marks(i->data, i->len, block, out, i->len + 4096) + (size_t)s->more;
    uint8_t digest[32];
    char path[128], hex[65];

    (void)snprintf(path, sizeof path, "%s.z", i->path);
    sim_sha256(out, len, digest);
    sim_hex(digest, sizeof digest, hex);
    (void)snprintf(json, cap, "{\"block\":%u,\"codec\":\"deflate\",\"length\":%zu,\"path\":\"%s\",\"sha256\":\"%s\",\"window\":%d}",
                   (unsigned)block, len, path, hex, WINDOW_BITS);
    sim_repo_target(r, role, path, out, len, NULL);
}

/* The same in zstd frames. */
static void add_zstd(struct sim_cloud *c, struct sim_repo *r, struct sim_role *role, const struct sim_image *i,
                     const struct sim_image_spec *s, char *json, size_t cap)
{
    uint32_t block = s->block ? s->block : 2048;
    uint8_t *out = sim_pool_take(&c->pool, NULL, 2 * i->len + 4096);
    size_t len = sim_zstd(i->data, i->len, block, out, 2 * i->len + 4096);
    uint8_t digest[32];
    char path[128], hex[65];

    if (!len)
        return;
    len += (size_t)s->more;
    (void)snprintf(path, sizeof path, "%s.zst", i->path);
    sim_sha256(out, len, digest);
    sim_hex(digest, sizeof digest, hex);
    (void)snprintf(json, cap, "%s{\"block\":%u,\"codec\":\"zstd\",\"length\":%zu,\"path\":\"%s\",\"sha256\":\"%s\",\"window\":%d}",
                   s->deflate ? "," : "", (unsigned)block, len, path, hex, SIM_ZSTD_WINDOW_BITS);
    sim_repo_target(r, role, path, out, len, NULL);
}

/* The bytes that the delta is really made between. */
static struct sim_patch_job patch_between(struct sim_cloud *c, const struct sim_image *i, const struct sim_image_spec *s)
{
    struct sim_patch_job job = { s->from->data, i->data, s->from->len, i->len, s->memory ? s->memory : 32768 };
    bool base = s->damage == SIM_DELTA_OTHER_BASE, image = s->damage == SIM_DELTA_OTHER_IMAGE;

    if (base || image) {
        uint8_t *other = sim_pool_take(&c->pool, base ? job.old : job.new, base ? job.old_len : job.new_len);
        other[IMAGE_HEAD + 7] ^= 1;
        *(base ? &job.old : &job.new) = other;
    }
    return job;
}

static size_t damage(enum sim_damage kind, uint8_t *p, size_t len)
{
    if (kind == SIM_DELTA_FLIPPED)
        p[len / 2] ^= 0x10;
    if (kind == SIM_DELTA_NONSENSE)
        memset(p, 'x', len);
    return kind == SIM_DELTA_SHORT ? len - 9 : len;
}

static void add_delta(struct sim_cloud *c, struct sim_repo *r, struct sim_role *role, const struct sim_image *i,
                      const struct sim_image_spec *s, char *json, size_t cap)
{
    struct sim_patch_job job = patch_between(c, i, s);
    size_t room = 2 * i->len + 4096;
    uint8_t *out = sim_pool_take(&c->pool, NULL, room);
    uint32_t needs;
    size_t made = sim_patch(&job, out, room, &needs);
    size_t len = s->damage == SIM_DELTA_STUMP ? 5 : damage(s->damage, out, made);
    char path[160], hex[65];
    uint8_t digest[32];

    (void)snprintf(path, sizeof path, "%s.%s.d", i->path, s->from->version);
    sim_sha256(out, len, digest);
    sim_hex(digest, sizeof digest, hex);
    (void)snprintf(json, cap, "{\"base\":\"%s\",\"base_length\":%zu,\"codec\":\"delta\",\"length\":%zu,\"memory\":%u,"
                   "\"path\":\"%s\",\"sha256\":\"%s\"}", s->from->sha256, s->from->len, len, (unsigned)needs, path, hex);
    sim_repo_target(r, role, path, out, len, NULL);
}

static void add_index(struct sim_cloud *c, struct sim_repo *r, struct sim_role *role, const struct sim_image *i,
                      const struct sim_image_spec *s, char *json, size_t cap)
{
    uint8_t *out = sim_pool_take(&c->pool, NULL, i->len + 4096), *image = sim_pool_take(&c->pool, i->data, i->len);
    char path[160], hex[65];
    uint8_t digest[32];

    image[i->len / 2] ^= s->index_damage == SIM_INDEX_OTHER;
    size_t len = sim_index(image, i->len, s->index, out);
    if (s->index_damage == SIM_INDEX_OTHER)
        sim_index_of(i->data, i->len, s->index, out);
    len = sim_index_damage(s->index_damage, out, len);
    (void)snprintf(path, sizeof path, "%s.x", i->path);
    sim_sha256(out, len, digest);
    sim_hex(digest, sizeof digest, hex);
    (void)snprintf(json, cap, "{\"block\":%u,\"codec\":\"index\",\"estimate\":%llu,\"length\":%zu,\"memory\":%u,"
                   "\"path\":\"%s\",\"sha256\":\"%s\"}", (unsigned)s->index,
                   (unsigned long long)(s->estimate ? s->estimate : 2000), len, (unsigned)(s->index * 2 + 32 * 26), path, hex);
    sim_repo_target(r, role, path, out, len, NULL);
}

static void publish_image(struct sim_cloud *c, const struct sim_image *i, const struct sim_image_spec *s)
{
    bool os = strcmp(i->component, "os") == 0 && !c->one_repo;
    struct sim_repo *r = os ? &c->os : &c->product;
    struct sim_role *role = os ? c->os_images : c->publisher;
    char deflated[400] = "", delta[500] = "", index[400] = "", zstd[400] = "", custom[1790];

    if (s->deflate)
        add_deflated(c, r, role, i, s, deflated, sizeof deflated);
    if (s->zstd)
        add_zstd(c, r, role, i, s, zstd, sizeof zstd);
    if (s->from)
        add_delta(c, r, role, i, s, delta, sizeof delta);
    if (s->index)
        add_index(c, r, role, i, s, index, sizeof index);
    int n = snprintf(custom, sizeof custom,
                     "{\"ota\":{\"compatible\":[\"%s\"],\"component\":\"%s\",\"encodings\":[%s%s%s%s%s%s],%s\"security\":%u,\"version\":\"%s\"}}",
                     s->product ? s->product : "thermostat", s->claims ? s->claims : i->component, deflated, zstd,
                     (s->deflate || *zstd) && s->from ? "," : "", delta,
                     s->index && (s->deflate || *zstd || s->from) ? "," : "", index, s->relations ? s->relations : "",
                     (unsigned)s->security, i->version);
    MUST(n > 0 && (size_t)n < sizeof custom);
    sim_repo_target(r, role, i->path, i->data, i->len, custom);
    sim_repo_publish(r);
}

const struct sim_image *sim_cloud_image(struct sim_cloud *c, const struct sim_image_spec *spec)
{
    struct sim_image_spec s = *spec;
    uint8_t digest[32];

    MUST(c->image_count < SIM_IMAGES_MAX);
    struct sim_image *i = &c->image[c->image_count++];
    s.nature = s.nature ? s.nature : SIM_HEALTHY;
    i->component = s.component;
    i->version = s.version;
    i->nature = s.nature;
    i->security = s.security;
    i->len = s.len ? s.len : 10000;
    uint8_t *bytes = make_bytes(c, &s, i->len);
    if (s.finish)
        s.finish(bytes, i->len);
    i->data = bytes;
    bool os = strcmp(s.component, "os") == 0, here = os && c->one_repo;
    (void)snprintf(i->path, sizeof i->path, "%s%s/%s-%s.img", os && !here ? "os/" : "app/", here ? "extra" : os ? "img" : s.component,
        s.component, s.version);
    sim_sha256(i->data, i->len, digest);
    sim_hex(digest, sizeof digest, i->sha256);
    publish_image(c, i, &s);
    return i;
}

const struct sim_image *sim_cloud_recognise(const struct sim_cloud *c, const uint8_t *slot, size_t len)
{
    for (size_t k = 0; k < c->image_count; k++)
        if (c->image[k].len <= len && memcmp(slot, c->image[k].data, c->image[k].len) == 0)
            return &c->image[k];
    return NULL;
}

static size_t describe_images(const struct sim_deploy *d, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t k = 0; k < 4 && d->image[k]; k++) {
        const struct sim_image *i = d->image[k];

        n += (size_t)snprintf(out + n, cap - n, "%s{\"component\":\"%s\",\"length\":%zu,\"path\":\"%s\",\"sha256\":\"%s\"}",
                              k ? "," : "", i->component, i->len, k == 0 && d->path ? d->path : i->path, i->sha256);
        MUST(n < cap);
    }
    return n;
}

void sim_cloud_deploy(struct sim_cloud *c, const struct sim_deploy *d)
{
    char images[1200], feed[80] = "", text[1600];

    c->seq = d->seq ? d->seq : c->seq + 1;
    (void)describe_images(d, images, sizeof images);
    if (d->feed)
        (void)snprintf(feed, sizeof feed, "\"os_feed\":\"%s\",", d->feed);
    int n = snprintf(text, sizeof text,
        "{\"format\":1,\"group\":\"production\",\"images\":[%s],%s%s%s\"policy\":\"%s\",\"product\":\"%s\",\"seq\":%llu}",
                     images, feed, d->more ? d->more : "", d->more ? "," : "", d->policy ? d->policy : "all", d->product ? d->product : "thermostat",
                     (unsigned long long)c->seq);
    MUST(n > 0 && (size_t)n < sizeof text);
    sim_repo_target(&c->product, c->groups, "group/production/deploy.json", text, (size_t)n, NULL);
    sim_repo_publish(&c->product);
}

void sim_cloud_feed(struct sim_cloud *c, const char *feed, const struct sim_image *os)
{
    const struct sim_deploy d = { .image = { os } };
    char images[600], text[900], path[96];

    (void)describe_images(&d, images, sizeof images);
    int n = snprintf(text, sizeof text,
        "{\"feed\":\"%s\",\"format\":1,\"images\":[%s],\"policy\":\"all\",\"product\":\"thermostat\",\"seq\":1}", feed, images);
    MUST(n > 0 && (size_t)n < sizeof text);
    (void)snprintf(path, sizeof path, "os/feed/%s/thermostat.json", feed);
    sim_repo_target(&c->os, c->os_feed, path, text, (size_t)n, NULL);
    sim_repo_publish(&c->os);
}

void sim_cloud_refresh(struct sim_cloud *c, int64_t expires_s)
{
    struct sim_repo *const repos[] = { &c->os, &c->product };

    for (size_t k = 0; k < 2; k++) {
        repos[k]->expires_s = expires_s;
        for (size_t i = 0; i < repos[k]->role_count; i++)
            repos[k]->role[i].changed = true;
        sim_repo_publish(repos[k]);
    }
}
