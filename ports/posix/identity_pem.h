/* SPDX-License-Identifier: Apache-2.0 */
/* A P-256 private key as other tools read and write it: PKCS #8 (RFC 5958) with the public key in it, in PEM (RFC 7468). */
#ifndef OTAP_IDENTITY_PEM_H
#define OTAP_IDENTITY_PEM_H

#include <stdbool.h>
#include <stdint.h>

#define OTAP_PRIVATE_LEN 32u
#define OTAP_PUBLIC_LEN 65u
#define OTAP_PEM_LEN 241u

void otap_pem_write(const uint8_t priv[OTAP_PRIVATE_LEN], const uint8_t pub[OTAP_PUBLIC_LEN], char out[OTAP_PEM_LEN]);
/* false: not byte by byte what otap_pem_write() writes for some key. */
bool otap_pem_read(const char in[OTAP_PEM_LEN], uint8_t priv[OTAP_PRIVATE_LEN], uint8_t pub[OTAP_PUBLIC_LEN]);

#endif
