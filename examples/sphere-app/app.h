/* SPDX-License-Identifier: Apache-2.0 */
/* What both applications have in common: an agent whose one component lies in another processor, at the other end of a line. */
#ifndef SPHERE_APP_H
#define SPHERE_APP_H

#include "ota/monitor.h"
#include "ota/remote.h"
#include "ota/sphere.h"

#define APP_WORKSPACE 65536u
#define APP_ROOT_MAX 8192u
#define APP_MARKS 32u  /* blocks of the running slot of which a change is located */
#define APP_PACE 4096u /* bytes of the running slot that are read again at a time */

struct EventLoop;
struct EventRegistration;

struct app_config {
    const char *name;       /* in what it says */
    const char *component;  /* name of the component in deployments */
    const char *uid;        /* and of its packages */
    uint32_t security_min;  /* least security version of its packages */
    const char *url;        /* of the product's repository, ends in "/" */
    const char *report_url; /* NULL = reports are only kept */
    const char *group, *device_id;
    uint32_t poll_s;
    ota_err (*connect)(struct ota_sphere_line *l, struct ota_fault *fault);
};

struct app {
    struct app_config cfg;
    struct ota_sphere_store store;
    struct ota_sphere_net net;
    struct ota_sphere_clock clock;
    struct ota_sphere_log log;
    struct ota_posix_crypto crypto;
    struct ota_sphere_line line;
    struct ota_remote remote;
    struct ota_remote_slot slot[2];
    struct ota_remote_boot boot;
    struct ota_remote_health health;
    struct ota_posix_package_key key;
    uint8_t uid[OTA_UID_LEN];
    struct ota_package_want want;
    const struct ota_package_want *wants[1];
    struct ota_component component;
    struct ota_repo repo;
    char metadata_url[256], targets_url[256];
    uint8_t root[APP_ROOT_MAX];
    struct ota *agent;
    struct ota_watch watch;
    struct ota_monitor monitor;
    struct ota_monitor_part part;
    uint8_t pace[APP_PACE];
    uint8_t marks[APP_MARKS][OTA_SHA256_LEN];
    struct ota_sphere_loop driver;
    struct EventLoop *loop;
    struct EventRegistration *work;
    int work_fd;
    bool silent; /* the other end was, when it was asked last */
    unsigned skipped;
    bool restarts; /* the other processor, because we asked for it: the agent rests */
    uint64_t restarted_ms;
    uint64_t deferred_ms;  /* when time was asked for; 0 = not */
    uint64_t rescued_at;   /* bytes in the slot when the other processor was lost last, + 1; 0 = it was not */
    enum ota_outcome told; /* outcome that was said last */
    int exit_code;
    _Alignas(16) uint8_t workspace[APP_WORKSPACE]; /* all that the agent has */
};

/* Runs until the platform ends it. @return exit code: 0 asked to leave, 1 could not begin, 2 the agent stopped */
int app_run(struct app *a, const struct app_config *cfg);

/* "NAME URL [GROUP DEVICE-ID [POLL-SECONDS [REPORT-URL]]]" of CmdArgs. false: wrong. */
bool app_arguments(struct app_config *cfg, int argc, char **argv);

#endif
