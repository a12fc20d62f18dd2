/* SPDX-License-Identifier: Apache-2.0 */
#include "signature.h"

#include <string.h>

#include "canon.h"
#include "file.h"
#include "keys.h"

int signature_add(struct tool *t, const char *pem, const cJSON *doc, cJSON *signatures)
{
    uint8_t digest[DIGEST_LEN], der[SIG_DER_MAX];
    char id[DIGEST_HEX], hex[2 * SIG_DER_MAX + 1];
    struct key key;
    size_t len = 0, der_len = 0;
    const char *text = json_print(t, doc, JSON_CANONICAL, &len);
    const cJSON *s;
    int rc = key_read(t, pem, &key);

    if (rc == TOOL_ABSENT)
        return tool_failed(t, "--key: %s: there is no such file", pem);
    if (rc == TOOL_OK)
        rc = digest_hex(t, key.point, sizeof key.point, id);
    cJSON_ArrayForEach(s, signatures)
        if (rc == TOOL_OK && strcmp(member_text(s, "keyid"), id) == 0)
            rc = tool_failed(t, "--key: %s: has signed already", pem);
    if (rc == TOOL_OK)
        rc = digest_of(t, text, len, digest);
    if (rc == TOOL_OK)
        rc = ecdsa_sign(t, key.scalar, digest, der, &der_len);
    key_forget(&key);
    if (rc != TOOL_OK)
        return rc;
    hex_encode(der, der_len, hex);
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "keyid", id);
    cJSON_AddStringToObject(one, "sig", hex);
    cJSON_AddItemToArray(signatures, one);
    return TOOL_OK;
}

int signed_read(struct tool *t, const char *file, signed_reader *reader, void *out, char **text, size_t *len)
{
    int rc = file_read(t, file, text, len);

    if (rc == TOOL_ABSENT)
        return tool_failed(t, "%s: there is no such file", file);
    return rc == TOOL_OK ? reader(t, file, *text, *len, out) : rc;
}

/* Takes doc and signatures. */
static int write_signed(struct tool *t, cJSON *doc, cJSON *signatures, const char *file, signed_reader *reader, void *out)
{
    cJSON *tree = tool_keep(t, cJSON_CreateObject());
    size_t len = 0;

    cJSON_AddItemToObject(tree, "signatures", signatures);
    cJSON_AddItemToObject(tree, "signed", doc);
    const char *text = json_print(t, tree, JSON_FILE, &len);
    int rc = reader(t, file, text, len, out);
    return rc == TOOL_OK ? file_replace(t, file, text, len, 0644) : rc;
}

/* Takes doc and signatures. */
static int sign_all(struct tool *t, const struct args *a, cJSON *doc, cJSON *signatures, signed_reader *reader, void *out, int *count)
{
    const char *pem;
    int rc = TOOL_OK;

    for (size_t i = 0; rc == TOOL_OK && (pem = args_nth(a, "key", i)) != NULL; i++)
        rc = signature_add(t, pem, doc, signatures);
    *count = cJSON_GetArraySize(signatures);
    if (rc == TOOL_OK)
        return write_signed(t, doc, signatures, args_get(a, "out"), reader, out);
    cJSON_Delete(doc);
    cJSON_Delete(signatures);
    return rc;
}

int signed_make(struct tool *t, const struct args *a, cJSON *doc, signed_reader *reader, void *out, int *count)
{
    return sign_all(t, a, doc, cJSON_CreateArray(), reader, out, count);
}

int signed_add(struct tool *t, const struct args *a, signed_reader *reader, void *out, int *count)
{
    cJSON *tree = NULL;
    char *text = NULL;
    size_t len = 0;
    int rc = signed_read(t, a->operand, reader, out, &text, &len);

    if (rc == TOOL_OK)
        rc = json_parse(t, a->operand, text, len, &tree);
    if (rc != TOOL_OK)
        return rc;
    return sign_all(t, a, cJSON_Duplicate(member(tree, "signed"), true), cJSON_Duplicate(member(tree, "signatures"), true), reader, out,
                    count);
}
