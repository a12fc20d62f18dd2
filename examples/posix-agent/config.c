/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ota/posix_peer.h"

#define PATH_LEN_MAX 4095u
/* The control socket's name must fit into struct sockaddr_un. */
#define RUNTIME_DIR_MAX 90u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MEMBER_SIZE(type, m) sizeof(((type *)0)->m)

#define TEXT(key, need, lo, hi, type, m) { key, SCHEMA_TEXT, need, lo, hi, offsetof(type, m), 0, 0, NULL }
#define UINT(key, lo, hi, type, m) { key, SCHEMA_UINT, false, lo, hi, offsetof(type, m), MEMBER_SIZE(type, m), 0, NULL }
#define BOOLEAN(key, type, m) { key, SCHEMA_BOOL, false, 0, 0, offsetof(type, m), 0, 0, NULL }
#define TEXTS(key, need, hi, type, m) { key, SCHEMA_TEXTS, need, 1, hi, offsetof(type, m), 0, 0, NULL }
#define OBJECT(key, need, type, m, sub) { key, SCHEMA_OBJECT, need, 0, 0, offsetof(type, m), 0, 0, sub }
#define OBJECTS(key, lo, hi, type, m, n, sub) \
    { key, SCHEMA_OBJECTS, true, lo, hi, offsetof(type, m), MEMBER_SIZE(type, m[0]), offsetof(type, n), sub }
#define SOME(key, hi, type, m, n, sub) \
    { key, SCHEMA_OBJECTS, false, 1, hi, offsetof(type, m), MEMBER_SIZE(type, m[0]), offsetof(type, n), sub }
#define SCHEMA(name, fields) static const struct schema name = { fields, COUNT(fields) }

static const struct schema_field slot_fields[] = {
    TEXT("file", false, 1, PATH_LEN_MAX, struct agent_slot, file),
    TEXT("block", false, 1, PATH_LEN_MAX, struct agent_slot, block),
    UINT("size", 1, UINT64_C(1) << 48, struct agent_slot, size),
};
SCHEMA(slot_schema, slot_fields);

static const struct schema_field package_fields[] = {
    TEXT("key", true, 1, PATH_LEN_MAX, struct agent_package, key),
    TEXT("component", false, 36, 36, struct agent_package, component),
    UINT("security_min", 1, UINT32_MAX, struct agent_package, security_min),
};
SCHEMA(package_schema, package_fields);

static const struct schema_field component_fields[] = {
    TEXT("name", true, 1, OTA_NAME_MAX - 1, struct agent_component, name),
    OBJECTS("slots", 2, 2, struct agent_component, slot, slot_count, &slot_schema),
    TEXT("factory_version", false, 1, OTA_VERSION_MAX - 1, struct agent_component, factory_version),
    BOOLEAN("removable", struct agent_component, removable),
    OBJECT("package", false, struct agent_component, package, &package_schema),
    TEXT("pin", false, 1, OTA_VERSION_MAX - 1, struct agent_component, pin),
};
SCHEMA(component_schema, component_fields);

static const struct schema_field provided_fields[] = {
    TEXT("name", true, 1, OTA_NAME_MAX - 1, struct ota_provided, name),
    { "level", SCHEMA_UINT, true, 1, UINT32_MAX, offsetof(struct ota_provided, level), MEMBER_SIZE(struct ota_provided, level), 0, NULL },
};
SCHEMA(provided_schema, provided_fields);

static const struct schema_field application_fields[] = {
    { "uid", SCHEMA_UINT, true, 0, UINT32_MAX - 1, offsetof(struct agent_application, uid), MEMBER_SIZE(struct agent_application, uid), 0, NULL },
};
SCHEMA(application_schema, application_fields);

static const struct schema_field turns_fields[] = {
    UINT("system_s", 1, 86400, struct agent_config, system_turn_s),
    UINT("application_s", 1, 86400, struct agent_config, app_turn_s),
};
SCHEMA(turns_schema, turns_fields);

