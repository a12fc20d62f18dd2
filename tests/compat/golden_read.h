/* SPDX-License-Identifier: Apache-2.0 */
/* A file of golden/: hex text. Include it behind cmocka.h. */
#ifndef GOLDEN_READ_H
#define GOLDEN_READ_H

#include <stdio.h>

static int digit(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t read_golden(const char *name, uint8_t *out, size_t cap)
{
    char path[512];
    size_t digits = 0;

    (void)snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int c = fgetc(f); c != EOF; c = fgetc(f)) {
        int v = digit(c);

        if (v < 0) {
            assert_int_equal(c, '\n');
            continue;
        }
        assert_true(digits / 2 < cap);
        out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] << 4 | v : v);
        digits++;
    }
    fclose(f);
    assert_true(digits > 0 && digits % 2 == 0);
    return digits / 2;
}

#endif
