/* SPDX-License-Identifier: Apache-2.0 */
/* Root and targets signed by people who keep their keys elsewhere: a payload goes out, detached signatures come back, and
 * nothing is published before the threshold is reached. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "commands.h"
#include "file.h"
#include "keys.h"
#include "publish.h"
#include "settings.h"

#define SIGNATURES_MAX 16

static const struct option export_options[] = {
    { "product", "P", "the product's repository [the OS repository]", OPTION_ONE, false },
    { "role", "ROLE", "root or targets", OPTION_ONE, true },
    { "public", "FILE", "key of the role from now on, PEM SubjectPublicKeyInfo, instead of those it has", OPTION_MANY, false },
    { "threshold", "N", "signatures that the role needs from now on [as before]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option sign_options[] = {
    { "key", "FILE", "private key, PEM PKCS#8 P-256", OPTION_ONE, true },
    { "out", "FILE", "write the signature there", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option merge_options[] = {
    { "signature", "FILE", "a signature of the payload", OPTION_MANY, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

struct payload {
    const char *file, *repository, *role;
    cJSON *doc;
    uint64_t version;
};

static int payload_read(struct tool *t, const char *file, struct payload *p)
{
    char *text;
    size_t len;
    cJSON *tree;
    uint64_t format;
    struct at doc;
    int rc = file_read(t, file, &text, &len);

    if (rc == TOOL_OK)
        rc = json_parse_own(t, file, text, len, &tree);
    if (rc != TOOL_OK)
        return TOOL_FAILED;
    struct at top = { t, file, "", tree };
    p->file = file;
    rc = at_number(top, "format", 1, 1, &format);
    if (rc == TOOL_OK)
        rc = at_string(top, "repository", &p->repository);
    if (rc == TOOL_OK)
        rc = at_string(top, "role", &p->role);
    if (rc == TOOL_OK && strcmp(p->role, "root") != 0 && strcmp(p->role, "targets") != 0)
        rc = at_bad(top, "role", "must be root or targets");
    if (rc == TOOL_OK)
        rc = at_object(top, "signed", &doc);
    if (rc == TOOL_OK)
        rc = at_number(doc, "version", 1, UINT32_MAX, &p->version);
    const char *type = NULL;
    if (rc == TOOL_OK)
        rc = at_string(doc, "_type", &type);
    if (rc == TOOL_OK && strcmp(type, p->role) != 0)
        rc = at_bad(doc, "_type", "is \"%s\", must be \"%s\"", type, p->role);
    p->doc = rc == TOOL_OK ? doc.obj : NULL;
    return rc;
}

/* The keys of --public become those of the role, in root. */
static int change_keys(struct tool *t, const struct args *a, const char *role, cJSON *root)
{
    cJSON *entry = member(member(root, "roles"), role), *keyids = cJSON_CreateArray();
    unsigned threshold = (unsigned)member_number(entry, "threshold"), count = 0;
    const char *file;
    int rc = TOOL_OK;

    for (; rc == TOOL_OK && (file = args_nth(a, "public", count)) != NULL; count++) {
        cJSON *object;
        char keyid[DIGEST_HEX];
        rc = key_read_public(t, file, &object, keyid);
        if (rc == TOOL_OK && has_text(keyids, keyid))
            rc = tool_usage(t, "--public: %s is the same key as an earlier one", file);
        if (rc == TOOL_OK)
            cJSON_AddItemToArray(keyids, cJSON_CreateString(keyid));
        if (rc == TOOL_OK)
            put_item(member(root, "keys"), keyid, cJSON_Duplicate(object, true));
    }
    if (rc != TOOL_OK || count == 0) {
        cJSON_Delete(keyids);
        count = (unsigned)cJSON_GetArraySize(member(entry, "keyids"));
    } else {
        put_item(entry, "keyids", keyids);
    }
    if (rc == TOOL_OK)
        rc = args_number(t, a, "threshold", 1, count, &threshold);
    if (rc == TOOL_OK && threshold > count)
        rc = tool_usage(t, "--threshold: %u is more than the role's %u keys", threshold, count);
    if (rc == TOOL_OK)
        put_item(entry, "threshold", cJSON_CreateNumber(threshold));
    return rc;
}

