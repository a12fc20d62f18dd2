/* SPDX-License-Identifier: Apache-2.0 */
#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canon.h"

struct tool_block {
    struct tool_block *next;
    cJSON *tree;
    max_align_t data[];
};

/* A publisher without memory cannot do anything better than stop: every write is atomic, so nothing is half done. */
static void *must_alloc(size_t len)
{
    void *p = calloc(1, len);

    if (p == NULL) {
        (void)fputs("ota-repo: out of memory\n", stderr);
        exit(TOOL_FAILED);
    }
    return p;
}

void tool_begin(struct tool *t)
{
    cJSON_Hooks hooks = { must_alloc, free };

    memset(t, 0, sizeof *t);
    t->lock_fd = -1;
    cJSON_InitHooks(&hooks);
    t->result = tool_keep(t, cJSON_CreateObject());
}

void tool_end(struct tool *t)
{
    while (t->blocks != NULL) {
        struct tool_block *b = t->blocks;
        t->blocks = b->next;
        cJSON_Delete(b->tree);
        free(b);
    }
}

static struct tool_block *new_block(struct tool *t, size_t len)
{
    struct tool_block *b = must_alloc(sizeof *b + len);

    b->next = t->blocks;
    t->blocks = b;
    return b;
}

void *tool_alloc(struct tool *t, size_t len)
{
    return new_block(t, len)->data;
}

cJSON *tool_keep(struct tool *t, cJSON *tree)
{
    new_block(t, 0)->tree = tree;
    return tree;
}

char *tool_format(struct tool *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = tool_alloc(t, (size_t)len + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

int tool_failed(struct tool *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(t->error, sizeof t->error, format, args);
    va_end(args);
    return TOOL_FAILED;
}

int tool_usage(struct tool *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(t->error, sizeof t->error, format, args);
    va_end(args);
    return TOOL_USAGE;
}

void tool_say(const struct tool *t, const char *format, ...)
{
    va_list args;

    if (t->json)
        return;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

void tool_warn(struct tool *t, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fprintf(stderr, "ota-repo: warning: %s\n", text);
    cJSON *list = cJSON_GetObjectItemCaseSensitive(t->result, "warnings");
    if (list == NULL)
        list = cJSON_AddArrayToObject(t->result, "warnings");
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

static const char *status_name(const struct tool *t, int rc)
{
    if (rc == TOOL_OK)
        return t->already ? "already" : "done";
    return rc == TOOL_USAGE ? "usage" : "failed";
}

int tool_report(struct tool *t, int rc)
{
    if (rc != TOOL_OK)
        (void)fprintf(stderr, "ota-repo: %s%s%s\n", t->command ? t->command : "", t->command ? ": " : "", t->error);
    if (rc == TOOL_USAGE)
        (void)fprintf(stderr, "Try: ota-repo %s%s--help\n", t->command ? t->command : "", t->command ? " " : "");
    if (t->json) {
        cJSON_AddStringToObject(t->result, "command", t->command ? t->command : "");
        cJSON_AddStringToObject(t->result, "status", status_name(t, rc));
        if (rc != TOOL_OK)
            cJSON_AddStringToObject(t->result, "error", t->error);
        (void)puts(json_print(t, t->result, JSON_FILE, NULL));
    }
    if (fflush(stdout) != 0 && rc == TOOL_OK)
        return TOOL_FAILED;
    return rc;
}
