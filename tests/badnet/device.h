/* SPDX-License-Identifier: Apache-2.0 */
/* The device of tests/badnet: the real agent over the ports of ports/posix, told what to do line by line. */
#ifndef BADNET_DEVICE_H
#define BADNET_DEVICE_H

#include "ota/ota.h"
#include "ota/posix_sandbox.h"

struct device {
    struct ota_posix_slot slot[2];
    struct ota_posix_store store;
    struct ota_posix_net net;
    struct ota_posix_helper helper;       /* with BADNET_FETCHER: the exchanges are made in another process, in its sandbox */
    struct ota_posix_fetcher fetcher;
    struct ota_net *net_port;
    struct ota_posix_clock clock;
    struct ota_posix_crypto crypto;
    struct ota_posix_boot boot;
    struct ota_posix_health health;
    struct ota_component component;
    struct ota_repo repo;
    struct ota_config cfg;
    struct ota *agent;
};

/* Spoil the opened net port in one named way: a client that the table must catch. false: no such way. */
bool plant(struct device *d, const char *name);

#endif
