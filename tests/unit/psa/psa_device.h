/* SPDX-License-Identifier: Apache-2.0 */
/* A device in memory for the tests of both directions: psa_fwu_*() on the ports of ports/ram, and our ports on top of that. */
#ifndef PSA_DEVICE_H
#define PSA_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ota/posix.h"
#include "ota/psa_fwu.h"
#include "ota/ram.h"
#include <psa/update.h>

#define SIZE 16384u

static struct ota_posix_crypto crypto;

/* A device with one component. Slot 0 runs version 1.0.0; what is installed next is 2.0.0, then 3.0.0. */
static struct device {
    struct ota_ram_boot boot;
    struct ota_ram_slot slot[2];
    struct ota_component component;
    struct ota_fwu fwu;
    struct ota_ram_store store;
    struct ota_psa_port port;
    uint8_t mem[2][SIZE], store_mem[1024];
    uint8_t version[2];     /* of what is in the slots */
    bool optional;
} d;

static inline void use(void)
{
    uint8_t running = d.boot.record.running[0];
    struct ota_fwu_config cfg = { .boot = &d.boot.port, .crypto = &crypto.port, .components = &d.component, .component_count = 1,
        .manifest_optional = d.optional };

    cfg.version[0].major = d.version[running];
    assert_int_equal(ota_fwu_use(&d.fwu, &cfg), OTA_OK);
}

static inline void make(uint32_t write_unit, uint32_t erase_unit, bool optional)
{
    const struct ota_slot_geometry g = { SIZE, write_unit, erase_unit };

    memset(&d, 0, sizeof d);
    assert_int_equal(ota_posix_crypto_open(&crypto, NULL, NULL), OTA_OK);
    ota_ram_boot_init(&d.boot, (const uint8_t[]){ 0 }, 1);
    for (int i = 0; i < 2; i++)
        ota_ram_slot_init(&d.slot[i], d.mem[i], &g);
    d.component = (struct ota_component){ .name = "os", .slot = { &d.slot[0].port, &d.slot[1].port } };
    ota_ram_store_init(&d.store, d.store_mem, sizeof d.store_mem);
    d.version[0] = 1;
    d.version[1] = 0;
    d.optional = optional;
    use();
}

/* The memory of the API goes, the boot control starts what it has to. */
static inline void restart(void)
{
    (void)ota_ram_boot_start(&d.boot);
    use();
}

static inline psa_fwu_component_info_t query(void)
{
    psa_fwu_component_info_t info;

    assert_int_equal(psa_fwu_query(0, &info), PSA_SUCCESS);
    return info;
}

static inline void in_state(unsigned state)
{
    assert_int_equal(query().state, state);
}

static inline void digest_of(const uint8_t *data, size_t len, uint8_t out[OTA_HASH_LEN_MAX])
{
    struct ota_hash h;

    assert_int_equal(crypto.port.ops->hash_start(&crypto.port, &h, OTA_SHA256), OTA_OK);
    assert_int_equal(crypto.port.ops->hash_add(&crypto.port, &h, data, len), OTA_OK);
    assert_int_equal(crypto.port.ops->hash_end(&crypto.port, &h, out), OTA_OK);
}

static uint8_t image[10001];

static inline void fill_image(void)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + i / 251);
}

static inline void write_image(void)
{
    for (size_t off = 0; off < sizeof image;) {
        size_t n = sizeof image - off < 4096 ? sizeof image - off : 4096;

        assert_int_equal(psa_fwu_write(0, off, image + off, n), PSA_SUCCESS);
        off += n;
    }
}

#endif
