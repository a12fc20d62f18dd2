/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name. */
#ifndef APPLIBS_POWERMANAGEMENT_H
#define APPLIBS_POWERMANAGEMENT_H

int PowerManagement_ForceSystemReboot(void);

#endif
