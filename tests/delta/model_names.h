/* SPDX-License-Identifier: Apache-2.0 */
/* Another build of the model beside the library's: MODEL(name) is what its functions are called. */
#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#define otai_model_init MODEL(init)
#define otai_code_flag MODEL(flag)
#define otai_code_hit MODEL(hit)
#define otai_code_byte MODEL(byte)
#define otai_teach_runs MODEL(teach)
#define otai_code_number MODEL(number)
#define otai_code_signed MODEL(signed)

#endif
