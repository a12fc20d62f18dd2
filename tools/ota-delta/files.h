/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the tool: read through a mapping, written whole or not at all. Complaints name the file and the reason. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct mapped {
    const uint8_t *p;
    size_t len;
};

bool files_map(struct mapped *m, const char *path);
void files_unmap(struct mapped *m);

/* A file under construction beside its name. */
struct draft {
    char *temp;
    const char *path;
    FILE *f;
};

bool files_begin(struct draft *d, const char *path);
bool files_add(struct draft *d, const void *p, size_t len);
/* Synced and renamed. A draft that failed, or is dropped, leaves nothing. */
bool files_keep(struct draft *d);
void files_drop(struct draft *d);

#endif
