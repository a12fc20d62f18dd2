/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "device_boot.h"
#include "device_hawkbit.h"
#include "owner.h"
#include "packages.h"
#include "sandbox.h"

#define ROOT_FILE_MAX (1u << 20)
/* `status` holds the lock for an instant when no agent runs; that must not keep one from starting. */
#define LOCK_TRIES 5
#define LOCK_PAUSE_MS 100

ota_err device_fail(struct schema_fault *fault, const char *key, const char *value, ota_err err, const struct ota_fault *f)
{
    char what[sizeof fault->what];
    int code = f ? (int)f->port_code : 0;

    (void)snprintf(what, sizeof what, "%.60s%s%s%s%.60s", value ? value : "", value ? ": " : "", ota_err_text(err),
                   code > 0 ? ": " : "", code > 0 ? strerror(code) : "");
    (void)schema_fail(fault, key, what);
    return err;
}

/* A factory root: small, but its size is the file's business. */
static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p = f ? malloc(ROOT_FILE_MAX) : NULL;

    *len = p ? fread(p, 1, ROOT_FILE_MAX, f) : 0;
    if (p && (ferror(f) || !feof(f))) {
        errno = ferror(f) ? errno : EFBIG;
        free(p);
        p = NULL;
    }
    if (f) {
        int err = errno;

        (void)fclose(f);
        errno = err;
    }
    return p;
}

static ota_err open_root(struct device *d, const struct agent_repo *r, size_t i, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_DEVICE_ROOT };
    char key[48];
    size_t len = 0;

    d->root[i] = read_file(r->root, &len);
    d->repo[i] = (struct ota_repo){ .name = r->name, .metadata_url = r->metadata_url, .targets_url = r->targets_url,
        .prefixes = r->prefixes, .root = d->root[i], .root_len = len };
    if (d->root[i])
        return OTA_OK;
    why.port_code = errno;
    (void)snprintf(key, sizeof key, "repositories[%zu].root", i);
    return device_fail(fault, key, r->root, OTA_DEVICE_ROOT, &why);
}

static bool same_medium(const struct ota_posix_slot *x, const struct ota_posix_slot *y)
{
    return x->is_block == y->is_block && x->device == y->device && (x->is_block || x->inode == y->inode);
}

/* Two names of one slot: an update would overwrite what runs. */
static bool opened_before(const struct device *d, size_t component, size_t index)
{
    for (size_t i = 0; i < component * 2 + index; i++)
        if (same_medium(&d->slot[i / 2][i % 2], &d->slot[component][index]))
            return true;
    return false;
}

static ota_err open_slot(struct device *d, const struct agent_slot *s, size_t component, size_t index, struct schema_fault *fault)
{
    struct ota_posix_slot *slot = &d->slot[component][index];
    struct ota_fault why = { .err = OTA_OK };
    char key[64];
    ota_err err;

    if (s->file)
        err = ota_posix_slot_file_open(slot, &(struct ota_posix_slot_file_config){ s->file, s->size }, &why);
    else
        err = ota_posix_slot_block_open(slot, &(struct ota_posix_slot_block_config){ s->block }, &why);
    (void)snprintf(key, sizeof key, "components[%zu].slots[%zu].%s", component, index, s->file ? "file" : "block");
    if (err != OTA_OK)
        return device_fail(fault, key, s->file ? s->file : s->block, err, &why);
    if (!opened_before(d, component, index))
        return OTA_OK;
    (void)schema_fail(fault, key, "is the same slot as an earlier one");
    return OTA_USAGE_CONFIG;
}

static ota_err open_component(struct device *d, const struct agent_component *c, size_t i, struct schema_fault *fault)
{
    for (size_t k = 0; k < 2; k++) {
        ota_err err = open_slot(d, &c->slot[k], i, k, fault);

        if (err != OTA_OK)
            return err;
    }
    d->component[i] = (struct ota_component){ .name = c->name, .slot = { &d->slot[i][0].port, &d->slot[i][1].port },
        .factory_version = c->factory_version, .removable = c->removable };
    return OTA_OK;
}

static ota_err open_lists(struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    ota_err err = OTA_OK;

    for (size_t i = 0; i < c->repo_count && err == OTA_OK; i++)
        err = open_root(d, &c->repo[i], i, fault);
    for (size_t i = 0; i < c->component_count && err == OTA_OK; i++)
        err = open_component(d, &c->component[i], i, fault);
    return err;
}

/* The port names the members of its own configuration. */
static const char *net_key(const char *where)
{
    if (strcmp(where, "net.cert_file") == 0)
        return "net.client_cert";
    return strcmp(where, "net.key_file") == 0 ? "net.client_key" : where;
}

