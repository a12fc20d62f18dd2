/* SPDX-License-Identifier: Apache-2.0 */
/* ota-delta: make, apply and look at patches. Its exit status is 0 only if everything succeeded, else 1. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "create.h"
#include "crew.h"
#include "ota/ota.h"

static const char help[] =
    "usage: ota-delta create [--memory SIZE] [--block SIZE] [--reverse FILE] [--threads N] OLD NEW PATCH\n"
    "       ota-delta apply OLD PATCH NEW\n"
    "       ota-delta verify OLD PATCH\n"
    "       ota-delta info PATCH\n"
    "\n"
    "  create   make PATCH, which makes NEW from OLD; it is applied once before it is kept\n"
    "  apply    make NEW from OLD and PATCH; NEW appears whole or not at all\n"
    "  verify   apply PATCH without writing anything, and compare the digests\n"
    "  info     print what PATCH says about itself\n"
    "\n"
    "  --memory SIZE   most memory that a device has for applying, 16K to 64M [1M]\n"
    "  --block SIZE    make patches of larger images in parts of SIZE bytes, 64K to 1024M: less memory for making\n"
    "                  [images above 1024M in parts of 256M, which takes about 4 GiB]\n"
    "  --reverse FILE  make also FILE, which makes OLD from NEW: for a device with one slot, to go back with\n"
    "  --threads N     processors to use for making, 1 to 64 [all]; the patch is the same\n"
    "  --quiet         no progress\n"
    "  --explain       tell what was found in the images\n"
    "  --version, --help\n"
    "\n"
    "Exit status: 0 if everything succeeded, else 1.\n";

struct options {
    uint32_t memory, part_len;
    const char *reverse; /* NULL: only the patch that was asked for */
    unsigned threads;
    bool quiet, explain;
};

static int usage(const char *complaint, const char *what)
{
    (void)fprintf(stderr, "ota-delta: %s%s (see ota-delta --help)\n", complaint, what);
    return 1;
}

static bool read_size(const char *text, uint32_t least, uint32_t most, uint32_t *size)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (end == text || text[0] == '-' || v > most)
        return false;
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 0;
    if (shift)
        end++;
    if (*end || v << shift < least || v << shift > most)
        return false;
    *size = (uint32_t)(v << shift);
    return true;
}

static void show_progress(void *who, const char *what, unsigned percent)
{
    (void)who;
    (void)fprintf(stderr, "\r%-12s [%-40.*s] %3u%%", what, (int)(percent * 40 / 100), "########################################",
                  percent);
    if (percent == 100)
        (void)fprintf(stderr, "\r%60s\r", "");
}

static bool keep(const char *name, const struct bytes *b)
{
    struct draft d;

    if (!files_begin(&d, name))
        return false;
    if (files_add(&d, b->p, b->len))
        return files_keep(&d);
    files_drop(&d);
    return false;
}

static const char *digests(struct create_job *job)
{
    return digest_of(job->old, job->old_len, job->old_sha256) && digest_of(job->new, job->new_len, job->new_sha256)
               ? NULL
               : "the crypto library failed";
}

/* The way back. */
static struct create_job reversed(const struct create_job *job)
{
    struct create_job r = *job;

    r.old = job->new;
    r.old_len = job->new_len;
    r.new = job->old;
    r.new_len = job->old_len;
    memcpy(r.old_sha256, job->new_sha256, sizeof r.old_sha256);
    memcpy(r.new_sha256, job->old_sha256, sizeof r.new_sha256);
    return r;
}

/* All patches are made before one is written. */
static bool make_and_keep(const struct options *o, struct create_job *job, const char *patch_name)
{
    struct bytes patch = { 0 }, back = { 0 };
    const char *name = patch_name, *wrong = digests(job);

    if (!wrong)
        wrong = create_patch(job, &patch);
    if (!wrong && o->reverse) {
        struct create_job r = reversed(job);

        name = o->reverse;
        wrong = create_patch(&r, &back);
    }
    if (wrong)
        (void)fprintf(stderr, "ota-delta: %s: %s\n", name, wrong);
    bool ok = !wrong && keep(patch_name, &patch) && (!o->reverse || keep(o->reverse, &back));
    free(patch.p);
    free(back.p);
    return ok;
}

static bool create(const struct options *o, const char *old_name, const char *new_name, const char *patch_name)
{
    struct mapped old, new = { 0 };
    bool ok = files_map(&old, old_name) && files_map(&new, new_name);
    struct create_job job = { .memory = o->memory,
                              .explain = o->explain,
                              .part_len = o->part_len,
                              .threads = o->threads,
                              .old = old.p,
                              .old_len = old.len,
                              .new = new.p,
                              .new_len = new.len };

    if (!o->quiet && isatty(STDERR_FILENO))
        job.progress = show_progress;
    ok = ok && make_and_keep(o, &job, patch_name);
    files_unmap(&old);
    files_unmap(&new);
    return ok;
}

static int command(const struct options *o, int words, char **word)
{
    if (strcmp(word[0], "create") == 0 && words == 4)
        return !create(o, word[1], word[2], word[3]);
    if (strcmp(word[0], "apply") == 0 && words == 4)
        return !apply_patch(word[1], word[2], word[3]);
    if (strcmp(word[0], "verify") == 0 && words == 3)
        return !apply_patch(word[1], word[2], NULL);
    if (strcmp(word[0], "info") == 0 && words == 2)
        return !show_patch(word[1]);
    return usage("unknown command, or a wrong number of names: ", word[0]);
}

/* An option that has a value. 0: not one of these; 1: taken; -1: a wrong value, told */
static int valued_option(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--memory") == 0) {
        if (!value || !read_size(value, 1u << 14, 1u << 26, &o->memory))
            return -usage("--memory needs a size from 16K to 64M", "");
        return 1;
    }
    if (strcmp(name, "--block") == 0) {
        if (!value || !read_size(value, 1u << 16, 1u << 30, &o->part_len))
            return -usage("--block needs a size from 64K to 1024M", "");
        return 1;
    }
    if (strcmp(name, "--threads") == 0) {
        if (!value || !read_size(value, 1, CREW_MAX, &o->threads))
            return -usage("--threads needs a number from 1 to 64", "");
        return 1;
    }
    if (strcmp(name, "--reverse") != 0)
        return 0;
    if (!value)
        return -usage("--reverse needs the name of a file", "");
    o->reverse = value;
    return 1;
}

int main(int argc, char **argv)
{
    struct options o = { .memory = 1u << 20, .threads = crew_processors() };
    char *word[5];
    int words = 0, taken;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return fputs(help, stdout) < 0;
        if (strcmp(argv[i], "--version") == 0)
            return puts("ota-delta " OTA_VERSION_STRING) < 0;
        if (strcmp(argv[i], "--quiet") == 0) {
            o.quiet = true;
        } else if (strcmp(argv[i], "--explain") == 0) {
            o.explain = true;
        } else if ((taken = valued_option(&o, argv[i], argv[i + 1])) != 0) {
            if (taken < 0)
                return 1;
            i++;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return usage("unknown option ", argv[i]);
        } else if (words == 5) {
            return usage("too many names after ", argv[i - 1]);
        } else {
            word[words++] = argv[i];
        }
    }
    return words ? command(&o, words, word) : usage("a command is missing", "");
}
