/* SPDX-License-Identifier: Apache-2.0 */
/* reports: what the devices of a fleet told, as a table and as CSV. Memory is that of one report and of the table. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "canon.h"
#include "commands.h"
#include "reports.h"

#define ROWS_MAX 512u
#define NAMED_MAX 100u

static const struct option reports_options[] = {
    { "csv", "FILE", "write a row for each report into FILE", OPTION_ONE, false },
    { "product", "P", "only reports about this product", OPTION_ONE, false },
    { "group", "G", "only reports from devices of this group", OPTION_ONE, false },
    { "strict", NULL, "exit with 1 when a file is no report", OPTION_FLAG, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* Reports that say the same thing. The folders come one device after the other, so one name is enough to count devices. */
struct table_row {
    char event[REPORT_TEXT_MAX], category[REPORT_TEXT_MAX], version[REPORT_TEXT_MAX], last_device[REPORT_TEXT_MAX];
    enum report_type type;
    enum report_class class;
    uint64_t reports, events, devices;
    int64_t first_s, last_s;
};

struct summary {
    struct tool *t;
    const char *product, *group;
    FILE *csv;
    uint64_t taken, beyond; /* reports in the table; reports that found no room in it */
    size_t rows;
    struct table_row row[ROWS_MAX];
};

/* RFC 4180, and no cell that a spreadsheet would take for a formula. */
static void csv_text(FILE *f, const char *text)
{
    (void)fputs(text[0] != '\0' && strchr("=+-@", text[0]) != NULL ? "\"'" : "\"", f);
    for (; *text; text++) {
        if (*text == '"')
            (void)fputc('"', f);
        (void)fputc(*text, f);
    }
    (void)fputs("\",", f);
}

static void csv_head(FILE *f)
{
    (void)fputs("DeviceId,EventType,EventClass,EventCategory,EventCount,Description,StartTimestampInUnix,EndTimestampInUnix,"
                "Event,Product,Group,Component,Version,Running,Image,Deployment,Sequence,CauseCode,PortCode,Boot,Id\n",
                f);
}

