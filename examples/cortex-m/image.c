/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <string.h>

#include "map.h"

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static const char *hash(const struct ota_mcu_area *slot, struct ota_crypto *c, uint32_t len, uint8_t digest[32])
{
    static uint8_t buf[4096];
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256);

    for (uint32_t at = 0; at < len && err == OTA_OK; at += sizeof buf) {
        uint32_t n = len - at < sizeof buf ? len - at : sizeof buf;

        if (slot->flash->ops->read(slot->flash, slot->off + IMAGE_HEAD + at, buf, n) != 0) {
            (void)c->ops->hash_end(c, &h, NULL);
            return "cannot be read";
        }
        err = c->ops->hash_add(c, &h, buf, n);
    }
    return err == OTA_OK && c->ops->hash_end(c, &h, digest) == OTA_OK ? NULL : "cannot be hashed";
}

const char *image_check(const struct ota_mcu_area *slot, struct ota_crypto *crypto, struct image *out)
{
    uint8_t head[IMAGE_HEAD], digest[32];
    const char *why;

    if (slot->flash->ops->read(slot->flash, slot->off, head, sizeof head) != 0)
        return "cannot be read";
    if (memcmp(head, "OTAI", 4) != 0)
        return "holds no image";
    out->len = word(head + 4);
    out->number = word(head + 8);
    memcpy(out->version, head + 16, sizeof out->version);
    out->version[sizeof out->version - 1] = '\0';
    if (out->len == 0 || out->len > slot->len - IMAGE_HEAD || out->len > IMAGE_RAM_LEN)
        return "holds an image of an impossible length";
    why = hash(slot, crypto, out->len, digest);
    if (why)
        return why;
    return memcmp(digest, head + 32, sizeof digest) == 0 ? NULL : "holds a damaged image";
}
