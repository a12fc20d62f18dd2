/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* syncfs, MAP_ANONYMOUS */
#include "shards.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "keys.h"
#include "publish.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WORKERS 2
#define BATCH 8192u   /* shards that become visible together: a run that breaks off loses no more than that */
#define BODY_MAX (TARGETS_LEN_MAX + 1024)

enum { TARGETS, SNAPSHOT, TIMESTAMP, SHARD_ROLES };
static const char *const role_names[SHARD_ROLES] = { "targets", "snapshot", "timestamp" };

/* What a worker did with a shard; the parent puts the new timestamps in place. */
enum { SHARD_SAME, SHARD_WRITTEN, SHARD_REFRESHED };

struct job {
    struct tool *t;
    struct repo repo;
    const char *product;
    unsigned digits;
    enum director_mode mode;
    uint32_t shards;
    const struct devices *d;
    uint32_t *start, *order;      /* devices of shard s: order[start[s]..start[s + 1]) */
    struct key key[SHARD_ROLES];
    char expires[SHARD_ROLES][TIME_LEN], issued[TIME_LEN];
    int64_t renew_before_s;       /* a timestamp that ends before is signed anew */
    int64_t lasting_s;            /* what a renewed timestamp names must live until then */
    uint8_t *done;                /* shared: enum above, per shard */
};

/* What is published of a shard. */
struct state {
    uint64_t timestamp, version;  /* versions; of snapshot and targets alike */
    int64_t expires_s;
    char snapshot_sha256[DIGEST_HEX];
    unsigned snapshot_len;
    bool there;
};

/* Text being made. */
struct text {
    char p[BODY_MAX + 512];
    size_t len;
    bool full;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *x, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(x->p + x->len, sizeof x->p - x->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof x->p - x->len)
        x->full = true;
    else
        x->len += (size_t)n;
}

static void shard_name(const struct job *j, uint32_t shard, char out[SHARD_DIGITS_MAX + 1])
{
    (void)snprintf(out, SHARD_DIGITS_MAX + 1, "%0*" PRIx32, (int)j->digits, shard & 0xffffffu);
}

/* Path of a file of a shard; `file` may have a version in front. */
static void shard_path(const struct job *j, uint32_t shard, uint64_t version, const char *file, char *out, size_t cap)
{
    char name[SHARD_DIGITS_MAX + 1], number[24] = "";

    shard_name(j, shard, name);
    if (version != 0)
        (void)snprintf(number, sizeof number, "%" PRIu64 ".", version);
    (void)snprintf(out, cap, "%s/metadata/%s/%s%s", j->repo.dir, name, number, file);
}

static int read_small(struct tool *t, const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;

    if (fd < 0)
        return errno == ENOENT ? TOOL_ABSENT : tool_failed(t, "%s: cannot open: %s", path, strerror(errno));
    for (ssize_t got; (got = read(fd, out + len, cap - 1 - len)) > 0;)
        len += (size_t)got;
    out[len] = '\0';
    (void)close(fd);
    return len < cap - 1 ? TOOL_OK : tool_failed(t, "%s: longer than %zu bytes", path, cap - 2);
}

/* Time that the member "expires" of a file of ours says. */
static bool expires_of(const char *text, int64_t *out)
{
    char time[TIME_LEN];
    const char *p = strstr(text, "\"expires\":\"");

    return p != NULL && sscanf(p, "\"expires\":\"%20[^\"]", time) == 1 && time_parse(time, out);
}

static int read_state(const struct job *j, uint32_t shard, struct state *s)
{
    char path[1024], text[TIMESTAMP_LEN_MAX + 2];

    *s = (struct state){ 0 };
    shard_path(j, shard, 0, "timestamp.json", path, sizeof path);
    int rc = read_small(j->t, path, text, sizeof text);
    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_OK : rc;
    const char *meta = strstr(text, "\"meta\":{\"snapshot.json\":");
    if (meta != NULL && expires_of(text, &s->expires_s) &&
        sscanf(meta,
               "\"meta\":{\"snapshot.json\":{\"hashes\":{\"sha256\":\"%64[0-9a-f]\"},\"length\":%u,\"version\":%" SCNu64
               "}},\"spec_version\":\"1.0.34\",\"version\":%" SCNu64,
               s->snapshot_sha256, &s->snapshot_len, &s->version, &s->timestamp) == 4)
        s->there = true;
    return s->there ? TOOL_OK : tool_failed(j->t, "%s: is not a timestamp that ota-repo wrote", path);
}

