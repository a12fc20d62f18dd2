/* SPDX-License-Identifier: Apache-2.0 */
/* The trusted side of the platform's updates: what it takes from the part that downloads, what it refuses and by what name, and
 * that a power cut at every operation leaves a set that may run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "memo_crypto.h"
#include "monitor.h"
#include "ota/posix.h"
#include "ota_cuts.h"
#include "test_package.h"

#define UNIT 1024u
#define TABLE_LEN (16u * UNIT)
#define CELL_LEN (2u * UNIT)
#define CELLS 7u
#define SIZE (TABLE_LEN + CELLS * CELL_LEN)
#define BLOCK 512u

static uint8_t now[SIZE], safe[SIZE];
static struct chip {
    struct ota_mcu_flash port;
    struct ota_cut_flash flash;
} chip;
static struct test_key key, stranger;
static struct memo_crypto crypto;
static struct monitor m;
static struct monitor_config cfg;

static void geometry(struct ota_mcu_flash *f, struct ota_mcu_geometry *out)
{
    (void)f;
    *out = (struct ota_mcu_geometry){ SIZE, 8, UNIT };
}

static int32_t chip_read(struct ota_mcu_flash *f, uint32_t off, void *buf, uint32_t len)
{
    return ota_cut_flash_read(&((struct chip *)f)->flash, off, buf, len);
}

static int32_t chip_program(struct ota_mcu_flash *f, uint32_t off, const void *buf, uint32_t len)
{
    return ota_cut_flash_write(&((struct chip *)f)->flash, off, buf, len);
}

static int32_t chip_erase(struct ota_mcu_flash *f, uint32_t off, uint32_t len)
{
    return ota_cut_flash_erase(&((struct chip *)f)->flash, off, len);
}

static int32_t chip_sync(struct ota_mcu_flash *f)
{
    return ota_cut_flash_sync(&((struct chip *)f)->flash);
}

static const struct ota_mcu_flash_ops chip_ops = { geometry, chip_read, chip_program, chip_erase, chip_sync };

/* ---- a release: two components, and the manifest that names their images ---- */

struct release {
    uint8_t image[2][CELL_LEN];
    size_t len[2];
    struct ota_manifest_entry entry[2];
    uint8_t manifest[MONITOR_MANIFEST_MAX];
    size_t manifest_len;
};

static struct release one, two;
static const uint8_t component[2][OTA_UID_LEN] = { { 0xc0 }, { 0xc1 } };

static void hash(const void *p, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;

    assert_int_equal(crypto.port.ops->hash_start(&crypto.port, &h, OTA_SHA256), OTA_OK);
    assert_int_equal(crypto.port.ops->hash_add(&crypto.port, &h, p, len), OTA_OK);
    assert_int_equal(crypto.port.ops->hash_end(&crypto.port, &h, out), OTA_OK);
}

static void name_image(struct release *r, size_t i, uint8_t image)
{
    struct ota_manifest_entry *e = &r->entry[i];

    memset(e, 0, sizeof *e);
    memset(e->image, image, OTA_UID_LEN);
    memcpy(e->component, component[i], OTA_UID_LEN);
    e->image_type = 10;
    e->length = e->uncompressed_len = (uint32_t)r->len[i];
    hash(r->image[i], r->len[i], e->sha256);
}

static void make_image(struct release *r, size_t i, uint8_t image, uint32_t security)
{
    uint8_t body[700];

    memset(body, image, sizeof body);
    r->len[i] = test_package_whole(r->image[i], CELL_LEN, body, sizeof body - i * 100, component[i], image, security, &key);
    name_image(r, i, image);
}

static void make_manifest_of(struct release *r, uint64_t built_s, size_t count, uint8_t type, const struct test_key *signer)
{
    uint8_t body[MONITOR_MANIFEST_MAX / 2], identity[36] = { type };
    struct test_package t;
    size_t len = 0;

    assert_int_equal(ota_manifest_write(body, sizeof body, built_s, r->entry, count, &len, NULL), OTA_OK);
    memset(identity + 20, 0x3a, OTA_UID_LEN);
    test_package_body(&t, r->manifest, sizeof r->manifest, body, len);
    test_package_section(&t, OTA_PACKAGE_IDENTITY, identity, sizeof identity);
    test_package_signature_section(&t, signer);
    test_package_sign(&t, signer);
    r->manifest_len = t.len;
}

