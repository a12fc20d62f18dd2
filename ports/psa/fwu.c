/* SPDX-License-Identifier: Apache-2.0 */
/* psa_fwu_*() on libota's boot and slot ports. STAGED, TRIAL and REJECTED are the boot control's to tell; the rest is kept in
 * memory, which PSA_FWU_FLAG_VOLATILE_STAGING says. */
#include <string.h>

#include "ota/psa_fwu.h"
#include <psa/update.h>

#define PIECE 512u /* bytes read back at once, on the stack */

static struct ota_fwu *fwu; /* the API's functions have no argument for it */

static struct ota_fwu_component *component(psa_fwu_component_t c)
{
    return fwu && c < fwu->cfg.component_count ? &fwu->component[c] : NULL;
}

ota_err ota_fwu_use(struct ota_fwu *f, const struct ota_fwu_config *cfg)
{
    if (!f || !cfg || !cfg->boot || !cfg->crypto || !cfg->components || cfg->component_count == 0 ||
        cfg->component_count > OTA_COMPONENTS_MAX)
        return OTA_USAGE_ARGUMENT;
    memset(f, 0, sizeof *f);
    f->cfg = *cfg;
    fwu = f;
    return OTA_OK;
}

static bool look(struct ota_boot_view *v)
{
    int32_t code = 0;

    memset(v, 0, sizeof *v);
    return fwu->cfg.boot->ops->view(fwu->cfg.boot, v, &code) == OTA_OK;
}

/* The boot control's word comes first. A trial that was given up names no slots any more: all that run may be part of it. */
static uint8_t state_of(const struct ota_boot_view *v, psa_fwu_component_t c)
{
    bool armed = v->armed[c] != OTA_SLOT_NONE;

    if (armed && v->pending)
        return PSA_FWU_STAGED;
    if (armed && v->trial)
        return PSA_FWU_TRIAL;
    if (v->trial && v->tries_left == 0 && fwu->component[c].state != PSA_FWU_UPDATED) {
        bool any = false;

        for (size_t i = 0; i < fwu->cfg.component_count; i++)
            any |= v->armed[i] != OTA_SLOT_NONE;
        if (!any)
            return PSA_FWU_REJECTED;
    }
    if (v->spent && fwu->component[c].state == PSA_FWU_READY)
        return PSA_FWU_FAILED;
    return fwu->component[c].state;
}

/* The component and its state; PSA_SUCCESS when it exists. */
static psa_status_t find(psa_fwu_component_t c, struct ota_fwu_component **out, uint8_t *state)
{
    struct ota_boot_view v;

    *out = component(c);
    if (!*out)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (!look(&v))
        return PSA_ERROR_HARDWARE_FAILURE;
    *state = state_of(&v, c);
    return PSA_SUCCESS;
}

