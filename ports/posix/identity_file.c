/* SPDX-License-Identifier: Apache-2.0 */
/* Identity in files. The key is made once, counters are made before it: a folder with a key and no counters has lost them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "file_io.h"
#include "identity_pem.h"
#include "identity_state.h"
#include "ota/posix_identity.h"

#define SIGNATURE PSA_ALG_ECDSA(PSA_ALG_SHA_256)

_Static_assert(sizeof(psa_key_id_t) == sizeof(uint32_t), "struct ota_posix_identity keeps it as 32 bits");

static const char key_name[] = "key.pem";

static struct ota_posix_identity *self(struct ota_identity *s)
{
    return (struct ota_posix_identity *)s;
}

static ota_err result(int number, int32_t *port_code)
{
    return otap_result(number, OTA_DEVICE_IDENTITY, port_code);
}

/* ---- the key ---- */

static psa_status_t set_up_key(psa_key_attributes_t *attr, psa_key_usage_t usage)
{
    *attr = psa_key_attributes_init();
    psa_set_key_type(attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(attr, 256);
    psa_set_key_usage_flags(attr, usage);
    psa_set_key_algorithm(attr, SIGNATURE);
    return psa_crypto_init();
}

static psa_status_t export_both(psa_key_id_t id, uint8_t *priv, uint8_t *pub)
{
    size_t len = 0;
    psa_status_t status = psa_export_key(id, priv, OTAP_PRIVATE_LEN, &len);

    if (status == PSA_SUCCESS && len != OTAP_PRIVATE_LEN)
        status = PSA_ERROR_GENERIC_ERROR;
    return status == PSA_SUCCESS ? psa_export_public_key(id, pub, OTAP_PUBLIC_LEN, &len) : status;
}

/* A new key pair; PSA forgets it again. */
static int generate(uint8_t priv[OTAP_PRIVATE_LEN], uint8_t pub[OTAP_PUBLIC_LEN])
{
    psa_key_attributes_t attr;
    psa_key_id_t id = 0;
    psa_status_t status = set_up_key(&attr, PSA_KEY_USAGE_EXPORT);

    if (status == PSA_SUCCESS)
        status = psa_generate_key(&attr, &id);
    if (status == PSA_SUCCESS)
        status = export_both(id, priv, pub);
    (void)psa_destroy_key(id);
    return (int)status;
}

/* For signing, and no way out again. A private key that is not that of the public one is a damaged file. */
static int import(struct ota_posix_identity *s, const uint8_t priv[OTAP_PRIVATE_LEN], const uint8_t pub[OTAP_PUBLIC_LEN])
{
    psa_key_attributes_t attr;
    psa_key_id_t id = 0;
    size_t len = 0;
    psa_status_t status = set_up_key(&attr, PSA_KEY_USAGE_SIGN_HASH);

    if (status == PSA_SUCCESS)
        status = psa_import_key(&attr, priv, OTAP_PRIVATE_LEN, &id);
    if (status == PSA_ERROR_INVALID_ARGUMENT)
        return EBADMSG;
    if (status == PSA_SUCCESS)
        status = psa_export_public_key(id, s->key, sizeof s->key, &len);
    s->key_id = id;
    if (status != PSA_SUCCESS)
        return (int)status;
    return memcmp(s->key, pub, sizeof s->key) == 0 ? 0 : EBADMSG;
}

static int load_key(struct ota_posix_identity *s)
{
    char text[OTAP_PEM_LEN];
    uint8_t priv[OTAP_PRIVATE_LEN], pub[OTAP_PUBLIC_LEN];
    int number = otap_identity_read(s->dir_fd, key_name, text, sizeof text);

    if (number == 0)
        number = otap_pem_read(text, priv, pub) ? import(s, priv, pub) : EBADMSG;
    explicit_bzero(text, sizeof text);
    explicit_bzero(priv, sizeof priv);
    return number;
}

static int owner_of(const uint8_t pub[OTAP_PUBLIC_LEN], uint8_t owner[OTA_SHA256_LEN])
{
    return otap_sha256(pub, OTAP_PUBLIC_LEN, owner);
}

/* Counters first: a power cut between the two leaves a folder in which nothing was counted, and no key. */
static int make_key(struct ota_posix_identity *s)
{
    static const struct otap_counters zero;
    uint8_t priv[OTAP_PRIVATE_LEN], pub[OTAP_PUBLIC_LEN], owner[OTA_SHA256_LEN];
    char text[OTAP_PEM_LEN];
    int number = generate(priv, pub);

    if (number == 0)
        number = owner_of(pub, owner);
    if (number == 0)
        number = otap_counters_write(s->dir_fd, owner, &zero);
    if (number == 0) {
        otap_pem_write(priv, pub, text);
        number = otap_identity_write(s->dir_fd, key_name, text, sizeof text);
    }
    explicit_bzero(priv, sizeof priv);
    explicit_bzero(text, sizeof text);
    return number;
}

/* ---- operations ---- */

static ota_err give(const void *from, size_t from_len, void *buf, size_t cap, size_t *len)
{
    *len = from_len;
    if (from_len > cap)
        return OTA_USAGE_MEMORY;
    memcpy(buf, from, from_len);
    return OTA_OK;
}

static ota_err read_certificate(int fd, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return result(errno, port_code);
    if (!S_ISREG(st.st_mode))
        return result(EBADMSG, port_code);
    *len = (size_t)st.st_size;
    if (*len == 0)
        return OTA_DEVICE_ABSENT;
    return *len > cap ? OTA_USAGE_MEMORY : result(otap_pread(fd, buf, *len, 0), port_code);
}

static ota_err get_certificate(struct ota_posix_identity *s, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    int fd = s->certificate ? open(s->certificate, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                            : openat(s->dir_fd, "certificate.der", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return errno == ENOENT ? OTA_DEVICE_ABSENT : result(errno, port_code);
    ota_err err = read_certificate(fd, buf, cap, len, port_code);
    otap_close(&fd);
    return err;
}

static ota_err get_register(struct ota_posix_identity *s, uint32_t reg, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct otap_registers all;

    if (reg >= OTA_IDENTITY_REGISTERS)
        return OTA_USAGE_ARGUMENT;
    ota_err err = result(otap_registers_read(s->dir_fd, &all), port_code);
    return err == OTA_OK ? give(all.value[reg], sizeof all.value[reg], buf, cap, len) : err;
}

static ota_err get(struct ota_identity *port, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct ota_posix_identity *s = self(port);

    *len = 0;
    if (item >= OTA_IDENTITY_REGISTER)
        return get_register(s, item - OTA_IDENTITY_REGISTER, buf, cap, len, port_code);
    switch (item) {
    case OTA_IDENTITY_KEY: return give(s->key, sizeof s->key, buf, cap, len);
    case OTA_IDENTITY_CERTIFICATE: return get_certificate(s, buf, cap, len, port_code);
    case OTA_IDENTITY_AK:
    case OTA_IDENTITY_EK:
    case OTA_IDENTITY_EK_CERTIFICATE: return OTA_USAGE_UNSUPPORTED;
    default: return OTA_USAGE_ARGUMENT;
    }
}

static ota_err sign(struct ota_identity *port, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code)
{
    size_t len = 0;

    return result((int)psa_sign_hash(self(port)->key_id, SIGNATURE, digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len), port_code);
}

static ota_err random_bytes(struct ota_identity *port, void *out, size_t len, int32_t *port_code)
{
    (void)port;
    if (len > OTA_IDENTITY_RANDOM_MAX)
        return OTA_USAGE_ARGUMENT;
    return len == 0 ? OTA_OK : result((int)psa_generate_random(out, len), port_code);
}

/* Counters that came back from a backup while this process runs: it saw them higher. */
static bool went_back(struct ota_posix_identity *s, const struct otap_counters *c)
{
    for (size_t i = 0; i < OTA_IDENTITY_COUNTERS; i++) {
        if (c->value[i] < s->seen[i])
            return true;
        s->seen[i] = c->value[i];
    }
    return false;
}

static int read_counters(struct ota_posix_identity *s, uint8_t owner[OTA_SHA256_LEN], struct otap_counters *c)
{
    int number = owner_of(s->key, owner);

    if (number == 0)
        number = otap_counters_read(s->dir_fd, owner, c);
    return number == 0 && went_back(s, c) ? ESTALE : number;
}

static int raise_counter(struct ota_posix_identity *s, uint32_t which, uint64_t at_least, uint64_t *value)
{
    uint8_t owner[OTA_SHA256_LEN];
    struct otap_counters c;
    int number = read_counters(s, owner, &c);

    if (number == 0 && c.value[which] < at_least) {
        c.value[which] = at_least;
        number = otap_counters_write(s->dir_fd, owner, &c);
        if (number == 0)
            s->seen[which] = at_least;
    }
    *value = number == 0 ? c.value[which] : 0;
    return number;
}

static ota_err counter(struct ota_identity *port, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *port_code)
{
    struct ota_posix_identity *s = self(port);

    *value = 0;
    if (which >= OTA_IDENTITY_COUNTERS)
        return OTA_USAGE_ARGUMENT;
    int lock = otap_identity_lock(s->dir_fd);
    if (lock < 0)
        return result(-lock, port_code);
    int number = raise_counter(s, which, at_least, value);
    otap_close(&lock);
    return result(number, port_code);
}

static int extend_register(struct ota_posix_identity *s, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN])
{
    uint8_t both[2 * OTA_SHA256_LEN];
    struct otap_registers all;
    int number = otap_registers_read(s->dir_fd, &all);

    if (number != 0)
        return number;
    memcpy(both, all.value[reg], OTA_SHA256_LEN);
    memcpy(both + OTA_SHA256_LEN, digest, OTA_SHA256_LEN);
    number = otap_sha256(both, sizeof both, all.value[reg]);
    return number == 0 ? otap_registers_write(s->dir_fd, &all) : number;
}

static ota_err extend(struct ota_identity *port, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *port_code)
{
    struct ota_posix_identity *s = self(port);

    if (reg >= OTA_IDENTITY_REGISTERS)
        return OTA_USAGE_ARGUMENT;
    int lock = otap_identity_lock(s->dir_fd);
    if (lock < 0)
        return result(-lock, port_code);
    int number = extend_register(s, reg, digest);
    otap_close(&lock);
    return result(number, port_code);
}

static ota_err quote(struct ota_identity *port, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len,
                     int32_t *port_code)
{
    (void)port, (void)request, (void)out, (void)cap, (void)port_code;
    *len = 0;
    return OTA_USAGE_UNSUPPORTED;
}

static const struct ota_identity_ops ops = { get, sign, random_bytes, counter, extend, quote };

/* ---- opening ---- */

/* No key: on the first use there are no counters either, or nothing was counted yet. */
static int first_use(struct ota_posix_identity *s)
{
    struct otap_counters c;
    int number = otap_counters_read(s->dir_fd, NULL, &c);

    for (size_t i = 0; number == 0 && i < OTA_IDENTITY_COUNTERS; i++)
        if (c.value[i] != 0)
            return ENOENT;
    if (number != 0 && number != ENOENT)
        return number;
    number = make_key(s);
    return number == 0 ? load_key(s) : number;
}

static ota_err fail(struct ota_posix_identity *s, struct ota_fault *fault, const char *what, int number)
{
    char where[OTA_FAULT_WHERE_MAX];

    (void)snprintf(where, sizeof where, "identity.%s%s", what, number == EPERM ? ".owner" : number == EACCES ? ".mode" : "");
    ota_posix_identity_close(s);
    return ota_fault_set(fault, OTA_DEVICE_IDENTITY, where, number);
}

static ota_err load(struct ota_posix_identity *s, struct ota_fault *fault)
{
    uint8_t owner[OTA_SHA256_LEN];
    struct otap_counters c;
    int number = load_key(s);

    if (number == ENOENT)
        number = first_use(s);
    if (number != 0)
        return fail(s, fault, "key", number);
    number = read_counters(s, owner, &c);
    return number == 0 ? OTA_OK : fail(s, fault, "counters", number);
}

ota_err ota_posix_identity_file_open(struct ota_posix_identity *s, const struct ota_posix_identity_config *cfg, struct ota_fault *fault)
{
    if (!s)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "identity", 0);
    *s = (struct ota_posix_identity){ .port = { &ops, OTA_STRENGTH_SOFT, OTA_STRENGTH_NONE }, .dir_fd = -1 };
    if (!cfg || !cfg->dir)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "identity.dir", 0);
    s->certificate = cfg->certificate;
    int number = otap_open_dir(cfg->dir, &s->dir_fd);
    if (number == 0)
        number = otap_identity_dir_ok(s->dir_fd);
    if (number != 0)
        return fail(s, fault, "dir", number);
    int lock = otap_identity_lock(s->dir_fd);
    if (lock < 0)
        return fail(s, fault, "dir", -lock);
    ota_err err = load(s, fault);
    otap_close(&lock);
    return err;
}

void ota_posix_identity_close(struct ota_posix_identity *s)
{
    if (s->key_id != 0)
        (void)psa_destroy_key(s->key_id);
    s->key_id = 0;
    otap_close(&s->dir_fd);
}
