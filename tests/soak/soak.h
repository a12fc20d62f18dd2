/* SPDX-License-Identifier: Apache-2.0 */
/* Publishers that go on for years in bounded memory, and signatures that cost nothing: what the soak needs beside the
 * simulated device. */
#ifndef SOAK_H
#define SOAK_H

#include "sim.h"

/* Publish anew what is still of use, and forget the rest: old images, old metadata, root versions before the newest few. */
void soak_trim(struct sim_cloud *c, int64_t expires_s);

/* A crypto port in front of another, which knows the signatures of the sim_key_sign() that the soak is linked with. */
struct soak_crypto {
    struct ota_crypto port;
    struct ota_crypto *real;
};

void soak_crypto_open(struct soak_crypto *c, struct ota_crypto *real);

#endif
