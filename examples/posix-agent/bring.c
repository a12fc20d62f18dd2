/* SPDX-License-Identifier: Apache-2.0 */
/* `sideload` and `capability`: what somebody with the device in his hands may do. */
#define _XOPEN_SOURCE 700 /* fstat, realpath */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bring.h"
#include "commands.h"
#include "device_boot.h"
#include "sandbox.h"

#define REPORT_MS 60000u

struct bring {
    struct agent_config cfg;          /* with other places of repositories, where a folder was brought */
    struct device device;
    struct sandbox sandbox;
    struct brought b;
    bool started, opened;
    char url[OTA_REPOS_MAX][2][OTA_URL_MAX];
};

static int complain(const struct schema_fault *fault, ota_err err)
{
    (void)fprintf(stderr, "ota-agent: %s%s%s\n", fault->where, fault->where[0] ? ": " : "", fault->what);
    return agent_exit_of(err);
}

/* The library's word, with the place. */
static int refuse(ota_err err, const struct ota_fault *why)
{
    (void)fprintf(stderr, "ota-agent: %s: %s (%s)%s%s\n", why->where, ota_err_text(err), ota_err_name(err), why->port_code > 0 ? ": " : "",
                  why->port_code > 0 ? strerror(why->port_code) : "");
    return err == OTA_USAGE_STATE ? AGENT_REFUSED : agent_exit_of(err);
}

static ota_err cannot_read(struct schema_fault *fault, const char *path, int number)
{
    (void)schema_fail(fault, path, strerror(number));
    return OTA_USAGE_ARGUMENT;
}

/* ---- what was brought ---- */

/* A folder is a copy of the servers' web roots: the paths are those of the configured URLs. */
static bool elsewhere(const char *url, const char *folder, char out[OTA_URL_MAX])
{
    const char *path = strstr(url, "://");

    path = path ? strchr(path + 3, '/') : NULL;
    return path && snprintf(out, OTA_URL_MAX, "file://%s%s", folder, path) < (int)OTA_URL_MAX;
}

static ota_err take_folder(struct bring *g, const char *folder, struct schema_fault *fault)
{
    static char whole[4096];

    if (!realpath(folder, whole))
        return cannot_read(fault, folder, errno);
    for (size_t i = 0; i < g->cfg.repo_count; i++) {
        struct agent_repo *r = &g->cfg.repo[i];

        if (!elsewhere(r->metadata_url, whole, g->url[i][0]) || !elsewhere(r->targets_url, whole, g->url[i][1])) {
            (void)schema_fail(fault, folder, "its name is too long");
            return OTA_USAGE_ARGUMENT;
        }
        r->metadata_url = g->url[i][0];
        r->targets_url = g->url[i][1];
    }
    g->cfg.report_url = NULL; /* what it comes to is told by the next check-in */
    g->cfg.hawkbit.url = NULL;
    return OTA_OK;
}

static ota_err take_what(struct bring *g, const char *what, struct schema_fault *fault)
{
    struct stat st;
    int fd = open(what, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0) {
        int number = errno;

        if (fd >= 0)
            (void)close(fd);
        return cannot_read(fault, what, number);
    }
    if (S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return take_folder(g, what, fault);
    }
    g->b.fd = fd;
    g->b.len = (uint64_t)st.st_size;
    if (S_ISREG(st.st_mode) && st.st_size > 0)
        return OTA_OK;
    (void)schema_fail(fault, what, "is neither a file with a package nor a folder with repositories");
    return OTA_USAGE_ARGUMENT;
}

static ota_err take_capability(struct bring *g, const char *path, struct schema_fault *fault)
{
    FILE *f = path ? fopen(path, "rb") : NULL;

    if (!path)
        return OTA_OK;
    if (!f)
        return cannot_read(fault, path, errno);
    g->b.file_len = fread(g->b.file, 1, sizeof g->b.file, f); /* one byte more than any that is good */
    bool bad = ferror(f) || g->b.file_len == 0;
    (void)fclose(f);
    if (!bad)
        return OTA_OK;
    (void)schema_fail(fault, path, "cannot be read, or is empty");
    return OTA_USAGE_ARGUMENT;
}

/* ---- the device around it ---- */

static ota_err prepare(struct bring *g, const struct agent_config *c, const struct agent_options *o, const char *what, const char *path,
                       struct schema_fault *fault)
{
    const struct device_options how = { .states = o->verbose, .sandbox = &g->sandbox };

    g->cfg = *c;
    g->b.fd = -1;
    ota_err err = what ? take_what(g, what, fault) : OTA_OK;
    if (err == OTA_OK)
        err = take_capability(g, path, fault);
    if (err != OTA_OK)
        return err;
    g->started = true;
    err = sandbox_start(&g->sandbox, &g->cfg, fault);
    if (err != OTA_OK)
        return err;
    g->opened = true;
    err = device_open(&g->device, &g->cfg, &how, fault);
    if (err == OTA_OK)
        err = sideload_owners(&g->cfg, &g->b, fault);
    if (err == OTA_OK)
        g->b.has_session = sideload_session(&g->device.crypto.port, g->b.session);
    if (err == OTA_OK && what)
        err = device_settle(&g->device, fault);
    if (err == OTA_OK)
        err = sandbox_enter(&g->sandbox, &g->cfg, fault);
    return err;
}

