/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Ports for a high-level application on Azure Sphere (library ota_sphere). They use the public applibs alone; where the SDK is
 * absent, declarations of our own and a simulation of the platform stand in for it (ports/sphere/README.md).
 *
 * The platform updates its own OS and this application. What the application updates through these ports lies outside: another
 * microcontroller on a serial line, external flash. Slots and boot control are therefore the application's own.
 *
 * Each port is a plain struct that the caller owns; its first member is the port itself. Open once, use from one thread,
 * close. Every *_open() returns OTA_OK, or an error with *fault (may be NULL) naming what failed and errno.
 */
#ifndef OTA_SPHERE_H
#define OTA_SPHERE_H

#include "ota/mcu.h"
#include "ota/ota.h"
#include "ota/posix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------- store -- */

/** The mutable file has this many bytes at most, and never fewer than OTA_SPHERE_STORE_MIN. */
#define OTA_SPHERE_STORE_MAX 65536u
#define OTA_SPHERE_STORE_MIN 4096u

/**
 * Records in the platform's one mutable file. A record is appended to a log; the log begins anew in the file's other half when
 * it is full, so that each byte of flash is written as rarely as the file's size allows, and a power cut leaves the old record
 * or the new one. All records together fit in one half; one that would not is DEVICE_FULL. SPEC.md, "Records in one file".
 */
struct ota_sphere_store {
    struct ota_store port;
    int fd;
    uint32_t half;      /**< bytes of each half */
    uint32_t base, end; /**< where the valid log begins in the file, and where its next entry goes */
    uint32_t generation;
    uint32_t chain; /**< checksum of the last entry */
    bool unsure;    /**< an append failed half-way: the log begins anew before the next one */
};

/**
 * Open the mutable file (`MutableStorage` in app_manifest.json). A file that is damaged keeps every record in front of the damage.
 * @param size  bytes of it that may be used: SizeKB of the manifest times 1024; a multiple of 8
 * @return OTA_OK; USAGE_ARGUMENT: size; DEVICE_STORE: EACCES without the capability, EIO
 */
OTA_MUST_CHECK ota_err ota_sphere_store_open(struct ota_sphere_store *s, uint32_t size, struct ota_fault *fault);
void ota_sphere_store_close(struct ota_sphere_store *s);

/* ----------------------------------------------------------------------------------------- network, clock -- */

struct ota_sphere_net {
    struct ota_net port;
    struct ota_posix_net posix; /**< libcurl, as on any POSIX system */
    char *ca_file;
    char buffer[OTA_POSIX_NET_BUFFER_MIN];
};

/**
 * HTTP by libcurl. `ready` is the platform's: interface, address and synchronised time. An https: server is shown the device's
 * certificate, whose key never leaves the chip, if device_auth is set (`DeviceAuthentication`; hosts in `AllowedConnections`).
 * @return OTA_OK; DEVICE_STORE: the CA file of the image package cannot be found; as ota_posix_net_open()
 */
struct ota_sphere_net_config {
    const char *ca_file; /**< path inside the image package, e.g. "certs/ca.pem" */
    bool device_auth;
};
OTA_MUST_CHECK ota_err ota_sphere_net_open(struct ota_sphere_net *n, const struct ota_sphere_net_config *cfg,
                                           struct ota_fault *fault);
void ota_sphere_net_close(struct ota_sphere_net *n);

struct ota_sphere_clock {
    struct ota_clock port;
    struct ota_posix_clock posix; /**< monotonic time and sleep, as on any POSIX system */
};
/** The wall clock is unknown until the platform's network is ready: it reports that after it synchronised the time. @return OTA_OK */
OTA_MUST_CHECK ota_err ota_sphere_clock_open(struct ota_sphere_clock *c, struct ota_fault *fault);

struct ota_sphere_log {
    struct ota_log port;
};
/** Lines for an attached debugger. Nothing is kept on a device in the field. */
void ota_sphere_log_open(struct ota_sphere_log *l);

/** Ask the platform for a restart (`PowerControls`: `ForceReboot`). @return OTA_OK: it is on its way; DEVICE_BOOT */
OTA_MUST_CHECK ota_err ota_sphere_reboot(int32_t *port_code);

/* ------------------------------------------------------------------------------------------ lines -- */

/** Most bytes of a message on the socket between cores, and of one read of a UART. */
#define OTA_SPHERE_MESSAGE_MAX 1024u

