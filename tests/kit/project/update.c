/* SPDX-License-Identifier: Apache-2.0 */
/* A porter's second test program: whole updates of a simulated device that has their ports, and power cuts in them. With the
 * number of a mistake as its argument it must fail; with the id of a cut behind it, it shows what happens there. */
#include <stdio.h>
#include <stdlib.h>

#include <ota-test/powercut.h>

#include "my_ports.h"

static enum mistake mistake;

static struct ota_cut_rig *power_comes(void *ram, struct ota_cut_flash *flash)
{
    struct my_device *d = ram;

    my_device_open(d, flash);
    d->mistake = mistake;
    return &d->rig;
}

static const struct sim_rig my_rig = { MY_FLASH_LEN, MY_WRITE, MY_ERASE, sizeof(struct my_device), power_comes };

/* Publish version 2.0.0 to a device that runs 1.0.0, and let it update itself. */
static bool update_once(void)
{
    static struct sim_cloud cloud;
    static struct sim device;
    const struct sim_geometry geometry = { .erase_unit = 512, .erased = 0xff, .rig = &my_rig };

    sim_cloud_open(&cloud);
    cloud.one_repo = true; /* the store has records for one repository only */
    const struct sim_image *one = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "1.0.0" });
    const struct sim_image *two = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "2.0.0" });
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { two } });
    sim_open_as(&device, &cloud, &one, 1, &geometry);
    enum sim_end end = sim_run(&device);
    bool well = end == SIM_IDLE && !device.broken && sim_confirmed(&device, 0) == two;
    printf("update: %s, %u operations, %u starts\n", well ? "version 2.0.0 is confirmed" : device.broken ? device.broken : "failed",
           (unsigned)device.ops, (unsigned)device.starts);
    sim_cloud_close(&cloud);
    return well;
}

/* A power cut at every operation, in every shape, of updates to good and bad images. */
static bool test_updates(void)
{
    static const char *const scenarios[] = { "full", "crash", "next", "lost-ack" };
    unsigned long long cuts = 0, violations = 0;

    powercut_rig(&my_rig);
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0] && violations == 0; i++) {
        struct counts c;

        if (!powercut_scenario(scenarios[i], 1, &c) || c.cuts == 0)
            return false;
        cuts += c.cuts;
        violations += c.violations;
    }
    printf("updates: %llu cuts, %llu violations\n", cuts, violations);
    return violations == 0 && cuts > 1000;
}

int main(int argc, char **argv)
{
    mistake = argc > 1 ? (enum mistake)atoi(argv[1]) : MISTAKE_NONE;
    if (argc > 2) {
        powercut_rig(&my_rig);
        const char *rule = powercut_again(argv[2]);

        printf("%s: %s\n", argv[2], rule ? rule : "all rules hold");
        return rule != NULL;
    }
    bool once = update_once();
    return test_updates() && once ? 0 : 1;
}
