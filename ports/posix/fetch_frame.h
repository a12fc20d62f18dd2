/* SPDX-License-Identifier: Apache-2.0 */
/* The frames between writer and fetcher (SPEC.md section 17). One frame is one packet. Pure: bytes in, bytes out; whoever sends is not
 * believed. Numbers are little-endian. */
#ifndef OTAP_FETCH_FRAME_H
#define OTAP_FETCH_FRAME_H

#include "ota/posix_sandbox.h"

#define OTAP_FRAME_VERSION 1u
#define OTAP_FRAME_HEADER 16u
#define OTAP_FRAME_BODY_MAX (OTA_POSIX_FETCHER_FRAME - OTAP_FRAME_HEADER)

enum otap_frame_type {
    OTAP_BEGIN = 1,   /* writer: a request */
    OTAP_END = 2,     /* writer: give the exchange up */
    OTAP_HELLO = 16,  /* fetcher: the sandbox holds, requests may come */
    OTAP_BEGUN = 17,  /* fetcher: result of begin() */
    OTAP_HEAD = 18,   /* fetcher: the answer's head */
    OTAP_DATA = 19,   /* fetcher: bytes of the body */
    OTAP_DONE = 20,   /* fetcher: result of the exchange */
    OTAP_ENDED = 21   /* fetcher: nothing more of this exchange will come */
};

struct otap_frame {
    enum otap_frame_type type;
    uint32_t exchange;
    const uint8_t *body;
    size_t len;
};

/* Fill in a frame's header; its body of len bytes is at frame + OTAP_FRAME_HEADER. */
void otap_frame_seal(uint8_t *frame, enum otap_frame_type type, uint32_t exchange, size_t len);

/* 0, or an enum ota_posix_fetcher_code: what came is not one whole frame. */
int32_t otap_frame_open(struct otap_frame *f, const uint8_t *packet, size_t len);

/* Bodies. put: bytes written, 0 = does not fit. get: false = not such a body. */
size_t otap_put_request(uint8_t *body, size_t cap, const struct ota_net_request *req);
/* Texts of *req point into `body`, whose bytes are changed: each text gets its NUL. */
bool otap_get_request(uint8_t *body, size_t len, struct ota_net_request *req);
size_t otap_put_head(uint8_t *body, size_t cap, const struct ota_net_head *h);
bool otap_get_head(const uint8_t *body, size_t len, struct ota_net_head *h);
size_t otap_put_result(uint8_t *body, ota_err err, int32_t code);
bool otap_get_result(const uint8_t *body, size_t len, ota_err *err, int32_t *code);
size_t otap_put_hello(uint8_t *body, const struct ota_posix_sandbox_state *s, ota_err err, int32_t code);
bool otap_get_hello(const uint8_t *body, size_t len, struct ota_posix_sandbox_state *s, ota_err *err, int32_t *code);

#endif
