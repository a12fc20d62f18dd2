/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTA_CONTRACT_REPORT_H
#define OTA_CONTRACT_REPORT_H

#include "ota_contract.h"

/* Prints the checks that failed. */
struct ota_contract_report loud_report(void);

/* Says nothing: for ports that are meant to fail. */
struct ota_contract_report quiet_report(void);

#endif
