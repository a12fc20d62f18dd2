/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures by owners of devices, whose keys are files that never enter the publisher's directory. */
#ifndef OTA_REPO_SIGNATURE_H
#define OTA_REPO_SIGNATURE_H

#include <cjson/cJSON.h>

#include "tool.h"

/** Sign the canonical form of doc with the private key in a PEM file, and append the signature. One that has signed is refused. */
int signature_add(struct tool *t, const char *pem, const cJSON *doc, cJSON *signatures);

#endif
