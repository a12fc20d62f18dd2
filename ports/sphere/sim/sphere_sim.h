/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform, simulated: the applibs on Linux, with their limits, their errno and the timing of their events. One per process.
 * What it does not have: the sandbox of a real device. What the manifest does not list fails as it does there.
 */
#ifndef SPHERE_SIM_H
#define SPHERE_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <applibs/sysevent.h>

/* What app_manifest.json would say. */
struct sphere_sim_manifest {
    const char *package_dir;  /* files of the image package */
    const char *mutable_file; /* path of what stands for the mutable file */
    unsigned mutable_kb;      /* MutableStorage.SizeKB; 0 = no capability */
    bool system_events, deferral, force_reboot, device_auth;
    const char *cert_file, *key_file; /* what the chip would sign with */
    const char *uart;                 /* device of the one UART; NULL = no capability */
    const char *core;                 /* component id of the real-time application that may be talked to; NULL = none */
    const char *core_socket;          /* where it listens, SOCK_SEQPACKET */
};
void sphere_sim_begin(const struct sphere_sim_manifest *m);

void sphere_sim_set_network(bool ready);
void sphere_sim_set_device_auth(bool ready);
/* Every file operation of the mutable file fails from now on as the flash would; 0 = none. */
void sphere_sim_fail_storage(int number);
/* Was a restart asked for? */
bool sphere_sim_rebooted(void);

/* An update of the platform becomes ready: Pending goes out when the loop runs next, Final when what was granted has passed. Time
 * is the simulation's own: it stands still but for sphere_sim_pass(). */
void sphere_sim_offer(SysEvent_UpdateType type);
void sphere_sim_start_download(void);
void sphere_sim_no_update(void);
void sphere_sim_pass(unsigned minutes);

/* A line of the control file (launch.c): "network on|off", "auth on|off", "offer app|system", "download", "none", "pass MINUTES".
 * false: it is none of these. */
bool sphere_sim_command(const char *line);
/* Called whenever the loop turns, at least ten times a second; NULL = by nobody. */
void sphere_sim_set_poll(void (*poll)(void));

/* For sysevent.c and eventloop.c. */
void (*sphere_sim_poll(void))(void);
const struct sphere_sim_manifest *sphere_sim_manifest(void);
void sphere_sim_deliver(void);

#endif
