/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Slots and boot control of a microcontroller at the other end of a line (library ota_remote): the agent runs on a host that has
 * the network, the images and the trial are the microcontroller's. Both ends are here. Bytes on the line: SPEC.md, section 5.2.
 *
 *     host                                                      microcontroller
 *     struct ota_remote        asks, waits, asks again   <--->  struct ota_remote_end   answers from its own slot and boot ports
 *     struct ota_remote_slot, _boot, _health: ports of the agent
 *
 * Nothing is allocated and nothing is global; an image is never held, it passes through in pieces. Each end is used from one
 * thread. The line may lose, double or damage bytes, and either end may restart at any time.
 */
#ifndef OTA_REMOTE_H
#define OTA_REMOTE_H

#include "ota/mcu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_REMOTE_VERSION 1u   /**< of the protocol */
#define OTA_REMOTE_PIECE 1024u  /**< most image bytes that one frame carries */
#define OTA_REMOTE_PIECE_MIN 64u
#define OTA_REMOTE_HEAD 9u      /**< kind, session, number */
#define OTA_REMOTE_FRAME_MAX (OTA_REMOTE_HEAD + 16u + OTA_REMOTE_PIECE + 4u)

/** Numbers in port_code that are not the microcontroller's own. */
enum ota_remote_code {
    OTA_REMOTE_SILENT = -1021,    /**< the other end does not answer, or only in damaged frames */
    OTA_REMOTE_RESTARTED = -1022, /**< it was restarted, and may have lost what it had not made durable */
    OTA_REMOTE_PROTOCOL = -1023,     /**< it speaks another version of the protocol */
    OTA_REMOTE_ANSWER = -1024,    /**< its answer has the wrong length, or says what cannot be */
    OTA_REMOTE_MALFORMED = -1025, /**< it calls the request malformed */
    OTA_REMOTE_NO_TRIAL = -1026   /**< the trial that is asked about is over: the microcontroller runs its confirmed slot */
};

/** A frame that comes in. Fields belong to the library. */
struct ota_remote_receiver {
    uint8_t bytes[OTA_REMOTE_FRAME_MAX];
    size_t len;
    bool escaped, overrun;
    uint32_t damaged; /**< seen: frames that were dropped */
};

/* --------------------------------------------------------------------------------------------------- host -- */

/** The line to one microcontroller, shared by its slots, its boot control and its health. */
struct ota_remote {
    struct ota_mcu_pipe *pipe;
    struct ota_clock *clock;
    uint32_t retry_ms;            /**< an unanswered request is sent again after this long [500] */
    uint32_t tries;               /**< and given up after so many; one port call takes retry_ms * tries at most, per piece [8] */
    uint32_t sent, again, restarts; /**< seen: requests; of them repeated; restarts of the other end */
    int32_t trouble;              /**< seen: OTA_REMOTE_SILENT or _RESTARTED, when a slot operation failed for it; the owner sets it to 0 */
    char firmware[OTA_VERSION_MAX]; /**< what the other end says it runs; it proves nothing */
    /* what the greeting told */
    bool greeted;
    bool unsynced;                /* something was written or erased since the last sync */
    uint32_t session, number;
    uint16_t piece;
    struct ota_slot_geometry geometry;
    struct ota_remote_receiver in;
};

/**
 * Name the line. Reads and writes nothing yet: the first port call greets.
 * @param clock  for time-outs; while it waits for an answer the host sleeps a millisecond at a time
 */
void ota_remote_open(struct ota_remote *r, struct ota_mcu_pipe *pipe, struct ota_clock *clock);

/**
 * Slot `index` (0, 1) of the microcontroller. Its operations block for the time of one exchange per piece, at most retry_ms * tries
 * each. A restart of the other end between a write and the next sync is DEVICE_SLOT with OTA_REMOTE_RESTARTED, once. To the agent
 * that is a slot that failed: it drops the update, and tries again. Whoever would rather go on from the last checkpoint treats
 * it as what it is, a restart of the device: when `trouble` is set and the agent is in OTA_ST_REFUSE, ota_close() it and ota_init() it
 * anew instead of stepping it (examples/sphere-app/app.c).
 */
