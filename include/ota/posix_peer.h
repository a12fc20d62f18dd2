/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Agents that share a device (library ota_posix): the system's agent listens on `<runtime_dir>/agent.sock`, applications that
 * update themselves ask it for time, for news, and for their turn. SPEC.md, section 15, says what goes over the socket.
 */
#ifndef OTA_POSIX_PEER_H
#define OTA_POSIX_PEER_H

#include "ota/ota.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_POSIX_LINE_MAX 512u     /**< bytes of one line, without its newline */
#define OTA_POSIX_MEMBERS_MAX 12u   /**< of the object in it */

enum ota_posix_kind { OTA_POSIX_TEXT, OTA_POSIX_NUMBER, OTA_POSIX_BOOL };

struct ota_posix_member {
    char name[16];                  /**< 1..15 characters of [a-z_] */
    enum ota_posix_kind kind;
    char text[64];                  /**< printable ASCII without quote and backslash */
    int64_t number;                 /**< also 0 or 1 for false and true */
};

/** One line: a JSON object without objects or arrays in it. */
struct ota_posix_line {
    size_t count;
    struct ota_posix_member member[OTA_POSIX_MEMBERS_MAX];
};

/**
 * Read one line, which needs no NUL. Pure. Strict: one object, members once each, spaces only between tokens, no escapes,
 * integers of up to 15 digits.
 * @return OTA_OK; REJECT_SYNTAX, REJECT_DUPLICATE, REJECT_LIMIT (too long, too many, a text or number too long). out is then empty
 */
OTA_MUST_CHECK ota_err ota_posix_line_parse(struct ota_posix_line *out, const char *text, size_t len);

/** @return the member of that name and kind, or NULL */
const struct ota_posix_member *ota_posix_line_find(const struct ota_posix_line *l, const char *name, enum ota_posix_kind kind);

/**
 * Does an agent in this state need the device's turn to go on? From the plan to the sealed image, and to arm. Not while an
 * update rests because something holds it back, and not from the restart on: a trial waits for nobody.
 */
bool ota_posix_needs_turn(enum ota_state state);

/** @return true from the plan until the update has ended: an agent in such a state keeps the turn that it has */
bool ota_posix_keeps_turn(enum ota_state state);

/* ---------------------------------------------------------------------------------------------------- the lock -- */

/** `<runtime_dir>/update.lock`, held with flock by whoever updates; the kernel lets go of it when its holder dies. */
struct ota_posix_turn_lock {
    int fd;        /**< -1 = not open */
    bool held;
};

/** Open it, making it where it is absent (0644). @return OTA_OK; DEVICE_STORE (errno) */
OTA_MUST_CHECK ota_err ota_posix_turn_lock_open(struct ota_posix_turn_lock *l, const char *runtime_dir, struct ota_fault *fault);
/** Never blocks. @return true: we hold it now */
bool ota_posix_turn_lock_try(struct ota_posix_turn_lock *l);
void ota_posix_turn_lock_release(struct ota_posix_turn_lock *l);
void ota_posix_turn_lock_close(struct ota_posix_turn_lock *l);

/* ------------------------------------------------------------------------------------- an application's side -- */

#define OTA_POSIX_SYSTEM_TURN_S 3600u   /**< longest turn of the system while an application waits */
#define OTA_POSIX_APP_TURN_S 900u       /**< longest turn of an application */
#define OTA_POSIX_WAIT_S 21600u         /**< an application that waited so long goes on all the same */

/** What the system's agent tells. */
struct ota_posix_news {
    char state[16];           /**< ota_state_name() */
    char version[OTA_VERSION_MAX];   /**< of the system that runs */
    int64_t seq;              /**< of the installed deployment */
    bool pending;             /**< an update of the system is ready or on its way */
    bool deferred;            /**< and waits because somebody asked for time */
    bool forced;              /**< it is about to be installed: no time is granted any more */
    bool trial;               /**< the system is on trial */
};

struct ota_posix_peer_config {
    const char *runtime_dir;  /**< of the system's agent */
    uint32_t wait_s;          /**< longest wait for a turn; 0 = OTA_POSIX_WAIT_S */
};

