/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "device_boot.h"
#include "ota/attest_client.h"

#define CAP_LINUX_IMMUTABLE_BIT (UINT64_C(1) << 9) /* firmware variables are immutable files */

/* ---- lists of paths ---- */

static ota_err add(const char **list, size_t *count, size_t max, const char *path)
{
    if (*count == max)
        return OTA_USAGE_MEMORY;
    list[(*count)++] = path;
    list[*count] = NULL;
    return OTA_OK;
}

ota_err sandbox_read_path(struct sandbox *s, const char *path)
{
    return add(s->read, &s->read_count, SANDBOX_READ_MAX, path);
}

ota_err sandbox_write_path(struct sandbox *s, const char *path)
{
    return add(s->write, &s->write_count, SANDBOX_WRITE_MAX, path);
}

/* A copy of the first len bytes; NULL: no room. */
static char *keep(struct sandbox *s, const char *text, size_t len)
{
    char *out = s->text + s->text_fill;

    if (len + 1 > sizeof s->text - s->text_fill)
        return NULL;
    memcpy(out, text, len);
    out[len] = '\0';
    s->text_fill += len + 1;
    return out;
}

/* Its folder: a file that is replaced by rename is another file to the kernel. */
static const char *folder_of(struct sandbox *s, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return ".";
    return keep(s, path, slash == path ? 1 : (size_t)(slash - path));
}

static ota_err add_folder(struct sandbox *s, const char *path, ota_err (*to)(struct sandbox *, const char *))
{
    const char *folder = folder_of(s, path);

    return folder ? to(s, folder) : OTA_USAGE_MEMORY;
}

/* ---- what the fetcher reads for file: URLs ---- */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c | 0x20) : NULL;

    return p ? (int)(p - digits) : -1;
}

/* The path of a file: URL in the form that the fetcher gives it; NULL: another kind of URL. */
static const char *file_path(struct sandbox *s, const char *url)
{
    char *path, *out;

    if (strncasecmp(url, "file:", 5) != 0)
        return NULL;
    url += 5;
    if (strncmp(url, "//", 2) == 0)
        url += strncasecmp(url + 2, "localhost/", 10) == 0 ? 11 : 2;
    path = out = keep(s, url, strlen(url));
    for (const char *in = url; path && *in; in++) {
        int high = *in == '%' ? hex_digit(in[1]) : -1, low = high < 0 ? -1 : hex_digit(in[2]);

        *out++ = low < 0 ? *in : (char)(high * 16 + low);
        in += low < 0 ? 0 : 2;
    }
    if (path)
        *out = '\0';
    return path;
}

static void list_fetcher_files(struct sandbox *s, const struct agent_config *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->repo_count; i++) {
        const char *const url[2] = { c->repo[i].metadata_url, c->repo[i].targets_url };

        for (size_t k = 0; k < 2; k++) {
            const char *path = file_path(s, url[k]);

            if (path)
                s->fetcher_read[n++] = path;
        }
    }
    for (size_t i = 0; c->sandbox.read[i]; i++)
        s->fetcher_read[n++] = c->sandbox.read[i];
    s->fetcher_read[n] = NULL;
}

/* ---- programs ---- */

static size_t list_commands(struct sandbox *s, const struct agent_config *c)
{
    size_t n = 0;

    if (c->boot.reboot[0])
        s->command[n++] = (struct ota_posix_command){ c->boot.reboot, 0 };
    if (c->health.command[0])
        s->command[n++] = (struct ota_posix_command){ c->health.command, 0 };
    if (c->policy.metered_command[0])
        s->command[n++] = (struct ota_posix_command){ c->policy.metered_command, 0 };
    s->custom[0] = c->boot.path;
    if (strcmp(c->boot.type, "custom") == 0)
        s->command[n++] = (struct ota_posix_command){ s->custom, 3 }; /* verb, slot, state */
    return n;
}

static ota_err say(struct schema_fault *fault, ota_err err, const struct ota_fault *why)
{
    const bool is_key = strcmp(why->where, "sandbox.required") == 0;

    return device_fail(fault, is_key ? "sandbox.mode" : why->where, is_key ? "required, but this kernel lacks a part of it" : NULL, err, why);
}

/* The service that issues certificates is shown none, and may have another CA. */
static ota_err start_attest(struct sandbox *s, const struct agent_config *c, struct ota_fault *why)
{
    s->attest_net = (struct ota_posix_net_config){ .ca_file = c->attest.ca_file ? c->attest.ca_file : c->net.ca_file, .proxy = c->net.proxy };
    s->attest_cfg = (struct ota_posix_helper_config){ .net = &s->attest_net, .required = s->helper_cfg.required };
    return ota_posix_helper_start(&s->attest_helper, &s->attest_cfg, why);
}

