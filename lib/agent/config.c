/* SPDX-License-Identifier: Apache-2.0 */
/* Check a configuration, fill in the defaults, measure the workspace. */
#include <string.h>

#include "agent.h"
#include OTAI_FLEET_HEADER
#include "assign.h"
#include OTAI_POLICY_HEADER

#include OTAI_RELATIONS_HEADER

#define DELTA_MEMORY_MAX (1u << 30)

static bool name_ok(const char *s, size_t max)
{
    size_t n = 0;

    for (; s && s[n]; n++) {
        char c = s[n];

        if (n >= max || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return n > 0;
}

static bool device_id_ok(const char *s)
{
    size_t n = 0;

    for (; s && s[n]; n++) {
        char c = s[n];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (n >= 127 || !(letter || c == '-' || c == '_' || (c == '.' && n > 0)))
            return false;
    }
    return n > 0;
}

/* v is not 0: defaults are filled in. */
static bool power_of_two(uint32_t v)
{
    return (v & (v - 1u)) == 0;
}

static bool url_ok(const char *url, bool plain_http)
{
    size_t len = url ? strlen(url) : 0;

    return len > 0 && len < OTA_URL_MAX - OTA_PATH_MAX && url[len - 1] == '/' && otai_url_allowed(url, plain_http);
}

#define DEFAULT(field, value) { (uint16_t)offsetof(struct ota_config, field), value }

/* Fields of 32 bits that have a default. */
static const struct {
    uint16_t offset;
    uint32_t value;
} defaults[] = {
    DEFAULT(limits.tuf.timestamp_max, 2048), /* for the check-in; TUF knows its own defaults */
    DEFAULT(limits.pointer_max, 4096),
    DEFAULT(limits.block, 65536),
    DEFAULT(limits.io, 4096),
    DEFAULT(limits.delta_memory, 32768),
    DEFAULT(limits.low_speed_bps, 64),
    DEFAULT(limits.low_speed_s, 60),
    DEFAULT(limits.connect_ms, 30000),
    DEFAULT(limits.head_ms, 60000),
    DEFAULT(times.poll_s, 3600),
    DEFAULT(times.full_s, 86400),
    DEFAULT(times.retry_base_s, 10),
    DEFAULT(times.retry_cap_s, 3600),
    DEFAULT(times.health_deadline_s, 300),
    DEFAULT(times.defer_cap_s, OTAI_POLICY_DEFER_CAP_S),
};

static void fill(struct ota_config *c)
{
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        uint32_t *field = (uint32_t *)(void *)((uint8_t *)c + defaults[i].offset);

        if (*field == 0)
            *field = defaults[i].value;
    }
    if (c->tries == 0)
        c->tries = 3;
    if (c->limits.window_bits == 0)
        c->limits.window_bits = 15;
    if (c->limits.redirects == 0)
        c->limits.redirects = 3;
    if (c->limits.bytes_max == 0)
        c->limits.bytes_max = UINT64_MAX;
    otai_fleet_fill(c);
}

static const char *bad_ports(const struct ota_config *c)
{
    if (!c->net || !c->net->ops)
        return "net";
    if (!c->store || !c->store->ops)
        return "store";
    if (!c->clock || !c->clock->ops)
        return "clock";
    if (!c->crypto || !c->crypto->ops)
        return "crypto";
    if (!c->boot || !c->boot->ops)
        return "boot";
    return NULL;
}

static const char *bad_limits(const struct ota_config *c)
{
    if (c->tries > 15)
        return "tries";
    if (!power_of_two(c->limits.block))
        return "limits.block";
    if (!power_of_two(c->limits.io) || c->limits.io < 512 || c->limits.io > c->limits.block)
        return "limits.io";
    if (c->limits.window_bits > 15 || (c->limits.window_bits != 1 && c->limits.window_bits < 9))
        return "limits.window_bits";
    if (c->limits.delta_memory != 1 && (c->limits.delta_memory < OTA_DELTA_MEMORY_MIN || c->limits.delta_memory > DELTA_MEMORY_MAX))
        return "limits.delta_memory";
    if (!otai_unpack_limits_ok(&c->limits))
        return "limits.zstd_window_bits";
    if (c->times.health_grace_s > c->times.health_deadline_s)
        return "times.health_grace_s";
    if (c->times.retry_base_s > c->times.retry_cap_s)
        return "times.retry_base_s";
    return otai_fleet_bad(c);
}

static bool shares_slot(const struct ota_component *x, const struct ota_component *y)
{
    return x->slot[0] == y->slot[0] || x->slot[0] == y->slot[1] || x->slot[1] == y->slot[0] || x->slot[1] == y->slot[1];
}

static const char *bad_components(const struct ota_config *c)
{
    if (!c->components || c->component_count == 0 || c->component_count > OTA_COMPONENTS_MAX)
        return "components";
    for (size_t i = 0; i < c->component_count; i++) {
        const struct ota_component *k = &c->components[i];

        if (!name_ok(k->name, OTA_NAME_MAX - 1))
            return "components.name";
        if (!k->slot[0] || !k->slot[1] || k->slot[0] == k->slot[1])
            return "components.slot";
        if (k->factory_version && strlen(k->factory_version) >= OTA_VERSION_MAX)
            return "components.factory_version";
        for (size_t e = 0; e < i; e++) {
            if (strcmp(c->components[e].name, k->name) == 0)
                return "components.name";
            if (shares_slot(&c->components[e], k))
                return "components.slot";
        }
    }
    return otai_relations_bad_config(c);
}

static const char *bad_repo(const struct ota_config *c, const struct ota_repo *r)
{
    if (!name_ok(r->name, 15))
        return "repos.name";
    if (!url_ok(r->metadata_url, c->plain_http))
        return "repos.metadata_url";
    if (!url_ok(r->targets_url, c->plain_http))
        return "repos.targets_url";
    return !r->prefixes || !r->prefixes[0] ? "repos.prefixes" : NULL;
}

static const char *bad_repos(const struct ota_config *c)
{
    if (!c->repos || c->repo_count == 0 || c->repo_count > OTA_REPOS_MAX)
        return "repos";
    for (size_t i = 0; i < c->repo_count; i++) {
        const char *bad = bad_repo(c, &c->repos[i]);

        if (bad)
            return bad;
        for (size_t e = 0; e < i; e++)
            if (strcmp(c->repos[e].name, c->repos[i].name) == 0)
                return "repos.name";
    }
    char pointer[OTA_PATH_MAX];
    bool ours = otai_pointer_path(c->group, pointer, sizeof pointer) == OTA_OK &&
                otai_repo_for(c->repos, c->repo_count, pointer) == 0;
    return ours ? otai_assign_bad(c) : "repos.prefixes";
}

static const char *bad_identity(const struct ota_config *c)
{
    if (!name_ok(c->product, OTA_NAME_MAX - 1))
        return "product";
    if (!name_ok(c->group, OTA_NAME_MAX - 1))
        return "group";
    if (!device_id_ok(c->device_id))
        return "device_id";
    if (c->report_url && !url_ok(c->report_url, c->plain_http) && !otai_report_url_ok(c))
        return "report_url";
    return otai_hb_bad(c);
}

ota_err otai_config_check(const struct ota_config *in, struct ota_config *out, struct ota_fault *fault)
{
    const char *(*const checks[])(const struct ota_config *) = { bad_identity, bad_ports, bad_components, bad_repos,
                                                                 bad_limits };

    if (in->size != sizeof *in)
        return ota_fault_set(fault, OTA_USAGE_ABI, "config.size", 0);
    *out = *in;
    fill(out);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        const char *bad = checks[i](out);

        if (bad)
            return ota_fault_set(fault, OTA_USAGE_CONFIG, bad, 0);
    }
    const char *unfit = otai_policy_bad(out);
    if (unfit)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, unfit, 0);
    for (size_t i = 0; i < out->repo_count; i++)
        if (!out->repos[i].root || !out->repos[i].root_len)
            return ota_fault_set(fault, OTA_DEVICE_ROOT, "repos.root", 0);
    return OTA_OK;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t trust_len(const struct ota_config *c)
{
    struct ota_tuf_config t = { .size = sizeof t, .crypto = c->crypto, .limits = c->limits.tuf };

    return OTAI_ALIGN_UP(sizeof(struct otai_trust)) +
           larger(OTAI_ALIGN_UP(ota_tuf_len(&t)) + OTAI_ALIGN_UP(c->limits.pointer_max), otai_relations_book_len()) + otai_relations_len();
}

