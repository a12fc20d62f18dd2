/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAX 2048u

bool measure_option(struct measure *m, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;

    if (len == 0 || len >= sizeof m->name || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len || !equals[1])
        return false;
    memcpy(m->name, text, len);
    m->name[len] = '\0';
    m->file = equals + 1;
    return true;
}

void measure_forget(const struct measure *m)
{
    if (m->file)
        (void)unlink(m->file);
}

static ota_err hash(struct ota_crypto *c, struct ota_hash *h, int fd, uint64_t length, int32_t *code)
{
    static uint8_t buf[65536];
    uint64_t at = 0;

    while (at < length) {
        size_t want = length - at < sizeof buf ? (size_t)(length - at) : sizeof buf;
        ssize_t n = pread(fd, buf, want, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            *code = n < 0 ? errno : ENODATA;
            return OTA_DEVICE_SLOT;
        }
        ota_err err = c->ops->hash_add(c, h, buf, (size_t)n);
        if (err != OTA_OK)
            return err;
        at += (uint64_t)n;
    }
    return OTA_OK;
}

static ota_err digest(struct ota_crypto *c, int fd, uint64_t length, uint8_t out[OTA_SHA256_LEN], int32_t *code)
{
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256), end;

    if (err != OTA_OK)
        return err;
    err = hash(c, &h, fd, length, code);
    end = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? end : err;
}

static ota_err measure_self(struct ota_crypto *c, struct ota_attest_log *log, int32_t *code)
{
    struct ota_measurement m = { .kind = OTA_MEASURED_BOOT, .name = "supervisor" };
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ota_err err = OTA_DEVICE_SLOT;

    if (fd >= 0 && fstat(fd, &st) == 0)
        err = digest(c, fd, (uint64_t)st.st_size, m.digest, code);
    else
        *code = errno;
    if (fd >= 0)
        (void)close(fd);
    return err == OTA_OK ? ota_attest_extend(log, c, &m) : err;
}

static ota_err sign_by(struct ota_crypto *c, const uint8_t *key, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256), end;

    if (err != OTA_OK)
        return err;
    err = c->ops->hash_add(c, &h, key, len);
    end = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? end : err;
}

/* Whoever reads it finds the old log, none, or this one. */
static ota_err store(const struct measure *m, const struct ota_attest_log *log, int32_t *code)
{
    char text[LOG_MAX], temp[PATH_MAX];
    size_t len = 0;
    ota_err err = ota_attest_log_write(log, text, sizeof text, &len);
    FILE *f = NULL;

    if (err != OTA_OK)
        return err;
    if (snprintf(temp, sizeof temp, "%s.new", m->file) < (int)sizeof temp)
        f = fopen(temp, "w");
    bool ok = f && fwrite(text, 1, len, f) == len && fflush(f) == 0;
    if (f)
        ok = fclose(f) == 0 && ok;
    if (ok && rename(temp, m->file) == 0)
        return OTA_OK;
    *code = errno;
    return OTA_DEVICE_STORE;
}

ota_err measure_image(const struct measure *m, struct ota_crypto *c, int image, uint64_t length, const uint8_t *key, size_t key_len,
                      struct ota_fault *fault)
{
    struct ota_attest_log log = { 0 };
    struct ota_measurement package = { .kind = OTA_MEASURED_IMAGE };
    int32_t code = 0;
    ota_err err;

    if (!m->file)
        return OTA_OK;
    memcpy(package.name, m->name, sizeof package.name);
    err = measure_self(c, &log, &code);
    if (err == OTA_OK)
        err = digest(c, image, length, package.digest, &code);
    if (err == OTA_OK)
        err = sign_by(c, key, key_len, package.signer);
    if (err == OTA_OK)
        err = ota_attest_extend(&log, c, &package);
    if (err == OTA_OK)
        err = store(m, &log, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "measure", code);
}
