/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name. */
#ifndef TLSUTILS_DEVICEAUTH_CURL_H
#define TLSUTILS_DEVICEAUTH_CURL_H

#include <curl/curl.h>

CURLcode DeviceAuth_CurlSslFunc(CURL *curl, void *sslctx, void *userCtx);

#endif
