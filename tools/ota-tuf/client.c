/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fetch.h"
#include "files.h"
#include "ota/posix.h"
#include "ota/tuf.h"

/* Large enough for the public repositories that are known (PyPI, sigstore, Docker, Bottlerocket); the device's own defaults are in
 * include/ota/tuf.h. */
static const struct ota_tuf_limits limits = OTA_TUF_LIMITS_HOST;
static const struct otai_fetch_limits net_limits = { .connect_ms = 30000, .head_ms = 60000, .low_speed_bps = 64,
    .low_speed_s = 30, .redirects = 0, .plain_http = true };

#define CHUNK 65536u

/* One session. The network port is large: it lives here, once. */
struct client {
    const struct options *o;
    struct ota_posix_net net;
    struct ota_posix_clock clock;
    struct ota_posix_crypto crypto;
    struct otai_fetch fetch;
    struct ota_tuf *tuf;
    void *memory;
    int metadata_fd, target_fd; /* directories that are ours as long as these are open */
    uint8_t chunk[CHUNK];
};

static bool complain(const char *what, const char *where, const char *why)
{
    (void)fprintf(stderr, "ota-tuf: %s%s%s: %s\n", what, where[0] ? ": " : "", where, why);
    return false;
}

static bool complain_err(const char *what, ota_err err, const struct ota_fault *f)
{
    char why[128];

    (void)snprintf(why, sizeof why, "%s (%s)", ota_err_text(err), ota_err_name(err));
    return complain(what, f->where, why);
}

/* dir may be NULL: not used. */
static bool claim(const char *dir, int *fd)
{
    *fd = dir ? files_claim(dir) : -1;
    if (!dir || *fd >= 0)
        return true;
    return complain(dir, "", errno == EWOULDBLOCK ? "another ota-tuf works there" : strerror(errno));
}

/* The same directory may serve for both. */
static bool claim_both(struct client *c)
{
    const char *targets = c->o->target_dir;

    if (targets && strcmp(targets, c->o->metadata_dir) == 0)
        targets = NULL;
    return claim(c->o->metadata_dir, &c->metadata_fd) && claim(targets, &c->target_fd);
}

static bool open_ports(struct client *c)
{
    struct ota_fault f = { .err = OTA_OK };

    if (ota_posix_crypto_open(&c->crypto, NULL, &f) == OTA_OK &&
        ota_posix_clock_open(&c->clock, &(struct ota_posix_clock_config){ 0 }, &f) == OTA_OK &&
        ota_posix_net_open(&c->net, &(struct ota_posix_net_config){ 0 }, &f) == OTA_OK) {
        otai_fetch_init(&c->fetch, &c->net.port, &c->clock.port, &net_limits);
        return true;
    }
    return complain_err("cannot start", f.err, &f);
}

static bool client_open(struct client *c, const struct options *o, const uint8_t *root, size_t root_len)
{
    *c = (struct client){ .o = o, .metadata_fd = -1, .target_fd = -1 };
    if (!claim_both(c) || !open_ports(c))
        return false;
    const struct ota_tuf_config cfg = { .size = sizeof cfg, .crypto = &c->crypto.port, .root = root,
        .root_len = root_len, .loose_keyids = o->loose_keyids, .limits = limits };
    size_t len = ota_tuf_len(&cfg);
    c->memory = malloc(len);
    if (c->memory && ota_tuf_init(&c->tuf, &cfg, c->memory, len) == OTA_OK)
        return true;
    return complain("cannot start", "", "out of memory");
}

static void client_close(struct client *c)
{
    otai_fetch_end(&c->fetch);
    free(c->memory);
    ota_posix_net_close(&c->net);
    ota_posix_crypto_close(&c->crypto);
    ota_posix_clock_close(&c->clock);
    if (c->target_fd >= 0)
        (void)close(c->target_fd);
    if (c->metadata_fd >= 0)
        (void)close(c->metadata_fd);
}

/* ---- what TUF wants ---- */

/* Next piece of the exchange, waiting as long as it takes within the limits. */
static ota_err receive(struct client *c, void *buf, size_t cap, size_t *got)
{
    ota_err err = OTA_AGAIN;

    while (err == OTA_AGAIN) {
        err = otai_fetch_poll(&c->fetch, buf, cap, got);
        if (err == OTA_AGAIN)
            c->net.port.ops->wait(&c->net.port, 1000);
    }
    return err;
}

static ota_err fetch_into(struct client *c, const struct ota_tuf_want *w, size_t *len)
{
    const struct otai_fetch_job job = { .base = c->o->metadata_url, .file = w->file, .max = w->cap };
    ota_err err = otai_fetch_begin(&c->fetch, &job);

    for (*len = 0; err == OTA_OK;) {
        uint8_t beyond;
        size_t got = 0;

        err = *len < w->cap ? receive(c, w->buf + *len, w->cap - *len, &got) : receive(c, &beyond, 1, &got);
        *len += got;
    }
    return err;
}

