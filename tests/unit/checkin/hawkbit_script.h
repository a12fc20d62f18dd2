/* SPDX-License-Identifier: Apache-2.0 */
/* Check-ins against scripts: what is asked, what is said, what the box holds afterwards. */
#ifndef HAWKBIT_SCRIPT_H
#define HAWKBIT_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hawkbit.h"

static const struct ota_hawkbit plain = { .size = sizeof plain, .url = "https://h/", .target_token = "t0k" };
static struct otai_hb_facts facts = {
    .device_id = "dev1", .product = "thermostat", .group = "test", .version = "1.0.0", .utc_s = 1794300000, .report_last = 5
};
static struct otai_hb h;
static struct otai_hb_box box;
static struct ota_fault fault;

/* One exchange of a script: "GET path", "PUT path" or "POST path" below the controller; what the body must contain, or NULL;
 * the answer. */
struct line {
    const char *request, *says;
    ota_err end;
    uint16_t status;
    const char *answer;
};

#define BASE "DEFAULT/controller/v1/dev1"
#define POLL(answer)                                                                                                             \
    {                                                                                                                            \
        "GET ", NULL, OTA_DONE, 200, answer                                                                                      \
    }
#define LINK(name, rest) "{\"_links\":{\"" name "\":{\"href\":\"http://other:81/DEFAULT/controller/v1/dev1/" name "/" rest "\"}}}"
#define ACTION(id, modes, seq)                                                                                                   \
    "{\"id\":\"" id "\",\"deployment\":{" modes ",\"chunks\":[{\"metadata\":[{\"key\":\"ota.seq\",\"value\":\"" seq "\"}]}]}}"
#define FORCED "\"download\":\"forced\",\"update\":\"forced\""
#define STORE_ONLY "\"download\":\"forced\",\"update\":\"skip\""
#define CLOSED_WINDOW STORE_ONLY ",\"maintenanceWindow\":\"unavailable\""
#define ATTRIBUTES                                                                                                               \
    {                                                                                                                            \
        "PUT /configData", "\"mode\":\"merge\"", OTA_DONE, 200, NULL                                                             \
    }

static inline void check_request(const struct otai_hb_request *q, const struct line *l)
{
    static const char *const methods[] = { "GET ", "PUT ", "POST " };
    char text[OTAI_HB_FILE_MAX + 8];

    assert_int_equal(strncmp(q->file, BASE, strlen(BASE)), 0);
    (void)snprintf(text, sizeof text, "%s%s", methods[q->method], q->file + strlen(BASE));
    assert_string_equal(text, l->request);
    assert_non_null(strstr(q->head, "Accept: application/json"));
    assert_int_equal(q->body != NULL, q->method != OTA_NET_GET);
    if (l->says && !strstr(q->body, l->says))
        fail_msg("%s: \"%s\" is not in %s", l->request, l->says, q->body);
}

static inline ota_err play(const struct ota_hawkbit *cfg, enum otai_hb_task task, const struct line *script, size_t n)
{
    struct otai_hb_request q;
    ota_err err;
    size_t i = 0;

    otai_hb_begin(&h, cfg, &box, &facts, task);
    for (; (err = otai_hb_next(&h, &q)) == OTA_AGAIN; i++) {
        assert_in_range(i, 0, n - 1);
        check_request(&q, &script[i]);
        if (script[i].answer)
            otai_hb_body(&h, (const uint8_t *)script[i].answer, strlen(script[i].answer));
        err = otai_hb_answered(&h, script[i].end, script[i].status, &fault);
        if (err != OTA_OK)
            break;
    }
    if (i + (err != OTA_SAME && err != OTA_DONE) != n)
        fail_msg("%zu of %zu exchanges", i, n);
    return err;
}

#define PLAY(...)                                                                                                                \
    play(&plain, OTAI_HB_ALL, (const struct line[]){ __VA_ARGS__ },                                                              \
         sizeof((const struct line[]){ __VA_ARGS__ }) / sizeof(struct line))

/* A box that has nothing to say about attributes. */
static inline int settle(void **state)
{
    (void)state;
    memset(&box, 0, sizeof box);
    memset(&fault, 0, sizeof fault);
    assert_int_equal(PLAY(POLL("{}"), ATTRIBUTES), OTA_SAME);
    assert_int_not_equal(box.attributes_crc, 0);
    return 0;
}

static inline void open_action(void)
{
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                          { "GET /deploymentBase/8?c=17&actionHistory=8", NULL, OTA_DONE, 200, ACTION("8", FORCED, "42") },
                          { "POST /deploymentBase/8/feedback", "\"execution\":\"proceeding\"", OTA_DONE, 200, NULL }),
                     OTA_DONE);
    assert_int_equal(box.state, OTAI_HB_OPEN);
}

#endif
