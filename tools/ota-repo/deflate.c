/* SPDX-License-Identifier: Apache-2.0 */
#include "deflate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "file.h"

#define OUT_LEN 65536

struct squeeze {
    struct tool *t;
    const char *from, *to;
    FILE *in, *out;
    z_stream z;
    unsigned char *block;
    unsigned block_len;
    unsigned char made[OUT_LEN];
};

static int squeeze_failed(struct squeeze *s, const char *path, const char *verb)
{
    return tool_failed(s->t, "%s: cannot %s: %s", path, verb, strerror(errno));
}

/* Push everything that zlib has for this block. */
static int drain(struct squeeze *s, int flush)
{
    do {
        s->z.next_out = s->made;
        s->z.avail_out = OUT_LEN;
        if (deflate(&s->z, flush) == Z_STREAM_ERROR)
            return tool_failed(s->t, "%s: zlib failed", s->from);
        size_t len = OUT_LEN - s->z.avail_out;
        if (fwrite(s->made, 1, len, s->out) != len)
            return squeeze_failed(s, s->to, "write");
    } while (s->z.avail_out == 0);
    return TOOL_OK;
}

/* The last block ends the stream instead of flushing; whether a block is the last shows only by looking one byte ahead. */
static int all_blocks(struct squeeze *s)
{
    int ahead = getc(s->in);

    while (ahead != EOF) {
        s->block[0] = (unsigned char)ahead;
        s->z.next_in = s->block;
        s->z.avail_in = 1 + (unsigned)fread(s->block + 1, 1, s->block_len - 1, s->in);
        ahead = getc(s->in);
        int rc = drain(s, ahead == EOF ? Z_FINISH : Z_FULL_FLUSH);
        if (rc != TOOL_OK)
            return rc;
    }
    return ferror(s->in) ? squeeze_failed(s, s->from, "read") : TOOL_OK;
}

static int squeeze_streams(struct squeeze *s, unsigned window)
{
    if (deflateInit2(&s->z, Z_BEST_COMPRESSION, Z_DEFLATED, (int)window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return tool_failed(s->t, "%s: zlib does not start with window %u", s->from, window);
    int rc = all_blocks(s);
    (void)deflateEnd(&s->z);
    return rc;
}

static int squeeze_files(struct squeeze *s, unsigned window)
{
    s->in = fopen(s->from, "rb");
    if (s->in == NULL)
        return squeeze_failed(s, s->from, "open");
    file_discard(s->to);
    s->out = fopen(s->to, "wbx");
    if (s->out == NULL) {
        (void)fclose(s->in);
        return squeeze_failed(s, s->to, "create");
    }
    int rc = squeeze_streams(s, window);
    if (rc == TOOL_OK && (fflush(s->out) != 0 || !file_finish(fileno(s->out))))
        rc = squeeze_failed(s, s->to, "write");
    (void)fclose(s->in);
    if (fclose(s->out) != 0 && rc == TOOL_OK)
        rc = squeeze_failed(s, s->to, "close");
    return rc;
}

int deflate_file(struct tool *t, const char *from, const char *to, unsigned window, unsigned block, uint64_t *len,
                 char hex[DIGEST_HEX])
{
    struct squeeze *s = tool_alloc(t, sizeof *s);

    s->t = t;
    s->from = from;
    s->to = to;
    s->block = tool_alloc(t, block);
    s->block_len = block;
    int rc = squeeze_files(s, window);
    if (rc == TOOL_OK)
        rc = file_digest(t, to, len, hex);
    if (rc != TOOL_OK)
        file_discard(to);
    return rc;
}
