/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "fake_slot.h"
#include "slot.h"

#define LEN 10000u

/* Stands for SHA-256: the seal does not care which function it is, only that every byte goes through it once. */
struct fake_crypto {
    struct ota_crypto crypto;
    uint32_t crc;
    uint64_t len;
    unsigned open, ops, fail_at, abandoned;
};

static struct fake_crypto *crypto_of(struct ota_crypto *c)
{
    return (struct fake_crypto *)(void *)c;
}

static ota_err crypto_op(struct fake_crypto *f)
{
    return ++f->ops == f->fail_at ? OTA_DEVICE_CRYPTO : OTA_OK;
}

static ota_err start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    struct fake_crypto *f = crypto_of(c);

    (void)h;
    assert_int_equal(alg, OTA_SHA256);
    if (crypto_op(f) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    f->open++;
    f->crc = 0;
    f->len = 0;
    return OTA_OK;
}

static ota_err add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    struct fake_crypto *f = crypto_of(c);

    (void)h;
    assert_int_equal(f->open, 1);
    f->crc = otai_crc32(f->crc, data, len);
    f->len += len;
    return crypto_op(f);
}

static ota_err end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    struct fake_crypto *f = crypto_of(c);

    (void)h;
    assert_int_equal(f->open, 1);
    f->open--;
    f->abandoned += out == NULL;
    if (!out)
        return OTA_OK;
    memset(out, 0, OTA_SHA256_LEN);
    otai_put_le32(out, f->crc);
    otai_put_le64(out + 8, f->len);
    return crypto_op(f);
}

static const struct ota_crypto_ops crypto_ops = { .hash_start = start, .hash_add = add, .hash_end = end };

static struct fake_slot fake;
static struct fake_crypto crypto;
static struct ota_fault fault;
static struct ota_plan plan;
static uint8_t buf[512];

static int setup(void **state)
{
    (void)state;
    fake_slot_init(&fake, 1, 0);
    for (size_t i = 0; i < LEN; i++)
        fake.bytes[i] = (uint8_t)(i * 7 + i / 251);
    memset(&crypto, 0, sizeof crypto);
    crypto.crypto.ops = &crypto_ops;
    memset(&fault, 0, sizeof fault);
    plan = (struct ota_plan){ .component = 2, .slot = 1, .length = LEN };
    otai_put_le32(plan.sha256, otai_crc32(0, fake.bytes, LEN));
    otai_put_le64(plan.sha256 + 8, LEN);
    return 0;
}

static ota_err seal(struct ota_image *image, size_t cap, unsigned *steps)
{
    struct otai_seal s;
    ota_err err = otai_seal_begin(&s, &fake.slot, &crypto.crypto, buf, cap, &plan, &fault);

    *steps = 0;
    if (err != OTA_OK)
        return err;
    do
        ++*steps;
    while ((err = otai_seal_step(&s, image)) == OTA_AGAIN);
    assert_int_equal(crypto.open, 0);
    struct ota_fault kept = fault;
    struct ota_image again;
    assert_int_equal(otai_seal_step(&s, &again), OTA_USAGE_STATE);
    fault = kept;
    otai_seal_end(&s);
    return err;
}

static void a_whole_slot_is_proved(void **state)
{
    static const size_t caps[] = { 1, 511, 512 };
    struct ota_image image = { 0 };
    unsigned steps;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)setup(NULL);
        assert_int_equal(seal(&image, caps[i], &steps), OTA_DONE);
        assert_int_equal(steps, (LEN + caps[i] - 1) / caps[i]);   /* bounded steps */
        assert_int_equal(fake.reads, steps);
        assert_true(image.component == 2 && image.slot == 1 && image.length == LEN);
        assert_memory_equal(image.sha256, plan.sha256, OTA_SHA256_LEN);
    }
}

static void an_empty_image(void **state)
{
    struct ota_image image;
    unsigned steps;

    (void)state;
    plan.length = 0;
    memset(plan.sha256, 0, sizeof plan.sha256);
    assert_int_equal(seal(&image, 512, &steps), OTA_DONE);
    assert_int_equal(fake.reads, 0);
}

static void one_wrong_byte_anywhere_is_no_image(void **state)
{
    struct ota_image image;
    unsigned steps;

    (void)state;
    memset(&image, 0x77, sizeof image);
    for (size_t at = 0; at < LEN; at += 997) {
        fake.bytes[at] ^= 0x10;
        assert_int_equal(seal(&image, 512, &steps), OTA_REJECT_HASH);
        assert_string_equal(fault.where, "image.sha256");
        assert_int_equal(image.component, 0x77);   /* no proof was made */
        fake.bytes[at] ^= 0x10;
    }
    plan.length = LEN - 1;
    assert_int_equal(seal(&image, 512, &steps), OTA_REJECT_HASH);
    plan.length = LEN;
    plan.sha256[31] ^= 1;
    assert_int_equal(seal(&image, 512, &steps), OTA_REJECT_HASH);
}

static void every_failing_read_is_told(void **state)
{
    static const ota_err said[] = { OTA_DEVICE_SLOT, OTA_DONE, OTA_AGAIN, OTA_REJECT_HASH };
    struct ota_image image;
    unsigned steps;

    (void)state;
    memset(&image, 0x77, sizeof image);
    for (size_t k = 0; k < 4; k++)
        for (unsigned at = 1; at <= (LEN + 511) / 512; at++) {
            fake.ops = 0;
            fake.fail_at = at;
            fake.fail_with = said[k];
            assert_int_equal(seal(&image, 512, &steps), OTA_DEVICE_SLOT);
            assert_string_equal(fault.where, "slot.read");
            assert_int_equal(fault.port_code, 5);
            assert_int_equal(image.component, 0x77);
        }
}

static void every_failing_hash_is_told(void **state)
{
    struct ota_image image;
    unsigned steps, at;

    (void)state;
    for (at = 1;; at++) {
        crypto.ops = 0;
        crypto.fail_at = at;
        ota_err err = seal(&image, 512, &steps);
        if (crypto.ops < at) {
            assert_int_equal(err, OTA_DONE);
            break;
        }
        assert_int_equal(err, OTA_DEVICE_CRYPTO);
        assert_string_equal(fault.where, "crypto.hash");
    }
    assert_int_equal(at, 1 + 20 + 1 + 1);
}

static void end_frees_the_hash(void **state)
{
    struct ota_image image;
    struct otai_seal s;

    (void)state;
    assert_int_equal(otai_seal_begin(&s, &fake.slot, &crypto.crypto, buf, 512, &plan, &fault), OTA_OK);
    assert_int_equal(otai_seal_step(&s, &image), OTA_AGAIN);
    otai_seal_end(&s);
    otai_seal_end(&s);
    assert_int_equal(crypto.abandoned, 1);
    assert_int_equal(otai_seal_begin(&s, &fake.slot, &crypto.crypto, buf, 0, &plan, &fault), OTA_USAGE_MEMORY);
    otai_seal_end(&s);
    assert_int_equal(crypto.open, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_whole_slot_is_proved, setup),
        cmocka_unit_test_setup(an_empty_image, setup),
        cmocka_unit_test_setup(one_wrong_byte_anywhere_is_no_image, setup),
        cmocka_unit_test_setup(every_failing_read_is_told, setup),
        cmocka_unit_test_setup(every_failing_hash_is_told, setup),
        cmocka_unit_test_setup(end_frees_the_hash, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
