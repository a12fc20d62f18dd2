/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include <string.h>

#include "ota/ram.h"
#include "report.h"

enum net_fault {
    NET_GOOD,
    NET_DOWN,
    NET_ENDS_EARLY,
    NET_NEVER_ENDS,
    NET_CHANGES_A_BYTE,
    NET_SKIPS_A_BYTE,
    NET_READS_TOO_MUCH,
    NET_OK_WITHOUT_BYTES,
    NET_IGNORES_RANGE,
    NET_RANGE_IS_ONE_OFF,
    NET_RANGE_STICKS,
    NET_END_STICKS,
    NET_ENDS_BEFORE,
    NET_DROPS_IF_RANGE,
    NET_DROPS_IF_NONE_MATCH,
    NET_HAS_NO_LENGTH,
    NET_HAS_NO_ETAG,
    NET_404_IS_200,
    NET_404_IS_A_FAILURE,
    NET_HEAD_ONCE,
    NET_END_SPOILS,
    NET_TAKES_ANY_URL,
    NET_PUT_IS_REFUSED,
    NET_DEAD_ANSWERS,
    NET_FAULTS
};

struct bad_net {
    struct ota_net port;
    struct ota_ram_net good;
    enum net_fault fault;
    uint64_t last_from, last_to;
    unsigned heads, given_up;
    bool done;
};

static struct bad_net bad_net;

static ota_err bad_ready(struct ota_net *s)
{
    (void)s;
    return bad_net.fault == NET_DOWN ? OTA_RETRY_NETWORK : OTA_OK;
}

static ota_err bad_begin(struct ota_net *s, const struct ota_net_request *req)
{
    struct bad_net *b = &bad_net;
    struct ota_net_request other = *req;

    (void)s;
    b->heads = 0;
    b->done = false;
    if (b->fault == NET_TAKES_ANY_URL && !strstr(req->url, "://"))
        other.url = "ram://s/file";
    if (strcmp(req->url, "ram://dead/") == 0 && b->fault != NET_DEAD_ANSWERS)
        return OTA_RETRY_NETWORK;
    if (b->fault == NET_IGNORES_RANGE)
        other.range_from = 0;
    if (b->fault == NET_RANGE_IS_ONE_OFF && other.range_from > 0)
        other.range_from--;
    if (b->fault == NET_RANGE_STICKS && other.range_from == 0)
        other.range_from = b->last_from;
    if (b->fault == NET_END_STICKS && other.range_to == 0)
        other.range_to = b->last_to;
    if (b->fault == NET_ENDS_BEFORE && other.range_to > other.range_from)
        other.range_to--;
    b->last_from = other.range_from;
    b->last_to = other.range_to;
    if (b->fault == NET_DROPS_IF_RANGE)
        other.if_range = NULL;
    if (b->fault == NET_DROPS_IF_NONE_MATCH)
        other.if_none_match = NULL;
    return b->good.port.ops->begin(&b->good.port, &other);
}

static ota_err bad_head(struct ota_net *s, struct ota_net_head *h, int32_t *code)
{
    struct bad_net *b = &bad_net;
    ota_err err = b->good.port.ops->head(&b->good.port, h, code);

    (void)s;
    if (b->fault == NET_HAS_NO_ETAG)
        h->etag[0] = '\0';
    if (b->fault == NET_404_IS_200 && h->status == 404)
        h->status = 200;
    if (b->fault == NET_404_IS_A_FAILURE && h->status == 404)
        return OTA_RETRY_NETWORK;
    if (b->fault == NET_HEAD_ONCE && b->heads++ > 0)
        return OTA_RETRY_PROTOCOL;
    return err;
}

static ota_err spoil_read(struct bad_net *b, uint8_t *buf, size_t len, size_t *got, ota_err err)
{
    if (b->fault == NET_NEVER_ENDS && err == OTA_DONE)
        return OTA_AGAIN;
    if (b->fault == NET_ENDS_EARLY && err == OTA_OK && *got < len)
        return *got = 0, OTA_DONE;
    if (b->fault == NET_READS_TOO_MUCH && err == OTA_OK)
        buf[len] = 0;
    if (b->fault == NET_OK_WITHOUT_BYTES && err == OTA_DONE && !b->done)
        return b->done = true, OTA_OK;
    if (b->fault == NET_CHANGES_A_BYTE && err == OTA_OK && *got == len)
        buf[len / 2] ^= 1;
    if (b->fault == NET_SKIPS_A_BYTE && err == OTA_OK && *got > 1)
        --*got;
    return err;
}

static ota_err bad_net_read(struct ota_net *s, void *buf, size_t len, size_t *got, int32_t *code)
{
    struct bad_net *b = &bad_net;
    ota_err err = b->good.port.ops->read(&b->good.port, buf, len, got, code);

    (void)s;
    if (b->fault == NET_END_SPOILS && b->given_up > 0 && err == OTA_OK)
        ((uint8_t *)buf)[0] ^= 1;
    return spoil_read(b, buf, len, got, err);
}

static void bad_end(struct ota_net *s)
{
    struct bad_net *b = &bad_net;

    (void)s;
    b->given_up += b->good.open && b->good.left > 0;
    b->good.port.ops->end(&b->good.port);
}

static void bad_wait(struct ota_net *s, uint32_t ms)
{
    (void)s;
    bad_net.good.port.ops->wait(&bad_net.good.port, ms);
}

unsigned planted_net(unsigned fault)
{
    static const struct ota_net_ops ops = { bad_ready, bad_begin, bad_head, bad_net_read, bad_end, bad_wait };
    static uint8_t pattern[OTA_CONTRACT_FILE_LEN];
    static struct ota_ram_file files[2];
    const struct ota_contract_server server = { "ram://s/file", "ram://s/empty", "ram://s/absent", "ram://s/put", "ram://dead/" };
    struct ota_contract_report r = quiet_report();

    for (uint32_t i = 0; i < sizeof pattern; i++)
        pattern[i] = ota_contract_byte(i);
    files[0] = (struct ota_ram_file){ .url = server.file_url, .body = pattern, .len = sizeof pattern, .etag = "\"1\"",
                                      .no_length = fault == NET_HAS_NO_LENGTH };
    files[1] = (struct ota_ram_file){ .url = server.empty_url, .body = pattern };
    memset(&bad_net, 0, sizeof bad_net);
    bad_net.port.ops = &ops;
    bad_net.fault = (enum net_fault)fault;
    ota_ram_net_init(&bad_net.good, files, 2);
    bad_net.good.put_status = fault == NET_PUT_IS_REFUSED ? 405 : 0;
    return ota_contract_net(&bad_net.port, &server, &r);
}

const unsigned planted_net_faults = NET_FAULTS;
