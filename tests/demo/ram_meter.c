/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program, measures the memory that it needs, and writes to $RAM_METER_OUT as it ends, in bytes:
 *
 *     static   initialised and zeroed data of the program itself
 *     heap     most that was allocated at a time by the program, the C library, libcurl and the crypto library
 *     tls      the same for all other libraries: OpenSSL behind libcurl, and what it stands on
 *     stack    deepest that the main thread's stack grew below the program's start
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE (1u << 16)
#define PAINT 196608u
#define GAP 1024u
#define COLOUR 0xa5u

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t n, size_t len);
void *__libc_realloc(void *p, size_t len);
void *__libc_memalign(size_t align, size_t len);
void __libc_free(void *p);

static struct {
    void *p;
    size_t len;
    int kind;
} table[TABLE];
static size_t now[2], peak[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *top;

/* 0: counted as heap; 1: another library's. */
static int kind_of(const void *caller)
{
    static const char *const counted[] = { "libc.so", "libcurl", "libmbed", "libcjson", "ram_meter", "ld-linux" };
    Dl_info info;

    if (!dladdr(caller, &info) || !info.dli_fname)
        return 0;
    const char *name = strrchr(info.dli_fname, '/');
    name = name ? name + 1 : info.dli_fname;
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (strncmp(name, counted[i], strlen(counted[i])) == 0)
            return 0;
    return strncmp(name, "lib", 3) == 0;
}

static size_t place_of(const void *p)
{
    return (size_t)(((uintptr_t)p >> 4) * 2654435761u) % TABLE;
}

static void add(void *p, size_t len, const void *caller)
{
    int kind = kind_of(caller);

    if (!p)
        return;
    pthread_mutex_lock(&lock);
    size_t i = place_of(p);
    while (table[i].p && table[i].p != (void *)1)
        i = (i + 1) % TABLE;
    table[i].p = p, table[i].len = len, table[i].kind = kind;
    now[kind] += len;
    if (now[kind] > peak[kind])
        peak[kind] = now[kind];
    pthread_mutex_unlock(&lock);
}

static void take(const void *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&lock);
    size_t i = place_of(p);
    for (size_t n = 0; n < TABLE && table[i].p && table[i].p != p; n++)
        i = (i + 1) % TABLE;
    if (table[i].p == p) {
        now[table[i].kind] -= table[i].len;
        table[i].p = (void *)1;
    }
    pthread_mutex_unlock(&lock);
}

void *malloc(size_t len)
{
    void *p = __libc_malloc(len);

    add(p, len, __builtin_return_address(0));
    return p;
}

void *calloc(size_t n, size_t len)
{
    void *p = __libc_calloc(n, len);

    add(p, n * len, __builtin_return_address(0));
    return p;
}

void *realloc(void *old, size_t len)
{
    take(old);
    void *p = __libc_realloc(old, len);
    add(p, len, __builtin_return_address(0));
    return p;
}

void *memalign(size_t align, size_t len)
{
    void *p = __libc_memalign(align, len);

    add(p, len, __builtin_return_address(0));
    return p;
}

void *aligned_alloc(size_t align, size_t len)
{
    void *p = __libc_memalign(align, len);

    add(p, len, __builtin_return_address(0));
    return p;
}

int posix_memalign(void **out, size_t align, size_t len)
{
    *out = __libc_memalign(align, len);
    add(*out, len, __builtin_return_address(0));
    return *out ? 0 : ENOMEM;
}

void free(void *p)
{
    take(p);
    __libc_free(p);
}

/* No call between here and the end of the loop: it would lie in what is painted. */
__attribute__((constructor, noinline)) static void paint(void)
{
    top = __builtin_frame_address(0);
    for (volatile uint8_t *p = top - GAP; p > top - PAINT; p--)
        *p = COLOUR;
}

static size_t stack_used(void)
{
    const volatile uint8_t *p = top - PAINT + 1;

    while (p < top - GAP && *p == COLOUR)
        p++;
    return (size_t)(top - p);
}

static int of_program(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_W))
            *(size_t *)out += info->dlpi_phdr[i].p_memsz;
    return 1; /* the first one is the program */
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("RAM_METER_OUT");
    size_t fixed = 0, stack = stack_used(), heap = peak[0], tls = peak[1];

    (void)dl_iterate_phdr(of_program, &fixed);
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    (void)fprintf(f, "static %zu\nheap %zu\ntls %zu\nstack %zu\n", fixed, heap, tls, stack);
    (void)fclose(f);
}
