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

#include "ota/attest_client.h"
#include "ota/boot_record.h"
#include "ota/config.h"
#include "ota/image.h"
#include "ota/posix_peer.h"

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
    const char *link;            /**< of ota_posix_boot_link_open(); else NULL */
    const char *target[2];
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_ABSENT, DEVICE_BOOT as ota_boot_record_load() */
OTA_MUST_CHECK ota_err ota_posix_boot_open(struct ota_posix_boot *b, const struct ota_posix_boot_config *cfg, struct ota_fault *fault);
void ota_posix_boot_close(struct ota_posix_boot *b);

/**
 * The switch of an application: a boot record, and a symbolic link that leads to the slot of component 0 which runs. The
 * supervisor that counts the tries sets the link at each start, with ota_posix_link_set(); the port sees that it did.
 */
struct ota_posix_boot_link_config {
    const char *path;            /**< the boot record; must exist */
    const char *link;            /**< the link; must exist */
    const char *target[2];       /**< what it holds for slot 0 and slot 1, byte for byte */
    const char *const *reboot;   /**< as in struct ota_posix_boot_config */
};

/** @return as ota_posix_boot_open(); also DEVICE_BOOT with EBADSLT: the link does not lead to the slot that the record says runs */
OTA_MUST_CHECK ota_err ota_posix_boot_link_open(struct ota_posix_boot *b, const struct ota_posix_boot_link_config *cfg, struct ota_fault *fault);

/**
 * Make `link` lead to `target`: a new link renamed over the old one, durable on OTA_OK. At every moment it leads to one of them.
 * @return OTA_OK; DEVICE_BOOT with errno in *port_code
 */
OTA_MUST_CHECK ota_err ota_posix_link_set(const char *link, const char *target, int32_t *port_code);

/**
 * For whoever starts a component and sees it crash: note how it ended, for the agent's next report (SPEC.md, "Crash note"). The same
 * end again is counted up, another one takes the place of the note. Durable on OTA_OK.
 * @param path    "<state directory of the agent>/crash.<component>"
 * @param number  exit status, or the signal
 * @param now_s   Unix time, 0 = the clock is not set
 * @return OTA_OK; USAGE_ARGUMENT (no folder in path); DEVICE_STORE with errno in *port_code
 */
OTA_MUST_CHECK ota_err ota_posix_crash_note(const char *path, bool by_signal, int number, int64_t now_s, int32_t *port_code);

/* ------------------------------------------------------------------------------------------- boot loaders -- */

/**
 * Boot control by a boot loader's own variables, for one component with two slots. A boot record of our own stands beside
 * them: it knows which slot is on trial and which one it falls back to. So when the slot that was armed does not run after
 * a restart, that is known to be a rollback, and nothing is armed while a trial is unconfirmed.
 *
 * Which slot runs is asked in this order: the kernel's command line (`ota.slot=` or `rauc.slot=` and the slot's name), the
 * device that the root directory is on, the loader where it tells. Whoever says nothing is passed over; two that contradict
 * each other are DEVICE_BOOT with EBADSLT, nobody who knows is ENODEV.
 *
 * Other codes of the port: EBADMSG corrupt, ENODATA a variable is missing, ERANGE out of range, EBUSY a trial runs,
 * ECANCELED it was given up, ETIMEDOUT somebody took too long, EROFS and the like from the system. ota_posix_loader_trouble()
 * names the variable. These loaders switch one component: arming more is EINVAL, "more than one component".
 */
struct ota_posix_loader_config {
    const char *record;          /**< boot record of our own; made when the first trial is armed */
    const char *name[2];         /**< what the loader calls the slots; NULL = "A", "B" */
    const char *device[2];       /**< their block devices, to tell which of them is mounted as root; NULL = not asked */
    const char *cmdline_key;     /**< parameter of the kernel that names the slot; NULL = ota.slot or rauc.slot */
    const char *cmdline;         /**< file with the kernel's command line; NULL = /proc/cmdline */
    const char *root;            /**< what is mounted as root; NULL = / */
    const char *const *reboot;   /**< as in struct ota_posix_boot_config */
    uint32_t timeout_ms;         /**< longest that somebody else is waited for: a program, the lock on U-Boot's environment; 0 = 10,000 */
};

