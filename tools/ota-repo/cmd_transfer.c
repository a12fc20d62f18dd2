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

/* Nothing is written that a device would not read. */
static int write_file(struct tool *t, cJSON *doc, cJSON *signatures, const char *file)
{
    cJSON *tree = tool_keep(t, cJSON_CreateObject());
    struct ota_claim c;
    struct ota_fault fault;
    size_t len = 0;

    cJSON_AddItemToObject(tree, "signatures", signatures);
    cJSON_AddItemToObject(tree, "signed", doc);
    const char *text = json_print(t, tree, JSON_FILE, &len);
    if (ota_owner_read(text, len, &c, &fault) != OTA_OK)
        return refused(t, file, &fault);
    int rc = file_replace(t, file, text, len, 0644);
    if (rc != TOOL_OK)
        return rc;
    cJSON_AddNumberToObject(t->result, "signatures", cJSON_GetArraySize(signatures));
    report(t, file, &c, tool_format(t, ", %d signature(s)", cJSON_GetArraySize(signatures)));
    return TOOL_OK;
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
    cJSON *doc = cJSON_CreateObject(), *signatures = cJSON_CreateArray();
    const char *pem;
    int rc = fill_doc(t, a, doc);

    for (size_t i = 0; rc == TOOL_OK && (pem = args_nth(a, "key", i)) != NULL; i++)
        rc = signature_add(t, pem, doc, signatures);
    if (rc == TOOL_OK)
        return write_file(t, doc, signatures, args_get(a, "out"));
    cJSON_Delete(doc);
    cJSON_Delete(signatures);
    return rc;
}

static int read_file(struct tool *t, const char *file, char **text, size_t *len, struct ota_claim *c)
{
    struct ota_fault fault;
    int rc = file_read(t, file, text, len);

    if (rc == TOOL_ABSENT)
        return tool_failed(t, "%s: there is no such file", file);
    if (rc == TOOL_OK && ota_owner_read(*text, *len, c, &fault) != OTA_OK)
        rc = refused(t, file, &fault);
    return rc;
}

static int run_transfer_sign(struct tool *t, const struct args *a)
{
    struct ota_claim c;
    cJSON *tree = NULL;
    char *text = NULL;
    size_t len = 0;
    int rc = read_file(t, a->operand, &text, &len, &c);

    if (rc == TOOL_OK)
        rc = json_parse(t, a->operand, text, len, &tree);
    if (rc != TOOL_OK)
        return rc;
    cJSON *signatures = cJSON_Duplicate(member(tree, "signatures"), true), *doc = cJSON_Duplicate(member(tree, "signed"), true);
    rc = signature_add(t, args_get(a, "key"), doc, signatures);
    if (rc == TOOL_OK)
        return write_file(t, doc, signatures, args_get(a, "out"));
    cJSON_Delete(doc);
    cJSON_Delete(signatures);
    return rc;
}

/* ---- show, verify ---- */

static int run_transfer_show(struct tool *t, const struct args *a)
{
    struct ota_claim c;
    char *text = NULL;
    size_t len = 0;
    int rc = read_file(t, a->operand, &text, &len, &c);

    if (rc == TOOL_OK)
        report(t, a->operand, &c, " (not verified)");
    return rc;
}

static int read_last(struct tool *t, const struct args *a, struct ota_claim *now)
{
    const char *device = args_get(a, "device"), *last = args_get(a, "last");
    char *text = NULL;
    size_t len = 0;
    int rc = last ? read_file(t, last, &text, &len, now) : TOOL_OK;

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
        rc = read_file(t, a->operand, &text, &len, &next);
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
