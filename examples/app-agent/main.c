/* SPDX-License-Identifier: Apache-2.0 */
/* An application that updates itself: its program lies in one of two files, a link to one of them is the switch, and the
 * library is linked into it. It shares the device with the system's agent, but has its own component, state, slots and
 * switch. Given that agent's runtime_dir it takes turns with it, asks it for time while it is busy, and tells what it hears
 * of updates of the system; without one it goes its own way. Something must set the link, count the tries of a trial in
 * DIR/boot, and start what the link leads to: ota-boot-supervisor does,
 *
 *     ota-boot-supervisor --init a --link DIR/current --crash-note DIR/state/crash.app DIR/boot DIR/slot-a DIR/slot-b -- DIR URL
 *         [POLL-SECONDS [RUNTIME-DIR [REPORT-URL]]]
 *
 * where DIR also holds the factory's root.json, and URL is the product's repository, such as http://server/p/thermostat/. How the
 * application crashed is noted by the supervisor and reported by the next start, below REPORT-URL like what became of updates.
 * RUNTIME-DIR "-" is none.
 *
 * Nobody knows better than the application whether it works: it has no health port, it says ota_confirm() itself. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ota/ota.h"
#include "ota/posix.h"

#define LEAVE_AND_START_AGAIN 75   /* what the supervisor takes for a restart */
#define WORK_MS 200u               /* between two pieces of work */
#define PROOF 3                    /* pieces of work in a row that prove the application's health */
#define REASON_WORK_FAILED 7
#define ASK_AGAIN 25               /* pieces of work */
#define BUSY_S 60                  /* time to ask for when the system wants to restart in the middle of the work */

struct app {
    struct ota_posix_net net;
    struct ota_posix_store store;
    struct ota_posix_slot slot[2];
    struct ota_posix_clock clock;
    struct ota_posix_crypto crypto;
    struct ota_posix_boot boot;
    struct ota_posix_log log;
    struct ota_component component;
    struct ota_repo repo;
    struct ota *agent;
    struct ota_posix_peer peer;  /* the system's agent */
    struct ota_posix_provided system;   /* what it provides, as it told last */
    const char *runtime_dir;     /* NULL = none */
    char file[2][256];           /* what the link holds: the slots as the supervisor was told them */
    char metadata_url[256], targets_url[256];
    uint8_t root[16384];
    enum ota_state learned_in;   /* when it was asked last */
    uint64_t learned_ms;
    bool looked;                 /* at what is ready, in this turn */
    unsigned done;               /* pieces of work */
};

static volatile sig_atomic_t stopping;

static void on_stop(int sig)
{
    (void)sig;
    stopping = 1;
}

/* What the application is for. Version 3.0.0 gets it wrong. */
static bool work(struct app *a)
{
    if (APP_SICK)
        return false;
    a->done++;
    return true;
}

static bool open_ports(struct app *a, struct ota_fault *why)
{
    return ota_posix_store_open(&a->store, &(struct ota_posix_store_config){ "state" }, why) == OTA_OK &&
           ota_posix_net_open(&a->net, &(struct ota_posix_net_config){ .connect_ms = 5000 }, why) == OTA_OK &&
           ota_posix_slot_file_open(&a->slot[0], &(struct ota_posix_slot_file_config){ "slot-a", 0 }, why) == OTA_OK &&
           ota_posix_slot_file_open(&a->slot[1], &(struct ota_posix_slot_file_config){ "slot-b", 0 }, why) == OTA_OK &&
           ota_posix_clock_open(&a->clock, &(struct ota_posix_clock_config){ 0 }, why) == OTA_OK &&
           ota_posix_crypto_open(&a->crypto, NULL, why) == OTA_OK &&
           ota_posix_log_open(&a->log, &(struct ota_posix_log_config){ .fd = 2 }, why) == OTA_OK &&
           ota_posix_boot_link_open(&a->boot, &(struct ota_posix_boot_link_config){ "boot", "current", { a->file[0], a->file[1] }, NULL }, why) == OTA_OK;
}

