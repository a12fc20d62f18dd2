/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "doctor.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "control.h"

static const char *const property_names[DOCTOR_PROPERTIES] = { "hardware root of trust", "defence in depth", "small trusted base",
    "dynamic compartments", "certificate-based authentication", "error reporting", "renewable security" };
static const char *const verdict_names[] = { "missing", "partial", "present" };

/* A build without OTA_ATTEST examines as well, and has no ota_strength_name(). */
const char *doctor_strength_name(enum ota_strength s)
{
    return s == OTA_STRENGTH_HW ? "hw" : s == OTA_STRENGTH_TPM ? "tpm" : s == OTA_STRENGTH_SOFT ? "soft" : "none";
}

void doctor_note(struct doctor *d, enum doctor_property p, const char *what, bool needed, bool holds, const char *format, ...)
{
    struct doctor_finding *f = &d->finding[p];
    va_list args;

    if (f->count == DOCTOR_EVIDENCE_MAX)
        return;
    struct doctor_evidence *e = &f->evidence[f->count++];
    *e = (struct doctor_evidence){ .what = what, .holds = holds, .needed = needed };
    va_start(args, format);
    (void)vsnprintf(e->found, sizeof e->found, format, args);
    va_end(args);
}

long doctor_read(const struct doctor *d, const char *path, char *text, size_t cap)
{
    char whole[4096];
    size_t fill = 0;
    ssize_t n = 1;
    int fd;

    text[0] = '\0';
    if (snprintf(whole, sizeof whole, "%s%s", d->root, path) >= (int)sizeof whole) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    while (n > 0 && fill + 1 < cap) {
        n = read(fd, text + fill, cap - 1 - fill);
        fill += n > 0 ? (size_t)n : 0;
    }
    int number = errno;
    (void)close(fd);
    text[fill] = '\0';
    errno = number;
    return n < 0 ? -1 : (long)fill;
}

/* Evidence that is not needed says more, and decides nothing. */
enum doctor_verdict doctor_verdict(const struct doctor_finding *f)
{
    size_t needed = 0, held = 0;

    for (size_t i = 0; i < f->count; i++) {
        needed += f->evidence[i].needed;
        held += f->evidence[i].needed && f->evidence[i].holds;
    }
    if (held == 0)
        return DOCTOR_MISSING;
    return held == needed ? DOCTOR_PRESENT : DOCTOR_PARTIAL;
}

bool doctor_all_present(const struct doctor *d)
{
    for (size_t i = 0; i < DOCTOR_PROPERTIES; i++)
        if (doctor_verdict(&d->finding[i]) != DOCTOR_PRESENT)
            return false;
    return true;
}

/* The agent is asked as `status` asks it: nothing is disturbed. */
static void ask_agent(struct doctor *d)
{
    static char text[CONTROL_ANSWER_MAX];

    if (control_ask(d->config->runtime_dir, "{\"do\":\"status\",\"form\":\"json\",\"text\":true}\n", text) != AGENT_OK)
        return;
    d->status = cJSON_Parse(text);
    d->pid = (long)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(d->status, "agent_pid"));
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(d->status, "agent_running")) || d->pid <= 0) {
        cJSON_Delete(d->status);
        d->status = NULL;
        d->pid = 0;
    }
}

void doctor_examine(struct doctor *d, const struct agent_config *c, const char *root)
{
    memset(d, 0, sizeof *d);
    d->root = root;
    d->config = c;
    d->now_s = (int64_t)time(NULL);
    ask_agent(d);
    doctor_look_at_device(d);
    doctor_look_at_updates(d);
    for (size_t i = DOCTOR_DEPTH; i < DOCTOR_PROPERTIES; i++) /* what is not there is worth nothing; a key is what it is */
        if (doctor_verdict(&d->finding[i]) == DOCTOR_MISSING)
            d->finding[i].strength = OTA_STRENGTH_NONE;
}

void doctor_free(struct doctor *d)
{
    cJSON_Delete(d->status);
    d->status = NULL;
}

static void print_text(const struct doctor *d)
{
    for (size_t i = 0; i < DOCTOR_PROPERTIES; i++) {
        const struct doctor_finding *f = &d->finding[i];

        (void)printf("%zu. %-34s %-8s %s\n", i + 1, property_names[i], verdict_names[doctor_verdict(f)], doctor_strength_name(f->strength));
        for (size_t k = 0; k < f->count; k++) {
            const struct doctor_evidence *e = &f->evidence[k];

            (void)printf("   %c %s: %s\n", e->holds ? '+' : e->needed ? '-' : ' ', e->what, e->found);
        }
    }
}

static void add_finding(cJSON *list, const char *name, const struct doctor_finding *f)
{
    cJSON *o = cJSON_CreateObject(), *evidence;

    (void)cJSON_AddStringToObject(o, "name", name);
    (void)cJSON_AddStringToObject(o, "verdict", verdict_names[doctor_verdict(f)]);
    (void)cJSON_AddStringToObject(o, "strength", doctor_strength_name(f->strength));
    evidence = cJSON_AddArrayToObject(o, "evidence");
    for (size_t i = 0; i < f->count; i++) {
        cJSON *e = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(e, "what", f->evidence[i].what);
        (void)cJSON_AddBoolToObject(e, "holds", f->evidence[i].holds);
        (void)cJSON_AddBoolToObject(e, "needed", f->evidence[i].needed);
        (void)cJSON_AddStringToObject(e, "found", f->evidence[i].found);
        (void)cJSON_AddItemToArray(evidence, e);
    }
    (void)cJSON_AddItemToArray(list, o);
}

static bool print_json(const struct doctor *d)
{
    cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "properties");

    for (size_t i = 0; i < DOCTOR_PROPERTIES; i++)
        add_finding(list, property_names[i], &d->finding[i]);
    (void)cJSON_AddBoolToObject(o, "all_present", doctor_all_present(d));
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (text)
        (void)puts(text);
    cJSON_free(text);
    return text != NULL;
}

int agent_doctor(const struct agent_config *c, const struct agent_options *o)
{
    static struct doctor d;
    bool all;

    doctor_examine(&d, c, o->root ? o->root : "");
    all = doctor_all_present(&d);
    if (!o->json)
        print_text(&d);
    else if (!print_json(&d))
        all = false;
    doctor_free(&d);
    return all ? AGENT_OK : AGENT_INCOMPLETE;
}