static void make_manifest(struct release *r, uint64_t built_s)
{
    make_manifest_of(r, built_s, 2, 25, &key);
}

/* ---- the device ---- */

static bool open_monitor(void)
{
    return monitor_open(&m, &cfg, NULL) == OTA_OK;
}

static enum monitor_error bring(const struct release *r, size_t i)
{
    uint32_t handle = 0;
    enum monitor_error e = monitor_stage_open(&m, r->entry[i].image, (uint32_t)r->len[i], &handle);

    for (uint32_t at = 0; e == MONITOR_OK && at < r->len[i]; at += BLOCK)
        e = monitor_stage_write(&m, handle, at, r->image[i] + at, (uint32_t)(r->len[i] - at < BLOCK ? r->len[i] - at : BLOCK));
    return e == MONITOR_OK ? monitor_stage_commit(&m, handle) : e;
}

/* All that is missing, whichever of it is there already. */
static enum monitor_error bring_missing(const struct release *r)
{
    size_t index[MONITOR_IMAGES_MAX], count = monitor_missing(&m, index);
    enum monitor_error e = MONITOR_OK;

    for (size_t i = 0; e == MONITOR_OK && i < count; i++)
        e = bring(r, index[i]);
    return e;
}

/* What the part that downloads does. It may find that some of it was done before. */
static enum monitor_error update_to(const struct release *r)
{
    enum monitor_error e = monitor_stage_manifest(&m, r->manifest, r->manifest_len);

    if (e != MONITOR_OK)
        return e == MONITOR_IMAGE_ALREADY_LOADED ? MONITOR_OK : e;
    e = bring_missing(r);
    return e == MONITOR_OK ? monitor_install(&m) : e;
}

static bool runs(const struct release *r)
{
    const struct monitor_set *s = monitor_list(&m);

    return s->count == 2 && memcmp(s->image[0].image, r->entry[0].image, OTA_UID_LEN) == 0 &&
           memcmp(s->image[1].image, r->entry[1].image, OTA_UID_LEN) == 0;
}

static int set_up(void **state)
{
    static const struct ota_abi platform[] = { { 5, 3 } };

    (void)state;
    memset(now, 0xff, sizeof now);
    memset(safe, 0xff, sizeof safe);
    chip.port.ops = &chip_ops;
    chip.flash = (struct ota_cut_flash){ .now = now, .safe = safe, .size = SIZE, .write_unit = 8, .erase_unit = UNIT };
    cfg = (struct monitor_config){
        .flash = &chip.port,
        .table_len = TABLE_LEN,
        .cell_len = CELL_LEN,
        .cells = CELLS,
        .crypto = &crypto.port,
        .want = { .kind = key.kind, .key = key.public_key, .key_len = key.public_len, .provided = platform, .provided_count = 1 }
    };
    for (size_t i = 0; i < 2; i++) {
        make_image(&one, i, (uint8_t)(0x10 + i), 2);
        make_image(&two, i, (uint8_t)(0x20 + i), 2);
    }
    make_manifest(&one, 100);
    make_manifest(&two, 200);
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_IMAGE_NOT_FOUND); /* an empty device */
    assert_int_equal(update_to(&one), MONITOR_OK);
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_int_equal(monitor_mark_good(&m), MONITOR_OK);
    assert_true(runs(&one));
    return 0;
}

static int make_keys(void **state)
{
    static struct ota_posix_crypto posix;

    (void)state;
    test_key_make(&key, OTA_KEY_P256);
    test_key_make(&stranger, OTA_KEY_P256);
    assert_int_equal(ota_posix_crypto_open(&posix, NULL, NULL), OTA_OK);
    memo_crypto_init(&crypto, &posix.port);
    return 0;
}

/* ---- a good update, and what becomes of a bad set ---- */

