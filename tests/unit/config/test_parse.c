/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's configuration file: a whole one, and every way to get it wrong, each with the name of the key. */
#define _POSIX_C_SOURCE 200809L /* mkstemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define SLOTS "[{\"file\":\"/s/a\",\"size\":1048576},{\"file\":\"/s/b\"}]"
#define COMPONENT "{\"name\":\"os\",\"slots\":" SLOTS ",\"factory_version\":\"1.0.0\"}"
#define REPO "{\"name\":\"product\",\"metadata_url\":\"http://h/m/\",\"targets_url\":\"http://h/t/\",\"prefixes\":[\"app/\",\"group/\"],\"root\":\"/r\"}"
#define HEAD "\"product\":\"thermostat\",\"group\":\"production\",\"device_id\":\"d-1\",\"state_dir\":\"/s\",\"runtime_dir\":\"/r\""
#define LISTS "\"components\":[" COMPONENT "],\"repositories\":[" REPO "]"
#define BOOT "\"boot\":{\"type\":\"file\",\"path\":\"/b\"}"
#define GOOD HEAD "," LISTS "," BOOT

static struct agent_config config;
static struct schema_fault fault;

static bool parse(const char *text)
{
    return agent_config_parse(&config, text, strlen(text), &fault);
}

static void refuse(const char *text, const char *where, const char *what)
{
    memset(&fault, 0, sizeof fault);
    assert_false(parse(text));
    assert_string_equal(fault.where, where);
    if (!strstr(fault.what, what))
        fail_msg("%s: \"%s\" does not say \"%s\"", where, fault.what, what);
    assert_null(config.tree);
    agent_config_free(&config); /* harmless */
}

#define ATTEST(text) "{" GOOD "," DEVICE_KEY ",\"attest\":{" text "}}"
#define DEVICE_KEY "\"identity\":{\"kind\":\"file\",\"dir\":\"/i\"}"
#define ATTEST_GOOD "\"url\":\"https://a\",\"log\":\"/l\""

static void what_comes_of_attestation(void **state)
{
    (void)state;
    assert_true(parse(ATTEST(ATTEST_GOOD ",\"form\":\"jwt\",\"ca_file\":\"/c\",\"token_file\":\"/t\",\"application_file\":\"/a/p\",\"retry_cap_s\":600")));
    assert_string_equal(config.attest.url, "https://a");
    assert_int_equal(config.attest.retry_cap_s, 600);
    agent_config_free(&config);
    refuse(ATTEST("\"log\":\"/l\""), "attest.url", "is missing");
    refuse("{" GOOD ",\"attest\":{" ATTEST_GOOD "}}", "identity", "is missing: attest needs");
    refuse("{" GOOD ",\"identity\":{\"kind\":\"tpm\",\"tcti\":\"swtpm:\"},\"attest\":{" ATTEST_GOOD "}}", "identity.tcti", "is a simulator");
    refuse(ATTEST("\"url\":\"https://a\""), "attest.log", "is missing");
    refuse(ATTEST(ATTEST_GOOD ",\"identity\":\"/i\""), "attest.identity", "is not a known key");
    refuse(ATTEST(ATTEST_GOOD ",\"URL\":1"), "attest.URL", "is not a known key");
    refuse(ATTEST("\"url\":\"http://host\",\"log\":\"/l\""), "attest.url", "must begin with https://");
    refuse(ATTEST("\"url\":\"https://host/\",\"log\":\"/l\""), "attest.url", "not end in /");
    refuse(ATTEST(ATTEST_GOOD ",\"form\":\"xml\""), "attest.form", "\"cose\" or \"jwt\"");
    refuse(ATTEST(ATTEST_GOOD ",\"implementation\":\"00\""), "attest.implementation", "of length 64");
    refuse(ATTEST(ATTEST_GOOD ",\"application_file\":\"a/b\""), "attest.application_file", "must be a whole path");
    refuse(ATTEST(ATTEST_GOOD ",\"retry_cap_s\":604801"), "attest.retry_cap_s", "1 to 604800");
    refuse("{" GOOD "," DEVICE_KEY ",\"net\":{\"client_cert\":\"/c\",\"client_key\":\"/k\"},\"attest\":{" ATTEST_GOOD "}}", "net.client_cert", "does not go with attest");
}

#define SANDBOX(text) "{" GOOD ",\"sandbox\":{" text "}}"

