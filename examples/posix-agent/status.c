/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "status.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *slot_name(uint8_t slot)
{
    return slot == 0 ? "a" : slot == 1 ? "b" : "none";
}

static void add_fault(cJSON *to, const struct ota_fault *f)
{
    cJSON *o;

    if (f->err == OTA_OK) {
        (void)cJSON_AddNullToObject(to, "last_fault");
        return;
    }
    o = cJSON_AddObjectToObject(to, "last_fault");
    (void)cJSON_AddStringToObject(o, "name", ota_err_name(f->err));
    (void)cJSON_AddNumberToObject(o, "number", (double)f->err);
    (void)cJSON_AddStringToObject(o, "text", ota_err_text(f->err));
    (void)cJSON_AddStringToObject(o, "where", f->where);
    (void)cJSON_AddNumberToObject(o, "port_code", (double)f->port_code);
}

static void add_holds(cJSON *to, uint32_t holds)
{
    cJSON *list = cJSON_AddArrayToObject(to, "holds");

    for (uint32_t bit = 1; bit != 0; bit <<= 1)
        if ((holds & bit) && ota_hold_name(bit))
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(ota_hold_name(bit)));
}

static void add_component(cJSON *list, const char *name, const struct ota_component_status *s)
{
    cJSON *o = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(o, "name", name);
    (void)cJSON_AddStringToObject(o, "running", s->running);
    (void)cJSON_AddStringToObject(o, "slot", slot_name(s->slot));
    (void)cJSON_AddStringToObject(o, "wanted", s->wanted);
    (void)cJSON_AddNumberToObject(o, "done", (double)s->done);
    (void)cJSON_AddNumberToObject(o, "length", (double)s->length);
    (void)cJSON_AddStringToObject(o, "encoding", ota_codec_name(s->why ? s->codec : OTA_CODEC_COUNT));
    (void)cJSON_AddStringToObject(o, "why", ota_why_name(s->why));
    (void)cJSON_AddBoolToObject(o, "removing", s->removing);
    (void)cJSON_AddItemToArray(list, o);
}

static void add_process(cJSON *to, const char *name, const struct ota_posix_sandbox_state *s)
{
    cJSON *o = cJSON_AddObjectToObject(to, name), *list = cJSON_AddArrayToObject(o, "has");

    for (unsigned bit = 1; bit < 256; bit <<= 1)
        if ((s->has & bit) && ota_posix_sandbox_name((uint8_t)bit))
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(ota_posix_sandbox_name((uint8_t)bit)));
    (void)cJSON_AddNumberToObject(o, "landlock_abi", s->landlock_abi);
    (void)cJSON_AddBoolToObject(o, "loose", s->loose);
}

static void add_held(cJSON *to, const struct status_held *held)
{
    if (!held) {
        (void)cJSON_AddNullToObject(to, "sandbox");
        return;
    }
    cJSON *o = cJSON_AddObjectToObject(to, "sandbox");
    add_process(o, "writer", held->writer);
    if (held->fetcher->starts > 0)
        add_process(o, "fetcher", &held->fetcher->sandbox);
    else
        (void)cJSON_AddNullToObject(o, "fetcher");
    (void)cJSON_AddNumberToObject(o, "fetcher_starts", held->fetcher->starts);
    (void)cJSON_AddStringToObject(o, "fetcher_trouble", ota_posix_fetcher_code_name(held->fetcher->trouble));
}

static void add_watched(cJSON *to, const struct agent_config *c, const struct status_watched *w)
{
    if (!w) {
        (void)cJSON_AddNullToObject(to, "monitor");
        return;
    }
    cJSON *o = cJSON_AddObjectToObject(to, "monitor"), *list = cJSON_AddArrayToObject(o, "components");
    (void)cJSON_AddBoolToObject(o, "paused", w->paused);
    (void)cJSON_AddStringToObject(o, "health", w->health);
    (void)cJSON_AddStringToObject(o, "last", w->last);
    (void)cJSON_AddStringToObject(o, "done", w->done);
    (void)cJSON_AddStringToObject(o, "where", w->where);
    for (size_t i = 0; i < c->component_count; i++) {
        cJSON *p = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(p, "name", c->component[i].name);
        (void)cJSON_AddBoolToObject(p, "known", w->part[i].known);
        (void)cJSON_AddStringToObject(p, "found", w->part[i].kind);
        (void)cJSON_AddNumberToObject(p, "rounds", w->part[i].rounds);
        (void)cJSON_AddNumberToObject(p, "done", (double)w->part[i].off);
        (void)cJSON_AddNumberToObject(p, "length", (double)w->part[i].length);
        (void)cJSON_AddItemToArray(list, p);
    }
}