/** What the boot controls below have in common. It is their first member. */
struct ota_posix_loader {
    struct ota_boot port;
    const void *loader;          /**< the loader's operations */
    struct ota_posix_loader_config cfg;
    uint8_t tries_max;           /**< starts that the loader can give a trial; more are asked for in vain */
    char trouble[64];
    bool restart_asked;          /**< set by the reboot operation: leave the program now */
};

/**
 * Tell the loader that the confirmed slot has come up, and clean up after a trial that it took back. Loaders that take a try
 * from a confirmed slot, too, give it up unless this is called after each start. While a trial is armed or runs it does nothing.
 * @return OTA_OK; DEVICE_BOOT
 */
OTA_MUST_CHECK ota_err ota_posix_loader_settle(struct ota_posix_loader *l, struct ota_fault *fault);

/** What failed last: the name of a variable, a file, a verb. "" = nothing. */
const char *ota_posix_loader_trouble(const struct ota_posix_loader *l);
void ota_posix_loader_close(struct ota_posix_loader *l);

/**
 * GRUB: `ORDER`, `<slot>_OK`, `<slot>_TRY` in an environment block, read by a script like RAUC's. The block is rewritten in
 * place with one write and one sync; all that changes lies in its first 512 bytes.
 */
struct ota_posix_boot_grub_config {
    struct ota_posix_loader_config loader;
    const char *env;             /**< the environment block, 1024 bytes; links are refused */
    uint8_t attempts;            /**< starts after which the script takes a slot for tried, 1..15; 0 = 1, as RAUC's */
};

#define OTA_POSIX_GRUB_ENV_LEN 1024u

