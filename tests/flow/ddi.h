/* SPDX-License-Identifier: Apache-2.0 */
/* A DDI server that keeps hawkBit's rules: what an action shows, what each feedback does to it, and what its history then
 * says. */
#ifndef FLOW_DDI_H
#define FLOW_DDI_H

#include "flow.h"

#include "agent.h"

#define ROOT "https://hb.example/DEFAULT/controller/v1/dev-1"

/* ---- the server ---- */

enum action_state { NO_ACTION, RUNNING, CANCELING, FINISHED, FAILED, CANCELED };

/* One action, the newest, and what the device said of it. */
static struct ddi {
    struct ota_net port;
    const struct ota_hawkbit cfg;
    int id, mark;
    bool history; /* the server tells what it knows of an action */
    enum action_state state;
    const char *modes; /* of the deployment's JSON */
    uint64_t seq;
    bool no_metadata, deaf; /* deaf: feedback is taken, and the connection breaks */
    bool down, slow;        /* slow: each head comes at the second look */
    uint16_t refuse;        /* status for every request, 0 = none */
    /* heard */
    uint32_t unchanged; /* polls answered with 304 */
    uint32_t refused_deferrals, seen;
    uint64_t forced_at_ms; /* when a soft action became a forced one */
    uint32_t polls, attributes, proceeding, downloaded, successes, failures, after_end, rejected, code;
    char detail[256];
    /* the exchange under way */
    bool ours, no_ack, looked;
    uint16_t status;
    char body[1024];
    char tag[OTA_ETAG_MAX]; /* of a poll's answer */
    size_t len, at;
} ddi = { .cfg = { .size = sizeof ddi.cfg, .url = "https://hb.example/", .target_token = "tok1", .poll_min_s = 1, .look_s = 1 } };

static const char forced[] = "\"download\":\"forced\",\"update\":\"forced\"";
static const char soft[] = "\"download\":\"attempt\",\"update\":\"attempt\"";
static const char store_only[] = "\"download\":\"forced\",\"update\":\"skip\"";
static const char closed[] = "\"download\":\"forced\",\"update\":\"skip\",\"maintenanceWindow\":\"unavailable\"";
static const char opened[] = "\"download\":\"forced\",\"update\":\"forced\",\"maintenanceWindow\":\"available\"";

static inline void say(uint16_t status, const char *body)
{
    ddi.status = status;
    (void)snprintf(ddi.body, sizeof ddi.body, "%s", body);
    ddi.len = strlen(ddi.body);
}

static inline void say_poll(void)
{
    char link[200] = "";

    ddi.polls++;
    if (ddi.state == RUNNING)
        (void)snprintf(link, sizeof link, "\"deploymentBase\":{\"href\":\"http://internal" ROOT "/deploymentBase/%d?c=%d\"}",
                       ddi.id, ddi.mark);
    if (ddi.state == CANCELING)
        (void)snprintf(link, sizeof link, "\"cancelAction\":{\"href\":\"http://internal" ROOT "/cancelAction/%d\"}", ddi.id);
    char all[300];
    (void)snprintf(all, sizeof all, "{\"config\":{\"polling\":{\"sleep\":\"00:01:00\"}},\"_links\":{%s}}", link);
    say(200, all);
    (void)snprintf(ddi.tag, sizeof ddi.tag, "\"%08x\"", (unsigned)otai_crc32(0, all, strlen(all)));
}

/* Conditional requests: none but a poll's. */
static inline void compare_tag(const char *if_none_match)
{
    if (!if_none_match || !if_none_match[0])
        return;
    assert_true(ddi.tag[0]);
    if (strcmp(if_none_match, ddi.tag) != 0)
        return;
    ddi.unchanged++;
    say(304, "");
}

static inline void say_deployment(void)
{
    char meta[100] = "", all[600];

    if (!ddi.no_metadata)
        (void)snprintf(meta, sizeof meta, "{\"key\":\"ota.seq\",\"value\":\"%llu\"}", (unsigned long long)ddi.seq);
    (void)snprintf(all, sizeof all,
                   "{\"id\":\"%d\",\"deployment\":{%s,\"chunks\":[{\"part\":\"os\",\"artifacts\":[],\"metadata\":[%s]}]}%s}",
                   ddi.id, ddi.modes, meta, ddi.history ? ",\"actionHistory\":{\"status\":\"RUNNING\",\"messages\":[\"m\"]}" : "");
    say(ddi.state == RUNNING ? 200 : 404, all);
}

static inline void note_detail(const char *body)
{
    const char *code = strstr(body, "\"code\":"), *detail = strstr(body, "\"details\":[\"");

    ddi.code = code ? (uint32_t)strtoul(code + 7, NULL, 10) : 0;
    (void)snprintf(ddi.detail, sizeof ddi.detail, "%s", detail ? detail + 12 : "");
}

