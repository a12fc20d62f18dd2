/* SPDX-License-Identifier: Apache-2.0 */
/* A strict, table-driven reader of JSON objects: unknown, repeated, missing, wrong-type and out-of-range members are
 * refused with the member's own path, such as "components[0].slots[1].file". */
#ifndef AGENT_SCHEMA_H
#define AGENT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

enum schema_kind {
    SCHEMA_TEXT,      /* -> const char *; min..max bytes */
    SCHEMA_UINT,      /* -> unsigned integer of `size` bytes; min..max */
    SCHEMA_BOOL,      /* -> bool */
    SCHEMA_TEXTS,     /* -> const char *[max + 1], NULL-terminated; min..max elements, none of them empty */
    SCHEMA_OBJECT,    /* -> struct described by `of` */
    SCHEMA_OBJECTS    /* -> array of such structs, `size` bytes each, and a size_t at `count_at`; min..max elements */
};

struct schema;

struct schema_field {
    const char *key;
    enum schema_kind kind;
    bool required;
    uint64_t min, max;
    size_t at, size, count_at;   /* offsets in, and size of, what the object is read into */
    const struct schema *of;
};

struct schema {
    const struct schema_field *field;
    size_t count;                /* at most 32 */
};

struct schema_fault {
    char where[128];             /* path of the member; "" = the document as a whole */
    char what[160];
};

/**
 * Read one JSON object. Texts are not copied: they live as long as `object`. Absent optional members leave *out as it is.
 * @return false: *fault says which member and why
 */
bool schema_read(const struct schema *s, const struct cJSON *object, void *out, struct schema_fault *fault);

/** Note a failure found after reading. where and what are cut to fit. @return false */
bool schema_fail(struct schema_fault *fault, const char *where, const char *what);

#endif