static void a_set_is_installed_tried_and_kept(void **state)
{
    uint8_t manifest[OTA_SHA256_LEN];
    enum monitor_error reason;

    (void)state;
    assert_int_equal(update_to(&two), MONITOR_OK);
    assert_true(runs(&two));
    assert_int_equal(monitor_mark_good(&m), MONITOR_UPDATE_IN_PROGRESS); /* nothing of it has started */
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_int_equal(monitor_mark_good(&m), MONITOR_OK);
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&two));
    assert_false(monitor_rollback_info(&m, manifest, &reason));
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_IMAGE_ALREADY_LOADED);
    assert_null(chip.flash.misuse);
}

static void a_set_that_is_not_stable_is_rolled_back_and_skipped(void **state)
{
    uint8_t manifest[OTA_SHA256_LEN], digest[OTA_SHA256_LEN];
    enum monitor_error reason = MONITOR_WRITE_FAILED;

    (void)state;
    assert_int_equal(update_to(&two), MONITOR_OK);
    for (unsigned i = 0; i < MONITOR_TRIES; i++) {
        assert_true(open_monitor());
        assert_int_equal(monitor_start(&m), MONITOR_OK);
        assert_true(runs(&two));
    }
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one));
    assert_true(monitor_rollback_info(&m, manifest, &reason));
    hash(two.manifest, two.manifest_len, digest);
    assert_memory_equal(manifest, digest, sizeof digest);
    assert_int_equal(reason, MONITOR_OK);
    assert_int_equal(update_to(&two), MONITOR_SOFTWARE_ROLLBACK);
    make_manifest(&two, 201); /* another set of the same images is another set */
    assert_int_equal(update_to(&two), MONITOR_OK);
    assert_true(runs(&two));
}

static void what_rots_is_noticed_at_the_next_start(void **state)
{
    uint8_t manifest[OTA_SHA256_LEN];
    enum monitor_error reason;

    (void)state;
    assert_int_equal(update_to(&two), MONITOR_OK);
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_int_equal(monitor_mark_good(&m), MONITOR_OK);
    uint32_t at = TABLE_LEN + monitor_list(&m)->image[1].cell * CELL_LEN + 300;
    now[at] ^= 1;
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one)); /* both components go back: the set is one */
    assert_true(monitor_rollback_info(&m, manifest, &reason));
    assert_int_equal(reason, MONITOR_VERIFICATION_FAILED);
    at = TABLE_LEN + monitor_list(&m)->image[0].cell * CELL_LEN;
    now[at] ^= 1;
    assert_int_equal(monitor_start(&m), MONITOR_ROLLBACK_TARGETS_ABSENT);
    now[at] ^= 1;
    assert_int_equal(monitor_start(&m), MONITOR_OK);
}

static void what_rots_before_the_install_is_not_installed(void **state)
{
    (void)state;
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_int_equal(bring_missing(&two), MONITOR_OK);
    now[TABLE_LEN + m.table.staged.image[0].cell * CELL_LEN + 10] ^= 4;
    assert_int_equal(monitor_install(&m), MONITOR_VERIFICATION_FAILED);
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one));
}

static void an_image_that_both_sets_have_is_not_brought_again(void **state)
{
    size_t index[MONITOR_IMAGES_MAX];

    (void)state;
    memcpy(two.image[0], one.image[0], one.len[0]);
    two.len[0] = one.len[0];
    two.entry[0] = one.entry[0];
    make_manifest(&two, 200);
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_int_equal(monitor_missing(&m, index), 1);
    assert_int_equal(index[0], 1);
    assert_int_equal(bring(&two, 1), MONITOR_OK);
    assert_int_equal(monitor_install(&m), MONITOR_OK);
    assert_true(runs(&two));
}

/* ---- what is refused, by name ---- */

