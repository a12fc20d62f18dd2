/* SPDX-License-Identifier: Apache-2.0 */
/* The program in a slot: the update agent in a main loop. Built in several versions, some of them bad (CMakeLists.txt). */
#include <string.h>

#include "board.h"
#include "map.h"
#include "ota/ota.h"

#define WATCHDOG_MS 8000u
#define GREET_MS 3000u
#define LOOP_MS 200u
#define WORKSPACE 114688u

enum behaviour { GOOD, CRASHES, HANGS, IS_SICK };

static _Alignas(16) uint8_t workspace[WORKSPACE];
static uint8_t root[FACTORY_ROOT];
static char factory[FACTORY_TEXT];

static struct ota_mcu_clock clock_port;
static struct ota_mcu_net net;
static struct ota_mcu_store store;
static struct ota_mcu_slot slots[2];
static struct ota_mcu_boot boot;

/* ---- log and health ---- */

static void log_event(struct ota_log *l, enum ota_event event, int64_t a, int64_t b, const struct ota_fault *fault)
{
    (void)l;
    say("event ");
    say_number((unsigned)event);
    say(" ");
    say_number((uint64_t)a);
    say(" ");
    say_number((uint64_t)b);
    if (fault && fault->err != OTA_OK) {
        say(" ");
        say_hex((uint32_t)fault->err);
        say(" ");
        say_hex((uint32_t)fault->port_code);
        say(" ");
        say(fault->where);
    }
    say("\r\n");
}

/* A real device would look at its sensors here. */
static ota_err check_health(struct ota_health *h, int32_t *port_code)
{
    (void)h;
    *port_code = APP_BEHAVIOUR == IS_SICK ? 42 : 0;
    return APP_BEHAVIOUR == IS_SICK ? OTA_REJECT_HEALTH : OTA_OK;
}

static const struct ota_log_ops log_ops = { log_event };
static const struct ota_health_ops health_ops = { check_health };
static struct ota_log log_port = { &log_ops };
static struct ota_health health = { &health_ops };

/* ---- what the factory wrote: lines "name=value", and the root metadata ---- */

static const char *factory_text(const char *name)
{
    size_t len = strlen(name);

    for (const char *line = factory; *line; line += strlen(line) + 1u)
        if (strncmp(line, name, len) == 0 && line[len] == '=')
            return line + len + 1;
    return "";
}

static uint32_t factory_number(const char *name, uint32_t otherwise)
{
    const char *text = factory_text(name);
    uint32_t v = 0;

    if (!*text)
        return otherwise;
    for (; *text >= '0' && *text <= '9'; text++)
        v = v * 10u + (uint32_t)(*text - '0');
    return v;
}

static bool read_factory(void)
{
    bool ok = board_nor.ops->read(&board_nor, FACTORY_OFF, factory, sizeof factory - 1) == 0 &&
              board_nor.ops->read(&board_nor, FACTORY_OFF + FACTORY_TEXT, root, sizeof root) == 0;

    for (size_t i = 0; i < sizeof factory; i++)
        if (factory[i] == '\n' || (uint8_t)factory[i] == 0xff)
            factory[i] = '\0';
    return ok && factory[0] != '\0';
}

/* ---- start ---- */

static _Noreturn void stop(const char *what, ota_err err, int32_t code)
{
    say("app: ");
    say(what);
    say(" ");
    say_hex((uint32_t)err);
    say(" ");
    say_hex((uint32_t)code);
    say("\r\n");
    for (;;) { } /* the watchdog restarts it: on trial, that takes a try */
}

static void open_ports(void)
{
    const struct ota_mcu_area where[] = { { &board_nor, BOOT_OFF, BOOT_LEN }, { &board_nor, STORE_OFF, STORE_LEN },
                                          { &board_nor, SLOT_A_OFF, SLOT_LEN }, { &board_nor, SLOT_B_OFF, SLOT_LEN } };
    struct ota_fault why = { .err = OTA_OK };

    board_wear_out(factory_number("worn", 0), factory_number("worn-to", 0));
    ota_mcu_clock_open(&clock_port, board_ms, board_idle);
    ota_mcu_net_open(&net, &board_line, &clock_port);
    if (ota_mcu_boot_open(&boot, &where[0], NULL, &why) != OTA_OK || ota_mcu_store_open(&store, &where[1], &why) != OTA_OK ||
        ota_mcu_slot_open(&slots[0], &where[2], &why) != OTA_OK || ota_mcu_slot_open(&slots[1], &where[3], &why) != OTA_OK)
        stop(why.where, why.err, why.port_code);
    if (ota_mcu_net_greet(&net, GREET_MS) != OTA_OK)
        say("app: nobody answers on the line\r\n");
    board_seed(net.seed, sizeof net.seed);
}

