/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the file THERMOSTAT_DATA in as it is. A C array of this size would cost the compiler minutes. */
#include "thermostat_data.h"

__asm__(".section .rodata,\"a\"\n"
        ".balign 16\n"
        ".globl thermostat_data\n"
        "thermostat_data:\n"
        ".incbin \"" THERMOSTAT_DATA "\"\n"
        ".globl thermostat_data_end\n"
        "thermostat_data_end:\n"
        ".byte 0\n"
        ".previous\n");