static const struct schema_field repo_fields[] = {
    TEXT("name", true, 1, 15, struct agent_repo, name),
    TEXT("metadata_url", true, 1, OTA_URL_MAX - 1, struct agent_repo, metadata_url),
    TEXT("targets_url", true, 1, OTA_URL_MAX - 1, struct agent_repo, targets_url),
    TEXTS("prefixes", true, AGENT_PREFIXES_MAX, struct agent_repo, prefixes),
    TEXT("root", true, 1, PATH_LEN_MAX, struct agent_repo, root),
};
SCHEMA(repo_schema, repo_fields);

static const struct schema_field boot_fields[] = {
    TEXT("type", true, 1, 31, struct agent_boot, type),
    TEXT("path", false, 1, PATH_LEN_MAX, struct agent_boot, path),
    TEXT("record", false, 1, PATH_LEN_MAX, struct agent_boot, record),
    TEXTS("slots", false, 2, struct agent_boot, slots),
    TEXT("variable", false, 1, 63, struct agent_boot, variable),
    UINT("attempts", 1, 15, struct agent_boot, attempts),
    UINT("timeout_s", 1, 3600, struct agent_boot, timeout_s),
    TEXTS("reboot", false, AGENT_ARGS_MAX, struct agent_boot, reboot),
};
SCHEMA(boot_schema, boot_fields);

static const struct schema_field health_fields[] = {
    TEXTS("command", true, AGENT_ARGS_MAX, struct agent_health, command),
    UINT("timeout_s", 1, 86400, struct agent_health, timeout_s),
};
SCHEMA(health_schema, health_fields);

static const struct schema_field attribute_fields[] = {
    TEXT("key", true, 1, 128, struct agent_attribute, key),
    TEXT("value", true, 0, 128, struct agent_attribute, value),
};
SCHEMA(attribute_schema, attribute_fields);

static const struct schema_field hawkbit_fields[] = {
    TEXT("url", true, 1, OTA_URL_MAX - 1, struct agent_hawkbit, url),
    TEXT("tenant", false, 1, OTA_HAWKBIT_ID_MAX, struct agent_hawkbit, tenant),
    TEXT("controller_id", false, 1, OTA_HAWKBIT_ID_MAX, struct agent_hawkbit, controller_id),
    TEXT("target_token_file", false, 1, PATH_LEN_MAX, struct agent_hawkbit, target_token_file),
    TEXT("gateway_token_file", false, 1, PATH_LEN_MAX, struct agent_hawkbit, gateway_token_file),
    TEXT("consent", false, 1, 15, struct agent_hawkbit, consent),
    { "attributes", SCHEMA_OBJECTS, false, 0, OTA_HAWKBIT_ATTRIBUTES_MAX, offsetof(struct agent_hawkbit, attribute),
      MEMBER_SIZE(struct agent_hawkbit, attribute[0]), offsetof(struct agent_hawkbit, attribute_count), &attribute_schema },
    BOOLEAN("replace_attributes", struct agent_hawkbit, replace_attributes),
    TEXT("installed_set", false, 1, OTA_HAWKBIT_ID_MAX, struct agent_hawkbit, installed_set),
    UINT("poll_min_s", 1, 86400, struct agent_hawkbit, poll_min_s),
    UINT("poll_max_s", 1, 2592000, struct agent_hawkbit, poll_max_s),
    UINT("look_s", 1, 86400, struct agent_hawkbit, look_s),
};
SCHEMA(hawkbit_schema, hawkbit_fields);

static const struct schema_field net_fields[] = {
    TEXT("ca_file", false, 1, PATH_LEN_MAX, struct agent_net, ca_file),
    TEXT("client_cert", false, 1, PATH_LEN_MAX, struct agent_net, client_cert),
    TEXT("client_key", false, 1, PATH_LEN_MAX, struct agent_net, client_key),
    TEXT("proxy", false, 1, OTA_URL_MAX - 1, struct agent_net, proxy),
};
SCHEMA(net_schema, net_fields);

