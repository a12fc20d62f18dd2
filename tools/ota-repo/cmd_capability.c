/* SPDX-License-Identifier: Apache-2.0 */
/* capability make, sign, show, verify: files that let one device take an image from somebody's hand. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "canon.h"
#include "file.h"
#include "keys.h"
#include "signature.h"
#include "ota/capability.h"
#include "ota/image.h"
#include "ota/posix.h"

#define HOURS_MAX (24u * 3660u)

static const struct option make_options[] = {
    { "device", "ID", "the one device that it is for, as in its configuration", OPTION_ONE, true },
    { "kind", "K", "development or servicing", OPTION_ONE, true },
    { "use", "U", "persistent, session or once", OPTION_ONE, true },
    { "hours", "N", "life time", OPTION_ONE, true },
    { "counter", "N", "once: above every one that the device has used (ota-agent capability)", OPTION_ONE, false },
    { "session", "HEX", "session: what names the device's present start (ota-agent capability)", OPTION_ONE, false },
    { "key", "PEM", "private key of an owner; repeatable [none: to be signed with capability sign]", OPTION_MANY, false },
    { "out", "FILE", "the capability", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option sign_options[] = {
    { "key", "PEM", "private key of an owner", OPTION_ONE, true },
    { "out", "FILE", "the capability with one signature more", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option show_options[] = { { NULL, NULL, NULL, OPTION_FLAG, false } };
static const struct option verify_options[] = {
    { "device", "ID", "the device that it must be for", OPTION_ONE, true },
    { "key", "PEM", "public key of an owner; repeatable", OPTION_MANY, true },
    { "threshold", "N", "signatures that are needed [all keys]", OPTION_ONE, false },
    { "session", "HEX", "what names the device's present start [none]", OPTION_ONE, false },
    { "used", "N", "highest counter that the device has used [0]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static int refused(struct tool *t, const char *file, const struct ota_fault *f)
{
    return tool_failed(t, "%s: %s: %s", file, f->where, ota_err_text(f->err));
}

static int read_capability(struct tool *t, const char *file, const char *text, size_t len, void *out)
{
    struct ota_fault fault;

    return ota_capability_read(text, len, out, &fault) == OTA_OK ? TOOL_OK : refused(t, file, &fault);
}

/* ---- make, sign ---- */

static void report(struct tool *t, const char *file, const struct ota_capability *c)
{
    char time[TIME_LEN];

    time_print(c->expires_s, time);
    cJSON_AddStringToObject(t->result, "file", file);
    cJSON_AddStringToObject(t->result, "device", c->device);
    cJSON_AddStringToObject(t->result, "kind", ota_capability_kind_name(c->kind));
    cJSON_AddStringToObject(t->result, "use", ota_capability_use_name(c->use));
    cJSON_AddStringToObject(t->result, "expires", time);
    if (c->use == OTA_CAPABILITY_ONCE)
        cJSON_AddNumberToObject(t->result, "counter", (double)c->counter);
}

static void say(struct tool *t, const char *file, const struct ota_capability *c, const char *more)
{
    char time[TIME_LEN];

    time_print(c->expires_s, time);
    tool_say(t, "%s: %s, %s, for device %s, until %s%s", file, ota_capability_kind_name(c->kind), ota_capability_use_name(c->use),
             c->device, time, more);
}

static void report_written(struct tool *t, const char *file, const struct ota_capability *c, int count)
{
    report(t, file, c);
    cJSON_AddNumberToObject(t->result, "signatures", count);
    say(t, file, c, tool_format(t, ", %d signature(s)", count));
}

static cJSON *make_doc(struct tool *t, const struct args *a, unsigned hours, unsigned counter)
{
    cJSON *doc = cJSON_CreateObject();
    char time[TIME_LEN];

    time_print(t->now_s + (int64_t)hours * 3600, time);
    cJSON_AddStringToObject(doc, "_type", "capability");
    cJSON_AddStringToObject(doc, "spec_version", "1");
    cJSON_AddStringToObject(doc, "device", args_get(a, "device"));
    cJSON_AddStringToObject(doc, "kind", args_get(a, "kind"));
    cJSON_AddStringToObject(doc, "use", args_get(a, "use"));
    cJSON_AddStringToObject(doc, "expires", time);
    if (args_has(a, "counter"))
        cJSON_AddNumberToObject(doc, "counter", counter);
    if (args_has(a, "session"))
        cJSON_AddStringToObject(doc, "session", args_get(a, "session"));
    return doc;
}

static int run_make(struct tool *t, const struct args *a)
{
    unsigned hours = 0, counter = 0;
    struct ota_capability c;
    int count, rc = args_number(t, a, "hours", 1, HOURS_MAX, &hours);

    if (rc == TOOL_OK)
        rc = args_number(t, a, "counter", 1, UINT32_MAX, &counter);
    if (rc != TOOL_OK)
        return rc;
    rc = signed_make(t, a, make_doc(t, a, hours, counter), read_capability, &c, &count);
    if (rc == TOOL_OK)
        report_written(t, args_get(a, "out"), &c, count);
    return rc;
}

static int run_capability_sign(struct tool *t, const struct args *a)
{
    struct ota_capability c;
    int count, rc = signed_add(t, a, read_capability, &c, &count);

    if (rc == TOOL_OK)
        report_written(t, args_get(a, "out"), &c, count);
    return rc;
}

/* ---- show, verify ---- */