struct ota_posix_boot_grub {
    struct ota_posix_loader base;
    const char *env;
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_BOOT with the variable or file in *fault. So do the other open functions below */
OTA_MUST_CHECK ota_err ota_posix_boot_grub_open(struct ota_posix_boot_grub *b, const struct ota_posix_boot_grub_config *cfg, struct ota_fault *fault);

/**
 * U-Boot with RAUC's script: `BOOT_ORDER`, `BOOT_<slot>_LEFT` (hexadecimal), through libubootenv; all of them change in one
 * store. The environment has to be redundant: with one copy (ENOTSUP) a torn write loses it, and with it the device's way to
 * boot. Who holds the lock on it is waited for (ETIMEDOUT, "environment lock"). USAGE_CONFIG where the library was built
 * without libubootenv.
 */
struct ota_posix_boot_uboot_config {
    struct ota_posix_loader_config loader;
    const char *fw_env_config;   /**< path of fw_env.config, two lines */
    uint8_t attempts;            /**< tries of a confirmed slot, 1..15; 0 = 3 */
};

struct ota_posix_boot_uboot {
    struct ota_posix_loader base;
    const char *fw_env_config;
    uint8_t attempts;
    char left_name[2][48];
};

OTA_MUST_CHECK ota_err ota_posix_boot_uboot_open(struct ota_posix_boot_uboot *b, const struct ota_posix_boot_uboot_config *cfg, struct ota_fault *fault);

/**
 * U-Boot's boot counter: `upgrade_available`, `bootcount`, `bootlimit` (decimal) and a variable with the slot to start, whose
 * values are the slots' names. altbootcmd has to put the other slot into it and upgrade_available to 0. Else as above.
 */
struct ota_posix_boot_uboot_count_config {
    struct ota_posix_loader_config loader;
    const char *fw_env_config;
    const char *variable;        /**< such as "boot_part" */
};

struct ota_posix_boot_uboot_count {
    struct ota_posix_loader base;
    const char *fw_env_config, *variable;
};

OTA_MUST_CHECK ota_err ota_posix_boot_uboot_count_open(struct ota_posix_boot_uboot_count *b, const struct ota_posix_boot_uboot_count_config *cfg,
                                                       struct ota_fault *fault);

/**
 * systemd-boot, or another loader of the Boot Loader Specification that counts: a slot is one entry `<name>.conf`, while on
 * trial `<name>+<left>-<done>.conf`; both entries have a `version` that is a decimal number and no `sort-key`. Arming writes
 * the higher version, confirming renames.
 */
struct ota_posix_boot_bls_config {
    struct ota_posix_loader_config loader;   /**< name: of the entries, without counter and ".conf" */
    const char *entries;                     /**< directory, such as /boot/loader/entries */
};

struct ota_posix_boot_bls {
    struct ota_posix_loader base;
    const char *entries;
};

OTA_MUST_CHECK ota_err ota_posix_boot_bls_open(struct ota_posix_boot_bls *b, const struct ota_posix_boot_bls_config *cfg, struct ota_fault *fault);

/** UEFI firmware: a slot is a boot entry, a trial is BootNext and has one start, BootOrder begins with the confirmed one. */
struct ota_posix_boot_efi_config {
    struct ota_posix_loader_config loader;   /**< name: four hexadecimal digits, as in Boot001F */
    const char *variables;                   /**< NULL = /sys/firmware/efi/efivars */
};

struct ota_posix_boot_efi {
    struct ota_posix_loader base;
    const char *variables;
    uint16_t entry[2];
    char name[2][9];
};

OTA_MUST_CHECK ota_err ota_posix_boot_efi_open(struct ota_posix_boot_efi *b, const struct ota_posix_boot_efi_config *cfg, struct ota_fault *fault);

/**
 * A program that knows the loader, called with RAUC's verbs: `get-primary`, `set-primary NAME`, `get-state NAME`, `set-state NAME
 * good|bad`, `get-current`. set-primary gives the slot the tries that the program likes; the view says 1 before the trial
 * and 0 in it. Each call may block for up to timeout_ms (ETIMEDOUT), then the program is killed. A status other than 0 is EREMOTEIO, an answer that is none EBADMSG.
 */
struct ota_posix_boot_custom_config {
    struct ota_posix_loader_config loader;
    const char *program;
};

struct ota_posix_boot_custom {
    struct ota_posix_loader base;
    const char *program;
};

OTA_MUST_CHECK ota_err ota_posix_boot_custom_open(struct ota_posix_boot_custom *b, const struct ota_posix_boot_custom_config *cfg, struct ota_fault *fault);

/* ------------------------------------------------------------------------------------------------ network -- */

/** HTTP, HTTPS (libcurl) and file: URLs. Peers are always verified by chain and name: there is no switch. A PUT to a file: URL below a
 *  datagram socket, as report_url file:///dev/log/ makes it, is one line for syslog or journald: "report=<name> <body>", warning if
 *  the body says "type":"unplanned", else notice; it is acknowledged when the socket took it (201), else comes again (503). */
struct ota_posix_net_config {
    const char *ca_file;         /**< PEM file of trusted CAs; NULL = the system's */
    const char *ca_dir;          /**< directory of hashed CA files; NULL = the system's */
    const char *cert_file;       /**< PEM client certificate; NULL = none */
    const char *key_file;        /**< PEM key of cert_file */
    const char *proxy;           /**< URL of a proxy; NULL = none. The environment is never asked */
    bool certificate_later;      /**< https: needs a client certificate, which ota_posix_net_certificate() gives; before that, and after
                                      it was taken back, begin() answers RETRY_CERTIFICATE. Where a redirect leads none is needed */
    uint32_t connect_ms;         /**< default when a request does not say; 0 = 30000 */
    int (*tls_context)(void *curl, void *tls);   /**< before each TLS handshake with the configured server: give the TLS library's
                                      context a certificate whose key is no file; 0 = done, else the exchange fails. NULL = none */
    char *buffer;                /**< memory for body bytes that the port holds back for the reader; NULL = it allocates
                                      OTA_POSIX_NET_BUFFER bytes itself */
    size_t buffer_len;           /**< bytes there, at least OTA_POSIX_NET_BUFFER_MIN */
};

#define OTA_POSIX_NET_BUFFER 65536u
#define OTA_POSIX_NET_BUFFER_MIN 16384u   /**< what libcurl delivers at once */

struct ota_posix_net {
    struct ota_net port;
    struct ota_net_head answer;
    void *multi, *easy, *headers;          /**< libcurl's handles */
    const char *cert_file, *key_file;      /**< of the configuration, or of ota_posix_net_certificate() */
    bool needs_cert, fresh;                /**< fresh: the next exchange takes no connection that was made with another certificate */
    int (*tls_context)(void *curl, void *tls);
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
    char *buffer;
    size_t buffer_len;
    bool own_buffer;                       /**< allocated by the port */
};

/** @return OTA_OK; USAGE_CONFIG (a file of cfg cannot be read, a key without a certificate, "net.buffer" too small); USAGE_ARGUMENT; RETRY_NETWORK
 *  (libcurl did not start, or no memory) */
OTA_MUST_CHECK ota_err ota_posix_net_open(struct ota_posix_net *n, const struct ota_posix_net_config *cfg, struct ota_fault *fault);
void ota_posix_net_close(struct ota_posix_net *n);

/**
 * From the next exchange on show the configured server this client certificate. Call it again when the file was replaced:
 * connections that were made with the old one are not used again. USAGE_STATE: an exchange is open.
 * @param file  PEM: key, certificate, issuers; not copied. NULL = take it back
 * @return OTA_OK; USAGE_STATE; USAGE_CONFIG: the file cannot be read
 */
OTA_MUST_CHECK ota_err ota_posix_net_certificate(struct ota_posix_net *n, const char *file, struct ota_fault *fault);

/* --------------------------------------------------------------------------- keys of short certificates -- */

/** Makes P-256 keys by PSA Crypto; their text is an EC PRIVATE KEY (RFC 5915), which the store then keeps. */
struct ota_posix_cert_keys {
    struct ota_cert_keys port;
    uint32_t key[OTA_CERTIFICATES];        /**< psa_key_id_t; 0 = none */
};

/** After ota_posix_crypto_open(). Ends with its port's drop(). */
void ota_posix_cert_keys_init(struct ota_posix_cert_keys *k);

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
    struct ota_posix_loader *loader;       /**< of ota_posix_loader_guard(); else NULL */
    uint8_t index;
};

