/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * An agent in two processes, each held to what it needs (Linux). The *fetcher* holds the network: libcurl, TLS, HTTP, names, CA
 * files, the client's key. The *writer* holds everything else, has no network, and takes nothing from the fetcher on trust: to
 * it the fetcher is worth no more than a hostile network. Between them is a socket with bounded frames (SPEC.md, section 17).
 *
 *     ota_posix_helper_start()     first, while nothing else is open: a small process that can start the fetcher and the programs
 *                                  that were named to it, and nothing else
 *     ota_posix_fetcher_open()     a network port whose work the fetcher does
 *     ... open the other ports ...
 *     ota_posix_sandbox_enter()    from here on the process can reach only what was listed. There is no way back
 *
 * What the kernel does not offer is left out and said in struct ota_posix_sandbox_state: nothing is claimed that was not tried.
 */
#ifndef OTA_POSIX_SANDBOX_H
#define OTA_POSIX_SANDBOX_H

#include "ota/posix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------ sandbox -- */

enum ota_posix_role {
    OTA_POSIX_WRITER = 0,        /**< no network, no programs; files as listed */
    OTA_POSIX_FETCHER = 1        /**< the network; files are read only; no programs */
};

/** What a sandbox consists of. Bits of `has`; the probes are those of the same name. */
#define OTA_POSIX_NO_NEW_PRIVS 0x01u   /**< no program can give the process more rights */
#define OTA_POSIX_NO_CAPS      0x02u   /**< capability sets hold only those of keep_caps */
#define OTA_POSIX_LANDLOCK     0x04u   /**< the kernel refuses files that were not listed; see landlock_abi */
#define OTA_POSIX_SECCOMP      0x08u   /**< the kernel refuses system calls that are not needed */
#define OTA_POSIX_LIMITS       0x10u   /**< no core files, bounded descriptors */
#define OTA_POSIX_NOT_DUMPABLE 0x20u   /**< no other process of this user can look inside */
#define OTA_POSIX_SANDBOX_ALL  0x3fu

struct ota_posix_sandbox_config {
    enum ota_posix_role role;
    const char *const *read;     /**< NULL-terminated: files, or directories with all below them. One that is absent is left out */
    const char *const *write;    /**< the same; for a directory also making, renaming and removing files */
    uint64_t keep_caps;          /**< capabilities that stay, a bit each (capabilities(7)) */
    bool required;               /**< fail unless everything of OTA_POSIX_SANDBOX_ALL is there */
};

struct ota_posix_sandbox_state {
    uint8_t has;                 /**< what is in force, each as the process found when it tried */
    uint8_t landlock_abi;        /**< version of the kernel's Landlock that was used, 0 = none */
    bool loose;                  /**< built for a sanitizer or for coverage: the lists have holes that those need */
};

/**
 * Enter the sandbox and try whether it holds: a forbidden open, socket, program and more is attempted, and one that succeeds is an
 * error. Call with one thread. Cannot be undone, also not after an error: then leave the program.
 * @return OTA_OK with *s filled; DEVICE_SANDBOX-like failures are OTA_USAGE_CONFIG ("sandbox.required": something is missing; errno)
 *         and OTA_USAGE_STATE ("sandbox.<probe>": something forbidden succeeded)
 */
OTA_MUST_CHECK ota_err ota_posix_sandbox_enter(const struct ota_posix_sandbox_config *cfg, struct ota_posix_sandbox_state *s, struct ota_fault *fault);

/** Name of one bit of `has`, such as "seccomp"; NULL for another. */
const char *ota_posix_sandbox_name(uint8_t bit);

/** Version of Landlock that the kernel offers, 0 = none. */
unsigned ota_posix_landlock_abi(void);

/* ------------------------------------------------------------------------------------------------- helper -- */

/** A program that may be run once the sandbox is entered. */
struct ota_posix_command {
    const char *const *argv;     /**< NULL-terminated; must be the first words of what is asked for, all of them */
    uint8_t more;                /**< up to so many further words may follow, each of [A-Za-z0-9._-], 1 to 63 bytes */
};

#define OTA_POSIX_COMMANDS_MAX 8u

struct ota_posix_helper_config {
    const struct ota_posix_net_config *net;            /**< of the fetcher; NULL: it cannot be started. With certificate_later its cert_file
                                                            names the file that ota_posix_fetcher_certificate() speaks of */
    const char *const *fetcher_read;                   /**< further files that the fetcher reads, such as those of file: URLs; may be NULL */
    bool required;                                     /**< of the fetcher's sandbox */
    const struct ota_posix_command *commands;
    size_t command_count;                              /**< at most OTA_POSIX_COMMANDS_MAX */
    int (*fetcher)(int fd, const struct ota_posix_helper_config *cfg);   /**< what runs as the fetcher; NULL = ota_posix_fetcher_main() */
};

struct ota_posix_helper {
    int fd;                      /**< -1 = none */
    int64_t pid;
};

