/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_index.h"

#include <string.h>

#include "bytes.h"

#define HEAD 32u
#define ENTRY 12u
#define PAGE 32u

static void seal_head(uint8_t *p)
{
    otai_put_le32(p + 28, otai_crc32(0, p, 28));
}

void sim_index_of(const uint8_t *image, size_t len, uint32_t block, uint8_t *out)
{
    uint8_t digest[32];

    memset(out, 0, HEAD);
    memcpy(out, "OTAX\1", 5);
    for (; block > 1; block /= 2)
        out[5]++;
    otai_put_le64(out + 8, len);
    sim_sha256(image, len, digest);
    memcpy(out + 16, digest, 12);
    seal_head(out);
}

static void put_entry(const uint8_t *p, size_t n, uint8_t out[ENTRY])
{
    uint32_t a = 0, b = 0;
    uint8_t digest[32];

    for (size_t i = 0; i < n; i++) {
        a += p[i];
        b += (uint32_t)(n - i) * p[i];
    }
    otai_put_le32(out, (a & 0xffff) | b << 16);
    sim_sha256(p, n, digest);
    memcpy(out + 4, digest, 8);
}

size_t sim_index(const uint8_t *image, size_t len, uint32_t block, uint8_t *out)
{
    uint8_t *p = out + HEAD, *page = p;

    sim_index_of(image, len, block, out);
    for (size_t off = 0, n = 1; off < len; off += block, n++) {
        put_entry(image + off, len - off < block ? len - off : block, p);
        p += ENTRY;
        if (n % PAGE && len - off > block)
            continue;
        otai_put_le32(p, otai_crc32(0, page, (size_t)(p - page)));
        p += 4;
        page = p;
    }
    return (size_t)(p - out);
}

/* Of the first page. */
static void seal_page(uint8_t *p, size_t len)
{
    size_t body = len - HEAD - 4 < PAGE * ENTRY ? len - HEAD - 4 : PAGE * ENTRY;

    otai_put_le32(p + HEAD + body, otai_crc32(0, p + HEAD, body));
}

size_t sim_index_damage(enum sim_index_damage kind, uint8_t *p, size_t len)
{
    if (kind == SIM_INDEX_HEAD)
        p[8] ^= 1;
    if (kind == SIM_INDEX_VERSION)
        p[4] = 2;
    if (kind == SIM_INDEX_HEAD || kind == SIM_INDEX_VERSION)
        seal_head(p);
    if (kind == SIM_INDEX_PAGE)
        p[HEAD + 5] ^= 1;
    if (kind == SIM_INDEX_HASH) {
        p[HEAD + ENTRY + 6] ^= 1;
        seal_page(p, len);
    }
    return kind == SIM_INDEX_SHORT ? len - 9 : len;
}
