/* SPDX-License-Identifier: Apache-2.0 */
/* Mutates one of the files of an input and leaves the others as they are: bytes of it, a number in it, or the whole file,
 * which another one of the input replaces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FILES 6
#define FILE_MAX 32768u

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct file {
    size_t len;
    uint8_t bytes[FILE_MAX];
};

static void split(struct file *files, const uint8_t *data, size_t size)
{
    for (int i = 0; i < FILES; i++) {
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        size_t len = end ? (size_t)(end - data) : size;

        files[i].len = len < FILE_MAX ? len : FILE_MAX;
        if (files[i].len)
            memcpy(files[i].bytes, data, files[i].len);
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
}

static size_t join(const struct file *files, uint8_t *data, size_t max)
{
    size_t at = 0;

    for (int i = 0; i < FILES; i++) {
        if (files[i].len + 1 > max - at)
            break;
        if (files[i].len)
            memcpy(data + at, files[i].bytes, files[i].len);
        at += files[i].len;
        data[at++] = 0;
    }
    return at ? at - 1 : 0;
}

static void change_bytes(struct file *f)
{
    f->len = LLVMFuzzerMutate(f->bytes, f->len, FILE_MAX);
    for (size_t i = 0; i < f->len; i++)
        if (f->bytes[i] == 0)
            f->bytes[i] = ' ';
}

/* Put a number that is near a limit in the place of one that is there. */
static void change_number(struct file *f, unsigned seed)
{
    static const char *const numbers[] = { "0", "1", "2", "3", "-1", "32", "33", "2147483647", "2147483648", "4294967295",
                                           "4294967296", "9007199254740993", "18446744073709551616", "1.5", "1e2", "\"1\"" };
    const char *n = numbers[seed % (sizeof numbers / sizeof numbers[0])];
    size_t skip = seed / 16 % 64, start = 0, end, len = strlen(n);

    for (size_t i = 1; i < f->len; i++)
        if (f->bytes[i - 1] == ':' && f->bytes[i] >= '0' && f->bytes[i] <= '9' && (start == 0 || skip-- > 0))
            start = i;
    for (end = start; start && end < f->len && f->bytes[end] >= '0' && f->bytes[end] <= '9';)
        end++;
    if (!start || f->len - (end - start) + len > FILE_MAX)
        return;
    memmove(f->bytes + start + len, f->bytes + end, f->len - end);
    memcpy(f->bytes + start, n, len);
    f->len += len - (end - start);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct file files[FILES];
    struct file *f = &files[seed % FILES];
    unsigned how = seed / FILES % 8, rest = seed / FILES / 8;

    split(files, data, size);
    if (how == 0)
        *f = files[rest % FILES];
    else if (how < 4)
        change_number(f, rest);
    else
        change_bytes(f);
    return join(files, data, max_size);
}
