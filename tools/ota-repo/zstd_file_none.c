/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without OTA_ZSTD take this instead of zstd_file.c. */
#include "zstd_file.h"

bool zstd_file_here(void)
{
    return false;
}

int zstd_file(struct tool *t, const char *from, const char *to, unsigned window, uint64_t *len, char hex[DIGEST_HEX])
{
    (void)from;
    (void)to;
    (void)window;
    (void)len;
    (void)hex;
    return tool_usage(t, "--zstd: this ota-repo was built without zstd");
}

int zstd_file_check(struct tool *t, const char *image, const char *packed, unsigned window, uint32_t block, const char **why)
{
    (void)t;
    (void)image;
    (void)packed;
    (void)window;
    (void)block;
    (void)why;
    return TOOL_OK;
}