static int open_repository(struct tool *t, const char *name, struct repo *r)
{
    cJSON *product;
    int rc = name == NULL || strcmp(name, "os") == 0 ? TOOL_OK : product_need(t, name, &product);

    return rc != TOOL_OK ? rc : repo_open(t, name == NULL || strcmp(name, "os") == 0 ? NULL : name, r);
}

static int write_payload(struct tool *t, const struct repo *r, const char *role, const cJSON *doc, const char *file)
{
    cJSON *tree = tool_keep(t, cJSON_CreateObject());
    size_t len;

    cJSON_AddNumberToObject(tree, "format", 1);
    cJSON_AddStringToObject(tree, "repository", r->name);
    cJSON_AddStringToObject(tree, "role", role);
    cJSON_AddItemReferenceToObject(tree, "signed", (cJSON *)(uintptr_t)doc);
    const char *text = json_print(t, tree, JSON_FILE, &len);
    int rc = file_replace(t, file, text, len, 0644);
    if (rc == TOOL_OK)
        tool_say(t, "%s: role %s, version %" PRIu64 ", expires %s: to be signed", r->name, role, member_number(doc, "version"),
                 member_text(doc, "expires"));
    cJSON_AddStringToObject(t->result, "role", role);
    cJSON_AddNumberToObject(t->result, "version", (double)member_number(doc, "version"));
    return rc;
}

static int run_export(struct tool *t, const struct args *a)
{
    const char *role = args_get(a, "role");
    bool keys = args_has(a, "public") || args_has(a, "threshold"), is_root = strcmp(role, "root") == 0;
    struct repo r;

    if (!is_root && strcmp(role, "targets") != 0)
        return tool_usage(t, "--role: \"%s\" must be root or targets", role);
    if (keys && !is_root)
        return tool_usage(t, "--public: only for --role root; the keys of targets change with: key rotate targets");
    int rc = open_repository(t, args_get(a, "product"), &r);
    if (rc != TOOL_OK)
        return rc;
    cJSON *doc = tool_keep(t, cJSON_Duplicate(is_root ? r.root : r.role[0].doc, true));
    if (keys)
        rc = change_keys(t, a, role, doc);
    if (rc == TOOL_OK)
        rc = publish_next(&r, role, doc);
    return rc != TOOL_OK ? rc : write_payload(t, &r, role, doc, a->operand);
}

static int run_sign(struct tool *t, const struct args *a)
{
    struct payload p;
    struct key key;
    cJSON *list = tool_keep(t, cJSON_CreateArray());
    size_t len;
    int rc = payload_read(t, a->operand, &p);

    if (rc == TOOL_OK)
        rc = key_read(t, args_get(a, "key"), &key);
    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
    rc = publish_sign(t, p.doc, &key, list);
    key_forget(&key);
    if (rc != TOOL_OK)
        return rc;
    const char *text = json_print(t, list->child, JSON_FILE, &len);
    rc = file_replace(t, args_get(a, "out"), text, len, 0644);
    if (rc == TOOL_OK)
        tool_say(t, "%s: role %s, version %" PRIu64 ", expires %s: signed by %s", p.repository, p.role, p.version,
                 member_text(p.doc, "expires"), key.keyid);
    return rc;
}

