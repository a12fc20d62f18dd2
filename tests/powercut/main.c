/* SPDX-License-Identifier: Apache-2.0 */
/* powercut: explore, replay, shrink. See README.md beside this file. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "powercut.h"
#include "sim_must.h"

#define JOBS_MAX 4096
#define PROCESSES_MAX 1024
#define NIGHTLY_LEAST 50000000u   /* cuts of a whole night */

struct job {
    const struct scenario *scenario;
    const struct world_geometry *geometry;
    struct limits limits;
    struct counts counts;
    double seconds;
    bool reserve;         /* explored only while the night's number is not reached, for its cuts three in a row */
    bool skipped, done;
};

/* Shared by the processes. */
struct board {
    atomic_uint next;
    atomic_ullong cuts;   /* of the jobs that are done */
    uint64_t least;       /* cuts that must come together; 0 = as many as there are */
    unsigned count, planned, end;   /* jobs, those without the reserve, and where this wave of them ends */
    struct job job[JOBS_MAX];
};

struct options {
    const char *scenario, *geometry;   /* NULL: all */
    unsigned cuts, processes, stop_after, least;
    enum { QUICK, FULL, NIGHTLY } mode;
    bool verbose;
};

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool wanted(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = list; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
        if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
            return true;
    return !list;
}

static void add_job(struct board *b, const struct options *o, const struct scenario *s, const struct world_geometry *g, struct limits limits)
{
    if (!wanted(o->scenario, s->name) || !wanted(o->geometry, g->g.name))
        return;
    MUST(b->count < JOBS_MAX);
    if (o->cuts)
        limits.cuts = o->cuts;
    limits.stop_after = o->stop_after;
    b->job[b->count++] = (struct job){ .scenario = s, .geometry = g, .limits = limits };
}

static bool is(const struct world_geometry *g, const char *name)
{
    return strcmp(g->g.name, name) == 0;
}

static bool is_scenario(const struct scenario *s, const char *name)
{
    return strcmp(s->name, name) == 0;
}

/* How deep the cuts of this mode go here. Two in a row: the core on flash, an update and a crash in files, too; by
 * night all. Three in a row: an update on the smallest geometry; by night the core. */
static unsigned depth_of(const struct options *o, const struct scenario *s, const struct world_geometry *g)
{
    bool update = is_scenario(s, "full");

    if (o->mode == QUICK)
        return 1;
    if (is(g, "tiny") && (o->mode == NIGHTLY ? s->core : update))
        return 3;
    return o->mode == NIGHTLY || (s->core && is(g, "tiny")) || ((update || is_scenario(s, "crash")) && is(g, "posix")) ? 2 : 1;
}

static bool is_wanted(const struct options *o, const struct scenario *s, const struct world_geometry *g)
{
    return o->mode != QUICK || o->geometry || is(g, "tiny") || (s->core && is(g, "posix"));
}

/* Cuts that a job adds to the sum: those one and two in a row of a reserve belong to another job. */
static uint64_t cuts_of(const struct job *j)
{
    return j->reserve ? j->counts.triples : j->counts.cuts;
}

/* Three in a row where the plan has two. */
static void plan_reserve(struct board *b, const struct options *o)
{
    for (size_t i = 0; i < powercut_scenario_count; i++)
        for (size_t k = 0; k < powercut_geometry_count; k++) {
            const struct scenario *s = &powercut_scenarios[i];
            const struct world_geometry *g = &powercut_geometries[k];
            unsigned before = b->count;

            if (depth_of(o, s, g) == 2)
                add_job(b, o, s, g, (struct limits){ .cuts = 3, .faults = true, .stride = 1 });
            if (b->count > before)
                b->job[before].reserve = true;
        }
}

/* The long jobs first. */
static void plan(struct board *b, const struct options *o)
{
    for (unsigned depth = CUTS_MAX; depth >= 1; depth--)
        for (size_t i = 0; i < powercut_scenario_count; i++)
            for (size_t k = 0; k < powercut_geometry_count; k++) {
                const struct scenario *s = &powercut_scenarios[i];
                const struct world_geometry *g = &powercut_geometries[k];

                if (is_wanted(o, s, g) && depth_of(o, s, g) == depth)
                    add_job(b, o, s, g, (struct limits){ .cuts = depth, .faults = true, .stride = 1 });
            }
    b->planned = b->count;
    bool all = o->mode == NIGHTLY && !o->cuts && !o->scenario && !o->geometry;
    b->least = o->least ? o->least : all ? NIGHTLY_LEAST : 0;
    if (b->least && !o->cuts)
        plan_reserve(b, o);
}

