/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants. Some are watched as things happen, in tests/sim (struct sim, `broken`); the rest is judged here, at every
 * start of the device and at the end. */
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "powercut.h"
#include "sim_must.h"

#define STARTS_MAX 3           /* to come home after the last cut, when no image is bad */

/* Where dev->own keeps what was seen: floors of the components, then versions of the roles. */
#define OWN_FLOOR 0
#define OWN_ROLE SIM_COMPONENTS

static const char *const roles[] = { "os.root", "os.timestamp", "os.snapshot", "os.targets", "os.os-images", "os.feed-retail",
    "product.root", "product.timestamp", "product.snapshot", "product.targets", "product.pub-acme", "product.groups" };

static uint64_t hash_of(const void *data, size_t len)
{
    return sim_mix(1469598103934665603u, data, len);
}

/* ---- what was published ---- */

static int role_of(const char *repo, const char *file)
{
    const char *name = strchr(file, '.');
    char text[64];

    /* "7.root.json", "timestamp.json" */
    if (name && strcmp(name, ".json") != 0)
        file = name + 1;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        (void)snprintf(text, sizeof text, "%s.%s", repo, file);
        size_t len = strlen(roles[i]);

        if (strncmp(text, roles[i], len) == 0 && strcmp(text + len, ".json") == 0)
            return (int)i;
    }
    return -1;
}

static uint32_t version_in(const struct sim_file *f)
{
    const char *p = (const char *)f->data, *found = NULL;

    for (size_t i = 0; i + 10 < f->len; i++)
        if (memcmp(p + i, "\"version\":", 10) == 0)
            found = p + i + 10;
    MUST(found);
    return (uint32_t)strtoul(found, NULL, 10);
}

static void learn_file(struct stage *s, const struct sim_file *f)
{
    const char *slash = strrchr(f->url, '/');
    int role = role_of(strstr(f->url, "/os/metadata/") ? "os" : "product", slash + 1);

    if (role < 0 || !strstr(f->url, "/metadata/"))
        return;
    uint64_t hash = hash_of(f->data, f->len);
    for (size_t i = 0; i < s->known; i++)
        if (s->file[i].hash == hash)
            return;
    MUST(s->known < sizeof s->file / sizeof s->file[0]);
    s->file[s->known++] = (struct known_file){ hash, version_in(f), (uint8_t)role };
}

void judge_learn(struct stage *s)
{
    for (size_t k = 0; k < SITES_MAX; k++)
        for (size_t i = 0; i < s->site[k].count; i++)
            learn_file(s, &s->site[k].file[i]);
    MUST(s->known > 8);
}

/* ---- at every start ---- */

static void judge_metadata(const struct stage *s, struct sim *dev, const char *name, const uint8_t *data, size_t len)
{
    size_t role = 0;

    for (; role < sizeof roles / sizeof roles[0]; role++)
        if (strncmp(name, roles[role], strlen(roles[role])) == 0 && strcmp(name + strlen(roles[role]), ".json") == 0)
            break;
    if (role == sizeof roles / sizeof roles[0])
        return;
    uint64_t hash = hash_of(data, len);
    for (size_t i = 0; i < s->known; i++) {
        if (s->file[i].hash != hash || s->file[i].role != role)
            continue;
        if (s->file[i].version < dev->own[OWN_ROLE + role])
            sim_break(dev, "stored metadata is never older than before");
        dev->own[OWN_ROLE + role] = s->file[i].version;
        return;
    }
    sim_break(dev, "stored metadata is what a publisher signed");
}

/* A record of a store that is tested, by its own word. */
static bool read_rigged(struct sim *dev, const char *name, uint8_t *out, size_t cap, size_t *len)
{
    struct ota_store *s = dev->rigged.store;
    int32_t code = 0;

    return s->ops->read(s, name, out, cap, len, &code) == OTA_OK && *len <= cap;
}