ota_err sandbox_start(struct sandbox *s, const struct agent_config *c, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_OK };

    memset(s, 0, sizeof *s);
    s->helper.fd = s->attest_helper.fd = -1;
    if (c->sandbox.mode == AGENT_SANDBOX_OFF)
        return OTA_OK;
    list_fetcher_files(s, c);
    s->net = (struct ota_posix_net_config){ .ca_file = c->net.ca_file, .cert_file = c->net.client_cert, .key_file = c->net.client_key,
                                            .proxy = c->net.proxy };
    if (c->attest.url) {
        (void)snprintf(s->update_file, sizeof s->update_file, "%s/%s", c->state_dir, OTA_ATTEST_UPDATE_PEM);
        s->net.certificate_later = true;
        s->net.cert_file = s->net.key_file = s->update_file;
    }
    s->helper_cfg = (struct ota_posix_helper_config){ .net = &s->net, .fetcher_read = s->fetcher_read,
        .required = c->sandbox.mode == AGENT_SANDBOX_REQUIRED, .commands = s->command, .command_count = list_commands(s, c) };
    ota_err err = ota_posix_helper_start(&s->helper, &s->helper_cfg, &why);
    if (err == OTA_OK && c->attest.url)
        err = start_attest(s, c, &why);
    return err == OTA_OK ? OTA_OK : say(fault, err, &why);
}

/* ---- what the writer reaches ---- */

static ota_err list_slots(struct sandbox *s, const struct agent_config *c)
{
    ota_err err = OTA_OK;

    for (size_t i = 0; i < c->component_count * 2 && err == OTA_OK; i++) {
        const struct agent_slot *slot = &c->component[i / 2].slot[i % 2];

        err = sandbox_write_path(s, slot->file ? slot->file : slot->block);
    }
    return err;
}

/* The devices or files of an environment of U-Boot: the first word of each line. */
static ota_err list_uboot(struct sandbox *s, const char *config)
{
    ota_err err = sandbox_write_path(s, "/run/lock");
    FILE *f = fopen(config, "re");
    char line[512], word[256];

    while (f && err == OTA_OK && fgets(line, sizeof line, f)) {
        if (sscanf(line, " %255s", word) != 1 || word[0] != '/')
            continue;
        const char *path = keep(s, word, strlen(word));
        err = path ? sandbox_write_path(s, path) : OTA_USAGE_MEMORY;
    }
    if (f)
        (void)fclose(f);
    return err == OTA_OK ? sandbox_read_path(s, config) : err;
}

static ota_err list_boot(struct sandbox *s, const struct agent_config *c)
{
    const struct agent_boot *b = &c->boot;
    ota_err err = b->record ? add_folder(s, b->record, sandbox_write_path) : OTA_OK;

    if (err != OTA_OK || strcmp(b->type, "custom") == 0)
        return err;
    if (strncmp(b->type, "uboot", 5) == 0)
        return list_uboot(s, b->path);
    if (strcmp(b->type, "efi") == 0)
        return sandbox_write_path(s, b->path ? b->path : "/sys/firmware/efi/efivars");
    return sandbox_write_path(s, b->path);
}

/* Time zones, the kernel's tables, power supplies: files that the ports read again and again. */
static const char *const system_files[] = { "/proc", "/sys/class/power_supply", "/sys/devices", "/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom" };

static ota_err list_files(struct sandbox *s, const struct agent_config *c)
{
    ota_err err = sandbox_write_path(s, c->state_dir);

    if (err == OTA_OK)
        err = sandbox_write_path(s, c->runtime_dir);
    if (err == OTA_OK)
        err = list_slots(s, c);
    if (err == OTA_OK)
        err = list_boot(s, c);
    if (err == OTA_OK && c->policy.consent_file)
        err = add_folder(s, c->policy.consent_file, sandbox_read_path);
    if (err == OTA_OK && c->policy.power_supply)
        err = sandbox_read_path(s, c->policy.power_supply);
    if (err == OTA_OK && c->attest.application_file)
        err = add_folder(s, c->attest.application_file, sandbox_write_path);
    for (size_t i = 0; i < sizeof system_files / sizeof system_files[0] && err == OTA_OK; i++)
        err = sandbox_read_path(s, system_files[i]);
    for (size_t i = 0; c->sandbox.read[i] && err == OTA_OK; i++)
        err = sandbox_read_path(s, c->sandbox.read[i]);
    for (size_t i = 0; c->sandbox.write[i] && err == OTA_OK; i++)
        err = sandbox_write_path(s, c->sandbox.write[i]);
    return err;
}

ota_err sandbox_enter(struct sandbox *s, const struct agent_config *c, struct schema_fault *fault)
{
    const struct ota_posix_sandbox_config cfg = { .role = OTA_POSIX_WRITER, .read = s->read, .write = s->write,
        .keep_caps = strcmp(c->boot.type, "efi") == 0 ? CAP_LINUX_IMMUTABLE_BIT : 0, .required = c->sandbox.mode == AGENT_SANDBOX_REQUIRED };
    struct ota_fault why = { .err = OTA_OK };

    if (s->helper.fd < 0)
        return OTA_OK;
    ota_err err = list_files(s, c);
    if (err != OTA_OK)
        return device_fail(fault, "sandbox", "too many paths", err, NULL);
    err = ota_posix_sandbox_enter(&cfg, &s->writer, &why);
    s->entered = err == OTA_OK;
    return err == OTA_OK ? OTA_OK : say(fault, err, &why);
}

void sandbox_close(struct sandbox *s)
{
    ota_posix_helper_stop(&s->attest_helper);
    ota_posix_helper_stop(&s->helper);
}