static void how_the_agent_is_held(void **state)
{
    (void)state;
    assert_true(parse("{" GOOD "}"));
    assert_int_equal(config.sandbox.mode, AGENT_SANDBOX_ON);
    agent_config_free(&config);
    assert_true(parse(SANDBOX("\"mode\":\"required\",\"read\":[\"/a\",\"/b\"],\"write\":[\"/c\"]")));
    assert_int_equal(config.sandbox.mode, AGENT_SANDBOX_REQUIRED);
    assert_string_equal(config.sandbox.read[1], "/b");
    assert_string_equal(config.sandbox.write[0], "/c");
    assert_null(config.sandbox.write[1]);
    agent_config_free(&config);
    assert_true(parse(SANDBOX("\"mode\":\"off\"")));
    assert_int_equal(config.sandbox.mode, AGENT_SANDBOX_OFF);
    agent_config_free(&config);
    refuse(SANDBOX("\"mode\":\"maybe\""), "sandbox.mode", "must be one of on, required, off");
    refuse(SANDBOX("\"mode\":true"), "sandbox.mode", "must be a string");
    refuse(SANDBOX("\"Mode\":\"on\""), "sandbox.Mode", "is not a known key");
    refuse(SANDBOX("\"read\":[\"/a\",\"b\"]"), "sandbox.read[1]", "must be an absolute path");
    refuse(SANDBOX("\"write\":[\"//\"]"), "sandbox.write[0]", "would open everything");
    refuse(SANDBOX("\"read\":[]"), "sandbox.read", "an array of 1 to 16");
    refuse(SANDBOX("\"mode\":\"off\",\"write\":[\"/a\"]"), "sandbox.write", "does not go with");
}

#define TELEMETRY(text) "{" GOOD ",\"telemetry\":{" text "}}"
#define IDENTITY(text) "{" GOOD ",\"identity\":{" text "}}"
#define POLICY(text) "{" GOOD ",\"policy\":{" text "}}"
#define WINDOW(text) POLICY("\"windows\":[{\"from\":\"02:00\",\"to\":\"04:00\"},{" text "}]")

static void when_updates_may_come(void **state)
{
    const struct ota_policy *s = &config.policy.settings;

    (void)state;
    assert_true(parse("{" GOOD "}"));
    assert_true(s->size == sizeof *s && s->window_count == 0 && s->consent == OTA_CONSENT_NONE && s->metered == OTA_METERED_ANY);
    agent_config_free(&config);
    assert_true(parse(POLICY("\"windows\":[{\"days\":[\"sat\",\"sun\"],\"from\":\"22:30\",\"to\":\"02:00\"},{\"from\":\"00:00\",\"to\":\"24:00\"}],"
                             "\"utc_offset\":\"-03:30\",\"fetch_in_window\":true,\"consent\":\"fetch\",\"consent_file\":\"/run/c\",\"battery_min\":30,"
                             "\"power_supply\":\"/p\",\"metered\":\"differences\",\"metered_command\":[\"/m\",\"x\"],\"metered_bytes_max\":5")));
    assert_true(s->window_count == 2 && s->utc_offset_min == -210 && s->fetch_in_window && s->consent == OTA_CONSENT_FETCH);
    assert_true(s->battery_min == 30 && s->metered == OTA_METERED_DIFFERENCES && s->metered_bytes_max == 5);
    assert_true(config.policy.windows[0].days == 0x41 && config.policy.windows[0].from_min == 1350 && config.policy.windows[0].to_min == 120);
    assert_true(config.policy.windows[1].days == OTA_EVERY_DAY && config.policy.windows[1].from_min == 0 && config.policy.windows[1].to_min == 1440);
    assert_string_equal(config.policy.consent_file, "/run/c");
    assert_string_equal(config.policy.power_supply, "/p");
    assert_string_equal(config.policy.metered_command[1], "x");
    agent_config_free(&config);
    assert_true(parse("{" HEAD ",\"components\":[{\"name\":\"os\",\"slots\":" SLOTS ",\"pin\":\"1.2.3\"}],\"repositories\":[" REPO "]," BOOT "}"));
    assert_string_equal(s->pin[0], "1.2.3");
    assert_null(s->pin[1]);
    agent_config_free(&config);
    assert_true(parse(POLICY("\"utc_offset\":\"+14:00\",\"metered\":\"any\",\"consent\":\"none\"")));
    assert_int_equal(s->utc_offset_min, 840);
    agent_config_free(&config);
}

