/* SPDX-License-Identifier: Apache-2.0 */
#include "issue.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/bignum.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>

/* 2.25.<UUID>: anybody's arc without a registry (ITU-T X.667). Ours is UUID 6f1c5a0e-3b7d-4c52-9a86-2d4be1f07c93; .1 is the
 * extension (SPEC.md, "Attestation service"). */
static const char measurements_oid[] = { 0x69, (char)0x81, (char)0xde, (char)0x9c, (char)0xad, (char)0x83, (char)0xc7,
                                         (char)0xb7, (char)0xea, (char)0xb1, (char)0xa5, (char)0x9a, (char)0xc3, (char)0x8b,
                                         (char)0xa9, (char)0xbe, (char)0x8f, (char)0xc1, (char)0xf9, 0x13, 0x01 };
/* SEQUENCE { OID 1.3.6.1.5.5.7.3.2 }: TLS clients, and nothing else. */
static const uint8_t client_usage[] = { 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02 };
/* RFC 5480: a P-256 key is this and its point. */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
#define SERIAL_LEN 16u
#define DER_MAX 2048u

bool issue_random_open(struct issue_random *r)
{
    static const char name[] = "ota-attest-service";

    mbedtls_entropy_init(&r->entropy);
    mbedtls_ctr_drbg_init(&r->drbg);
    return mbedtls_ctr_drbg_seed(&r->drbg, mbedtls_entropy_func, &r->entropy, (const unsigned char *)name, sizeof name - 1) == 0;
}

void issue_random_close(struct issue_random *r)
{
    mbedtls_ctr_drbg_free(&r->drbg);
    mbedtls_entropy_free(&r->entropy);
}

/* ---- one certificate ---- */

static bool time_text(int64_t s, char out[16])
{
    time_t t = (time_t)s;
    struct tm tm;

    return gmtime_r(&t, &tm) && strftime(out, 16, "%Y%m%d%H%M%S", &tm) == 14;
}

static int set_times(mbedtls_x509write_cert *w, const struct issue_request *r)
{
    char from[16], to[16];

    return time_text(r->not_before_s, from) && time_text(r->not_after_s, to) ? mbedtls_x509write_crt_set_validity(w, from, to) : -1;
}

static int set_names(mbedtls_x509write_cert *w, const struct issuer *i, const struct issue_request *r)
{
    char subject[256];
    int n = snprintf(subject, sizeof subject, "CN=%s,OU=%s/%s,O=%s", r->device_id, r->product, r->group, r->use);
    int rc = n > 0 && n < (int)sizeof subject ? mbedtls_x509write_crt_set_subject_name(w, subject) : -1;

    return rc ? rc : mbedtls_x509write_crt_set_issuer_name(w, i->name);
}

/* Random, positive and never zero (RFC 5280 section 4.1.2.2). */
static int set_serial(mbedtls_x509write_cert *w, struct issue_random *random)
{
    unsigned char bytes[SERIAL_LEN];
    mbedtls_mpi serial;
    int rc = mbedtls_ctr_drbg_random(&random->drbg, bytes, sizeof bytes);

    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
    mbedtls_mpi_init(&serial);
    if (rc == 0)
        rc = mbedtls_mpi_read_binary(&serial, bytes, sizeof bytes);
    if (rc == 0)
        rc = mbedtls_x509write_crt_set_serial(w, &serial);
    mbedtls_mpi_free(&serial);
    return rc;
}

/* AcceptedMeasurements ::= SEQUENCE { version INTEGER (1), digest OCTET STRING (SIZE (32)), strength INTEGER } */
static int set_measurements(mbedtls_x509write_cert *w, const struct issue_request *r)
{
    uint8_t der[2 + 3 + 2 + OTA_SHA256_LEN + 3] = { 0x30, sizeof der - 2, 0x02, 0x01, 0x01, 0x04, OTA_SHA256_LEN };
    uint8_t *strength = der + 7 + OTA_SHA256_LEN;

    memcpy(der + 7, r->measurements, OTA_SHA256_LEN);
    strength[0] = 0x02;
    strength[1] = 0x01;
    strength[2] = (uint8_t)r->strength;
    return mbedtls_x509write_crt_set_extension(w, measurements_oid, sizeof measurements_oid, 0, der, sizeof der);
}