/* Storage services answer 403 for a file that is not there; a next root that is forbidden is no next root. */
static bool is_absent(const struct client *c, const struct ota_tuf_want *w, ota_err err)
{
    return err == OTA_RETRY_NOT_FOUND ||
           (err == OTA_RETRY_REFUSED && c->fetch.head.status == 403 && strcmp(w->role, "root") == 0);
}

static bool fetch(struct client *c, const struct ota_tuf_want *w)
{
    size_t len;
    ota_err err = fetch_into(c, w, &len);
    enum ota_tuf_answer answer = OTA_TUF_GOT;

    if (is_absent(c, w, err))
        answer = OTA_TUF_ABSENT;
    else if (err == OTA_REJECT_LENGTH)
        answer = OTA_TUF_TOO_LONG;
    else if (err != OTA_DONE)
        return complain_err(w->file, err, &c->fetch.fault);
    return ota_tuf_answer(c->tuf, answer, len) == OTA_OK;
}

static bool load_or_keep(struct client *c, const struct ota_tuf_want *w)
{
    char name[FILES_NAME_MAX];

    if (!files_name(name, w->role, ".json"))
        return complain("role name", "", "cannot be a file name");
    if (w->kind == OTA_TUF_LOAD) {
        int64_t len = files_read(c->o->metadata_dir, name, w->buf, w->cap);

        return ota_tuf_answer(c->tuf, len < 0 ? OTA_TUF_ABSENT : OTA_TUF_GOT, len < 0 ? 0 : (size_t)len) == OTA_OK;
    }
    bool ok = w->kind == OTA_TUF_STORE ? files_write(c->o->metadata_dir, name, w->buf, w->len)
                                       : files_remove(c->o->metadata_dir, name);
    if (!ok)
        return complain(c->o->metadata_dir, name, strerror(errno));
    return ota_tuf_answer(c->tuf, OTA_TUF_STORED, 0) == OTA_OK;
}

/* Serve TUF until it is done with a refresh, or with the search for path. */
static bool drive(struct client *c, const char *path)
{
    struct ota_tuf_want w;
    struct ota_fault f;
    ota_err err;

    while ((err = ota_tuf_next(c->tuf, &w)) == OTA_OK)
        if (!(w.kind == OTA_TUF_FETCH ? fetch(c, &w) : load_or_keep(c, &w)))
            return false;
    if (err == OTA_DONE)
        return true;
    ota_tuf_fault(c->tuf, &f);
    if (!path)
        path = ota_err_class(err) == OTA_CLASS_REJECT ? "metadata refused" : "refresh failed";
    return complain_err(path, err, &f);
}

static bool refresh(struct client *c)
{
    return ota_tuf_refresh(c->tuf, (int64_t)time(NULL)) == OTA_OK && drive(c, NULL);
}

/* ---- targets ---- */

static const char *refuses(struct client *c, enum ota_hash_alg alg, const uint8_t *want, struct ota_hash *h)
{
    uint8_t sum[OTA_HASH_LEN_MAX];

    if (c->crypto.port.ops->hash_end(&c->crypto.port, h, sum) != OTA_OK)
        return "hashing failed";
    return memcmp(sum, want, ota_hash_len(alg)) == 0 ? NULL : "digest differs from the signed digest";
}

/* Every digest that is known is checked. */
struct digests {
    struct ota_hash sha256, sha512;
};

static bool digests_start(struct client *c, const struct ota_tuf_target *t, struct digests *d)
{
    const struct ota_crypto_ops *ops = c->crypto.port.ops;

    return (!t->has_sha256 || ops->hash_start(&c->crypto.port, &d->sha256, OTA_SHA256) == OTA_OK) &&
           (!t->has_sha512 || ops->hash_start(&c->crypto.port, &d->sha512, OTA_SHA512) == OTA_OK);
}

static bool digests_add(struct client *c, const struct ota_tuf_target *t, struct digests *d, const uint8_t *p, size_t len)
{
    const struct ota_crypto_ops *ops = c->crypto.port.ops;

    return (!t->has_sha256 || ops->hash_add(&c->crypto.port, &d->sha256, p, len) == OTA_OK) &&
           (!t->has_sha512 || ops->hash_add(&c->crypto.port, &d->sha512, p, len) == OTA_OK);
}

/* NULL: all of them match. Otherwise the reason. */
static const char *digests_end(struct client *c, const struct ota_tuf_target *t, struct digests *d)
{
    const char *first = t->has_sha256 ? refuses(c, OTA_SHA256, t->sha256, &d->sha256) : NULL;
    const char *second = t->has_sha512 ? refuses(c, OTA_SHA512, t->sha512, &d->sha512) : NULL;

    return first ? first : second;
}

