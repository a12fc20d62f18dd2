/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* openat and the like */
#include "device_attest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "device_boot.h"
#include "device_hawkbit.h"
#include "sandbox.h"

#define LOG_MAX 16384u
#define NAP_MS 50u            /* while an exchange is under way beside the agent's own work */
#define APPLICATION_MODE 0640 /* the folder's group reads it */

static ota_err refuse(struct schema_fault *fault, const char *key, const char *what)
{
    (void)schema_fail(fault, key, what);
    return OTA_USAGE_CONFIG;
}

/* ---- what evidence is made of ---- */

/* Whatever the configuration calls the device's identity signs its evidence, and says itself what that is worth. */
static ota_err open_identity(struct device_attest *a, const struct agent_identity_config *c, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_OK };
    size_t len = 0;
    ota_err err = agent_identity_open(&a->identity, c, &why);

    if (err != OTA_OK)
        return device_fail(fault, why.where, NULL, err, &why);
    agent_identity_key_only(&a->identity);
    ota_identity_signer_init(&a->signer, a->identity.port);
    err = a->identity.port->ops->get(a->identity.port, OTA_IDENTITY_KEY, a->key, sizeof a->key, &len, &why.port_code);
    return err == OTA_OK ? OTA_OK : device_fail(fault, "identity.key", NULL, err, &why);
}

