/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <string.h>

#include "crypto.h"
#include "text.h"

#define ROLLOUT_SALT_LEN 16u
#define ROLLOUT_ID_MAX 127u

/* Of one option: TOOL_ABSENT when it is not given. *out is NULL for "default". */
static int take_number(struct tool *t, const struct args *a, const char *name, unsigned long min, unsigned long max, cJSON **out)
{
    const char *text = args_get(a, name);
    unsigned long n;

    *out = NULL;
    if (text == NULL)
        return TOOL_ABSENT;
    if (strcmp(text, "default") == 0)
        return TOOL_OK;
    if (!number_parse(text, min, max, &n))
        return tool_usage(t, "--%s: \"%s\" is not a whole number in %lu..%lu, nor default", name, text, min, max);
    *out = cJSON_CreateNumber((double)n);
    return TOOL_OK;
}

static int put_number(struct tool *t, const struct args *a, const char *option, unsigned long min, unsigned long max, cJSON *into,
                      const char *name)
{
    cJSON *number;
    int rc = take_number(t, a, option, min, max, &number);

    if (rc == TOOL_ABSENT)
        return TOOL_OK;
    if (rc == TOOL_OK && number != NULL)
        put_item(into, name, number);
    else if (rc == TOOL_OK)
        cJSON_DeleteItemFromObjectCaseSensitive(into, name);
    return rc;
}

int fleet_options(struct tool *t, const struct args *a, cJSON *group)
{
    int rc = put_number(t, a, "poll", POLL_MIN_S, POLL_MAX_S, group, "poll_s");
    cJSON *defer = cJSON_Duplicate(member(group, "defer_min"), true);

    if (defer == NULL)
        defer = cJSON_CreateObject();
    if (rc == TOOL_OK)
        rc = put_number(t, a, "defer-system", 0, DEFER_MAX_MIN, defer, "system");
    if (rc == TOOL_OK)
        rc = put_number(t, a, "defer-application", 0, DEFER_MAX_MIN, defer, "application");
    if (rc == TOOL_OK && defer->child != NULL) {
        put_item(group, "defer_min", defer);
        return TOOL_OK;
    }
    cJSON_Delete(defer);
    if (rc == TOOL_OK)
        cJSON_DeleteItemFromObjectCaseSensitive(group, "defer_min");
    return rc;
}

bool fleet_same(const cJSON *x, const cJSON *y)
{
    static const char *const names[] = { "poll_s", "defer_min" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *p = member(x, names[i]), *q = member(y, names[i]);
        if ((p == NULL) != (q == NULL) || (p != NULL && !cJSON_Compare(p, q, true)))
            return false;
    }
    return true;
}

static int check_optional(struct at a, const char *name, uint64_t min, uint64_t max)
{
    uint64_t n;

    return member(a.obj, name) == NULL ? TOOL_OK : at_number(a, name, min, max, &n);
}

int fleet_check(struct at a)
{
    struct at defer;
    int rc = check_optional(a, "poll_s", POLL_MIN_S, POLL_MAX_S);

    if (rc != TOOL_OK || member(a.obj, "defer_min") == NULL)
        return rc;
    rc = at_object(a, "defer_min", &defer);
    if (rc == TOOL_OK)
        rc = check_optional(defer, "system", 0, DEFER_MAX_MIN);
    if (rc == TOOL_OK)
        rc = check_optional(defer, "application", 0, DEFER_MAX_MIN);
    return rc;
}

int rollout_check(struct at a)
{
    struct at rollout;
    const char *salt = NULL;
    uint64_t n;

    if (member(a.obj, "rollout") == NULL)
        return TOOL_OK;
    int rc = at_object(a, "rollout", &rollout);
    if (rc == TOOL_OK)
        rc = at_number(rollout, "per_mille", 0, 1000, &n);
    if (rc == TOOL_OK)
        rc = at_string(rollout, "salt", &salt);
    if (rc == TOOL_OK && (strlen(salt) != 32 || strspn(salt, "0123456789abcdef") != 32))
        rc = at_bad(rollout, "salt", "must be 32 lower-case hex digits");
    return rc;
}

int rollout_number(struct tool *t, const char *salt, const char *id, size_t id_len, unsigned *out)
{
    uint8_t text[ROLLOUT_SALT_LEN + ROLLOUT_ID_MAX], digest[DIGEST_LEN];
    uint64_t number = 0;

    if (!hex_decode(salt, text, ROLLOUT_SALT_LEN) || id_len > ROLLOUT_ID_MAX)
        return tool_failed(t, "rollout: cannot be computed for device %.*s", (int)(id_len > 64 ? 64 : id_len), id);
    memcpy(text + ROLLOUT_SALT_LEN, id, id_len);
    int rc = digest_of(t, text, ROLLOUT_SALT_LEN + id_len, digest);
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    *out = (unsigned)(number % 1000u);
    return rc;
}
