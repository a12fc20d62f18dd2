/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <applibs/eventloop.h>
#include <applibs/log.h>
#include <applibs/storage.h>

#define WORK_MS 1000u /* between two looks at the machine */
#define WORK_FAST_MS 200u
#define FAST_LOOKS 8u       /* at the running slot, in each of those */
#define RESTART_MS 400u     /* before that the other processor is not up again */
#define SILENT_MS 15000u    /* when it did not answer it is not asked for so long: asking blocks for seconds */
#define BUSY_S 60u          /* time that is asked for while it works ... */
#define ASK_AGAIN_MS 30000u /* ... and for how long it is not asked for again */
#define STORE_LEN 65536u    /* MutableStorage.SizeKB */
#define BLOCK 16384u        /* bytes between two checkpoints */
#define IO 1024u            /* one port call on the line carries so much: some 0.1 s at 115,200 baud */

static volatile sig_atomic_t leaving;

/* Interrupts the loop. */
static void on_term(int sig)
{
    (void)sig;
    leaving = 1;
}

bool app_arguments(struct app_config *cfg, int argc, char **argv)
{
    if (argc != 2 && (argc < 4 || argc > 6))
        return false;
    cfg->url = argv[1];
    cfg->group = argc >= 4 ? argv[2] : "production";
    cfg->device_id = argc >= 4 ? argv[3] : "scale";
    cfg->poll_s = argc >= 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : 3600;
    cfg->report_url = argc == 6 ? argv[5] : NULL;
    return cfg->poll_s >= 1 && cfg->poll_s <= 86400;
}

/* ---- what the image package holds ---- */

static bool read_root(struct app *a, struct ota_fault *why)
{
    int fd = Storage_OpenFileInImagePackage("root.json");
    ssize_t len = fd < 0 ? -1 : read(fd, a->root, sizeof a->root);
    int number = errno;

    if (fd >= 0)
        (void)close(fd);
    if (len <= 0)
        return ota_fault_set(why, OTA_DEVICE_ROOT, "root.json", len < 0 ? number : ENODATA), false;
    a->repo.root_len = (size_t)len;
    return true;
}

/* What the boards in the field give to firmware: their own interface, in its second version. */
static const struct ota_abi provided[] = { { .version = 2, .type = 4096 } };

static bool read_key(struct app *a, struct ota_fault *why)
{
    char *path = Storage_GetAbsolutePathInImagePackage("package-key.pem");
    bool good = path && ota_posix_package_key_load(&a->key, path, why) == OTA_OK &&
                ota_posix_package_id_parse(a->cfg.uid, a->uid);

    free(path);
    if (!good)
        return ota_fault_set(why, OTA_USAGE_CONFIG, "package-key.pem", 0), false;
    a->want = (struct ota_package_want){ .kind = a->key.kind,
                                         .key = a->key.bytes,
                                         .key_len = a->key.len,
                                         .component = a->uid,
                                         .security_min = a->cfg.security_min,
                                         .provided = provided,
                                         .provided_count = sizeof provided / sizeof *provided };
    a->wants[0] = &a->want;
    return true;
}

/* ---- the agent ---- */

static bool open_ports(struct app *a, struct ota_fault *why)
{
    const struct ota_sphere_net_config net = { .ca_file = NULL, .device_auth = strncmp(a->cfg.url, "https:", 6) == 0 };

    ota_sphere_log_open(&a->log);
    if (ota_sphere_store_open(&a->store, STORE_LEN, why) != OTA_OK || ota_sphere_net_open(&a->net, &net, why) != OTA_OK ||
        ota_sphere_clock_open(&a->clock, why) != OTA_OK || ota_posix_crypto_open(&a->crypto, NULL, why) != OTA_OK ||
        a->cfg.connect(&a->line, why) != OTA_OK)
        return false;
    ota_remote_open(&a->remote, &a->line.port, &a->clock.port);
    for (uint8_t i = 0; i < 2; i++)
        ota_remote_slot_open(&a->slot[i], &a->remote, i);
    ota_remote_boot_open(&a->boot, &a->remote);
    ota_remote_health_open(&a->health, &a->remote);
    return true;
}

/* Where check-ins come every few seconds it is being tried out: then all of it is quicker than a line and a flash in the field should bear. */
static bool is_fast(const struct app *a)
{
    return a->cfg.poll_s < 10;
}

static uint32_t work_ms(const struct app *a)
{
    return is_fast(a) ? WORK_FAST_MS : WORK_MS;
}

