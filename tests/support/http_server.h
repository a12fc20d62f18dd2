/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server on loopback for tests: serves a directory with ranges and validators, takes PUTs, and misbehaves
 * as told. It runs in threads of the test program. Every function aborts the program with a message when it cannot work.
 */
#ifndef OTA_TEST_HTTP_SERVER_H
#define OTA_TEST_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_http;

/* What to do wrong. All zero is well-behaved; pointers must stay valid while the fault is set. */
struct test_http_fault {
    unsigned times;            /* for how many requests; 0 = until another fault is set for the path */
    unsigned status;           /* answer with this status and an empty body */
    const char *fields;        /* further header lines, each ended by "\r\n" */
    bool drop;                 /* close after drop_after body bytes */
    uint64_t drop_after;
    bool stall;                /* send stall_after bytes of the body, then nothing, connection open */
    uint64_t stall_after;
    bool stall_head;           /* never answer */
    bool ignore_range;         /* 200 with everything */
    bool ignore_if_range;      /* 206 although the entity tag differs */
    bool wrong_range;          /* Content-Range is one byte off */
    bool no_length;            /* no Content-Length: the body ends with the connection */
    bool chunked;              /* transfer coding instead of Content-Length, with a trailer */
    int64_t length_lie;        /* added to Content-Length */
    unsigned interim;          /* so many "103 Early Hints" before the answer */
    size_t flood;              /* so many bytes of further header lines */
    unsigned slow_bytes;       /* so many body bytes, then a pause of 5 ms */
    const char *raw;           /* send exactly this and close */
};

struct test_http_seen {
    unsigned connections, requests;
    unsigned puts;
    uint64_t body_bytes;       /* sent */
    char request[4096];        /* head of the last request, NUL-terminated, cut to fit */
    char put_body[4096];       /* of the last PUT, NUL-terminated, cut to fit */
    size_t put_len;
};

/* Serve dir (copied) on 127.0.0.1, any free port. */
struct test_http *test_http_start(const char *dir);

/* "http://127.0.0.1:PORT/" Valid until stop. */
const char *test_http_url(const struct test_http *s);
unsigned test_http_port(const struct test_http *s);

/* Misbehave for this path ("/a/b"), or for all of them ("*"). NULL: behave again. */
void test_http_fault(struct test_http *s, const char *path, const struct test_http_fault *fault);

/* A copy of the counters; reset starts them over. */
void test_http_seen(struct test_http *s, struct test_http_seen *out);
void test_http_reset(struct test_http *s);

/* Cut every connection, end every thread. */
void test_http_stop(struct test_http *s);

#endif
