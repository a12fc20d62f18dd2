/* SPDX-License-Identifier: Apache-2.0 */
/* Fetchers that somebody else has taken over. Each speaks the frames well enough to get to its misdeed. */
#ifndef OTA_TEST_HOSTILE_H
#define OTA_TEST_HOSTILE_H

#include "ota/posix_sandbox.h"

/* What it does, and what the port then says: begin, or head or read; with what code. AGAIN: it only keeps silent. */
#define HOSTILE_LIST(X)                                                                      \
    X(GONE_AT_ONCE, BEGIN, RETRY_NETWORK, OTA_POSIX_FETCHER_DIED)                            \
    X(GONE_AFTER_HELLO, BEGIN, RETRY_NETWORK, OTA_POSIX_FETCHER_DIED)                        \
    X(GONE_AFTER_BEGUN, HEAD, RETRY_NETWORK, OTA_POSIX_FETCHER_DIED)                         \
    X(GONE_AFTER_HEAD, READ, RETRY_NETWORK, OTA_POSIX_FETCHER_DIED)                          \
    X(GONE_AFTER_DATA, READ, RETRY_NETWORK, OTA_POSIX_FETCHER_DIED)                          \
    X(SILENT_AT_ONCE, BEGIN, RETRY_NETWORK, OTA_POSIX_FETCHER_SILENT)                        \
    X(SILENT_AFTER_HELLO, BEGIN, RETRY_NETWORK, OTA_POSIX_FETCHER_SILENT)                    \
    X(NO_SANDBOX, BEGIN, RETRY_NETWORK, OTA_POSIX_FETCHER_START)                             \
    X(HELLO_STRANGE, BEGIN, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                          \
    X(HELLO_TWICE, BEGIN, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                            \
    X(FRAME_EMPTY, HEAD, RETRY_NETWORK, OTA_POSIX_FETCHER_DIED)                              \
    X(FRAME_SHORT, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_LENGTH)                           \
    X(FRAME_LONG, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_LENGTH)                            \
    X(FRAME_LIES_UP, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_LENGTH)                         \
    X(FRAME_LIES_DOWN, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_LENGTH)                       \
    X(FRAME_VERSION, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_VERSION)                        \
    X(FRAME_RESERVED, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_VERSION)                       \
    X(FRAME_TYPE, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                              \
    X(FRAME_GARBAGE, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_VERSION)                        \
    X(TYPE_OF_WRITER, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                          \
    X(DATA_BEFORE_HEAD, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                        \
    X(DATA_EMPTY, READ, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                              \
    X(HEAD_TWICE, READ, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                              \
    X(BEGUN_TWICE, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_TYPE)                             \
    X(OTHER_EXCHANGE, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_EXCHANGE)                      \
    X(LATER_EXCHANGE, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_EXCHANGE)                      \
    X(HEAD_CUT, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                                \
    X(HEAD_STATUS, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                             \
    X(HEAD_FLAGS, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                              \
    X(HEAD_LENGTH, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                             \
    X(HEAD_RANGE, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                              \
    X(HEAD_ETAG, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                               \
    X(HEAD_ETAG_LONG, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                          \
    X(HEAD_LOCATION, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_HEAD)                           \
    X(RESULT_CUT, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_RESULT)                            \
    X(RESULT_OK, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_RESULT)                             \
    X(RESULT_REJECT, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_RESULT)                         \
    X(RESULT_CODE, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_RESULT)                           \
    X(RESULT_OF_BEGIN, BEGIN, RETRY_PROTOCOL, OTA_POSIX_FETCHER_RESULT)                      \
    X(DONE_WITHOUT_HEAD, HEAD, RETRY_PROTOCOL, 0)                                            \
    X(DESCRIPTOR, HEAD, RETRY_PROTOCOL, OTA_POSIX_FETCHER_DESCRIPTOR)                        \
    X(DESCRIPTOR_IN_HELLO, BEGIN, RETRY_PROTOCOL, OTA_POSIX_FETCHER_DESCRIPTOR)

#define HOSTILE_NAME(name, where, err, code) HOSTILE_##name,
enum hostile { HOSTILE_LIST(HOSTILE_NAME) HOSTILE_COUNT, HOSTILE_ENDLESS, HOSTILE_FLOOD, HOSTILE_OLDER, HOSTILE_NONE };

/* The misdeed's number; HOSTILE_NONE for an unknown name. */
enum hostile hostile_named(const char *name);

/* Runs as a fetcher. */
int hostile_fetcher(int fd, enum hostile what);

/* HOSTILE_OLDER: answers every request for an image with another file, of which it says all that was said of the right one. */
int hostile_older(int fd, const struct ota_posix_helper_config *cfg);

#endif
