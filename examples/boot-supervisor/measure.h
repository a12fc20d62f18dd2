/* SPDX-License-Identifier: Apache-2.0 */
/* Measured boot: what this program is, and the package that it is about to run, in a log for whoever makes evidence of it. */
#ifndef BOOT_MEASURE_H
#define BOOT_MEASURE_H

#include "ota/attest.h"

struct measure {
    char name[OTA_NAME_MAX]; /* of the component */
    const char *file;        /* of the log; NULL = nothing is measured */
};

/* "NAME=FILE". false: it is not that */
bool measure_option(struct measure *m, const char *text);

/* Take the log of the last image away: before another one is chosen. */
void measure_forget(const struct measure *m);

/* Measure the package of `length` bytes that key signed, and write the log, before the package may run.
 * OTA_OK; DEVICE_SLOT, DEVICE_STORE (errno), DEVICE_CRYPTO, USAGE_ARGUMENT: no log is left; USAGE_ABI: built without OTA_ATTEST */
ota_err measure_image(const struct measure *m, struct ota_crypto *c, int image, uint64_t length, const uint8_t *key, size_t key_len,
                      struct ota_fault *fault);

#endif
