/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's member "identity". */
#include "config_identity.h"

#include <string.h>

#define PATH_LEN_MAX 4095u
#define TEXT(key, need, m) { key, SCHEMA_TEXT, need, 1, PATH_LEN_MAX, offsetof(struct agent_identity_config, m), 0, 0, NULL }

static const struct schema_field fields[] = {
    TEXT("kind", true, kind_name),
    TEXT("dir", false, dir),
    TEXT("tcti", false, tcti),
    TEXT("owner_auth_file", false, owner_auth_file),
    TEXT("certificate", false, certificate),
    /* PSA_KEY_ID_USER_MIN to _MAX */
    { "key_id", SCHEMA_UINT, false, 1, 0x3fffffff, offsetof(struct agent_identity_config, key_id), sizeof(uint32_t), 0, NULL },
};
const struct schema agent_identity_schema = { fields, sizeof fields / sizeof fields[0] };

static enum agent_identity_kind kind_of(const char *name)
{
    static const char *const names[] = { NULL, "file", "psa", "tpm" };

    for (size_t i = AGENT_IDENTITY_FILE; i <= AGENT_IDENTITY_TPM; i++)
        if (strcmp(names[i], name) == 0)
            return (enum agent_identity_kind)i;
    return AGENT_IDENTITY_NONE;
}

bool agent_identity_read(struct agent_identity_config *c, struct schema_fault *fault)
{
    static const char stray[] = "does not go with this kind";

    if (!c->kind_name)
        return true;
    c->kind = kind_of(c->kind_name);
    if (c->kind == AGENT_IDENTITY_NONE)
        return schema_fail(fault, "identity.kind", "must be \"file\", \"psa\" or \"tpm\"");
    if (c->kind == AGENT_IDENTITY_TPM && !c->tcti)
        return schema_fail(fault, "identity.tcti", "is missing");
    if (c->kind != AGENT_IDENTITY_TPM && !c->dir)
        return schema_fail(fault, "identity.dir", "is missing");
    if (c->kind == AGENT_IDENTITY_TPM && c->dir)
        return schema_fail(fault, "identity.dir", stray);
    if (c->kind != AGENT_IDENTITY_TPM && c->tcti)
        return schema_fail(fault, "identity.tcti", stray);
    if (c->kind != AGENT_IDENTITY_TPM && c->owner_auth_file)
        return schema_fail(fault, "identity.owner_auth_file", stray);
    if (c->kind != AGENT_IDENTITY_PSA && c->key_id)
        return schema_fail(fault, "identity.key_id", stray);
    return true;
}