/* What runs is read again, a little at a time; if it is not what was installed any more, what the other slot holds comes on trial. */
static ota_err watch(struct app *a, struct ota_fault *why)
{
    ota_err err = ota_watch_init(&a->watch, a->agent, NULL);

    a->part = (struct ota_monitor_part){ { &a->slot[0].port, &a->slot[1].port } };
    const struct ota_monitor_config cfg = { .size = sizeof cfg,
                                            .owner = &a->watch.owner,
                                            .crypto = &a->crypto.port,
                                            .clock = &a->clock.port,
                                            .log = &a->log.port,
                                            .parts = &a->part,
                                            .part_count = 1,
                                            .buf = a->pace,
                                            .pace = sizeof a->pace,
                                            .every_ms = is_fast(a) ? 1 : WORK_MS,
                                            .rest_ms = is_fast(a) ? WORK_MS : 0,
                                            .marks = a->marks,
                                            .mark_count = APP_MARKS,
                                            .answer = OTA_MONITOR_REVERT };
    return err == OTA_OK ? ota_monitor_init(&a->monitor, &cfg, why) : err;
}

static ota_err make_agent(struct app *a, struct ota_fault *why)
{
    static const char *const prefixes[] = { "app/", "group/", NULL };

    (void)snprintf(a->metadata_url, sizeof a->metadata_url, "%smetadata/", a->cfg.url);
    (void)snprintf(a->targets_url, sizeof a->targets_url, "%stargets/", a->cfg.url);
    a->repo = (struct ota_repo){ "product", a->metadata_url, a->targets_url, prefixes, a->root, a->repo.root_len };
    a->component = (struct ota_component){ .name = a->cfg.component, .slot = { &a->slot[0].port, &a->slot[1].port } };
    const struct ota_config cfg = { .size = sizeof cfg,
                                    .product = "scale",
                                    .group = a->cfg.group,
                                    .device_id = a->cfg.device_id,
                                    .net = &a->net.port,
                                    .store = &a->store.port,
                                    .clock = &a->clock.port,
                                    .crypto = &a->crypto.port,
                                    .boot = &a->boot.port,
                                    .health = &a->health.port,
                                    .log = &a->log.port,
                                    .components = &a->component,
                                    .component_count = 1,
                                    .repos = &a->repo,
                                    .repo_count = 1,
                                    .report_url = a->cfg.report_url,
                                    .plain_http = strncmp(a->cfg.url, "http:", 5) == 0,
                                    .limits = { .block = BLOCK, .io = IO, .window_bits = 12, .delta_memory = 1 },
                                    .times = { .poll_s = a->cfg.poll_s,
                                               .retry_base_s = a->cfg.poll_s < 10 ? 1 : 10,
                                               .retry_cap_s = a->cfg.poll_s < 10 ? 2 : 3600,
                                               .health_deadline_s = 60,
                                               .start_s = a->cfg.poll_s < 300 ? a->cfg.poll_s : 300 } };
    ota_err err = ota_init(&a->agent, &cfg, a->workspace, sizeof a->workspace, why);

    if (err == OTA_OK)
        err = ota_demand_packages(a->agent, a->wants, 1);
    return err == OTA_OK ? watch(a, why) : err;
}

/* A restart of the other processor is, for the agent, a restart of the device. */
static ota_err begin_anew(struct app *a)
{
    struct ota_fault why = { .err = OTA_OK };

    ota_monitor_close(&a->monitor);
    ota_close(a->agent);
    ota_err err = make_agent(a, &why);
    a->driver.cfg.agent = a->agent;
    ota_sphere_loop_wake(&a->driver);
    return err;
}

static void on_stopped(struct ota_sphere_loop *l, ota_err err)
{
    struct app *a = (struct app *)((char *)l - offsetof(struct app, driver));

    if (err == OTA_REBOOT) {
        (void)Log_Debug("%s: the other processor restarts\n", a->cfg.name);
        a->restarted_ms = a->clock.port.ops->monotonic_ms(&a->clock.port);
        a->restarts = true; /* goes on in on_work() */
        return;
    }
    (void)Log_Debug("%s: stopped: %s\n", a->cfg.name, ota_err_name(err));
    a->exit_code = 2;
    leaving = 1;
    (void)EventLoop_Stop(a->loop);
}

/* ---- the machine comes first ---- */