struct ota_remote_slot {
    struct ota_slot port;
    struct ota_remote *line;
    uint8_t index;
};
void ota_remote_slot_open(struct ota_remote_slot *s, struct ota_remote *line, uint8_t index);

/**
 * Boot control of the microcontroller: one component. The reboot operation restarts the microcontroller, not the host. A restart of
 * the other end in the middle of arm, confirm or revert is DEVICE_BOOT with OTA_REMOTE_RESTARTED: what it now runs must be looked at
 * first.
 */
struct ota_remote_boot {
    struct ota_boot port;
    struct ota_remote *line;
    bool restart_asked; /**< seen: by the reboot operation */
};
void ota_remote_boot_open(struct ota_remote_boot *b, struct ota_remote *line);

/** What the microcontroller says of itself. */
enum ota_remote_health_state { OTA_REMOTE_NO_VERDICT = 0, OTA_REMOTE_HEALTHY = 1, OTA_REMOTE_SICK = 2 };
struct ota_remote_state {
    struct ota_boot_view view; /**< of component 0; others are OTA_SLOT_NONE */
    uint8_t health;            /**< enum ota_remote_health_state: its self-test */
    bool busy;                 /**< it is at work and should not be restarted now */
    uint8_t refused;           /**< bit n: its boot stage refused slot n at the last start */
    int32_t reason;            /**< why it is sick, or its own number for the refusal; 0 = none */
};
/** Ask for it. @return OTA_OK; DEVICE_BOOT with the number in *port_code (may be NULL) */
OTA_MUST_CHECK ota_err ota_remote_state(struct ota_remote *r, struct ota_remote_state *out, int32_t *port_code);

/**
 * The microcontroller's self-test as the agent's health port: REJECT_HEALTH with its reason when it is sick, with
 * OTA_REMOTE_NO_TRIAL when the trial is over without us; DEVICE_HEALTH when it does not answer.
 */
struct ota_remote_health {
    struct ota_health port;
    struct ota_remote *line;
};
void ota_remote_health_open(struct ota_remote_health *h, struct ota_remote *line);

/* -------------------------------------------------------------------------------------------- other end -- */

struct ota_remote_end;

/** The microcontroller's side: serves its slots and its boot control to whoever is at the line. */
struct ota_remote_end_config {
    struct ota_mcu_pipe *pipe;
    struct ota_slot *slot[2];   /**< of equal geometry; e.g. struct ota_mcu_slot */
    struct ota_boot *boot;      /**< component 0; e.g. struct ota_mcu_boot, whose restart function restarts the microcontroller */
    struct ota_health *health;  /**< its self-test; NULL: there is none, the host judges */
    const char *firmware;       /**< version that runs; NULL = "" */
    uint32_t session;           /**< another one at each start, not 0: a counter or a random number */
    uint16_t piece;             /**< most image bytes of a frame, OTA_REMOTE_PIECE_MIN..OTA_REMOTE_PIECE [OTA_REMOTE_PIECE] */
};

/** About 1.2 KB. */
struct ota_remote_end {
    struct ota_remote_end_config cfg;
    bool busy;                  /**< set by the firmware: it is at work */
    uint8_t refused;            /**< set by the firmware: bit n, the boot stage refused slot n */
    int32_t refused_reason;
    struct ota_slot_geometry geometry;
    uint32_t last;              /* number of the request that was carried out last */
    uint8_t answer[16], answer_kind; /* and its answer, for when it got lost */
    size_t answer_len;
    struct ota_remote_receiver in;
};

/**
 * Begin to serve. Reads the geometry of the slots, nothing else.
 * @return OTA_OK; USAGE_ARGUMENT "end.session", "end.piece", "end.slot" (unequal, beyond 4 GiB); DEVICE_SLOT "end.slot"
 */
OTA_MUST_CHECK ota_err ota_remote_end_open(struct ota_remote_end *e, const struct ota_remote_end_config *cfg, struct ota_fault *fault);

/** Take what has arrived, and answer. Call it from the main loop; blocks only as long as a slot operation takes. */
void ota_remote_end_poll(struct ota_remote_end *e);

#ifdef __cplusplus
}
#endif
#endif