static void what_no_update_could_follow(void **state)
{
    static const struct { const char *text, *where, *what; } rows[] = {
        { POLICY("\"window\":[]"), "policy.window", "not a known key" },
        { POLICY("\"windows\":[]"), "policy.windows", "an array of 1 to 16" },
        { POLICY("\"windows\":{}"), "policy.windows", "must be an array" },
        { WINDOW("\"from\":\"02:00\""), "policy.windows[1].to", "is missing" },
        { WINDOW("\"from\":\"24:00\",\"to\":\"04:00\""), "policy.windows[1].from", "00:00 to 23:59" },
        { WINDOW("\"from\":\"2:000\",\"to\":\"04:00\""), "policy.windows[1].from", "00:00 to 23:59" },
        { WINDOW("\"from\":\"02-00\",\"to\":\"04:00\""), "policy.windows[1].from", "00:00 to 23:59" },
        { WINDOW("\"from\":\"02:60\",\"to\":\"04:00\""), "policy.windows[1].from", "00:00 to 23:59" },
        { WINDOW("\"from\":\"02:0x\",\"to\":\"04:00\""), "policy.windows[1].from", "00:00 to 23:59" },
        { WINDOW("\"from\":\"02:00\",\"to\":\"00:00\""), "policy.windows[1].to", "00:01 to 24:00" },
        { WINDOW("\"from\":\"02:00\",\"to\":\"24:01\""), "policy.windows[1].to", "00:01 to 24:00" },
        { WINDOW("\"from\":\"02:00\",\"to\":\"02:00\""), "policy.windows[1].to", "must not be the time" },
        { WINDOW("\"from\":\"2:00\",\"to\":\"04:00\""), "policy.windows[1].from", "a string of length 5 to 5" },
        { WINDOW("\"days\":[\"mon\",\"Tue\"],\"from\":\"02:00\",\"to\":\"04:00\""), "policy.windows[1].days[1]", "must be one of mon" },
        { WINDOW("\"days\":[\"mon\",\"mon\"],\"from\":\"02:00\",\"to\":\"04:00\""), "policy.windows[1].days[1]", "appears twice" },
        { WINDOW("\"days\":[],\"from\":\"02:00\",\"to\":\"04:00\""), "policy.windows[1].days", "an array of 1 to 7" },
        { POLICY("\"utc_offset\":60"), "policy.utc_offset", "must be a string" },
        { POLICY("\"utc_offset\":\"+14:01\""), "policy.utc_offset", "-12:00 to +14:00" },
        { POLICY("\"utc_offset\":\"-12:01\""), "policy.utc_offset", "-12:00 to +14:00" },
        { POLICY("\"utc_offset\":\"001:00\""), "policy.utc_offset", "-12:00 to +14:00" },
        { POLICY("\"fetch_in_window\":1"), "policy.fetch_in_window", "true or false" },
        { POLICY("\"consent\":\"always\""), "policy.consent", "one of none, install, fetch" },
        { POLICY("\"consent\":\"install\""), "policy.consent_file", "is missing" },
        { POLICY("\"battery_min\":0"), "policy.battery_min", "1 to 100" },
        { POLICY("\"battery_min\":101"), "policy.battery_min", "1 to 100" },
        { POLICY("\"metered\":\"never\""), "policy.metered", "one of any, differences, nothing" },
        { POLICY("\"metered\":\"nothing\""), "policy.metered_command", "is missing" },
        { POLICY("\"metered_bytes_max\":1"), "policy.metered_command", "is missing" },
        { POLICY("\"metered_bytes_max\":0"), "policy.metered_bytes_max", "integer" },
        { POLICY("\"metered_command\":[\"\"]"), "policy.metered_command[0]", "length" },
        { "{" GOOD ",\"policy\":[]}", "policy", "must be an object" },
        { IDENTITY("\"dir\":\"/i\""), "identity.kind", "is missing" },
        { IDENTITY("\"kind\":\"hsm\""), "identity.kind", "must be" },
        { IDENTITY("\"kind\":\"file\""), "identity.dir", "is missing" },
        { IDENTITY("\"kind\":\"psa\""), "identity.dir", "is missing" },
        { IDENTITY("\"kind\":\"tpm\""), "identity.tcti", "is missing" },
        { IDENTITY("\"kind\":\"tpm\",\"tcti\":\"device\",\"dir\":\"/i\""), "identity.dir", "does not go" },
        { IDENTITY("\"kind\":\"file\",\"dir\":\"/i\",\"tcti\":\"device\""), "identity.tcti", "does not go" },
        { IDENTITY("\"kind\":\"psa\",\"dir\":\"/i\",\"owner_auth_file\":\"/o\""), "identity.owner_auth_file", "does not go" },
        { IDENTITY("\"kind\":\"file\",\"dir\":\"/i\",\"key_id\":7"), "identity.key_id", "does not go" },
        { IDENTITY("\"kind\":\"psa\",\"dir\":\"/i\",\"key_id\":0"), "identity.key_id", "an integer of 1 to" },
        { IDENTITY("\"kind\":\"file\",\"dir\":\"/i\",\"path\":\"/p\""), "identity.path", "not a known key" },
        { TELEMETRY("\"facts\":1"), "telemetry.facts", "true or false" },
        { TELEMETRY("\"fact\":true"), "telemetry.fact", "not a known key" },
        { TELEMETRY("\"log\":\"journal\""), "telemetry.log", "\"stderr\" or \"syslog\"" },
        { TELEMETRY("\"facility\":\"daemon\""), "telemetry.facility", "goes with" },
        { TELEMETRY("\"log\":\"syslog\",\"facility\":\"mail\""), "telemetry.facility", "daemon, user, or local0" },
        { "{" HEAD ",\"components\":[{\"name\":\"os\",\"slots\":" SLOTS ",\"pin\":\"\"}],\"repositories\":[" REPO "]," BOOT "}", "components[0].pin", "length" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refuse(rows[i].text, rows[i].where, rows[i].what);
}

static void smallest(void **state)
{
    (void)state;
    assert_true(parse(IDENTITY("\"kind\":\"tpm\",\"tcti\":\"device:/dev/tpmrm0\",\"owner_auth_file\":\"/o\",\"certificate\":\"/c\"")));
    assert_true(config.identity.kind == AGENT_IDENTITY_TPM && strcmp(config.identity.tcti, "device:/dev/tpmrm0") == 0);
    agent_config_free(&config);
    assert_true(parse(IDENTITY("\"kind\":\"psa\",\"dir\":\"/i\",\"key_id\":7")));
    assert_true(config.identity.kind == AGENT_IDENTITY_PSA && config.identity.key_id == 7);
    agent_config_free(&config);
    assert_true(parse("{\"product\":\"t\",\"group\":\"p\",\"state_dir\":\"/s\",\"runtime_dir\":\"/r\"," LISTS "," BOOT
                      ",\"identity\":{\"kind\":\"file\",\"dir\":\"/i\"}}"));
    assert_true(config.identity.kind == AGENT_IDENTITY_FILE && !config.device_id); /* the key's hash is its name */
    agent_config_free(&config);
    assert_true(parse(TELEMETRY("\"facts\":true,\"log\":\"syslog\",\"facility\":\"local7\"")));
    assert_true(config.telemetry.facts && agent_telemetry_syslog(&config.telemetry));
    agent_config_free(&config);
    assert_true(parse("{" GOOD "}"));
    assert_false(config.telemetry.facts || agent_telemetry_syslog(&config.telemetry));
    assert_string_equal(config.product, "thermostat");
    assert_string_equal(config.group, "production");
    assert_string_equal(config.device_id, "d-1");
    assert_string_equal(config.state_dir, "/s");
    assert_string_equal(config.runtime_dir, "/r");
    assert_int_equal(config.component_count, 1);
    assert_string_equal(config.component[0].name, "os");
    assert_string_equal(config.component[0].factory_version, "1.0.0");
    assert_string_equal(config.component[0].slot[0].file, "/s/a");
    assert_int_equal(config.component[0].slot[0].size, 1048576);
    assert_string_equal(config.component[0].slot[1].file, "/s/b");
    assert_int_equal(config.component[0].slot[1].size, 0);
    assert_int_equal(config.repo_count, 1);
    assert_string_equal(config.repo[0].prefixes[1], "group/");
    assert_null(config.repo[0].prefixes[2]);
    assert_string_equal(config.boot.path, "/b");
    assert_null(config.boot.reboot[0]);
    assert_null(config.health.command[0]);
    assert_null(config.report_url);
    assert_int_equal(config.limits.block, AGENT_BLOCK);
    assert_int_equal(config.times.utc_floor_s, AGENT_UTC_FLOOR); /* a clock that starts in 1970 is no clock */
    agent_config_free(&config);
    assert_null(config.product);
}

static void everything(void **state)
{
    (void)state;
    assert_true(parse("{" HEAD ",\"components\":[" COMPONENT ",{\"name\":\"app\",\"slots\":[{\"block\":\"/dev/a\"},{\"block\":\"/dev/b\"}]}],"
        "\"repositories\":[" REPO "," REPO "],\"boot\":{\"type\":\"file\",\"path\":\"/b\",\"reboot\":[\"/sbin/reboot\",\"-f\"]},"
        "\"health\":{\"command\":[\"/h\"],\"timeout_s\":30},\"net\":{\"ca_file\":\"/ca\",\"client_cert\":\"/c\",\"client_key\":\"/k\",\"proxy\":\"http://p/\"},"
        "\"report_url\":\"http://h/r/\",\"tries\":15,\"plain_http\":true,"
        "\"limits\":{\"root_max\":256,\"timestamp_max\":257,\"snapshot_max\":258,\"targets_max\":259,\"rotations_max\":9,\"roles_max\":32,\"key_bytes\":1600,"
        "\"pointer_max\":260,\"block\":1073741824,\"io\":512,\"window_bits\":15,\"redirects\":2,\"low_speed_bps\":4294967295,"
        "\"low_speed_s\":3,\"connect_ms\":4,\"head_ms\":5,\"rate_bps\":4294967294},"
        "\"times\":{\"poll_s\":1,\"full_s\":2,\"retry_base_s\":3,\"retry_cap_s\":4,\"health_grace_s\":5,\"health_deadline_s\":6,"
        "\"defer_cap_s\":7,\"utc_floor_s\":1700000000,\"start_s\":604800,\"poll_min_s\":8,\"poll_max_s\":9}}"));
    assert_int_equal(config.component_count, 2);
    assert_string_equal(config.component[1].slot[1].block, "/dev/b");
    assert_null(config.component[1].factory_version);
    assert_int_equal(config.repo_count, 2);
    assert_string_equal(config.boot.reboot[1], "-f");
    assert_null(config.boot.reboot[2]);
    assert_string_equal(config.health.command[0], "/h");
    assert_int_equal(config.health.timeout_s, 30);
    assert_string_equal(config.net.proxy, "http://p/");
    assert_int_equal(config.tries, 15);
    assert_true(config.plain_http);
    assert_int_equal(config.limits.tuf.root_max, 256);
    assert_int_equal(config.limits.tuf.targets_max, 259);
    assert_int_equal(config.limits.tuf.rotations_max, 9);
    assert_int_equal(config.limits.tuf.roles_max, 32);
    assert_int_equal(config.limits.tuf.key_bytes, 1600);
    assert_int_equal(config.limits.block, 1073741824);
    assert_int_equal(config.limits.window_bits, 15);
    assert_int_equal(config.limits.low_speed_bps, UINT32_MAX);
    assert_int_equal(config.limits.head_ms, 5);
    assert_int_equal(config.times.poll_s, 1);
    assert_int_equal(config.times.defer_cap_s, 7);
    assert_int_equal(config.times.utc_floor_s, 1700000000);
    assert_int_equal(config.limits.rate_bps, UINT32_MAX - 1);
    assert_int_equal(config.times.start_s, 604800);
    assert_int_equal(config.times.poll_min_s, 8);
    assert_int_equal(config.times.poll_max_s, 9);
    agent_config_free(&config);
}

#define LOADER(type, rest) "{" HEAD "," LISTS ",\"boot\":{\"type\":\"" type "\"" rest "}}"
#define PATH ",\"path\":\"/b\""
#define SLOTS_AB ",\"slots\":[\"000A\",\"000B\"]"

static void boot_loaders(void **state)
{
    static const char *const good[] = {
        LOADER("grub", PATH), LOADER("grub", PATH ",\"attempts\":3"), LOADER("uboot", PATH SLOTS_AB), LOADER("uboot-bootcount", PATH ",\"variable\":\"v\""),
        LOADER("systemd-boot", PATH SLOTS_AB), LOADER("efi", SLOTS_AB), LOADER("efi", PATH SLOTS_AB ",\"record\":\"/r\""), LOADER("custom", PATH),
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!parse(good[i]))
            fail_msg("%s: %s: %s", good[i], fault.where, fault.what);
        agent_config_free(&config);
    }
    assert_true(parse(LOADER("uboot", PATH SLOTS_AB ",\"attempts\":5,\"record\":\"/r\",\"timeout_s\":3600")));
    assert_string_equal(config.boot.slots[1], "000B");
    assert_null(config.boot.slots[2]);
    assert_string_equal(config.boot.record, "/r");
    assert_int_equal(config.boot.attempts, 5);
    assert_int_equal(config.boot.timeout_s, 3600);
    agent_config_free(&config);
    refuse(LOADER("grub", ""), "boot.path", "is missing");
    refuse(LOADER("efi", ""), "boot.slots", "is missing");
    refuse(LOADER("systemd-boot", PATH), "boot.slots", "is missing");
    refuse(LOADER("grub", PATH ",\"slots\":[\"A\"]"), "boot.slots", "must be");
    refuse(LOADER("grub", PATH ",\"slots\":[\"A\",\"B\",\"C\"]"), "boot.slots", "must be");
    refuse(LOADER("uboot-bootcount", PATH), "boot.variable", "is missing");
    refuse(LOADER("grub", PATH ",\"variable\":\"v\""), "boot.variable", "does not go with");
    refuse(LOADER("custom", PATH ",\"attempts\":3"), "boot.attempts", "does not go with");
    refuse(LOADER("grub", PATH ",\"timeout_s\":3"), "boot.timeout_s", "does not go with");
    refuse(LOADER("custom", PATH ",\"timeout_s\":0"), "boot.timeout_s", "1 to 3600");
    refuse(LOADER("file", PATH ",\"record\":\"/r\""), "boot.record", "does not go with");
    refuse(LOADER("file", PATH SLOTS_AB), "boot.slots", "does not go with");
    refuse(LOADER("grub", PATH ",\"attempts\":16"), "boot.attempts", "1 to 15");
    refuse("{" HEAD ",\"components\":[" COMPONENT ",{\"name\":\"app\",\"slots\":[{\"block\":\"/dev/a\"},{\"block\":\"/dev/b\"}]}],"
           "\"repositories\":[" REPO "],\"boot\":{\"type\":\"grub\",\"path\":\"/b\"}}", "components", "one component");
}

/* Without the part that ends the text there is nothing else wrong with it. */
static void missing_keys(void **state)
{
    (void)state;
    refuse("{}", "product", "is missing");
    refuse("{" LISTS "," BOOT ",\"product\":\"p\"}", "group", "is missing");
    refuse("{" HEAD "," BOOT ",\"repositories\":[" REPO "]}", "components", "is missing");
    refuse("{" HEAD "," BOOT ",\"components\":[" COMPONENT "]}", "repositories", "is missing");
    refuse("{" HEAD "," LISTS "}", "boot", "is missing");
    refuse("{" HEAD "," LISTS ",\"boot\":{\"type\":\"file\"}}", "boot.path", "is missing");
    refuse("{" GOOD ",\"health\":{}}", "health.command", "is missing");
    refuse("{" HEAD "," BOOT ",\"repositories\":[" REPO "],\"components\":[{\"name\":\"os\"}]}", "components[0].slots", "is missing");
    refuse("{" GOOD ",\"net\":{\"client_cert\":\"/c\"}}", "net.client_key", "is missing");
    refuse("{" GOOD ",\"hawkbit\":{}}", "hawkbit.url", "is missing");
    refuse("{" GOOD ",\"hawkbit\":{\"url\":\"https://h/\",\"token\":\"t\"}}", "hawkbit.token", "is not a known key");
    refuse("{" GOOD ",\"hawkbit\":{\"url\":\"https://h/\",\"consent\":\"perhaps\"}}", "hawkbit.consent", "must be");
    refuse("{" GOOD ",\"hawkbit\":{\"url\":\"https://h/\",\"target_token_file\":\"/a\",\"gateway_token_file\":\"/b\"}}",
           "hawkbit.gateway_token_file", "does not go with");
    refuse("{" GOOD ",\"hawkbit\":{\"url\":\"https://h/\",\"attributes\":[{\"key\":\"a\"}]}}", "hawkbit.attributes[0].value", "is missing");
    refuse("{" GOOD ",\"net\":{\"client_key\":\"/c\"}}", "net.client_cert", "is missing");
}

static void unknown_and_repeated_keys(void **state)
{
    (void)state;
    refuse("{" GOOD ",\"colour\":1}", "colour", "not a known key");
    refuse("{" GOOD ",\"Product\":\"p\"}", "Product", "not a known key");
    refuse("{" GOOD ",\"\":1}", "", "not a known key");
    refuse("{" GOOD ",\"times\":{\"poll\":1}}", "times.poll", "not a known key");
    refuse("{" GOOD ",\"group\":\"production\"}", "group", "appears twice");
    refuse("{" GOOD ",\"times\":{\"poll_s\":1,\"poll_s\":1}}", "times.poll_s", "appears twice");
    refuse("{" HEAD "," BOOT ",\"repositories\":[" REPO "],\"components\":[" COMPONENT ",{\"name\":\"app\",\"slots\":[{\"file\":\"/x\"},"
           "{\"path\":\"/y\"}]}]}", "components[1].slots[1].path", "not a known key");
}

static void wrong_types(void **state)
{
    (void)state;
    refuse("[]", "", "must be an object");
    refuse("null", "", "must be an object");
    refuse("{" GOOD ",\"report_url\":1}", "report_url", "must be a string");
    refuse("{" GOOD ",\"report_url\":null}", "report_url", "must be a string");
    refuse("{" GOOD ",\"tries\":\"3\"}", "tries", "an integer of 1 to 15");
    refuse("{" GOOD ",\"tries\":true}", "tries", "an integer");
    refuse("{" GOOD ",\"plain_http\":1}", "plain_http", "true or false");
    refuse("{" GOOD ",\"limits\":[]}", "limits", "must be an object");
    refuse("{" GOOD ",\"health\":{\"command\":\"/h\"}}", "health.command", "must be an array");
    refuse("{" GOOD ",\"health\":{\"command\":[\"/h\",1]}}", "health.command[1]", "must be a string");
    refuse("{" HEAD "," BOOT ",\"repositories\":[" REPO "],\"components\":[{\"name\":\"os\",\"slots\":[{\"file\":\"/x\"},7]}]}",
           "components[0].slots[1]", "must be an object");
}

static void out_of_range(void **state)
{
    static const char *const numbers[] = { "0", "16", "-1", "2.5", "1e300", "-0.5", "1e999" };

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[2048];

        (void)snprintf(text, sizeof text, "{" GOOD ",\"tries\":%s}", numbers[i]);
        refuse(text, "tries", "an integer of 1 to 15");
    }
    refuse("{" GOOD ",\"limits\":{\"low_speed_bps\":4294967296}}", "limits.low_speed_bps", "1 to 4294967295");
    refuse("{" GOOD ",\"limits\":{\"window_bits\":16}}", "limits.window_bits", "1 to 15");
    refuse("{" GOOD ",\"report_url\":\"\"}", "report_url", "a string of length 1 to");
    refuse("{" GOOD ",\"health\":{\"command\":[]}}", "health.command", "an array of 1 to 15");
    refuse("{" GOOD ",\"health\":{\"command\":[\"\"]}}", "health.command[0]", "a string of length");
    refuse("{" HEAD "," BOOT ",\"repositories\":[" REPO "],\"components\":[]}", "components", "an array of 1 to 4");
    refuse("{" HEAD "," BOOT ",\"repositories\":[" REPO "],\"components\":[{\"name\":\"os\",\"slots\":[{\"file\":\"/x\"}]}]}",
           "components[0].slots", "an array of 2 to 2");
    refuse("{" LISTS "," BOOT ",\"product\":\"a234567890123456789012345678901x\"}", "product", "a string of length 1 to 31");
}