struct ota_posix_slot_file_config {
    const char *path;                      /**< a regular file; symbolic links are refused */
    uint64_t size;                         /**< > 0: create it with this size if absent or empty, refuse another size; 0: must exist */
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_SLOT (errno), also EFBIG when it has another size than cfg says */
OTA_MUST_CHECK ota_err ota_posix_slot_file_open(struct ota_posix_slot *s, const struct ota_posix_slot_file_config *cfg, struct ota_fault *fault);

struct ota_posix_slot_block_config {
    const char *path;                      /**< a block device; links such as those of /dev/disk are followed */
};

/** Writing is refused (DEVICE_LOCKED, EBUSY) while the device is mounted or claimed. @return OTA_OK; USAGE_ARGUMENT; DEVICE_SLOT (errno) */
OTA_MUST_CHECK ota_err ota_posix_slot_block_open(struct ota_posix_slot *s, const struct ota_posix_slot_block_config *cfg, struct ota_fault *fault);

/**
 * From now on the loader is told before the first write into a slot that it must not start it any more: a slot that is half
 * written is no fallback. Call it after all three were opened; l must outlive the slots.
 */
void ota_posix_loader_guard(struct ota_posix_loader *l, struct ota_posix_slot *a, struct ota_posix_slot *b);

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

/** Any implementation of the PSA Crypto API (Mbed TLS 2.28, 3.x, 4.x), and libsodium for Ed25519 where built with OTA_ED25519. */
struct ota_posix_crypto_config {
    int unused;                            /**< nothing to say yet; may be NULL as a whole */
};

struct ota_posix_crypto {
    struct ota_crypto port;
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_CRYPTO (PSA status) */
OTA_MUST_CHECK ota_err ota_posix_crypto_open(struct ota_posix_crypto *c, const struct ota_posix_crypto_config *cfg, struct ota_fault *fault);
void ota_posix_crypto_close(struct ota_posix_crypto *c);

/* ---------------------------------------------------------------------------------------------- packages -- */

/** The public key of image packages, from a file that people keep. */
struct ota_posix_package_key {
    enum ota_key_kind kind;
    size_t len;
    uint8_t bytes[97];
};

/**
 * Read a P-256 or P-384 public key: a PEM file of at most 4 KiB with a SubjectPublicKeyInfo (RFC 7468 section 13), uncompressed.
 * @return OTA_OK; USAGE_CONFIG (cannot be read: errno); REJECT_KEY (is no such key)
 */
OTA_MUST_CHECK ota_err ota_posix_package_key_load(struct ota_posix_package_key *k, const char *path, struct ota_fault *fault);

#define OTA_POSIX_PACKAGE_ID_LEN 37u   /**< an identifier as text, with NUL */
/** "01234567-89ab-cdef-0123-456789abcdef", any case. @return false, with id undefined, if it is another text */
bool ota_posix_package_id_parse(const char *text, uint8_t id[OTA_UID_LEN]);
void ota_posix_package_id_print(const uint8_t id[OTA_UID_LEN], char text[OTA_POSIX_PACKAGE_ID_LEN]);

/* --------------------------------------------------------------------------------------------- conditions -- */

/**
 * Conditions from the system: power from the kernel's power supplies, the link from a program, consent from a file, local time
 * from the system's zone.
 *
 * Power: the fullest battery that is not a peripheral's; "on mains" when one is charged or full, or another supply is online.
 * The program says whether the link is metered: exit status 0 yes, 1 no, anything else not known. It runs without a shell in
 * a process group of its own, beside the agent and every 30 s at most; until its first answer the link counts as metered.
 * The file says which deployment is agreed to: its first line is the sequence number, or "any". Without the file nobody agreed.
 */
struct ota_posix_conditions_config {
    const char *power_dir;         /**< NULL = "/sys/class/power_supply"; one that is not there: nothing is known of power */
    const char *const *metered;    /**< NULL-terminated argv, argv[0] is a path; NULL: nothing is known of the link */
    const char *consent_file;      /**< NULL: nobody ever agrees */
    bool local_time;               /**< tell the system's local time */
    uint32_t limit_ms;             /**< of one run of the program; 0 = 10000. Then it is killed, and nothing is known */
};

struct ota_posix_conditions {
    struct ota_conditions port;
    const char *power_dir, *consent_file;
    const char *const *metered_argv;
    bool local_time;
    int8_t metered;                /* last answer */
    uint32_t limit_ms;
    int64_t pid;                   /* 0 = the program does not run */
    uint64_t asked_ms;             /* 0 = never */
};

/** @return OTA_OK; USAGE_ARGUMENT */
OTA_MUST_CHECK ota_err ota_posix_conditions_open(struct ota_posix_conditions *c, const struct ota_posix_conditions_config *cfg, struct ota_fault *fault);
void ota_posix_conditions_close(struct ota_posix_conditions *c);

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

/**
 * The same over syslog(3), which journald reads as well. One line per event, for machines first:
 *
 *     event=36 a=7 b=538 err=538 name=REJECT_HEALTH where=health port=1 text="deployment 7 refused: ..."
 *
 * `event` is the number of events.def; err, name, where and port stand there when the event carries a fault. Priority: debug for
 * changes of state, info, notice for what will be tried again, warning for an update that is refused, err for the device's own faults.
 * Lines are cut at 383 bytes. syslog(3) belongs to the whole process: open one at a time.
 */
struct ota_posix_syslog_config {
    const char *ident;                     /**< NULL = "ota-agent"; must outlive the log */
    const char *facility;                  /**< "daemon", "user", "local0" to "local7"; NULL = "daemon" */
    bool states;                           /**< also the changes of state */
};

struct ota_posix_syslog {
    struct ota_log port;
    int facility;
    bool states;
};

/** @return OTA_OK; USAGE_ARGUMENT at "syslog" or "syslog.facility". A system without syslog is no error: then nobody reads it. */
OTA_MUST_CHECK ota_err ota_posix_syslog_open(struct ota_posix_syslog *l, const struct ota_posix_syslog_config *cfg,
                                             struct ota_fault *fault);
void ota_posix_syslog_close(struct ota_posix_syslog *l);

#ifdef __cplusplus
}
#endif
#endif
