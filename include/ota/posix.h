/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The ports for Linux and other POSIX systems (library ota_posix). Each port is a plain struct that the caller owns; its
 * first member is the port itself, so `&net.port` goes into struct ota_config. Open once, use from one thread, close.
 * Texts in a configuration are not copied unless it says so: they must outlive the port.
 *
 * Every *_open() returns OTA_OK, or an error with *fault (may be NULL) naming the field or the call that failed and the
 * system's own number. After an error nothing is left open; *_close() is then harmless, and so is a second one.
 */
#ifndef OTA_POSIX_H
#define OTA_POSIX_H

#include "ota/boot_record.h"
#include "ota/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------- boot record -- */

/**
 * Create the file, atomically (a temporary file beside it, then rename). An existing file is replaced.
 * @return OTA_OK; DEVICE_BOOT with errno in *port_code
 */
OTA_MUST_CHECK ota_err ota_boot_record_create(const char *path, const struct ota_boot_record *r, int32_t *port_code);

/**
 * Load the newer valid copy.
 * @return OTA_OK; DEVICE_ABSENT no such file; DEVICE_BOOT not readable (errno in *port_code), or no copy is valid (0)
 */
OTA_MUST_CHECK ota_err ota_boot_record_load(const char *path, struct ota_boot_record *r, int32_t *port_code);

/**
 * Store a changed record over the older copy, durably. r->generation must still be the file's: it is counted up by one.
 * @return OTA_OK; DEVICE_BOOT with errno in *port_code; EAGAIN there means that somebody else stored in between
 */
OTA_MUST_CHECK ota_err ota_boot_record_store(const char *path, struct ota_boot_record *r, int32_t *port_code);

/** Boot control by a boot record file that a boot supervisor reads at each start. */
struct ota_posix_boot_config {
    const char *path;            /**< the boot record; must exist */
    const char *const *reboot;   /**< NULL-terminated argv to run (no shell) when a restart is asked for; NULL: only the flag */
};