static void judge_rigged_store(const struct stage *s, struct sim *dev)
{
    static uint8_t bytes[SIM_JSON_MAX];
    char name[OTA_STORE_NAME_MAX];
    size_t len = 0;

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        (void)snprintf(name, sizeof name, "%s.json", roles[i]);
        if (read_rigged(dev, name, bytes, sizeof bytes, &len))
            judge_metadata(s, dev, name, bytes, len);
    }
}

static void judge_store(const struct stage *s, struct sim *dev)
{
    const struct sim_dir *d = &dev->medium.dir;

    if (dev->rigged.store)
        judge_rigged_store(s, dev);

    for (size_t i = 0; i < dev->store.count; i++)
        judge_metadata(s, dev, dev->store.record[i].name, dev->store.record[i].data, dev->store.record[i].len);
    for (uint8_t i = 0; i < d->names; i++)
        if (d->now[i])
            judge_metadata(s, dev, d->name[i], dev->medium.file[d->now[i] - 1].now, dev->medium.file[d->now[i] - 1].len);
}

static void judge_floors(struct sim *dev)
{
    for (size_t c = 0; c < dev->components; c++) {
        const struct sim_image *run = sim_running(dev, c), *confirmed = sim_confirmed(dev, c);

        if (run && run->security < dev->own[OWN_FLOOR + c])
            sim_break(dev, "what is started is not below the floor of what was confirmed");
        if (dev->boot.record.state == OTA_BOOT_TRIAL_NONE && confirmed && confirmed->security > dev->own[OWN_FLOOR + c])
            dev->own[OWN_FLOOR + c] = confirmed->security;
    }
}

void judge_start(struct sim *dev)
{
    judge_store(stage_of(dev), dev);
    judge_floors(dev);
}

/* ---- reports ---- */

static bool says(const struct sim_report *r, const struct expect *e)
{
    char outcome[32], version[40];

    (void)snprintf(outcome, sizeof outcome, "\"%s\"", e->outcome);
    (void)snprintf(version, sizeof version, "\"%s\"", e->version ? e->version : "");
    return sim_report_has(r, "outcome", outcome) && (!e->version || sim_report_has(r, "version", version));
}

bool judge_was_told(const struct sim *dev, const struct expect *e)
{
    for (size_t i = 0; i < dev->report_count; i++)
        if (says(&dev->report[i], e))
            return true;
    return false;
}

static const char *judge_reports(const struct stage *s, const struct sim *dev, bool damaged)
{
    static const struct expect refusal = { "refused", NULL, false };

    for (size_t i = 0; i < dev->report_count; i++) {
        bool expected = (damaged || s->scenario->refusals) && says(&dev->report[i], &refusal);

        for (const struct expect *e = s->scenario->expect; e->outcome; e++)
            expected |= says(&dev->report[i], e);
        if (!expected)
            return "no result is invented";
    }
    for (const struct expect *e = s->scenario->expect; e->outcome; e++) {
        unsigned times = 0;

        for (size_t i = 0; i < dev->report_count; i++)
            times += says(&dev->report[i], e);
        if (e->must && times == 0)
            return "every final result is told";
        if (times > 1 && strcmp(e->outcome, "refused") != 0)
            return "a final result has one id";
    }
    return NULL;
}

/* ---- the end ---- */

static const char *judge_images(const struct stage *s, const struct sim *dev)
{
    static const char *const names[] = { "os", "app" };
    const char *const end[] = { s->scenario->os_end, s->scenario->app_end };

    for (size_t c = 0; c < dev->components; c++) {
        const struct sim_image *want = stage_image(s, names[c], end[c] ? end[c] : "2.0.0");

        if (sim_confirmed(dev, c) != want || sim_running(dev, c) != want)
            return "the device ends where the server wants it";
    }
    return dev->boot.record.state == OTA_BOOT_TRIAL_NONE ? NULL : "no trial is left over";
}

static const char *judge_wear(const struct sim *dev, unsigned cuts)
{
    for (size_t c = 0; c < dev->components; c++)
        for (size_t k = 0; k < 2; k++)
            for (size_t b = 0; b < SIM_BLOCKS_MAX; b++)
                if (dev->slot[c][k].erases[b] > 3u + 2u * cuts)
                    return "a block is not erased again and again";
    return NULL;
}

