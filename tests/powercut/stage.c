/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario on a geometry: what was published, how the device begins, how it is run to the end. */
#include <string.h>

#include "powercut.h"
#include "sim_must.h"

#define CHECK_INS_MAX 9
#define TOMORROW_MS (25u * 3600u * 1000u)
#define POLL_MS (3600u * 1000u)

const struct stage *stage_of(const struct sim *dev)
{
    return dev->context;
}

const struct sim_image *stage_image(const struct stage *s, const char *component, const char *version)
{
    if (version[0] == '\0')
        return NULL;
    for (size_t i = 0; i < s->cloud.image_count; i++)
        if (strcmp(s->cloud.image[i].component, component) == 0 && strcmp(s->cloud.image[i].version, version) == 0)
            return &s->cloud.image[i];
    FAIL_SIM("an image of this version");
    return NULL;
}

static size_t len_of(const struct stage *s, size_t component)
{
    return component == 0 ? s->image_len : s->image_len - s->image_len / 4;
}

static const struct sim_image *make(struct stage *s, size_t component, const char *version, enum sim_nature nature, uint32_t security)
{
    const struct sim_image_spec spec = { .component = component ? "app" : "os", .version = version, .nature = nature,
        .len = len_of(s, component), .deflate = s->scenario->deflate, .block = s->geometry.block, .security = security,
        .from = s->scenario->delta && security == 2 ? s->factory[component] : NULL, .damage = s->scenario->damage,
        .index = s->scenario->index && security == 2 ? 256 : 0, .estimate = 600, .like = s->scenario->index && security == 2 ? s->factory[component] : NULL,
        .moved = 50 };

    return sim_cloud_image(&s->cloud, &spec);
}

void stage_open(struct stage *s, const struct scenario *scenario, const struct world_geometry *geometry)
{
    memset(s, 0, sizeof *s);
    s->scenario = scenario;
    s->geometry = geometry->g;
    s->image_len = geometry->image_len;
    sim_cloud_open(&s->cloud);
    s->cloud.one_repo = !scenario->two_repos;
    for (size_t i = 0; i < SIM_COMPONENTS; i++)
        s->factory[i] = make(s, i, "1.0.0", SIM_HEALTHY, 1);
    for (size_t i = 0; i < scenario->components; i++)
        s->two[i] = make(s, i, "2.0.0", i ? scenario->app : scenario->os, 2);
    sim_cloud_deploy(&s->cloud, &(struct sim_deploy){ .image = { s->two[0], scenario->remove ? NULL : s->two[1] } });
    s->site[0] = s->site[1] = s->site[2] = s->cloud.web;
    if (scenario->publish)
        scenario->publish(s);
    judge_learn(s);
}

void stage_close(struct stage *s)
{
    sim_cloud_close(&s->cloud);
}

void stage_device(const struct stage *s, struct sim *dev)
{
    sim_open_as(dev, &s->cloud, s->factory, s->scenario->components, &s->geometry);
    dev->site = &s->site[0];
    dev->context = (void *)(uintptr_t)s;
    dev->restart_drops = true;
    dev->cfg.tries = TRIES;
    dev->spare_app = s->scenario->remove;
    dev->on_start = judge_start;
    if (s->scenario->prepare)
        s->scenario->prepare(dev);
    dev->on_step = s->scenario->world;
    dev->ops = dev->starts = 0;
}

/* A report that may still come. */
static bool owes(const struct stage *s, const struct sim *dev)
{
    for (const struct expect *e = s->scenario->expect; e->outcome; e++)
        if (e->must && !judge_was_told(dev, e))
            return true;
    return sim_status(dev).reports_kept > 0;
}

static bool arrived(const struct stage *s, const struct sim *dev)
{
    static const char *const names[] = { "os", "app" };
    const char *const end[] = { s->scenario->os_end, s->scenario->app_end };

    for (size_t i = 0; i < dev->components; i++)
        if (sim_confirmed(dev, i) != stage_image(s, names[i], end[i] ? end[i] : "2.0.0"))
            return false;
    return dev->phase >= s->scenario->phases && !owes(s, dev);
}

enum sim_end stage_run(const struct stage *s, struct sim *dev)
{
    enum sim_end end = SIM_STUCK;

    for (int n = 0; n < CHECK_INS_MAX; n++) {
        end = sim_run(dev);
        if (end == SIM_POWER_LOST || end == SIM_STUCK || dev->broken)
            return end;
        if (arrived(s, dev) && s->scenario->tomorrow) {
            dev->clock.ms += TOMORROW_MS;
            return sim_run(dev);
        }
        if (arrived(s, dev))
            return end;
        dev->clock.ms += POLL_MS;
    }
    return end;
}
