/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence for other people's programs: "write DIR" makes a key and a token of each form, "read DIR cose|jwt" checks one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#include "ota/attest.h"
#include "ota/posix.h"

static psa_key_id_t key;
static const char *dir;
static uint8_t public[65], nonce[32], token[16384], work[16384];

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "evidence_tool: %s\n", what);
    exit(2);
}

static FILE *open_file(const char *name, const char *mode)
{
    char path[512];

    need(snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path, "path");
    FILE *f = fopen(path, mode);
    need(f != NULL, path);
    return f;
}

static void save(const char *name, const void *p, size_t len)
{
    FILE *f = open_file(name, "wb");

    need(fwrite(p, 1, len, f) == len && fclose(f) == 0, name);
}

static size_t load(const char *name, void *p, size_t cap)
{
    FILE *f = open_file(name, "rb");
    size_t len = fread(p, 1, cap, f);

    need(!ferror(f) && fclose(f) == 0, name);
    return len;
}

static ota_err sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    size_t len;

    (void)s;
    return psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len) ==
                   PSA_SUCCESS
               ? OTA_OK
               : OTA_DEVICE_CRYPTO;
}

static void make_key(void)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    size_t len;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    need(psa_generate_key(&attr, &key) == PSA_SUCCESS, "key");
    need(psa_export_public_key(key, public, sizeof public, &len) == PSA_SUCCESS, "public key");
    need(psa_generate_random(nonce, sizeof nonce) == PSA_SUCCESS, "nonce");
    save("public.bin", public, sizeof public);
    save("nonce.bin", nonce, sizeof nonce);
}

static int write_tokens(struct ota_crypto *c)
{
    static const struct ota_signer_ops ops = { sign };
    struct ota_signer signer = { &ops };
    struct ota_claims claims = {
        .nonce_len = sizeof nonce, .client_id = -1, .lifecycle = 0x3000, .boot_seed_len = 8, .strength = OTA_STRENGTH_HW
    };
    struct ota_measurement boot = {
        .kind = OTA_MEASURED_BOOT, .name = "supervisor", .version = "1.0.0", .digest = { 1 }, .signer = { 2 }
    };
    struct ota_measurement os = { .kind = OTA_MEASURED_IMAGE, .name = "os", .digest = { 3 } };
    struct ota_attest_log log = { 0 };
    size_t len;

    make_key();
    memcpy(claims.nonce, nonce, sizeof nonce);
    need(ota_attest_instance(c, public, claims.instance) == OTA_OK, "instance");
    need(ota_attest_extend(&log, c, &boot) == OTA_OK && ota_attest_extend(&log, c, &os) == OTA_OK, "measure");
    need(ota_attest_cose(&claims, &log, &signer, c, token, sizeof token, &len, NULL) == OTA_OK, "COSE");
    save("token.cose", token, len);
    need(ota_attest_jwt(&claims, &log, &signer, c, token, sizeof token, &len, NULL) == OTA_OK, "JWT");
    save("token.jwt", token, len);
    return 0;
}

static int read_token(struct ota_crypto *c, const char *form)
{
    bool jwt = strcmp(form, "jwt") == 0;
    struct ota_attest_check k = { .form = jwt ? OTA_TOKEN_JWT : OTA_TOKEN_COSE,
                                  .token = token,
                                  .key = public,
                                  .nonce = nonce,
                                  .work = work,
                                  .work_len = sizeof work };
    static struct ota_claims claims;
    static struct ota_attest_log log;
    struct ota_fault fault = { 0 };

    need(load("public.bin", public, sizeof public) == sizeof public, "public.bin");
    k.nonce_len = load("nonce.bin", nonce, sizeof nonce);
    k.len = load(jwt ? "token.jwt" : "token.cose", token, sizeof token);
    ota_err err = ota_attest_verify(&k, c, &claims, &log, &fault);
    printf("%s %s %zu %s\n", ota_err_name(err), ota_strength_name(claims.strength), log.count, fault.where);
    return err != OTA_OK;
}

int main(int argc, char **argv)
{
    const struct ota_posix_crypto_config cfg = { 0 };
    struct ota_posix_crypto posix;

    need(argc >= 3, "usage: evidence_tool write DIR | read DIR cose|jwt");
    dir = argv[2];
    need(ota_posix_crypto_open(&posix, &cfg, NULL) == OTA_OK, "crypto");
    int status = strcmp(argv[1], "write") == 0 ? write_tokens(&posix.port) : read_token(&posix.port, argc > 3 ? argv[3] : "");
    ota_posix_crypto_close(&posix);
    return status;
}