static bool name_repository(struct app *a, const char *url)
{
    static const char *const prefixes[] = { "app/", "group/", NULL };
    FILE *f = fopen("root.json", "rb");
    size_t len = f ? fread(a->root, 1, sizeof a->root, f) : 0;

    if (f)
        (void)fclose(f);
    (void)snprintf(a->metadata_url, sizeof a->metadata_url, "%smetadata/", url);
    (void)snprintf(a->targets_url, sizeof a->targets_url, "%stargets/", url);
    a->repo = (struct ota_repo){ "product", a->metadata_url, a->targets_url, prefixes, a->root, len };
    return len > 0;
}

/* The device's other agent has another component and another device id in its reports; everything else is common. */
static ota_err make_agent(struct app *a, uint32_t poll_s, const char *report_url, struct ota_fault *why)
{
    ota_posix_provided_init(&a->system);
    a->component = (struct ota_component){ .name = "app", .slot = { &a->slot[0].port, &a->slot[1].port } };
    const struct ota_config cfg = { .size = sizeof cfg, .product = "thermostat", .group = "production",
        .device_id = "thermostat-0001-app", .net = &a->net.port, .store = &a->store.port, .clock = &a->clock.port,
        .crypto = &a->crypto.port, .boot = &a->boot.port, .health = NULL, .log = &a->log.port, .components = &a->component,
        .component_count = 1, .repos = &a->repo, .repo_count = 1, .plain_http = true, .report_url = report_url,
        .provided = a->system.level, .provided_count = OTA_POSIX_PROVIDED_MAX,
        .times = { .poll_s = poll_s, .retry_base_s = 1, .health_deadline_s = 30,
                   .start_s = poll_s < 300 ? poll_s : 300 } };
    size_t len = ota_workspace_len(&cfg);
    void *workspace = malloc(len ? len : 1);   /* lives as long as the process */

    return workspace ? ota_init(&a->agent, &cfg, workspace, len, why) : OTA_USAGE_MEMORY;
}

/* On trial the work itself is the proof. */
static void judge(struct app *a, bool worked)
{
    struct ota_status s;
    ota_err err = OTA_OK;

    ota_status(a->agent, &s);
    if (!(s.holds & OTA_HOLD_TRIAL))
        return;
    if (!worked)
        err = ota_reject(a->agent, REASON_WORK_FAILED);
    else if (a->done >= PROOF)
        err = ota_confirm(a->agent);
    if (err != OTA_OK)
        (void)fprintf(stderr, "app: %s\n", ota_err_text(err));
}

/* What the system's agent tells. An application knows best when a restart would hurt: here until its work has begun well.
 * One that was not there, or was restarted, is asked again now and then. */
static void hear(struct app *a)
{
    struct ota_posix_news news;
    uint32_t granted = 0;

    if (a->peer.fd < 0 && a->done % ASK_AGAIN == 0 && ota_posix_peer_ask(&a->peer, &news) != OTA_OK)
        return;
    if (!ota_posix_peer_news(&a->peer, &news))
        return;
    (void)printf("app: system %s is %s%s%s\n", news.version, news.state, news.pending ? ", an update comes" : "",
                 news.forced ? ", now" : "");
    if (news.pending && !news.deferred && !news.forced && a->done < PROOF &&
        ota_posix_peer_defer(&a->peer, BUSY_S, &granted) == OTA_OK)
        (void)printf("app: the system waits %u s\n", (unsigned)granted);
    (void)fflush(stdout);
}

/* What our images may require is judged in these states: by what the system provides now, not by what it did when we started.
 * Where it cannot be asked, what it told last counts. TRUST has many steps, and the last one judges. */
static void learn(struct app *a, enum ota_state state)
{
    uint64_t now = a->clock.port.ops->monotonic_ms(&a->clock.port);
    bool judged = state == OTA_ST_TRUST || state == OTA_ST_PLAN || state == OTA_ST_READY;

    if (judged && (state != a->learned_in || now - a->learned_ms >= WORK_MS) && ota_posix_peer_provided(&a->peer, &a->system) == OTA_OK)
        a->learned_ms = now;
    a->learned_in = state;
}

/* Our turn, if this state needs one; given back as soon as nothing is under way, or something else holds it back. What is ready is
 * looked at in our turn, too: what the system provides stays as it is until the trial is armed. */
