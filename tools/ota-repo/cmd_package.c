/* SPDX-License-Identifier: Apache-2.0 */
/* image pack, show, verify: image packages in files, before they are published and without a publisher's directory. */
#include <psa/crypto.h>
#include <string.h>

#include "commands.h"
#include "package.h"

static const struct option pack_options[] = {
    { "out", "FILE", "the package", OPTION_ONE, true },
    { "key", "PEM", "private key that signs it: P-256 or P-384, PKCS#8", OPTION_ONE, true },
    { "keep", NULL, "FILE is a package: keep its body, and its sections but for those given here", OPTION_FLAG, false },
    { "component", "ID", "the part of the device that it is for (needed without --keep)", OPTION_ONE, false },
    { "image", "ID", "its own identifier [random]", OPTION_ONE, false },
    { "type", "T", "application, firmware-config, customer-manifest, ..., or a number [application]", OPTION_ONE, false },
    { "name", "NAME", "name that people see, at most 31 bytes [none]", OPTION_ONE, false },
    { "depends", "TYPE=N", "ABI that it needs: secure-world, os, application or a number; repeatable", OPTION_MANY, false },
    { "provides", "TYPE=N", "ABI that it gives; repeatable", OPTION_MANY, false },
    { "security", "N", "security version [no section: 0]", OPTION_ONE, false },
    { "temporary", "FLAGS", "1 remove at boot, 2 under development [no section]", OPTION_ONE, false },
    { "policy", "FLAGS", "1 the normal world may drop it, 2 may load it [no section]", OPTION_ONE, false },
    { "flash-offset", "N", "where it must lie [no section]", OPTION_ONE, false },
    { "uncompressed", "BYTES", "FILE is compressed with LZMA; its length before [no section]", OPTION_ONE, false },
    { "certificate", "FILE", "whose SHA-1 names the signer [that of the public key]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option no_options[] = { { NULL, NULL, NULL, OPTION_FLAG, false } };
static const struct option verify_options[] = {
    { "key", "PEM", "public key that must have signed it", OPTION_ONE, true },
    { "component", "ID", "the component that it must be for [any]", OPTION_ONE, false },
    { "security", "N", "least security version [0]", OPTION_ONE, false },
    { "provided", "TYPE=N", "ABI that the device gives; repeatable [needs are not looked at]", OPTION_MANY, false },
    { "temporary", "FLAGS", "flags of temporary images that may run [0]", OPTION_ONE, false },
    { "compressed", NULL, "it may be compressed", OPTION_FLAG, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* One section that the command line gives. */
struct numbered {
    const char *option;
    enum ota_package_id id;
};
static const struct numbered numbers[] = {
    { "security", OTA_PACKAGE_SECURITY },
    { "temporary", OTA_PACKAGE_TEMPORARY },
    { "policy", OTA_PACKAGE_POLICY },
    { "flash-offset", OTA_PACKAGE_FLASH_OFFSET },
};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

struct pack {
    struct tool *t;
    const struct args *a;
    struct file_map in;
    struct ota_package old; /* with --keep */
    bool keep, component_given, image_given;
    size_t body_len; /* of `in`, as it lies there */
    uint8_t component[OTA_UID_LEN], image[OTA_UID_LEN];
    uint16_t type;
    struct package_key key;
    struct ota_abi depends[OTA_PACKAGE_ABI_MAX], provides[OTA_PACKAGE_ABI_MAX];
    size_t depends_count, provides_count;
    unsigned number[NUMBER_COUNT], uncompressed;
    struct ota_package_writer w;
};

static int read_options(struct pack *p)
{
    int rc = package_id_option(p->t, p->a, "component", p->component, &p->component_given);

    if (rc == TOOL_OK)
        rc = package_id_option(p->t, p->a, "image", p->image, &p->image_given);
    if (rc == TOOL_OK)
        rc = package_abi_option(p->t, p->a, "depends", p->depends, &p->depends_count);
    if (rc == TOOL_OK)
        rc = package_abi_option(p->t, p->a, "provides", p->provides, &p->provides_count);
    for (size_t i = 0; rc == TOOL_OK && i < NUMBER_COUNT; i++)
        rc = args_number(p->t, p->a, numbers[i].option, 0, UINT32_MAX, &p->number[i]);
    if (rc == TOOL_OK)
        rc = args_number(p->t, p->a, "uncompressed", 1, UINT32_MAX, &p->uncompressed);
    if (rc == TOOL_OK && args_has(p->a, "name") && strlen(args_get(p->a, "name")) >= OTA_PACKAGE_NAME_MAX)
        rc = tool_usage(p->t, "--name: \"%s\" is longer than %u bytes", args_get(p->a, "name"), OTA_PACKAGE_NAME_MAX - 1);
    return rc;
}

/* The old package's identity, but for what is given. A body that changes hands keeps its name; a new one gets its own. */
static int settle_identity(struct pack *p)
{
    if (!p->keep && !p->component_given)
        return tool_usage(p->t, "--component: is missing");
    p->type = p->keep ? p->old.image_type : 10;
    if (p->keep && !p->component_given)
        memcpy(p->component, p->old.component, OTA_UID_LEN);
    if (p->keep && !p->image_given)
        memcpy(p->image, p->old.image, OTA_UID_LEN);
    else if (!p->image_given && psa_generate_random(p->image, OTA_UID_LEN) != PSA_SUCCESS)
        return tool_failed(p->t, "crypto: random bytes failed");
    if (!p->keep && !p->image_given) { /* RFC 9562, version 4; the version is in the high byte of the third group */
        p->image[7] = (uint8_t)((p->image[7] & 0x0f) | 0x40);
        p->image[8] = (uint8_t)((p->image[8] & 0x3f) | 0x80);
    }
    return package_type_option(p->t, p->a, &p->type);
}

static int open_input(struct pack *p)
{
    int rc;

    p->keep = args_has(p->a, "keep");
    if (p->keep) {
        rc = package_open(p->t, p->a->operand, &p->in, &p->old);
        p->body_len = rc == TOOL_OK ? (size_t)p->old.body_len : 0;
        return rc;
    }
    rc = file_map(p->t, p->a->operand, &p->in);
    p->body_len = p->in.len;
    if (rc == TOOL_OK && p->body_len == 0)
        rc = tool_failed(p->t, "%s: is empty", p->a->operand);
    return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
}

/* Is the section given on the command line? Identity and signature always are. */
static bool given(const struct pack *p, uint16_t id)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        if (numbers[i].id == id)
            return args_has(p->a, numbers[i].option);
    switch (id) {
    case OTA_PACKAGE_IDENTITY:
    case OTA_PACKAGE_SIGNATURE:
        return true;
    case OTA_PACKAGE_DEBUG:
        return args_has(p->a, "name");
    case OTA_PACKAGE_ABI_DEPENDS:
        return p->depends_count > 0;
    case OTA_PACKAGE_ABI_PROVIDES:
        return p->provides_count > 0;
    case OTA_PACKAGE_COMPRESSION:
        return args_has(p->a, "uncompressed");
    default:
        return false;
    }
}

static void write_given(struct pack *p, uint16_t id)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        if (numbers[i].id == id)
            ota_package_write_u32(&p->w, numbers[i].id, p->number[i]);
    if (id == OTA_PACKAGE_IDENTITY)
        ota_package_write_identity(&p->w, p->type, p->component, p->image);
    else if (id == OTA_PACKAGE_SIGNATURE)
        ota_package_write_signature(&p->w, p->key.thumbprint, p->key.type);
    else if (id == OTA_PACKAGE_DEBUG)
        ota_package_write_debug(&p->w, (uint64_t)p->t->now_s, args_get(p->a, "name"));
    else if (id == OTA_PACKAGE_ABI_DEPENDS)
        ota_package_write_abi(&p->w, OTA_PACKAGE_ABI_DEPENDS, p->depends, p->depends_count);
    else if (id == OTA_PACKAGE_ABI_PROVIDES)
        ota_package_write_abi(&p->w, OTA_PACKAGE_ABI_PROVIDES, p->provides, p->provides_count);
    else if (id == OTA_PACKAGE_COMPRESSION)
        ota_package_write_compression(&p->w, p->uncompressed, 1);
}

static bool was_there(const struct pack *p, uint16_t id)
{
    for (size_t i = 0; p->keep && i < p->old.section_count; i++)
        if (p->old.section[i].id == id)
            return true;
    return false;
}

/* Old sections in their order, replaced where the command line has them; then what is new. */
static void write_sections(struct pack *p)
{
    static const uint16_t order[] = { OTA_PACKAGE_IDENTITY,    OTA_PACKAGE_SIGNATURE,   OTA_PACKAGE_DEBUG,
                                      OTA_PACKAGE_TEMPORARY,   OTA_PACKAGE_ABI_DEPENDS, OTA_PACKAGE_ABI_PROVIDES,
                                      OTA_PACKAGE_COMPRESSION, OTA_PACKAGE_SECURITY,    OTA_PACKAGE_FLASH_OFFSET,
                                      OTA_PACKAGE_POLICY };

    for (size_t i = 0; p->keep && i < p->old.section_count; i++) {
        const struct ota_package_section *s = &p->old.section[i];
        if (given(p, s->id))
            write_given(p, s->id);
        else
            ota_package_write_section(&p->w, s->id, s->data, s->len);
    }
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (given(p, order[i]) && !was_there(p, order[i]))
            write_given(p, order[i]);
}

static int make_package(struct pack *p, uint8_t **out, size_t *out_len)
{
    size_t padded = (p->body_len + 3) / 4 * 4, len;
    uint8_t *file = tool_alloc(p->t, padded + OTA_PACKAGE_TAIL_MAX);
    struct ota_fault fault;

    memcpy(file, p->in.p, p->body_len);
    ota_package_write_begin(&p->w, file + padded, OTA_PACKAGE_TRAILER_MAX);
    write_sections(p);
    if (ota_package_write_end(&p->w, &len, &fault) != OTA_OK)
        return package_refused(p->t, p->a->operand, &fault);
    *out = file;
    *out_len = padded + len + package_signature_len(&p->key);
    return package_sign(p->t, &p->key, file, padded + len);
}

static void report(struct tool *t, const char *file, const struct ota_package *p)
{
    cJSON_AddStringToObject(t->result, "file", file);
    cJSON_AddStringToObject(t->result, "type", package_type_name(t, p->image_type));
    cJSON_AddStringToObject(t->result, "component", package_id_text(t, p->component));
    cJSON_AddStringToObject(t->result, "image", package_id_text(t, p->image));
    cJSON_AddNumberToObject(t->result, "length", (double)p->length);
    cJSON_AddNumberToObject(t->result, "body", (double)p->body_len);
    cJSON_AddNumberToObject(t->result, "security", p->security);
}

static int pack(struct pack *p)
{
    const char *to = args_get(p->a, "out");
    struct ota_package made;
    uint8_t *file = NULL;
    size_t len = 0;
    int rc = read_options(p);

    if (rc == TOOL_OK)
        rc = open_input(p);
    if (rc == TOOL_OK)
        rc = settle_identity(p);
    if (rc == TOOL_OK)
        rc = package_key_load(p->t, args_get(p->a, "key"), args_get(p->a, "certificate"), &p->key);
    if (rc == TOOL_OK)
        rc = make_package(p, &file, &len);
    if (rc == TOOL_OK)
        rc = file_replace(p->t, to, file, len, 0644);
    if (rc != TOOL_OK || ota_package_parse(&made, len, file, len, NULL) != OTA_OK)
        return rc != TOOL_OK ? rc : tool_failed(p->t, "%s: cannot be read again", to);
    report(p->t, to, &made);
    tool_say(p->t, "%s: %s %s for component %s, %zu bytes", to, package_type_name(p->t, made.image_type),
             package_id_text(p->t, made.image), package_id_text(p->t, made.component), len);
    return TOOL_OK;
}

static int run_pack(struct tool *t, const struct args *a)
{
    struct pack p = { .t = t, .a = a };
    int rc = pack(&p);

    file_unmap(&p.in);
    return rc;
}

/* ---- show ---- */

static void show_abi(struct tool *t, const char *name, const struct ota_abi *abi, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(t->result, name);

    for (size_t i = 0; i < count; i++) {
        const char *text = package_abi_text(t, &abi[i]);
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
        tool_say(t, "%-11s %s", name, text);
    }
}

static void show_signature(struct tool *t, const struct ota_package *p)
{
    char hex[2 * OTA_PACKAGE_THUMBPRINT_LEN + 1];
    const char *type = p->signature_type == OTA_PACKAGE_ECDSA384 ? "ecdsa-p384" : "ecdsa-p256";

    if (!(p->has & OTA_PACKAGE_HAS_SIGNATURE)) {
        tool_say(t, "signature   none");
        return;
    }
    hex_encode(p->thumbprint, sizeof p->thumbprint, hex);
    cJSON_AddStringToObject(t->result, "signature", type);
    cJSON_AddStringToObject(t->result, "thumbprint", hex);
    tool_say(t, "signature   %s, signer %s (not verified)", type, hex);
}

static void show_number(struct tool *t, const struct ota_package *p, uint32_t bit, const char *name, uint32_t value)
{
    if (!(p->has & bit))
        return;
    cJSON_DeleteItemFromObject(t->result, name);
    cJSON_AddNumberToObject(t->result, name, value);
    tool_say(t, "%-11s %u", name, (unsigned)value);
}

static void show_debug(struct tool *t, const struct ota_package *p)
{
    char time[TIME_LEN];

    if (!(p->has & OTA_PACKAGE_HAS_DEBUG))
        return;
    time_print(p->built_s > INT64_MAX ? INT64_MAX : (int64_t)p->built_s, time);
    cJSON_AddStringToObject(t->result, "name", p->name);
    cJSON_AddStringToObject(t->result, "built", time);
    tool_say(t, "name        %s, built %s", p->name, time);
}

/* Letters where they are some. */
static const char *section_name(struct tool *t, uint16_t id)
{
    char a = (char)(id & 0xff), b = (char)(id >> 8);
    bool letters = a > ' ' && a < 127 && b > ' ' && b < 127;

    return letters ? tool_format(t, "%c%c", a, b) : tool_format(t, "0x%04x", id);
}

static void show_sections(struct tool *t, const struct ota_package *p)
{
    cJSON *list = cJSON_AddArrayToObject(t->result, "sections");
    const char *text = "";

    for (size_t i = 0; i < p->section_count; i++) {
        const char *name = section_name(t, p->section[i].id);
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "id", name);
        cJSON_AddNumberToObject(row, "length", p->section[i].len);
        cJSON_AddItemToArray(list, row);
        text = tool_format(t, "%s%s%s(%u)", text, i > 0 ? " " : "", name, p->section[i].len);
    }
    tool_say(t, "sections    %s", text);
}

static void show(struct tool *t, const char *file, const struct ota_package *p)
{
    report(t, file, p);
    tool_say(t, "type        %s", package_type_name(t, p->image_type));
    tool_say(t, "component   %s", package_id_text(t, p->component));
    tool_say(t, "image       %s", package_id_text(t, p->image));
    tool_say(t, "length      %llu, body %llu", (unsigned long long)p->length, (unsigned long long)p->body_len);
    show_debug(t, p);
    show_signature(t, p);
    show_number(t, p, OTA_PACKAGE_HAS_SECURITY, "security", p->security);
    show_abi(t, "depends", p->depends, p->depends_count);
    show_abi(t, "provides", p->provides, p->provides_count);
    show_number(t, p, OTA_PACKAGE_HAS_TEMPORARY, "temporary", p->temporary);
    show_number(t, p, OTA_PACKAGE_HAS_COMPRESSION, "uncompressed", p->uncompressed_len);
    show_number(t, p, OTA_PACKAGE_HAS_FLASH_OFFSET, "flash-offset", p->flash_offset);
    show_number(t, p, OTA_PACKAGE_HAS_POLICY, "policy", p->policy);
    show_sections(t, p);
}

static int run_package_show(struct tool *t, const struct args *a)
{
    struct file_map m = { 0 };
    struct ota_package p;
    int rc = package_open(t, a->operand, &m, &p);

    if (rc == TOOL_OK)
        show(t, a->operand, &p);
    file_unmap(&m);
    return rc;
}

/* ---- verify ---- */

static int read_wants(struct tool *t, const struct args *a, struct ota_posix_package_key *key, uint8_t component[OTA_UID_LEN],
                      struct ota_abi *provided, struct ota_package_want *want)
{
    const char *path = args_get(a, "key");
    unsigned security = 0, temporary = 0;
    bool with_component;
    int rc = package_id_option(t, a, "component", component, &with_component);

    if (rc == TOOL_OK)
        rc = package_abi_option(t, a, "provided", provided, &want->provided_count);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "security", 0, UINT32_MAX, &security);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "temporary", 0, UINT32_MAX, &temporary);
    if (rc == TOOL_OK && ota_posix_package_key_load(key, path, NULL) != OTA_OK)
        rc = tool_failed(t, "%s: not a P-256 or P-384 public key in PEM", path);
    want->kind = key->kind;
    want->key = key->bytes;
    want->key_len = key->len;
    want->component = with_component ? component : NULL;
    want->security_min = security;
    want->temporary = temporary;
    want->provided = want->provided_count > 0 ? provided : NULL;
    want->compressed = args_has(a, "compressed");
    return rc;
}