/* The core judges how the limits fit together; here only what could never be meant is refused. */
static const struct schema_field limits_fields[] = {
    UINT("root_max", 256, 1u << 24, struct ota_limits, tuf.root_max),
    UINT("timestamp_max", 256, 1u << 24, struct ota_limits, tuf.timestamp_max),
    UINT("snapshot_max", 256, 1u << 24, struct ota_limits, tuf.snapshot_max),
    UINT("targets_max", 256, 1u << 24, struct ota_limits, tuf.targets_max),
    UINT("rotations_max", 1, 1024, struct ota_limits, tuf.rotations_max),
    UINT("key_bytes", 65, 32767, struct ota_limits, tuf.key_bytes),
    UINT("roles_max", 1, 32, struct ota_limits, tuf.roles_max),
    UINT("pointer_max", 256, 1u << 20, struct ota_limits, pointer_max),
    UINT("block", 512, 1u << 30, struct ota_limits, block),
    UINT("io", 512, 1u << 24, struct ota_limits, io),
    UINT("window_bits", 1, 15, struct ota_limits, window_bits),
    UINT("zstd_window_bits", 0, 23, struct ota_limits, zstd_window_bits),
    UINT("delta_memory", 1, 1u << 30, struct ota_limits, delta_memory),
    UINT("bytes_max", 1, UINT64_MAX >> 1, struct ota_limits, bytes_max),
    UINT("redirects", 1, 16, struct ota_limits, redirects),
    UINT("low_speed_bps", 1, UINT32_MAX, struct ota_limits, low_speed_bps),
    UINT("low_speed_s", 1, 86400, struct ota_limits, low_speed_s),
    UINT("connect_ms", 1, 86400000, struct ota_limits, connect_ms),
    UINT("head_ms", 1, 86400000, struct ota_limits, head_ms),
    UINT("rate_bps", 1, UINT32_MAX, struct ota_limits, rate_bps),
};
SCHEMA(limits_schema, limits_fields);

static const struct schema_field times_fields[] = {
    UINT("poll_s", 1, UINT32_MAX, struct ota_times, poll_s),
    UINT("full_s", 1, UINT32_MAX, struct ota_times, full_s),
    UINT("retry_base_s", 1, 86400, struct ota_times, retry_base_s),
    UINT("retry_cap_s", 1, UINT32_MAX, struct ota_times, retry_cap_s),
    UINT("health_grace_s", 1, UINT32_MAX, struct ota_times, health_grace_s),
    UINT("health_deadline_s", 1, UINT32_MAX, struct ota_times, health_deadline_s),
    UINT("defer_cap_s", 1, UINT32_MAX, struct ota_times, defer_cap_s),
    UINT("utc_floor_s", 1, UINT64_C(1) << 40, struct ota_times, utc_floor_s),
    UINT("start_s", 1, 604800, struct ota_times, start_s),
    UINT("poll_min_s", 1, UINT32_MAX, struct ota_times, poll_min_s),
    UINT("poll_max_s", 1, UINT32_MAX, struct ota_times, poll_max_s),
};
SCHEMA(times_schema, times_fields);

static const struct schema_field window_fields[] = {
    TEXTS("days", false, 7, struct agent_window, days),
    TEXT("from", true, 5, 5, struct agent_window, from),
    TEXT("to", true, 5, 5, struct agent_window, to),
};
SCHEMA(window_schema, window_fields);

static const struct schema_field policy_fields[] = {
    SOME("windows", OTA_WINDOWS_MAX, struct agent_policy, window, window_count, &window_schema),
    TEXT("utc_offset", false, 6, 6, struct agent_policy, utc_offset),
    BOOLEAN("fetch_in_window", struct agent_policy, fetch_in_window),
    TEXT("consent", false, 1, 15, struct agent_policy, consent),
    TEXT("consent_file", false, 1, PATH_LEN_MAX, struct agent_policy, consent_file),
    UINT("battery_min", 1, 100, struct agent_policy, battery_min),
    TEXT("power_supply", false, 1, PATH_LEN_MAX, struct agent_policy, power_supply),
    TEXT("metered", false, 1, 15, struct agent_policy, metered),
    TEXTS("metered_command", false, AGENT_ARGS_MAX, struct agent_policy, metered_command),
    UINT("metered_bytes_max", 1, UINT64_MAX >> 1, struct agent_policy, metered_bytes_max),
};
SCHEMA(policy_schema, policy_fields);