static bool may_step(struct app *a, bool rests)
{
    struct ota_status s;

    if (!a->runtime_dir)
        return true;
    hear(a);
    ota_status(a->agent, &s);
    bool needs = ota_posix_needs_turn(s.state) || s.state == OTA_ST_READY;
    if (!needs && !ota_posix_keeps_turn(s.state) && a->peer.since_ms != 0)
        ota_posix_peer_done(&a->peer);
    if (s.state == OTA_ST_READY && rests && a->peer.since_ms != 0 && a->looked)
        ota_posix_peer_done(&a->peer);
    if (needs && ota_posix_peer_turn(&a->peer) != OTA_OK)
        return false;
    learn(a, s.state);
    a->looked = s.state == OTA_ST_READY;
    return true;
}

static void nap(struct app *a, bool for_net, uint32_t ms)
{
    if (for_net)
        a->net.port.ops->wait(&a->net.port, ms);
    else
        a->clock.port.ops->sleep_ms(&a->clock.port, ms);
}

/* Work comes first; between two pieces of it the agent gets its steps, none of which blocks for long. */
static int live(struct app *a)
{
    struct ota_wait wait = { 0 };

    while (!stopping) {
        uint64_t until = a->clock.port.ops->monotonic_ms(&a->clock.port) + WORK_MS;
        uint64_t now = 0;

        judge(a, work(a));
        while (!stopping && now < until) {
            if (!may_step(a, wait.ms > 0))
                wait = (struct ota_wait){ .ms = WORK_MS };
            else if (ota_step(a->agent, &wait) == OTA_REBOOT)
                return LEAVE_AND_START_AGAIN;
            now = a->clock.port.ops->monotonic_ms(&a->clock.port);
            if (wait.ms > 0 && now < until)
                nap(a, wait.wait_for_net, (uint32_t)(until - now));
        }
    }
    return 0;
}

/* An agent that does not run yet, or is restarted, is found later. */
static bool meet_system(struct app *a, const char *runtime_dir, struct ota_fault *why)
{
    struct ota_posix_news news;

    a->runtime_dir = runtime_dir;
    if (!runtime_dir)
        return true;
    if (ota_posix_peer_open(&a->peer, &(struct ota_posix_peer_config){ .runtime_dir = runtime_dir }, why) != OTA_OK)
        return false;
    if (ota_posix_peer_ask(&a->peer, &news) == OTA_OK)
        (void)printf("app: meets system %s\n", news.version), (void)fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    static struct app a;
    struct sigaction sa = { .sa_handler = on_stop };
    struct ota_fault why = { .err = OTA_OK };
    const char *slot = getenv("OTA_SLOT");
    long poll_s = argc >= 4 ? strtol(argv[3], NULL, 10) : 3600;

    if (argc < 3 || argc > 6 || poll_s < 1 || poll_s > 86400)
        return fputs("usage: app DIR URL [POLL-SECONDS [RUNTIME-DIR [REPORT-URL]]]\n", stderr), 2;
    (void)printf("app pid %ld\napp " APP_VERSION " running from slot %s\n", (long)getpid(), slot ? slot : "?");
    (void)fflush(stdout);
    if (chdir(argv[1]) != 0)
        return fprintf(stderr, "app: %s: %s\n", argv[1], strerror(errno)), 1;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)snprintf(a.file[0], sizeof a.file[0], "%s/slot-a", argv[1]);
    (void)snprintf(a.file[1], sizeof a.file[1], "%s/slot-b", argv[1]);
    if (!name_repository(&a, argv[2]))
        return fputs("app: root.json cannot be read\n", stderr), 1;
    if (!open_ports(&a, &why) || make_agent(&a, (uint32_t)poll_s, argc == 6 ? argv[5] : NULL, &why) != OTA_OK)
        return fprintf(stderr, "app: %s: %s\n", why.where, ota_err_text(why.err)), 1;
    if (!meet_system(&a, argc >= 5 && strcmp(argv[4], "-") != 0 ? argv[4] : NULL, &why))
        return fprintf(stderr, "app: %s: %s\n", why.where, ota_err_text(why.err)), 1;
    return live(&a);
}
