/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes part in a rollout, by the vectors that the publisher's tool is tested with as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "encode.h"
#include "ota/posix.h"
#include "policy.h"

static void the_shared_vectors(void **state)
{
    struct ota_posix_crypto crypto;
    struct ota_fault fault;
    char line[256], salt_hex[64], id[160];
    unsigned number, count = 0;
    FILE *f = fopen(OTA_SOURCE_DIR "/tests/vectors/rollout.txt", "r");

    (void)state;
    assert_non_null(f);
    assert_int_equal(ota_posix_crypto_open(&crypto, NULL, &fault), OTA_OK);
    while (fgets(line, sizeof line, f)) {
        uint8_t salt[OTAI_SALT_LEN], digest[OTA_SHA256_LEN];

        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%63s %159s %u", salt_hex, id, &number), 3);
        const struct otai_span text = { (const uint8_t *)salt_hex, strlen(salt_hex) };
        assert_int_equal(text.len, 2 * sizeof salt);
        assert_true(otai_hex_decode(text, salt, OTAI_HEX_LOWER));
        assert_int_equal(otai_policy_number(&crypto.port, salt, id, digest), OTA_OK);
        assert_false(otai_policy_in_rollout(digest, (uint16_t)number));
        assert_true(otai_policy_in_rollout(digest, (uint16_t)(number + 1)));
        count++;
    }
    (void)fclose(f);
    ota_posix_crypto_close(&crypto);
    assert_true(count >= 36);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(the_shared_vectors) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