/* "targets":{...}: one target without content, whose description tells the devices' groups. */
static void make_targets(const struct job *j, uint32_t shard, struct text *x)
{
    char name[SHARD_DIGITS_MAX + 1];

    shard_name(j, shard, name);
    x->len = 0;
    x->full = false;
    put(x, "\"targets\":{\"shard/%s.json\":{\"custom\":{\"ota\":{\"devices\":{", name);
    for (uint32_t i = j->start[shard]; i < j->start[shard + 1]; i++) {
        const struct device *d = &j->d->item[j->order[i]];
        put(x, "%s\"%.*s\":\"%.*s\"", i > j->start[shard] ? "," : "", d->id_len, d->id, d->group_len, device_group(d));
    }
    put(x, "}}},\"hashes\":{\"sha256\":\"" EMPTY_SHA256 "\"},\"length\":0}}");
}

/* Is that what version v says? And does it live long enough for a new timestamp? */
static int compare(const struct job *j, uint32_t shard, const struct state *s, const struct text *want, bool *same, bool *lasting)
{
    char path[1024];
    static char text[BODY_MAX + 1024];
    int64_t targets_s = 0, snapshot_s = 0;

    *same = *lasting = false;
    shard_path(j, shard, s->version, "targets.json", path, sizeof path);
    int rc = read_small(j->t, path, text, sizeof text);
    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_OK : rc; /* lost: it is made anew */
    *same = strstr(text, want->p) != NULL;
    bool good = expires_of(text, &targets_s);
    shard_path(j, shard, s->version, "snapshot.json", path, sizeof path);
    rc = read_small(j->t, path, text, sizeof text);
    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_OK : rc;
    *lasting = good && expires_of(text, &snapshot_s) && targets_s > j->lasting_s && snapshot_s > j->lasting_s;
    return TOOL_OK;
}

static int write_file(struct tool *t, const char *path, const struct text *x, bool fresh)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (fresh ? O_EXCL : O_TRUNC), 0644);
    bool good = fd >= 0;

    for (size_t at = 0; good && at < x->len;) {
        ssize_t n = write(fd, x->p + at, x->len - at);
        good = n > 0;
        at += good ? (size_t)n : 0;
    }
    if (fd >= 0 && close(fd) != 0)
        good = false;
    return good ? TOOL_OK : tool_failed(t, "%s: cannot write: %s", path, strerror(errno));
}

/* Around a signed part: one signature of the role's key. */
static int seal(const struct job *j, uint32_t shard, int role, const struct text *body, struct text *out)
{
    static const size_t max[SHARD_ROLES] = { TARGETS_LEN_MAX, SNAPSHOT_LEN_MAX, TIMESTAMP_LEN_MAX };
    uint8_t digest[DIGEST_LEN], der[SIG_DER_MAX];
    char hex[2 * SIG_DER_MAX + 1], name[SHARD_DIGITS_MAX + 1];
    size_t len;
    int rc = digest_of(j->t, body->p, body->len, digest);

    if (rc == TOOL_OK)
        rc = ecdsa_sign(j->t, j->key[role].scalar, digest, der, &len);
    if (rc != TOOL_OK)
        return rc;
    hex_encode(der, len, hex);
    out->len = 0;
    out->full = body->full;
    put(out, "{\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}],\"signed\":%s}", j->key[role].keyid, hex, body->p);
    if (!out->full && out->len <= max[role])
        return TOOL_OK;
    shard_name(j, shard, name);
    return tool_failed(j->t, "shard %s of %s: %" PRIu32 " devices need more than %zu bytes of %s, which devices do not accept: more digits",
                       name, j->product, j->start[shard + 1] - j->start[shard], max[role], role_names[role]);
}

static void begin_body(const struct job *j, int role, struct text *x)
{
    x->len = 0;
    x->full = false;
    put(x, "{\"_type\":\"%s\",\"expires\":\"%s\",", role_names[role], j->expires[role]);
}

static void end_body(const struct job *j, uint32_t shard, int role, uint64_t version, struct text *x)
{
    char name[SHARD_DIGITS_MAX + 1];

    shard_name(j, shard, name);
    put(x, "\"version\":%" PRIu64 ",", version);
    if (role == TIMESTAMP)
        put(x, "\"x-issued\":\"%s\",", j->issued);
    put(x, "\"x-scope\":\"%s/%s\"}", j->product, name);
}

