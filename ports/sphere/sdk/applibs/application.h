/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name. */
#ifndef APPLIBS_APPLICATION_H
#define APPLIBS_APPLICATION_H

#include <stdbool.h>

int Application_Connect(const char *componentId);
int Application_IsDeviceAuthReady(bool *outIsDeviceAuthReady);

#endif