static int verify(struct tool *t, const char *file, const struct file_map *m, const struct ota_package_want *want)
{
    struct ota_package_verify *v = tool_alloc(t, sizeof *v);
    struct ota_posix_crypto crypto;
    struct ota_package p;
    struct ota_fault fault = { .err = OTA_OK };

    if (ota_posix_crypto_open(&crypto, NULL, &fault) != OTA_OK)
        return package_refused(t, file, &fault);
    ota_err err = ota_package_verify_begin(v, &crypto.port, want, &fault);
    if (err == OTA_OK)
        err = ota_package_verify_add(v, m->p, m->len);
    if (err == OTA_OK)
        err = ota_package_verify_end(v, &p);
    if (err != OTA_OK)
        return package_refused(t, file, &fault);
    report(t, file, &p);
    tool_say(t, "good: %s %s for component %s, security version %u", package_type_name(t, p.image_type),
             package_id_text(t, p.image), package_id_text(t, p.component), (unsigned)p.security);
    return TOOL_OK;
}

static int run_package_verify(struct tool *t, const struct args *a)
{
    struct ota_posix_package_key key = { .len = 0 };
    struct ota_abi provided[OTA_PACKAGE_ABI_MAX];
    struct ota_package_want want = { .kind = OTA_KEY_P256 };
    uint8_t component[OTA_UID_LEN];
    struct file_map m = { 0 };
    int rc = read_wants(t, a, &key, component, provided, &want);

    if (rc == TOOL_OK)
        rc = file_map(t, a->operand, &m);
    if (rc == TOOL_OK)
        rc = verify(t, a->operand, &m, &want);
    file_unmap(&m);
    return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
}

const struct command command_image_pack = {
    .name = "image pack",
    .operand = "FILE",
    .summary = "Make an image package: FILE and a signed trailer that says what it is. It is published like any image.",
    .details = "An identifier is like 01234567-89ab-cdef-0123-456789abcdef. With --keep a package gets another signer or other\n"
               "sections; what is not given, known or not, stays byte for byte. Needs no publisher's directory.",
    .options = pack_options,
    .run = run_pack,
    .creates = true,
    .alone = true,
};

const struct command command_image_show = {
    .name = "image show",
    .operand = "FILE",
    .summary = "Show what an image package says of itself. Proves nothing: see image verify.",
    .options = no_options,
    .run = run_package_show,
    .creates = true,
    .alone = true,
};

const struct command command_image_verify = {
    .name = "image verify",
    .operand = "FILE",
    .summary = "Judge an image package as a device would: signature, component, security version, ABI.",
    .options = verify_options,
    .run = run_package_verify,
    .creates = true,
    .alone = true,
};