/* false: enough cuts were made without it. What other processes have not finished yet is not counted: rather too many. */
static bool is_due(struct board *b, struct job *j)
{
    uint64_t cuts = atomic_load(&b->cuts);

    j->skipped = j->reserve && cuts >= b->least;
    if (j->reserve && !j->skipped)
        j->limits.triples_max = b->least - cuts;
    return !j->skipped;
}

static void work(struct board *b, const struct options *o)
{
    static struct stage s;

    for (unsigned i; (i = atomic_fetch_add(&b->next, 1)) < b->end;) {
        struct job *j = &b->job[i];
        double began = now_s();

        if (!is_due(b, j))
            continue;
        stage_open(&s, j->scenario, j->geometry);
        powercut_explore(&s, &j->limits, &j->counts);
        stage_close(&s);
        (void)atomic_fetch_add(&b->cuts, cuts_of(j));
        j->seconds = now_s() - began;
        j->done = true;
        if (o->verbose)
            (void)printf("%-12s %-6s %u cut(s): %5u ops %9llu cuts %8llu runs %4llu violations %6.1f s\n", j->scenario->name,
                         j->geometry->g.name, j->limits.cuts, (unsigned)j->counts.ops, (unsigned long long)cuts_of(j),
                         (unsigned long long)j->counts.runs, (unsigned long long)j->counts.violations, j->seconds);
        (void)fflush(stdout);
    }
}

/* The jobs from..end-1. false: a process died. */
static bool work_all(struct board *b, const struct options *o, unsigned from, unsigned end)
{
    bool well = true;

    atomic_store(&b->next, from);
    b->end = end;
    (void)fflush(NULL);
    for (unsigned i = 0; i < o->processes; i++) {
        pid_t pid = fork();

        MUST(pid >= 0);
        if (pid == 0) {
            work(b, o);
            (void)fflush(NULL);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < o->processes; i++) {
        int status = 0;

        MUST(wait(&status) > 0);
        well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return well;
}

static int sum_up(const struct board *b, bool well)
{
    struct counts t = { .complete = true };
    unsigned scenario_used = 0, geometry_used = 0;

    for (size_t i = 0; i < powercut_scenario_count; i++)
        for (unsigned k = 0; k < b->count; k++)
            if (b->job[k].scenario == &powercut_scenarios[i] && ++scenario_used)
                break;
    for (size_t i = 0; i < powercut_geometry_count; i++)
        for (unsigned k = 0; k < b->count; k++)
            if (b->job[k].geometry == &powercut_geometries[i] && ++geometry_used)
                break;
    for (unsigned i = 0; i < b->count; i++) {
        const struct counts *c = &b->job[i].counts;

        if (b->job[i].skipped)
            continue;
        t.cuts += cuts_of(&b->job[i]);
        t.doubles += b->job[i].reserve ? 0 : c->doubles;
        t.triples += c->triples;
        t.runs += c->runs;
        t.violations += c->violations;
        well = well && b->job[i].done && c->ops > 0;
    }
    (void)printf("powercut: %llu cuts, %llu double, %u scenarios, %u geometries, %llu violations\n", (unsigned long long)t.cuts,
                 (unsigned long long)t.doubles, scenario_used, geometry_used, (unsigned long long)t.violations);
    (void)printf("powercut: of these %llu triple; %llu runs, the other cuts left a state that was judged already\n",
                 (unsigned long long)t.triples, (unsigned long long)t.runs);
    if (t.cuts < b->least)
        (void)printf("powercut: fewer than the %llu cuts that were asked for\n", (unsigned long long)b->least);
    return well && t.violations == 0 && t.cuts > 0 && t.cuts >= b->least ? 0 : 1;
}

static int explore_all(const struct options *o)
{
    struct board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    MUST(b != MAP_FAILED);
    plan(b, o);
    if (b->count == 0) {
        (void)fprintf(stderr, "powercut: no such scenario or geometry; see --list\n");
        return 2;
    }
    bool well = work_all(b, o, 0, b->planned);
    well = work_all(b, o, b->planned, b->count) && well; /* now it is known what is missing */
    return sum_up(b, well);
}

static int replay_one(const char *id, bool shorten)
{
    static struct stage s;
    const struct scenario *scenario;
    const struct world_geometry *geometry;
    struct event event[CUTS_MAX];
    unsigned count = 0;
    char text[ID_LEN];

    if (!id_parse(id, &scenario, &geometry, event, &count)) {
        (void)fprintf(stderr, "powercut: \"%s\" is not cut:<scenario>:<geometry>:<op>.<shape>[-<op>.<shape>]:<seed>\n", id);
        return 2;
    }
    stage_open(&s, scenario, geometry);
    if (shorten && (count = powercut_shrink(&s, event, count)) > 0) {
        id_print(&s, event, count, text);
        (void)printf("%s\n", text);
    }
    const char *rule = powercut_replay(&s, event, count, !shorten);
    (void)printf("%s: %s%s\n", id, rule ? "violates " : "all rules hold", rule ? rule : "");
    stage_close(&s);
    return rule != NULL;
}

/* Every line of the file that is an id. */
static int replay_all(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[ID_LEN];
    int failed = 0, ids = 0;

    if (!f) {
        perror(path);
        return 2;
    }
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        failed += replay_one(line, true) != 0;
        ids++;
    }
    (void)fclose(f);
    (void)printf("%d passed, %d failed\n", ids - failed, failed);
    return failed > 0 || ids == 0;
}

static int list(void)
{
    for (const struct scenario *s = powercut_scenarios; s < powercut_scenarios + powercut_scenario_count; s++)
        (void)printf("scenario %-13s %s%s\n", s->name, s->what, s->core ? " (core)" : "");
    for (size_t i = 0; i < powercut_geometry_count; i++) {
        const struct sim_geometry *g = &powercut_geometries[i].g;

        (void)printf("geometry %-7s write %4u, erase %4u, slots %5u and %5u, image %5zu, %s\n", g->name, (unsigned)g->write_unit,
                     (unsigned)g->erase_unit, (unsigned)g->slot_size[0], (unsigned)g->slot_size[1], powercut_geometries[i].image_len,
                     g->slot_files ? "all in files" : g->files ? "records in files" : "records");
    }
    for (enum sim_shape i = SIM_CUT_KEEP; i < SIM_SHAPES; i++)
        (void)printf("shape %2d %s\n", (int)i, sim_shape_name(i));
    return 0;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: powercut [--quick | --full | --nightly] [--scenario NAME,...] [--geometry NAME,...] [--cuts N]\n"
                          "                [--processes N] [--stop-after N] [--at-least N] [--verbose]\n"
                          "       powercut --replay ID | --replay-all FILE | --shrink ID | --list\n");
    return 2;
}

