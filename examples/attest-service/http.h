/* SPDX-License-Identifier: Apache-2.0 */
/* One request of HTTP/1.1, as far as it has come. Only what the service needs, and strictly: POST with a Content-Length. */
#ifndef ATTEST_HTTP_H
#define ATTEST_HTTP_H

#include <stddef.h>

#define HTTP_HEAD_MAX 4096u

struct http_request {
    char path[64];
    const char *body;
    size_t body_len;
};

/* Read what has come. @return 0: more must come; 200: it is whole; else the status to refuse it with, of which
 *         400 is malformed, 405 another method, 411 no length, 413 a body longer than body_max, 415 another type, 431 a head
 *         longer than HTTP_HEAD_MAX, 501 a coding, 505 another version */
int http_read(const char *text, size_t len, size_t body_max, struct http_request *out);

/* "Payload Too Large" */
const char *http_reason(int status);

#endif
