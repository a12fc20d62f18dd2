/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name. */
#ifndef APPLIBS_NETWORKING_H
#define APPLIBS_NETWORKING_H

#include <stdbool.h>

int Networking_IsNetworkingReady(bool *outIsNetworkingReady);

#endif
