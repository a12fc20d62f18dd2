/* SPDX-License-Identifier: Apache-2.0 */
#include "reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "files.h"
#include "json_members.h"

#define FILE_MAX (256u * 1024u)

enum { WHAT, DIGEST, REQUIRED, VERSION_TEXT, UPDATE_ONLY };
static const struct otai_member value_members[] = {
    [WHAT] = { "what", 0, OTAI_OWN, true },
    [DIGEST] = { "digest", 0, OTAI_OWN, true },
    [REQUIRED] = { "required", 0, OTAI_OWN, false },
    [VERSION_TEXT] = { "version", 0, OTAI_OWN, false },
    [UPDATE_ONLY] = { "update_only", 0, OTAI_OWN, false },
};

static void take_what(struct otai_json *j, struct ota_measurement *m)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err == OTA_OK && (!otai_what_parse(raw, m) || !otai_measurement_ok(m)))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void add_value(struct reference *r, const struct ota_measurement *m, bool required, bool update_only)
{
    struct ota_reference *v = &r->value[r->count];

    memcpy(r->text[r->count].name, m->name, sizeof m->name);
    *v = (struct ota_reference){ .kind = m->kind, .name = r->text[r->count].name, .required = required };
    memcpy(v->digest, m->digest, sizeof m->digest);
    r->count++;
    if (!update_only)
        r->current[r->current_count++] = *v;
}

static void take_value(struct reference *r, struct otai_json *j)
{
    struct ota_measurement m = { .kind = OTA_MEASURED_BOOT };
    char version[OTA_VERSION_MAX];
    uint32_t left = OTAI_ALL(value_members);
    bool required = false, update_only = false;
    int member;

    otai_json_object(j);
    while ((member = otai_json_take(j, value_members, NULL, &left)) >= 0)
        switch (member) {
        case WHAT: take_what(j, &m); break;
        case DIGEST: otai_json_hex(j, m.digest, sizeof m.digest); break;
        case REQUIRED: required = otai_json_bool(j); break;
        case UPDATE_ONLY: update_only = otai_json_bool(j); break;
        default: otai_json_string(j, version, sizeof version); break; /* for people */
        }
    if (j->err == OTA_OK && r->count == REFERENCE_MAX)
        otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
    if (j->err == OTA_OK)
        add_value(r, &m, required, update_only);
}

/* A file of another product must not vouch for this one's images. */
static void take_owner(struct otai_json *j, const char *owner)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err == OTA_OK && owner && !otai_json_raw_is(raw, owner))
        otai_json_fail(j, OTA_REJECT_SCOPE, NULL);
}

enum { VERSION, PRODUCT, GROUP, REFERENCES };
static const struct otai_member members[] = {
    [VERSION] = { "version", 0, OTAI_OWN, true },
    [PRODUCT] = { "product", 0, OTAI_OWN, false },
    [GROUP] = { "group", 0, OTAI_OWN, false },
    [REFERENCES] = { "references", 0, OTAI_OWN, true },
};

ota_err reference_read(struct reference *r, const char *text, size_t len, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t left = OTAI_ALL(members);
    int member;

    otai_json_init(&j, text, len);
    otai_json_object(&j);
    while ((member = otai_json_take(&j, members, NULL, &left)) >= 0)
        switch (member) {
        case VERSION:
            if (otai_json_u64(&j, 0, UINT32_MAX) != 1)
                otai_json_fail(&j, OTA_REJECT_SPEC, NULL);
            break;
        case PRODUCT: take_owner(&j, r->product); break;
        case GROUP: take_owner(&j, r->group); break;
        default:
            for (otai_json_array(&j); otai_json_element(&j);)
                take_value(r, &j);
        }
    otai_json_end(&j);
    return otai_json_fault(&j, "reference", fault);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static ota_err load(struct reference *r, const char *path, struct ota_fault *fault)
{
    size_t len = 0;
    char *text = file_read(path, FILE_MAX, &len);

    if (!text)
        return ota_fault_set(fault, OTA_DEVICE_STORE, "reference", errno);
    ota_err err = reference_read(r, text, len, fault);
    free(text);
    return err;
}

/* After a failure nothing is remembered as seen, so the next request tries again. */
static ota_err forget(struct reference *r, ota_err err)
{
    r->count = r->current_count = 0;
    memset(r->seen, 0, sizeof r->seen);
    return err;
}

ota_err reference_refresh(struct reference *r, struct ota_fault *fault)
{
    struct stat now[REFERENCE_FILES];
    bool same = true;

    for (size_t i = 0; i < r->path_count; i++) {
        if (stat(r->path[i], &now[i]) != 0)
            return forget(r, ota_fault_set(fault, OTA_DEVICE_STORE, "reference", errno));
        same = same && is_same(&now[i], &r->seen[i]);
    }
    if (same)
        return OTA_OK;
    r->count = r->current_count = 0;
    for (size_t i = 0; i < r->path_count; i++) {
        ota_err err = load(r, r->path[i], fault);
        if (err != OTA_OK)
            return forget(r, err);
        r->seen[i] = now[i];
    }
    return OTA_OK;
}