psa_status_t psa_fwu_query(psa_fwu_component_t c, psa_fwu_component_info_t *info)
{
    struct ota_fwu_component *p;
    struct ota_slot_geometry g;
    struct ota_boot_view v;
    struct ota_slot *slot;
    uint8_t state, spare;
    int32_t code = 0;
    psa_status_t status = find(c, &p, &state);

    if (status != PSA_SUCCESS)
        return status;
    if (!info || !look(&v))
        return info ? PSA_ERROR_HARDWARE_FAILURE : PSA_ERROR_INVALID_ARGUMENT;
    spare = v.running[c] <= 1 ? (uint8_t)(1 - v.running[c]) : 0;
    slot = fwu->cfg.components[c].slot[spare];
    if (slot->ops->geometry(slot, &g, &code) != OTA_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    const struct ota_fwu_version *version = &fwu->cfg.version[c];
    *info = (psa_fwu_component_info_t){ .state = state, .error = p->error,
        .version = { version->major, version->minor, version->patch, version->build },
        .max_size = g.size > UINT32_MAX ? UINT32_MAX : (uint32_t)g.size, .flags = PSA_FWU_FLAG_VOLATILE_STAGING,
        .location = spare, .impl = { p->written } };
    if (state == PSA_FWU_FAILED && p->state == PSA_FWU_READY)
        info->error = PSA_ERROR_GENERIC_ERROR; /* the loader took it back, and does not say why */
    return PSA_SUCCESS;
}

psa_status_t psa_fwu_start(psa_fwu_component_t c, const void *manifest, size_t manifest_size)
{
    struct ota_fwu_component *p;
    struct ota_boot_view v;
    struct ota_slot *slot;
    int32_t code = 0;
    uint8_t state;
    psa_status_t status = find(c, &p, &state);

    if (status != PSA_SUCCESS)
        return status;
    if (state != PSA_FWU_READY || !look(&v))
        return state != PSA_FWU_READY ? PSA_ERROR_BAD_STATE : PSA_ERROR_HARDWARE_FAILURE;
    if (manifest_size != (manifest ? OTA_SHA256_LEN : 0) || (!manifest && !fwu->cfg.manifest_optional))
        return PSA_ERROR_INVALID_ARGUMENT;
    memset(p, 0, sizeof *p);
    p->slot = v.running[c] <= 1 ? (uint8_t)(1 - v.running[c]) : 0;
    slot = fwu->cfg.components[c].slot[p->slot];
    if (slot->ops->geometry(slot, &p->geometry, &code) != OTA_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    if (p->geometry.write_unit > OTA_FWU_UNIT_MAX)
        return PSA_ERROR_NOT_SUPPORTED;
    if (manifest)
        memcpy(p->digest, manifest, OTA_SHA256_LEN);
    p->has_digest = manifest != NULL;
    p->state = PSA_FWU_WRITING;
    return PSA_SUCCESS;
}

static bool erase_ahead(struct ota_slot *slot, struct ota_fwu_component *p, uint64_t end)
{
    uint32_t unit = p->geometry.erase_unit;
    int32_t code = 0;

    while (unit != 0 && p->erased < end) {
        if (slot->ops->erase(slot, p->erased, unit, &code) != OTA_OK)
            return false;
        p->erased += unit;
    }
    return true;
}

static bool put(struct ota_slot *slot, struct ota_fwu_component *p, uint64_t off, const uint8_t *data, size_t len)
{
    int32_t code = 0;

    return len == 0 || (erase_ahead(slot, p, off + len) && slot->ops->write(slot, off, data, len, &code) == OTA_OK);
}

/* Bytes that do not fill a unit wait in p->unit for the next block. On failure nothing was taken: the block may be repeated. */
static bool write_block(struct ota_slot *slot, struct ota_fwu_component *p, const uint8_t *block, size_t len)
{
    size_t unit = p->geometry.write_unit, waiting = p->unit_len;
    size_t first = waiting > 0 && len >= unit - waiting ? unit - waiting : 0;
    size_t whole = waiting > 0 && first == 0 ? 0 : (len - first) / unit * unit;
    size_t rest = len - first - whole;
    uint64_t off = p->written - waiting;

    if (first > 0) {
        memcpy(p->unit + waiting, block, first);
        if (!put(slot, p, off, p->unit, unit))
            return false;
        waiting = 0;
        off += unit;
    }
    if (!put(slot, p, off, block + first, whole))
        return false;
    memcpy(p->unit + waiting, block + first + whole, rest);
    p->unit_len = (uint32_t)(waiting + rest);
    p->written += len;
    return true;
}

/* The end of the image fills its last unit up as the agent does. */
static bool write_rest(struct ota_slot *slot, struct ota_fwu_component *p)
{
    if (p->unit_len == 0)
        return true;
    memset(p->unit + p->unit_len, 0xff, p->geometry.write_unit - p->unit_len);
    return put(slot, p, p->written - p->unit_len, p->unit, p->geometry.write_unit);
}

/* In order and without gaps: section 5.4 leaves it to the implementation, and flash is erased ahead. */
psa_status_t psa_fwu_write(psa_fwu_component_t c, size_t image_offset, const void *block, size_t block_size)
{
    struct ota_fwu_component *p;
    uint8_t state;
    psa_status_t status = find(c, &p, &state);

    if (status != PSA_SUCCESS)
        return status;
    if (state != PSA_FWU_WRITING)
        return PSA_ERROR_BAD_STATE;
    if (!block || block_size > PSA_FWU_MAX_WRITE_SIZE || image_offset != p->written)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (block_size > p->geometry.size - p->written)
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    return write_block(fwu->cfg.components[c].slot[p->slot], p, block, block_size) ? PSA_SUCCESS : PSA_ERROR_STORAGE_FAILURE;
}

static ota_err hash_slot(struct ota_slot *slot, uint64_t len, uint8_t out[OTA_HASH_LEN_MAX])
{
    struct ota_crypto *crypto = fwu->cfg.crypto;
    uint8_t piece[PIECE];
    struct ota_hash h;
    int32_t code = 0;
    ota_err err = crypto->ops->hash_start(crypto, &h, OTA_SHA256);

    if (err != OTA_OK)
        return err;
    for (uint64_t off = 0; off < len && err == OTA_OK;) {
        size_t n = len - off < sizeof piece ? (size_t)(len - off) : sizeof piece;

        err = slot->ops->read(slot, off, piece, n, &code);
        if (err == OTA_OK)
            err = crypto->ops->hash_add(crypto, &h, piece, n);
        off += n;
    }
    ota_err ended = crypto->ops->hash_end(crypto, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? ended : err;
}

static psa_status_t fail(struct ota_fwu_component *p, psa_status_t why)
{
    p->state = PSA_FWU_FAILED;
    p->error = why;
    return why;
}

psa_status_t psa_fwu_finish(psa_fwu_component_t c)
{
    uint8_t digest[OTA_HASH_LEN_MAX];
    struct ota_fwu_component *p;
    struct ota_slot *slot;
    int32_t code = 0;
    uint8_t state;
    psa_status_t status = find(c, &p, &state);

    if (status != PSA_SUCCESS)
        return status;
    if (state != PSA_FWU_WRITING)
        return PSA_ERROR_BAD_STATE;
    slot = fwu->cfg.components[c].slot[p->slot];
    if (!write_rest(slot, p) || slot->ops->sync(slot, &code) != OTA_OK || (p->has_digest && hash_slot(slot, p->written, digest) != OTA_OK))
        return fail(p, PSA_ERROR_STORAGE_FAILURE);
    if (p->has_digest && memcmp(digest, p->digest, OTA_SHA256_LEN) != 0)
        return fail(p, PSA_ERROR_INVALID_SIGNATURE);
    p->state = PSA_FWU_CANDIDATE;
    return PSA_SUCCESS;
}

psa_status_t psa_fwu_cancel(psa_fwu_component_t c)
{
    struct ota_fwu_component *p;
    uint8_t state;
    psa_status_t status = find(c, &p, &state);

    if (status != PSA_SUCCESS)
        return status;
    if (state != PSA_FWU_WRITING && state != PSA_FWU_CANDIDATE)
        return PSA_ERROR_BAD_STATE;
    (void)fail(p, PSA_SUCCESS);
    return PSA_SUCCESS;
}

psa_status_t psa_fwu_clean(psa_fwu_component_t c)
{
    struct ota_fwu_component *p;
    struct ota_boot_view v;
    uint8_t state;
    int32_t code = 0;
    psa_status_t status = find(c, &p, &state);

    if (status != PSA_SUCCESS)
        return status;
    if (state != PSA_FWU_FAILED && state != PSA_FWU_UPDATED)
        return PSA_ERROR_BAD_STATE;
    if (!look(&v) || (v.spent && fwu->cfg.boot->ops->revert(fwu->cfg.boot, &code) != OTA_OK))
        return PSA_ERROR_HARDWARE_FAILURE;
    memset(p, 0, sizeof *p);
    return PSA_SUCCESS;
}

/* All candidates at once, or none. */
psa_status_t psa_fwu_install(void)
{
    uint8_t slot[OTA_COMPONENTS_MAX];
    struct ota_boot_view v;
    bool any = false;
    int32_t code = 0;

    if (!fwu || !look(&v))
        return fwu ? PSA_ERROR_HARDWARE_FAILURE : PSA_ERROR_BAD_STATE;
    memset(slot, OTA_SLOT_NONE, sizeof slot);
    for (psa_fwu_component_t i = 0; i < fwu->cfg.component_count; i++) {
        uint8_t state = state_of(&v, i);

        if (state == PSA_FWU_STAGED || state == PSA_FWU_TRIAL || state == PSA_FWU_REJECTED)
            return PSA_ERROR_BAD_STATE;
        if (state == PSA_FWU_CANDIDATE)
            slot[i] = fwu->component[i].slot;
        any |= state == PSA_FWU_CANDIDATE;
    }
    if (!any)
        return PSA_ERROR_BAD_STATE;
    return fwu->cfg.boot->ops->arm(fwu->cfg.boot, slot, fwu->cfg.component_count, 1, &code) == OTA_OK ? PSA_SUCCESS_REBOOT
                                                                                                   : PSA_ERROR_STORAGE_FAILURE;
}

psa_status_t psa_fwu_request_reboot(void)
{
    int32_t code = 0;

    if (!fwu)
        return PSA_ERROR_BAD_STATE;
    return fwu->cfg.boot->ops->reboot(fwu->cfg.boot, &code) == OTA_OK ? PSA_SUCCESS : PSA_ERROR_NOT_SUPPORTED;
}

/* Set every component that is in state `from`. @return how many */
static unsigned move_all(const struct ota_boot_view *v, uint8_t from, uint8_t to, psa_status_t error)
{
    unsigned n = 0;

    for (psa_fwu_component_t i = 0; i < fwu->cfg.component_count; i++)
        if (state_of(v, i) == from) {
            memset(&fwu->component[i], 0, sizeof fwu->component[i]);
            fwu->component[i].state = to;
            fwu->component[i].error = error;
            n++;
        }
    return n;
}

psa_status_t psa_fwu_accept(void)
{
    struct ota_boot_view v;
    int32_t code = 0;

    if (!fwu || !look(&v) || !v.trial)
        return PSA_ERROR_BAD_STATE;
    if (fwu->cfg.boot->ops->confirm(fwu->cfg.boot, &code) != OTA_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    return move_all(&v, PSA_FWU_TRIAL, PSA_FWU_UPDATED, PSA_SUCCESS) > 0 ? PSA_SUCCESS : PSA_ERROR_BAD_STATE;
}

psa_status_t psa_fwu_reject(psa_status_t error)
{
    struct ota_boot_view v;
    int32_t code = 0;

    if (!fwu || !look(&v) || (!v.pending && !v.trial))
        return PSA_ERROR_BAD_STATE;
    if (fwu->cfg.boot->ops->revert(fwu->cfg.boot, &code) != OTA_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    if (v.pending)
        return move_all(&v, PSA_FWU_STAGED, PSA_FWU_FAILED, error) > 0 ? PSA_SUCCESS : PSA_ERROR_BAD_STATE;
    (void)move_all(&v, PSA_FWU_TRIAL, PSA_FWU_FAILED, error);
    return PSA_SUCCESS_REBOOT;
}

static uint32_t part(const char **text, uint32_t max)
{
    uint64_t v = 0;

    while (**text && (**text < '0' || **text > '9'))
        (*text)++;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        v = v > max ? v : v * 10 + (uint64_t)(**text - '0');
    return v > max ? max : (uint32_t)v;
}

void ota_fwu_version(const char *text, struct ota_fwu_version *out)
{
    const char *p = text ? text : "";

    out->major = (uint8_t)part(&p, UINT8_MAX);
    out->minor = (uint8_t)part(&p, UINT8_MAX);
    out->patch = (uint16_t)part(&p, UINT16_MAX);
    out->build = part(&p, UINT32_MAX);
}
