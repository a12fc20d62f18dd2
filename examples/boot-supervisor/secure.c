/* SPDX-License-Identifier: Apache-2.0 */
#include "secure.h"

#include <errno.h>
#include <unistd.h>

struct descriptor {
    struct ota_package_reader reader;
    int fd;
};

static ota_err read_at(struct ota_package_reader *r, uint64_t off, void *to, size_t len, int32_t *port_code)
{
    const struct descriptor *d = (const struct descriptor *)(const void *)r;
    char *p = to;

    while (len > 0) {
        ssize_t n = pread(d->fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            *port_code = n < 0 ? errno : ENODATA;
            return OTA_DEVICE_SLOT;
        }
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return OTA_OK;
}

static const struct ota_package_reader_ops ops = { read_at };

ota_err secure_open(struct secure *s, const char *key_path, const char *component, uint32_t security_min, struct ota_fault *fault)
{
    ota_err err = ota_posix_package_key_load(&s->key, key_path, fault);

    if (err == OTA_OK)
        err = ota_posix_crypto_open(&s->crypto, NULL, fault);
    if (err != OTA_OK)
        return err;
    if (component && !ota_posix_package_id_parse(component, s->component))
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "package.component", 0);
    s->want = (struct ota_package_want){ .kind = s->key.kind,
                                         .key = s->key.bytes,
                                         .key_len = s->key.len,
                                         .component = component ? s->component : NULL,
                                         .security_min = security_min };
    return OTA_OK;
}

/* Trailers are looked for in all of it: a loader does not know where an image ends. */
ota_err secure_check(const struct secure *s, int fd, uint32_t security_min, struct secure_body *body, struct ota_fault *fault)
{
    static struct ota_package_verify v;
    static uint8_t buf[65536];
    static struct ota_package p;
    struct descriptor d = { { &ops }, fd };
    struct ota_crypto crypto = s->crypto.port;
    struct ota_package_want want = s->want;
    off_t size = lseek(fd, 0, SEEK_END);

    if (size < 0)
        return ota_fault_set(fault, OTA_DEVICE_SLOT, "slot.size", errno);
    if (want.security_min < security_min)
        want.security_min = security_min;
    ota_err err = ota_package_find(&v, &d.reader, (uint64_t)size, buf, sizeof buf, &crypto, &want, &p, fault);
    if (err == OTA_OK)
        *body = (struct secure_body){ p.body_len, p.length, p.security };
    return err;
}