/**
 * Start the helper. Call it with one thread, before files are opened, signals handled and sandboxes entered. With commands, the ports
 * of this process start their programs through it from now on. An agent that speaks to two servers with two configurations has two. It ignores SIGINT and SIGTERM and ends, and the fetcher with it, when this
 * process ends or calls ota_posix_helper_stop(). cfg and all that it names is copied by the fork: changes are not seen.
 * @return OTA_OK; USAGE_ARGUMENT; DEVICE_MEMORY-like failures of the system as USAGE_MEMORY with errno
 */
OTA_MUST_CHECK ota_err ota_posix_helper_start(struct ota_posix_helper *h, const struct ota_posix_helper_config *cfg, struct ota_fault *fault);
void ota_posix_helper_stop(struct ota_posix_helper *h);

/* ------------------------------------------------------------------------------------------------ fetcher -- */

/** Port codes of what the fetcher did wrong. libcurl's are positive. With RETRY_PROTOCOL, or RETRY_NETWORK for DIED, SILENT and START. */
enum ota_posix_fetcher_code {
    OTA_POSIX_FETCHER_DIED = -101,         /**< it is gone */
    OTA_POSIX_FETCHER_SILENT = -102,       /**< no answer in time */
    OTA_POSIX_FETCHER_START = -103,        /**< it could not be started, or not with its sandbox */
    OTA_POSIX_FETCHER_LENGTH = -104,       /**< a frame shorter or longer than it says, or than may be */
    OTA_POSIX_FETCHER_VERSION = -105,      /**< a frame of another version */
    OTA_POSIX_FETCHER_TYPE = -106,         /**< a frame that is not due */
    OTA_POSIX_FETCHER_EXCHANGE = -107,     /**< a frame of an exchange that is not open */
    OTA_POSIX_FETCHER_HEAD = -108,         /**< the head of an answer that no server could have sent */
    OTA_POSIX_FETCHER_RESULT = -109,       /**< a result that no exchange can have */
    OTA_POSIX_FETCHER_DESCRIPTOR = -110,   /**< it sent a file descriptor */
    OTA_POSIX_FETCHER_FLOOD = -111         /**< frames go on after the exchange was ended */
};

/** Name of a code, such as "frame of another exchange"; "" for another number. */
const char *ota_posix_fetcher_code_name(int32_t code);

struct ota_posix_fetcher_config {
    struct ota_posix_helper *helper;             /**< started, with its `net` */
    const struct ota_posix_net_config *net;      /**< its files are looked at: when one changed, the fetcher is started anew */
    uint32_t answer_ms;                          /**< longest that an answer is waited for; 0 = 10000 */
};

#define OTA_POSIX_FETCHER_FRAME 65552u           /**< longest frame, its 16 bytes of header included */

struct ota_posix_fetcher_file {
    uint64_t device, inode, changed;             /**< 0 = not there */
};

struct ota_posix_fetcher {
    struct ota_net port;
    struct ota_posix_helper *helper;
    const struct ota_posix_net_config *net;
    uint32_t answer_ms;
    int fd;                                      /**< -1 = no fetcher runs */
    uint32_t exchange;                           /**< number of the last one */
    bool open, ending, have_head, done;
    bool certificate;                            /**< there is one now, where it comes later */
    uint32_t stale;                              /**< frames of an ended exchange that came */
    ota_err result;                              /**< once done */
    int32_t code;
    uint64_t tried_ms;                           /**< when the fetcher was last started */
    uint32_t failures;                           /**< in a row: the wait before the next start doubles with each */
    uint32_t starts;                             /**< so far */
    int32_t trouble;                             /**< enum ota_posix_fetcher_code of the last failure; 0 = none */
    struct ota_posix_sandbox_state sandbox;      /**< as the fetcher says of itself */
    struct ota_posix_fetcher_file file[4];
    struct ota_net_head answer;
    size_t at, fill;                             /**< unread body bytes are frame[at..fill-1] */
    uint8_t frame[OTA_POSIX_FETCHER_FRAME];
};

/**
 * A network port whose exchanges the fetcher makes. It is started at the first exchange and again whenever it died, was silent or
 * sent what it must not: at once the first time, then after 1 s, 2 s and so on up to a minute. begin() may wait answer_ms for it.
 * @return OTA_OK; USAGE_ARGUMENT; USAGE_CONFIG as ota_posix_net_open() for files that cannot be read
 */
OTA_MUST_CHECK ota_err ota_posix_fetcher_open(struct ota_posix_fetcher *f, const struct ota_posix_fetcher_config *cfg, struct ota_fault *fault);
void ota_posix_fetcher_close(struct ota_posix_fetcher *f);

/**
 * Where the certificate comes later (certificate_later): from the next exchange on the file holds one that may be shown, or does not.
 * Without it begin() answers RETRY_CERTIFICATE, but for requests of another origin. @return OTA_OK; USAGE_STATE: an exchange is open
 */
OTA_MUST_CHECK ota_err ota_posix_fetcher_certificate(struct ota_posix_fetcher *f, bool usable);

/** The fetcher itself: enter the sandbox, then serve exchanges on fd until it closes. @return an exit status */
int ota_posix_fetcher_main(int fd, const struct ota_posix_helper_config *cfg);

#ifdef __cplusplus
}
#endif
#endif
