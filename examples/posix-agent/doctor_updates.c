/* SPDX-License-Identifier: Apache-2.0 */
/* What the state directory, the configuration and the agent that runs say. */
#define _XOPEN_SOURCE 700
#include "doctor.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ota/attest_client.h"

#define METADATA_MAX (1u << 20)
#define SHORT_LIFE_S (8 * 86400)   /* a certificate that ends so soon need not be called back */
#define SILENT_S (8 * 86400)       /* twice what the longest interval between check-ins should be */
#define REPORTS_KEPT_MAX 2         /* one of today, one of the last start */

/* ---- times ---- */

static const char *span(int64_t s, char out[48])
{
    const char *unit = s >= 172800 ? "days" : s >= 7200 ? "hours" : "minutes";
    int64_t one = s >= 172800 ? 86400 : s >= 7200 ? 3600 : 60;

    (void)snprintf(out, 48, "%lld %s", (long long)(s / one), unit);
    return out;
}

/* "2030-01-02T03:04:05Z"; 0: it is none. */
static int64_t metadata_time(const char *text)
{
    int y, mo, d, h, mi, s, end = 0;

    if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &y, &mo, &d, &h, &mi, &s, &end) != 6 || end != 20 || text[20] || y < 1970 || mo < 1 || mo > 12)
        return 0;
    return doctor_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + s;
}

/* ---- metadata ---- */

/* "signed" of a file in the state directory; NULL with errno. The caller frees *tree. */
static const cJSON *read_signed(const struct doctor *d, const char *repo, const char *role, cJSON **tree)
{
    char path[4096];
    FILE *f = NULL;
    char *text = NULL;
    size_t len = 0;

    *tree = NULL;
    errno = ENAMETOOLONG;
    if (snprintf(path, sizeof path, "%s/%s.%s.json", d->config->state_dir, repo, role) < (int)sizeof path)
        f = fopen(path, "rb");
    if (!f)
        return NULL;
    text = malloc(METADATA_MAX);
    len = text ? fread(text, 1, METADATA_MAX, f) : 0;
    (void)fclose(f);
    *tree = text ? cJSON_ParseWithLength(text, len) : NULL;
    free(text);
    errno = *tree ? 0 : EBADMSG;
    return cJSON_GetObjectItemCaseSensitive(*tree, "signed");
}

static void look_at_repo(struct doctor *d, const char *repo)
{
    cJSON *root_tree, *tree;
    const cJSON *root = read_signed(d, repo, "root", &root_tree);
    int number = errno;
    const cJSON *timestamp = read_signed(d, repo, "timestamp", &tree);
    int64_t end = metadata_time(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(timestamp, "expires")));
    int64_t root_end = metadata_time(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "expires")));
    char left[48];

    if (!root || !timestamp)
        doctor_note(d, DOCTOR_RENEWABLE, "trusted metadata", true, false, "repository %s: none yet (%s)", repo, strerror(root ? errno : number));
    else if (end <= d->now_s || root_end <= d->now_s)
        doctor_note(d, DOCTOR_RENEWABLE, "trusted metadata", true, false, "repository %s: %s has expired: no update can come", repo,
                    end <= d->now_s ? "timestamp" : "root");
    else
        doctor_note(d, DOCTOR_RENEWABLE, "trusted metadata", true, true, "repository %s: root keys of version %d, timestamp good for %s", repo,
                    (int)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root, "version")), span(end - d->now_s, left));
    cJSON_Delete(root_tree);
    cJSON_Delete(tree);
}

/* A timestamp is stored when it is new: its file's time is that of the last check-in that brought something. */
static void look_at_check_ins(struct doctor *d)
{
    const cJSON *fault = cJSON_GetObjectItemCaseSensitive(d->status, "last_fault");
    char path[4096], ago[48];
    struct stat st;
    bool known = snprintf(path, sizeof path, "%s/%s.timestamp.json", d->config->state_dir, d->config->repo[0].name) < (int)sizeof path &&
                 stat(path, &st) == 0;
    int64_t age = known ? d->now_s - (int64_t)st.st_mtim.tv_sec : 0;

    if (!d->status)
        doctor_note(d, DOCTOR_RENEWABLE, "check-ins", true, false, "no agent runs");
    else if (cJSON_IsObject(fault))
        doctor_note(d, DOCTOR_RENEWABLE, "check-ins", true, false, "the last failed: %s",
                    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fault, "name")));
    else
        doctor_note(d, DOCTOR_RENEWABLE, "check-ins", true, known && age < SILENT_S, "%s%s%s", known ? "the last news came " : "none brought anything yet",
                    known ? span(age < 0 ? 0 : age, ago) : "", known ? " ago" : "");
}

/* ---- compartments and what is checked in them ---- */

static bool any_component(const struct agent_config *c, bool (*is)(const struct agent_component *))
{
    for (size_t i = 0; i < c->component_count; i++)
        if (!is(&c->component[i]))
            return false;
    return true;
}

static bool demands_package(const struct agent_component *c)
{
    return c->package.key != NULL;
}

static void look_at_components(struct doctor *d)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(d->status, "components");
    const struct agent_config *c = d->config;
    char names[100] = "";
    int known = 0;

    for (size_t i = 0; i < c->component_count; i++) {
        size_t fill = strlen(names);
        const char *slot = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(list, (int)i), "slot"));

        known += slot && strcmp(slot, "none") != 0;
        (void)snprintf(names + fill, sizeof names - fill, "%s%.30s (%s)", fill ? ", " : "", c->component[i].name, slot ? slot : "?");
    }
    doctor_note(d, DOCTOR_COMPARTMENTS, "components that are replaced one by one", true, c->component_count > 1, "%zu: %s", c->component_count, names);
    doctor_note(d, DOCTOR_COMPARTMENTS, "each has a slot that runs and one to fall back to", true, known > 0, "%d of %zu, says the agent", known,
                c->component_count);
    doctor_note(d, DOCTOR_COMPARTMENTS, "applications with an agent of their own", false, c->application_count > 0, "%zu users", c->application_count);
    bool all = any_component(c, demands_package);
    doctor_note(d, DOCTOR_DEPTH, "images are verified again at each start", true, all, "%s",
                all ? "packages with a key of their own" : "not every component has \"package\": a boot supervisor has nothing to verify by");
}

