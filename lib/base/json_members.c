/* SPDX-License-Identifier: Apache-2.0 */
#include "json_members.h"

static void take_plain(struct otai_json *j, uint8_t kind, void *field)
{
    struct otai_span *text = field;
    uint32_t *number = field;
    bool *flag = field;

    switch (kind) {
    case OTAI_JSON_STRING:
        *text = otai_json_string_raw(j);
        break;
    case OTAI_JSON_NUMBER:
        *number = (uint32_t)otai_json_u64(j, 1, UINT32_MAX);
        break;
    case OTAI_JSON_BOOL:
        *flag = otai_json_bool(j);
        break;
    default:
        if (kind != OTAI_JSON_NONE && kind != otai_json_peek(j))
            otai_json_fail(j, OTA_REJECT_TYPE, NULL);
        *text = otai_json_value(j);
    }
}

int otai_json_take(struct otai_json *j, const struct otai_member *list, void *out, uint32_t *left)
{
    int i;

    while (otai_json_member(j)) {
        for (i = 0; *left >> i; i++)
            if (*left >> i & 1 && otai_json_name_is(j, list[i].name))
                break;
        if (*left >> i == 0) {
            otai_json_skip(j);
            continue;
        }
        *left &= ~(1u << i);
        if (list[i].kind == OTAI_OWN)
            return i;
        take_plain(j, list[i].kind, (uint8_t *)out + list[i].offset);
    }
    for (i = 0; *left >> i; i++)
        if (*left >> i & 1 && list[i].needed)
            otai_json_need(j, false, list[i].name);
    return -1;
}
