/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated files: the code of ports/posix runs on them, a cut leaves whole records only, and a program that forgets
 * a sync is seen to lose what it wrote. */
#include "flow.h"

#include "sim_fs_calls.h"

static const struct sim_geometry on_files = { .write_unit = 1, .files = true, .slot_files = true, .block = 512 };

static void open_device(void)
{
    sim_open_as(dev, &cloud, factory, 1, &on_files);
}

FLOW(an_update_runs_on_files)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { two } });
    open_device();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_last_report("confirmed", "OK");
    assert_non_null(sim_file_named(dev, "journal.0"));
    assert_null(sim_file_named(dev, ".tmp"));
    assert_true(dev->ops > 150); /* each system call that changes something is an op of its own */
}

static ota_err put(const char *text, size_t len)
{
    int32_t code = 0;

    return dev->files.port.ops->write(&dev->files.port, "record", text, len, &code);
}

/* A record is replaced, and the power goes at this op. NULL: the op never came. */
static const char *after_cut(uint32_t op, enum sim_shape shape, uint32_t seed)
{
    static char got[64];
    size_t len = 0;
    int32_t code = 0;

    open_device();
    assert_true(sim_start(dev));
    assert_int_equal(put("the old record", 14), OTA_OK);
    dev->cut_at = dev->ops + op;
    dev->shape = shape;
    dev->seed = seed;
    ota_err err = put("the new one, longer", 19);
    if (!dev->off)
        return NULL;
    assert_int_not_equal(err, OTA_OK);
    sim_restore_power(dev);
    sim_kill(dev);
    assert_true(sim_start(dev));
    assert_int_equal(dev->files.port.ops->read(&dev->files.port, "record", got, sizeof got, &len, &code), OTA_OK);
    got[len] = '\0';
    return got;
}

FLOW(a_record_is_old_or_new_after_any_cut)
{
    uint32_t cuts = 0, fresh = 0;

    (void)state;
    for (enum sim_shape shape = SIM_CUT_KEEP; shape < SIM_CUTS; shape++) {
        for (uint32_t seed = 0; seed < 8; seed++) {
            const char *got;

            for (uint32_t op = 1; (got = after_cut(op, shape, seed)) != NULL; op++) {
                if (strcmp(got, "the old record") != 0) {
                    assert_string_equal(got, "the new one, longer");
                    fresh++;
                }
                cuts++;
            }
        }
    }
    assert_int_equal(cuts, 5 * SIM_CUTS * 8); /* create, write, sync, rename, sync of the directory */
    assert_in_range(fresh, 8, cuts / 2);
}

/* What store_dir.c would do without its first sync. */
static void replace_without_sync(void)
{
    int dir = sim_fs_open("/state", O_DIRECTORY), fd = sim_fs_openat(dir, "tmp", O_CREAT, 0);

    (void)sim_fs_pwrite(fd, "0123456789", 10, 0);
    (void)sim_fs_close(fd);
    (void)sim_fs_renameat(dir, "tmp", dir, "record");
    (void)sim_fs_fsync(dir);
    (void)sim_fs_close(dir);
}

static size_t zeros_or_missing(enum sim_shape shape, uint32_t op)
{
    open_device();
    assert_true(sim_start(dev));
    dev->cut_at = dev->ops + op;
    dev->shape = shape;
    replace_without_sync();
    assert_true(dev->off);
    const struct sim_file_body *f = sim_file_named(dev, "record");
    return f ? f->len + (f->len && f->now[0] == 0 ? 100 : 0) : 1000;
}