static void slots_that_make_no_sense(void **state)
{
    (void)state;
#define WITH_SLOTS(s) "{" HEAD "," BOOT ",\"repositories\":[" REPO "],\"components\":[{\"name\":\"os\",\"slots\":" s "}]}"
    refuse(WITH_SLOTS("[{\"file\":\"/x\"},{}]"), "components[0].slots[1]", "exactly one of");
    refuse(WITH_SLOTS("[{\"file\":\"/x\",\"block\":\"/y\"},{\"file\":\"/z\"}]"), "components[0].slots[0]", "exactly one of");
    refuse(WITH_SLOTS("[{\"block\":\"/y\",\"size\":5},{\"file\":\"/z\"}]"), "components[0].slots[0]", "goes with");
    refuse(WITH_SLOTS("[{\"file\":\"/x\"},{\"file\":\"/x\"}]"), "components[0].slots[1]", "the same slot");
    refuse("{" HEAD "," BOOT ",\"repositories\":[" REPO "],\"components\":[" COMPONENT ",{\"name\":\"app\",\"slots\":[{\"file\":\"/c\"},"
           "{\"file\":\"/s/b\"}]}]}", "components[1].slots[1]", "the same slot");
    refuse("{" HEAD "," LISTS ",\"boot\":{\"type\":\"lilo\",\"path\":\"/b\"}}", "boot.type", "\"file\"");
}