static void staging_is_looked_at(void **state)
{
    static const uint8_t other[OTA_UID_LEN] = { 9 };
    uint32_t handle = 0, second = 0, length = (uint32_t)two.len[0];
    uint8_t block[BLOCK] = { 0 };

    (void)state;
    assert_int_equal(monitor_stage_open(&m, two.entry[0].image, length, &handle), MONITOR_NO_UPDATE_IN_PROGRESS);
    assert_int_equal(monitor_install(&m), MONITOR_NO_UPDATE_IN_PROGRESS);
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_int_equal(monitor_install(&m), MONITOR_MUST_DOWNLOAD_MISSING);
    assert_int_equal(monitor_stage_open(&m, other, length, &handle), MONITOR_OUT_OF_ORDER_IMAGE);
    assert_int_equal(monitor_stage_open(&m, two.entry[0].image, length + 4, &handle), MONITOR_IMAGE_TOO_LONG);
    assert_int_equal(monitor_stage_open(&m, two.entry[0].image, length, &handle), MONITOR_OK);
    assert_int_equal(monitor_stage_open(&m, two.entry[1].image, (uint32_t)two.len[1], &second), MONITOR_UPDATE_IN_PROGRESS);
    assert_int_equal(monitor_stage_manifest(&m, one.manifest, one.manifest_len), MONITOR_UPDATE_IN_PROGRESS);
    assert_int_equal(monitor_install(&m), MONITOR_UPDATE_IN_PROGRESS);
    assert_int_equal(monitor_stage_write(&m, handle + 1, 0, block, BLOCK), MONITOR_BAD_HANDLE);
    assert_int_equal(monitor_stage_write(&m, 0, 0, block, BLOCK), MONITOR_BAD_HANDLE);
    assert_int_equal(monitor_stage_write(&m, handle, 4, block, 8), MONITOR_BAD_OFFSET_ALIGNMENT);
    assert_int_equal(monitor_stage_write(&m, handle, 0, block, 12), MONITOR_BAD_OFFSET_ALIGNMENT);
    assert_int_equal(monitor_stage_write(&m, handle, length, block, 8), MONITOR_OFFSET_OUT_OF_BOUNDS);
    assert_int_equal(monitor_stage_write(&m, handle, 0xfffffff8u, block, 16), MONITOR_OFFSET_OUT_OF_BOUNDS);
    assert_int_equal(monitor_stage_write(&m, handle, 8, block, 8), MONITOR_BLOCK_OUT_OF_ORDER);
    assert_int_equal(monitor_stage_write(&m, handle, 0, block, BLOCK), MONITOR_OK);
    assert_int_equal(monitor_stage_write(&m, handle, 0, block, BLOCK), MONITOR_BLOCK_OVERLAPS);
    assert_int_equal(monitor_stage_write(&m, handle, BLOCK - 8, block, 16), MONITOR_BLOCK_OVERLAPS);
    assert_int_equal(monitor_stage_commit(&m, handle), MONITOR_INCOMPLETE);
    assert_int_equal(monitor_stage_commit(&m, handle + 1), MONITOR_BAD_HANDLE);
    assert_int_equal(monitor_stage_abort(&m, handle + 1), MONITOR_BAD_HANDLE);
    assert_int_equal(monitor_stage_abort(&m, handle), MONITOR_OK);
    assert_int_equal(monitor_stage_write(&m, handle, BLOCK, block, 8), MONITOR_BAD_HANDLE);
    assert_int_equal(bring(&two, 0), MONITOR_OK);
    assert_int_equal(bring(&two, 0), MONITOR_IMAGE_ALREADY_LOADED);
    assert_true(runs(&one));
    assert_int_equal(update_to(&two), MONITOR_OK); /* the next good try works */
    assert_true(runs(&two));
    assert_null(chip.flash.misuse);
}

/* Stage `two` as it is now: its first image must be refused so, and nothing changes. */
static void refused(enum monitor_error want, const char *where)
{
    make_manifest(&two, 200);
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_int_equal(bring(&two, 0), want);
    assert_string_equal(m.why.where, where);
    assert_int_equal(monitor_install(&m), MONITOR_MUST_DOWNLOAD_MISSING);
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one));
    make_image(&two, 0, 0x20, 2);
    make_manifest(&two, 200);
    assert_int_equal(update_to(&two), MONITOR_OK);
    assert_true(runs(&two));
    (void)set_up(NULL);
}

