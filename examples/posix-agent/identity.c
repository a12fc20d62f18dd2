/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

/* All of a file that fits. @return its length, or 0 with errno (EFBIG: too long) */
static size_t read_all(const char *path, void *buf, size_t cap)
{
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(buf, 1, cap, f) : 0;

    if (!f)
        return 0;
    errno = ferror(f) ? EIO : 0;
    if (errno == 0 && len == cap)
        errno = EFBIG;
    int number = errno;
    (void)fclose(f);
    errno = number;
    return number == 0 ? len : 0;
}

static ota_err open_psa(struct agent_identity *i, const struct agent_identity_config *c, struct ota_fault *fault)
{
    struct ota_psa_identity_config cfg = { .key_id = c->key_id, .store = &i->store.port };
    ota_err err = ota_posix_store_open(&i->store, &(struct ota_posix_store_config){ c->dir }, fault);

    if (err != OTA_OK)
        return err;
    i->has_store = true;
    if (c->certificate) {
        cfg.certificate_len = read_all(c->certificate, i->certificate, sizeof i->certificate);
        cfg.certificate = cfg.certificate_len > 0 ? i->certificate : NULL;
        if (!cfg.certificate && errno != ENOENT)
            return ota_fault_set(fault, OTA_DEVICE_IDENTITY, "identity.certificate", errno);
    }
    i->port = &i->as.psa.port;
    return ota_psa_identity_open(&i->as.psa, &cfg, fault);
}

/* The password is the file's first line. */
static ota_err open_tpm(struct agent_identity *i, const struct agent_identity_config *c, struct ota_fault *fault)
{
    struct ota_tpm_config cfg = { .tcti = c->tcti, .certificate = c->certificate };

    if (c->owner_auth_file) {
        if (read_all(c->owner_auth_file, i->owner_auth, sizeof i->owner_auth - 1) == 0)
            return ota_fault_set(fault, OTA_USAGE_CONFIG, "identity.owner_auth_file", errno);
        i->owner_auth[strcspn(i->owner_auth, "\r\n")] = '\0';
        cfg.owner_auth = i->owner_auth;
    }
    i->port = &i->as.tpm.port;
    return ota_tpm_open(&i->as.tpm, &cfg, fault);
}

static ota_err open_file(struct agent_identity *i, const struct agent_identity_config *c, struct ota_fault *fault)
{
    i->port = &i->as.file.port;
    return ota_posix_identity_file_open(&i->as.file, &(struct ota_posix_identity_config){ c->dir, c->certificate }, fault);
}

ota_err agent_identity_open(struct agent_identity *i, const struct agent_identity_config *c, struct ota_fault *fault)
{
    ota_err err = OTA_USAGE_CONFIG;

    memset(i, 0, sizeof *i);
    i->kind = c->kind;
    switch (c->kind) {
    case AGENT_IDENTITY_FILE: err = open_file(i, c, fault); break;
    case AGENT_IDENTITY_PSA: err = open_psa(i, c, fault); break;
    case AGENT_IDENTITY_TPM: err = open_tpm(i, c, fault); break;
    case AGENT_IDENTITY_NONE: return ota_fault_set(fault, err, "identity", 0);
    }
    if (err != OTA_OK) {
        i->port = NULL; /* whoever failed to open has closed itself */
        agent_identity_close(i);
    }
    return err;
}

void agent_identity_key_only(struct agent_identity *i)
{
    if (i->has_store)
        ota_posix_store_close(&i->store);
    i->has_store = false;
}

void agent_identity_close(struct agent_identity *i)
{
    if (i->port && i->kind == AGENT_IDENTITY_FILE)
        ota_posix_identity_close(&i->as.file);
    if (i->port && i->kind == AGENT_IDENTITY_TPM)
        ota_tpm_close(&i->as.tpm);
    agent_identity_key_only(i);
    i->port = NULL;
}

static ota_err device_id(struct agent_identity *i, char id[OTA_IDENTITY_DEVICE_ID_LEN], struct ota_fault *fault)
{
    struct ota_posix_crypto crypto;
    ota_err err = ota_posix_crypto_open(&crypto, NULL, fault);

    return err == OTA_OK ? ota_identity_device_id(i->port, &crypto.port, id, fault) : err;
}

ota_err agent_identity_device_id(const struct agent_identity_config *c, char id[OTA_IDENTITY_DEVICE_ID_LEN], struct ota_fault *fault)
{
    static struct agent_identity i;
    ota_err err = agent_identity_open(&i, c, fault);

    if (err == OTA_OK)
        err = device_id(&i, id, fault);
    agent_identity_close(&i);
    return err;
}