static void not_json(void **state)
{
    static char large[AGENT_CONFIG_MAX + 2];

    (void)state;
    refuse("", "", "not JSON: line 1");
    refuse("{" GOOD, "", "not JSON");
    refuse("{" GOOD "}x", "", "not JSON: line 1");
    refuse("{\n\"product\": \"p\",\n\"group\" \"g\"}", "", "not JSON: line 3");
    refuse("{" GOOD "} {}", "", "not JSON");
    refuse("{\"product\":\"a\x01\"}", "", "control character");
    refuse("{\"product\":\"a\\u0000b\"}", "", "\\u0000");
    assert_false(agent_config_parse(&config, "{\0}", 3, &fault));
    memset(large, ' ', sizeof large - 1);
    refuse(large, "", "larger than 65536");
    assert_true(parse(" \n{" GOOD "}\n \t\r\n"));
    agent_config_free(&config);
}

/* Deep nesting is cJSON's to refuse (its own limit), or the schema's: never a crash. */
static void deep_nesting(void **state)
{
    static char text[60001];

    (void)state;
    memset(text, '[', sizeof text - 1);
    refuse(text, "", "not JSON");
    memset(text, '\0', sizeof text);
    memset(text, '[', 900);
    memset(text + 900, ']', 900);
    refuse(text, "", "must be an object");
}

