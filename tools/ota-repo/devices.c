/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "canon.h"

static char *registry_path(struct tool *t, const char *product)
{
    return tool_format(t, "%s/devices/%s.txt", t->dir, product);
}

bool device_id_ok(const char *id, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = id[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && (c != '.' || i == 0))
            return false;
    }
    return len >= 1 && len <= DEVICE_ID_MAX;
}

const char *device_group(const struct device *d)
{
    return d->id + d->id_len + 1;
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_devices(const struct device *a, const struct device *b)
{
    return compare(a->id, a->id_len, b->id, b->id_len);
}

static bool group_known(const cJSON *settings, const char *group, size_t len)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, member(settings, "groups")) {
        const char *slug = member_text(item, "slug");
        if (strlen(slug) == len && memcmp(slug, group, len) == 0)
            return true;
    }
    return false;
}

/* One line without its end. */
static int take_line(struct tool *t, const char *path, size_t number, const cJSON *settings, const char *line, size_t len,
                     struct device *out)
{
    const char *space = memchr(line, ' ', len);

    if (space == NULL)
        return tool_failed(t, "%s: line %zu: is not \"ID GROUP\"", path, number);
    size_t id_len = (size_t)(space - line), group_len = len - id_len - 1;
    if (!device_id_ok(line, id_len))
        return tool_failed(t, "%s: line %zu: the id must be 1..%d characters of [A-Za-z0-9._-]", path, number, DEVICE_ID_MAX);
    if (!group_known(settings, space + 1, group_len))
        return tool_failed(t, "%s: line %zu: no group \"%.*s\"; see: group list", path, number, (int)(group_len > 64 ? 64 : group_len),
                           space + 1);
    *out = (struct device){ line, (uint8_t)id_len, (uint8_t)group_len };
    return TOOL_OK;
}

static size_t count_lines(const struct file_map *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->len; i++)
        n += m->p[i] == '\n';
    return n;
}

static int read_lines(struct tool *t, const char *path, const cJSON *settings, bool sorted, struct devices *d)
{
    const char *p = (const char *)d->map.p, *end = p + d->map.len;
    size_t lines = count_lines(&d->map);

    if (d->map.len > 0 && end[-1] != '\n')
        return tool_failed(t, "%s: line %zu: does not end", path, lines + 1);
    d->item = calloc(lines + 1, sizeof *d->item);
    if (d->item == NULL || lines > DEVICES_MAX)
        return tool_failed(t, "%s: too many lines, %zu", path, lines);
    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        struct device *now = &d->item[d->count];
        int rc = take_line(t, path, d->count + 1, settings, p, (size_t)(line_end - p), now);
        if (rc == TOOL_OK && sorted && d->count > 0 && compare_devices(now - 1, now) >= 0)
            rc = tool_failed(t, "%s: line %zu: not in the order of ids", path, d->count + 1);
        if (rc != TOOL_OK)
            return rc;
        d->count++;
        p = line_end + 1;
    }
    return TOOL_OK;
}

int devices_open(struct tool *t, const char *product, const cJSON *settings, struct devices *out)
{
    const char *path = registry_path(t, product);

    *out = (struct devices){ 0 };
    if (file_is_empty(path))
        return TOOL_OK;
    int rc = file_map(t, path, &out->map);
    return rc != TOOL_OK ? rc : read_lines(t, path, settings, true, out);
}

/* By id; of equal ids the later line comes last: both lie in one text. */
static int by_id(const void *a, const void *b)
{
    const struct device *x = a, *y = b;
    int order = compare_devices(x, y);

    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

int devices_read_list(struct tool *t, const char *path, const cJSON *settings, struct devices *out)
{
    *out = (struct devices){ 0 };
    int rc = file_map(t, path, &out->map);
    if (rc == TOOL_OK)
        rc = read_lines(t, path, settings, false, out);
    if (rc != TOOL_OK)
        return rc;
    qsort(out->item, out->count, sizeof *out->item, by_id);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        if (kept > 0 && compare_devices(&out->item[kept - 1], &out->item[i]) == 0)
            kept--;
        out->item[kept++] = out->item[i];
    }
    out->count = kept;
    return TOOL_OK;
}

void devices_close(struct devices *d)
{
    free(d->item);
    d->item = NULL;
    file_unmap(&d->map);
    d->map = (struct file_map){ 0 };
}

const struct device *devices_find(const struct devices *d, const char *id, size_t len)
{
    size_t low = 0, high = d->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(id, len, d->item[middle].id, d->item[middle].id_len);
        if (order == 0)
            return &d->item[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static size_t line_len(const struct device *d)
{
    return (size_t)d->id_len + 1 + d->group_len;
}

static bool same_line(const struct device *a, const struct device *b)
{
    return line_len(a) == line_len(b) && memcmp(a->id, b->id, line_len(a)) == 0;
}

static void put_line(FILE *f, const struct device *d)
{
    (void)fwrite(d->id, 1, line_len(d), f);
    (void)putc('\n', f);
}

static void note_group(cJSON *gained, const struct device *d)
{
    char slug[64] = "";

    if (d->group_len < sizeof slug)
        memcpy(slug, device_group(d), d->group_len);
    if (member(gained, slug) == NULL)
        cJSON_AddTrueToObject(gained, slug);
}

/* Both lists in one pass. @return lines that differ; f may be NULL to count only */
static size_t merge(FILE *f, const struct devices *old, const struct devices *changes, bool remove, cJSON *gained)
{
    size_t i = 0, k = 0, changed = 0;

    while (i < old->count || k < changes->count) {
        const struct device *was = i < old->count ? &old->item[i] : NULL;
        const struct device *now = k < changes->count ? &changes->item[k] : NULL;
        int order = was == NULL ? 1 : now == NULL ? -1 : compare_devices(was, now);
        i += order <= 0;
        k += order >= 0;
        bool differs = remove ? order == 0 : order > 0 || (order == 0 && !same_line(was, now));
        changed += differs;
        if (differs && !remove && gained != NULL)
            note_group(gained, now);
        if (f != NULL && order < 0)
            put_line(f, was);
        else if (f != NULL && !remove)
            put_line(f, now);
    }
    return changed;
}

int devices_merge(struct tool *t, const char *product, const struct devices *old, const struct devices *changes, bool remove,
                  size_t *changed, cJSON *gained)
{
    const char *path = registry_path(t, product), *dir = tool_format(t, "%s/devices", t->dir), *temp = file_temp(t, dir);

    *changed = merge(NULL, old, changes, remove, gained);
    if (*changed == 0)
        return TOOL_OK;
    int rc = file_mkdirs(t, dir, 0700);
    if (rc != TOOL_OK)
        return rc;
    file_discard(temp);
    FILE *f = fopen(temp, "wbx");
    if (f == NULL)
        return tool_failed(t, "%s: cannot create: %s", temp, strerror(errno));
    (void)merge(f, old, changes, remove, NULL);
    bool good = ferror(f) == 0 && fflush(f) == 0 && file_finish(fileno(f));
    if (fclose(f) != 0 || !good || rename(temp, path) != 0)
        return tool_failed(t, "%s: cannot write: %s", path, strerror(errno));
    return TOOL_OK;
}
