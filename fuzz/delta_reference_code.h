/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions as the tables of 5.3 to 5.6 of docs/patch-format.md describe them. */
#ifndef DELTA_REFERENCE_CODE_H
#define DELTA_REFERENCE_CODE_H

#include <stdint.h>

uint32_t code_len(unsigned mode, uint32_t v);
uint32_t code_kind(unsigned mode, uint32_t v);
/* Which register's address an instruction holds a part of; 0 for other kinds. */
uint32_t code_register(uint32_t kind, uint32_t v);
/* Kinds with a distance: where it leads from address P; the instruction that leads to x from there, or v. */
uint32_t code_target(uint32_t kind, uint32_t v, uint32_t P);
uint32_t code_with_target(uint32_t kind, uint32_t v, uint32_t P, uint32_t x);
/* Kinds with a part of an address. */
uint32_t code_value(uint32_t kind, uint32_t v);
uint32_t code_with_value(uint32_t kind, uint32_t v, uint32_t value);
/* Of a low12: its scale. */
unsigned code_scale(uint32_t v);

#endif