static bool under_way(const struct ota_status *s)
{
    return s->component[0].wanted[0] != '\0' && s->state <= OTA_ST_READY;
}

/* An update of the platform would restart us, in the middle of the other processor's too. */
static void on_update(struct ota_sphere_loop *l, enum ota_sphere_update update, bool system, uint32_t seconds_max)
{
    struct app *a = (struct app *)((char *)l - offsetof(struct app, driver));
    struct ota_status s;
    int32_t code = 0;

    ota_status(a->agent, &s);
    if (update == OTA_SPHERE_PENDING && (a->deferred_ms || under_way(&s) || (s.holds & OTA_HOLD_TRIAL))) {
        ota_err err = ota_sphere_defer(l, seconds_max < 3600 ? seconds_max : 3600, &code);
        (void)Log_Debug("%s: the platform's update of %s is deferred: %s\n", a->cfg.name, system ? "the OS" : "an application",
                        ota_err_name(err));
    }
    if (update == OTA_SPHERE_FINAL) {
        (void)Log_Debug("%s: the platform updates itself now\n", a->cfg.name);
        leaving = 1;
        (void)EventLoop_Stop(a->loop);
    }
}

/* The other processor was restarted, or is gone, in the middle of a download: for the agent a restart of the device, after which it
 * goes on from its last checkpoint, not a slot that failed. Without progress since the last time it is the latter. */
static bool rescue(struct app *a, const struct ota_status *s)
{
    uint64_t at = s->component[0].done + 1;

    if (s->state != OTA_ST_REFUSE || a->remote.trouble == 0)
        return false;
    (void)Log_Debug("%s: the other processor was lost at byte %u, code %d\n", a->cfg.name, (unsigned)(at - 1),
                    (int)a->remote.trouble);
    a->remote.trouble = 0;
    bool on = at > a->rescued_at;
    a->rescued_at = on ? at : 0;
    return on && begin_anew(a) == OTA_OK;
}

/* An update that is ready waits until the machine rests, as long as the deployment's deferral lasts. */
static void before_step(struct ota_sphere_loop *l)
{
    struct app *a = (struct app *)((char *)l - offsetof(struct app, driver));
    uint64_t now = a->clock.port.ops->monotonic_ms(&a->clock.port);
    struct ota_remote_state machine;
    struct ota_status s;
    uint32_t granted = 0;

    ota_status(a->agent, &s);
    if (rescue(a, &s) || s.state != OTA_ST_READY || (a->deferred_ms && now - a->deferred_ms < ASK_AGAIN_MS) ||
        ota_remote_state(&a->remote, &machine, NULL) != OTA_OK || !machine.busy)
        return;
    if (ota_defer(a->agent, BUSY_S, &granted) != OTA_OK || granted == 0)
        return;
    a->deferred_ms = now ? now : 1;
    (void)Log_Debug("%s: the machine is busy: %s waits %u s\n", a->cfg.name, s.component[0].wanted, (unsigned)granted);
}

static void resume(struct app *a)
{
    a->deferred_ms = 0;
    (void)Log_Debug("%s: the machine rests\n", a->cfg.name);
    if (ota_defer(a->agent, 0, NULL) == OTA_OK)
        ota_sphere_loop_wake(&a->driver);
}

static void tell(struct app *a)
{
    struct ota_status s;

    ota_status(a->agent, &s);
    if (s.last_outcome == a->told)
        return;
    a->told = s.last_outcome;
    a->rescued_at = 0;
    (void)Log_Debug("%s: %s, %s runs from slot %c\n", a->cfg.name, ota_outcome_name(s.last_outcome), s.component[0].running,
                    s.component[0].slot <= 1 ? 'a' + s.component[0].slot : '-');
}

/* The boot stage of the other processor took another slot than the agent left running: that one was tampered with, or wore out. */
static bool is_other(struct app *a, const struct ota_remote_state *now)
{
    struct ota_status s;

    ota_status(a->agent, &s);
    if (s.state != OTA_ST_IDLE || now->view.running[0] == s.component[0].slot)
        return false;
    (void)Log_Debug("%s: slot %c runs instead of %c; its boot stage refused slots %#x for %s\n", a->cfg.name,
                    'a' + now->view.running[0], 'a' + s.component[0].slot, now->refused, ota_err_name((ota_err)now->reason));
    return true;
}

static ota_err look(struct app *a)
{
    ota_err err = OTA_OK;

    for (unsigned i = 0; err == OTA_OK && i < (is_fast(a) ? FAST_LOOKS : 1u); i++)
        err = ota_monitor_step(&a->monitor, &(struct ota_wait){ 0 });
    return err;
}

