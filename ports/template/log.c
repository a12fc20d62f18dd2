/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

static void event(struct ota_log *l, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    (void)l;
    (void)ev;
    (void)a;
    (void)b;
    (void)fault; /* TODO: store or print the numbers; ota_event_text() and ota_err_name() give words */
}

static const struct ota_log_ops ops = { event };

void my_log_init(struct my_log *l)
{
    *l = (struct my_log){ .port = { &ops } };
}
