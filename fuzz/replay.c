/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once over each file of a folder: its corpus as a regression test, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The exact size, so that a sanitizer sees a read past the end. */
static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;

    *len = 0;
    if (!f)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0) {
        long size = ftell(f);

        rewind(f);
        data = size < 0 ? NULL : malloc((size_t)size + (size == 0));
        if (data)
            *len = fread(data, 1, (size_t)size, f);
    }
    fclose(f);
    return data;
}

static int replay(const char *folder, const char *name)
{
    char path[4096];
    size_t len;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return -1;
    uint8_t *data = read_file(path, &len);
    if (!data)
        return -1;
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
    int passed = 0, failed = 0;

    if (!d) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        if (replay(argv[1], e->d_name) == 0)
            passed++;
        else
            failed++;
    }
    closedir(d);
    printf("%d passed, %d failed\n", passed, failed);
    return passed && !failed ? 0 : 1;
}
