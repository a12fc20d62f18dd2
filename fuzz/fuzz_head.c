/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of HTTP answers: whatever a server sends, the parser stays inside its rules. Lines end at '\n'. */
#include <stdlib.h>
#include <string.h>

#include "ota/port_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check(const struct ota_net_head *h)
{
    require(h->status == 0 || (h->status >= 100 && h->status <= 999));
    require(h->length <= INT64_MAX && h->range_to <= INT64_MAX && h->range_from <= h->range_to && h->range_total <= INT64_MAX);
    require(h->range_total == 0 || h->range_total > h->range_to || !h->has_range);
    require(h->retry_after_s >= -1 && h->retry_after_s <= INT32_MAX && h->retry_at_s >= 0 && h->date_s >= 0);
    require(h->bytes <= OTA_NET_HEAD_MAX);
    require(memchr(h->etag, '\0', sizeof h->etag) && memchr(h->location, '\0', sizeof h->location));
    size_t tag = strlen(h->etag);
    require(tag == 0 || (tag >= 2 && h->etag[0] == '"' && h->etag[tag - 1] == '"'));
    for (const char *p = h->etag; *p; p++)
        require(*p > 0x20 && *p < 0x7f);
    for (const char *p = h->location; *p; p++)
        require(*p > 0x20 && *p < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = p + size;
    struct ota_net_head h;

    ota_net_head_reset(&h);
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t len = eol ? (size_t)(eol - p) + 1 : (size_t)(end - p);

        if (!ota_net_head_line(&h, p, len))
            break;
        check(&h);
        p += len;
    }
    return 0;
}
