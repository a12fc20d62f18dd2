/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_zstd.h"

#include <zstd.h>

#include "sim_must.h"

size_t sim_zstd(const uint8_t *in, size_t len, size_t block, uint8_t *out, size_t cap)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    size_t made = 0;

    MUST(ctx && !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, SIM_ZSTD_WINDOW_BITS)));
    MUST(!ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1)));
    for (size_t off = 0; off < len; off += block) {
        size_t n = ZSTD_compress2(ctx, out + made, cap - made, in + off, len - off < block ? len - off : block);
        MUST(!ZSTD_isError(n));
        made += n;
    }
    (void)ZSTD_freeCCtx(ctx);
    return made;
}
