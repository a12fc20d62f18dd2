/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "device.h"
#include "device_boot.h"
#include "identity.h"
#include "ota/owner.h"

struct owner {
    struct ota_posix_store store;
    struct agent_identity identity;
    struct ota_claim claim;
    uint8_t file[OTA_CAPABILITY_MAX + 1];
};

/* The claim as the store has it, against the counter if there is an identity. */
static ota_err load(struct ota_store *store, struct agent_identity *i, const struct agent_config *c, struct ota_claim *claim, struct ota_fault *fault)
{
    static uint8_t buf[OTA_CAPABILITY_MAX];
    ota_err err = OTA_OK;

    if (c->identity.kind != AGENT_IDENTITY_NONE)
        err = agent_identity_open(i, &c->identity, fault);
    return err == OTA_OK ? ota_owner_load(store, i->port, c->device_id, buf, claim, fault) : err;
}

ota_err agent_owner_check(struct ota_posix_store *store, const struct agent_config *c, struct schema_fault *fault)
{
    static struct agent_identity identity;
    struct ota_fault why = { .err = OTA_OK };
    struct ota_claim claim;

    memset(&identity, 0, sizeof identity);
    ota_err err = load(&store->port, &identity, c, &claim, &why);
    agent_identity_close(&identity);
    if (err != OTA_OK)
        return device_fail(fault, why.where, NULL, err, &why);
    if (claim.version == 0 || strcmp(claim.product, c->product) == 0)
        return OTA_OK;
    (void)device_fail(fault, "product", claim.product, OTA_REJECT_PRODUCT, NULL);
    return OTA_REJECT_PRODUCT;
}

/* ---- the command ---- */

static void show(const struct ota_claim *c, bool json)
{
    if (json)
        (void)printf("{\"version\":%" PRIu64 ",\"device\":\"%s\",\"product\":\"%s\",\"threshold\":%zu,\"keys\":%zu}\n", c->version, c->device,
                     c->product, c->threshold, c->key_count);
    else if (c->version == 0)
        (void)printf("device %s is nobody's yet\n", c->device);
    else
        (void)printf("device %s, product %s, version %" PRIu64 ", given away by %zu of %zu keys\n", c->device, c->product, c->version,
                     c->threshold, c->key_count);
}

static ota_err read_file(struct owner *o, const char *path, size_t *len, struct ota_fault *fault)
{
    FILE *f = fopen(path, "rb");

    if (!f)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "transfer", errno);
    *len = fread(o->file, 1, sizeof o->file, f);
    bool bad = ferror(f) != 0;
    (void)fclose(f);
    return bad ? ota_fault_set(fault, OTA_USAGE_ARGUMENT, "transfer", EIO) : OTA_OK;
}

static ota_err take(struct owner *o, const struct agent_config *c, const char *path, struct ota_fault *fault)
{
    struct ota_posix_crypto crypto;
    struct ota_claim next;
    int64_t now = (int64_t)time(NULL);
    size_t len = 0;
    ota_err err = read_file(o, path, &len, fault);

    if (err == OTA_OK && now < c->times.utc_floor_s)
        err = ota_fault_set(fault, OTA_RETRY_CLOCK, "transfer.signed.expires", 0);
    if (err == OTA_OK)
        err = ota_posix_crypto_open(&crypto, NULL, fault);
    if (err == OTA_OK)
        err = ota_owner_transfer(&o->claim, o->file, len, now, &crypto.port, &next, fault);
    if (err == OTA_OK)
        err = ota_owner_keep(&o->store.port, o->identity.port, o->file, len, &next, fault);
    if (err == OTA_OK)
        o->claim = next;
    return err;
}

int agent_claim(const struct agent_config *c, const struct agent_options *options, const char *path)
{
    static struct owner o;
    struct ota_fault fault = { .err = OTA_OK };
    struct schema_fault where;

    memset(&o, 0, sizeof o);
    o.store.dir_fd = o.store.lock_fd = -1;
    ota_err err = device_lock(&o.store, c, &where);
    if (err != OTA_OK) {
        (void)fprintf(stderr, "ota-agent: %s: %s\n", where.where, where.what);
        return agent_exit_of(err);
    }
    err = load(&o.store.port, &o.identity, c, &o.claim, &fault);
    if (err == OTA_OK && path)
        err = take(&o, c, path, &fault);
    if (err == OTA_OK)
        show(&o.claim, options->json);
    else
        (void)fprintf(stderr, "ota-agent: %s: %s%s%s\n", fault.where, ota_err_text(err), fault.port_code > 0 ? ": " : "",
                      fault.port_code > 0 ? strerror(fault.port_code) : "");
    agent_identity_close(&o.identity);
    ota_posix_store_close(&o.store);
    return agent_exit_of(err);
}