static const struct schema_field config_fields[] = {
    TEXT("product", true, 1, OTA_NAME_MAX - 1, struct agent_config, product),
    TEXT("group", true, 1, OTA_NAME_MAX - 1, struct agent_config, group),
    UINT("director", 0, OTA_DIRECTOR_DEVICE, struct agent_config, director),
    TEXT("device_id", false, 1, 127, struct agent_config, device_id),
    TEXT("state_dir", true, 1, PATH_LEN_MAX, struct agent_config, state_dir),
    TEXT("runtime_dir", true, 1, RUNTIME_DIR_MAX, struct agent_config, runtime_dir),
    OBJECTS("components", 1, OTA_COMPONENTS_MAX, struct agent_config, component, component_count, &component_schema),
    OBJECTS("repositories", 1, OTA_REPOS_MAX, struct agent_config, repo, repo_count, &repo_schema),
    OBJECT("boot", true, struct agent_config, boot, &boot_schema),
    OBJECT("health", false, struct agent_config, health, &health_schema),
    OBJECT("net", false, struct agent_config, net, &net_schema),
    OBJECT("identity", false, struct agent_config, identity, &agent_identity_schema),
    OBJECT("hawkbit", false, struct agent_config, hawkbit, &hawkbit_schema),
    OBJECT("policy", false, struct agent_config, policy, &policy_schema),
    OBJECT("attest", false, struct agent_config, attest, &agent_attest_schema),
    OBJECT("telemetry", false, struct agent_config, telemetry, &agent_telemetry_schema),
    OBJECT("sandbox", false, struct agent_config, sandbox, &agent_sandbox_schema),
    OBJECT("monitor", false, struct agent_config, monitor, &agent_monitor_schema),
    OBJECT("sideload", false, struct agent_config, owner, &agent_owner_schema),
    TEXT("report_url", false, 1, OTA_URL_MAX - 1, struct agent_config, report_url),
    UINT("tries", 1, 15, struct agent_config, tries),
    BOOLEAN("plain_http", struct agent_config, plain_http),
    OBJECT("limits", false, struct agent_config, limits, &limits_schema),
    OBJECT("times", false, struct agent_config, times, &times_schema),
    { "provides", SCHEMA_OBJECTS, false, 1, AGENT_PROVIDES_MAX, offsetof(struct agent_config, provides),
      MEMBER_SIZE(struct agent_config, provides[0]), offsetof(struct agent_config, provides_count), &provided_schema },
    { "applications", SCHEMA_OBJECTS, false, 1, AGENT_APPLICATIONS_MAX, offsetof(struct agent_config, application),
      MEMBER_SIZE(struct agent_config, application[0]), offsetof(struct agent_config, application_count), &application_schema },
    { "turns", SCHEMA_OBJECT, false, 0, 0, 0, 0, 0, &turns_schema },
};
SCHEMA(config_schema, config_fields);

/* cJSON lets some bytes pass that JSON forbids, and a NUL would cut a text short without a word. */
static bool is_clean(const char *text, size_t len, struct schema_fault *fault)
{
    static const char escaped_nul[] = "\\u0000";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return schema_fail(fault, "", "not JSON: control character");
        if (len - i >= sizeof escaped_nul - 1 && memcmp(text + i, escaped_nul, sizeof escaped_nul - 1) == 0)
            return schema_fail(fault, "", "the character \\u0000 is not allowed");
    }
    return true;
}

static size_t line_of(const char *text, const char *end)
{
    size_t line = 1;

    for (const char *p = text; p < end; p++)
        line += *p == '\n';
    return line;
}

static bool fail_at(struct schema_fault *fault, const char *text, const char *at)
{
    char what[64];

    (void)snprintf(what, sizeof what, "not JSON: line %zu", line_of(text, at));
    return schema_fail(fault, "", what);
}

/* One JSON value and nothing but white space behind it. */
static cJSON *parse_json(const char *text, size_t len, struct schema_fault *fault)
{
    const char *end = text;
    cJSON *tree = cJSON_ParseWithLengthOpts(text, len, &end, 0);

    if (!tree) {
        (void)fail_at(fault, text, end > text + len ? text + len : end);
        return NULL;
    }
    while (end < text + len && strchr(" \t\r\n", *end))
        end++;
    if (end < text + len) {
        cJSON_Delete(tree);
        (void)fail_at(fault, text, end);
        return NULL;
    }
    return tree;
}