static void images_are_looked_at(void **state)
{
    uint8_t body[700] = { 0 };

    (void)state;
    two.len[0] = test_package_whole(two.image[0], CELL_LEN, body, sizeof body, component[0], 0x20, 2, &stranger);
    name_image(&two, 0, 0x20);
    refused(MONITOR_VERIFICATION_FAILED, "package.signature");
    two.image[0][5] ^= 1; /* not what the manifest names */
    refused(MONITOR_VERIFICATION_FAILED, "package.signature");
    two.len[0] = test_package_whole(two.image[0], CELL_LEN, body, sizeof body, component[0], 0x20, 2, &key);
    two.entry[0].length = (uint32_t)two.len[0]; /* signed as well, but other bytes: the digest is the old one's */
    refused(MONITOR_VERIFICATION_FAILED, "manifest.entry.sha256");
    two.len[0] = test_package_whole(two.image[0], CELL_LEN, body, sizeof body, component[1], 0x20, 2, &key);
    name_image(&two, 0, 0x20);
    refused(MONITOR_INVALID_COMPONENT, "package.identity.component");
    two.len[0] = test_package_whole(two.image[0], CELL_LEN, body, sizeof body, component[0], 0x21, 2, &key);
    name_image(&two, 0, 0x20);
    refused(MONITOR_IDENTITY_INCONSISTENT, "package.identity.image");
    make_image(&two, 0, 0x20, 1); /* 2 runs */
    refused(MONITOR_SECURITY_VERSION, "package.security");
    make_image(&two, 0, 0x20, 5);
    cfg.want.revoked = 1u << 5;
    assert_true(open_monitor());
    refused(MONITOR_SECURITY_VERSION, "package.security.revoked");
}

static void requirements_are_looked_at(void **state)
{
    static const struct ota_abi older[] = { { 4, 3 } };

    (void)state;
    cfg.want.provided = older; /* the platform went back: neither what runs nor what comes may */
    assert_true(open_monitor());
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_int_equal(bring(&two, 0), MONITOR_REQUIREMENTS_UNMET);
    two.entry[1].provides[0] = (struct ota_abi){ 5, 3 }; /* but an image of the set may bring it */
    make_manifest(&two, 200);
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_int_equal(bring(&two, 0), MONITOR_OK);
}

static void manifest_refused(enum monitor_error want)
{
    struct monitor_table before = m.table;

    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), want);
    assert_memory_equal(&m.table, &before, sizeof before);
    for (size_t i = 0; i < 2; i++)
        make_image(&two, i, (uint8_t)(0x20 + i), 2);
    make_manifest(&two, 200);
}

/* Change a byte of the manifest's body and sign it again. */
static void change_manifest(size_t at, uint8_t value)
{
    two.manifest[at] = value;
    test_package_sign_again(two.manifest, two.manifest_len, &key);
}

static void manifests_are_looked_at(void **state)
{
    enum { SECOND = OTA_MANIFEST_HEAD_LEN + OTA_MANIFEST_ENTRY_LEN };

    (void)state;
    make_manifest_of(&two, 200, 2, 25, &stranger);
    manifest_refused(MONITOR_VERIFICATION_FAILED);
    two.manifest[30] ^= 1;
    manifest_refused(MONITOR_VERIFICATION_FAILED);
    two.manifest_len -= 1;
    manifest_refused(MONITOR_VERIFICATION_FAILED);
    two.manifest_len = MONITOR_MANIFEST_MAX + 1;
    manifest_refused(MONITOR_MALFORMED_MANIFEST);
    make_manifest_of(&two, 200, 2, 24, &key); /* firmware: not the customer's */
    manifest_refused(MONITOR_MALFORMED_MANIFEST);
    make_manifest_of(&two, 200, 0, 25, &key);
    manifest_refused(MONITOR_BAD_IMAGE_COUNT);
    change_manifest(0, 2); /* version */
    manifest_refused(MONITOR_MALFORMED_MANIFEST);
    change_manifest(2, 3); /* more images than there are entries */
    manifest_refused(MONITOR_MALFORMED_MANIFEST);
    memcpy(two.manifest + SECOND + OTA_UID_LEN, two.entry[0].component, OTA_UID_LEN);
    change_manifest(SECOND, 0x77);
    manifest_refused(MONITOR_MULTIPLE_COMPONENTS);
    memcpy(two.manifest + SECOND, two.entry[0].image, OTA_UID_LEN);
    change_manifest(0, 3);
    manifest_refused(MONITOR_MALFORMED_MANIFEST);
    two.entry[1].length = CELL_LEN + 1;
    make_manifest(&two, 200);
    manifest_refused(MONITOR_IMAGE_TOO_LONG);
    make_manifest(&two, 99); /* 100 runs */
    manifest_refused(MONITOR_MANIFEST_OLDER);
    assert_int_equal(update_to(&two), MONITOR_OK);
    assert_int_equal(monitor_stage_manifest(&m, one.manifest, one.manifest_len), MONITOR_UPDATE_IN_PROGRESS); /* on trial */
}

