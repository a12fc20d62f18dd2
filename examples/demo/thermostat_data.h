/* SPDX-License-Identifier: Apache-2.0 */
/* The calibration table, made by make_data and linked in: some MB, the last 8 bytes are its checksum. */
#ifndef THERMOSTAT_DATA_H
#define THERMOSTAT_DATA_H

#include <stdbool.h>
#include <stdint.h>

extern const uint8_t thermostat_data[], thermostat_data_end[];

#endif
