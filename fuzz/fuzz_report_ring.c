/* SPDX-License-Identifier: Apache-2.0 */
/* Report rings: with the checksum set right, what is read can be sent, written and read again to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check(const struct otai_ring *ring)
{
    static uint8_t first[OTAI_REPORTS_BYTES], second[OTAI_REPORTS_BYTES];
    static struct otai_ring again;
    static const struct otai_report_texts texts = { "device", "product", "group", "deflate", "cheapest", "os" };
    char body[OTAI_REPORT_BODY_MAX];

    require(ring->count <= OTAI_REPORTS_MAX);
    size_t len = otai_ring_encode(ring, first);
    require(otai_ring_decode(first, len, &again) == OTA_OK);
    require(otai_ring_encode(&again, second) == len && memcmp(first, second, len) == 0);
    for (size_t i = 0; i < ring->count; i++) {
        require(ring->report[i].id <= ring->last_id && ring->report[i].count > 0);
        require(otai_report_body(&ring->report[i], &texts, body) == OTA_OK);
    }
    otai_ring_ack(&again, again.last_id);
    for (uint32_t i = 1; i < 12 && again.last_id < UINT32_MAX - 12; i++) {
        struct ota_report r = { .id = again.last_id + 1, .outcome = (enum ota_outcome)(i % 4), .count = i };
        otai_ring_add(&again, &r);
        require(again.count <= OTAI_REPORTS_MAX && again.last_id == r.id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[OTAI_REPORTS_BYTES];
    static struct otai_ring ring;

    if (otai_ring_decode(data, size, &ring) == OTA_OK)
        check(&ring);
    if (size < 16 || size > sizeof copy)
        return 0;
    memcpy(copy, data, size);
    memcpy(copy, "OTAR\x01", 5);
    otai_put_le32(copy + size - 4, otai_crc32(0, copy, size - 4));
    if (otai_ring_decode(copy, size, &ring) == OTA_OK)
        check(&ring);
    else
        require(otai_is_zero(&ring, sizeof ring));
    return 0;
}