/* Sign and write one versioned file; its digest and length are what the next one lists. */
static int write_version(const struct job *j, uint32_t shard, int role, uint64_t version, const struct text *body, struct text *out,
                         char hex[DIGEST_HEX])
{
    char path[1024], file[32];
    int rc = seal(j, shard, role, body, out);

    if (rc == TOOL_OK)
        rc = digest_hex(j->t, out->p, out->len, hex);
    if (rc != TOOL_OK)
        return rc;
    (void)snprintf(file, sizeof file, "%s.json", role_names[role]);
    shard_path(j, shard, version, file, path, sizeof path);
    return write_file(j->t, path, out, true);
}

static void put_meta(struct text *x, const char *file, const char *hex, size_t len, uint64_t version)
{
    put(x, "\"meta\":{\"%s\":{\"hashes\":{\"sha256\":\"%s\"},\"length\":%zu,\"version\":%" PRIu64 "}},", file, hex, len, version);
}

#define SPEC "\"spec_version\":\"" SPEC_VERSION "\","

static int write_content(const struct job *j, uint32_t shard, struct state *s, const struct text *targets)
{
    static struct text body, out;
    char hex[DIGEST_HEX];

    begin_body(j, TARGETS, &body);
    put(&body, SPEC "%s,", targets->p);
    end_body(j, shard, TARGETS, s->version, &body);
    int rc = write_version(j, shard, TARGETS, s->version, &body, &out, hex);
    if (rc != TOOL_OK)
        return rc;
    begin_body(j, SNAPSHOT, &body);
    put_meta(&body, "targets.json", hex, out.len, s->version);
    put(&body, SPEC);
    end_body(j, shard, SNAPSHOT, s->version, &body);
    rc = write_version(j, shard, SNAPSHOT, s->version, &body, &out, s->snapshot_sha256);
    s->snapshot_len = (unsigned)out.len;
    return rc;
}

/* Beside the one that is published: the parent puts it in place when all that it names is on the disk. */
static int write_timestamp(const struct job *j, uint32_t shard, const struct state *s)
{
    static struct text body, out;
    char path[1024];

    begin_body(j, TIMESTAMP, &body);
    put_meta(&body, "snapshot.json", s->snapshot_sha256, s->snapshot_len, s->version);
    put(&body, SPEC);
    end_body(j, shard, TIMESTAMP, s->timestamp + 1, &body);
    int rc = seal(j, shard, TIMESTAMP, &body, &out);
    shard_path(j, shard, 0, ".timestamp.tmp", path, sizeof path);
    return rc != TOOL_OK ? rc : write_file(j->t, path, &out, false);
}

static bool version_taken(const struct job *j, uint32_t shard, uint64_t version)
{
    char a[1024], b[1024];

    shard_path(j, shard, version, "targets.json", a, sizeof a);
    shard_path(j, shard, version, "snapshot.json", b, sizeof b);
    return file_exists(a) || file_exists(b);
}

/* The version before the one that is published is still read by a device that has just fetched its timestamp; older ones
 * are not. */
static void drop_older(const struct job *j, uint32_t shard, uint64_t version)
{
    char path[1024];

    for (int role = TARGETS; version > 1 && role <= SNAPSHOT; role++) {
        char file[32];
        (void)snprintf(file, sizeof file, "%s.json", role_names[role]);
        shard_path(j, shard, version - 1, file, path, sizeof path);
        (void)unlink(path);
    }
}

static int make_dir(const struct job *j, uint32_t shard)
{
    char path[1024];

    shard_path(j, shard, 0, "", path, sizeof path);
    return mkdir(path, 0755) == 0 || errno == EEXIST
               ? TOOL_OK : tool_failed(j->t, "%s: cannot create: %s", path, strerror(errno));
}

