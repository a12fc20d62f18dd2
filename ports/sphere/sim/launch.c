/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a high-level application on the simulation: linked beside it, this reads, before main(), what the platform would know.
 * $SPHERE_SIM_DIR is the device: app_manifest.json; package/, the files of the image package; mutable; uart, a link to a terminal;
 * core.sock, where the real-time core listens; control, whose lines are events as they are appended. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "sphere_sim.h"

#define PATH_LEN 256 /* little: what the simulation needs is measured with the application */
static char package_dir[PATH_LEN], mutable_file[PATH_LEN], uart[PATH_LEN], core[64], core_socket[PATH_LEN],
    control_path[PATH_LEN];
static long control_at;

static void die(const char *what)
{
    (void)fprintf(stderr, "sphere-sim: %s\n", what);
    exit(2);
}

static cJSON *read_json(const char *path)
{
    char text[16384];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(text, 1, sizeof text - 1, f) : 0;

    if (!f)
        die("app_manifest.json is missing");
    (void)fclose(f);
    text[len] = '\0';
    cJSON *j = cJSON_Parse(text);
    if (!j)
        die("app_manifest.json is no JSON");
    return j;
}

static bool lists(const cJSON *capabilities, const char *name, const char *what)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(capabilities, name))
        if (cJSON_IsString(item) && (!what || strcmp(item->valuestring, what) == 0))
            return true;
    return false;
}

static void read_manifest(const char *dir)
{
    char path[PATH_LEN + 32];

    (void)snprintf(path, sizeof path, "%s/app_manifest.json", dir);
    cJSON *whole = read_json(path);
    const cJSON *c = cJSON_GetObjectItemCaseSensitive(whole, "Capabilities");
    const cJSON *kb = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(c, "MutableStorage"), "SizeKB");
    const cJSON *peer = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(c, "AllowedApplicationConnections"), 0);
    struct sphere_sim_manifest m = {
        .package_dir = package_dir,
        .mutable_file = mutable_file,
        .mutable_kb = cJSON_IsNumber(kb) && kb->valueint > 0 ? (unsigned)kb->valueint : 0,
        .system_events = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c, "SystemEventNotifications")),
        .deferral = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c, "SoftwareUpdateDeferral")),
        .force_reboot = lists(c, "PowerControls", "ForceReboot"),
        .device_auth = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(c, "DeviceAuthentication")),
        .uart = lists(c, "Uart", NULL) ? uart : NULL,
        .core_socket = core_socket,
    };

    if (cJSON_IsString(peer) && strlen(peer->valuestring) < sizeof core)
        m.core = memcpy(core, peer->valuestring, strlen(peer->valuestring) + 1);
    cJSON_Delete(whole);
    sphere_sim_begin(&m);
}

bool sphere_sim_command(const char *line)
{
    static const struct {
        const char *text;
        void (*set)(bool);
        bool on;
    } switches[] = { { "network on", sphere_sim_set_network, true },
                     { "network off", sphere_sim_set_network, false },
                     { "auth on", sphere_sim_set_device_auth, true },
                     { "auth off", sphere_sim_set_device_auth, false } };

    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (strcmp(line, switches[i].text) == 0) {
            switches[i].set(switches[i].on);
            return true;
        }
    if (strcmp(line, "offer app") == 0)
        sphere_sim_offer(SysEvent_UpdateType_App);
    else if (strcmp(line, "offer system") == 0)
        sphere_sim_offer(SysEvent_UpdateType_System);
    else if (strcmp(line, "download") == 0)
        sphere_sim_start_download();
    else if (strcmp(line, "none") == 0)
        sphere_sim_no_update();
    else if (strncmp(line, "pass ", 5) == 0)
        sphere_sim_pass((unsigned)strtoul(line + 5, NULL, 10));
    else
        return false;
    return true;
}

/* The lines that were appended since the last time. A restart that the application asked for ends it as the platform would. */
static void poll_control(void)
{
    char line[80];
    FILE *f = fopen(control_path, "r");

    if (f && fseek(f, control_at, SEEK_SET) == 0)
        while (fgets(line, sizeof line, f) && strchr(line, '\n')) {
            control_at = ftell(f);
            *strchr(line, '\n') = '\0';
            if (!sphere_sim_command(line))
                (void)fprintf(stderr, "sphere-sim: unknown event: %s\n", line);
        }
    if (f)
        (void)fclose(f);
    if (sphere_sim_rebooted())
        (void)raise(SIGTERM);
}

/* What happened before this start is not told again. */
static void skip_control(void)
{
    FILE *f = fopen(control_path, "a");

    if (!f || fseek(f, 0, SEEK_END) != 0)
        die("control cannot be opened");
    control_at = ftell(f);
    (void)fclose(f);
}

__attribute__((constructor)) static void launch(void)
{
    const char *dir = getenv("SPHERE_SIM_DIR");

    if (!dir)
        return;
    if (strlen(dir) > PATH_LEN - 32)
        die("SPHERE_SIM_DIR is too long");
    (void)snprintf(package_dir, sizeof package_dir, "%s/package", dir);
    (void)snprintf(mutable_file, sizeof mutable_file, "%s/mutable", dir);
    (void)snprintf(uart, sizeof uart, "%s/uart", dir);
    (void)snprintf(core_socket, sizeof core_socket, "%s/core.sock", dir);
    (void)snprintf(control_path, sizeof control_path, "%s/control", dir);
    read_manifest(dir);
    skip_control();
    sphere_sim_set_network(true);
    sphere_sim_set_device_auth(true);
    sphere_sim_set_poll(poll_control);
}
