/* SPDX-License-Identifier: Apache-2.0 */
/* Measured boot: what this program is, and the package that it is about to run, in a log for whoever makes evidence of it, and in a
 * register of the device's identity, which shows whether somebody changed the log. */
#ifndef BOOT_MEASURE_H
#define BOOT_MEASURE_H

#include "ota/port_identity.h"

/* Of a TPM's registers that only a start of the device sets back, the one that boot loaders and systems use least. */
#define MEASURE_REGISTER 14u
/* 16 and 23 of a TPM can be set back at any time, 17 to 22 are not the boot stages'. */
#define MEASURE_REGISTER_MAX 15u

struct measure {
    char name[OTA_NAME_MAX]; /* of the component */
    const char *file;        /* of the log; NULL = nothing is measured */
    uint32_t reg;            /* of the identity */
    bool has_reg;            /* chosen by an option */
    bool more;               /* made by measure_image(): the register holds more than the log of this start */
};

/* "NAME=FILE". false: it is not that */
bool measure_option(struct measure *m, const char *text);

/* Take the log of the last image away: before another one is chosen. */
void measure_forget(const struct measure *m);

/* Measure the package of `length` bytes that key signed, extend the register, and write the log, before the package may run. Nothing
 * is extended where the register holds this very log: the same was started before, since the device started.
 * identity: NULL = no register. OTA_OK; else no log is left: DEVICE_SLOT, DEVICE_STORE (errno), DEVICE_CRYPTO, USAGE_ARGUMENT,
 * DEVICE_IDENTITY at "measure.register"; USAGE_ABI: built without OTA_ATTEST */
ota_err measure_image(struct measure *m, struct ota_crypto *c, struct ota_identity *identity, int image, uint64_t length,
                      const uint8_t *key, size_t key_len, struct ota_fault *fault);

#endif