/* ---- the command ---- */

static const char *kind_text(const struct agent_identity *i)
{
    static const char *const names[] = { "none", "file", "psa", "tpm" };

    return names[i->kind];
}

static ota_err read_counters(struct agent_identity *i, uint64_t value[OTA_IDENTITY_COUNTERS], struct ota_fault *fault)
{
    ota_err err = OTA_OK;

    for (uint32_t n = 0; n < OTA_IDENTITY_COUNTERS && err == OTA_OK; n++) {
        int32_t code = 0;

        err = i->port->ops->counter(i->port, n, 0, &value[n], &code);
        if (err != OTA_OK)
            (void)ota_fault_set(fault, err, "identity.counter", code);
    }
    return err;
}

static void print_json(const struct agent_identity *i, const char *id, const uint64_t *counter, size_t certificate_len)
{
    (void)printf("{\"kind\":\"%s\",\"device_id\":\"%s\",\"strength\":\"%s\",\"rollback\":\"%s\",\"counters\":[", kind_text(i), id,
                 ota_strength_name(i->port->strength), ota_strength_name(i->port->rollback));
    for (size_t n = 0; n < OTA_IDENTITY_COUNTERS; n++)
        (void)printf("%s%" PRIu64, n ? "," : "", counter[n]);
    (void)printf("],\"certificate_bytes\":%zu", certificate_len);
    if (i->kind == AGENT_IDENTITY_TPM)
        (void)printf(",\"tpm\":\"%s %s\"", i->as.tpm.maker, i->as.tpm.vendor);
    (void)puts("}");
}

static void print_text(const struct agent_identity *i, const char *id, const uint64_t *counter, size_t certificate_len)
{
    (void)printf("device id    %s\n", id);
    if (i->kind == AGENT_IDENTITY_TPM)
        (void)printf("kept in      tpm (%s, %s)\n", i->as.tpm.maker, i->as.tpm.vendor);
    else
        (void)printf("kept in      %s\n", kind_text(i));
    (void)printf("strength     %s%s\n", ota_strength_name(i->port->strength),
                 i->port->strength == OTA_STRENGTH_SOFT ? " (who reads this device's storage has the key)" : "");
    (void)printf("counters    ");
    for (size_t n = 0; n < OTA_IDENTITY_COUNTERS; n++)
        (void)printf(" %" PRIu64, counter[n]);
    (void)printf("\nrollback     %s%s\n", ota_strength_name(i->port->rollback),
                 i->port->rollback == OTA_STRENGTH_NONE ? " (a backup that is restored sets counters back)" : "");
    if (certificate_len > 0)
        (void)printf("certificate  %zu bytes\n", certificate_len);
    else
        (void)puts("certificate  none");
}

static ota_err show(struct agent_identity *i, bool json, struct ota_fault *fault)
{
    static uint8_t certificate[AGENT_CERTIFICATE_MAX];
    char id[OTA_IDENTITY_DEVICE_ID_LEN];
    uint64_t counter[OTA_IDENTITY_COUNTERS];
    int32_t code = 0;
    size_t len = 0;
    ota_err err = device_id(i, id, fault);

    if (err == OTA_OK)
        err = read_counters(i, counter, fault);
    if (err != OTA_OK)
        return err;
    err = i->port->ops->get(i->port, OTA_IDENTITY_CERTIFICATE, certificate, sizeof certificate, &len, &code);
    if (err != OTA_OK && err != OTA_DEVICE_ABSENT && err != OTA_USAGE_UNSUPPORTED)
        return ota_fault_set(fault, err, "identity.certificate", code);
    if (json)
        print_json(i, id, counter, len);
    else
        print_text(i, id, counter, len);
    return OTA_OK;
}

int agent_identity(const struct agent_config *c, const struct agent_options *o)
{
    static struct agent_identity i;
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = agent_identity_open(&i, &c->identity, &fault);

    if (err == OTA_OK)
        err = show(&i, o->json, &fault);
    if (err == OTA_USAGE_CONFIG && c->identity.kind == AGENT_IDENTITY_NONE)
        (void)fprintf(stderr, "ota-agent: identity: is missing in the configuration\n");
    else if (err != OTA_OK)
        (void)fprintf(stderr, "ota-agent: %s: %s (%" PRId32 ")\n", fault.where, ota_err_text(err), fault.port_code);
    agent_identity_close(&i);
    return agent_exit_of(err);
}