/* Is the very file there already? Then it is not touched. */
static bool have_it(struct client *c, const struct ota_tuf_target *t, const char *name)
{
    char path[4096];
    struct digests d;
    uint64_t len = 0;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", c->o->target_dir, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool ok = digests_start(c, t, &d);
    while (ok && (n = fread(c->chunk, 1, CHUNK, f)) > 0) {
        len += n;
        ok = digests_add(c, t, &d, c->chunk, n);
    }
    ok = !ferror(f) && ok && digests_end(c, t, &d) == NULL && len == t->length;
    (void)fclose(f);
    return ok;
}

static bool bring(struct client *c, const struct ota_tuf_target *t, struct files_draft *draft)
{
    const struct otai_fetch_job job = { .base = c->o->target_base_url, .file = t->file, .exact = t->length };
    struct digests d;
    size_t got = 0;
    ota_err err = t->length ? otai_fetch_begin(&c->fetch, &job) : OTA_DONE;

    if (!digests_start(c, t, &d))
        return complain(t->path, "", "hashing failed");
    while (err == OTA_OK && (err = receive(c, c->chunk, CHUNK, &got)) == OTA_OK)
        if (!digests_add(c, t, &d, c->chunk, got) || !files_draft_add(draft, c->chunk, got))
            return complain(c->o->target_dir, "", strerror(errno));
    const char *why = digests_end(c, t, &d);
    if (err != OTA_DONE)
        return complain_err(t->path, err, &c->fetch.fault);
    return why ? complain(t->path, "", why) : true;
}

static bool download_one(struct client *c, const char *path)
{
    char name[FILES_NAME_MAX];
    struct files_draft draft;

    if (ota_tuf_find(c->tuf, path) != OTA_OK)
        return complain(path, "", "not a target path");
    if (!drive(c, path))
        return false;
    const struct ota_tuf_target target = *ota_tuf_target(c->tuf);
    if (!files_name(name, path, ""))
        return complain(path, "", "cannot be a file name");
    if (have_it(c, &target, name))
        return true;
    if (!files_draft_open(&draft, c->o->target_dir))
        return complain(c->o->target_dir, "", strerror(errno));
    if (!bring(c, &target, &draft)) {
        files_draft_drop(&draft);
        return false;
    }
    return files_draft_keep(&draft, name) ? true : complain(c->o->target_dir, name, strerror(errno));
}

/* ---- commands ---- */

static bool with_client(const struct options *o, bool (*work)(struct client *))
{
    static struct client c;
    bool ok = client_open(&c, o, NULL, 0) && work(&c);

    client_close(&c);
    return ok;
}

bool client_refresh(const struct options *o)
{
    return with_client(o, refresh);
}

static bool download(struct client *c)
{
    bool ok = refresh(c);

    for (int i = 0; ok && i < c->o->target_count; i++)
        ok = download_one(c, c->o->targets[i]);
    return ok;
}

bool client_download(const struct options *o)
{
    return with_client(o, download);
}

/* Is it a root that is signed by its own keys? TUF says so by going on to ask for the next one. */
static bool is_root(const struct options *o, const uint8_t *root, size_t len)
{
    static struct client c;
    struct ota_tuf_want w;
    struct ota_fault f = { .err = OTA_OK };
    bool opened = client_open(&c, o, root, len);
    ota_err err = opened ? ota_tuf_refresh(c.tuf, 0) : OTA_USAGE_STATE;

    if (err == OTA_OK) {
        err = ota_tuf_next(c.tuf, &w);
        if (err == OTA_OK)
            err = ota_tuf_answer(c.tuf, OTA_TUF_ABSENT, 0);
        if (err == OTA_OK)
            err = ota_tuf_next(c.tuf, &w);
        ota_tuf_fault(c.tuf, &f);
    }
    client_close(&c);
    return err == OTA_OK || !opened ? opened : complain_err("not a usable root", err, &f);
}

bool client_init(const struct options *o, const char *root_file)
{
    static uint8_t root[512000];
    const char *slash = strrchr(root_file, '/');
    char dir[4096] = ".";

    if (slash)
        (void)snprintf(dir, sizeof dir, "%.*s", (int)(slash - root_file + 1), root_file);
    int64_t len = files_read(dir, slash ? slash + 1 : root_file, root, sizeof root);
    if (len < 0)
        return complain(root_file, "", errno ? strerror(errno) : "too long");
    if (!is_root(o, root, (size_t)len))
        return false;
    return files_write(o->metadata_dir, "root.json", root, (size_t)len) ? true
                                                                       : complain(o->metadata_dir, "", strerror(errno));
}
