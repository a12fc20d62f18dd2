/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the tree that uses the POSIX ports: opening network and crypto needs libcurl and the PSA library. */
#include <ota/posix.h>
#include <stdio.h>

static struct ota_posix_net net; /* large: it holds the network's buffer */

int main(void)
{
    const struct ota_posix_net_config net_cfg = { 0 };
    const struct ota_posix_crypto_config crypto_cfg = { 0 };
    struct ota_posix_crypto crypto;
    struct ota_fault fault = { 0 };
    ota_err err = ota_posix_net_open(&net, &net_cfg, &fault);

    if (err == OTA_OK) {
        err = ota_posix_crypto_open(&crypto, &crypto_cfg, &fault);
        ota_posix_net_close(&net);
    }
    if (err == OTA_OK)
        ota_posix_crypto_close(&crypto);
    printf("posix ports: %s\n", ota_err_name(err));
    return err == OTA_OK ? 0 : 1;
}
