/* SPDX-License-Identifier: Apache-2.0 */
/* SPEC.md holds every number that must never change its meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ota/ota.h"

static char paper[131072];

static int read_paper(void **state)
{
    FILE *f = fopen(OTA_SOURCE_DIR "/SPEC.md", "r");

    (void)state;
    if (!f)
        return -1;
    size_t n = fread(paper, 1, sizeof paper - 1, f);
    paper[n] = '\0';
    return fclose(f);
}

static void lists(const char *row)
{
    if (!strstr(paper, row))
        fail_msg("SPEC.md lacks the row: %s", row);
}

static void every_error_number_is_listed(void **state)
{
    char row[160];

    (void)state;
#define ROW(name, number, text)                                                        \
    (void)snprintf(row, sizeof row, "| `0x%03x` | `%s` | %s |\n", number, #name, text); \
    lists(row);
    OTA_ERR_LIST(ROW)
#undef ROW
}

static void every_event_is_listed(void **state)
{
    char row[160];

    (void)state;
#define OTA_EVENT(name, number, text)                                          \
    (void)snprintf(row, sizeof row, "| %d | `%s` | %s |\n", number, #name, text); \
    lists(row);
#include "ota/events.def"
#undef OTA_EVENT
}

static void every_state_is_listed(void **state)
{
    char row[80];

    (void)state;
    for (int s = 0; s < OTA_ST_COUNT; s++) {
        (void)snprintf(row, sizeof row, "| %d | `%s` |\n", s, ota_state_name((enum ota_state)s));
        lists(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_number_is_listed),
        cmocka_unit_test(every_event_is_listed),
        cmocka_unit_test(every_state_is_listed),
    };

    return cmocka_run_group_tests(tests, read_paper, NULL);
}
