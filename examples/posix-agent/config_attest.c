/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's member "attest". */
#include "config_attest.h"

#include <string.h>

#define PATH_LEN_MAX 4095u
#define URL_LEN_MAX 495u

#define TEXT(key, need, lo, hi) { #key, SCHEMA_TEXT, need, lo, hi, offsetof(struct agent_attest, key), 0, 0, NULL }
static const struct schema_field fields[] = {
    TEXT(url, true, 9, URL_LEN_MAX),
    TEXT(ca_file, false, 1, PATH_LEN_MAX),
    TEXT(token_file, false, 1, PATH_LEN_MAX),
    TEXT(log, true, 1, PATH_LEN_MAX),
    TEXT(form, false, 1, 7),
    TEXT(implementation, false, 64, 64),
    TEXT(application_file, false, 2, PATH_LEN_MAX - 8),
    { "retry_cap_s", SCHEMA_UINT, false, 1, 604800, offsetof(struct agent_attest, retry_cap_s),
      sizeof((struct agent_attest *)0)->retry_cap_s, 0, NULL },
};
const struct schema agent_attest_schema = { fields, sizeof fields / sizeof fields[0] };

bool agent_attest_check(const struct agent_attest *a, struct schema_fault *fault)
{
    if (!a->url)
        return true;
    if (strncmp(a->url, "https://", 8) != 0 || a->url[strlen(a->url) - 1] == '/')
        return schema_fail(fault, "attest.url", "must begin with https:// and not end in /");
    if (a->form && strcmp(a->form, "cose") != 0 && strcmp(a->form, "jwt") != 0)
        return schema_fail(fault, "attest.form", "must be \"cose\" or \"jwt\"");
    if (a->implementation && strspn(a->implementation, "0123456789abcdef") != 64)
        return schema_fail(fault, "attest.implementation", "must be 64 hexadecimal digits, lower case");
    if (a->application_file && a->application_file[0] != '/')
        return schema_fail(fault, "attest.application_file", "must be a whole path: it begins with /");
    return true;
}