static int do_shard(const struct job *j, uint32_t shard)
{
    static struct text targets;
    struct state s;
    bool same = false, lasting = false;
    int rc = read_state(j, shard, &s);

    make_targets(j, shard, &targets);
    if (rc == TOOL_OK && s.there)
        rc = compare(j, shard, &s, &targets, &same, &lasting);
    if (rc != TOOL_OK)
        return rc;
    bool due = j->mode == DIRECTOR_REFRESH && s.expires_s < j->renew_before_s;
    if (same && !due)
        return TOOL_OK;
    if (!same || !lasting) {
        drop_older(j, shard, s.version);
        for (s.version++; version_taken(j, shard, s.version);)
            s.version++;
        rc = s.there ? TOOL_OK : make_dir(j, shard);
        if (rc == TOOL_OK)
            rc = write_content(j, shard, &s, &targets);
    }
    if (rc == TOOL_OK)
        rc = write_timestamp(j, shard, &s);
    j->done[shard] = same ? SHARD_REFRESHED : SHARD_WRITTEN;
    return rc;
}

/* Server's tags are made of seconds and sizes: the new file is a later second, see file_replace(). */
static int place(const struct job *j, uint32_t shard)
{
    char from[1024], to[1024];
    struct stat old, now;

    shard_path(j, shard, 0, ".timestamp.tmp", from, sizeof from);
    shard_path(j, shard, 0, "timestamp.json", to, sizeof to);
    if (stat(to, &old) == 0 && stat(from, &now) == 0 && now.st_mtime <= old.st_mtime) {
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = old.st_mtime + 1 } };
        (void)utimensat(AT_FDCWD, from, times, 0);
    }
    return rename(from, to) == 0 ? TOOL_OK : tool_failed(j->t, "%s: cannot rename to: %s", to, strerror(errno));
}

/* ---- devices by shard ---- */

static int sort_devices(struct job *j)
{
    size_t n = j->d->count;
    uint32_t *shard = calloc(n + 1, sizeof *shard);

    j->start = calloc((size_t)j->shards + 2, sizeof *j->start);
    j->order = calloc(n + 1, sizeof *j->order);
    if (shard == NULL || j->start == NULL || j->order == NULL) {
        free(shard);
        return tool_failed(j->t, "out of memory for %zu devices", n);
    }
    int rc = TOOL_OK;
    for (size_t i = 0; rc == TOOL_OK && i < n; i++) {
        rc = director_shard(j->t, j->d->item[i].id, j->d->item[i].id_len, j->digits, &shard[i]);
        j->start[shard[i] + 2]++;
    }
    for (uint32_t s = 2; s <= j->shards + 1; s++)
        j->start[s] += j->start[s - 1];
    for (size_t i = 0; i < n; i++)
        j->order[j->start[shard[i] + 1]++] = (uint32_t)i;
    free(shard);
    return rc;
}

/* ---- two processes ---- */

static void work(struct job *j, uint32_t first, unsigned worker, int to)
{
    /* Never the parent's random state twice: a signature's secret number that two messages share gives the key away. */
    int rc = crypto_again(j->t);

    for (uint32_t s = first + worker; rc == TOOL_OK && s < j->shards && s < first + BATCH; s += WORKERS)
        rc = do_shard(j, s);
    if (rc != TOOL_OK)
        (void)!write(to, j->t->error, strlen(j->t->error));
    _exit(rc == TOOL_OK ? 0 : 1);
}

static int start_worker(struct job *j, uint32_t first, unsigned worker, pid_t *pid, int *from)
{
    int ends[2];

    if (pipe(ends) != 0)
        return tool_failed(j->t, "cannot start a worker: %s", strerror(errno));
    *pid = fork();
    if (*pid == 0) {
        (void)close(ends[0]);
        work(j, first, worker, ends[1]);
    }
    (void)close(ends[1]);
    *from = ends[0];
    return *pid > 0 ? TOOL_OK : tool_failed(j->t, "cannot start a worker: %s", strerror(errno));
}

static int end_worker(struct job *j, pid_t pid, int from)
{
    char error[512] = "";
    ssize_t got = read(from, error, sizeof error - 1);
    int status = 0;

    (void)close(from);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TOOL_OK;
    return tool_failed(j->t, "%s", got > 0 ? error : "a worker ended before its time");
}

static int run_workers(struct job *j, uint32_t first)
{
    pid_t pid[WORKERS];
    int from[WORKERS], rc = TOOL_OK;
    unsigned started = 0;

    while (rc == TOOL_OK && started < WORKERS) {
        rc = start_worker(j, first, started, &pid[started], &from[started]);
        started += rc == TOOL_OK;
    }
    for (unsigned w = 0; w < started; w++) {
        int end = end_worker(j, pid[w], from[w]);
        rc = rc == TOOL_OK ? end : rc;
    }
    return rc;
}

