/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Power cuts for porters (library ota_cuts): a simulated flash to put below your own store, slot and boot port, and a run
 * that cuts its power at every operation, in every shape, and again while the port recovers. Plain C, no test framework,
 * no allocation, no agent: it asks whether a port keeps what include/ota/port_*.h promises about power cuts.
 * share/doc/ota/kit.md shows how to use it in an hour.
 */
#ifndef OTA_CUTS_H
#define OTA_CUTS_H

#include "ota/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How the power goes at an operation. */
enum ota_cut_shape {
    OTA_CUT_LOST = 0,      /**< it is not done; everything before it is durable */
    OTA_CUT_TORN = 1,      /**< its first half is done */
    OTA_CUT_BEHIND = 2,    /**< its second half is done */
    OTA_CUT_GARBAGE = 3,   /**< its whole range holds neither old nor new bytes */
    OTA_CUT_DROPPED = 4,   /**< it and everything since the last sync is lost */
    OTA_CUT_DONE = 5,      /**< it is done, and the caller never learns it */
    OTA_CUT_SHAPES
};

/** A flash. Fill in the first members; the rest is the kit's. Every write, erase and sync is one numbered operation. */
struct ota_cut_flash {
    uint8_t *now, *safe;     /**< yours, `size` bytes each: what is read, and what is certain to survive */
    uint32_t size;
    uint32_t write_unit;     /**< writes are aligned to it; 1 = bytes */
    uint32_t erase_unit;     /**< a write needs erased bytes, 0xff; 0 = no erase is needed, as on a disk */
    uint32_t ops;            /**< so far */
    uint32_t cut_at;         /**< the power goes at this operation; 0 = never */
    enum ota_cut_shape shape;
    bool off;                /**< every call fails from now on, until the next start */
    const char *misuse;      /**< first thing that a driver must not do to a flash; NULL = none */
    /** NULL; or where a change goes instead, when the flash belongs to a whole simulated device (sim.h). A write has data,
     * an erase has none, a sync has no length either. @return 0, or -1 when it does not happen */
    int (*change)(struct ota_cut_flash *f, uint32_t off, const void *data, uint32_t len);
};

/** What your driver calls where it calls the chip otherwise. @return 0, or -1 when the power is off */
int ota_cut_flash_read(struct ota_cut_flash *f, uint32_t off, void *buf, uint32_t len);
int ota_cut_flash_write(struct ota_cut_flash *f, uint32_t off, const void *buf, uint32_t len);
int ota_cut_flash_erase(struct ota_cut_flash *f, uint32_t off, uint32_t len);
int ota_cut_flash_sync(struct ota_cut_flash *f);

/** What is tested. May be the first member of a struct of yours. */
struct ota_cut_rig {
    struct ota_cut_flash *flash;
    /** The device starts: forget all that is in RAM and bring the port up on what the flash holds. On an empty (erased)
     * flash, make a fresh one. The boot port does what the loader does: choose the slots of this start, count a try.
     * NULL = it does not come up. Only the functions of ports that are tested are needed. */
    struct ota_store *(*store)(struct ota_cut_rig *rig);
    struct ota_slot *(*slot)(struct ota_cut_rig *rig);
    struct ota_boot *(*boot)(struct ota_cut_rig *rig);   /**< one component, slot 0 confirmed on a fresh flash */
    /** Called for each violation; may be NULL. The same op, shape and second op do it again. second = 0: a single cut. */
    void (*found)(struct ota_cut_rig *rig, const char *rule, uint32_t op, enum ota_cut_shape shape, uint32_t second);
    unsigned cuts, violations;   /**< counted by the kit */
};

/** Each cuts at every operation of a typical use, in every shape; and in the first operations after the start that
 * follows. @return violations; also when no cut ever came, for that proves nothing */
unsigned ota_cuts_store(struct ota_cut_rig *rig);
unsigned ota_cuts_slot(struct ota_cut_rig *rig);
unsigned ota_cuts_boot(struct ota_cut_rig *rig);

const char *ota_cut_shape_name(enum ota_cut_shape shape);

#ifdef __cplusplus
}
#endif
#endif
