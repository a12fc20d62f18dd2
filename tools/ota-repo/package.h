/* SPDX-License-Identifier: Apache-2.0 */
/** @file Image packages in files: keys that sign them, their words on the command line, and how they are shown. */
#ifndef OTA_REPO_PACKAGE_H
#define OTA_REPO_PACKAGE_H

#include "args.h"
#include "file.h"
#include "ota/image.h"
#include "ota/posix.h"

/** A private key that signs packages. */
struct package_key {
    uint32_t id;   /**< PSA's */
    uint32_t type; /**< OTA_PACKAGE_ECDSA256, OTA_PACKAGE_ECDSA384 */
    uint8_t thumbprint[OTA_PACKAGE_THUMBPRINT_LEN];
};
/** From PEM PKCS#8. certificate: a PEM or DER file whose SHA-1 is the thumbprint; NULL: that of the public key. */
int package_key_load(struct tool *t, const char *path, const char *certificate, struct package_key *out);
/** Sign p[0..len); the signature goes behind them. */
int package_sign(struct tool *t, const struct package_key *key, uint8_t *p, size_t len);
size_t package_signature_len(const struct package_key *key);

/** --depends, --provides: "application=5". @return TOOL_OK, TOOL_USAGE */
int package_abi_option(struct tool *t, const struct args *a, const char *option, struct ota_abi *out, size_t *count);
/** An identifier; *given tells whether the option is there. */
int package_id_option(struct tool *t, const struct args *a, const char *option, uint8_t out[OTA_UID_LEN], bool *given);
/** --type: a word or a number. */
int package_type_option(struct tool *t, const struct args *a, uint16_t *out);

/** The word for an image type, an ABI type or a section; a number in text where there is none. */
const char *package_type_name(struct tool *t, uint16_t type);
const char *package_abi_text(struct tool *t, const struct ota_abi *abi);
const char *package_id_text(struct tool *t, const uint8_t id[OTA_UID_LEN]);

/** What a library's refusal says to a person: "FILE: package.identity: REJECT_LENGTH, ...". @return TOOL_FAILED */
int package_refused(struct tool *t, const char *file, const struct ota_fault *fault);

/** Map a file and read its trailer. Unmap it also after a failure. */
int package_open(struct tool *t, const char *file, struct file_map *m, struct ota_package *out);

#endif
