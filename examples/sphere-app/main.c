/* SPDX-License-Identifier: Apache-2.0 */
/* A high-level application on Azure Sphere that keeps the firmware of a scale, a microcontroller on its UART, up to date. The
 * platform updates this application; this application updates the scale. */
#include "app.h"

#include <applibs/log.h>

#define EXT_MCU_UART 0 /* of the board's hardware definition */
#define BAUD 115200u

static ota_err connect_scale(struct ota_sphere_line *l, struct ota_fault *fault)
{
    return ota_sphere_uart_open(l, EXT_MCU_UART, BAUD, fault);
}

int main(int argc, char **argv)
{
    static struct app app;
    struct app_config cfg = { .name = "sphere-app",
                              .component = "scale",
                              .uid = "5ca1e000-0000-4000-8000-000000000001",
                              .security_min = 1,
                              .connect = connect_scale };

    if (!app_arguments(&cfg, argc, argv)) {
        (void)Log_Debug("usage: sphere-app URL [GROUP DEVICE-ID [POLL-SECONDS [REPORT-URL]]]\n");
        return 1;
    }
    return app_run(&app, &cfg);
}
