/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* fdopen */
#include "device_hawkbit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ota_err bad_token(struct schema_fault *fault, const char *key, const char *what)
{
    (void)schema_fail(fault, key, what);
    return OTA_USAGE_CONFIG;
}

/* The first line of a file that is nobody else's: a token is a key. */
ota_err device_read_token(const char *path, const char *key, char *out, size_t cap, struct schema_fault *fault)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return bad_token(fault, key, strerror(errno));
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, out, cap - 1) : -1;
    (void)close(fd);
    if (n < 0)
        return bad_token(fault, key, "is not a file that can be read");
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return bad_token(fault, key, "may be read by others: its mode must be 0600");
    out[n] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return out[0] ? OTA_OK : bad_token(fault, key, "holds no token");
}

static enum ota_hawkbit_consent consent_of(const char *word)
{
    if (word && strcmp(word, "deny") == 0)
        return OTA_HAWKBIT_DENY;
    return word && strcmp(word, "wait") == 0 ? OTA_HAWKBIT_WAIT : OTA_HAWKBIT_CONFIRM;
}

ota_err device_hawkbit_open(struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    const struct agent_hawkbit *h = &c->hawkbit;
    const char *path = h->target_token_file ? h->target_token_file : h->gateway_token_file;
    const char *key = h->target_token_file ? "hawkbit.target_token_file" : "hawkbit.gateway_token_file";
    ota_err err = path ? device_read_token(path, key, d->token, sizeof d->token, fault) : OTA_OK;

    if (err != OTA_OK)
        return err;
    for (size_t i = 0; i < h->attribute_count; i++)
        d->attribute[i] = (struct ota_hawkbit_attribute){ h->attribute[i].key, h->attribute[i].value };
    d->hawkbit = (struct ota_hawkbit){
        .size = sizeof d->hawkbit,
        .url = h->url,
        .tenant = h->tenant,
        .controller_id = h->controller_id,
        .target_token = h->target_token_file ? d->token : NULL,
        .gateway_token = h->gateway_token_file ? d->token : NULL,
        .attributes = d->attribute,
        .attribute_count = h->attribute_count,
        .installed_set = h->installed_set,
        .replace_attributes = h->replace_attributes,
        .consent = consent_of(h->consent),
        .poll_min_s = h->poll_min_s,
        .poll_max_s = h->poll_max_s,
        .look_s = h->look_s,
    };
    return OTA_OK;
}
