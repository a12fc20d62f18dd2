/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <stdio.h>
#include <string.h>

#include "canon.h"
#include "file.h"

#define PKCS8_HEAD 36
#define PKCS8_MID 6
#define PKCS8_LEN (PKCS8_HEAD + SCALAR_LEN + PKCS8_MID + POINT_LEN - 1)
#define SPKI_HEAD 26
#define SPKI_LEN (SPKI_HEAD + POINT_LEN)
#define PEM_MAX 4096

/* RFC 5958 and RFC 5915 for P-256 leave no choice: every byte but the numbers is fixed. The middle ends with the
 * point's first byte, which says that it is uncompressed. */
static const uint8_t pkcs8_head[PKCS8_HEAD] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
                                                0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                                0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const uint8_t pkcs8_mid[PKCS8_MID] = { 0xa1, 0x44, 0x03, 0x42, 0x00, 0x04 };
/* RFC 5480 SubjectPublicKeyInfo of P-256. */
static const uint8_t spki_head[SPKI_HEAD] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                              0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

/* RFC 7468: lines of 64 characters. */
static void pem_encode(const char *label, const uint8_t *der, size_t len, char out[PEM_MAX])
{
    char body[PEM_MAX];
    size_t at;

    base64_encode(der, len, body);
    at = (size_t)snprintf(out, PEM_MAX, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < strlen(body); i += 64)
        at += (size_t)snprintf(out + at, PEM_MAX - at, "%.64s\n", body + i);
    (void)snprintf(out + at, PEM_MAX - at, "-----END %s-----\n", label);
}

/* Only what pem_encode writes; a last line without its end is accepted. @return bytes, 0 if it is another text */
size_t pem_decode(const char *label, const char *text, uint8_t *out, size_t cap)
{
    char again[PEM_MAX], body[PEM_MAX], begin[64];
    size_t len = 0;
    int head = snprintf(begin, sizeof begin, "-----BEGIN %s-----\n", label);

    if (strncmp(text, begin, (size_t)head) != 0 || strlen(text) >= PEM_MAX)
        return 0;
    for (const char *p = text + head; *p != '-' && *p != '\0'; p++)
        if (*p != '\n')
            body[len++] = *p;
    size_t made = base64_decode(body, len, out, cap);
    if (made == 0)
        return 0;
    pem_encode(label, out, made, again);
    size_t whole = strlen(again);
    bool same = strcmp(text, again) == 0 || (strlen(text) == whole - 1 && strncmp(text, again, whole - 1) == 0);
    return same ? made : 0;
}

static void private_pem(const struct key *key, char pem[PEM_MAX])
{
    uint8_t der[PKCS8_LEN];

    memcpy(der, pkcs8_head, PKCS8_HEAD);
    memcpy(der + PKCS8_HEAD, key->scalar, SCALAR_LEN);
    memcpy(der + PKCS8_HEAD + SCALAR_LEN, pkcs8_mid, PKCS8_MID);
    memcpy(der + PKCS8_HEAD + SCALAR_LEN + PKCS8_MID, key->point + 1, POINT_LEN - 1);
    pem_encode("PRIVATE KEY", der, sizeof der, pem);
}

static bool private_from_pem(const char *pem, struct key *key)
{
    uint8_t der[PKCS8_LEN];
    const uint8_t *mid = der + PKCS8_HEAD + SCALAR_LEN;

    if (pem_decode("PRIVATE KEY", pem, der, sizeof der) != PKCS8_LEN)
        return false;
    if (memcmp(der, pkcs8_head, PKCS8_HEAD) != 0 || memcmp(mid, pkcs8_mid, PKCS8_MID) != 0)
        return false;
    memcpy(key->scalar, der + PKCS8_HEAD, SCALAR_LEN);
    memcpy(key->point, mid + PKCS8_MID - 1, POINT_LEN);
    return true;
}

char *keys_dir(struct tool *t)
{
    return tool_format(t, "%s/keys", t->dir);
}

static char *key_path(struct tool *t, const char *scope, const char *role, const char *keyid)
{
    return tool_format(t, "%s/keys/%s.%s.%.16s.pem", t->dir, scope, role, keyid);
}

void key_forget(struct key *key)
{
    volatile uint8_t *p = key->scalar;

    for (size_t i = 0; i < SCALAR_LEN; i++)
        p[i] = 0;
}

static int set_keyid(struct tool *t, struct key *key)
{
    return key_id(t, tool_keep(t, key_object(key->point)), key->keyid);
}

