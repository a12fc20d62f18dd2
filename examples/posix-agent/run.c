/* SPDX-License-Identifier: Apache-2.0 */
/* `run`: step the agent, sleep as it says, draw the progress, answer requests, until told to stop. `check`: once. */
#define _POSIX_C_SOURCE 200809L /* sigaction */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "control.h"
#include "device.h"
#include "monitoring.h"
#include "progress.h"
#include "requests.h"
#include "sandbox.h"
#include "status.h"

#define LOOK_MS 100u      /* between two looks at requests and progress while work is going on */
#define TURN_NAP_MS 200u  /* while somebody else has the turn */
#define NET_NAP_MS 200u   /* longest sleep on the network: requests are not heard meanwhile */

struct run {
    const struct agent_config *config;
    struct device device;
    struct control control;
    struct requests requests;
    struct sandbox sandbox;
    struct monitoring monitoring;
    bool ours;                    /* the last step was: it was our turn */
    struct status_held held;
    struct progress progress;
    uint64_t looked_ms;
};

/* Signal handlers have no other way to learn whom to stop. */
static struct ota *volatile signalled;
static volatile sig_atomic_t stopping;

static void on_stop(int sig)
{
    (void)sig;
    stopping = 1;
    if (signalled)
        ota_cancel(signalled);
}

static bool is_stopping(void)
{
    return stopping;
}

static void catch_signals(struct ota *agent)
{
    struct sigaction sa = { .sa_handler = on_stop };

    signalled = agent;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
}

int agent_exit_of(ota_err err)
{
    if (err == OTA_REBOOT)
        return AGENT_RESTART;
    if (err == OTA_DEVICE_LOCKED)
        return AGENT_LOCKED;
    switch (ota_err_class(err)) {
    case OTA_CLASS_OUTCOME: return AGENT_OK;
    case OTA_CLASS_RETRY: return AGENT_RETRY;
    case OTA_CLASS_REJECT: return AGENT_REFUSED;
    case OTA_CLASS_DEVICE: return AGENT_DEVICE;
    case OTA_CLASS_USAGE: break;
    }
    return AGENT_USAGE;
}

static int complain(const struct schema_fault *fault, ota_err err)
{
    (void)fprintf(stderr, "ota-agent: %s%s%s\n", fault->where, fault->where[0] ? ": " : "", fault->what);
    return agent_exit_of(err);
}

static bool number(const char *text, long min, long max, long *out)
{
    char *end;

    *out = strtol(text, &end, 10);
    return *text != '\0' && *text != ' ' && *end == '\0' && *out >= min && *out <= max;
}

static uint64_t now_ms(struct run *r)
{
    return r->device.clock.port.ops->monotonic_ms(&r->device.clock.port);
}

static uint64_t clock_ms(void *clock)
{
    struct ota_clock *c = clock;

    return c->ops->monotonic_ms(c);
}

static void serve(struct run *r, int ms, const sigset_t *mask)
{
    const struct control_calls calls = { requests_answer, requests_left, &r->requests };

    control_serve(&r->control, ms, mask, &calls);
    requests_look(&r->requests);
}

/* What people want to know, not more often than they can tell. */
static void look(struct run *r, bool force)
{
    uint64_t now = now_ms(r);
    struct ota_status s;

    if (!force && now - r->looked_ms < LOOK_MS)
        return;
    r->looked_ms = now;
    ota_status(r->device.agent, &s);
    progress_show(&r->progress, &s, r->config, now);
    serve(r, 0, NULL);
}

/* A signal that comes between the look at `stopping` and the sleep must end the sleep, which may be an hour's. */
static void listen_for(struct run *r, uint32_t ms)
{
    sigset_t stop, before;

    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &stop, &before);
    if (!stopping)
        serve(r, ms < INT32_MAX ? (int)ms : INT32_MAX, &before);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Without network business the socket is what to sleep on: requests are answered at once, and nothing wakes for nothing. */
static void nap(struct run *r, const struct ota_wait *wait)
{
    struct ota_net *net = r->device.net_port;

    if (wait->ms == 0 || stopping)
        return;
    if (wait->wait_for_net)
        net->ops->wait(net, wait->ms < NET_NAP_MS ? wait->ms : NET_NAP_MS);
    else
        listen_for(r, wait->ms);
}