static void finish(struct bring *g)
{
    if (g->b.fd >= 0)
        (void)close(g->b.fd);
    if (g->opened)
        device_close(&g->device);
    if (g->started)
        sandbox_close(&g->sandbox);
}

/* The first step reads the journal and the boot control; then a report may be due, which is given some time. */
static ota_err at_rest(struct bring *g, struct ota_fault *why)
{
    struct ota_net *net = g->device.net_port;
    struct ota_wait wait = { 0 };
    struct ota_status s;
    ota_err err;

    for (uint32_t waited_ms = 0;; waited_ms += wait.ms) {
        err = ota_step(g->device.agent, &wait);
        ota_status(g->device.agent, &s);
        if (err != OTA_OK || s.state != OTA_ST_REPORT || waited_ms > REPORT_MS)
            break;
        if (wait.ms)
            net->ops->wait(net, wait.ms);
    }
    if (err != OTA_OK || s.state == OTA_ST_IDLE)
        return err;
    *why = s.last_fault;
    return s.state == OTA_ST_FAULT ? s.last_fault.err : ota_fault_set(why, OTA_USAGE_STATE, ota_state_name(s.state), 0);
}

static int say_outcome(struct bring *g, ota_err err)
{
    struct ota_status s;

    ota_status(g->device.agent, &s);
    (void)fprintf(stderr, "ota-agent: %s%s%s\n", ota_err_text(err), s.last_fault.where[0] ? ": " : "", s.last_fault.where);
    return agent_exit_of(err);
}

static int bring(struct bring *g)
{
    struct ota_capability cap;
    struct ota_fault why = { .err = OTA_OK };
    ota_err err = at_rest(g, &why);

    if (err == OTA_OK)
        err = sideload_judge(&g->device, &g->cfg, &g->b, &cap, &why);
    if (err == OTA_OK)
        err = g->b.fd >= 0 ? sideload_package(&g->device, &g->cfg, &g->b, &cap, &why)
                           : ota_capability_use(g->device.cfg.store, &cap, &why);
    return err == OTA_OK ? say_outcome(g, ota_run(g->device.agent)) : refuse(err, &why);
}

int agent_sideload(const struct agent_config *c, const struct agent_options *o, const char *what, const char *capability)
{
    static struct bring g;
    struct schema_fault fault = { "", "" };
    ota_err err = prepare(&g, c, o, what, capability, &fault);
    int status = err == OTA_OK ? bring(&g) : complain(&fault, err);

    finish(&g);
    return status;
}

/* ---- capability ---- */

static void print_hex(const char *name, const uint8_t *p)
{
    (void)printf("%s", name);
    for (size_t i = 0; i < OTA_SHA256_LEN; i++)
        (void)printf("%02x", p[i]);
    (void)printf("\n");
}

static int show(struct bring *g)
{
    struct ota_capability cap;
    struct ota_fault why = { .err = OTA_OK };
    uint64_t used = 0;
    ota_err err = ota_capability_used_load(g->device.cfg.store, &used, &why);

    if (err != OTA_OK)
        return refuse(err, &why);
    (void)printf("device:    %s\nused:      %llu\n", g->cfg.device_id, (unsigned long long)used);
    if (g->b.has_session)
        print_hex("session:   ", g->b.session);
    err = sideload_judge(&g->device, &g->cfg, &g->b, &cap, &why);
    if (err == OTA_OK)
        (void)printf("installed: %s, %s\n", ota_capability_kind_name(cap.kind), ota_capability_use_name(cap.use));
    else
        (void)printf("installed: none that counts: %s: %s\n", why.where, ota_err_text(err));
    return AGENT_OK;
}

static int install(struct bring *g)
{
    struct ota_store *s = g->device.cfg.store;
    struct ota_capability cap;
    struct ota_fault why = { .err = OTA_OK };
    int32_t code = 0;
    ota_err err = sideload_judge(&g->device, &g->cfg, &g->b, &cap, &why);

    if (err == OTA_OK && cap.use != OTA_CAPABILITY_PERSISTENT) /* give it to sideload when it is used */
        err = ota_fault_set(&why, OTA_REJECT_VALUE, "capability.signed.use", 0);
    if (err == OTA_OK) {
        err = s->ops->write(s, "capability", g->b.file, g->b.file_len, &code);
        if (err != OTA_OK)
            (void)ota_fault_set(&why, err, "capability", code);
    }
    if (err != OTA_OK)
        return refuse(err, &why);
    (void)printf("installed: %s\n", ota_capability_kind_name(cap.kind));
    return AGENT_OK;
}

static int remove_it(struct bring *g)
{
    struct ota_store *s = g->device.cfg.store;
    struct ota_fault why = { .err = OTA_OK };
    int32_t code = 0;
    ota_err err = s->ops->remove(s, "capability", &code);

    if (err != OTA_OK)
        return refuse(ota_fault_set(&why, err, "capability", code), &why);
    (void)printf("removed\n");
    return AGENT_OK;
}

int agent_capability(const struct agent_config *c, const struct agent_options *o, const char *verb, const char *file)
{
    static struct bring g;
    struct schema_fault fault = { "", "" };
    ota_err err = prepare(&g, c, o, NULL, file, &fault);
    int status;

    if (err != OTA_OK)
        status = complain(&fault, err);
    else if (strcmp(verb, "install") == 0)
        status = install(&g);
    else
        status = strcmp(verb, "remove") == 0 ? remove_it(&g) : show(&g);
    finish(&g);
    return status;
}
