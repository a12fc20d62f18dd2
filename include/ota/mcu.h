/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Ports for microcontrollers (library ota_mcu): slot, store and boot control on raw NOR flash, the network over a serial
 * line, and a clock. What is left to write is a flash driver of five functions and a byte pipe of two. Nothing is
 * allocated, nothing is global; each port is a plain struct that the caller owns. Bytes in flash and on the line: SPEC.md.
 */
#ifndef OTA_MCU_H
#define OTA_MCU_H

#include "ota/boot_record.h"
#include "ota/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Numbers in port_code that are not the driver's own. */
enum ota_mcu_code {
    OTA_MCU_RANGE = -1001,     /**< outside the area, or not on its units */
    OTA_MCU_NOT_ERASED = -1002,/**< a block does not read as erased after an erase: worn out, or write-protected */
    OTA_MCU_MISMATCH = -1003,  /**< what was programmed reads back differently: worn out, or not erased before */
    OTA_MCU_NO_RECORD = -1004, /**< no copy of the boot record is valid */
    OTA_MCU_REFUSED = -1005,   /**< the boot record's rules forbid it */
    OTA_MCU_SILENT = -1011,    /**< the other end of the line does not answer, or only in damaged frames */
    OTA_MCU_LOST = -1012,      /**< the relay forgot the exchange: it was restarted */
    OTA_MCU_SERVER = -1013,    /**< the relay cannot reach the server, or lost it */
    OTA_MCU_BAD_HEAD = -1014   /**< the answer's head is not HTTP, or too large */
};

/* ------------------------------------------------------------------------------------------- flash driver -- */

struct ota_mcu_geometry {
    uint32_t size;         /**< bytes */
    uint32_t write_unit;   /**< programs start and end at multiples of it; power of two, 1..256 */
    uint32_t erase_unit;   /**< erases start and end at multiples of it; power of two, 512..65536 */
};

struct ota_mcu_flash;
struct ota_mcu_flash_ops {
    /** What the chip is. Cannot fail; repeatable. */
    void (*geometry)(struct ota_mcu_flash *f, struct ota_mcu_geometry *out);
    /** Read [off, off+len), any alignment. @return 0, or the chip's own number, as in the others */
    int32_t (*read)(struct ota_mcu_flash *f, uint32_t off, void *buf, uint32_t len);
    /** Program erased bytes; multiples of write_unit, of any length: the driver splits it at the chip's pages. */
    int32_t (*program)(struct ota_mcu_flash *f, uint32_t off, const void *buf, uint32_t len);
    /** Make [off, off+len) read as 0xff; multiples of erase_unit. */
    int32_t (*erase)(struct ota_mcu_flash *f, uint32_t off, uint32_t len);
    /** Return when everything before it is in the cells. Where the others wait for the chip: return 0. */
    int32_t (*sync)(struct ota_mcu_flash *f);
};

/** First member of the driver's own struct. */
struct ota_mcu_flash {
    const struct ota_mcu_flash_ops *ops;
};

/** A part of a flash; begins and ends at erase units. */
struct ota_mcu_area {
    struct ota_mcu_flash *flash;
    uint32_t off, len;
};

/* ------------------------------------------------------------------------------------- slot, store, boot -- */

struct ota_mcu_slot {
    struct ota_slot port;
    struct ota_mcu_area area;
};

/** Every program and erase is read back: a worn-out cell is told at once. @return OTA_OK; USAGE_ARGUMENT "slot.area" */
OTA_MUST_CHECK ota_err ota_mcu_slot_open(struct ota_mcu_slot *s, const struct ota_mcu_area *area, struct ota_fault *fault);

/** Most erase units of a store's area. */
#define OTA_MCU_STORE_BLOCKS 128u

/**
 * The store: each version of a record lies in erase units of its own, wherever one is free, and becomes valid by the one
 * that is programmed last. A unit that cannot be erased or programmed is left out until the next start, and the record
 * goes elsewhere.
 */
struct ota_mcu_store {
    struct ota_store port;
    struct ota_mcu_area area;
    uint32_t sequence;       /* of the newest version */
    uint16_t count, next;    /* units; where the search for a free one begins */
    uint16_t bad;            /**< seen: units left out since the start */
    struct {
        uint32_t sequence;
        uint8_t index, use;
    } unit[OTA_MCU_STORE_BLOCKS];
};

/**
 * Bring the store up on what the area holds; on an empty area, it is an empty store. Needs room for the sum of all
 * records, each rounded up to erase units, and once more for the largest: DEVICE_FULL tells when there is too little.
 * @return OTA_OK; USAGE_ARGUMENT "store.area" (not on erase units, fewer than 4 or more than OTA_MCU_STORE_BLOCKS units);
 *         DEVICE_STORE "store.read" with the chip's number
 */
OTA_MUST_CHECK ota_err ota_mcu_store_open(struct ota_mcu_store *s, const struct ota_mcu_area *area, struct ota_fault *fault);

/**
 * Load the newest valid boot record of an area of 2..255 erase units, one copy each. For the boot stage; the port does so itself.
 * @return OTA_OK; DEVICE_BOOT with NO_RECORD, or with the chip's number, in *port_code
 */
OTA_MUST_CHECK ota_err ota_mcu_boot_load(const struct ota_mcu_area *area, struct ota_boot_record *r, int32_t *port_code);