static ota_err open_net(struct device *d, const struct agent_config *c, const struct device_options *o, struct schema_fault *fault)
{
    const struct ota_posix_net_config cfg = { .ca_file = c->net.ca_file, .cert_file = c->net.client_cert,
        .key_file = c->net.client_key, .proxy = c->net.proxy, .certificate_later = c->attest.url != NULL };
    struct ota_fault why = { .err = OTA_OK };
    ota_err err;

    if (sandbox_is_on(o->sandbox))
        err = ota_posix_fetcher_open(&d->fetcher, &(struct ota_posix_fetcher_config){ &o->sandbox->helper, &o->sandbox->net, 0 }, &why);
    else
        err = ota_posix_net_open(&d->net, &cfg, &why);
    d->net_port = d->fetcher.port.ops ? &d->fetcher.port : &d->net.port;
    return err == OTA_OK ? OTA_OK : device_fail(fault, net_key(why.where), NULL, err, &why);
}

static ota_err open_health(struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    const struct ota_posix_health_config cfg = { c->health.command, c->health.timeout_s * 1000u };
    struct ota_fault why = { .err = OTA_OK };
    const char *program = c->health.command[0];
    ota_err err = program ? ota_posix_health_exec_open(&d->health, &cfg, &why) : OTA_OK;

    /* Found out now, not in the middle of a trial, where silence would roll every update back. */
    if (err == OTA_OK && program && strchr(program, '/') && access(program, X_OK) != 0)
        err = ota_fault_set(&why, OTA_USAGE_CONFIG, "health.command", errno);
    return err == OTA_OK ? OTA_OK : device_fail(fault, "health.command", c->health.command[0], err, &why);
}

static ota_err open_conditions(struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    const struct agent_policy *p = &c->policy;
    const char *program = p->metered_command[0];
    const struct ota_posix_conditions_config cfg = { .power_dir = p->power_supply, .metered = program ? p->metered_command : NULL,
        .consent_file = p->consent_file, .local_time = !p->utc_offset };
    struct ota_fault why = { .err = OTA_OK };
    ota_err err = ota_posix_conditions_open(&d->conditions, &cfg, &why);

    if (err == OTA_OK && program && strchr(program, '/') && access(program, X_OK) != 0)
        err = ota_fault_set(&why, OTA_USAGE_CONFIG, "policy.metered_command", errno);
    d->policy = p->settings;
    d->policy.windows = p->windows;
    return err == OTA_OK ? OTA_OK : device_fail(fault, "policy.metered_command", program, err, &why);
}

static ota_err open_log(struct device *d, const struct agent_config *c, const struct device_options *o, struct schema_fault *fault)
{
    const struct ota_posix_log_config log = { .fd = 2, .states = o->states };
    const struct ota_posix_syslog_config system = { .facility = c->telemetry.facility, .states = o->states };
    struct ota_fault why = { .err = OTA_OK };
    bool to_system = agent_telemetry_syslog(&c->telemetry);
    ota_err err = to_system ? ota_posix_syslog_open(&d->syslog, &system, &why) : ota_posix_log_open(&d->log, &log, &why);

    d->log_port = to_system ? &d->syslog.port : &d->log.port;
    return err == OTA_OK ? OTA_OK : device_fail(fault, "telemetry", "log", err, &why);
}

static ota_err open_rest(struct device *d, const struct agent_config *c, const struct device_options *o, struct schema_fault *fault)
{
    const struct ota_posix_clock_config clock = { .utc_floor_s = c->times.utc_floor_s };
    struct ota_fault why = { .err = OTA_OK };
    ota_err err = ota_posix_crypto_open(&d->crypto, NULL, &why);

    if (err != OTA_OK)
        return device_fail(fault, "", "crypto", err, &why);
    err = ota_posix_clock_open(&d->clock, &clock, &why);
    if (err != OTA_OK)
        return device_fail(fault, "times.utc_floor_s", NULL, err, &why);
    return open_log(d, c, o, fault);
}

static void describe(struct device *d, const struct agent_config *c, const struct device_options *o)
{
    d->cfg = (struct ota_config){
        .size = sizeof d->cfg, .product = c->product, .group = c->group, .device_id = c->device_id,
        .director = c->director,
        .net = d->net_port, .store = o->store ? o->store : &d->store.port, .clock = &d->clock.port,
        .crypto = &d->crypto.port, .boot = d->boot_port, .health = c->health.command[0] ? &d->health.port : NULL,
        .log = o->quiet ? NULL : d->log_port, .components = d->component, .component_count = c->component_count,
        .repos = d->repo, .repo_count = c->repo_count, .report_url = c->report_url, .tries = c->tries,
        .plain_http = c->plain_http, .tell_facts = c->telemetry.facts, .limits = c->limits, .times = c->times,
        .hawkbit = c->hawkbit.url ? &d->hawkbit : NULL, .provided = c->provides, .provided_count = c->provides_count,
        .conditions = &d->conditions.port, .policy = &d->policy,
    };
}

