/* SPDX-License-Identifier: Apache-2.0 */
/* usage: make_data SEED BYTES FILE [CHANGED-SEED EVERY]
 * Writes a deterministic calibration table, in which every EVERYth stretch is that of CHANGED-SEED. Runs of text (which deflate shrinks) and of noise (which it cannot) take
 * turns, about half and half, as code and media do in a real image. The last 8 bytes are an FNV-1a checksum. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct table {
    FILE *file;
    uint64_t noise, sum;
    unsigned long left;
};

static uint64_t next(struct table *t)
{
    t->noise ^= t->noise << 13;
    t->noise ^= t->noise >> 7;
    t->noise ^= t->noise << 17;
    return t->noise;
}

static void put(struct table *t, uint8_t byte)
{
    if (t->left == 0)
        return;
    t->left--;
    t->sum = (t->sum ^ byte) * UINT64_C(1099511628211);
    (void)fputc(byte, t->file);
}

static void put_text(struct table *t, unsigned row)
{
    char line[96];
    int len = snprintf(line, sizeof line, "row %06u offset %+03d gain %3u.%02u\n", row, (int)(next(t) % 64) - 32,
                       (unsigned)(next(t) % 128), row % 100);

    for (int i = 0; i < len; i++)
        put(t, (uint8_t)line[i]);
}

static void put_stretch(struct table *t, unsigned row)
{
    for (int i = 0; i < 24; i++)
        put_text(t, row * 24 + (unsigned)i);
    for (int i = 0; i < 1024; i++)
        put(t, (uint8_t)(next(t) >> 24));
}

/* Each stretch begins from a state of its own: a changed one leaves those after it as they are. */
static void fill(struct table *t, uint64_t seed, uint64_t changed, unsigned every)
{
    for (unsigned row = 0; t->left > 0; row++) {
        uint64_t from = every && row % every == every - 1 ? changed : seed;

        t->noise = (from << 32 | row) * UINT64_C(0x9E3779B97F4A7C15) + 1;
        put_stretch(t, row);
    }
}

int main(int argc, char **argv)
{
    struct table t = { .sum = UINT64_C(14695981039346656037) };

    if (argc != 4 && argc != 6)
        return 2;
    t.left = strtoul(argv[2], NULL, 10);
    t.file = fopen(argv[3], "wb");
    if (!t.file)
        return 1;
    fill(&t, strtoull(argv[1], NULL, 10), argc == 6 ? strtoull(argv[4], NULL, 10) : 0,
         argc == 6 ? (unsigned)strtoul(argv[5], NULL, 10) : 0);
    for (int i = 0; i < 8; i++)
        (void)fputc((int)(t.sum >> (8 * i) & 0xff), t.file);
    return fclose(t.file) == 0 ? 0 : 1;
}
