/* SPDX-License-Identifier: Apache-2.0 */
/* The network port's two halves: libcurl for http: and https:, plain files for file:. net.c chooses by scheme. */
#ifndef OTAP_NET_H
#define OTAP_NET_H

#include "ota/posix.h"

/* net_curl.c. Results as in struct ota_net_ops. */
ota_err otap_curl_open(struct ota_posix_net *n, const struct ota_posix_net_config *cfg);
void otap_curl_close(struct ota_posix_net *n);
ota_err otap_curl_begin(struct ota_posix_net *n, const struct ota_net_request *req);
ota_err otap_curl_head(struct ota_posix_net *n, int32_t *port_code);
ota_err otap_curl_read(struct ota_posix_net *n, void *buf, size_t len, size_t *got, int32_t *port_code);
void otap_curl_end(struct ota_posix_net *n);
void otap_curl_wait(struct ota_posix_net *n, uint32_t ms);
/* Also until fd has something to read. */
void otap_curl_wait_also(struct ota_posix_net *n, int fd, uint32_t ms);

/* net.c: can the files of a configuration be read? Names the member that is not. */
ota_err otap_net_check(const struct ota_posix_net_config *cfg, struct ota_fault *fault);

/* net_options.c: what is set once for all exchanges. false: libcurl lacks one of them or has no memory. */
bool otap_curl_set_options(struct ota_posix_net *n, const struct ota_posix_net_config *cfg);

/* net_file.c. The answer's head is complete after begin. */
ota_err otap_file_begin(struct ota_posix_net *n, const struct ota_net_request *req);
ota_err otap_file_read(struct ota_posix_net *n, void *buf, size_t len, size_t *got, int32_t *port_code);
void otap_file_end(struct ota_posix_net *n);

/* net_syslog.c. The status that answers a PUT to this path: 201, or 405 where no part of the path is a socket. */
unsigned otap_syslog_put(const char *path, const struct ota_net_request *req);

#endif
