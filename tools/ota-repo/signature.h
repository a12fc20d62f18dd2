/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures by owners of devices, whose keys are files that never enter the publisher's directory. */
#ifndef OTA_REPO_SIGNATURE_H
#define OTA_REPO_SIGNATURE_H

#include <cjson/cJSON.h>

#include "args.h"
#include "tool.h"

/** Sign the canonical form of doc with the private key in a PEM file, and append the signature. One that has signed is refused. */
int signature_add(struct tool *t, const char *pem, const cJSON *doc, cJSON *signatures);

/** A file that owners sign, {"signatures":[...],"signed":{...}}: reads it as a device does, into *out. TOOL_OK, or a refusal that is said. */
typedef int signed_reader(struct tool *t, const char *file, const char *text, size_t len, void *out);

/** Read one; a file that is not there is refused. *text is the tool's. */
int signed_read(struct tool *t, const char *file, signed_reader *reader, void *out, char **text, size_t *len);

/** Sign doc with each --key and write it to --out, or nothing that its reader refuses. Takes doc. *count: its signatures. */
int signed_make(struct tool *t, const struct args *a, cJSON *doc, signed_reader *reader, void *out, int *count);

/** Add the signature of --key to the operand, and write it to --out. *count: its signatures. */
int signed_add(struct tool *t, const struct args *a, signed_reader *reader, void *out, int *count);

#endif