/**
 * Store a record over the oldest copy, and read it back; over the next one where that fails, never over the newest.
 * Counts the generation up. Also makes the first one, on an empty area.
 * @return OTA_OK; DEVICE_BOOT with the number in *port_code: then what the newest copy said still holds
 */
OTA_MUST_CHECK ota_err ota_mcu_boot_store(const struct ota_mcu_area *area, struct ota_boot_record *r, int32_t *port_code);

struct ota_mcu_boot {
    struct ota_boot port;
    struct ota_mcu_area area;
    void (*restart)(struct ota_mcu_boot *b);
    bool restart_asked;      /**< seen */
};

/**
 * @param restart  restarts the device, or leaves that to its caller; NULL: only the flag is set
 * @return OTA_OK; USAGE_ARGUMENT "boot.area"; DEVICE_BOOT "boot.record" as ota_mcu_boot_load()
 */
OTA_MUST_CHECK ota_err ota_mcu_boot_open(struct ota_mcu_boot *b, const struct ota_mcu_area *area,
                                         void (*restart)(struct ota_mcu_boot *b), struct ota_fault *fault);

/* -------------------------------------------------------------------------------------------------- clock -- */

/** Milliseconds from a timer of yours; the wall clock from whoever calls ota_mcu_clock_set(). */
struct ota_mcu_clock {
    struct ota_clock port;
    uint64_t (*now_ms)(void);
    void (*idle)(void);      /* called in a loop while sleeping: wait for an interrupt. NULL: spin */
    bool known;
    int64_t utc_s;           /* at at_ms */
    uint64_t at_ms;
};

void ota_mcu_clock_open(struct ota_mcu_clock *c, uint64_t (*now_ms)(void), void (*idle)(void));
void ota_mcu_clock_set(struct ota_mcu_clock *c, int64_t utc_s);

/* -------------------------------------------------------------------------------------- network by line -- */

struct ota_mcu_pipe;
struct ota_mcu_pipe_ops {
    /** Take what has arrived, at most cap bytes. Never blocks. @return bytes, 0 = nothing */
    size_t (*read)(struct ota_mcu_pipe *p, void *buf, size_t cap);
    /** Send. May block for as long as the line takes. */
    void (*write)(struct ota_mcu_pipe *p, const void *buf, size_t len);
};

/** First member of the driver's own struct. Bytes may be lost, doubled or damaged on the way: frames have a checksum. */
struct ota_mcu_pipe {
    const struct ota_mcu_pipe_ops *ops;
};

#define OTA_MCU_FRAME_DATA 1024u   /**< most bytes that one frame carries */
#define OTA_MCU_FRAME_HEAD 9u
#define OTA_MCU_FRAME_MAX (OTA_MCU_FRAME_HEAD + 1u + OTA_MCU_FRAME_DATA + 4u)
#define OTA_MCU_SEED_LEN 16u
#define OTA_MCU_LINE_MAX (OTA_URL_MAX + 64u)

/** A piece of a request. */
struct ota_mcu_part {
    const char *p;
    size_t len;
};

/**
 * The network port. A relay at the other end of the line (tools/ota-relay.py) does the HTTP. It is part of the
 * untrusted network: it can delay an update, never choose bytes.
 */
struct ota_mcu_net {
    struct ota_net port;
    struct ota_mcu_pipe *pipe;
    struct ota_mcu_clock *clock;
    uint32_t retry_ms;       /**< an unanswered frame is sent again after this long [400] */
    uint32_t tries;          /**< and given up after so many [12] */
    uint32_t sent, again, damaged;   /**< seen: frames sent, of them repeated; frames received that were damaged */
    uint8_t seed[OTA_MCU_SEED_LEN];  /**< seen: random bytes from the relay, for jitter; zero before it answered */
    /* the exchange under way */
    uint32_t base, number;   /* base == 0: the relay did not answer yet */
    uint8_t phase;
    uint32_t attempt;
    bool waiting;            /* for the answer to the frame in flight */
    uint64_t sent_ms, pause_until_ms;
    struct ota_mcu_part part[20];
    size_t parts, request_len, request_at;
    char connect[16], range[56];
    int32_t end_code;        /* why the answer ended too early; 0 = it did not */
    ota_err end;             /* OTA_AGAIN: it goes on */
    uint32_t at;             /* of the answer: where `data` begins */
    size_t data_at, data_len;
    uint8_t data[OTA_MCU_FRAME_DATA];
    struct ota_net_head answer;
    bool have_head;
    char line[OTA_MCU_LINE_MAX];
    size_t line_len, head_bytes;
    /* the frame that comes in */
    uint8_t frame[OTA_MCU_FRAME_MAX];
    size_t frame_len;
    bool escaped, overrun;
};

/** Frames and what they mean: SPEC.md. Reads and writes nothing yet. */
void ota_mcu_net_open(struct ota_mcu_net *n, struct ota_mcu_pipe *pipe, struct ota_mcu_clock *clock);

/**
 * Wait until the relay has answered a greeting, which sets the clock and the seed. Without it the port greets by itself,
 * and says that there is no network until then.
 * @return OTA_OK; RETRY_NETWORK when nobody answered within ms
 */
OTA_MUST_CHECK ota_err ota_mcu_net_greet(struct ota_mcu_net *n, uint32_t ms);

#ifdef __cplusplus
}
#endif
#endif