static void csv_row(FILE *f, const struct report *r)
{
    char description[3 * REPORT_TEXT_MAX];

    (void)snprintf(description, sizeof description, "%s%s%s", r->cause, r->where[0] ? " at " : "", r->where);
    csv_text(f, r->device);
    (void)fprintf(f, "%s,%s,", report_type_name(r->type), report_class_name(r->class));
    csv_text(f, r->category);
    (void)fprintf(f, "%" PRIu64 ",", r->count);
    csv_text(f, description);
    (void)fprintf(f, "%" PRId64 ",%" PRId64 ",", r->first_s, r->last_s);
    const char *const texts[] = { r->event, r->product, r->group, r->component, r->version, r->running, r->image, r->deployment };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        csv_text(f, texts[i]);
    (void)fprintf(f, "%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRIu64 ",%" PRIu64 "\n", r->seq, r->code, r->port, r->boot, r->id);
}

static struct table_row *find_row(struct summary *s, const struct report *r)
{
    for (size_t i = 0; i < s->rows; i++) {
        struct table_row *row = &s->row[i];
        if (row->type == r->type && row->class == r->class && strcmp(row->event, r->event) == 0 &&
            strcmp(row->category, r->category) == 0 && strcmp(row->version, r->version) == 0)
            return row;
    }
    if (s->rows == ROWS_MAX)
        return NULL;
    struct table_row *row = &s->row[s->rows++];
    row->type = r->type;
    row->class = r->class;
    (void)snprintf(row->event, sizeof row->event, "%s", r->event);
    (void)snprintf(row->category, sizeof row->category, "%s", r->category);
    (void)snprintf(row->version, sizeof row->version, "%s", r->version);
    row->first_s = r->first_s;
    return row;
}

static void count_report(struct table_row *row, const struct report *r)
{
    row->reports++;
    row->events += r->count;
    if (strcmp(row->last_device, r->device) != 0)
        row->devices++;
    (void)snprintf(row->last_device, sizeof row->last_device, "%s", r->device);
    if (r->first_s < row->first_s)
        row->first_s = r->first_s;
    if (r->last_s > row->last_s)
        row->last_s = r->last_s;
}

static int take_report(void *self, const struct report *r)
{
    struct summary *s = self;

    if ((s->product != NULL && strcmp(s->product, r->product) != 0) || (s->group != NULL && strcmp(s->group, r->group) != 0))
        return TOOL_OK;
    s->taken++;
    struct table_row *row = find_row(s, r);
    if (row != NULL)
        count_report(row, r);
    else
        s->beyond++;
    if (s->csv != NULL)
        csv_row(s->csv, r);
    return s->csv != NULL && ferror(s->csv) ? tool_failed(s->t, "--csv: %s", strerror(errno)) : TOOL_OK;
}

static void show_rows(const struct summary *s)
{
    cJSON *list = cJSON_AddArrayToObject(s->t->result, "rows");

    if (s->rows > 0)
        tool_say(s->t, "%-9s  %-11s  %-20s  %-24s  %-16s  %9s  %9s  %9s", "type", "class", "event", "category", "version",
                 "devices", "reports", "events");
    for (size_t i = 0; i < s->rows; i++) {
        const struct table_row *row = &s->row[i];
        cJSON *o = cJSON_CreateObject();

        cJSON_AddItemToArray(list, o);
        cJSON_AddStringToObject(o, "type", report_type_name(row->type));
        cJSON_AddStringToObject(o, "class", report_class_name(row->class));
        cJSON_AddStringToObject(o, "event", row->event);
        cJSON_AddStringToObject(o, "category", row->category);
        cJSON_AddStringToObject(o, "version", row->version);
        cJSON_AddNumberToObject(o, "devices", (double)row->devices);
        cJSON_AddNumberToObject(o, "reports", (double)row->reports);
        cJSON_AddNumberToObject(o, "events", (double)row->events);
        tool_say(s->t, "%-9s  %-11s  %-20s  %-24s  %-16s  %9" PRIu64 "  %9" PRIu64 "  %9" PRIu64, report_type_name(row->type),
                 report_class_name(row->class), row->event, row->category, row->version[0] ? row->version : "-", row->devices,
                 row->reports, row->events);
    }
}

static void show_counts(const struct summary *s, const struct report_walk *w)
{
    cJSON_AddNumberToObject(s->t->result, "files", (double)w->files);
    cJSON_AddNumberToObject(s->t->result, "reports", (double)s->taken);
    cJSON_AddNumberToObject(s->t->result, "bad", (double)w->bad);
    cJSON_AddNumberToObject(s->t->result, "beyond_table", (double)s->beyond);
    tool_say(s->t, "%" PRIu64 " files, %" PRIu64 " reports counted, %" PRIu64 " bad files skipped", w->files, s->taken, w->bad);
    if (s->beyond > 0)
        tool_warn(s->t, "%" PRIu64 " reports say more different things than the table has rows (%u); the CSV has them all",
                  s->beyond, ROWS_MAX);
}

/* The CSV appears under its name when it is whole. */
static int finish_csv(struct summary *s, const char *temp, const char *path, int rc)
{
    bool bad = s->csv != NULL && fclose(s->csv) != 0;

    if (s->csv == NULL)
        return rc;
    if (rc == TOOL_OK && (bad || rename(temp, path) != 0))
        rc = tool_failed(s->t, "--csv: %s: %s", path, strerror(errno));
    if (rc != TOOL_OK)
        (void)remove(temp);
    return rc;
}

static int run_reports(struct tool *t, const struct args *a)
{
    struct summary *s = tool_alloc(t, sizeof *s);
    struct report_walk w = { .max_bad_named = NAMED_MAX, .visit = take_report, .self = s };
    const char *csv = args_get(a, "csv");
    const char *temp = csv == NULL ? NULL : tool_format(t, "%s.tmp", csv);

    s->t = t;
    s->product = args_get(a, "product");
    s->group = args_get(a, "group");
    s->csv = csv == NULL ? NULL : fopen(temp, "wx");
    if (csv != NULL && s->csv == NULL)
        return tool_failed(t, "--csv: %s: %s", temp, strerror(errno));
    if (csv != NULL)
        csv_head(s->csv);
    int rc = finish_csv(s, temp, csv, report_walk(t, a->operand, &w));
    if (rc != TOOL_OK)
        return rc;
    if (w.bad > NAMED_MAX)
        tool_warn(t, "%" PRIu64 " more bad files are not named", w.bad - NAMED_MAX);
    show_rows(s);
    show_counts(s, &w);
    return w.bad > 0 && args_has(a, "strict") ? tool_failed(t, "%s: %" PRIu64 " files are no reports", a->operand, w.bad)
                                              : TOOL_OK;
}

const struct command command_reports = {
    .name = "reports",
    .operand = "FOLDER",
    .summary = "Turn the reports that devices PUT into FOLDER/<device>/ into a table and CSV.",
    .details =
        "Each file is one report. Files that are none are named, counted and skipped. What the table shows: planned events are\n"
        "updates that were confirmed and restarts for them, all others are unplanned; the class is that of the component, os or\n"
        "application. The first eight columns of the CSV are those of Azure Sphere's error reports. Needs no --dir.",
    .options = reports_options,
    .run = run_reports,
    .creates = true,
    .alone = true,
};
