/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an identity in a folder: who may read them, whether they are whole. Each function returns 0 or an errno; EPERM: the
 * file is another user's; EACCES: others may read or change it; EBADMSG: damaged. */
#ifndef OTAP_IDENTITY_STATE_H
#define OTAP_IDENTITY_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "ota/port_identity.h"

/* May an identity lie in it? */
int otap_identity_dir_ok(int dir_fd);

/* All of a file of exactly len bytes. */
int otap_identity_read(int dir_fd, const char *name, void *buf, size_t len);
/* Replace it, durably. */
int otap_identity_write(int dir_fd, const char *name, const void *buf, size_t len);

/* For as long as the returned descriptor is open nobody else changes anything; < 0: minus errno. */
int otap_identity_lock(int dir_fd);

struct otap_counters {
    uint64_t value[OTA_IDENTITY_COUNTERS];
};
/* owner: SHA-256 of the public key; counters of another key are damaged ones. NULL: whose they are does not matter. */
int otap_counters_read(int dir_fd, const uint8_t owner[OTA_SHA256_LEN], struct otap_counters *c);
int otap_counters_write(int dir_fd, const uint8_t owner[OTA_SHA256_LEN], const struct otap_counters *c);

struct otap_registers {
    uint8_t value[OTA_IDENTITY_REGISTERS][OTA_SHA256_LEN];
};
/* What was extended since the kernel started; zero if nothing was. */
int otap_registers_read(int dir_fd, struct otap_registers *r);
int otap_registers_write(int dir_fd, const struct otap_registers *r);

int otap_sha256(const void *p, size_t len, uint8_t out[OTA_SHA256_LEN]);

#endif
