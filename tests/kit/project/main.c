/* SPDX-License-Identifier: Apache-2.0 */
/* A porter's test program: the contract suite and the power cuts on their own ports, one by one. With
 * the number of a mistake as its argument it must fail. */
#include <stdio.h>
#include <stdlib.h>

#include <ota-test/ota_contract.h>

#include "my_ports.h"

static uint8_t now[MY_FLASH_LEN], safe[MY_FLASH_LEN];
static unsigned told;

static void found(struct ota_cut_rig *rig, const char *rule, uint32_t op, enum ota_cut_shape shape, uint32_t second)
{
    (void)rig;
    if (told++ < 5)
        printf("op %u %s, then %u: %s\n", (unsigned)op, ota_cut_shape_name(shape), (unsigned)second, rule);
}

static void print_check(struct ota_contract_report *r, const char *name, bool passed)
{
    (void)r;
    if (!passed)
        printf("FAILED %s\n", name);
}

int main(int argc, char **argv)
{
    struct ota_cut_flash flash = { .now = now, .safe = safe, .size = MY_FLASH_LEN, .write_unit = MY_WRITE, .erase_unit = MY_ERASE };
    struct ota_contract_report report = { print_check, 0, 0 };
    static struct my_device device;

    my_device_open(&device, &flash);
    device.rig.found = found;
    device.mistake = argc > 1 ? (enum mistake)atoi(argv[1]) : MISTAKE_NONE;
    unsigned violations = ota_cuts_store(&device.rig) + ota_cuts_slot(&device.rig) + ota_cuts_boot(&device.rig);
    unsigned broken = ota_contract_slot(device.rig.slot(&device.rig), &report);
    printf("%u cuts, %u violations; %u checks, %u failed\n", device.rig.cuts, violations, report.checks, broken);
    return violations || broken || device.rig.cuts < 500 || report.checks == 0;
}