static int set_extensions(mbedtls_x509write_cert *w, const struct issue_request *r)
{
    int rc = mbedtls_x509write_crt_set_basic_constraints(w, 0, -1);

    if (rc == 0)
        rc = mbedtls_x509write_crt_set_key_usage(w, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    if (rc == 0)
        rc = mbedtls_x509write_crt_set_extension(w, MBEDTLS_OID_EXTENDED_KEY_USAGE, MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 1,
                                                 client_usage, sizeof client_usage);
    if (rc == 0)
        rc = mbedtls_x509write_crt_set_subject_key_identifier(w);
    if (rc == 0)
        rc = mbedtls_x509write_crt_set_authority_key_identifier(w);
    return rc ? rc : set_measurements(w, r);
}

static int read_point(mbedtls_pk_context *pk, const uint8_t key[OTA_ATTEST_KEY_LEN])
{
    uint8_t der[sizeof p256_head + OTA_ATTEST_KEY_LEN];

    memcpy(der, p256_head, sizeof p256_head);
    memcpy(der + sizeof p256_head, key, OTA_ATTEST_KEY_LEN);
    return mbedtls_pk_parse_public_key(pk, der, sizeof der);
}

static int write_certificate(struct issuer *i, const struct issue_request *r, char *pem, size_t cap)
{
    mbedtls_x509write_cert w;
    mbedtls_pk_context subject;
    int rc;

    mbedtls_x509write_crt_init(&w);
    mbedtls_pk_init(&subject);
    mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&w, &subject);
    mbedtls_x509write_crt_set_issuer_key(&w, &i->key);
    rc = read_point(&subject, r->key);
    if (rc == 0)
        rc = set_names(&w, i, r);
    if (rc == 0)
        rc = set_serial(&w, i->random);
    if (rc == 0)
        rc = set_times(&w, r);
    if (rc == 0)
        rc = set_extensions(&w, r);
    if (rc == 0)
        rc = mbedtls_x509write_crt_pem(&w, (unsigned char *)pem, cap, mbedtls_ctr_drbg_random, &i->random->drbg);
    mbedtls_x509write_crt_free(&w);
    mbedtls_pk_free(&subject);
    return rc;
}

/* ---- what stands above it ---- */

static bool is_root(const mbedtls_x509_crt *c)
{
    return c->subject_raw.len == c->issuer_raw.len && memcmp(c->subject_raw.p, c->issuer_raw.p, c->subject_raw.len) == 0;
}

static int add_chain(const struct issuer *i, char *pem, size_t cap)
{
    size_t len = strlen(pem), more = 0;
    int rc = 0;

    for (const mbedtls_x509_crt *c = &i->cert; c && rc == 0 && !is_root(c); c = c->next) {
        rc = mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", c->raw.p, c->raw.len,
                                      (unsigned char *)pem + len, cap - len, &more);
        len += rc == 0 ? more - 1 : 0; /* counts its NUL */
    }
    return rc;
}

ota_err issue(struct issuer *i, const struct issue_request *r, char pem[ISSUE_PEM_MAX])
{
    int rc = write_certificate(i, r, pem, ISSUE_PEM_MAX);

    return rc == 0 && add_chain(i, pem, ISSUE_PEM_MAX) == 0 ? OTA_OK : OTA_DEVICE_CRYPTO;
}

/* ---- the authority ---- */

/* The generator of P-256: a key that nobody can use, good to try an authority with. */
static const uint8_t try_key[OTA_ATTEST_KEY_LEN] = {
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d,
    0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
    0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

/* Is a certificate of it believed by whoever trusts the authority? Not so when key and certificate are of two authorities, when
 * it may not sign certificates, is out of date, or has a name that does not survive being written again. */
static bool is_believed(struct issuer *i)
{
    static const uint8_t measurements[OTA_SHA256_LEN];
    char pem[ISSUE_PEM_MAX];
    const time_t now = time(NULL);
    const struct issue_request r = { .key = try_key, .device_id = "self-test", .product = "p", .group = "g", .use = "update",
        .measurements = measurements, .strength = OTA_STRENGTH_SOFT, .not_before_s = now, .not_after_s = now + 60 };
    mbedtls_x509_crt leaf;
    uint32_t flags = 0;
    bool ok;

    mbedtls_x509_crt_init(&leaf);
    ok = write_certificate(i, &r, pem, sizeof pem) == 0 &&
         mbedtls_x509_crt_parse(&leaf, (const unsigned char *)pem, strlen(pem) + 1) == 0 &&
         mbedtls_x509_crt_verify(&leaf, &i->cert, NULL, NULL, &flags, NULL, NULL) == 0;
    mbedtls_x509_crt_free(&leaf);
    return ok;
}

bool issuer_open(struct issuer *i, const char *cert_file, const char *key_file, struct issue_random *random, const char **why)
{
    mbedtls_x509_crt_init(&i->cert);
    mbedtls_pk_init(&i->key);
    i->random = random;
    *why = "ca_cert: is no certificate in PEM that can be read";
    if (mbedtls_x509_crt_parse_file(&i->cert, cert_file) != 0 ||
        mbedtls_x509_dn_gets(i->name, sizeof i->name, &i->cert.subject) <= 0)
        return false;
    *why = "ca_key: is no private key in PEM that can be read";
    if (issue_read_key(&i->key, key_file, random) != 0)
        return false;
    *why = "ca_cert: does not vouch for what ca_key signs: another's key, no authority, out of date, or a name with special characters";
    return is_believed(i);
}

void issuer_close(struct issuer *i)
{
    mbedtls_x509_crt_free(&i->cert);
    mbedtls_pk_free(&i->key);
}