static inline void hear_deployment(const char *body)
{
    if (ddi.state != RUNNING && ddi.state != CANCELING) {
        ddi.after_end += strstr(body, "\"closed\"") != NULL;
        say(410, "");
        return;
    }
    say(200, "");
    if (strstr(body, "\"proceeding\""))
        ddi.proceeding++;
    if (strstr(body, "\"downloaded\"")) {
        ddi.downloaded++;
        ddi.state = ddi.modes == store_only ? FINISHED : ddi.state;
    }
    if (!strstr(body, "\"closed\""))
        return;
    bool good = strstr(body, "\"success\"") != NULL;
    ddi.successes += good;
    ddi.failures += !good;
    ddi.state = good ? FINISHED : FAILED;
    note_detail(body);
    if (good && dev->boot.record.state != OTA_BOOT_TRIAL_NONE)
        sim_break(dev, "success is told after it is confirmed");
}

static inline void hear_cancel(const char *body)
{
    say(ddi.state == CANCELING ? 200 : 405, "");
    if (ddi.state != CANCELING)
        return;
    bool refused = strstr(body, "\"rejected\"") != NULL;
    ddi.rejected += refused;
    ddi.state = refused ? RUNNING : CANCELED;
}

static inline void hear(const struct ota_net_request *q, const char *path)
{
    char body[4096];

    assert_true(q->body_len < sizeof body);
    memcpy(body, q->body, q->body_len);
    body[q->body_len] = '\0';
    assert_non_null(q->extra);
    assert_non_null(strstr(q->extra, "Authorization: TargetToken tok1"));
    if (strcmp(path, "/configData") == 0) {
        ddi.attributes++;
        say(200, "");
    } else if (strncmp(path, "/cancelAction/", 14) == 0) {
        hear_cancel(body);
    } else {
        hear_deployment(body);
    }
    ddi.no_ack = ddi.deaf;
}

static inline ota_err ddi_begin(struct ota_net *port, const struct ota_net_request *q)
{
    struct ota_net *real = &dev->net.port;
    const char *path = q->url + strlen(ROOT);

    (void)port;
    ddi.ours = strncmp(q->url, ROOT, strlen(ROOT)) == 0;
    if (!ddi.ours) {
        if (q->extra)
            assert_null(strstr(q->extra, "tok1")); /* the token is for its own server alone */
        return real->ops->begin(real, q);
    }
    if (dev->off || ddi.down)
        return OTA_RETRY_NETWORK;
    ddi.at = 0;
    ddi.no_ack = ddi.looked = false;
    ddi.tag[0] = '\0';
    if (ddi.refuse)
        say(ddi.refuse, "");
    else if (q->method != OTA_NET_GET)
        hear(q, path);
    else if (*path == '\0')
        say_poll();
    else if (strncmp(path, "/cancelAction/", 14) == 0)
        say(200, "{\"id\":\"1\",\"cancelAction\":{}}");
    else
        say_deployment();
    if (!ddi.refuse)
        compare_tag(q->if_none_match);
    return OTA_OK;
}

static inline ota_err ddi_head(struct ota_net *port, struct ota_net_head *h, int32_t *code)
{
    struct ota_net *real = &dev->net.port;

    (void)port;
    if (!ddi.ours)
        return real->ops->head(real, h, code);
    if (ddi.slow && !ddi.looked) {
        ddi.looked = true;
        return OTA_AGAIN;
    }
    if (ddi.no_ack || dev->off)
        return OTA_RETRY_NETWORK;
    ota_net_head_reset(h);
    h->status = ddi.status;
    (void)snprintf(h->etag, sizeof h->etag, "%s", ddi.tag);
    return OTA_OK;
}

static inline ota_err ddi_read(struct ota_net *port, void *buf, size_t len, size_t *got, int32_t *code)
{
    struct ota_net *real = &dev->net.port;

    (void)port;
    if (!ddi.ours)
        return real->ops->read(real, buf, len, got, code);
    *got = ddi.len - ddi.at < 7 ? ddi.len - ddi.at : 7;
    *got = *got < len ? *got : len;
    memcpy(buf, ddi.body + ddi.at, *got);
    ddi.at += *got;
    return *got ? OTA_OK : OTA_DONE;
}

static inline void ddi_end(struct ota_net *port)
{
    struct ota_net *real = &dev->net.port;

    (void)port;
    if (!ddi.ours)
        real->ops->end(real);
    ddi.ours = false;
}

static inline void ddi_wait(struct ota_net *port, uint32_t ms)
{
    struct ota_net *real = &dev->net.port;

    (void)port;
    real->ops->wait(real, ms);
}

static const struct ota_net_ops ddi_ops = { NULL, ddi_begin, ddi_head, ddi_read, ddi_end, ddi_wait };

/* A new device at a new server. */
static inline void connect(void)
{
    const struct ddi fresh = { .id = 0, .modes = forced };
    const size_t keep = offsetof(struct ddi, id);

    memcpy((uint8_t *)&ddi + keep, (const uint8_t *)&fresh + keep, sizeof ddi - keep);
    ddi.port.ops = &ddi_ops;
    dev->cfg.net = &ddi.port;
    dev->cfg.hawkbit = &ddi.cfg;
}

/* The newest deployment becomes an action. */
static inline void assign(const char *modes)
{
    ddi.id++;
    ddi.mark++;
    ddi.state = RUNNING;
    ddi.modes = modes;
    ddi.seq = cloud.seq;
}

static inline void change(const char *modes)
{
    ddi.mark++;
    ddi.modes = modes;
}

#endif
