/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the simulated publishers: P-256, made from a name, so that every run of a test sees the same bytes. */
#ifndef SIM_KEY_H
#define SIM_KEY_H

#include <stddef.h>
#include <stdint.h>

#define SIM_SIG_HEX_MAX 160   /* a DER ECDSA signature in hex, with NUL */

struct sim_key {
    uint8_t secret[32], point[65];
    char keyid[65];
    char json[400];      /* the canonical key object; its PEM has real newlines */
};

/* Keys live as long as the program. */
void sim_key_make(struct sim_key *k, const char *name);
void sim_key_sign(const struct sim_key *k, const void *msg, size_t len, char hex[SIM_SIG_HEX_MAX]);
void sim_sha256(const void *data, size_t len, uint8_t out[32]);
void sim_hex(const uint8_t *p, size_t len, char *out);

#endif
