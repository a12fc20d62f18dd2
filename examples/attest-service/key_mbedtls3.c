/* SPDX-License-Identifier: Apache-2.0 */
#include "issue.h"

int issue_read_key(mbedtls_pk_context *key, const char *path, struct issue_random *random)
{
    return mbedtls_pk_parse_keyfile(key, path, NULL, mbedtls_ctr_drbg_random, &random->drbg);
}