/* A path that does not fit the fault is cut, not overrun. */
static void long_keys(void **state)
{
    static char text[4096];

    (void)state;
    memset(text, 'k', sizeof text - 1);
    memcpy(text, "{\"", 2);
    memcpy(text + sizeof text - 5, "\":1}", 5);
    assert_false(parse(text));
    assert_true(strlen(fault.where) < sizeof fault.where);
    assert_string_equal(fault.what, "is not a known key");
}

static void files(void **state)
{
    char path[] = "/tmp/ota-config-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "{" GOOD "}";

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_true(agent_config_load(&config, path, &fault));
    agent_config_free(&config);
    assert_int_equal(ftruncate(fd, AGENT_CONFIG_MAX + 1), 0);
    assert_false(agent_config_load(&config, path, &fault));
    assert_string_equal(fault.what, "larger than 65536 bytes");
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_false(agent_config_load(&config, path, &fault));
    assert_string_equal(fault.what, "No such file or directory");
    assert_false(agent_config_load(&config, "/", &fault));
    assert_string_equal(fault.what, "cannot be read");
}

static void package_member(const char *member, char *text, size_t cap)
{
    (void)snprintf(text, cap, "{" HEAD ",\"components\":[{\"name\":\"os\",\"slots\":" SLOTS ",\"package\":{%s}}],\"repositories\":[" REPO "]," BOOT "}",
                   member);
}

