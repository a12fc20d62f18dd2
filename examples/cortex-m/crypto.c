/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto port: ports/posix/crypto_psa.c on an mbedTLS that has SHA-256 and ECDSA P-256 and a pool of its own. */
#include <mbedtls/memory_buffer_alloc.h>
#include <psa/crypto.h>
#include <string.h>

#include "board.h"
#include "ota/posix.h"

#define POOL 6144u
#define PAINT 0xa5
#define PAINT_FROM 64u /* the allocator's first header lies before it */

static struct ota_posix_crypto port;
static _Alignas(8) uint8_t pool[POOL];
static uint32_t state[4] = { 1, 2, 3, 4 };

/* xorshift128: spreads the device's waiting times. Nothing secret is made of it. */
static uint32_t next_random(void)
{
    uint32_t t = state[3], s = state[0];

    t ^= t << 11;
    t ^= t >> 8;
    memmove(state + 1, state, 3 * sizeof state[0]);
    state[0] = t ^ s ^ (s >> 19);
    return state[0];
}

void board_seed(const uint8_t *seed, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)state)[i % sizeof state] ^= seed[i];
    state[0] |= 1u;
}

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context, uint8_t *out, size_t cap, size_t *len)
{
    (void)context;
    for (size_t i = 0; i < cap; i++)
        out[i] = (uint8_t)next_random();
    *len = cap;
    return PSA_SUCCESS;
}

void board_exit(int status)
{
    (void)status;
    board_restart();
}

struct ota_crypto *board_crypto(void)
{
    mbedtls_memory_buffer_alloc_init(pool, sizeof pool);
    memset(pool + PAINT_FROM, PAINT, sizeof pool - PAINT_FROM);
    return ota_posix_crypto_open(&port, NULL, NULL) == OTA_OK ? &port.port : NULL;
}

size_t board_crypto_peak(void)
{
    size_t used = sizeof pool;

    while (used > PAINT_FROM && pool[used - 1] == PAINT)
        used--;
    return used;
}