static void look_at_monitor(struct doctor *d)
{
    const char *answer = d->config->monitor.answer_name;

    doctor_note(d, DOCTOR_DEPTH, "slots are read again while they run", true, answer != NULL, "%s%s",
                answer ? "a finding is answered by: " : "no \"monitor\" is configured", answer ? answer : "");
    doctor_note(d, DOCTOR_DEPTH, "health is judged before an update stays", true, d->config->health.command[0] != NULL, "%s",
                d->config->health.command[0] ? d->config->health.command[0] : "only by applications that confirm");
}

/* ---- certificates ---- */

static void look_at_certificates(struct doctor *d)
{
    const struct agent_config *c = d->config;
    bool attested = c->attest.url != NULL;
    char path[4096], left[48], life[48];
    int64_t end = 0, whole = 0;
    const char *file = c->net.client_cert;

    if (attested) {
        (void)snprintf(path, sizeof path, "%s/%s", c->state_dir, OTA_ATTEST_UPDATE_PEM);
        file = path;
    }
    errno = 0;
    bool has = file && doctor_certificate_end(file, &end, &whole), valid = has && end > d->now_s;
    if (!file)
        doctor_note(d, DOCTOR_CERTIFICATES, "certificate of this device", true, false, "none is configured: servers know it by a name or a token at most");
    else if (!has)
        doctor_note(d, DOCTOR_CERTIFICATES, "certificate of this device", true, false, "%s: %s", file, strerror(errno));
    else
        doctor_note(d, DOCTOR_CERTIFICATES, "certificate of this device", true, valid, "%s%s", valid ? "valid for " : "has expired", valid ? span(end - d->now_s, left) : "");
    doctor_note(d, DOCTOR_CERTIFICATES, "it is renewed and short", true, valid && whole <= SHORT_LIFE_S, "%s", has ? span(whole, life) : "there is none");
    doctor_note(d, DOCTOR_CERTIFICATES, "it is issued for what was measured", true, valid && attested, "%s",
                attested ? "attestation is configured" : "no \"attest\" is configured");
    doctor_note(d, DOCTOR_CERTIFICATES, "servers are authenticated", true, !c->plain_http, "%s", c->plain_http ? "plain_http is allowed" : "https only");
    d->finding[DOCTOR_CERTIFICATES].strength = valid ? OTA_STRENGTH_SOFT : OTA_STRENGTH_NONE;
    if (valid && attested && d->finding[DOCTOR_ROOT_OF_TRUST].strength > OTA_STRENGTH_SOFT)
        d->finding[DOCTOR_CERTIFICATES].strength = d->finding[DOCTOR_ROOT_OF_TRUST].strength;
}

/* ---- reports ---- */

/* SPEC.md section 4: reports in the ring; -1: no ring can be read. */
static int reports_in_ring(const struct doctor *d, int64_t *age_s)
{
    char path[4096];
    unsigned char head[8];
    struct stat st;
    FILE *f = NULL;

    if (snprintf(path, sizeof path, "%s/reports", d->config->state_dir) < (int)sizeof path)
        f = fopen(path, "rb");
    if (!f)
        return -1;
    bool ok = fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, "OTAR", 4) == 0 && head[5] <= 8 && fstat(fileno(f), &st) == 0;
    *age_s = ok ? d->now_s - (int64_t)st.st_mtim.tv_sec : 0;
    (void)fclose(f);
    return ok ? head[5] : -1;
}

static void look_at_reports(struct doctor *d)
{
    const struct agent_config *c = d->config;
    bool somewhere = c->report_url || c->hawkbit.url;
    int64_t age = 0;
    int kept = reports_in_ring(d, &age);
    char ago[48];

    doctor_note(d, DOCTOR_REPORTING, "somebody hears of outcomes and crashes", true, somewhere, "%s",
                c->report_url ? c->report_url : c->hawkbit.url ? c->hawkbit.url : "no report_url: reports are kept and not sent");
    if (kept < 0)
        doctor_note(d, DOCTOR_REPORTING, "reports are delivered", true, false, "there was none yet");
    else
        doctor_note(d, DOCTOR_REPORTING, "reports are delivered", true, somewhere && kept <= REPORTS_KEPT_MAX, "%d wait for an acknowledgement, the last change was %s ago", kept,
                    span(age < 0 ? 0 : age, ago));
    doctor_note(d, DOCTOR_REPORTING, "agent runs", true, d->status != NULL, "%s", d->status ? "it answers" : "no agent answers in runtime_dir");
}

void doctor_look_at_updates(struct doctor *d)
{
    look_at_components(d);
    look_at_monitor(d);
    look_at_certificates(d);
    look_at_reports(d);
    for (size_t i = 0; i < d->config->repo_count; i++)
        look_at_repo(d, d->config->repo[i].name);
    look_at_check_ins(d);
    if (d->finding[DOCTOR_RENEWABLE].strength == OTA_STRENGTH_NONE && doctor_verdict(&d->finding[DOCTOR_RENEWABLE]) != DOCTOR_MISSING)
        d->finding[DOCTOR_RENEWABLE].strength = OTA_STRENGTH_SOFT;
}
