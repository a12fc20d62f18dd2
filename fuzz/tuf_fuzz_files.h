/* SPDX-License-Identifier: Apache-2.0 */
/* An input of several files, with a NUL between them. */
#ifndef TUF_FUZZ_FILES_H
#define TUF_FUZZ_FILES_H

#include <stdint.h>
#include <string.h>

struct fuzz_file {
    const uint8_t *p;
    size_t len;
};

/* The next file of the input; {NULL, 0} behind the last. */
static struct fuzz_file fuzz_next(const uint8_t **data, size_t *size)
{
    struct fuzz_file f = { *data, *size };

    if (*data == NULL)
        return f;
    const uint8_t *end = *size ? memchr(*data, 0, *size) : NULL;
    if (end)
        f.len = (size_t)(end - *data);
    *size = end ? *size - f.len - 1 : 0;
    *data = end ? end + 1 : NULL;
    return f.len ? f : (struct fuzz_file){ NULL, 0 };
}

#endif
