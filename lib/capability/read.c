/* SPDX-License-Identifier: Apache-2.0 */
/* The document. Members that this version does not know are refused: what they allow or bind would be ignored. */
#include <string.h>

#include "capability_i.h"
#include "encode.h"

#define COUNTER_MAX UINT64_C(9007199254740991) /* 2^53 - 1: what every reader of JSON can count */

static const char *const kinds[] = { NULL, "development", "servicing" };
static const char *const uses[] = { NULL, "persistent", "session", "once" };

const char *ota_capability_kind_name(enum ota_capability_kind kind)
{
    return kind == OTA_CAPABILITY_DEVELOPMENT || kind == OTA_CAPABILITY_SERVICING ? kinds[kind] : "none";
}

const char *ota_capability_use_name(enum ota_capability_use use)
{
    return use >= OTA_CAPABILITY_PERSISTENT && use <= OTA_CAPABILITY_ONCE ? uses[use] : "none";
}

/* The place of a text in a list, from 1. */
static unsigned take_word(struct otai_json *j, const char *const *list, unsigned count)
{
    struct otai_span raw = otai_json_string_raw(j);

    for (unsigned i = 1; i < count; i++)
        if (otai_json_raw_is(raw, list[i]))
            return i;
    otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    return 0;
}

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void otai_cap_device(struct otai_json *j, char out[OTA_CAPABILITY_DEVICE_MAX])
{
    otai_json_string(j, out, OTA_CAPABILITY_DEVICE_MAX);
    if (out[0] == '\0')
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    for (const char *p = out; *p; p++)
        if (!is_id_char(*p))
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

void otai_cap_time(struct otai_json *j, int64_t *out)
{
    char text[24];

    otai_json_string(j, text, sizeof text);
    if (j->err == OTA_OK && !otai_time_parse(text, out))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

void otai_cap_fixed(struct otai_json *j, const char *text, ota_err err)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (!otai_json_raw_is(raw, text))
        otai_json_fail(j, err, NULL);
}

unsigned otai_cap_member(const struct otai_json *j, const char *const *names, unsigned count)
{
    unsigned i = 0;

    while (i < count && !otai_json_name_is(j, names[i]))
        i++;
    return i;
}

enum { TYPE, SPEC, DEVICE, KIND, USE, EXPIRES, COUNTER, SESSION, MEMBERS };
static const char *const names[MEMBERS] = { "_type", "spec_version", "device", "kind", "use", "expires", "counter", "session" };

static void take_member(struct otai_json *j, unsigned member, struct ota_capability *c)
{
    switch (member) {
    case TYPE:
        otai_cap_fixed(j, "capability", OTA_REJECT_SPEC);
        break;
    case SPEC:
        otai_cap_fixed(j, "1", OTA_REJECT_SPEC);
        break;
    case DEVICE:
        otai_cap_device(j, c->device);
        break;
    case KIND:
        c->kind = (enum ota_capability_kind)take_word(j, kinds, 3);
        break;
    case USE:
        c->use = (enum ota_capability_use)take_word(j, uses, 4);
        break;
    case EXPIRES:
        otai_cap_time(j, &c->expires_s);
        break;
    case COUNTER:
        c->counter = otai_json_u64(j, 1, COUNTER_MAX);
        break;
    case SESSION:
        otai_json_hex(j, c->session, sizeof c->session);
        break;
    default:
        otai_json_fail(j, OTA_REJECT_SPEC, NULL);
        break;
    }
}

/* A counter makes a capability one for one time, and names a start one of a session: neither may stand where it is ignored. */
static void check_whole(struct otai_json *j, uint32_t seen, const struct ota_capability *c)
{
    for (unsigned i = 0; i < COUNTER; i++)
        otai_json_need(j, seen >> i & 1, names[i]);
    bool once = c->use == OTA_CAPABILITY_ONCE, session = c->use == OTA_CAPABILITY_SESSION;
    otai_json_need(j, !once || (seen >> COUNTER & 1), names[COUNTER]);
    otai_json_need(j, !session || (seen >> SESSION & 1), names[SESSION]);
    if (!once && (seen >> COUNTER & 1))
        otai_json_fail(j, OTA_REJECT_VALUE, names[COUNTER]);
    if (!session && (seen >> SESSION & 1))
        otai_json_fail(j, OTA_REJECT_VALUE, names[SESSION]);
}

ota_err otai_cap_signed(struct otai_span text, struct ota_capability *out, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t seen = 0;

    memset(out, 0, sizeof *out);
    otai_json_init(&j, text.p, text.len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        unsigned member = otai_cap_member(&j, names, MEMBERS);

        take_member(&j, member, out);
        seen |= 1u << member;
    }
    check_whole(&j, seen, out);
    otai_json_end(&j);
    ota_err err = otai_json_fault(&j, "capability.signed", fault);
    if (err != OTA_OK)
        memset(out, 0, sizeof *out);
    return err;
}

/* ---- the envelope ---- */

static void read_signature(struct otai_json *j, struct otai_cap_signature *s)
{
    static const struct otai_member members[] = {
        { "keyid", offsetof(struct otai_cap_signature, id), OTAI_JSON_STRING, true },
        { "sig", offsetof(struct otai_cap_signature, sig), OTAI_JSON_STRING, true },
    };
    uint32_t left = OTAI_ALL(members);

    otai_json_object(j);
    (void)otai_json_take(j, members, s, &left);
}

static void read_signatures(struct otai_json *j, struct otai_cap_file *f)
{
    for (otai_json_array(j); otai_json_element(j); f->count++) {
        struct otai_cap_signature *s = &f->list[f->count];

        if (f->count == OTA_CAPABILITY_SIGNATURES_MAX) {
            otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
            return;
        }
        read_signature(j, s);
        for (const struct otai_cap_signature *other = f->list; other < s; other++)
            if (j->err == OTA_OK && otai_json_same(other->id, s->id))
                otai_json_fail(j, OTA_REJECT_DUPLICATE, NULL);
    }
}

ota_err otai_cap_open(const void *file, size_t len, const char *what, struct otai_cap_file *f, struct ota_fault *fault)
{
    static const struct otai_member members[] = {
        { "signatures", 0, OTAI_OWN, true },
        { "signed", offsetof(struct otai_cap_file, signed_text), OTAI_JSON_OBJECT, true },
    };
    uint32_t left = OTAI_ALL(members);
    struct otai_json j;

    memset(f, 0, sizeof *f);
    if (len > OTA_CAPABILITY_MAX)
        return ota_fault_set(fault, OTA_REJECT_LIMIT, what, 0);
    otai_json_init(&j, file, len);
    otai_json_object(&j);
    while (otai_json_take(&j, members, f, &left) >= 0)
        read_signatures(&j, f);
    otai_json_end(&j);
    return otai_json_fault(&j, what, fault);
}

ota_err ota_capability_read(const void *file, size_t len, struct ota_capability *out, struct ota_fault *fault)
{
    struct otai_cap_file f;

    memset(out, 0, sizeof *out);
    ota_err err = otai_cap_open(file, len, "capability", &f, fault);
    return err == OTA_OK ? otai_cap_signed(f.signed_text, out, fault) : err;
}
