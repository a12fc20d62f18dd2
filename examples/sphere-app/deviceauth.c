/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the platform's own daemon: `sphere-deviceauth DIR URL CA.pem [TOKEN]` proves to the attestation service what was started
 * on the simulated device DIR, registers it there if it has a token, and keeps the two certificates of a day in DIR/daa, where the
 * platform would keep them in /run/daa. The key is a file, and every evidence says so (strength soft): on the chip it never leaves
 * it. One exchange; says what came of it, and ends with 0 if there are certificates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ota/attest_client.h"
#include "ota/posix.h"
#include "ota/posix_identity.h"

static struct ota_posix_net net;
static struct ota_posix_store store;
static struct ota_posix_clock wall;
static struct ota_posix_crypto crypto;
static struct ota_posix_identity identity;
static struct ota_posix_cert_keys keys;
static struct ota_attest_client client;
static struct ota_attest_log measured;

static ota_err sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    int32_t code = 0;

    (void)s;
    return identity.port.ops->sign(&identity.port, digest, sig, &code);
}

static const struct ota_signer_ops signer_ops = { sign };
static struct ota_signer signer = { &signer_ops };

static bool from_hex(const char *text, uint8_t out[OTA_SHA256_LEN])
{
    for (size_t i = 0; i < OTA_SHA256_LEN; i++) {
        unsigned byte;

        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return false;
        out[i] = (uint8_t)byte;
    }
    return strlen(text) == 2u * OTA_SHA256_LEN;
}

/* What the boot stage measured, in its order. */
static bool read_measured(const char *dir)
{
    char path[512], kind[16], name[OTA_NAME_MAX], version[OTA_VERSION_MAX], digest[80];
    bool good = true;

    (void)snprintf(path, sizeof path, "%s/measured", dir);
    FILE *f = fopen(path, "r");
    while (f && good && fscanf(f, "%15s %31s %31s %79s", kind, name, version, digest) == 4) {
        struct ota_measurement m = { .kind = strcmp(kind, "boot") == 0 ? OTA_MEASURED_BOOT : OTA_MEASURED_IMAGE };

        memcpy(m.name, name, sizeof m.name);
        if (strcmp(version, "-") != 0)
            memcpy(m.version, version, sizeof m.version);
        good = from_hex(digest, m.digest) && ota_attest_extend(&measured, &crypto.port, &m) == OTA_OK;
    }
    if (f)
        (void)fclose(f);
    return f && good && measured.count > 0;
}

static ota_err open_ports(const char *dir, const char *ca, struct ota_fault *why)
{
    static char daa[512], id[512];

    (void)snprintf(daa, sizeof daa, "%s/daa", dir);
    (void)snprintf(id, sizeof id, "%s/identity", dir);
    ota_err err = ota_posix_crypto_open(&crypto, NULL, why);
    if (err == OTA_OK)
        err = ota_posix_net_open(&net, &(struct ota_posix_net_config){ .ca_file = ca }, why);
    if (err == OTA_OK)
        err = ota_posix_store_open(&store, &(struct ota_posix_store_config){ daa }, why);
    if (err == OTA_OK)
        err = ota_posix_clock_open(&wall, &(struct ota_posix_clock_config){ 0 }, why);
    if (err == OTA_OK)
        err = ota_posix_identity_file_open(&identity, &(struct ota_posix_identity_config){ id, NULL }, why);
    ota_posix_cert_keys_init(&keys);
    return err;
}

static ota_err attest(const char *url, const char *token, struct ota_fault *why)
{
    static struct ota_claims claims = { .client_id = -1, .boot_seed_len = 16, .strength = OTA_STRENGTH_SOFT };
    struct ota_wait wait;
    const struct ota_attest_client_config cfg = { .size = sizeof cfg,
                                                  .url = url,
                                                  .token = token,
                                                  .net = &net.port,
                                                  .store = &store.port,
                                                  .clock = &wall.port,
                                                  .crypto = &crypto.port,
                                                  .signer = &signer,
                                                  .key = identity.key,
                                                  .keys = &keys.port,
                                                  .log = &measured,
                                                  .claims = &claims,
                                                  .form = OTA_TOKEN_COSE,
                                                  .timeout_s = 30 };
    ota_err err = crypto.port.ops->random(&crypto.port, claims.boot_seed, claims.boot_seed_len);

    if (err == OTA_OK)
        err = ota_attest_client_open(&client, &cfg, why);
    if (err != OTA_OK)
        return err;
    struct ota_attest_status before;
    ota_attest_client_status(&client, &before);
    if (before.last.err != OTA_OK)
        (void)printf("deviceauth: certificates dropped: %s at %s\n", ota_err_name(before.last.err), before.last.where);
    ota_attest_client_now(&client);
    do {
        ota_attest_client_step(&client, &wait);
        if (wait.wait_for_net)
            net.port.ops->wait(&net.port, wait.ms);
    } while (ota_attest_client_busy(&client));
    return OTA_OK;
}

static int tell(void)
{
    struct ota_attest_status s;

    ota_attest_client_status(&client, &s);
    for (size_t i = 0; i < measured.count; i++)
        (void)printf("deviceauth: measured %s/%s %s\n", ota_measured_name(measured.entry[i].kind), measured.entry[i].name,
                     measured.entry[i].version);
    if (s.last.err != OTA_OK || s.hold != OTA_OK)
        return printf("deviceauth: no certificates: %s at %s %s %s\n", ota_err_name(s.last.err), s.last.where, s.refused,
                      s.field) < 0
                   ? 2
                   : 1;
    return printf("deviceauth: certificates until %lld, strength soft\n", (long long)s.not_after_s) < 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
    struct ota_fault why = { .err = OTA_OK };

    if (argc < 4 || argc > 5)
        return fputs("usage: sphere-deviceauth DIR URL CA.pem [TOKEN]\n", stderr), 2;
    if (open_ports(argv[1], argv[3], &why) != OTA_OK || !read_measured(argv[1]) ||
        attest(argv[2], argc == 5 ? argv[4] : NULL, &why) != OTA_OK)
        return fprintf(stderr, "deviceauth: %s: %s\n", why.where, why.err ? ota_err_text(why.err) : "nothing was measured"), 2;
    int status = tell();
    ota_attest_client_close(&client);
    ota_posix_identity_close(&identity);
    ota_posix_net_close(&net);
    ota_posix_store_close(&store);
    return status;
}