/* What the boot stages measured: whoever started this program wrote it. */
static ota_err read_log(struct device_attest *a, struct ota_crypto *crypto, struct schema_fault *fault)
{
    char text[LOG_MAX + 1];
    struct ota_fault why = { .err = OTA_OK };
    FILE *f = fopen(a->cfg->log, "rb");
    size_t len;

    if (!f)
        return refuse(fault, "attest.log", strerror(errno));
    len = fread(text, 1, sizeof text, f);
    bool bad = ferror(f) != 0 || len > LOG_MAX;
    (void)fclose(f);
    if (bad)
        return refuse(fault, "attest.log", "cannot be read, or is longer than 16384 bytes");
    ota_err err = ota_attest_log_read(text, len, crypto, &a->log, &why);
    if (err == OTA_OK && a->log.count == 0)
        return refuse(fault, "attest.log", "holds no measurement");
    return err == OTA_OK ? OTA_OK : device_fail(fault, "attest.log", why.where, err, NULL);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The kernel's own name of this start. */
static void take_boot_seed(struct ota_claims *c)
{
    char text[64] = "";
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
    size_t n = 0;

    if (f && !fgets(text, sizeof text, f))
        text[0] = '\0';
    if (f)
        (void)fclose(f);
    for (const char *p = text; *p && n < 32; p++)
        if (digit(*p) >= 0) {
            c->boot_seed[n / 2] = (uint8_t)(c->boot_seed[n / 2] << 4 | digit(*p));
            n++;
        }
    c->boot_seed_len = n == 32 ? 16 : 0;
    if (c->boot_seed_len == 0)
        memset(c->boot_seed, 0, sizeof c->boot_seed);
}

static void make_claims(struct device_attest *a)
{
    const char *hex = a->cfg->implementation;

    a->claims = (struct ota_claims){ .client_id = -1, .strength = a->identity.port->strength };
    for (size_t i = 0; hex && i < sizeof a->claims.implementation; i++)
        a->claims.implementation[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    take_boot_seed(&a->claims);
}

/* ---- what others find ---- */

/* Folder of a file, opened; *name is the rest. */
static int open_folder(const char *path, const char **name)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');

    *name = slash + 1;
    (void)snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

static bool replace(int folder, const char *name, const char *p, size_t len)
{
    char temp[NAME_MAX + 1];
    int fd;
    bool ok;

    if (snprintf(temp, sizeof temp, ".%s.new", name) >= (int)sizeof temp)
        return false;
    fd = openat(folder, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    ok = write_all(fd, p, len) && fchmod(fd, APPLICATION_MODE) == 0;
    (void)close(fd);
    return ok && renameat(folder, temp, folder, name) == 0 && fsync(folder) == 0;
}

/* The application's certificate and key as they are in the store, for the folder's group; without a valid one the file goes. */
static void lay_out(struct device_attest *a)
{
    char pem[OTA_ATTEST_BUNDLE_MAX];
    const char *name;
    int32_t code = 0;
    size_t len = 0;
    bool ok, there;
    int folder;

    if (!a->cfg->application_file)
        return;
    there = ota_attest_client_certificate(&a->client, OTA_CERTIFICATE_APPLICATION, NULL) == OTA_OK &&
            a->store->ops->read(a->store, OTA_ATTEST_APPLICATION_PEM, pem, sizeof pem, &len, &code) == OTA_OK && len <= sizeof pem;
    folder = open_folder(a->cfg->application_file, &name);
    if (there)
        ok = folder >= 0 && replace(folder, name, pem, len);
    else
        ok = folder >= 0 && (unlinkat(folder, name, 0) == 0 || errno == ENOENT);
    if (!ok)
        (void)fprintf(stderr, "ota-agent: attest.application_file: %s\n", strerror(errno));
    if (folder >= 0)
        (void)close(folder);
    memset(pem, 0, sizeof pem);
}

static void tell(struct device_attest *a)
{
    struct ota_attest_status s;

    ota_attest_client_status(&a->client, &s);
    const char *field = s.last.err == OTA_RETRY_REFUSED || s.last.err == OTA_REJECT_NONCE ? s.field : s.last.where;
    if (s.last.err == a->told && strcmp(field, a->told_field) == 0)
        return;
    a->told = s.last.err;
    (void)snprintf(a->told_field, sizeof a->told_field, "%s", field);
    if (s.last.err == OTA_OK && !s.outdated[0])
        (void)fprintf(stderr, "ota-agent: attested\n");
    else if (s.last.err == OTA_OK)
        (void)fprintf(stderr, "ota-agent: attested for updates only: %s is outdated\n", s.outdated);
    else
        (void)fprintf(stderr, "ota-agent: attestation: %s%s%s (%s)\n", ota_err_text(s.last.err), s.refused[0] ? ": " : "", s.refused, field);
}

/* Show what there is to the update servers, from the moment on in which no exchange uses the other one. */
static ota_err hand_over(struct device_attest *a, bool usable, struct ota_fault *why)
{
    if (a->shown_beyond)
        return ota_posix_fetcher_certificate(a->shown_beyond, usable);
    return ota_posix_net_certificate(a->shown_by, usable ? a->update_file : NULL, why);
}

static bool show(struct device_attest *a)
{
    struct ota_fault why = { .err = OTA_OK };
    bool usable = ota_attest_client_certificate(&a->client, OTA_CERTIFICATE_UPDATE, NULL) == OTA_OK;
    int64_t end_s = usable ? a->client.status.not_after_s : 0;
    bool first = usable && a->shown_s == 0;

    if (end_s == a->shown_s || (a->shown_beyond ? a->shown_beyond->open : a->shown_by->open))
        return false;
    if (hand_over(a, usable, &why) != OTA_OK) {
        (void)fprintf(stderr, "ota-agent: %s: %s\n", a->update_file, strerror(why.port_code));
        end_s = 0;
        first = false;
    }
    a->shown_s = end_s;
    lay_out(a);
    return first;
}

/* ---- open, step, close ---- */

static ota_err open_net(struct device_attest *a, const struct agent_config *c, struct sandbox *held, struct schema_fault *fault)
{
    const struct ota_posix_net_config cfg = { .ca_file = a->cfg->ca_file ? a->cfg->ca_file : c->net.ca_file, .proxy = c->net.proxy };
    struct ota_fault why = { .err = OTA_OK };
    ota_err err;

    a->net.file_fd = a->fetcher.fd = -1;
    if (sandbox_is_on(held))
        err = ota_posix_fetcher_open(&a->fetcher, &(struct ota_posix_fetcher_config){ &held->attest_helper, &held->attest_net, 0 }, &why);
    else
        err = ota_posix_net_open(&a->net, &cfg, &why);
    a->net_port = sandbox_is_on(held) ? &a->fetcher.port : &a->net.port;

    return err == OTA_OK ? OTA_OK : device_fail(fault, "attest.ca_file", a->cfg->ca_file, err, &why);
}

static ota_err open_client(struct device *d, struct schema_fault *fault)
{
    struct device_attest *a = &d->attest;
    const struct ota_attest_client_config cfg = {
        .size = sizeof cfg, .url = a->cfg->url, .token = a->token[0] ? a->token : NULL, .net = a->net_port, .store = a->store,
        .clock = &d->clock.port, .crypto = &d->crypto.port, .signer = &a->signer.port, .key = a->key, .keys = &a->keys.port,
        .log = &a->log, .claims = &a->claims,
        .form = a->cfg->form && strcmp(a->cfg->form, "jwt") == 0 ? OTA_TOKEN_JWT : OTA_TOKEN_COSE,
        .retry_cap_s = a->cfg->retry_cap_s,
    };
    struct ota_fault why = { .err = OTA_OK };
    ota_err err = ota_attest_client_open(&a->client, &cfg, &why);

    return err == OTA_OK ? OTA_OK : device_fail(fault, why.where, NULL, err, &why);
}

ota_err device_attest_open(struct device *d, const struct agent_config *c, struct sandbox *held, struct schema_fault *fault)
{
    struct device_attest *a = &d->attest;
    ota_err err;

    if (!c->attest.url)
        return OTA_OK;
    a->cfg = &c->attest;
    a->store = &d->store.port;
    a->shown_by = &d->net;
    a->shown_beyond = sandbox_is_on(held) ? &d->fetcher : NULL;
    a->told = OTA_DONE; /* nothing yet */
    if (snprintf(a->update_file, sizeof a->update_file, "%s/%s", c->state_dir, OTA_ATTEST_UPDATE_PEM) >= (int)sizeof a->update_file)
        return refuse(fault, "state_dir", "is too long");
    err = a->cfg->token_file ? device_read_token(a->cfg->token_file, "attest.token_file", a->token, sizeof a->token, fault) : OTA_OK;
    if (err == OTA_OK)
        err = open_identity(a, &c->identity, fault);
    if (err == OTA_OK)
        err = read_log(a, &d->crypto.port, fault);
    if (err == OTA_OK)
        err = open_net(a, c, held, fault);
    if (err != OTA_OK)
        return err;
    make_claims(a);
    ota_posix_cert_keys_init(&a->keys);
    err = open_client(d, fault);
    if (err != OTA_OK)
        return err;
    a->on = true;
    lay_out(a); /* also takes away what is not valid any more */
    (void)show(a);
    return OTA_OK;
}

bool device_attest_step(struct device *d, struct ota_wait *wait)
{
    struct device_attest *a = &d->attest;
    struct ota_wait own;

    if (!a->on)
        return false;
    ota_attest_client_step(&a->client, &own);
    if (own.wait_for_net && wait->ms > 0 && !wait->wait_for_net)
        a->net_port->ops->wait(a->net_port, wait->ms < NAP_MS ? wait->ms : NAP_MS);
    if (own.wait_for_net)
        own.ms = wait->wait_for_net ? NAP_MS : 0;
    if (own.ms < wait->ms)
        wait->ms = own.ms;
    if (!ota_attest_client_busy(&a->client))
        tell(a);
    return show(a);
}

void device_attest_settle(struct device *d, bool (*stopped)(void))
{
    struct ota_wait wait;

    do {
        wait = (struct ota_wait){ .ms = NAP_MS };
        (void)device_attest_step(d, &wait);
    } while (d->attest.on && !stopped() && (ota_attest_client_busy(&d->attest.client) || wait.ms == 0));
}

void device_attest_close(struct device *d)
{
    struct device_attest *a = &d->attest;

    if (!a->cfg)
        return;
    ota_attest_client_close(&a->client);
    if (a->fetcher.port.ops)
        ota_posix_fetcher_close(&a->fetcher);
    ota_posix_net_close(&a->net);
    agent_identity_close(&a->identity);
    memset(a->token, 0, sizeof a->token);
    a->on = false;
}