static void reads_what_is_demanded_of_packages(void **state)
{
    char text[2048];

    (void)state;
    package_member("\"key\":\"/k\",\"component\":\"01234567-89ab-cdef-0123-456789abcdef\",\"security_min\":7", text, sizeof text);
    assert_true(parse(text));
    assert_string_equal(config.component[0].package.key, "/k");
    assert_string_equal(config.component[0].package.component, "01234567-89ab-cdef-0123-456789abcdef");
    assert_int_equal(config.component[0].package.security_min, 7);
    agent_config_free(&config);
    package_member("\"component\":\"01234567-89ab-cdef-0123-456789abcdef\"", text, sizeof text);
    refuse(text, "components[0].package.key", "is missing");
    package_member("\"key\":\"/k\",\"component\":\"os\"", text, sizeof text);
    refuse(text, "components[0].package.component", "");
    package_member("\"key\":\"/k\",\"security_min\":0", text, sizeof text);
    refuse(text, "components[0].package.security_min", "must be an integer of 1 to");
    package_member("\"key\":\"/k\",\"colour\":1", text, sizeof text);
    refuse(text, "components[0].package.colour", "is not a known key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_demanded_of_packages),
        cmocka_unit_test(what_comes_of_attestation), cmocka_unit_test(how_the_agent_is_held),
        cmocka_unit_test(when_updates_may_come), cmocka_unit_test(what_no_update_could_follow), cmocka_unit_test(smallest),           cmocka_unit_test(everything),       cmocka_unit_test(boot_loaders), cmocka_unit_test(missing_keys),
        cmocka_unit_test(unknown_and_repeated_keys), cmocka_unit_test(wrong_types), cmocka_unit_test(out_of_range),
        cmocka_unit_test(slots_that_make_no_sense), cmocka_unit_test(not_json),   cmocka_unit_test(deep_nesting),
        cmocka_unit_test(long_keys),          cmocka_unit_test(files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
