/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_IMAGE: images of components that demand it are verified as packages while their slot is sealed (package.c). */
#ifndef OTAI_AGENT_PACKAGE_H
#define OTAI_AGENT_PACKAGE_H

#include "ota/image.h"

/* Memory besides the seal's. */
size_t otai_package_len(void);
/* Takes that memory first of all from the rest of the region. OTA_OK; DEVICE_CRYPTO */
OTA_MUST_CHECK ota_err otai_package_begin(struct ota *a, struct otai_arena *rest);
/* Behind a step of the seal, with its answer: the bytes from `before` on are in its buffer. The same answer, or why it is no
 * package for this component; then the plan's encoding is as good as any. */
OTA_MUST_CHECK ota_err otai_package_seal(struct ota *a, uint64_t before, ota_err sealed);
void otai_package_end(struct ota *a);

#endif
