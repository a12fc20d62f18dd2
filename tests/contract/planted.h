/* SPDX-License-Identifier: Apache-2.0 */
/* Ports with one fault each. planted_<port>(0) runs the suite on the port without a fault; each returns the failures. */
#ifndef OTA_CONTRACT_PLANTED_H
#define OTA_CONTRACT_PLANTED_H

unsigned planted_store(unsigned fault);
unsigned planted_slot(unsigned fault);
unsigned planted_boot(unsigned fault);
unsigned planted_net(unsigned fault);
unsigned planted_clock(unsigned fault);
unsigned planted_crypto(unsigned fault);
unsigned planted_conditions(unsigned fault);
unsigned planted_identity(unsigned fault);

/* Faults are numbered below these. */
extern const unsigned planted_store_faults, planted_slot_faults, planted_boot_faults, planted_net_faults,
    planted_clock_faults, planted_crypto_faults, planted_conditions_faults, planted_identity_faults;

#endif