static const char *judge_space(const struct stage *s, struct sim *dev)
{
    const struct sim_dir *d = &dev->medium.dir;
    uint32_t names = 0;

    for (uint8_t i = 0; i < d->names; i++) {
        if (!d->now[i])
            continue;
        names++;
        if (d->name[i][0] == '.' && strcmp(d->name[i], ".lock") != 0)
            return "no temporary file is left";
    }
    return names + dev->store.count > s->names_at_end && s->names_at_end ? "no record is left over" : NULL;
}

static const uint8_t *newest_journal(struct sim *dev, size_t *len)
{
    static const char *const names[] = { "journal.0", "journal.1" };
    const uint8_t *best = NULL;
    uint32_t newest = 0;

    for (size_t i = 0; i < 2; i++) {
        const struct sim_file_body *f = sim_file_named(dev, names[i]);
        const uint8_t *p = f ? f->now : NULL;
        size_t n = f ? f->len : 0;

        for (size_t k = 0; k < dev->store.count; k++) {
            if (strcmp(dev->store.record[k].name, names[i]) != 0)
                continue;
            p = dev->store.record[k].data;
            n = dev->store.record[k].len;
        }
        static uint8_t rigged[2][SIM_RECORD_MAX];
        if (dev->rigged.store && read_rigged(dev, names[i], rigged[i], sizeof rigged[i], &n))
            p = rigged[i];
        struct otai_journal j;
        const char *why;
        if (!p || otai_journal_decode(p, n, &j, &why) != OTA_OK || j.generation < newest)
            continue;
        newest = j.generation;
        best = p;
        *len = n;
    }
    return best;
}

/* What the device knows of itself: floors and versions belong to what is confirmed, never to what was only tried. */
static const char *judge_journal(struct sim *dev)
{
    struct otai_journal j;
    const char *why;
    size_t len = 0;
    const uint8_t *p = newest_journal(dev, &len);

    if (!p || otai_journal_decode(p, len, &j, &why) != OTA_OK)
        return "a journal can be read";
    for (size_t c = 0; c < dev->components; c++) {
        const struct sim_image *i = sim_confirmed(dev, c);
        char hex[65];

        if (!i && j.installed[c].known)
            return "the journal names what is confirmed";
        if (!i)
            continue;
        sim_hex(j.installed[c].sha256, OTA_SHA256_LEN, hex);
        if (j.installed[c].known && strcmp(hex, i->sha256) != 0)
            return "the journal names what is confirmed";
        if (j.installed[c].security_floor > i->security)
            return "no floor is above what was confirmed";
    }
    return NULL;
}

static const char *judge_bad_starts(const struct sim *dev)
{
    for (size_t i = 0; i < SIM_IMAGES_MAX; i++)
        if (dev->bad_starts[i] > TRIES)
            return "a bad image gets its tries and no more";
    return NULL;
}

const char *judge_end(const struct stage *s, struct sim *dev, enum sim_end end, unsigned cuts, bool damaged, uint32_t starts)
{
    const char *wrong = dev->broken;

    if (!wrong && end != SIM_IDLE && !(s->scenario->backs_off && end == SIM_BACKING_OFF))
        wrong = "the device comes to rest";
    if (!wrong)
        wrong = judge_images(s, dev);
    if (!wrong)
        wrong = judge_reports(s, dev, damaged);
    if (!wrong)
        wrong = judge_bad_starts(dev);
    if (!wrong && starts > STARTS_MAX + s->scenario->more_starts + (s->scenario->bad ? TRIES : 0u) + (damaged ? 1u : 0u))
        wrong = "the device comes home within its restarts";
    if (!wrong)
        wrong = judge_wear(dev, cuts);
    if (!wrong)
        wrong = judge_space(s, dev);
    if (!wrong)
        wrong = judge_journal(dev);
    if (!wrong) {
        judge_start(dev);
        wrong = dev->broken;
    }
    return wrong;
}