struct ota_posix_peer {
    const char *runtime_dir;
    int fd;                   /**< -1 = not connected */
    struct ota_posix_turn_lock lock;
    bool asked, granted;      /**< the turn */
    bool overdue;             /**< it was taken because the wait took too long */
    uint64_t wait_ms, since_ms, tried_ms;
    bool fresh;               /**< news has changed since it was asked for */
    struct ota_posix_news news;
    size_t fill;
    char in[OTA_POSIX_LINE_MAX + 1];
};

/** No connection is made yet: an agent that is not there is no error. @return OTA_OK; USAGE_ARGUMENT; DEVICE_STORE */
OTA_MUST_CHECK ota_err ota_posix_peer_open(struct ota_posix_peer *p, const struct ota_posix_peer_config *cfg, struct ota_fault *fault);
void ota_posix_peer_close(struct ota_posix_peer *p);

/**
 * Ask for the turn, or look whether it has come. Never blocks for long (100 ms). Where no agent runs the lock alone decides.
 * After wait_s the answer is OTA_OK in any case, with p->overdue set: nobody waits for ever.
 * @return OTA_OK the turn is ours; OTA_AGAIN ask again in a second or when p->fd can be read
 */
OTA_MUST_CHECK ota_err ota_posix_peer_turn(struct ota_posix_peer *p);
/** Give it back, or up. */
void ota_posix_peer_done(struct ota_posix_peer *p);

/**
 * Ask the system's agent for time before it installs its update: ota_defer() there, with its caps. Blocks up to 2 s.
 * @return OTA_OK with *granted_s; USAGE_STATE the update is being installed; RETRY_NOT_FOUND no agent runs; RETRY_REFUSED
 *         this process may not ask; RETRY_TIMEOUT, RETRY_PROTOCOL
 */
OTA_MUST_CHECK ota_err ota_posix_peer_defer(struct ota_posix_peer *p, uint32_t seconds, uint32_t *granted_s);
/** Let the system's agent check in now. @return as ota_posix_peer_defer() */
OTA_MUST_CHECK ota_err ota_posix_peer_check_now(struct ota_posix_peer *p);
/** Ask what goes on; from then on changes are told. @return as ota_posix_peer_defer() */
OTA_MUST_CHECK ota_err ota_posix_peer_ask(struct ota_posix_peer *p, struct ota_posix_news *out);
/** What was told since. Never blocks. @return true: *out has changed */
bool ota_posix_peer_news(struct ota_posix_peer *p, struct ota_posix_news *out);

/* ------------------------------------------------------------------------------------- what the system provides -- */

#define OTA_POSIX_PAGE 8u               /**< levels in one line */
#define OTA_POSIX_PROVIDED_MAX 32u

/** For ota_config: provided = level, provided_count = OTA_POSIX_PROVIDED_MAX. Entries that are not used are "". */
struct ota_posix_provided {
    struct ota_provided level[OTA_POSIX_PROVIDED_MAX];
    char name[OTA_POSIX_PROVIDED_MAX][OTA_NAME_MAX];
    size_t count;                       /**< that are used */
};

/** Nothing is provided. Before ota_init(); the struct must not be moved afterwards. */
void ota_posix_provided_init(struct ota_posix_provided *set);

/**
 * Ask what the system's components provide now, as confirmed, and its configuration. Between two steps: before those in the states
 * trust, plan and ready, when the turn is ours, so that nothing changes behind it. Blocks up to 2 s.
 * @return OTA_OK: *set is new, as a whole; else it is as it was: RETRY_NOT_FOUND no agent runs; RETRY_REFUSED this process may not ask;
 *         RETRY_PROTOCOL an older agent that does not know the question, more than OTA_POSIX_PROVIDED_MAX, a malformed answer, or
 *         an update in between; RETRY_TIMEOUT
 */
OTA_MUST_CHECK ota_err ota_posix_peer_provided(struct ota_posix_peer *p, struct ota_posix_provided *set);

#ifdef __cplusplus
}
#endif
#endif