static const char *sphere_name(struct tool *t, uint16_t value)
{
    if (value == OTA_SPHERE_APP_DEVELOPMENT)
        return "app-development";
    return value == OTA_SPHERE_FIELD_SERVICING ? "field-servicing" : tool_format(t, "%u", value);
}

/* Azure Sphere's, an image package of type 13: shown as far as it is known, for people who have some. */
static bool show_sphere(struct tool *t, const char *file, const char *text, size_t len)
{
    struct ota_sphere_capability s;
    const char *list = "";
    char hex[2 * sizeof s.device + 1];

    if (len < OTA_SPHERE_CAPABILITY_LEN ||
        ota_sphere_capability_read((const uint8_t *)text, OTA_SPHERE_CAPABILITY_LEN, &s, NULL) != OTA_OK)
        return false;
    hex_encode(s.device, sizeof s.device, hex);
    for (size_t i = 0; i < s.count; i++)
        list = tool_format(t, "%s%s%s", list, i ? ", " : "", sphere_name(t, s.value[i]));
    cJSON_AddStringToObject(t->result, "file", file);
    cJSON_AddStringToObject(t->result, "device", hex);
    cJSON_AddStringToObject(t->result, "sphere", list);
    tool_say(t, "%s: Azure Sphere capability (%s) for device %s (not verified)", file, list, hex);
    return true;
}

static int run_capability_show(struct tool *t, const struct args *a)
{
    struct ota_capability c;
    char *text = NULL;
    size_t len = 0;
    int rc = file_read(t, a->operand, &text, &len);

    if (rc == TOOL_OK && show_sphere(t, a->operand, text, len))
        return TOOL_OK;
    if (rc == TOOL_OK || rc == TOOL_ABSENT)
        rc = signed_read(t, a->operand, read_capability, &c, &text, &len);
    if (rc != TOOL_OK)
        return rc;
    report(t, a->operand, &c);
    say(t, a->operand, &c, " (not verified)");
    return TOOL_OK;
}

static int read_keys(struct tool *t, const struct args *a, uint8_t keys[][OTA_CAPABILITY_KEY_LEN], size_t *count)
{
    const char *pem;

    for (*count = 0; (pem = args_nth(a, "key", *count)) != NULL; ++*count) {
        struct ota_posix_package_key k;
        struct ota_fault fault = { 0 };

        if (*count == OTA_CAPABILITY_KEYS_MAX)
            return tool_usage(t, "--key: more than %u", OTA_CAPABILITY_KEYS_MAX);
        if (ota_posix_package_key_load(&k, pem, &fault) != OTA_OK || k.kind != OTA_KEY_P256)
            return tool_failed(t, "--key: %s: is no public key on P-256", pem);
        memcpy(keys[*count], k.bytes, OTA_CAPABILITY_KEY_LEN);
    }
    return TOOL_OK;
}

static int run_capability_verify(struct tool *t, const struct args *a)
{
    static uint8_t keys[OTA_CAPABILITY_KEYS_MAX][OTA_CAPABILITY_KEY_LEN];
    struct ota_capability_check check = { .device = args_get(a, "device"), .keys = keys[0], .now_s = t->now_s };
    struct ota_posix_crypto crypto;
    uint8_t session[DIGEST_LEN];
    const char *hex = args_get(a, "session");
    struct ota_capability c;
    struct ota_fault fault = { 0 };
    unsigned threshold, used = 0;
    char *text = NULL;
    size_t len = 0;
    int rc = read_keys(t, a, keys, &check.key_count);

    threshold = (unsigned)check.key_count;
    if (rc == TOOL_OK)
        rc = args_number(t, a, "threshold", 1, check.key_count, &threshold);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "used", 0, UINT32_MAX, &used);
    if (rc == TOOL_OK && hex && (strlen(hex) != 2 * sizeof session || !hex_decode(hex, session, sizeof session)))
        rc = tool_usage(t, "--session: is not 64 hex digits");
    if (rc == TOOL_OK)
        rc = signed_read(t, a->operand, read_capability, &c, &text, &len);
    if (rc != TOOL_OK)
        return rc;
    check.threshold = threshold;
    check.used = used;
    check.session = hex ? session : NULL;
    if (ota_posix_crypto_open(&crypto, NULL, &fault) != OTA_OK ||
        ota_capability_verify(text, len, &check, &crypto.port, &c, &fault) != OTA_OK)
        return refused(t, a->operand, &fault);
    report(t, a->operand, &c);
    say(t, a->operand, &c, ": good");
    return TOOL_OK;
}

const struct command command_capability_make = {
    .name = "capability make",
    .summary = "Make a capability: it lets one device take images from somebody's hand. Needs no --dir.",
    .details = "A device takes it when as many of the owner's keys have signed as its configuration demands.",
    .options = make_options,
    .run = run_make,
    .creates = true,
    .alone = true,
};

const struct command command_capability_sign = {
    .name = "capability sign",
    .operand = "FILE",
    .summary = "Add a signature to a capability, with a key that never leaves this machine. Needs no --dir.",
    .options = sign_options,
    .run = run_capability_sign,
    .creates = true,
    .alone = true,
};

const struct command command_capability_show = {
    .name = "capability show",
    .operand = "FILE",
    .summary = "Show what a capability says, also one of Azure Sphere. Proves nothing: see capability verify.",
    .options = show_options,
    .run = run_capability_show,
    .creates = true,
    .alone = true,
};

const struct command command_capability_verify = {
    .name = "capability verify",
    .operand = "FILE",
    .summary = "Judge a capability as a device would.",
    .options = verify_options,
    .run = run_capability_verify,
    .creates = true,
    .alone = true,
};
