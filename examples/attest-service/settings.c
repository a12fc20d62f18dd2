/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <string.h>

#include "json_members.h"

/* Products and groups become part of names in certificates: nothing in them may end such a name. */
static void take_name(struct otai_json *j, char out[OTA_NAME_MAX])
{
    otai_json_string(j, out, OTA_NAME_MAX);
    if (j->err == OTA_OK && (!out[0] || strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(out)))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void take_path(struct otai_json *j, struct config_path *out)
{
    otai_json_string(j, out->text, sizeof out->text);
    if (j->err == OTA_OK && !out->text[0])
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void take_references(struct otai_json *j, struct config_group *g)
{
    for (otai_json_array(j); otai_json_element(j);) {
        if (g->reference_count == REFERENCE_FILES) {
            otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
            return;
        }
        take_path(j, &g->reference[g->reference_count++]);
    }
    if (j->err == OTA_OK && g->reference_count == 0)
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void take_strength(struct otai_json *j, enum ota_strength *out)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err != OTA_OK)
        return;
    for (enum ota_strength s = OTA_STRENGTH_SOFT; s <= OTA_STRENGTH_HW; s++)
        if (otai_json_raw_is(raw, ota_strength_name(s))) {
            *out = s;
            return;
        }
    otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

enum { PRODUCT, GROUP, CA_CERT, CA_KEY, REFERENCE, TOKEN, DEVICES_LIMIT, STRENGTH };
static const struct otai_member group_members[] = {
    [PRODUCT] = { "product", 0, OTAI_OWN, true },
    [GROUP] = { "group", 0, OTAI_OWN, true },
    [CA_CERT] = { "ca_cert", 0, OTAI_OWN, true },
    [CA_KEY] = { "ca_key", 0, OTAI_OWN, true },
    [REFERENCE] = { "reference", 0, OTAI_OWN, true },
    [TOKEN] = { "token_sha256", 0, OTAI_OWN, false },
    [DEVICES_LIMIT] = { "devices_max", 0, OTAI_OWN, false },
    [STRENGTH] = { "strength_min", 0, OTAI_OWN, false },
};

static void take_group_member(struct otai_json *j, int member, struct config_group *g)
{
    switch (member) {
    case PRODUCT: take_name(j, g->product); break;
    case GROUP: take_name(j, g->group); break;
    case CA_CERT: take_path(j, &g->ca_cert); break;
    case CA_KEY: take_path(j, &g->ca_key); break;
    case REFERENCE: take_references(j, g); break;
    case TOKEN:
        g->has_token = true;
        otai_json_hex(j, g->token_sha256, sizeof g->token_sha256);
        break;
    case DEVICES_LIMIT: g->devices_max = (uint32_t)otai_json_u64(j, 1, 4096); break;
    default: take_strength(j, &g->strength_min); break;
    }
}

/* Members that are not known are refused here: a configuration is written by who runs this program. */
static int take_known(struct otai_json *j, const struct otai_member *list, size_t count)
{
    if (!otai_json_member(j))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (otai_json_name_is(j, list[i].name))
            return (int)i;
    otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    return -1;
}

static void need_all(struct otai_json *j, const struct otai_member *list, size_t count, uint32_t seen)
{
    for (size_t i = 0; i < count; i++)
        otai_json_need(j, !list[i].needed || (seen & 1u << i), list[i].name);
}

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static void take_group(struct otai_json *j, struct config *c)
{
    struct config_group *g;
    uint32_t seen = 0;
    int member;

    if (c->group_count == CONFIG_GROUPS_MAX) {
        otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
        return;
    }
    g = &c->group[c->group_count++];
    g->devices_max = 4096;
    g->strength_min = OTA_STRENGTH_TPM;
    otai_json_object(j);
    while ((member = take_known(j, group_members, COUNT(group_members))) >= 0) {
        seen |= 1u << member;
        take_group_member(j, member, g);
    }
    need_all(j, group_members, COUNT(group_members), seen);
    for (size_t i = 0; i + 1 < c->group_count; i++)
        if (j->err == OTA_OK && strcmp(c->group[i].product, g->product) == 0 && strcmp(c->group[i].group, g->group) == 0)
            otai_json_fail(j, OTA_REJECT_DUPLICATE, NULL);
}

enum { ADDRESS, PORT, PORT_FILE, TLS_CERT, TLS_KEY, DEVICES, CERTIFICATE_S, NONCE_S, NONCES_LIMIT, TIMEOUT_S, GROUPS };
static const struct otai_member members[] = {
    [ADDRESS] = { "address", 0, OTAI_OWN, false },
    [PORT] = { "port", 0, OTAI_OWN, false },
    [PORT_FILE] = { "port_file", 0, OTAI_OWN, false },
    [TLS_CERT] = { "tls_cert", 0, OTAI_OWN, true },
    [TLS_KEY] = { "tls_key", 0, OTAI_OWN, true },
    [DEVICES] = { "devices", 0, OTAI_OWN, true },
    [CERTIFICATE_S] = { "certificate_s", 0, OTAI_OWN, false },
    [NONCE_S] = { "nonce_s", 0, OTAI_OWN, false },
    [NONCES_LIMIT] = { "nonces_max", 0, OTAI_OWN, false },
    [TIMEOUT_S] = { "timeout_s", 0, OTAI_OWN, false },
    [GROUPS] = { "groups", 0, OTAI_OWN, true },
};

static void take_member(struct otai_json *j, int member, struct config *c)
{
    switch (member) {
    case ADDRESS: otai_json_string(j, c->address, sizeof c->address); break;
    case PORT: c->port = (uint16_t)otai_json_u64(j, 0, UINT16_MAX); break;
    case PORT_FILE: take_path(j, &c->port_file); break;
    case TLS_CERT: take_path(j, &c->tls_cert); break;
    case TLS_KEY: take_path(j, &c->tls_key); break;
    case DEVICES: take_path(j, &c->devices); break;
    case CERTIFICATE_S: c->certificate_s = (uint32_t)otai_json_u64(j, 1, 604800); break;
    case NONCE_S: c->nonce_s = (uint32_t)otai_json_u64(j, 1, 3600); break;
    case NONCES_LIMIT: c->nonces_max = (uint32_t)otai_json_u64(j, 1, NONCES_MAX); break;
    case TIMEOUT_S: c->timeout_s = (uint32_t)otai_json_u64(j, 1, 300); break;
    default:
        for (otai_json_array(j); otai_json_element(j);)
            take_group(j, c);
        if (j->err == OTA_OK && c->group_count == 0)
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
        break;
    }
}

ota_err config_read(struct config *c, const char *text, size_t len, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t seen = 0;
    int member;

    memset(c, 0, sizeof *c);
    memcpy(c->address, "127.0.0.1", sizeof "127.0.0.1");
    c->certificate_s = 86400;
    c->nonce_s = 300;
    c->nonces_max = 256;
    c->timeout_s = 10;
    otai_json_init(&j, text, len);
    otai_json_object(&j);
    while ((member = take_known(&j, members, COUNT(members))) >= 0) {
        seen |= 1u << member;
        take_member(&j, member, c);
    }
    need_all(&j, members, COUNT(members), seen);
    otai_json_end(&j);
    return otai_json_fault(&j, "config", fault);
}
