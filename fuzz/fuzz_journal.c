/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records. The checksum is set right, so that the fields behind it are reached; what is read can be written and
 * read again to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "journal.h"
#include "ota/ota.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check(const struct otai_journal *j)
{
    static uint8_t first[OTAI_JOURNAL_MAX], second[OTAI_JOURNAL_MAX];
    struct otai_journal again;
    const char *why;

    require(j->generation != 0 && j->state < OTA_ST_COUNT && j->outcome <= OTA_OUTCOME_REFUSED);
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        require(j->progress[i].slot <= 1 || j->progress[i].slot == OTA_SLOT_NONE);
    size_t len = otai_journal_encode(j, first);
    require(otai_journal_decode(first, len, &again, &why) == OTA_OK);
    require(otai_journal_encode(&again, second) == len && memcmp(first, second, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[OTAI_JOURNAL_MAX + 8];
    struct otai_journal j;
    const char *why = NULL;

    if (otai_journal_decode(data, size, &j, &why) == OTA_OK)
        check(&j);
    if (size < 16 || size > sizeof copy)
        return 0;
    memcpy(copy, data, size);
    memcpy(copy, "OTAJ\x01", 5);
    copy[6] = (uint8_t)(size - 16);
    copy[7] = (uint8_t)((size - 16) >> 8);
    otai_put_le32(copy + size - 4, otai_crc32(0, copy, size - 4));
    if (otai_journal_decode(copy, size, &j, &why) == OTA_OK)
        check(&j);
    else
        require(why != NULL && otai_is_zero(&j, sizeof j));
    return 0;
}
