/* SPDX-License-Identifier: Apache-2.0 */
#include "signature.h"

#include <string.h>

#include "canon.h"
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
