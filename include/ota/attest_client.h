/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Short certificates for what a device runs: it asks an attestation service for a challenge, answers with evidence of its
 * measurements, and gets two certificates of a day: one for updates, one for applications. An engine beside the agent, driven
 * in steps like it; applications can use it without one. What is said on the wire and what is stored stands in SPEC.md,
 * "Attestation service".
 *
 *     ota_attest_client_open(&a, &config, &fault);          certificates of other measurements are gone before any use
 *     for (;;) ota_attest_client_step(&a, &wait);           asks, stores, renews, drops what has expired
 *     ota_attest_client_certificate(&a, which, &fault);     may it be used now, and if not, why
 *
 * Each certificate is one record of the store: its key, the certificate, its issuers, in PEM, as TLS libraries read them from
 * one file. The keys are new ones with each renewal. A third record, OTA_ATTEST_RECORD, holds all of it and what it was issued
 * for: it is replaced as a whole, and the other two follow it, so that a power cut leaves the old set or the new one.
 */
#ifndef OTA_ATTEST_CLIENT_H
#define OTA_ATTEST_CLIENT_H

#include "ota/attest.h"
#include "ota/ota.h"
#include "ota/port_clock.h"
#include "ota/port_net.h"
#include "ota/port_store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_ATTEST_CHALLENGE_LEN 32u
#define OTA_ATTEST_KEY_LEN 65u             /**< a P-256 public key: 0x04 X Y */
#define OTA_ATTEST_REQUEST_MAX 12288u      /**< bytes of a request */
#define OTA_ATTEST_ANSWER_MAX 12288u       /**< bytes of an answer: a longer one is refused */
#define OTA_ATTEST_BUNDLE_MAX 4096u        /**< bytes of a key with its certificates in PEM */
#define OTA_ATTEST_KEY_TEXT_MAX 512u       /**< bytes of a key in PEM */
#define OTA_ATTEST_LIFE_MAX_S 2678400      /**< a certificate that lasts longer than 31 days is refused */

/** Names in the store. */
#define OTA_ATTEST_RECORD "attest"
#define OTA_ATTEST_UPDATE_PEM "attest-update.pem"
#define OTA_ATTEST_APPLICATION_PEM "attest-application.pem"

/** What a certificate is for. Numbers are stable. */
enum ota_certificate { OTA_CERTIFICATE_UPDATE = 0, OTA_CERTIFICATE_APPLICATION = 1 };
#define OTA_CERTIFICATES 2

/**
 * What evidence for certificates carries as its nonce, and what their keys sign to prove that the device has them: SHA-256 of
 * "ota attest keys 1" (17 bytes, without NUL), the service's nonce, the update key, the application key. So evidence vouches
 * for these two keys and for no others.
 * @return OTA_OK; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_attest_challenge(struct ota_crypto *c, const uint8_t nonce[OTA_ATTEST_CHALLENGE_LEN],
                                            const uint8_t update_key[OTA_ATTEST_KEY_LEN],
                                            const uint8_t application_key[OTA_ATTEST_KEY_LEN],
                                            uint8_t out[OTA_ATTEST_CHALLENGE_LEN]);

/* -------------------------------------------------------------------------------------------- keys to be certified -- */

struct ota_cert_keys;
struct ota_cert_keys_ops {
    /**
     * Make a new P-256 key for a certificate, in place of the one made before. It is held until the next make() or drop().
     * @param key   gets the public key
     * @param text  gets what the TLS library takes for the private key, in PEM with its line ends: the key itself, or, where it
     *              cannot leave its place, a reference to it. Not NUL-terminated
     * @param len   gets its length, at most OTA_ATTEST_KEY_TEXT_MAX
     * @return OTA_OK; DEVICE_CRYPTO with the port's own number in *port_code
     */
    ota_err (*make)(struct ota_cert_keys *k, enum ota_certificate which, uint8_t key[OTA_ATTEST_KEY_LEN], uint8_t *text, size_t *len,
                    int32_t *port_code);
    /** Sign a SHA-256 digest with the key that was made: r and s. @return OTA_OK; DEVICE_CRYPTO, also when none was made */
    ota_err (*sign)(struct ota_cert_keys *k, enum ota_certificate which, const uint8_t digest[OTA_SHA256_LEN],
                    uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code);
    /** Forget what make() holds. Harmless when there is nothing. */
    void (*drop)(struct ota_cert_keys *k);
};

/** Makes keys. First member of the port's own struct. */
struct ota_cert_keys {
    const struct ota_cert_keys_ops *ops;
};

/* ------------------------------------------------------------------------------------------------------ the engine -- */

