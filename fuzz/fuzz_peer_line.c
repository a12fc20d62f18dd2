/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that others send over the local socket. */
#include <stdlib.h>
#include <string.h>

#include "ota/posix_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check(const struct ota_posix_member *m)
{
    require(m->name[0] && memchr(m->name, '\0', sizeof m->name) && memchr(m->text, '\0', sizeof m->text));
    for (const char *p = m->text; *p; p++)
        require(*p >= 0x20 && *p <= 0x7e && *p != '"' && *p != '\\');
    require(m->number > -INT64_C(1000000000000000) && m->number < INT64_C(1000000000000000));
    require(m->kind != OTA_POSIX_BOOL || m->number == 0 || m->number == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ota_posix_line l;
    char *copy = malloc(size ? size : 1);   /* its end is known to the sanitizer */

    require(copy);
    memcpy(copy, size ? data : (const uint8_t *)"", size);
    ota_err err = ota_posix_line_parse(&l, copy, size);
    free(copy);
    require(err == OTA_OK ? l.count <= OTA_POSIX_MEMBERS_MAX : ota_err_class(err) == OTA_CLASS_REJECT && l.count == 0);
    for (size_t i = 0; i < l.count; i++) {
        check(&l.member[i]);
        require(ota_posix_line_find(&l, l.member[i].name, l.member[i].kind) == &l.member[i]);
    }
    return 0;
}
