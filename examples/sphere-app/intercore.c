/* SPDX-License-Identifier: Apache-2.0 */
/* A high-level application that brings data to an application on a real-time core, over the socket between them. The real-time
 * application itself comes with the platform's updates; what it works with, here the calibration of a scale, is signed and updated
 * like any image: two places, a trial, a way back. */
#include "app.h"

#include <applibs/log.h>

#define RT_APP "7ea17143-0000-4000-8000-000000000002" /* AllowedApplicationConnections */

static ota_err connect_core(struct ota_sphere_line *l, struct ota_fault *fault)
{
    return ota_sphere_core_open(l, RT_APP, fault);
}

int main(int argc, char **argv)
{
    static struct app app;
    struct app_config cfg = { .name = "sphere-intercore",
                              .component = "calibration",
                              .uid = "5ca1e000-0000-4000-8000-000000000003",
                              .security_min = 1,
                              .connect = connect_core };

    if (!app_arguments(&cfg, argc, argv)) {
        (void)Log_Debug("usage: sphere-intercore URL [GROUP DEVICE-ID [POLL-SECONDS [REPORT-URL]]]\n");
        return 1;
    }
    return app_run(&app, &cfg);
}