static int key_store(struct tool *t, const char *scope, const char *role, struct key *key)
{
    char pem[PEM_MAX];
    int rc = set_keyid(t, key);

    if (rc != TOOL_OK)
        return rc;
    private_pem(key, pem);
    return file_replace(t, key_path(t, scope, role, key->keyid), pem, strlen(pem), 0600);
}

int key_create(struct tool *t, const char *scope, const char *role, struct key *out)
{
    int rc = ecdsa_generate(t, out->scalar, out->point);

    return rc != TOOL_OK ? rc : key_store(t, scope, role, out);
}

/* A private key file, with the public point in it checked against the private number. */
int key_read(struct tool *t, const char *path, struct key *out)
{
    uint8_t point[POINT_LEN];
    char *pem;
    size_t len;
    int rc = file_read(t, path, &pem, &len);

    if (rc != TOOL_OK)
        return rc;
    if (strlen(pem) != len || !private_from_pem(pem, out))
        return tool_failed(t, "%s: not a P-256 private key in PEM PKCS#8", path);
    rc = ecdsa_public(t, out->scalar, point);
    if (rc != TOOL_OK)
        return rc;
    if (memcmp(point, out->point, POINT_LEN) != 0)
        return tool_failed(t, "%s: public and private key do not belong together", path);
    return set_keyid(t, out);
}

int key_read_public(struct tool *t, const char *path, cJSON **object, char keyid[DIGEST_HEX])
{
    uint8_t point[POINT_LEN];
    char *pem;
    size_t len;
    int rc = file_read(t, path, &pem, &len);

    if (rc != TOOL_OK)
        return TOOL_FAILED;
    cJSON *given = tool_keep(t, cJSON_CreateObject());
    cJSON_AddStringToObject(given, "keytype", "ecdsa");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(given, "keyval"), "public", pem);
    cJSON_AddStringToObject(given, "scheme", "ecdsa-sha2-nistp256");
    if (strlen(pem) != len || !key_point(given, point))
        return tool_failed(t, "%s: not a P-256 public key in PEM SubjectPublicKeyInfo", path);
    *object = tool_keep(t, key_object(point));
    return key_id(t, *object, keyid);
}

int key_import(struct tool *t, const char *scope, const char *role, const char *pem_path, struct key *out)
{
    int rc = key_read(t, pem_path, out);

    if (rc == TOOL_ABSENT)
        return TOOL_FAILED;
    return rc != TOOL_OK ? rc : key_store(t, scope, role, out);
}

int key_find(struct tool *t, const char *scope, const char *role, const char *keyid, struct key *out)
{
    const char *path = key_path(t, scope, role, keyid);
    int rc = key_read(t, path, out);

    if (rc != TOOL_OK)
        return rc;
    if (strcmp(out->keyid, keyid) != 0)
        return tool_failed(t, "%s: key id is %s, its file name says otherwise", path, out->keyid);
    return TOOL_OK;
}

cJSON *key_object(const uint8_t point[POINT_LEN])
{
    uint8_t der[SPKI_LEN];
    char pem[PEM_MAX];
    cJSON *object = cJSON_CreateObject();

    memcpy(der, spki_head, SPKI_HEAD);
    memcpy(der + SPKI_HEAD, point, POINT_LEN);
    pem_encode("PUBLIC KEY", der, sizeof der, pem);
    cJSON_AddStringToObject(object, "keytype", "ecdsa");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "keyval"), "public", pem);
    cJSON_AddStringToObject(object, "scheme", "ecdsa-sha2-nistp256");
    return object;
}

int key_id(struct tool *t, const cJSON *object, char keyid[DIGEST_HEX])
{
    size_t len;
    const char *text = json_print(t, object, JSON_CANONICAL, &len);

    return digest_hex(t, text, len, keyid);
}

bool key_point(const cJSON *object, uint8_t point[POINT_LEN])
{
    uint8_t der[SPKI_LEN];
    const char *pem = member_text(member(object, "keyval"), "public");

    if (strcmp(member_text(object, "keytype"), "ecdsa") != 0 ||
        strcmp(member_text(object, "scheme"), "ecdsa-sha2-nistp256") != 0)
        return false;
    if (pem_decode("PUBLIC KEY", pem, der, sizeof der) != SPKI_LEN || memcmp(der, spki_head, SPKI_HEAD) != 0)
        return false;
    memcpy(point, der + SPKI_HEAD, POINT_LEN);
    return true;
}