static void space_runs_out_by_name(void **state)
{
    (void)state;
    cfg.cells = 3;
    assert_true(open_monitor());
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_int_equal(bring(&two, 0), MONITOR_OK);
    assert_int_equal(bring(&two, 1), MONITOR_NO_FREE_SPACE);
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one));
}

/* ---- power cuts ---- */

static uint8_t image_of_flash[SIZE];

/* After any cut the device starts, with one set or the other, whole; and the update can be finished from wherever it stood. */
static void power_cut(uint32_t op, enum ota_cut_shape shape, unsigned *cuts)
{
    memcpy(now, image_of_flash, SIZE);
    memcpy(safe, image_of_flash, SIZE);
    chip.flash.ops = 0, chip.flash.off = false;
    chip.flash.cut_at = op, chip.flash.shape = shape;
    assert_true(open_monitor());
    enum monitor_error e = update_to(&two);
    if (e == MONITOR_OK)
        e = monitor_start(&m);
    if (e == MONITOR_OK)
        e = monitor_mark_good(&m);
    *cuts += chip.flash.off;
    assert_true(e == MONITOR_OK || chip.flash.off);
    chip.flash.off = false, chip.flash.cut_at = 0;
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one) || runs(&two));
    if (!runs(&two)) {
        assert_int_equal(update_to(&two), MONITOR_OK);
        assert_int_equal(monitor_start(&m), MONITOR_OK);
    }
    assert_true(runs(&two));
    assert_int_equal(monitor_mark_good(&m), MONITOR_OK);
    assert_null(chip.flash.misuse);
}

static void power_cuts_leave_a_set_that_runs(void **state)
{
    unsigned cuts = 0;

    (void)state;
    memcpy(image_of_flash, now, SIZE);
    for (enum ota_cut_shape shape = OTA_CUT_LOST; shape < OTA_CUT_SHAPES; shape++) {
        unsigned before = cuts;
        uint32_t op = 1;

        do {
            before = cuts;
            power_cut(op++, shape, &cuts);
        } while (cuts > before);
    }
    assert_true(cuts > 100);
    print_message("%u cuts\n", cuts);
}

/* The four cases: nothing staged, a part of it, all of it, being installed. */
static void interrupted_updates_go_on(void **state)
{
    size_t index[MONITOR_IMAGES_MAX];

    (void)state;
    assert_int_equal(monitor_stage_manifest(&m, two.manifest, two.manifest_len), MONITOR_OK);
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one));
    assert_int_equal(monitor_missing(&m, index), 2); /* begins anew */
    assert_int_equal(bring(&two, 1), MONITOR_OK);
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&one));
    assert_int_equal(monitor_missing(&m, index), 1); /* goes on */
    assert_int_equal(index[0], 0);
    assert_int_equal(bring(&two, 0), MONITOR_OK);
    assert_true(open_monitor());
    assert_int_equal(monitor_start(&m), MONITOR_OK);
    assert_true(runs(&two)); /* installed when the power returns */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_set_is_installed_tried_and_kept, set_up),
        cmocka_unit_test_setup(a_set_that_is_not_stable_is_rolled_back_and_skipped, set_up),
        cmocka_unit_test_setup(what_rots_is_noticed_at_the_next_start, set_up),
        cmocka_unit_test_setup(what_rots_before_the_install_is_not_installed, set_up),
        cmocka_unit_test_setup(an_image_that_both_sets_have_is_not_brought_again, set_up),
        cmocka_unit_test_setup(staging_is_looked_at, set_up),
        cmocka_unit_test_setup(images_are_looked_at, set_up),
        cmocka_unit_test_setup(requirements_are_looked_at, set_up),
        cmocka_unit_test_setup(manifests_are_looked_at, set_up),
        cmocka_unit_test_setup(space_runs_out_by_name, set_up),
        cmocka_unit_test_setup(power_cuts_leave_a_set_that_runs, set_up),
        cmocka_unit_test_setup(interrupted_updates_go_on, set_up),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
