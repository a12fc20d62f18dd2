/* SPDX-License-Identifier: Apache-2.0 */
/* Image descriptions: the custom data of an image's target. */
#include <stdlib.h>
#include <string.h>

#include "deploy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static const uint8_t runs[OTA_SHA256_LEN] = { 0x11, 0x22 };

static void check(const struct ota_release_image *image)
{
    require(image->source_count >= 1 && image->source_count <= OTA_SOURCES_MAX && image->length == 1000);
    require(image->source[0].codec == OTA_CODEC_PLAIN && image->version[0]);
    require(memchr(image->version, '\0', OTA_VERSION_MAX) != NULL);
    for (size_t i = 1; i < image->source_count; i++) {
        const struct ota_source *s = &image->source[i];
        bool deflate = s->codec == OTA_CODEC_DEFLATE && s->window_bits >= 9 && s->window_bits <= 15 && (s->block & (s->block - 1)) == 0;
        bool delta = s->codec == OTA_CODEC_DELTA && s->memory >= 1 && s->base_length >= 1 && memcmp(s->base, runs, 32) == 0;
        bool index = s->codec == OTA_CODEC_INDEX && s->memory >= 1 && s->estimate >= 1 && (s->block & (s->block - 1)) == 0;
        bool zstd = s->codec == OTA_CODEC_ZSTD && s->window_bits >= OTA_ZSTD_WINDOW_BITS_MIN &&
                    s->window_bits <= OTA_ZSTD_WINDOW_BITS_MAX && (s->block & (s->block - 1)) == 0;
        require((deflate || delta || index || zstd) && s->length >= 1);
        require(index || s->estimate == s->length);
        require(memchr(s->file, '\0', OTA_PATH_MAX) != NULL && s->file[0] != '/' && !strstr(s->file, "..") && !strstr(s->file, "//"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct otai_pointer_image named = { .component = "os", .path = "os/img/a.img", .length = 1000 };
    struct ota_tuf_target target = { .length = 1000, .has_sha256 = true, .path = "os/img/a.img", .file = "os/img/00.a.img" };
    const struct otai_device device = { "thermostat", runs };
    struct ota_release_image image;
    struct ota_fault fault = { .err = OTA_OK };

    target.custom = (const char *)data;
    target.custom_len = size;
    memset(&image, 0, sizeof image);
    ota_err err = otai_deploy_image(&named, &target, &device, &image, &fault);
    require(fault.err == err);
    if (err == OTA_OK)
        check(&image);
    else
        require(ota_err_class(err) == OTA_CLASS_REJECT && fault.where[0]);
    return 0;
}
