/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities. Byte 0: bit 0: Azure Sphere's body, else a document, whose signatures count as good when they are well formed. What
 * is accepted keeps to its bounds, is read as the same by the reader that believes nothing, and is refused with one byte less.
 */
#include <string.h>

#include "capability_i.h"
#include "require.h"
#include "tuf_fuzz_crypto.h"

static struct ota_crypto crypto = { &fuzz_ops };

static void sphere(const uint8_t *p, size_t len)
{
    struct ota_sphere_capability s;
    struct ota_fault fault = { 0 };
    ota_err err = ota_sphere_capability_read(p, len, &s, &fault);

    require(err == fault.err);
    require(err == OTA_OK ? s.count > 0 && s.count <= OTA_SPHERE_CAPABILITIES_MAX : s.count == 0);
}

static void bounds(const struct ota_capability *c)
{
    require(c->kind == OTA_CAPABILITY_DEVELOPMENT || c->kind == OTA_CAPABILITY_SERVICING);
    require(c->use >= OTA_CAPABILITY_PERSISTENT && c->use <= OTA_CAPABILITY_ONCE);
    require((c->use == OTA_CAPABILITY_ONCE) == (c->counter > 0));
    require(c->device[0] != '\0' && strlen(c->device) < sizeof c->device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t keys[2][OTA_CAPABILITY_KEY_LEN] = { { 4, 1 }, { 4, 2 } };
    struct ota_capability shown, judged;
    struct ota_fault fault = { 0 };

    if (size == 0)
        return 0;
    if (data[0] & 1) {
        sphere(data + 1, size - 1);
        return 0;
    }
    ota_err err = ota_capability_read(data + 1, size - 1, &shown, &fault);
    require(err == fault.err && (err == OTA_OK || ota_err_class(err) == OTA_CLASS_REJECT));
    const struct ota_capability_check check = { .device = err == OTA_OK ? shown.device : "d", .keys = keys[0], .key_count = 2,
        .threshold = 1, .now_s = INT64_MIN, .session = err == OTA_OK ? shown.session : NULL };
    ota_err all = ota_capability_verify(data + 1, size - 1, &check, &crypto, &judged, NULL);
    if (err != OTA_OK) {
        require(all != OTA_OK);
        return 0;
    }
    bounds(&shown);
    require(all == OTA_OK || all == OTA_REJECT_SIGNATURE || all == OTA_REJECT_KEY);
    require(all != OTA_OK || memcmp(&shown, &judged, sizeof shown) == 0);
    require(ota_capability_read(data + 1, size - 2, &shown, NULL) != OTA_OK || data[size - 1] == ' ' || data[size - 1] == '\n' ||
            data[size - 1] == '\r' || data[size - 1] == '\t');
    return 0;
}
