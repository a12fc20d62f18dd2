/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite over every boot loader's port, with a model of the loader for the restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader_models.h"
#include "ota/posix.h"
#include "ota_contract.h"
#include "report.h"

static char dir[] = "/tmp/ota-loaders-XXXXXX";
static char record[64];

struct device {
    struct ota_contract_device contract;
    struct model model;
    struct ota_posix_loader *loader;
    bool settle;      /* whether the program that starts calls ota_posix_loader_settle() */
};

static bool restart(struct ota_contract_device *c)
{
    struct device *d = (struct device *)c;

    return model_start(&d->model) != 0 && (!d->settle || ota_posix_loader_settle(d->loader, NULL) == OTA_OK);
}

static struct ota_posix_loader_config common(const struct model *m)
{
    return (struct ota_posix_loader_config){ .record = record, .cmdline = m->cmdline, .root = dir };
}

static void run(struct device *d, uint8_t tries_max, bool settle, unsigned least)
{
    struct ota_contract_report r = loud_report();

    d->settle = settle;
    d->contract = (struct ota_contract_device){ &d->loader->port, 1, restart, tries_max };
    assert_int_equal(ota_contract_boot(&d->contract, &r), 0);
    assert_true(r.checks >= least);
    assert_true(d->loader->restart_asked);
    ota_posix_loader_close(d->loader);
    model_remove(&d->model);
}

static void skip_without_libubootenv(struct device *d, ota_err err)
{
    if (err != OTA_USAGE_CONFIG)
        return;
    model_remove(&d->model);
    skip();
}

static void grub(void **state)
{
    struct ota_posix_boot_grub b;
    struct device d = { .loader = &b.base };

    (void)state;
    model_make(&d.model, MODEL_GRUB, 1, dir);
    assert_int_equal(ota_posix_boot_grub_open(&b, &(struct ota_posix_boot_grub_config){ common(&d.model), d.model.path, 0 }, NULL), OTA_OK);
    run(&d, 1, true, 20);
}

static void grub_that_counts(void **state)
{
    struct ota_posix_boot_grub b;
    struct device d = { .loader = &b.base };

    (void)state;
    model_make(&d.model, MODEL_GRUB, 3, dir);
    assert_int_equal(ota_posix_boot_grub_open(&b, &(struct ota_posix_boot_grub_config){ common(&d.model), d.model.path, 3 }, NULL), OTA_OK);
    run(&d, 3, true, 20);
}

static void uboot(void **state)
{
    struct ota_posix_boot_uboot b;
    struct device d = { .loader = &b.base };
    ota_err err;

    (void)state;
    model_make(&d.model, MODEL_UBOOT, 0, dir);
    err = ota_posix_boot_uboot_open(&b, &(struct ota_posix_boot_uboot_config){ common(&d.model), d.model.path, 0 }, NULL);
    skip_without_libubootenv(&d, err);
    assert_int_equal(err, OTA_OK);
    run(&d, 0, true, 20);
}

static void uboot_count(void **state)
{
    struct ota_posix_boot_uboot_count b;
    struct device d = { .loader = &b.base };
    struct ota_posix_boot_uboot_count_config cfg;
    ota_err err;

    (void)state;
    for (int settle = 0; settle < 2; settle++) {
        model_make(&d.model, MODEL_UBOOT_COUNT, 0, dir);
        cfg = (struct ota_posix_boot_uboot_count_config){ common(&d.model), d.model.path, "boot_part" };
        err = ota_posix_boot_uboot_count_open(&b, &cfg, NULL);
        skip_without_libubootenv(&d, err);
        assert_int_equal(err, OTA_OK);
        run(&d, 0, settle, 20);
    }
}

static void bls(void **state)
{
    struct ota_posix_boot_bls b;
    struct device d = { .loader = &b.base };

    (void)state;
    for (int settle = 0; settle < 2; settle++) {
        model_make(&d.model, MODEL_BLS, 0, dir);
        assert_int_equal(ota_posix_boot_bls_open(&b, &(struct ota_posix_boot_bls_config){ common(&d.model), d.model.path }, NULL), OTA_OK);
        run(&d, 0, settle, 20);
    }
}

static void efi(void **state)
{
    struct ota_posix_boot_efi b;
    struct device d = { .loader = &b.base };
    struct ota_posix_boot_efi_config cfg;

    (void)state;
    for (int settle = 0; settle < 2; settle++) {
        model_make(&d.model, MODEL_EFI, 0, dir);
        cfg = (struct ota_posix_boot_efi_config){ common(&d.model), d.model.path };
        cfg.loader.name[0] = "000A";
        cfg.loader.name[1] = "000b";
        assert_int_equal(ota_posix_boot_efi_open(&b, &cfg, NULL), OTA_OK);
        run(&d, 1, settle, 20);
    }
}

static void custom(void **state)
{
    struct ota_posix_boot_custom b;
    struct device d = { .loader = &b.base };

    (void)state;
    for (int settle = 0; settle < 2; settle++) {
        model_make(&d.model, MODEL_CUSTOM, 0, dir);
        assert_int_equal(ota_posix_boot_custom_open(&b, &(struct ota_posix_boot_custom_config){ common(&d.model), d.model.path }, NULL), OTA_OK);
        run(&d, 1, settle, 20);
    }
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(record, sizeof record, "%s/record", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grub),
        cmocka_unit_test(grub_that_counts),
        cmocka_unit_test(uboot),
        cmocka_unit_test(uboot_count),
        cmocka_unit_test(bls),
        cmocka_unit_test(efi),
        cmocka_unit_test(custom),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