/* Give a restart its time: asking too early would wait in vain. Whoever listened at a socket has to be found anew. */
static bool is_there(struct app *a)
{
    uint8_t early;

    if (a->restarts && a->clock.port.ops->monotonic_ms(&a->clock.port) - a->restarted_ms < RESTART_MS)
        return false;
    if (a->restarts)
        (void)a->line.port.ops->read(&a->line.port, &early, 1);
    if (!a->line.gone)
        return true;
    ota_sphere_line_close(&a->line);
    a->silent = a->cfg.connect(&a->line, NULL) != OTA_OK;
    return !a->silent || !a->restarts;
}

/* The line is asked between two steps of the agent: never while one of its requests is open. */
static void on_work(EventLoop *loop, int fd, EventLoop_IoEvents events, void *context)
{
    struct app *a = context;
    struct ota_remote_state state;
    uint64_t times;
    int32_t code = 0;

    (void)events;
    if (leaving) /* told to while a callback ran: nothing was interrupted */
        (void)EventLoop_Stop(loop);
    if (read(fd, &times, sizeof times) < 0 || leaving)
        return;
    if (!is_there(a))
        return;
    if (a->restarts) {
        a->restarts = false;
        if (begin_anew(a) != OTA_OK)
            a->exit_code = 2, leaving = 1;
        return;
    }
    if (a->silent && ++a->skipped * work_ms(a) < SILENT_MS)
        return;
    a->skipped = 0;
    bool silent = ota_remote_state(&a->remote, &state, &code) != OTA_OK;
    if (silent && !a->silent)
        (void)Log_Debug("%s: the other processor cannot be asked: %d\n", a->cfg.name, (int)code);
    a->silent = silent;
    if (!silent && !state.busy && a->deferred_ms)
        resume(a);
    tell(a);
    if (silent)
        return;
    ota_err err = is_other(a, &state) ? begin_anew(a) : look(a);
    if (err != OTA_OK)
        a->exit_code = 2, leaving = 1;
}

static bool start_work(struct app *a, struct ota_fault *why)
{
    const struct timespec each = { work_ms(a) / 1000u, work_ms(a) % 1000u * 1000000u };
    const struct itimerspec t = { each, each };

    a->work_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (a->work_fd >= 0 && timerfd_settime(a->work_fd, 0, &t, NULL) == 0)
        a->work = EventLoop_RegisterIo(a->loop, a->work_fd, EventLoop_Input, on_work, a);
    return a->work || ota_fault_set(why, OTA_DEVICE_STORE, "timer", errno) == OTA_OK;
}

static void leave(struct app *a)
{
    if (a->work)
        (void)EventLoop_UnregisterIo(a->loop, a->work);
    if (a->work_fd >= 0)
        (void)close(a->work_fd);
    ota_sphere_loop_close(&a->driver);
    EventLoop_Close(a->loop);
    ota_monitor_close(&a->monitor);
    ota_close(a->agent);
    ota_sphere_line_close(&a->line);
    ota_posix_crypto_close(&a->crypto);
    ota_sphere_net_close(&a->net);
    ota_sphere_store_close(&a->store);
}

int app_run(struct app *a, const struct app_config *cfg)
{
    struct sigaction sa = { .sa_handler = on_term };
    struct ota_fault why = { .err = OTA_OK };

    a->cfg = *cfg;
    a->work_fd = a->line.fd = a->driver.timer_fd = a->store.fd = -1;
    a->loop = EventLoop_Create();
    (void)sigaction(SIGTERM, &sa, NULL);
    if (!a->loop || !read_root(a, &why) || !read_key(a, &why) || !open_ports(a, &why) || make_agent(a, &why) != OTA_OK ||
        ota_sphere_loop_open(&a->driver,
                             &(struct ota_sphere_loop_config){ a->loop, a->agent, on_update, on_stopped, before_step },
                             &why) != OTA_OK ||
        !start_work(a, &why)) {
        (void)Log_Debug("%s: %s: %s %d\n", cfg->name, why.where, ota_err_name(why.err), (int)why.port_code);
        return 1;
    }
    while (!leaving)
        if (EventLoop_Run(a->loop, -1, false) == EventLoop_Run_Failed && errno != EINTR)
            a->exit_code = 2, leaving = 1;
    leave(a);
    return a->exit_code;
}