/* One signature: by a key that counts, and good. */
static int take_signature(struct tool *t, const char *file, const struct repo *r, const struct payload *p, cJSON *signatures)
{
    char *text;
    size_t len;
    cJSON *tree, *one = tool_keep(t, cJSON_CreateArray());
    const char *keyid, *sig;
    int rc = file_read(t, file, &text, &len);

    if (rc == TOOL_OK)
        rc = json_parse_own(t, file, text, len, &tree);
    if (rc != TOOL_OK)
        return TOOL_FAILED;
    struct at top = { t, file, "", tree };
    rc = at_string(top, "keyid", &keyid);
    if (rc == TOOL_OK)
        rc = at_string(top, "sig", &sig);
    if (rc != TOOL_OK)
        return rc;
    const cJSON *now = repo_role_entry(r, p->role), *next = member(member(p->doc, "roles"), "root");
    bool by_now = has_text(member(now, "keyids"), keyid), by_next = has_text(member(next, "keyids"), keyid);
    if (!by_now && !by_next)
        return at_bad(top, "keyid", "%s is no key of role %s", keyid, p->role);
    cJSON *entry = tool_keep(t, cJSON_CreateObject());
    cJSON_AddItemToArray(cJSON_AddArrayToObject(entry, "keyids"), cJSON_CreateString(keyid));
    cJSON_AddNumberToObject(entry, "threshold", 1);
    cJSON_AddItemToArray(one, cJSON_Duplicate(tree, true));
    rc = check_signed(t, file, one, p->doc, by_now ? repo_role_keys(r, p->role) : member(p->doc, "keys"), entry);
    const cJSON *item;
    cJSON_ArrayForEach(item, signatures)
        if (rc == TOOL_OK && strcmp(member_text(item, "keyid"), keyid) == 0)
            return at_bad(top, "keyid", "%s has signed in another file already", keyid);
    if (rc == TOOL_OK)
        cJSON_AddItemToArray(signatures, cJSON_Duplicate(tree, true));
    return rc;
}

/* Signed by those who are trusted now; root also by those whom it names itself. */
static int check_threshold(struct tool *t, const struct repo *r, const struct payload *p, const cJSON *signatures)
{
    int rc = check_signed(t, p->file, signatures, p->doc, repo_role_keys(r, p->role), repo_role_entry(r, p->role));

    if (rc == TOOL_OK && strcmp(p->role, "root") == 0)
        rc = check_signed(t, p->file, signatures, p->doc, member(p->doc, "keys"), member(member(p->doc, "roles"), "root"));
    return rc;
}

static int run_merge(struct tool *t, const struct args *a)
{
    struct payload p;
    struct repo r;
    const char *file;
    cJSON *signatures = tool_keep(t, cJSON_CreateArray());
    int rc = payload_read(t, a->operand, &p);

    if (rc == TOOL_OK)
        rc = open_repository(t, p.repository, &r);
    if (rc != TOOL_OK)
        return rc;
    uint64_t now = member_number(strcmp(p.role, "root") == 0 ? r.root : r.role[0].doc, "version");
    if (p.version <= now)
        return tool_failed(t, "%s: signed.version: %" PRIu64 " is not above the published %" PRIu64 "; export it anew", p.file,
                           p.version, now);
    for (size_t i = 0; rc == TOOL_OK && (file = args_nth(a, "signature", i)) != NULL; i++)
        rc = i == SIGNATURES_MAX ? tool_usage(t, "--signature: more than %d", SIGNATURES_MAX)
                                 : take_signature(t, file, &r, &p, signatures);
    if (rc == TOOL_OK)
        rc = check_threshold(t, &r, &p, signatures);
    if (rc == TOOL_OK)
        rc = publish_signed(&r, p.role, p.doc, cJSON_Duplicate(signatures, true));
    if (rc == TOOL_OK)
        tool_say(t, "%s: role %s, version %" PRIu64 ": published with %d signatures", r.name, p.role, p.version,
                 cJSON_GetArraySize(signatures));
    return rc;
}

const struct command command_sign_export = {
    .name = "sign export",
    .operand = "FILE",
    .summary = "Write the next version of root or targets into FILE, for people to sign elsewhere.",
    .details = "The content is as it is, with a new life time; --public and --threshold give root other administrators.\n"
               "Sign FILE with: sign payload; then: sign merge.",
    .options = export_options,
    .run = run_export,
};

const struct command command_sign_payload = {
    .name = "sign payload",
    .operand = "FILE",
    .summary = "Sign what sign export wrote, with a key that never leaves this machine. Needs no --dir.",
    .options = sign_options,
    .run = run_sign,
    .creates = true,
    .alone = true,
};

const struct command command_sign_merge = {
    .name = "sign merge",
    .operand = "FILE",
    .summary = "Publish what sign export wrote, once enough signatures are there. Each is verified; else nothing changes.",
    .options = merge_options,
    .run = run_merge,
};