static size_t download_len(const struct ota_config *c)
{
    size_t unpack = OTAI_ALIGN_UP(otai_unpack_most(&c->limits));
    size_t patch = larger(otai_patch_len(&c->limits), otai_ranges_len(&c->limits));

    /* in, decoded, and the writer's buffer */
    return OTAI_ALIGN_UP(sizeof(struct otai_download)) + larger(unpack, patch) + 3u * OTAI_ALIGN_UP(c->limits.io);
}

/* The states' memories lie over each other: only one is alive at a time. */
size_t otai_region_len(const struct ota_config *c)
{
    size_t len = larger(trust_len(c), download_len(c));

    len = larger(len, OTAI_ALIGN_UP(sizeof(struct otai_seal)) + otai_package_len() + OTAI_ALIGN_UP(c->limits.io));
    len = larger(len, otai_hb_len(c));
    return larger(len, OTAI_ALIGN_UP(sizeof(struct otai_sending)));
}

size_t ota_workspace_len(const struct ota_config *cfg)
{
    struct ota_config full;

    if (!cfg || otai_config_check(cfg, &full, NULL) != OTA_OK)
        return 0;
    return OTAI_ALIGN_UP(sizeof(struct ota)) + OTAI_ALIGN_UP(OTAI_JOURNAL_MAX) + otai_region_len(&full);
}
