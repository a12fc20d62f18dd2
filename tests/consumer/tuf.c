/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the tree that wants the TUF client and nothing else of libota: one header, one archive, a crypto port of
 * its own. Its store and its server are empty, so the client must end with the lack of a root, having asked for one. */
#include <ota/tuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c, (void)h, (void)alg;
    return OTA_OK;
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c, (void)h, (void)data, (void)len;
    return OTA_OK;
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    (void)c, (void)h;
    if (out)
        memset(out, 0, 32);
    return OTA_OK;
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c, (void)alg, (void)kind, (void)key, (void)key_len, (void)hash, (void)hash_len, (void)sig, (void)sig_len;
    return OTA_REJECT_SIGNATURE;
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, NULL };

/* What README.md shows, with these in the place of a flash and a network. */
size_t load(const char *role, uint8_t *buf, size_t cap);
long download(const char *file, uint8_t *buf, size_t cap);
bool keep(const char *role, const uint8_t *buf, size_t len);
ota_err refresh(struct ota_tuf *t, int64_t now_s);

static unsigned loads;

size_t load(const char *role, uint8_t *buf, size_t cap)
{
    (void)role, (void)buf, (void)cap;
    loads++;
    return 0;
}

long download(const char *file, uint8_t *buf, size_t cap)
{
    (void)file, (void)buf, (void)cap;
    return -1;
}

bool keep(const char *role, const uint8_t *buf, size_t len)
{
    (void)role, (void)buf, (void)len;
    return true;
}

int main(void)
{
    struct ota_crypto crypto = { &ops };
    const struct ota_tuf_config cfg = { .size = sizeof cfg, .crypto = &crypto, .limits = OTA_TUF_LIMITS_HOST };
    size_t len = ota_tuf_len(&cfg);
    void *mem = malloc(len);
    struct ota_tuf *t = NULL;
    ota_err err = ota_tuf_init(&t, &cfg, mem, len);

    if (err == OTA_OK)
        err = refresh(t, 1750000000);
    printf("tuf: %u loads, then 0x%x\n", loads, (unsigned)err);
    free(mem);
    return err == OTA_DEVICE_ROOT && loads == 1 ? 0 : 1;
}
