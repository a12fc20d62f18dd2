/* SPDX-License-Identifier: Apache-2.0 */
#include "package.h"

#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "keys.h"

#define DER_MAX 4096

struct word {
    const char *name;
    unsigned number;
};

/* Image types of the format; the unused ones have no word. */
static const struct word types[] = {
    { "one-bl", 1 },
    { "pluton-runtime", 2 },
    { "wifi-firmware", 3 },
    { "security-monitor", 4 },
    { "normal-world-loader", 5 },
    { "device-tree", 6 },
    { "kernel", 7 },
    { "root-fs", 8 },
    { "services", 9 },
    { "application", 10 },
    { "firmware-config", 13 },
    { "boot-manifest", 16 },
    { "nwfs", 17 },
    { "trusted-keystore", 19 },
    { "policy", 20 },
    { "board-config", 21 },
    { "update-cert-store", 22 },
    { "base-manifest", 23 },
    { "firmware-manifest", 24 },
    { "customer-manifest", 25 },
    { "recovery-manifest", 26 },
    { "manifest-set", 27 },
    { "other", 28 },
    { NULL, 0 },
};
static const struct word abis[] = { { "secure-world", 1 }, { "os", 2 }, { "application", 3 }, { NULL, 0 } };

static bool word_parse(const struct word *list, const char *text, size_t len, unsigned long max, unsigned *out)
{
    char copy[32];
    unsigned long n;

    for (; list->name != NULL; list++)
        if (strlen(list->name) == len && strncmp(list->name, text, len) == 0) {
            *out = list->number;
            return true;
        }
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (!number_parse(copy, 0, max, &n))
        return false;
    *out = (unsigned)n;
    return true;
}

static const char *word_name(struct tool *t, const struct word *list, unsigned number)
{
    for (; list->name != NULL; list++)
        if (list->number == number)
            return list->name;
    return tool_format(t, "%u", number);
}

const char *package_type_name(struct tool *t, uint16_t type)
{
    return word_name(t, types, type);
}

const char *package_abi_text(struct tool *t, const struct ota_abi *abi)
{
    return tool_format(t, "%s=%u", word_name(t, abis, abi->type), (unsigned)abi->version);
}

const char *package_id_text(struct tool *t, const uint8_t id[OTA_UID_LEN])
{
    char text[OTA_POSIX_PACKAGE_ID_LEN];

    ota_posix_package_id_print(id, text);
    return tool_format(t, "%s", text);
}

int package_type_option(struct tool *t, const struct args *a, uint16_t *out)
{
    const char *text = args_get(a, "type");
    unsigned n;

    if (text == NULL)
        return TOOL_OK;
    if (!word_parse(types, text, strlen(text), UINT16_MAX, &n))
        return tool_usage(t, "--type: \"%s\" is no image type", text);
    *out = (uint16_t)n;
    return TOOL_OK;
}

int package_abi_option(struct tool *t, const struct args *a, const char *option, struct ota_abi *out, size_t *count)
{
    const char *text;

    for (*count = 0; (text = args_nth(a, option, *count)) != NULL; ++*count) {
        const char *sign = strchr(text, '=');
        unsigned type;
        unsigned long version;
        if (*count == OTA_PACKAGE_ABI_MAX)
            return tool_usage(t, "--%s: more than %u", option, OTA_PACKAGE_ABI_MAX);
        if (sign == NULL || !word_parse(abis, text, (size_t)(sign - text), UINT32_MAX, &type) ||
            !number_parse(sign + 1, 0, UINT32_MAX, &version))
            return tool_usage(t, "--%s: \"%s\" is not TYPE=VERSION; types are secure-world, os, application and numbers", option,
                              text);
        out[*count] = (struct ota_abi){ (uint32_t)version, type };
    }
    return TOOL_OK;
}

int package_id_option(struct tool *t, const struct args *a, const char *option, uint8_t out[OTA_UID_LEN], bool *given)
{
    const char *text = args_get(a, option);

    *given = text != NULL;
    if (*given && !ota_posix_package_id_parse(text, out))
        return tool_usage(t, "--%s: \"%s\" is not like 01234567-89ab-cdef-0123-456789abcdef", option, text);
    return TOOL_OK;
}

int package_refused(struct tool *t, const char *file, const struct ota_fault *fault)
{
    return tool_failed(t, "%s: %s: %s: %s", file, fault->where, ota_err_name(fault->err), ota_err_text(fault->err));
}

int package_open(struct tool *t, const char *file, struct file_map *m, struct ota_package *out)
{
    struct ota_fault fault;
    int rc = file_map(t, file, m);

    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
    return ota_package_parse(out, m->len, m->p, m->len, &fault) == OTA_OK ? TOOL_OK : package_refused(t, file, &fault);
}

/* ---- keys ---- */

