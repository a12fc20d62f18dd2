/* SPDX-License-Identifier: Apache-2.0 */
/* An old image that is never read outside, nor in larger pieces than promised. */
#ifndef FUZZ_CHECKED_BASE_H
#define FUZZ_CHECKED_BASE_H

#include <string.h>

#include "ota/delta.h"
#include "require.h"

struct checked_base {
    struct ota_delta_base base;
    const uint8_t *p;
    uint64_t len;
};

static inline ota_err checked_read(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    const struct checked_base *b = (const struct checked_base *)self;

    require(off <= b->len && len <= b->len - off && len <= OTA_DELTA_READ_MAX);
    memcpy(buf, b->p + off, len);
    return OTA_OK;
}

static const struct ota_delta_base_ops checked_ops = { checked_read };

#endif
