/* SPDX-License-Identifier: Apache-2.0 */
/* The model as machines without lanes of their own have it. */
#define MODEL(name) model_plain_##name
#include "model_names.h"

#undef OTAI_STRETCH_HEADER
#undef OTAI_MIX_HEADER
#undef OTAI_LANES_HEADER
#define OTAI_STRETCH_HEADER "stretch_fast.h"
#define OTAI_MIX_HEADER "mix_fast.h"
#define OTAI_LANES_HEADER "lanes_plain.h"
#include "model.c"