FLOW(a_missing_sync_loses_data)
{
    (void)state;
    assert_int_equal(zeros_or_missing(SIM_CUT_NAMES_FIRST, 4), 0);   /* the rename is there, its data is not */
    assert_int_equal(zeros_or_missing(SIM_CUT_ZEROS, 4), 110);       /* its length, too, and zeros */
    assert_int_equal(zeros_or_missing(SIM_CUT_KEEP, 4), 10);
    assert_int_equal(zeros_or_missing(SIM_CUT_DROP, 4), 1000);       /* not even a name */
    assert_int_equal(zeros_or_missing(SIM_CUT_NO_NAMES, 4), 1000);
    assert_int_equal(zeros_or_missing(SIM_CUT_KEEP, 3), 1000);       /* before the rename */
}

FLOW(a_sync_that_failed_once_never_brings_the_data_back)
{
    int dir, fd;

    (void)state;
    open_device();
    assert_true(sim_start(dev));
    dir = sim_fs_open("/state", O_DIRECTORY);
    fd = sim_fs_openat(dir, "x", O_CREAT, 0);
    assert_int_equal(sim_fs_fsync(dir), 0);
    assert_int_equal(sim_fs_pwrite(fd, "0123456789", 10, 0), 10);
    dev->cut_at = dev->ops + 1;
    dev->shape = SIM_BAD_SYNC;
    assert_int_equal(sim_fs_fsync(fd), -1);
    assert_int_equal(sim_fs_fsync(fd), 0);
    assert_int_equal(sim_file_named(dev, "x")->len, 10); /* it is read as if it were there, */
    sim_power_cycle(dev);
    assert_true(sim_start(dev));
    assert_int_equal(sim_file_named(dev, "x")->len, 0); /* and is not */
}

/* Regression: a boot record whose sync had failed was read back as if it were stored, and forgotten by the restart. */
FLOW(a_boot_record_that_failed_is_not_shown)
{
    static const uint8_t slot[] = { 1 };
    struct ota_boot_view v;
    int32_t code = 0;

    (void)state;
    for (uint32_t op = 1; op <= 2; op++) {
        open_device();
        assert_true(sim_start(dev));
        struct ota_boot *boot = dev->cfg.boot;
        dev->cut_at = dev->ops + op;
        dev->shape = op == 1 ? SIM_BAD_DONE : SIM_BAD_SYNC;
        assert_err(boot->ops->arm(boot, slot, 1, 3, &code), OTA_DEVICE_BOOT);
        assert_int_equal(boot->ops->view(boot, &v, &code), OTA_OK);
        assert_false(v.pending);
        assert_err(boot->ops->arm(boot, slot, 1, 3, &code), OTA_OK);
        sim_power_cycle(dev);
        (void)sim_start(dev); /* there is no image in that slot */
        assert_int_equal(dev->boot.record.state, OTA_BOOT_TRIAL_STARTED);
    }
}

/* The power goes at a record of the store, at the boot ROM, in a copy: the copy goes on like its original. */
FLOW(a_copy_goes_on_like_its_original)
{
    static struct sim copy;
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { two } });
    for (uint32_t op = 1;; op += 13) {
        open_device();
        dev->cut_at = op;
        if (sim_run(dev) != SIM_POWER_LOST)
            break;
        sim_restore_power(dev);
        sim_copy(&copy, dev);
        assert_true(sim_state_hash(&copy) == sim_state_hash(dev));
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_int_equal(sim_run(&copy), SIM_IDLE);
        assert_true(sim_state_hash(&copy) == sim_state_hash(dev));
        assert_int_equal(copy.ops, dev->ops);
        assert_ptr_equal(sim_running(&copy, 0), two);
    }
    dev->slot[0][0].synced[7] ^= 1u;
    assert_true(sim_state_hash(&copy) != sim_state_hash(dev));
}

FLOW_MAIN(FLOW_TEST(an_update_runs_on_files), FLOW_TEST(a_record_is_old_or_new_after_any_cut), FLOW_TEST(a_missing_sync_loses_data),
          FLOW_TEST(a_sync_that_failed_once_never_brings_the_data_back), FLOW_TEST(a_boot_record_that_failed_is_not_shown),
          FLOW_TEST(a_copy_goes_on_like_its_original))