/* RFC 5958 and RFC 5915 with their public point, as every tool writes them: what stands before the scalar. */
static const uint8_t p256_head[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
                                     0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                     0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const uint8_t p384_head[] = { 0x30, 0x81, 0xb6, 0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                     0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
                                     0x04, 0x81, 0x9e, 0x30, 0x81, 0x9b, 0x02, 0x01, 0x01, 0x04, 0x30 };
static const uint8_t p256_public[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                       0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t p384_public[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                       0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };

static const struct curve {
    const uint8_t *head, *public_head;
    size_t head_len, public_head_len, scalar_len, point_len;
    uint32_t type;
    psa_algorithm_t hash;
} curves[] = {
    { p256_head, p256_public, sizeof p256_head, sizeof p256_public, 32, 65, OTA_PACKAGE_ECDSA256, PSA_ALG_SHA_256 },
    { p384_head, p384_public, sizeof p384_head, sizeof p384_public, 48, 97, OTA_PACKAGE_ECDSA384, PSA_ALG_SHA_384 },
};

static const struct curve *curve_of(uint32_t type)
{
    return &curves[type == OTA_PACKAGE_ECDSA384];
}

static const struct curve *curve_of_der(const uint8_t *der, size_t len)
{
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        const struct curve *c = &curves[i];
        if (len > c->head_len + c->scalar_len && memcmp(der, c->head, c->head_len) == 0)
            return c;
    }
    return NULL;
}

static int import_key(struct tool *t, const char *path, const struct curve *c, const uint8_t *scalar, struct package_key *out)
{
    psa_key_attributes_t a = psa_key_attributes_init();
    psa_key_id_t id;

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(c->hash));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    psa_status_t status = psa_import_key(&a, scalar, c->scalar_len, &id);
    if (status != PSA_SUCCESS)
        return tool_failed(t, "%s: not a private key (PSA status %d)", path, (int)status);
    out->id = id;
    out->type = c->type;
    return TOOL_OK;
}

static int sha1(struct tool *t, const uint8_t *p, size_t len, uint8_t out[OTA_PACKAGE_THUMBPRINT_LEN])
{
    size_t made;
    psa_status_t status = psa_hash_compute(PSA_ALG_SHA_1, p, len, out, OTA_PACKAGE_THUMBPRINT_LEN, &made);

    return status == PSA_SUCCESS ? TOOL_OK : tool_failed(t, "crypto: SHA-1 failed (PSA status %d)", (int)status);
}

static int thumbprint_of_key(struct tool *t, struct package_key *key)
{
    const struct curve *c = curve_of(key->type);
    uint8_t der[128];
    size_t len;

    memcpy(der, c->public_head, c->public_head_len);
    if (psa_export_public_key(key->id, der + c->public_head_len, sizeof der - c->public_head_len, &len) != PSA_SUCCESS)
        return tool_failed(t, "crypto: export of a public key failed");
    return sha1(t, der, c->public_head_len + len, key->thumbprint);
}

/* PEM or DER: the thumbprint is of the DER. */
static int thumbprint_of_certificate(struct tool *t, const char *path, struct package_key *key)
{
    uint8_t der[DER_MAX];
    char *text;
    size_t len;
    int rc = file_read(t, path, &text, &len);

    if (rc != TOOL_OK)
        return TOOL_FAILED;
    if (strncmp(text, "-----", 5) != 0)
        return sha1(t, (const uint8_t *)text, len, key->thumbprint);
    size_t made = pem_decode("CERTIFICATE", text, der, sizeof der);
    return made > 0 ? sha1(t, der, made, key->thumbprint) : tool_failed(t, "%s: not a certificate in PEM or DER", path);
}

int package_key_load(struct tool *t, const char *path, const char *certificate, struct package_key *out)
{
    uint8_t der[256];
    char *pem;
    size_t len;
    int rc = file_read(t, path, &pem, &len);

    if (rc != TOOL_OK)
        return TOOL_FAILED;
    len = strlen(pem) == len ? pem_decode("PRIVATE KEY", pem, der, sizeof der) : 0;
    const struct curve *c = curve_of_der(der, len);
    if (c == NULL)
        return tool_failed(t, "%s: not a P-256 or P-384 private key in PEM PKCS#8", path);
    rc = import_key(t, path, c, der + c->head_len, out);
    if (rc != TOOL_OK)
        return rc;
    return certificate != NULL ? thumbprint_of_certificate(t, certificate, out) : thumbprint_of_key(t, out);
}

size_t package_signature_len(const struct package_key *key)
{
    return 2 * curve_of(key->type)->scalar_len;
}

int package_sign(struct tool *t, const struct package_key *key, uint8_t *p, size_t len)
{
    const struct curve *c = curve_of(key->type);
    uint8_t hash[64];
    size_t hash_len, made;
    psa_status_t status = psa_hash_compute(c->hash, p, len, hash, sizeof hash, &hash_len);

    if (status == PSA_SUCCESS)
        status = psa_sign_hash(key->id, PSA_ALG_ECDSA(c->hash), hash, hash_len, p + len, package_signature_len(key), &made);
    return status == PSA_SUCCESS ? TOOL_OK : tool_failed(t, "crypto: signing failed (PSA status %d)", (int)status);
}