/** What the engine works with. All pointers must outlive it. */
struct ota_attest_client_config {
    size_t size;                        /**< sizeof this struct */
    const char *url;                    /**< service: "https://host[:port][/path]" without a '/' at its end */
    const char *token;                  /**< registration token, 1..128 printable ASCII characters without space, '"' and '\';
                                             NULL = the device is registered. Shown until the first certificates came, and again
                                             when the service does not know the device any more */
    struct ota_net *net;                /**< that shows no client certificate, and is used by nobody else while a step is due */
    struct ota_store *store;
    struct ota_clock *clock;
    struct ota_crypto *crypto;
    struct ota_signer *signer;          /**< of the device's key */
    const uint8_t *key;                 /**< the device's public key, OTA_ATTEST_KEY_LEN bytes */
    struct ota_cert_keys *keys;
    const struct ota_attest_log *log;   /**< complete: whatever is measured later belongs to the next start */
    const struct ota_claims *claims;    /**< of the evidence; nonce and instance are not looked at */
    enum ota_token_form form;
    uint32_t retry_base_s, retry_cap_s; /**< wait after a failure, doubled each time: 0 = 30, and 0 = 3600. Retry-After is obeyed up
                                             to the cap */
    uint32_t timeout_s;                 /**< of one exchange; 0 = 60 */
    uint32_t connect_ms;                /**< 0 = the port's default */
};

/** What there is, for people and reports. */
struct ota_attest_status {
    ota_err hold;                       /**< why there is no valid certificate for updates: OTA_OK = there is one; RETRY_CLOCK: it cannot
                                             be told, the clock is not known; RETRY_CERTIFICATE: there is none */
    struct ota_fault last;              /**< why the last try failed, or why certificates were dropped: REJECT_HASH at
                                             "attest.measurements", REJECT_FREEZE at "attest.expired", REJECT_CORRUPT at
                                             "attest.record"; OTA_OK after a success */
    char refused[32], field[OTA_FAULT_WHERE_MAX]; /**< the service's own words for its refusal; "" = it did not refuse */
    char outdated[OTA_FAULT_WHERE_MAX]; /**< measurement of a release that gets no application certificate; "" = none is */
    int64_t not_after_s, renew_at_s;    /**< Unix seconds; 0 = no certificate */
    uint32_t failures;                  /**< in a row */
};

/** The engine. Plain memory of the caller's; its members are the engine's own. */
struct ota_attest_client {
    struct ota_attest_client_config cfg;
    struct ota_attest_status status;
    struct ota_net_head head;
    uint8_t instance[OTA_ATTEST_INSTANCE_LEN];
    uint8_t cert_key[OTA_CERTIFICATES][OTA_ATTEST_KEY_LEN];
    uint8_t key_text[OTA_CERTIFICATES][OTA_ATTEST_KEY_TEXT_MAX];
    size_t key_text_len[OTA_CERTIFICATES];
    uint8_t nonce[OTA_ATTEST_CHALLENGE_LEN];
    char nonce_id[33];
    char url[OTA_URL_MAX];
    uint8_t phase;
    bool open, have_head, registers, stale;
    bool has[OTA_CERTIFICATES];
    int64_t not_before_s;
    uint64_t next_ms, deadline_ms;
    size_t in_len, out_len;
    uint8_t in[OTA_ATTEST_ANSWER_MAX];
    uint8_t out[OTA_ATTEST_REQUEST_MAX];
};

/**
 * Begin. Certificates that were issued for other measurements than those of cfg->log, or whose record is damaged, are removed
 * with their keys before this returns; status.last says so.
 * @param fault  may be NULL
 * @return OTA_OK; USAGE_CONFIG naming the member; USAGE_ABI; DEVICE_STORE, DEVICE_FULL: the records are not in order, and must not
 *         be used; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_attest_client_open(struct ota_attest_client *a, const struct ota_attest_client_config *cfg, struct ota_fault *fault);
/** Give up what is under way. Certificates stay. Harmless twice. */
void ota_attest_client_close(struct ota_attest_client *a);

/** Do one bounded thing, and say when to be called again. Failures are in the status, and tried again. May block as keys and store do. */
void ota_attest_client_step(struct ota_attest_client *a, struct ota_wait *wait);

/** Ask for new certificates with the next step, whatever is waited for. While an exchange is under way it changes nothing. */
void ota_attest_client_now(struct ota_attest_client *a);

/** An exchange is under way: the network port is in use. */
bool ota_attest_client_busy(const struct ota_attest_client *a);

/**
 * May the certificate be used at this moment? Its record is then what was stored last.
 * @param fault  may be NULL; names "attest.update" or "attest.application", "attest.outdated" for an application certificate that
 *               the release is too old for, or "clock"
 * @return OTA_OK; RETRY_CERTIFICATE: there is none, or it has expired; RETRY_CLOCK
 */
OTA_MUST_CHECK ota_err ota_attest_client_certificate(struct ota_attest_client *a, enum ota_certificate which, struct ota_fault *fault);

/** @param out  is filled */
void ota_attest_client_status(struct ota_attest_client *a, struct ota_attest_status *out);

#ifdef __cplusplus
}
#endif
#endif
