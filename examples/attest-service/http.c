/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The end of the head, behind its empty line; NULL: it has not come. */
static const char *head_end(const char *text, size_t len)
{
    for (size_t i = 3; i < len; i++)
        if (memcmp(text + i - 3, "\r\n\r\n", 4) == 0)
            return text + i + 1;
    return NULL;
}

static const char *line_end(const char *line, const char *end)
{
    for (; line + 1 < end; line++)
        if (line[0] == '\r' && line[1] == '\n')
            return line;
    return NULL;
}

/* RFC 9112 section 3: no white space but the two spaces. */
static int read_request_line(const char *line, const char *end, struct http_request *out)
{
    const char *first = memchr(line, ' ', (size_t)(end - line));
    const char *second = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;
    size_t path_len;

    if (!second || first == line || first[1] != '/')
        return 400;
    path_len = (size_t)(second - first - 1);
    if (path_len >= sizeof out->path)
        return 404;
    memcpy(out->path, first + 1, path_len);
    out->path[path_len] = '\0';
    if (end - second != 9 || memcmp(second + 1, "HTTP/", 5) != 0)
        return 400;
    if (memcmp(second + 1, "HTTP/1.1", 8) != 0 && memcmp(second + 1, "HTTP/1.0", 8) != 0)
        return 505;
    return first - line == 4 && memcmp(line, "POST", 4) == 0 ? 0 : 405;
}

static bool is_token(char c)
{
    return c != '\0' && (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

struct head {
    bool has_length, has_type;
    uint64_t length;
};

/* Digits alone; leading zeros are harmless, more than ten digits are more than any body. */
static int read_length(const char *value, size_t len, struct head *h)
{
    if (h->has_length || len == 0 || len > 10)
        return len > 10 && !h->has_length ? 413 : 400;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return 400;
        h->length = h->length * 10 + (uint64_t)(value[i] - '0');
    }
    h->has_length = true;
    return 0;
}

static bool is_word(const char *p, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

static bool is_json(const char *value, size_t len)
{
    const char *semicolon = memchr(value, ';', len);
    size_t n = semicolon ? (size_t)(semicolon - value) : len;

    while (n > 0 && value[n - 1] == ' ')
        n--;
    return is_word(value, n, "application/json");
}

static int read_field(const char *line, const char *end, struct head *h)
{
    const char *colon = line, *value;
    size_t len;

    while (colon < end && is_token(*colon))
        colon++;
    if (colon == line || colon == end || *colon != ':')
        return 400; /* also a line that continues the one before (RFC 9112 section 5.2) */
    for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
        continue;
    for (len = (size_t)(end - value); len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'); len--)
        continue;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < ' ' && value[i] != '\t')
            return 400;
    size_t name = (size_t)(colon - line);
    if (is_word(line, name, "Content-Length"))
        return read_length(value, len, h);
    if (is_word(line, name, "Transfer-Encoding") || is_word(line, name, "Content-Encoding"))
        return 501;
    if (!is_word(line, name, "Content-Type"))
        return 0;
    if (h->has_type)
        return 400;
    h->has_type = true;
    return is_json(value, len) ? 0 : 415;
}

static int read_head(const char *text, const char *end, struct http_request *out, struct head *h)
{
    const char *line = text, *stop = line_end(line, end);
    int status = stop ? read_request_line(line, stop, out) : 400;

    while (status == 0) {
        line = stop + 2;
        stop = line_end(line, end);
        if (!stop)
            return 400;
        if (stop == line)
            break;
        status = read_field(line, stop, h);
    }
    if (status == 0 && !h->has_length)
        status = 411;
    return status;
}

int http_read(const char *text, size_t len, size_t body_max, struct http_request *out)
{
    const char *end = head_end(text, len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX);
    struct head h = { .has_length = false };
    int status;

    *out = (struct http_request){ .body = NULL };
    if (!end)
        return len < HTTP_HEAD_MAX ? 0 : 431;
    status = read_head(text, end, out, &h);
    if (status != 0)
        return status;
    if (h.length > body_max)
        return 413;
    size_t have = len - (size_t)(end - text);
    if (have < h.length)
        return 0;
    out->body = end;
    out->body_len = (size_t)h.length;
    return have == h.length ? 200 : 400; /* no second request on one connection */
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } all[] = {
        { 200, "OK" }, { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
        { 408, "Request Timeout" }, { 409, "Conflict" }, { 411, "Length Required" }, { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" }, { 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
        { 501, "Not Implemented" }, { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].status == status)
            return all[i].reason;
    return "Error";
}
