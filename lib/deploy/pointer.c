/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployment pointer: the target "group/<group>/deploy.json" of the product repository, or a feed's
 * "os/feed/<feed>/<product>.json". A JSON object; unknown members are ignored everywhere:
 *
 *   "format"   1; another number is REJECT_SPEC
 *   "group"    the device group (a group's pointer), name
 *   "feed"     the feed (a feed's pointer, instead of "group"), name
 *   "product"  name
 *   "seq"      1..2^63-1, never decreasing
 *   "policy"   "all" or "os-only"; absent = "all"
 *   "os_feed"  name of the feed that supplies the component "os"; absent or "" = none
 *   "images"   0..4 objects, each component once:
 *              { "component" name, "path" target path, "length" 1..2^63-1, "sha256" 64 lower-case hex digits }
 *   "poll_s"   60..604800, seconds between two check-ins; absent = the device's own interval
 *   "defer_min" { "system" 0..44640, "application" 0..44640 }: most minutes of deferral; absent = 1440, 10020
 *   "rollout"  { "salt" 32 lower-case hex digits, "per_mille" 0..1000 }: for a part of the devices; absent = for all
 *
 * The last three count in a group's pointer only, and builds without OTA_POLICY do not know them.
 *
 * A name is 1..31 characters of [a-z0-9-]; a target path 1..191 of [A-Za-z0-9._/-], without "..", "//", and without a
 * part that is empty or begins with '.'.
 */
#include <string.h>

#include "deploy.h"
#include "text.h"

#ifndef OTAI_RULES_HEADER
#define OTAI_RULES_HEADER "rules_on.h"
#endif
#include OTAI_RULES_HEADER

/* Members by index in their lists; those that must be there come first. */
enum { FORMAT, OWNER, PRODUCT, SEQ, IMAGES, REQUIRED, POLICY = REQUIRED, OS_FEED, RULES };
static const char *const group_members[] = { "format", "group", "product", "seq", "images", "policy", "os_feed", OTAI_RULES_MEMBERS NULL };
static const char *const feed_members[] = { "format", "feed", "product", "seq", "images", "policy", "os_feed", OTAI_RULES_MEMBERS NULL };

enum { IMAGE_COMPONENT, IMAGE_PATH, IMAGE_LENGTH, IMAGE_SHA256, IMAGE_REQUIRED };
static const char *const image_members[] = { "component", "path", "length", "sha256", NULL };

static ota_err path_of(char *out, size_t cap, const char *folder, const char *name, const char *file)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    otai_text_add(&t, folder);
    otai_text_add(&t, name);
    otai_text_add(&t, "/");
    otai_text_add(&t, file);
    otai_text_add(&t, ".json");
    return t.full ? OTA_REJECT_LIMIT : OTA_OK;
}

ota_err otai_pointer_path(const char *group, char *out, size_t cap)
{
    return path_of(out, cap, "group/", group, "deploy");
}

ota_err otai_feed_path(const char *feed, const char *product, char *out, size_t cap)
{
    return path_of(out, cap, "os/feed/", feed, product);
}

bool otai_pointer_names(const struct otai_pointer *p, const char *component)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->image[i].component, component) == 0)
            return true;
    return false;
}

static void take_component(struct otai_json *j, const struct otai_pointer *p, struct otai_pointer_image *image)
{
    otai_take_name(j, image->component, sizeof image->component);
    if (otai_pointer_names(p, image->component))
        otai_json_fail(j, OTA_REJECT_DUPLICATE, NULL);
}

static void take_image_member(struct otai_json *j, size_t member, const struct otai_pointer *p, struct otai_pointer_image *image)
{
    switch (member) {
    case IMAGE_COMPONENT: take_component(j, p, image); break;
    case IMAGE_PATH: otai_take_path(j, image->path, sizeof image->path); break;
    case IMAGE_LENGTH: image->length = otai_take_number(j); break;
    case IMAGE_SHA256: otai_json_hex(j, image->sha256, sizeof image->sha256); break;
    default: otai_json_skip(j);
    }
}

static void take_image(struct otai_json *j, struct otai_pointer *p)
{
    uint32_t seen = 0;

    if (p->count == OTA_COMPONENTS_MAX) {
        otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
        return;
    }
    for (otai_json_object(j); otai_json_member(j);) {
        size_t member = otai_member_index(j, image_members);
        take_image_member(j, member, p, &p->image[p->count]);
        seen |= 1u << member;
    }
    otai_need_members(j, seen, image_members, IMAGE_REQUIRED);
    p->count++;
}

static void take_images(struct otai_json *j, struct otai_pointer *p)
{
    for (otai_json_array(j); otai_json_element(j);)
        take_image(j, p);
}

static void take_format(struct otai_json *j)
{
    if (otai_json_u64(j, 0, UINT64_MAX) != 1)
        otai_json_fail(j, OTA_REJECT_SPEC, NULL);
}

static bool take_policy(struct otai_json *j)
{
    struct otai_span raw = otai_json_string_raw(j);
    bool os_only = j->err == OTA_OK && otai_json_raw_is(raw, "os-only");

    if (j->err == OTA_OK && !os_only && !otai_json_raw_is(raw, "all"))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    return os_only;
}

static void take_feed(struct otai_json *j, struct otai_pointer *out)
{
    struct otai_json look = *j;

    if (otai_json_raw_is(otai_json_string_raw(&look), ""))
        otai_json_skip(j);
    else
        otai_take_name(j, out->os_feed, sizeof out->os_feed);
}

/* Whose pointer this must be. */
struct owner {
    const char *product, *name;
};

static void take_member(struct otai_json *j, size_t member, const struct owner *owner, struct otai_pointer *out)
{
    switch (member) {
    case FORMAT: take_format(j); break;
    case OWNER: otai_take_exactly(j, owner->name, OTA_REJECT_GROUP); break;
    case PRODUCT: otai_take_exactly(j, owner->product, OTA_REJECT_PRODUCT); break;
    case SEQ: out->seq = otai_take_number(j); break;
    case IMAGES: take_images(j, out); break;
    case POLICY: out->os_only = take_policy(j); break;
    case OS_FEED: take_feed(j, out); break;
    default: otai_rules_take(j, member - RULES, &out->rules);
    }
}

ota_err otai_pointer_parse(const uint8_t *p, size_t len, const char *product, const char *group, const char *feed,
                           struct otai_pointer *out, struct ota_fault *fault)
{
    const struct owner owner = { product, group ? group : feed };
    const char *const *members = group ? group_members : feed_members;
    struct otai_json j;
    uint32_t seen = 0;

    memset(out, 0, sizeof *out);
    otai_rules_init(&out->rules);
    otai_json_init(&j, p, len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        size_t member = otai_member_index(&j, members);
        take_member(&j, member, &owner, out);
        seen |= 1u << member;
    }
    otai_need_members(&j, seen, members, REQUIRED);
    otai_json_end(&j);
    return otai_json_fault(&j, "pointer", fault);
}
