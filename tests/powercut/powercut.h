/* SPDX-License-Identifier: Apache-2.0 */
/* The explorer: what its files share, and what a porter's test program calls to let the power go in whole updates on their
 * own ports. README.md explains what is cut and judged, share/doc/ota/kit.md how ports come below it. */
#ifndef POWERCUT_H
#define POWERCUT_H

#include "sim.h"

#define CUTS_MAX 3
#define SITES_MAX 3
#define EXPECT_MAX 6
#define SEEDS 8          /* of the shape with dice */
#define TRIES 5          /* that a trial gets: more than cuts in a row, which take one each from a good image, too */

/* ---- a scenario on a geometry: the stage ---- */

struct stage;

/* A report that may arrive. */
struct expect {
    const char *outcome, *version;   /* version NULL: any */
    bool must;
};

struct scenario {
    const char *name, *what;
    size_t components;
    bool core;                     /* its double cuts belong to every full run */
    bool deflate;
    bool delta;                    /* 2.0.0 from what the factory installed */
    enum sim_damage damage;        /* and it fails */
    bool index;                    /* 2.0.0 with an index, like what the factory installed */
    bool two_repos;                /* the OS vendor's repository, too; else the product's holds all */
    enum sim_nature os, app;       /* of version 2.0.0 [healthy] */
    bool remove;                   /* 2.0.0 is a deployment without the application, which is removable */
    bool bad;                      /* an image does not stay: more restarts */
    bool refusals;                 /* the scenario itself makes refusals, */
    bool tomorrow;                 /* the day after, the whole metadata is looked at once more */
    bool backs_off;                /* and ends with one */
    uint32_t more_starts;          /* than three, when more than two deployments come */
    uint32_t phases;               /* of world(), until it has done its part */
    void (*publish)(struct stage *s);   /* site[1], site[2]; site[0] offers 2.0.0 */
    void (*prepare)(struct sim *dev);   /* the device, before its first start */
    void (*world)(struct sim *dev);     /* before every step: the world changes with dev->phase */
    const char *os_end, *app_end;  /* versions that run in the end ["2.0.0"]; "": removed */
    struct expect expect[EXPECT_MAX];
};

/* Metadata that was published, by its bytes. */
struct known_file {
    uint64_t hash;
    uint32_t version;
    uint8_t role;                  /* index in roles[] */
};

struct stage {
    const struct scenario *scenario;
    struct sim_geometry geometry;
    size_t image_len;
    struct sim_cloud cloud;
    const struct sim_image *factory[SIM_COMPONENTS], *two[SIM_COMPONENTS];
    struct sim_web site[SITES_MAX];
    size_t known;
    struct known_file file[128];
    uint32_t names_at_end;         /* files of an uncut run */
};

extern const struct scenario powercut_scenarios[];
extern const size_t powercut_scenario_count;

struct world_geometry {
    struct sim_geometry g;
    size_t image_len;
};
extern const struct world_geometry powercut_geometries[];
extern const size_t powercut_geometry_count;

/* The device on which ports are tested, "rig" in ids, once powercut_rig() was called. */
extern struct world_geometry powercut_rigged;

void stage_open(struct stage *s, const struct scenario *scenario, const struct world_geometry *geometry);
void stage_close(struct stage *s);
/* A device at the scenario's beginning. */
void stage_device(const struct stage *s, struct sim *dev);
/* Run to the scenario's end, or to the cut that was asked for. */
enum sim_end stage_run(const struct stage *s, struct sim *dev);
const struct sim_image *stage_image(const struct stage *s, const char *component, const char *version);
/* The stage of a device: scenarios' hooks need it. */
const struct stage *stage_of(const struct sim *dev);

/* ---- the judge ---- */

/* Watches every start of the device. */
void judge_start(struct sim *dev);
/* NULL, or the rule that does not hold. cuts: so many cuts and faults happened; damaged: one of them was more than a loss
 * of power; starts: of the device since the last of them. */
/* Was such a report told? */
bool judge_was_told(const struct sim *dev, const struct expect *e);
/* What was published, from the stage's sites. */
void judge_learn(struct stage *s);
const char *judge_end(const struct stage *s, struct sim *dev, enum sim_end end, unsigned cuts, bool damaged, uint32_t starts);

/* ---- the explorer ---- */

struct event {
    uint32_t op;
    uint8_t shape, seed;
};

struct limits {
    unsigned cuts;                 /* cuts in a row, 1..CUTS_MAX */
    bool faults;                   /* also what goes wrong without a loss of power */
    unsigned stride;               /* second and third events only at every stride-th op */
    uint64_t triples_max;          /* enough is explored after so many cuts three in a row; 0 = never */
    uint64_t runs_max;             /* give up exploring (and say so) after so many runs; 0 = never */
    unsigned stop_after;           /* violations */
};

struct counts {
    uint64_t cuts, doubles, triples, runs, violations, steps;
    uint32_t ops;                  /* of the uncut run */
    bool complete;
};

/* Explore one stage. Violations are printed with their replay ids. */
void powercut_explore(const struct stage *s, const struct limits *limits, struct counts *out);
/* Run one id's events; with a log when `tell`. NULL, or the rule. */
const char *powercut_replay(const struct stage *s, const struct event *event, unsigned count, bool tell);
/* Fewest and earliest events that still break a rule. */
unsigned powercut_shrink(const struct stage *s, struct event *event, unsigned count);

/* ---- for porters ---- */

/* Make a device around these ports: powercut_scenario() explores it, ids name its geometry "rig". */
void powercut_rig(const struct sim_rig *rig);
/* Explore one scenario on it, up to `cuts` losses of power in a row. Violations are printed with their replay ids.
 * false: there is no such scenario, or it needs two components. */
bool powercut_scenario(const char *name, unsigned cuts, struct counts *out);
/* Repeat one id, with a log of events and operations on stderr. The rule that it breaks, or NULL, or "not an id". */
const char *powercut_again(const char *id);

#define ID_LEN 160
void id_print(const struct stage *s, const struct event *event, unsigned count, char out[ID_LEN]);
/* false: not an id, or of no scenario or geometry that there is. */
bool id_parse(const char *text, const struct scenario **scenario, const struct world_geometry **geometry,
              struct event event[CUTS_MAX], unsigned *count);

#endif
