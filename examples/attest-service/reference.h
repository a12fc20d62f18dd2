/* SPDX-License-Identifier: Apache-2.0 */
/* Reference values of a group, from files such as `ota-repo reference` writes; read anew when one of them has changed. */
#ifndef ATTEST_REFERENCE_H
#define ATTEST_REFERENCE_H

#include <sys/stat.h>

#include "ota/attest.h"

#define REFERENCE_FILES 4u
#define REFERENCE_MAX 256u

struct reference_text {
    char name[OTA_NAME_MAX];
};

struct reference {
    const char *path[REFERENCE_FILES];
    size_t path_count;
    const char *product, *group;   /* what the files must be for, where they say */
    struct stat seen[REFERENCE_FILES];
    size_t count, current_count;
    struct ota_reference value[REFERENCE_MAX];   /* all that the maker knows */
    struct ota_reference current[REFERENCE_MAX]; /* without what is good for updates only */
    struct reference_text text[REFERENCE_MAX];
};

/* Load what has changed since the last time. OTA_OK; DEVICE_STORE: a file cannot be read; REJECT_*: a file is not as it must be.
 * Then there are no values, and *fault names the file's member. */
ota_err reference_refresh(struct reference *r, struct ota_fault *fault);

/* One file's text, added to what there is. */
ota_err reference_read(struct reference *r, const char *text, size_t len, struct ota_fault *fault);

#endif