/** A byte pipe for include/ota/remote.h. */
struct ota_sphere_line {
    struct ota_mcu_pipe port;
    int fd;
    bool gone; /**< seen: the other end closed it, or the device failed. Open it anew */
    size_t at, len;
    uint8_t in[OTA_SPHERE_MESSAGE_MAX];
};

/** A UART, 8N1 with RTS/CTS (`Uart` in app_manifest.json). @return OTA_OK; DEVICE_SLOT "UART_Open" with errno, EACCES without it */
OTA_MUST_CHECK ota_err ota_sphere_uart_open(struct ota_sphere_line *l, int uart, uint32_t baud, struct ota_fault *fault);

/**
 * The application on a real-time core with this component id (`AllowedApplicationConnections`). Bytes are cut into messages at will.
 * @return OTA_OK; DEVICE_SLOT "Application_Connect" with errno: EACCES without the capability, EINVAL
 */
OTA_MUST_CHECK ota_err ota_sphere_core_open(struct ota_sphere_line *l, const char *component, struct ota_fault *fault);
void ota_sphere_line_close(struct ota_sphere_line *l);

/* ----------------------------------------------------------------------------------------- loop and events -- */

struct EventLoop;
struct EventRegistration;

/** What the platform's updates of itself and of this application do, one to one. */
enum ota_sphere_update {
    OTA_SPHERE_NONE = 0, /**< no update */
    OTA_SPHERE_STARTED,  /**< it downloads */
    OTA_SPHERE_PENDING,  /**< it will be installed: seconds_max may be asked for */
    OTA_SPHERE_DEFERRED, /**< it waits as long as was granted */
    OTA_SPHERE_FINAL,    /**< it is installed now: leave within OTA_SPHERE_LEAVE_S */
    OTA_SPHERE_COMPLETE  /**< an application's update is done */
};
#define OTA_SPHERE_LEAVE_S 10u

/** Limits of the platform, used also for what the application updates: minutes. */
#define OTA_SPHERE_DEFER_SYSTEM_MIN 1440u
#define OTA_SPHERE_DEFER_APP_MIN 10020u

struct ota_sphere_loop;
struct ota_sphere_loop_config {
    struct EventLoop *loop; /**< the application's */
    struct ota *agent;
    /** An update of the platform moves on; may call ota_sphere_defer(). NULL: it is never held back. */
    void (*update)(struct ota_sphere_loop *l, enum ota_sphere_update state, bool system, uint32_t seconds_max);
    /** The agent asked for a restart of what it updates, or the loop failed with err. May be NULL. */
    void (*stopped)(struct ota_sphere_loop *l, ota_err err);
    /** Called before each step: the moment to look whether an update that is ready (ota_status()) may come, and to ota_defer() it. May
     * be NULL. */
    void (*before)(struct ota_sphere_loop *l);
};

/** Drives ota_step() from the application's event loop by a timer. First member of the owner's struct, if it needs its own. */
struct ota_sphere_loop {
    struct ota_sphere_loop_config cfg;
    int timer_fd;
    struct EventRegistration *timer, *events;
    enum ota_sphere_update update;
};

/** @return OTA_OK; USAGE_ARGUMENT; DEVICE_STORE: a timer or a registration (EACCES: `SystemEventNotifications`) was refused */
OTA_MUST_CHECK ota_err ota_sphere_loop_open(struct ota_sphere_loop *l, const struct ota_sphere_loop_config *cfg,
                                            struct ota_fault *fault);
void ota_sphere_loop_close(struct ota_sphere_loop *l);

/** Step now: after ota_check_now(), ota_confirm() and the like. */
void ota_sphere_loop_wake(struct ota_sphere_loop *l);

/**
 * Ask the platform to hold its update back, and this agent's own install with it (ota_defer()); 0 lets both go on. Only while
 * PENDING (or DEFERRED, for 0). More than the platform's limit is cut by it (`SoftwareUpdateDeferral`).
 * @return OTA_OK; USAGE_STATE: nothing to defer; DEVICE_BOOT: refused, errno in *port_code
 */
OTA_MUST_CHECK ota_err ota_sphere_defer(struct ota_sphere_loop *l, uint32_t seconds, int32_t *port_code);

#ifdef __cplusplus
}
#endif
#endif