static bool take_number(const char *text, unsigned *out)
{
    char *end;
    unsigned long v = text ? strtoul(text, &end, 10) : 0;

    *out = (unsigned)v;
    return text && *end == '\0' && v > 0 && v <= 1000000000;
}

/* -1: go on; else the exit status. */
static int take_option(struct options *o, char **argv, int *i)
{
    const char *name = argv[*i], *value = argv[*i + 1];

    if (strcmp(name, "--list") == 0)
        return list();
    if (strcmp(name, "--quick") == 0 || strcmp(name, "--full") == 0 || strcmp(name, "--nightly") == 0) {
        o->mode = name[2] == 'q' ? QUICK : name[2] == 'f' ? FULL : NIGHTLY;
        return -1;
    }
    if (strcmp(name, "--verbose") == 0) {
        o->verbose = true;
        return -1;
    }
    if (!value)
        return usage();
    ++*i;
    if (strcmp(name, "--replay") == 0)
        return replay_one(value, false);
    if (strcmp(name, "--replay-all") == 0)
        return replay_all(value);
    if (strcmp(name, "--shrink") == 0)
        return replay_one(value, true);
    if (strcmp(name, "--scenario") == 0)
        o->scenario = value;
    else if (strcmp(name, "--geometry") == 0)
        o->geometry = value;
    else if (strcmp(name, "--cuts") == 0)
        return take_number(value, &o->cuts) && o->cuts <= CUTS_MAX ? -1 : usage();
    else if (strcmp(name, "--processes") == 0)
        return take_number(value, &o->processes) && o->processes <= PROCESSES_MAX ? -1 : usage();
    else if (strcmp(name, "--at-least") == 0)
        return take_number(value, &o->least) ? -1 : usage();
    else if (strcmp(name, "--stop-after") == 0)
        return take_number(value, &o->stop_after) ? -1 : usage();
    else
        return usage();
    return -1;
}

int main(int argc, char **argv)
{
    struct options o = { .processes = 2, .mode = QUICK };

    for (int i = 1; i < argc; i++) {
        int status = take_option(&o, argv, &i);

        if (status >= 0)
            return status;
    }
    return explore_all(&o);
}
