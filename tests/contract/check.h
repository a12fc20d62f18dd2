/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTA_CONTRACT_CHECK_H
#define OTA_CONTRACT_CHECK_H

#include "ota_contract.h"

/* Count and tell. Returns passed, so that later checks that need this one can be left out. */
bool contract_check(struct ota_contract_report *r, const char *name, bool passed);

/* A pattern that differs at every place and for every seed. */
void contract_fill(uint8_t *p, size_t len, uint32_t seed);
bool contract_is_filled(const uint8_t *p, size_t len, uint32_t seed);
bool contract_is_all(const uint8_t *p, size_t len, uint8_t value);

#endif
