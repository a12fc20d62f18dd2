/* SPDX-License-Identifier: Apache-2.0 */
/** @file Keys: PEM files below D/keys and key objects of TUF metadata. A key file is "<scope>.<role>.<16 hex of its id>.pem". */
#ifndef OTA_REPO_KEYS_H
#define OTA_REPO_KEYS_H

#include "crypto.h"

/** A private key in memory. */
struct key {
    uint8_t scalar[SCALAR_LEN];
    uint8_t point[POINT_LEN];
    char keyid[DIGEST_HEX];
};

/** The DER in a PEM text with this label, as key files have it. @return bytes, 0 if it is another text */
size_t pem_decode(const char *label, const char *text, uint8_t *out, size_t cap);

char *keys_dir(struct tool *t);
/** Generate a key and store it (mode 0600). Its name only helps people: it is found by its id. */
int key_create(struct tool *t, const char *scope, const char *role, struct key *out);
/** Take over a private key that another program made: PEM PKCS#8 P-256. */
int key_import(struct tool *t, const char *scope, const char *role, const char *pem_path, struct key *out);
/** Read a private key file. @return TOOL_OK, TOOL_ABSENT, TOOL_FAILED */
int key_read(struct tool *t, const char *path, struct key *out);
/** Read a public key, PEM SubjectPublicKeyInfo of P-256: its object, which lives until tool_end, and its id. */
int key_read_public(struct tool *t, const char *path, cJSON **object, char keyid[DIGEST_HEX]);
/** Find the private key with this id. @return TOOL_OK, TOOL_ABSENT (kept elsewhere), TOOL_FAILED (file damaged) */
int key_find(struct tool *t, const char *scope, const char *role, const char *keyid, struct key *out);
/** Wipe it. */
void key_forget(struct key *key);

/** The key object for metadata: {"keytype":"ecdsa","keyval":{"public":PEM},"scheme":"ecdsa-sha2-nistp256"}. */
cJSON *key_object(const uint8_t point[POINT_LEN]);
/** Key id: digest of the object's canonical form. */
int key_id(struct tool *t, const cJSON *object, char keyid[DIGEST_HEX]);
/** Point of a key object of exactly that form. @return false if it is another */
bool key_point(const cJSON *object, uint8_t point[POINT_LEN]);

#endif