static struct ota *start_agent(struct ota_crypto *crypto)
{
    static const char *const prefixes[] = { "app/", "group/", NULL };
    static struct ota_repo repo = { .name = "product", .prefixes = prefixes, .root = root };
    static struct ota_component app = { .name = "app", .slot = { &slots[0].port, &slots[1].port } };
    struct ota_config cfg = { .size = sizeof cfg, .net = &net.port, .store = &store.port, .clock = &clock_port.port,
        .crypto = crypto, .boot = &boot.port, .health = &health, .log = &log_port, .components = &app, .component_count = 1,
        .repos = &repo, .repo_count = 1, .tries = 3, .plain_http = true,
        .limits = { .tuf = { .root_max = 6144, .timestamp_max = 1024, .snapshot_max = 2048, .targets_max = 6144, .key_bytes = 520 },
                    .pointer_max = 2048, .block = 16384, .io = 1024, .window_bits = (uint8_t)factory_number("window", 12), .delta_memory = factory_number("delta", 1) },
        .times = { .poll_s = 3600, .retry_base_s = 1, .retry_cap_s = 4, .health_deadline_s = 30 } };
    struct ota *agent = NULL;
    struct ota_fault why = { .err = OTA_OK };

    repo.metadata_url = factory_text("metadata");
    repo.targets_url = factory_text("targets");
    repo.root_len = factory_number("root", 0);
    app.factory_version = factory_text("version");
    cfg.product = factory_text("product");
    cfg.group = factory_text("group");
    cfg.device_id = factory_text("device");
    cfg.report_url = factory_text("reports");
    say("app: workspace ");
    say_number(ota_workspace_len(&cfg));
    say(" of ");
    say_number(sizeof workspace);
    say("\r\n");
    if (ota_init(&agent, &cfg, workspace, sizeof workspace, &why) != OTA_OK)
        stop(why.where, why.err, why.port_code);
    return agent;
}

static void say_running(void)
{
    struct ota_boot_view view;
    int32_t code = 0;

    if (boot.port.ops->view(&boot.port, &view, &code) != OTA_OK)
        stop("boot.view", OTA_DEVICE_BOOT, code);
    say("app: version " APP_VERSION " runs");
    say(view.trial ? " on trial\r\n" : "\r\n");
}

/* What it took so far, since the start. */
static void say_used(const char *what)
{
    const struct { const char *name; uint64_t value; } rows[] = {
        { "; stack ", board_stack_used() }, { " of ", board_stack_len() }, { ", crypto pool ", board_crypto_peak() },
        { ", frames ", net.sent }, { ", again ", net.again }, { ", damaged ", net.damaged },
    };

    say(what);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say(rows[i].name);
        say_number(rows[i].value);
    }
    say("\r\n");
}

/* ---- the main loop ---- */

static void one_turn(struct ota *agent, bool *was_busy)
{
    struct ota_wait wait = { 0, false };
    struct ota_status status;

    board_watchdog(WATCHDOG_MS);
    if (ota_step(agent, &wait) == OTA_REBOOT) {
        say_used("app: restarts");
        board_restart();
    }
    ota_status(agent, &status);
    if (status.state == OTA_ST_IDLE && status.next_check_s > 60 && *was_busy)
        say_used("app: idle");
    *was_busy = status.state != OTA_ST_IDLE || status.next_check_s <= 60;
    if (wait.wait_for_net)
        net.port.ops->wait(&net.port, wait.ms < LOOP_MS ? wait.ms : LOOP_MS);
    else if (wait.ms > 0)
        clock_port.port.ops->sleep_ms(&clock_port.port, wait.ms < LOOP_MS ? wait.ms : LOOP_MS);
}

int main(void)
{
    bool was_busy = true;

    board_init();
    board_watchdog(WATCHDOG_MS);
    if (APP_BEHAVIOUR == CRASHES) {
        say("app: version " APP_VERSION " crashes\r\n");
        board_restart();
    }
    while (APP_BEHAVIOUR == HANGS) { }
    struct ota_crypto *crypto = board_crypto();
    if (!crypto || !read_factory())
        stop("factory", OTA_DEVICE_STORE, 0);
    open_ports();
    say_running();
    struct ota *agent = start_agent(crypto);
    ota_check_now(agent);
    for (;;)
        one_turn(agent, &was_busy);
}