static bool check_slot(const struct agent_slot *s, size_t component, size_t index, struct schema_fault *fault)
{
    char where[64];

    (void)snprintf(where, sizeof where, "components[%zu].slots[%zu]", component, index);
    if (!s->file == !s->block)
        return schema_fail(fault, where, "must have exactly one of \"file\" and \"block\"");
    if (s->block && s->size)
        return schema_fail(fault, where, "\"size\" goes with \"file\" only");
    return true;
}

static const char *slot_path(const struct agent_slot *s)
{
    return s->file ? s->file : s->block;
}

/* A slot that is named twice would be overwritten while it runs. */
static bool is_new_slot(const struct agent_config *c, size_t nth, struct schema_fault *fault)
{
    const char *path = slot_path(&c->component[nth / 2].slot[nth % 2]);

    for (size_t i = 0; i < nth; i++) {
        if (strcmp(path, slot_path(&c->component[i / 2].slot[i % 2])) == 0) {
            char where[64];

            (void)snprintf(where, sizeof where, "components[%zu].slots[%zu]", nth / 2, nth % 2);
            return schema_fail(fault, where, "is the same slot as an earlier one");
        }
    }
    return true;
}

/* What each type of boot control takes beside its name. */
struct boot_type {
    const char *name;
    bool path, slots, variable, attempts, record, waits;
};

static const struct boot_type boot_types[] = {
    { "file", .path = true },
    { "grub", .path = true, .attempts = true, .record = true },
    { "uboot", .path = true, .attempts = true, .record = true, .waits = true },
    { "uboot-bootcount", .path = true, .variable = true, .record = true, .waits = true },
    { "systemd-boot", .path = true, .slots = true, .record = true },
    { "efi", .slots = true, .record = true },
    { "custom", .path = true, .record = true, .waits = true },
};

static const struct boot_type *find_boot_type(const char *name)
{
    for (size_t i = 0; i < COUNT(boot_types); i++)
        if (strcmp(boot_types[i].name, name) == 0)
            return &boot_types[i];
    return NULL;
}

static bool check_boot(const struct agent_config *c, struct schema_fault *fault)
{
    const struct agent_boot *b = &c->boot;
    const struct boot_type *t = find_boot_type(b->type);

    if (!t)
        return schema_fail(fault, "boot.type", "must be \"file\", \"grub\", \"uboot\", \"uboot-bootcount\", \"systemd-boot\", \"efi\" or \"custom\"");
    if (t->path && !b->path)
        return schema_fail(fault, "boot.path", "is missing");
    if ((t->slots && !b->slots[0]) || (b->slots[0] && !b->slots[1]))
        return schema_fail(fault, "boot.slots", b->slots[0] ? "must be an array of 2 to 2" : "is missing");
    if (t->variable && !b->variable)
        return schema_fail(fault, "boot.variable", "is missing");
    if (b->variable && !t->variable)
        return schema_fail(fault, "boot.variable", "does not go with this type");
    if (b->attempts && !t->attempts)
        return schema_fail(fault, "boot.attempts", "does not go with this type");
    if (b->timeout_s && !t->waits)
        return schema_fail(fault, "boot.timeout_s", "does not go with this type");
    if ((b->record || b->slots[0]) && !t->record)
        return schema_fail(fault, b->record ? "boot.record" : "boot.slots", "does not go with this type");
    if (t->record && c->component_count > 1)
        return schema_fail(fault, "components", "must be one: the boot loader switches one component");
    return true;
}

static bool check_hawkbit(const struct agent_hawkbit *h, struct schema_fault *fault)
{
    const char *consent = h->consent ? h->consent : "confirm";

    if (h->target_token_file && h->gateway_token_file)
        return schema_fail(fault, "hawkbit.gateway_token_file", "does not go with target_token_file: a device has one of them");
    if (strcmp(consent, "confirm") != 0 && strcmp(consent, "deny") != 0 && strcmp(consent, "wait") != 0)
        return schema_fail(fault, "hawkbit.consent", "must be \"confirm\", \"deny\" or \"wait\"");
    return true;
}

