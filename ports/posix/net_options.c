/* SPDX-License-Identifier: Apache-2.0 */
/* How libcurl is used: what it may speak, whom it trusts, and every convenience that is switched off. */
#include <curl/curl.h>
#include <fcntl.h>

#include "net.h"
#include "ota/ota.h"

#define RECEIVE_BUFFER 32768L /* of libcurl; larger ones are copied once more whenever the reader is behind */

static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user;
    (void)purpose;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

/* A program that is short of memory gave us little of it. */
static long receive_buffer(const struct ota_posix_net_config *cfg)
{
    return cfg->buffer && cfg->buffer_len < RECEIVE_BUFFER ? (long)cfg->buffer_len : RECEIVE_BUFFER;
}

static bool set_protocol(CURL *e, const struct ota_posix_net_config *cfg)
{
    return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_USERAGENT, "libota/" OTA_VERSION_STRING) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_BUFFERSIZE, receive_buffer(cfg)) == CURLE_OK &&
           (!cfg->buffer || curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)OTA_POSIX_NET_BUFFER_MIN) == CURLE_OK) &&
           curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket) == CURLE_OK;
}

/* Redirects are the core's business; decompression would hide what is hashed; credentials come from nowhere else. */
static bool set_restraint(CURL *e)
{
    return curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK;
}

/* "" for none: NULL would let libcurl look into the environment. */
static bool set_proxy(CURL *e, const struct ota_posix_net_config *cfg)
{
    return curl_easy_setopt(e, CURLOPT_PROXY, cfg->proxy ? cfg->proxy : "") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOPROXY, "") == CURLE_OK;
}

/* Naming one's own CAs means these and no others: libcurl would keep the system's directory beside them. */
static bool set_trust(CURL *e, const struct ota_posix_net_config *cfg)
{
    if (curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK ||
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK ||
        curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK)
        return false;
    if (!cfg->ca_file && !cfg->ca_dir)
        return true;
    return curl_easy_setopt(e, CURLOPT_CAINFO, cfg->ca_file) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CAPATH, cfg->ca_dir) == CURLE_OK;
}

bool otap_curl_set_options(struct ota_posix_net *n, const struct ota_posix_net_config *cfg)
{
    return set_protocol(n->easy, cfg) && set_restraint(n->easy) && set_proxy(n->easy, cfg) && set_trust(n->easy, cfg);
}
