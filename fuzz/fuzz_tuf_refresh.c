/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole refreshes of one repository. An input is six files with a NUL between them: the factory's root, the next root,
 * timestamp, snapshot, targets, and whatever role is delegated to. What must be true whatever they hold: only what was
 * served is stored; a second refresh of the same repository says the same as the first; after one that succeeded it stores
 * nothing; and a search finds the same target again.
 */
#include "tuf_fuzz_crypto.h"
#include "tuf_fuzz_files.h"

#define ROLES 5 /* four at the top, and one for all others */
#define FILE_MAX 65536u

enum { ROOT, TIMESTAMP, SNAPSHOT, TARGETS, OTHER };

struct repository {
    struct fuzz_file root, served[ROLES]; /* served[ROOT]: the next root */
    char next_root[64];                   /* its name; empty until it was asked for */
};

struct kept {
    bool there;
    size_t len;
    char role[OTA_TUF_ROLE_MAX];
    uint8_t bytes[FILE_MAX];
};

struct device {
    struct kept kept[ROLES];
    unsigned changes;
};

static int place(const char *role)
{
    static const char *const names[] = { "root", "timestamp", "snapshot", "targets" };
    int i = 0;

    while (i < OTHER && strcmp(role, names[i]) != 0)
        i++;
    return i;
}

static struct fuzz_file serve(struct repository *r, const struct ota_tuf_want *w)
{
    const struct fuzz_file none = { NULL, 0 };
    int at = place(w->role);

    if (at == ROOT && !r->next_root[0] && strlen(w->file) < sizeof r->next_root)
        memcpy(r->next_root, w->file, strlen(w->file) + 1);
    return at == ROOT && strcmp(w->file, r->next_root) != 0 ? none : r->served[at];
}

static struct fuzz_file load(const struct device *d, const struct ota_tuf_want *w)
{
    const struct kept *k = &d->kept[place(w->role)];

    return k->there && strcmp(k->role, w->role) == 0 ? (struct fuzz_file){ k->bytes, k->len } : (struct fuzz_file){ NULL, 0 };
}

static void keep(struct device *d, const struct repository *r, const struct ota_tuf_want *w)
{
    int at = place(w->role);
    struct kept *k = &d->kept[at];
    const struct fuzz_file *f = &r->served[at];

    d->changes++;
    k->there = w->kind == OTA_TUF_STORE;
    if (!k->there)
        return;
    if (w->len != f->len || w->len > sizeof k->bytes || memcmp(w->buf, f->p, w->len) != 0)
        abort();
    if (strlen(w->role) >= sizeof k->role)
        abort();
    memcpy(k->role, w->role, strlen(w->role) + 1);
    k->len = w->len;
    memcpy(k->bytes, w->buf, w->len);
}

static ota_err drive(struct ota_tuf *t, struct device *d, struct repository *r)
{
    struct ota_tuf_want w;
    ota_err err;

    for (unsigned n = 0; (err = ota_tuf_next(t, &w)) == OTA_OK; n++) {
        enum ota_tuf_answer answer = OTA_TUF_STORED;
        struct fuzz_file f = { NULL, 0 };

        if (n > 1000)
            abort();
        if (w.kind == OTA_TUF_LOAD || w.kind == OTA_TUF_FETCH) {
            f = w.kind == OTA_TUF_LOAD ? load(d, &w) : serve(r, &w);
            answer = !f.p ? OTA_TUF_ABSENT : f.len > w.cap ? OTA_TUF_TOO_LONG : OTA_TUF_GOT;
            if (answer == OTA_TUF_GOT)
                memcpy(w.buf, f.p, f.len);
        } else {
            keep(d, r, &w);
        }
        if (ota_tuf_answer(t, answer, answer == OTA_TUF_GOT ? f.len : 0) != OTA_OK)
            abort();
    }
    return err;
}

/* One session, as after a restart: only what was kept is left of the one before. */
struct session {
    ota_err refreshed, found;
    uint64_t length;
    char role[OTA_TUF_ROLE_MAX];
};

static struct session session(struct device *d, struct repository *r)
{
    static uint64_t memory[16384];
    static struct ota_crypto crypto = { &fuzz_ops };
    const struct ota_tuf_config cfg = {
        .size = sizeof cfg, .crypto = &crypto, .root = r->root.p, .root_len = r->root.len, .loose_keyids = true
    };
    struct session s;
    struct ota_tuf *t;

    memset(&s, 0, sizeof s);
    if (ota_tuf_init(&t, &cfg, memory, sizeof memory) != OTA_OK || ota_tuf_refresh(t, 1750000000) != OTA_OK)
        abort();
    s.refreshed = drive(t, d, r);
    if (s.refreshed != OTA_DONE)
        return s;
    if (ota_tuf_find(t, "app/one") != OTA_OK)
        abort();
    s.found = drive(t, d, r);
    if (s.found == OTA_DONE) {
        s.length = ota_tuf_target(t)->length;
        memcpy(s.role, ota_tuf_target(t)->role, sizeof s.role);
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct device d;
    struct repository r;

    memset(&d, 0, sizeof d);
    memset(&r, 0, sizeof r);
    r.root = fuzz_next(&data, &size);
    for (int i = 0; i < ROLES; i++)
        r.served[i] = fuzz_next(&data, &size);
    if (!r.root.p || r.root.len > FILE_MAX)
        return 0;
    struct session first = session(&d, &r);
    unsigned changes = d.changes;
    struct session second = session(&d, &r);
    if ((first.refreshed == OTA_DONE) != (second.refreshed == OTA_DONE))
        abort();
    if (first.refreshed == OTA_DONE && first.found == OTA_DONE &&
        (second.found != OTA_DONE || second.length != first.length || strcmp(second.role, first.role) != 0 || d.changes != changes))
        abort();
    return 0;
}
