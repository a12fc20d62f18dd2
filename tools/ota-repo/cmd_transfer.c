/* SPDX-License-Identifier: Apache-2.0 */
/* transfer make, sign, show, verify: whose a device is, and what it takes updates of. */
#include <string.h>

#include "canon.h"
#include "commands.h"
#include "file.h"
#include "keys.h"
#include "ota/owner.h"
#include "ota/posix.h"
#include "signature.h"

#define HOURS_MAX (24u * 3660u)

static const struct option make_options[] = {
    { "device", "ID", "the device, as in its configuration or as ota-agent identity says", OPTION_ONE, true },
    { "product", "NAME", "what it takes updates of from then on", OPTION_ONE, true },
    { "version", "N", "1 for a device that nobody owns, else one more than the last (ota-agent claim)", OPTION_ONE, true },
    { "hours", "N", "how long it can be brought", OPTION_ONE, true },
    { "owner", "PEM", "public key of the next owner; repeatable", OPTION_MANY, true },
    { "threshold", "N", "of these keys that must sign the next transfer, and this one [all]", OPTION_ONE, false },
    { "key", "PEM", "private key of an owner, present or next; repeatable [none: see transfer sign]", OPTION_MANY, false },
    { "out", "FILE", "the transfer", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option sign_options[] = {
    { "key", "PEM", "private key of an owner, present or next", OPTION_ONE, true },
    { "out", "FILE", "the transfer with one signature more", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option show_options[] = { { NULL, NULL, NULL, OPTION_FLAG, false } };
static const struct option verify_options[] = {
    { "last", "FILE", "the transfer that the device took last [none: nobody owns it]", OPTION_ONE, false },
    { "device", "ID", "the device [the one of --last]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static int refused(struct tool *t, const char *file, const struct ota_fault *f)
{
    return tool_failed(t, "%s: %s: %s", file, f->where, ota_err_text(f->err));
}

static int read_transfer(struct tool *t, const char *file, const char *text, size_t len, void *out)
{
    struct ota_fault fault;

    return ota_owner_read(text, len, out, &fault) == OTA_OK ? TOOL_OK : refused(t, file, &fault);
}

static void report(struct tool *t, const char *file, const struct ota_claim *c, const char *more)
{
    char time[TIME_LEN];

    time_print(c->expires_s, time);
    cJSON_AddStringToObject(t->result, "file", file);
    cJSON_AddStringToObject(t->result, "device", c->device);
    cJSON_AddStringToObject(t->result, "product", c->product);
    cJSON_AddNumberToObject(t->result, "version", (double)c->version);
    cJSON_AddStringToObject(t->result, "expires", time);
    cJSON_AddNumberToObject(t->result, "threshold", (double)c->threshold);
    cJSON_AddNumberToObject(t->result, "keys", (double)c->key_count);
    tool_say(t, "%s: device %s, product %s, version %u, %zu of %zu keys, until %s%s", file, c->device, c->product, (unsigned)c->version,
             c->threshold, c->key_count, time, more);
}

/* ---- make, sign ---- */

static void report_written(struct tool *t, const char *file, const struct ota_claim *c, int count)
{
    cJSON_AddNumberToObject(t->result, "signatures", count);
    report(t, file, c, tool_format(t, ", %d signature(s)", count));
}

static int add_owners(struct tool *t, const struct args *a, cJSON *list)
{
    const char *pem;

    for (size_t i = 0; (pem = args_nth(a, "owner", i)) != NULL; i++) {
        char hex[2 * OTA_CAPABILITY_KEY_LEN + 1];
        struct ota_posix_package_key k;
        struct ota_fault fault = { 0 };

        if (ota_posix_package_key_load(&k, pem, &fault) != OTA_OK || k.kind != OTA_KEY_P256)
            return tool_failed(t, "--owner: %s: is no public key on P-256", pem);
        hex_encode(k.bytes, OTA_CAPABILITY_KEY_LEN, hex);
        cJSON_AddItemToArray(list, cJSON_CreateString(hex));
    }
    return TOOL_OK;
}

static int fill_doc(struct tool *t, const struct args *a, cJSON *doc)
{
    unsigned hours = 0, version = 0, threshold;
    char time[TIME_LEN];
    cJSON *keys = cJSON_AddArrayToObject(doc, "keys");
    int rc = args_number(t, a, "hours", 1, HOURS_MAX, &hours);

    if (rc == TOOL_OK)
        rc = args_number(t, a, "version", 1, UINT32_MAX, &version);
    if (rc == TOOL_OK)
        rc = add_owners(t, a, keys);
    threshold = (unsigned)cJSON_GetArraySize(keys);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "threshold", 1, threshold, &threshold);
    time_print(t->now_s + (int64_t)hours * 3600, time);
    cJSON_AddStringToObject(doc, "_type", "transfer");
    cJSON_AddStringToObject(doc, "spec_version", "1");
    cJSON_AddStringToObject(doc, "device", args_get(a, "device"));
    cJSON_AddStringToObject(doc, "product", args_get(a, "product"));
    cJSON_AddNumberToObject(doc, "version", version);
    cJSON_AddStringToObject(doc, "expires", time);
    cJSON_AddNumberToObject(doc, "threshold", threshold);
    return rc;
}

static int run_make(struct tool *t, const struct args *a)
{
    cJSON *doc = cJSON_CreateObject();
    struct ota_claim c;
    int count, rc = fill_doc(t, a, doc);

    if (rc != TOOL_OK) {
        cJSON_Delete(doc);
        return rc;
    }
    rc = signed_make(t, a, doc, read_transfer, &c, &count);
    if (rc == TOOL_OK)
        report_written(t, args_get(a, "out"), &c, count);
    return rc;
}

static int run_transfer_sign(struct tool *t, const struct args *a)
{
    struct ota_claim c;
    int count, rc = signed_add(t, a, read_transfer, &c, &count);

    if (rc == TOOL_OK)
        report_written(t, args_get(a, "out"), &c, count);
    return rc;
}

/* ---- show, verify ---- */

static int run_transfer_show(struct tool *t, const struct args *a)
{
    struct ota_claim c;
    char *text = NULL;
    size_t len = 0;
    int rc = signed_read(t, a->operand, read_transfer, &c, &text, &len);

    if (rc == TOOL_OK)
        report(t, a->operand, &c, " (not verified)");
    return rc;
}

static int read_last(struct tool *t, const struct args *a, struct ota_claim *now)
{
    const char *device = args_get(a, "device"), *last = args_get(a, "last");
    char *text = NULL;
    size_t len = 0;
    int rc = last ? signed_read(t, last, read_transfer, now, &text, &len) : TOOL_OK;

    if (rc != TOOL_OK)
        return rc;
    if (!last && !device)
        return tool_usage(t, "--device: is missing, and there is no --last");
    if (!device)
        return TOOL_OK;
    if (strlen(device) >= sizeof now->device)
        return tool_usage(t, "--device: is too long");
    memcpy(now->device, device, strlen(device) + 1);
    return TOOL_OK;
}

static int run_transfer_verify(struct tool *t, const struct args *a)
{
    struct ota_claim now = { 0 }, next;
    struct ota_posix_crypto crypto;
    struct ota_fault fault = { 0 };
    char *text = NULL;
    size_t len = 0;
    int rc = read_last(t, a, &now);

    if (rc == TOOL_OK)
        rc = signed_read(t, a->operand, read_transfer, &next, &text, &len);
    if (rc != TOOL_OK)
        return rc;
    if (ota_posix_crypto_open(&crypto, NULL, &fault) != OTA_OK ||
        ota_owner_transfer(&now, text, len, t->now_s, &crypto.port, &next, &fault) != OTA_OK)
        return refused(t, a->operand, &fault);
    report(t, a->operand, &next, ": good");
    return TOOL_OK;
}

const struct command command_transfer_make = {
    .name = "transfer make",
    .summary = "Make a transfer: it says whose a device is, and which product's. Needs no --dir.",
    .details = "A device takes it when a threshold of its owner's keys and a threshold of the next owner's have signed.",
    .options = make_options,
    .run = run_make,
    .creates = true,
    .alone = true,
};

const struct command command_transfer_sign = {
    .name = "transfer sign",
    .operand = "FILE",
    .summary = "Add a signature to a transfer, with a key that never leaves this machine. Needs no --dir.",
    .options = sign_options,
    .run = run_transfer_sign,
    .creates = true,
    .alone = true,
};

const struct command command_transfer_show = {
    .name = "transfer show",
    .operand = "FILE",
    .summary = "Show what a transfer says. Proves nothing: see transfer verify.",
    .options = show_options,
    .run = run_transfer_show,
    .creates = true,
    .alone = true,
};

const struct command command_transfer_verify = {
    .name = "transfer verify",
    .operand = "FILE",
    .summary = "Judge a transfer as the device would that took --last.",
    .options = verify_options,
    .run = run_transfer_verify,
    .creates = true,
    .alone = true,
};
