/* SPDX-License-Identifier: Apache-2.0 */
/* Who says the device's group: as the build has it (OTA_DIRECTOR). */
#ifndef OTAI_ASSIGN_HEADER
#define OTAI_ASSIGN_HEADER "assign_on.h"
#endif
#include OTAI_ASSIGN_HEADER
