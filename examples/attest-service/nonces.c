/* SPDX-License-Identifier: Apache-2.0 */
#include "nonces.h"

#include <string.h>

void nonces_init(struct nonces *n, size_t max, uint32_t life_ms)
{
    memset(n, 0, sizeof *n);
    n->max = max;
    n->life_ms = life_ms;
}

/* The free or longest expired place; NULL, and when the next one expires, if every place is taken. */
static struct nonce *find_place(struct nonces *n, uint64_t now_ms, uint64_t *wait_ms)
{
    struct nonce *first = &n->entry[0];

    for (size_t i = 1; i < n->max; i++)
        if (n->entry[i].until_ms < first->until_ms)
            first = &n->entry[i];
    *wait_ms = first->until_ms > now_ms ? first->until_ms - now_ms : 0;
    return *wait_ms == 0 ? first : NULL;
}

ota_err nonces_open(struct nonces *n, struct ota_crypto *c, uint64_t now_ms, const struct nonce **out, uint64_t *wait_ms)
{
    struct nonce *place = find_place(n, now_ms, wait_ms);

    if (!place)
        return OTA_RETRY_BUSY;
    place->until_ms = 0;
    ota_err err = c->ops->random(c, place->id, sizeof place->id);
    if (err == OTA_OK)
        err = c->ops->random(c, place->value, sizeof place->value);
    if (err != OTA_OK)
        return err;
    place->until_ms = now_ms + n->life_ms;
    *out = place;
    return OTA_OK;
}

ota_err nonces_take(struct nonces *n, const uint8_t id[WIRE_NONCE_ID_LEN], uint64_t now_ms,
                    uint8_t value[OTA_ATTEST_CHALLENGE_LEN])
{
    for (size_t i = 0; i < n->max; i++) {
        struct nonce *e = &n->entry[i];

        if (e->until_ms == 0 || memcmp(e->id, id, sizeof e->id) != 0)
            continue;
        bool expired = e->until_ms <= now_ms;
        memcpy(value, e->value, sizeof e->value);
        memset(e, 0, sizeof *e);
        return expired ? OTA_REJECT_FREEZE : OTA_OK;
    }
    return OTA_REJECT_NONCE;
}
