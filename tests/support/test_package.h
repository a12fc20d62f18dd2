/* SPDX-License-Identifier: Apache-2.0 */
/* Image packages for tests, signed with keys that are made when they run. The trailer's bytes are put together here by the
 * specification, not by the library's writer. */
#ifndef TEST_PACKAGE_H
#define TEST_PACKAGE_H

#include "ota/image.h"

struct test_key {
    enum ota_key_kind kind;
    uint32_t id; /* PSA's */
    uint8_t public_key[97];
    size_t public_len, signature_len;
};

/* P-256 or P-384. Ends the test program when crypto fails. */
void test_key_make(struct test_key *key, enum ota_key_kind kind);
void test_key_destroy(struct test_key *key);

/* A file under construction. */
struct test_package {
    uint8_t *p;
    size_t cap, len;
    size_t trailer; /* where it begins */
    uint32_t sections;
};

/* The body, padded. */
void test_package_body(struct test_package *t, uint8_t *buf, size_t cap, const void *body, size_t len);
void test_package_section(struct test_package *t, uint16_t id, const void *data, size_t len);
void test_package_u32(struct test_package *t, uint16_t id, uint32_t value);
void test_package_identity(struct test_package *t, const uint8_t component[OTA_UID_LEN], uint8_t image);
void test_package_signature_section(struct test_package *t, const struct test_key *key);
/* The trailer's end and the signature. */
void test_package_sign(struct test_package *t, const struct test_key *key);
/* Put a signature over all but the last bytes. */
void test_package_sign_again(uint8_t *file, size_t len, const struct test_key *key);
/* Identity, signature, debug, ABI depends { 5, 3 }, security version. @return length */
size_t test_package_whole(uint8_t *buf, size_t cap, const void *body, size_t len, const uint8_t component[OTA_UID_LEN],
                          uint8_t image, uint32_t security, const struct test_key *key);

#endif
