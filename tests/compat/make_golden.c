/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a record of this version as hex text, for a file of tests/compat/golden. Run once per format version; a file
 * that is committed never changes.
 *
 *     make_golden journal|reports|boot */
#include <stdio.h>
#include <string.h>

#include "golden.h"

static size_t encode(const char *what, uint8_t *out)
{
    struct otai_journal j;
    struct otai_ring ring;
    struct ota_boot_record boot;

    if (strcmp(what, "journal") == 0) {
        golden_journal(&j, OTAI_JOURNAL_MINOR);
        return otai_journal_encode(&j, out);
    }
    if (strcmp(what, "reports") == 0) {
        golden_ring(&ring, 3);
        return otai_ring_encode(&ring, out);
    }
    if (strcmp(what, "boot") == 0) {
        golden_boot(&boot);
        ota_boot_record_encode(&boot, out);
        return OTA_BOOT_RECORD_LEN;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static uint8_t out[OTAI_REPORTS_BYTES];
    size_t len = argc == 2 ? encode(argv[1], out) : 0;

    for (size_t i = 0; i < len; i++)
        (void)printf("%02x%s", out[i], i % 32 == 31 || i + 1 == len ? "\n" : "");
    return len == 0;
}