/* The library names fields of struct ota_config; its lists have other names in the file. */
static void file_key(const char *where, char *out, size_t cap)
{
    bool repos = strncmp(where, "repos", 5) == 0;
    bool slots = strcmp(where, "components.slot") == 0;

    (void)snprintf(out, cap, "%s%s%s", repos ? "repositories" : "", repos ? where + 5 : where, slots ? "s" : "");
}

static ota_err make_agent(struct device *d, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_OK };
    size_t len = ota_workspace_len(&d->cfg);
    uint8_t none;
    char key[64];
    ota_err err;

    /* With an unusable configuration there is no length, but ota_init() says what is wrong. */
    d->workspace = len ? malloc(len) : NULL;
    if (len && !d->workspace)
        return device_fail(fault, "limits", "no memory for them", OTA_USAGE_MEMORY, NULL);
    err = ota_init(&d->agent, &d->cfg, len ? d->workspace : &none, len, &why);
    if (err == OTA_OK)
        return OTA_OK;
    file_key(why.where, key, sizeof key);
    return device_fail(fault, key, NULL, err, &why);
}

ota_err device_lock(struct ota_posix_store *store, const struct agent_config *c, struct schema_fault *fault)
{
    const struct ota_posix_store_config cfg = { c->state_dir };
    const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };
    struct ota_fault why = { .err = OTA_OK };
    ota_err err = ota_posix_store_open(store, &cfg, &why);

    for (int i = 0; i < LOCK_TRIES && err == OTA_DEVICE_LOCKED; i++) {
        (void)nanosleep(&pause, NULL);
        err = ota_posix_store_open(store, &cfg, &why);
    }
    return err == OTA_OK ? OTA_OK : device_fail(fault, "state_dir", c->state_dir, err, err == OTA_DEVICE_LOCKED ? NULL : &why);
}

/* The state directory comes first: whoever holds it is the device's agent, and nobody else touches a slot. */
ota_err device_open(struct device *d, const struct agent_config *c, const struct device_options *o, struct schema_fault *fault)
{
    ota_err err;

    memset(d, 0, sizeof *d);
    d->store.dir_fd = d->store.lock_fd = -1;
    d->net.file_fd = d->fetcher.fd = -1;
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        for (size_t k = 0; k < 2; k++)
            d->slot[i][k].read_fd = d->slot[i][k].write_fd = -1;
    err = o->store ? OTA_OK : device_lock(&d->store, c, fault);
    if (err == OTA_OK && !o->store)
        err = agent_owner_check(&d->store, c, fault);
    if (err == OTA_OK)
        err = open_rest(d, c, o, fault);
    if (err == OTA_OK)
        err = open_lists(d, c, fault);
    if (err == OTA_OK)
        err = open_net(d, c, o, fault);
    if (err == OTA_OK)
        err = device_boot_open(d, c, fault);
    if (err == OTA_OK)
        err = open_health(d, c, fault);
    if (err == OTA_OK)
        err = open_conditions(d, c, fault);
    if (err != OTA_OK)
        return err;
    err = device_hawkbit_open(d, c, fault);
    if (err == OTA_OK && !o->store)
        err = device_attest_open(d, c, o->sandbox, fault);
    if (err != OTA_OK)
        return err;
    describe(d, c, o);
    err = make_agent(d, fault);
    return err == OTA_OK ? packages_demand(d, c, fault) : err;
}

void device_close(struct device *d)
{
    ota_close(d->agent);
    free(d->workspace);
    ota_posix_health_close(&d->health);
    ota_posix_syslog_close(&d->syslog);
    ota_posix_conditions_close(&d->conditions);
    device_boot_close(d);
    device_attest_close(d);
    if (d->fetcher.port.ops)
        ota_posix_fetcher_close(&d->fetcher);
    ota_posix_net_close(&d->net);
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        for (size_t k = 0; k < 2; k++)
            ota_posix_slot_close(&d->slot[i][k]);
    for (size_t i = 0; i < OTA_REPOS_MAX; i++)
        free(d->root[i]);
    ota_posix_crypto_close(&d->crypto);
    ota_posix_store_close(&d->store);
}