char *status_json(const struct ota_status *s, const struct agent_config *c, bool running, const struct status_held *held,
                  const struct status_watched *watched)
{
    cJSON *o = cJSON_CreateObject();
    cJSON *list;
    char *text, *line;

    (void)cJSON_AddBoolToObject(o, "agent_running", running);
    (void)cJSON_AddNumberToObject(o, "agent_pid", running ? (double)getpid() : 0);
    (void)cJSON_AddStringToObject(o, "state", ota_state_name(s->state));
    add_holds(o, s->holds);
    (void)cJSON_AddNumberToObject(o, "next_check_s", (double)s->next_check_s);
    (void)cJSON_AddNumberToObject(o, "deployment", (double)s->seq);
    (void)cJSON_AddNumberToObject(o, "fetched", (double)s->fetched);
    (void)cJSON_AddNumberToObject(o, "reports_kept", (double)s->reports_kept);
    (void)cJSON_AddStringToObject(o, "last_outcome", ota_outcome_name(s->last_outcome));
    add_fault(o, &s->last_fault);
    add_held(o, held);
    add_watched(o, c, watched);
    list = cJSON_AddArrayToObject(o, "components");
    for (size_t i = 0; i < s->component_count; i++)
        add_component(list, c->component[i].name, &s->component[i]);
    text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    line = text ? malloc(strlen(text) + 2) : NULL;
    if (line)
        (void)sprintf(line, "%s\n", text);
    cJSON_free(text);
    return line;
}

static void print_holds(FILE *f, uint32_t holds)
{
    for (uint32_t bit = 1; bit != 0; bit <<= 1)
        if ((holds & bit) && ota_hold_name(bit))
            (void)fprintf(f, "held back by: %s\n", ota_hold_name(bit));
}

static void print_component(FILE *f, const char *name, const struct ota_component_status *s)
{
    if (s->slot == OTA_SLOT_NONE)
        (void)fprintf(f, "component:    %s is not installed", name);
    else
        (void)fprintf(f, "component:    %s %s in slot %s", name, s->running[0] ? s->running : "(version unknown)", slot_name(s->slot));
    if (s->removing)
        (void)fprintf(f, ", is to be removed");
    if (s->length > 0)
        (void)fprintf(f, ", %s coming: %" PRIu64 " of %" PRIu64 " bytes", s->wanted, s->done, s->length);
    if (s->why)
        (void)fprintf(f, " (%s, %s)", ota_codec_name(s->codec), ota_why_name(s->why));
    (void)fputc('\n', f);
}

static void print_fault(FILE *f, const struct ota_fault *fault)
{
    if (fault->err != OTA_OK)
        (void)fprintf(f, "last failure: %s (%s at %s, code %" PRId32 ")\n", ota_err_text(fault->err), ota_err_name(fault->err),
                      fault->where[0] ? fault->where : "?", fault->port_code);
}

static void print_process(FILE *f, const char *name, const struct ota_posix_sandbox_state *s)
{
    unsigned missing = OTA_POSIX_SANDBOX_ALL & ~(unsigned)s->has;

    (void)fprintf(f, "%s: %s", name, missing ? "lacks" : s->loose ? "whole, but built for tests" : "whole");
    for (unsigned bit = 1; bit < 256; bit <<= 1)
        if (missing & bit)
            (void)fprintf(f, " %s", ota_posix_sandbox_name((uint8_t)bit));
}

static void print_held(FILE *f, const struct status_held *held)
{
    print_process(f, "sandbox:      writer", held->writer);
    if (held->fetcher->starts > 0)
        print_process(f, "; fetcher", &held->fetcher->sandbox);
    if (held->fetcher->trouble)
        (void)fprintf(f, "; last trouble with the fetcher: %s", ota_posix_fetcher_code_name(held->fetcher->trouble));
    (void)fputc('\n', f);
}

static void print_watched(FILE *f, const struct agent_config *c, const struct status_watched *w)
{
    for (size_t i = 0; i < c->component_count; i++)
        if (w->part[i].known)
            (void)fprintf(f, "monitor:      %s is %s, %" PRIu32 " rounds%s\n", c->component[i].name, w->part[i].kind, w->part[i].rounds,
                          w->paused ? ", paused" : "");
        else
            (void)fprintf(f, "monitor:      %s is not watched: it is not known what it should be\n", c->component[i].name);
    if (strcmp(w->health, "fine") != 0)
        (void)fprintf(f, "health:       %s\n", w->health);
    if (w->where[0])
        (void)fprintf(f, "last finding: %s, %s (%s)\n", w->last, w->done, w->where);
}

char *status_text(const struct ota_status *s, const struct agent_config *c, bool running, const struct status_held *held,
                  const struct status_watched *watched)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    if (!f)
        return NULL;
    (void)fprintf(f, "agent:        %s\nstate:        %s\n", running ? "running" : "not running", ota_state_name(s->state));
    print_holds(f, s->holds);
    for (size_t i = 0; i < s->component_count; i++)
        print_component(f, c->component[i].name, &s->component[i]);
    (void)fprintf(f, "deployment:   %" PRIu64 "\nlast outcome: %s\n", s->seq, ota_outcome_name(s->last_outcome));
    print_fault(f, &s->last_fault);
    if (held)
        print_held(f, held);
    if (watched)
        print_watched(f, c, watched);
    if (s->reports_kept > 0)
        (void)fprintf(f, "reports kept: %" PRIu32 "\n", s->reports_kept);
    if (running && s->next_check_s > 0)
        (void)fprintf(f, "next check:   in %" PRIu32 " s\n", s->next_check_s);
    return fclose(f) == 0 ? text : NULL;
}
