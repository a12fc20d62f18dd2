/* SPDX-License-Identifier: Apache-2.0 */
/* The model as devices with little flash have it. */
#define MODEL(name) model_small_##name
#include "model_names.h"

#undef OTAI_STRETCH_HEADER
#undef OTAI_MIX_HEADER
#undef OTAI_LANES_HEADER
#define OTAI_STRETCH_HEADER "stretch_small.h"
#define OTAI_MIX_HEADER "mix_small.h"
#define OTAI_LANES_HEADER "lanes_plain.h"
#include "model.c"
