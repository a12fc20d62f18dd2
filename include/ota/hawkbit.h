/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * hawkBit as the second check-in: Direct Device Integration API v1 (hawkBit 0.3 to 1.x, goosebit). The server says which
 * deployment this device should run, and hears what became of it; TUF says what the deployment consists of. An action of
 * hawkBit names the sequence number of a signed deployment: the metadata "ota.seq" of one of its software modules, visible
 * to targets, or an artefact whose name begins with "ota-seq-NUMBER". "ota.deployment" may add the SHA-256 of the pointer
 * file. When the signed deployment is another one, the action is closed as failed and nothing is installed.
 *
 * Needs a build with OTA_HAWKBIT, and a network port that can POST. TLS client certificates are the port's.
 */
#ifndef OTA_HAWKBIT_H
#define OTA_HAWKBIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_HAWKBIT_ATTRIBUTES_MAX 16 /**< attributes of the configuration */
#define OTA_HAWKBIT_TOKEN_MAX 128     /**< characters of a token */
#define OTA_HAWKBIT_ID_MAX 128        /**< characters of the controller's id and the tenant's name */

/** Sent beside product, device_group, os_version, sw_version and client_version. */
struct ota_hawkbit_attribute {
    const char *key;   /**< 1..128 printable ASCII characters without '~' and '`' */
    const char *value; /**< 0..128 of them */
};

/** What to answer when hawkBit asks whether an action may begin (its confirmation flow). */
enum ota_hawkbit_consent {
    OTA_HAWKBIT_CONFIRM = 0, /**< yes */
    OTA_HAWKBIT_DENY = 1,    /**< no: said once for each action and change of it */
    OTA_HAWKBIT_WAIT = 2     /**< nothing: a person answers on the server */
};

/** One server. Everything pointed to must outlive the agent. A 0 takes the default in brackets. */
struct ota_hawkbit {
    size_t size;               /**< sizeof(struct ota_hawkbit) */
    const char *url;           /**< of the server, ends in "/" */
    const char *tenant;        /**< NULL = "DEFAULT" */
    const char *controller_id; /**< NULL = the configuration's device_id */
    const char *target_token;  /**< security token of this target, or NULL */
    const char *gateway_token; /**< the tenant's gateway token, or NULL; not both */
    const struct ota_hawkbit_attribute *attributes;
    size_t attribute_count;  /**< 0..OTA_HAWKBIT_ATTRIBUTES_MAX */
    /** Name of the product's distribution sets, 1..128 printable ASCII characters, or NULL: what runs here by other means (from the
     * factory, by USB, by static files) is declared to be the set of this name and its version. hawkBit 0.7 and later. */
    const char *installed_set;
    bool replace_attributes; /**< the device's attributes replace all others; else they are merged in */
    enum ota_hawkbit_consent consent;
    uint32_t poll_min_s; /**< the server's interval is raised to this [30] ... */
    uint32_t poll_max_s; /**< ... and lowered to this [86400] */
    uint32_t look_s;     /**< during a download, ask this often whether the action still stands [60] */
};

#ifdef __cplusplus
}
#endif
#endif