struct ota_posix_boot {
    struct ota_boot port;
    const char *path;
    const char *const *reboot;
    bool restart_asked;          /**< set by the reboot operation: leave the program now */
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_ABSENT, DEVICE_BOOT as ota_boot_record_load() */
OTA_MUST_CHECK ota_err ota_posix_boot_open(struct ota_posix_boot *b, const struct ota_posix_boot_config *cfg, struct ota_fault *fault);
void ota_posix_boot_close(struct ota_posix_boot *b);

/* ------------------------------------------------------------------------------------------------ network -- */

/** HTTP, HTTPS (libcurl) and file: URLs. Peers are always verified by chain and name: there is no switch. */
struct ota_posix_net_config {
    const char *ca_file;         /**< PEM file of trusted CAs; NULL = the system's */
    const char *ca_dir;          /**< directory of hashed CA files; NULL = the system's */
    const char *cert_file;       /**< PEM client certificate; NULL = none */
    const char *key_file;        /**< PEM key of cert_file */
    const char *proxy;           /**< URL of a proxy; NULL = none. The environment is never asked */
    uint32_t connect_ms;         /**< default when a request does not say; 0 = 30000 */
};

/** Body bytes that the port holds back for the reader. At least what libcurl delivers at once (16 KiB). */
#define OTA_POSIX_NET_BUFFER 65536u

struct ota_posix_net {
    struct ota_net port;
    struct ota_net_head answer;
    void *multi, *easy, *headers;          /**< libcurl's handles */
    const char *cert_file, *key_file;      /**< of the configuration */
    uint32_t connect_ms;
    bool open, have_head, done, paused;
    bool refused;                          /**< we stopped the transfer: the head is too large or forbidden */
    int32_t result;                        /**< CURLcode or errno once done */
    int file_fd;                           /**< file: what is read; -1 = none */
    bool is_file;
    uint64_t file_left;                    /**< file: bytes still to deliver */
    char *direct;                          /**< where read() wants its bytes while libcurl runs; else NULL */
    size_t direct_len, direct_got;
    size_t at, fill;                       /**< unread bytes are buffer[at..fill-1] */
    char buffer[OTA_POSIX_NET_BUFFER];
};

/** @return OTA_OK; USAGE_CONFIG (a file of cfg cannot be read, a key without a certificate); USAGE_ARGUMENT; RETRY_NETWORK (libcurl did not start) */
OTA_MUST_CHECK ota_err ota_posix_net_open(struct ota_posix_net *n, const struct ota_posix_net_config *cfg, struct ota_fault *fault);
void ota_posix_net_close(struct ota_posix_net *n);

/* -------------------------------------------------------------------------------------------------- slots -- */

/**
 * A slot. The medium is opened read-only; the first write opens it for writing (so the slot that runs may be executed
 * from it) and asking for the geometry takes an exclusive lock, held until close.
 */
struct ota_posix_slot {
    struct ota_slot port;
    const char *path;
    int read_fd, write_fd;
    int write_flags;                       /**< further flags of open() for writing */
    uint64_t size;
    uint64_t device, inode;                /**< what read_fd was opened on: the write opens the same or fails */
    uint32_t write_unit;
    bool is_block, locked, cached;         /**< cached: written since the page cache was last dropped */
};

struct ota_posix_slot_file_config {
    const char *path;                      /**< a regular file; symbolic links are refused */
    uint64_t size;                         /**< > 0: create it with this size if absent, refuse another size; 0: must exist */
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_SLOT (errno), also EFBIG when it has another size than cfg says */
OTA_MUST_CHECK ota_err ota_posix_slot_file_open(struct ota_posix_slot *s, const struct ota_posix_slot_file_config *cfg, struct ota_fault *fault);

struct ota_posix_slot_block_config {
    const char *path;                      /**< a block device; links such as those of /dev/disk are followed */
};

/** Writing is refused (DEVICE_LOCKED, EBUSY) while the device is mounted or claimed. @return OTA_OK; USAGE_ARGUMENT; DEVICE_SLOT (errno) */
OTA_MUST_CHECK ota_err ota_posix_slot_block_open(struct ota_posix_slot *s, const struct ota_posix_slot_block_config *cfg, struct ota_fault *fault);

/** Close before executing a slot file that was written: Linux refuses to run a file that is open for writing. */
void ota_posix_slot_close(struct ota_posix_slot *s);

/* -------------------------------------------------------------------------------------------------- store -- */

/** A directory with one file per record, locked against other agents. */
struct ota_posix_store_config {
    const char *dir;                       /**< made with mode 0700 if absent (not its parents) */
};

struct ota_posix_store {
    struct ota_store port;
    int dir_fd, lock_fd;
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_LOCKED another process has it open; DEVICE_STORE (errno) */
OTA_MUST_CHECK ota_err ota_posix_store_open(struct ota_posix_store *s, const struct ota_posix_store_config *cfg, struct ota_fault *fault);
void ota_posix_store_close(struct ota_posix_store *s);

/* -------------------------------------------------------------------------------------------------- clock -- */

struct ota_posix_clock_config {
    int64_t utc_floor_s;                   /**< a wall clock before this is "unknown", e.g. the build time */
};

struct ota_posix_clock {
    struct ota_clock port;
    int64_t utc_floor_s;
};

/** @return OTA_OK; USAGE_ARGUMENT */
OTA_MUST_CHECK ota_err ota_posix_clock_open(struct ota_posix_clock *c, const struct ota_posix_clock_config *cfg, struct ota_fault *fault);
void ota_posix_clock_close(struct ota_posix_clock *c);

/* ------------------------------------------------------------------------------------------------- crypto -- */

/** Any implementation of the PSA Crypto API (Mbed TLS 2.28, 3.x, 4.x). Ed25519 is answered with REJECT_KEY. */
struct ota_posix_crypto_config {
    int unused;                            /**< nothing to say yet; may be NULL as a whole */
};

struct ota_posix_crypto {
    struct ota_crypto port;
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_CRYPTO (PSA status) */
OTA_MUST_CHECK ota_err ota_posix_crypto_open(struct ota_posix_crypto *c, const struct ota_posix_crypto_config *cfg, struct ota_fault *fault);
void ota_posix_crypto_close(struct ota_posix_crypto *c);

/* ------------------------------------------------------------------------------------------------- health -- */

/**
 * Health by a program: exit status 0 healthy, 75 (EX_TEMPFAIL) no verdict yet, anything else sick with the status as
 * port_code. It runs without a shell in a process group of its own, which is killed at the time limit; that and death by
 * a signal count as sick, with minus the signal's number as port_code.
 */
struct ota_posix_health_config {
    const char *const *argv;               /**< NULL-terminated; argv[0] is a path */
    uint32_t limit_ms;                     /**< 0 = 60000 */
};

#define OTA_POSIX_HEALTH_NO_VERDICT 75

struct ota_posix_health {
    struct ota_health port;
    const char *const *argv;
    uint32_t limit_ms;
    int64_t pid;                           /**< of the check that runs; 0 = none */
    uint64_t started_ms;
};

/** @return OTA_OK; USAGE_ARGUMENT */
OTA_MUST_CHECK ota_err ota_posix_health_exec_open(struct ota_posix_health *h, const struct ota_posix_health_config *cfg, struct ota_fault *fault);
/** A check that is always healthy, for devices where reaching it is the proof. @return OTA_OK; USAGE_ARGUMENT */
OTA_MUST_CHECK ota_err ota_posix_health_none_open(struct ota_posix_health *h, struct ota_fault *fault);
/** Kills a check that still runs. */
void ota_posix_health_close(struct ota_posix_health *h);

/* ---------------------------------------------------------------------------------------------------- log -- */

/** One line per event: "ota: <text>", and for an event with a fault its name, place and numbers. */
struct ota_posix_log_config {
    int fd;                                /**< where to; 2 = standard error */
    bool states;                           /**< also the changes of state */
};

struct ota_posix_log {
    struct ota_log port;
    int fd;
    bool states;
};

/** @return OTA_OK; USAGE_ARGUMENT */
OTA_MUST_CHECK ota_err ota_posix_log_open(struct ota_posix_log *l, const struct ota_posix_log_config *cfg, struct ota_fault *fault);
void ota_posix_log_close(struct ota_posix_log *l);

#ifdef __cplusplus
}
#endif
#endif
