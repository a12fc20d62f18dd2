/* SPDX-License-Identifier: Apache-2.0 */
/* Names and sentences for people. Builds without OTA_TEXTS take texts_bare.c instead: numbers say the same. */
#include <stddef.h>

#include "ota/error.h"
#include "ota/port_log.h"

struct row {
    uint16_t number;
    const char *name;
    const char *text;
};

static const struct row rows[] = {
#define ROW(name, number, text) { number, #name, text },
    OTA_ERR_LIST(ROW)
#undef ROW
};

static const struct row *find(ota_err err)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == (unsigned)err)
            return &rows[i];
    return NULL;
}

const char *ota_err_name(ota_err err)
{
    const struct row *r = find(err);

    return r ? r->name : "UNKNOWN";
}

const char *ota_err_text(ota_err err)
{
    const struct row *r = find(err);

    return r ? r->text : "error number that this version does not know";
}

const char *ota_event_text(enum ota_event ev)
{
    switch (ev) {
#define OTA_EVENT(name, number, text) case OTA_EV_##name: return text;
#include "ota/events.def"
#undef OTA_EVENT
    }
    return "event that this version does not know";
}