/* One step, if it is our turn. */
static ota_err step(struct run *r, struct ota_wait *wait)
{
    struct ota_status s;

    ota_status(r->device.agent, &s);
    r->ours = requests_may_step(&r->requests, s.state, wait->ms > 0);
    if (r->ours)
        return ota_step(r->device.agent, wait);
    *wait = (struct ota_wait){ .ms = TURN_NAP_MS };
    return OTA_OK;
}

static ota_err loop(struct run *r)
{
    struct ota_wait wait = { 0 };

    while (!stopping) {
        ota_err err = step(r, &wait);

        if (err != OTA_OK)
            return err;
        if (device_attest_step(&r->device, &wait)) { /* what had to wait for the certificate need not any longer */
            ota_check_now(r->device.agent);
            wait.ms = 0;
        }
        struct ota_wait sleep = wait;
        if (r->ours) /* else somebody else may be writing */
            monitoring_step(&r->monitoring, &sleep);
        if (r->monitoring.stopped)
            return OTA_OK;
        look(r, wait.ms > 0 && !wait.wait_for_net);
        nap(r, &sleep);
    }
    return OTA_OK;
}

int agent_run(const struct agent_config *c, const struct agent_options *o)
{
    static struct run r;
    const struct device_options how = { .states = o->verbose, .sandbox = &r.sandbox };
    struct schema_fault fault;
    ota_err err;

    r.config = c;
    r.control.fd = r.requests.lock.fd = -1;
    progress_init(&r.progress, o->progress);
    err = sandbox_start(&r.sandbox, c, &fault);
    if (err != OTA_OK)
        return complain(&fault, err);
    err = device_open(&r.device, c, &how, &fault);
    if (err == OTA_OK)
        err = device_settle(&r.device, &fault);
    if (err == OTA_OK && (!control_open(&r.control, c, &fault) || !requests_open(&r.requests, &r.control, c, &fault)))
        err = OTA_DEVICE_STORE;
    if (err == OTA_OK)
        err = monitoring_open(&r.monitoring, &r.device, c, &fault);
    if (err == OTA_OK)
        err = sandbox_enter(&r.sandbox, c, &fault);
    if (err == OTA_OK) {
        r.requests.agent = r.device.agent;
        r.held = (struct status_held){ &r.sandbox.writer, &r.device.fetcher };
        r.requests.held = r.sandbox.entered ? &r.held : NULL;
        r.requests.monitoring = &r.monitoring;
        r.requests.now_ms = clock_ms;
        r.requests.clock = &r.device.clock.port;
        catch_signals(r.device.agent);
        err = loop(&r);
        signalled = NULL;
        (void)snprintf(fault.what, sizeof fault.what, "%s", ota_err_text(err));
        fault.where[0] = '\0';
    }
    if (err != OTA_OK)
        (void)complain(&fault, err);
    bool stop = r.monitoring.stopped;
    monitoring_close(&r.monitoring);
    control_close(&r.control);
    requests_close(&r.requests);
    device_close(&r.device);
    sandbox_close(&r.sandbox);
    return err == OTA_OK && stop ? AGENT_STOP : agent_exit_of(err);
}

static void tell_outcome(const struct device *d, ota_err err)
{
    const char *trouble = err == OTA_DEVICE_BOOT ? device_boot_trouble(d) : "";
    struct ota_status s;
    bool has_word;

    ota_status(d->agent, &s);
    /* The ports of the device give the system's own number; those of the network speak other tongues. */
    has_word = ota_err_class(err) == OTA_CLASS_DEVICE && s.last_fault.err == err && s.last_fault.port_code > 0;
    (void)fprintf(stderr, "ota-agent: %s", err == OTA_SAME && s.holds == 0 ? "up to date" : ota_err_text(err));
    if (ota_err_class(err) != OTA_CLASS_OUTCOME && s.last_fault.where[0])
        (void)fprintf(stderr, " (%s%s%s%s%s)", s.last_fault.where, trouble[0] ? ": " : "", trouble, has_word ? ": " : "",
                      has_word ? strerror(s.last_fault.port_code) : "");
    for (uint32_t bit = 1; err == OTA_SAME && bit != 0; bit <<= 1)
        if ((s.holds & bit) && ota_hold_name(bit))
            (void)fprintf(stderr, ", held back by: %s", ota_hold_name(bit));
    (void)fputc('\n', stderr);
}