/* The writer signs inside the sandbox, where no socket is made; a device file stays open from before. */
static bool is_simulator(const char *tcti)
{
    return tcti && (strncmp(tcti, "swtpm:", 6) == 0 || strncmp(tcti, "mssim:", 6) == 0);
}

static bool check_attest(const struct agent_config *c, struct schema_fault *fault)
{
    if (!c->attest.url)
        return true;
    if (c->identity.kind == AGENT_IDENTITY_NONE)
        return schema_fail(fault, "identity", "is missing: attest needs the device's key");
    if (is_simulator(c->identity.tcti) && c->sandbox.mode != AGENT_SANDBOX_OFF)
        return schema_fail(fault, "identity.tcti", "is a simulator behind a socket: with attest that needs sandbox.mode \"off\"");
    return agent_attest_check(&c->attest, fault);
}

static bool check_whole(struct agent_config *c, struct schema_fault *fault)
{
    for (size_t i = 0; i < c->component_count * 2; i++)
        if (!check_slot(&c->component[i / 2].slot[i % 2], i / 2, i % 2, fault) || !is_new_slot(c, i, fault))
            return false;
    if (!agent_identity_read(&c->identity, fault))
        return false;
    if (!c->device_id && c->identity.kind == AGENT_IDENTITY_NONE)
        return schema_fail(fault, "device_id", "is missing");
    if (!check_boot(c, fault) || !check_hawkbit(&c->hawkbit, fault) || !agent_policy_read(&c->policy, fault) ||
        !agent_telemetry_check(&c->telemetry, fault) || !agent_sandbox_read(&c->sandbox, fault) ||
        !check_attest(c, fault) || !agent_monitor_read(&c->monitor, fault) || !agent_owner_read(&c->owner, fault))
        return false;
    if (c->attest.url && c->net.client_cert)
        return schema_fail(fault, "net.client_cert", "does not go with attest: that brings the certificate");
    for (size_t i = 0; i < c->component_count; i++)
        c->policy.settings.pin[i] = c->component[i].pin;
    if (!c->net.client_cert != !c->net.client_key)
        return schema_fail(fault, c->net.client_cert ? "net.client_key" : "net.client_cert", "is missing: certificate and key go together");
    return true;
}

bool agent_config_parse(struct agent_config *c, const char *text, size_t len, struct schema_fault *fault)
{
    *c = (struct agent_config){ .limits = { .tuf.key_bytes = AGENT_KEY_BYTES, .block = AGENT_BLOCK,
                                            .delta_memory = AGENT_DELTA_MEMORY },
                                .times = { .utc_floor_s = AGENT_UTC_FLOOR },
                                .system_turn_s = OTA_POSIX_SYSTEM_TURN_S, .app_turn_s = OTA_POSIX_APP_TURN_S };
    if (len > AGENT_CONFIG_MAX)
        return schema_fail(fault, "", "larger than 65536 bytes");
    if (!is_clean(text, len, fault))
        return false;
    c->tree = parse_json(text, len, fault);
    if (!c->tree)
        return false;
    if (!schema_read(&config_schema, c->tree, c, fault) || !check_whole(c, fault)) {
        agent_config_free(c);
        return false;
    }
    return true;
}

bool agent_config_load(struct agent_config *c, const char *path, struct schema_fault *fault)
{
    static char text[AGENT_CONFIG_MAX + 1];
    FILE *f = fopen(path, "rb");
    size_t len;
    bool bad;

    *c = (struct agent_config){ .tree = NULL };
    if (!f)
        return schema_fail(fault, "", strerror(errno));
    len = fread(text, 1, sizeof text, f);
    bad = ferror(f) != 0;
    (void)fclose(f);
    return bad ? schema_fail(fault, "", "cannot be read") : agent_config_parse(c, text, len, fault);
}

void agent_config_free(struct agent_config *c)
{
    cJSON_Delete(c->tree);
    *c = (struct agent_config){ .tree = NULL };
}