/* Files come to the disk all at once: what timestamps name before the timestamps. */
static int sync_web(const struct job *j)
{
    int fd = open(j->repo.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && syncfs(fd) == 0 ? TOOL_OK : tool_failed(j->t, "%s: cannot sync: %s", j->repo.dir, strerror(errno));

    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int place_batch(const struct job *j, uint32_t first, struct director_tally *tally)
{
    for (uint32_t s = first; s < j->shards && s < first + BATCH; s++) {
        if (j->done[s] == SHARD_SAME)
            continue;
        int rc = place(j, s);
        if (rc != TOOL_OK)
            return rc;
        tally->written += j->done[s] == SHARD_WRITTEN;
        tally->refreshed += j->done[s] == SHARD_REFRESHED;
    }
    return TOOL_OK;
}

static bool batch_same(const struct job *j, uint32_t first)
{
    for (uint32_t s = first; s < j->shards && s < first + BATCH; s++)
        if (j->done[s] != SHARD_SAME)
            return false;
    return true;
}

static int publish_batch(struct job *j, uint32_t first, struct director_tally *tally)
{
    int rc = run_workers(j, first);

    if (rc != TOOL_OK || batch_same(j, first))
        return rc;
    rc = sync_web(j);
    if (rc == TOOL_OK)
        rc = place_batch(j, first, tally);
    return rc != TOOL_OK ? rc : sync_web(j);
}

static int take_keys(struct job *j)
{
    for (int role = 0; role < SHARD_ROLES; role++) {
        const cJSON *entry = repo_role_entry(&j->repo, role_names[role]), *ids = member(entry, "keyids");
        int rc = cJSON_GetArraySize(ids) == 1 && member_number(entry, "threshold") == 1
                     ? key_find(j->t, j->repo.scope, role_names[role], ids->child->valuestring, &j->key[role])
                     : tool_failed(j->t, "%s: role %s must have one key", j->repo.name, role_names[role]);
        if (rc != TOOL_OK)
            return rc == TOOL_ABSENT ? tool_failed(j->t, "%s: the private key of role %s is not in %s/keys", j->repo.name,
                                                   role_names[role], j->t->dir) : rc;
    }
    return TOOL_OK;
}

static void set_times(struct job *j)
{
    static const enum days_of kind[SHARD_ROLES] = { DAYS_TARGETS, DAYS_SNAPSHOT, DAYS_TIMESTAMP };
    const struct tool *t = j->t;

    for (int role = 0; role < SHARD_ROLES; role++) {
        unsigned days = t->days[kind[role]] != 0 ? t->days[kind[role]] : t->settings.days[kind[role]];
        time_print(t->now_s + (int64_t)days * 86400, j->expires[role]);
        if (role == TIMESTAMP) {
            j->renew_before_s = t->now_s + (int64_t)days * 86400 / 2;
            j->lasting_s = t->now_s + (int64_t)days * 86400;
        }
    }
    time_print(t->now_s, j->issued);
}

static int publish(struct job *j, struct director_tally *tally)
{
    int rc = check_root(&j->repo);

    if (rc == TOOL_OK)
        rc = take_keys(j);
    if (rc == TOOL_OK)
        rc = sort_devices(j);
    for (uint32_t first = 0; rc == TOOL_OK && first < j->shards; first += BATCH)
        rc = publish_batch(j, first, tally);
    tally->shards = j->shards;
    return rc;
}

int shards_publish(struct tool *t, const char *product, unsigned digits, const struct devices *d, enum director_mode mode,
                   struct director_tally *tally)
{
    struct job *j = tool_alloc(t, sizeof *j);

    *j = (struct job){ .t = t, .product = product, .digits = digits, .mode = mode, .shards = (uint32_t)1 << (4 * digits), .d = d };
    director_locate(t, product, &j->repo);
    set_times(j);
    j->done = mmap(NULL, j->shards, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (j->done == MAP_FAILED)
        return tool_failed(t, "out of memory for %" PRIu32 " shards", j->shards);
    int rc = publish(j, tally);
    for (int role = 0; role < SHARD_ROLES; role++)
        key_forget(&j->key[role]);
    free(j->start);
    free(j->order);
    (void)munmap(j->done, j->shards);
    return rc;
}