int agent_check(const struct agent_config *c, const struct agent_options *o)
{
    static struct device d;
    static struct sandbox held;
    const struct device_options how = { .states = o->verbose, .sandbox = &held };
    struct schema_fault fault;
    ota_err err = sandbox_start(&held, c, &fault);

    if (err != OTA_OK)
        return complain(&fault, err);
    err = device_open(&d, c, &how, &fault);
    if (err == OTA_OK)
        err = device_settle(&d, &fault);
    if (err == OTA_OK)
        err = sandbox_enter(&held, c, &fault);
    if (err == OTA_OK) {
        catch_signals(d.agent);
        device_attest_settle(&d, is_stopping);
        err = ota_run(d.agent);
        signalled = NULL;
        tell_outcome(&d, err);
    } else {
        (void)complain(&fault, err);
    }
    device_close(&d);
    sandbox_close(&held);
    return agent_exit_of(err);
}

/* A store that reads and forgets what it is given: lets an agent look without leaving a trace. */
struct shadow {
    struct ota_store port;
    struct ota_store *real;
};

static ota_err shadow_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct ota_store *real = ((struct shadow *)s)->real;

    return real->ops->read(real, name, buf, cap, len, port_code);
}

static ota_err shadow_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *port_code)
{
    (void)s, (void)name, (void)buf, (void)len, (void)port_code;
    return OTA_OK;
}

static ota_err shadow_remove(struct ota_store *s, const char *name, int32_t *port_code)
{
    (void)s, (void)name, (void)port_code;
    return OTA_OK;
}

static const struct ota_store_ops shadow_ops = { shadow_read, shadow_write, shadow_remove };

/* The first step reads the journal and the boot control; nothing else is done, nothing is kept. */
static int status_at_rest(const struct agent_config *c, bool json)
{
    static struct device d;
    struct ota_posix_store store = { .dir_fd = -1, .lock_fd = -1 };
    struct shadow shadow = { { &shadow_ops }, &store.port };
    const struct device_options how = { .quiet = true, .store = &shadow.port };
    struct schema_fault fault;
    struct ota_status s;
    struct ota_wait wait;
    char *text = NULL;
    ota_err err = device_lock(&store, c, &fault);

    if (err != OTA_OK)
        return complain(&fault, err);
    err = device_open(&d, c, &how, &fault);
    if (err == OTA_OK)
        err = ota_step(d.agent, &wait);
    if (err == OTA_OK) {
        ota_status(d.agent, &s);
        text = json ? status_json(&s, c, false, NULL, NULL) : status_text(&s, c, false, NULL, NULL);
        (void)fputs(text ? text : "", stdout);
        free(text);
    } else {
        (void)complain(&fault, err);
    }
    device_close(&d);
    ota_posix_store_close(&store);
    return agent_exit_of(err);
}

int agent_status(const struct agent_config *c, const struct agent_options *o)
{
    static char text[CONTROL_ANSWER_MAX];
    int status = control_ask(c->runtime_dir, o->json ? "{\"do\":\"status\",\"form\":\"json\",\"text\":true}\n" : "{\"do\":\"status\",\"text\":true}\n", text);

    if (status < 0)
        return status_at_rest(c, o->json);
    (void)fputs(text, stdout);
    return status;
}

int agent_tell(const struct agent_config *c, const char *command, const char *argument)
{
    static char text[CONTROL_ANSWER_MAX];
    bool defers = strcmp(command, "defer") == 0;
    char request[128], member[48] = "";
    long value;

    if (argument && !number(argument, defers ? 0 : INT32_MIN, INT32_MAX, &value))
        return AGENT_USAGE;
    if (argument)
        (void)snprintf(member, sizeof member, ",\"%s\":%ld", defers ? "seconds" : "reason", value);
    (void)snprintf(request, sizeof request, "{\"do\":\"%.16s\"%s,\"text\":true}\n", command, member);
    int status = control_ask(c->runtime_dir, request, text);

    if (status < 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            (void)fprintf(stderr, "ota-agent: no agent runs with runtime_dir %s\n", c->runtime_dir);
        else
            (void)fprintf(stderr, "ota-agent: the agent cannot be asked: runtime_dir: %s: %s\n", c->runtime_dir, strerror(errno));
        return AGENT_NOT_RUNNING;
    }
    (void)fputs(text, status == AGENT_OK ? stdout : stderr);
    return status;
}
