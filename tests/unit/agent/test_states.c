/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the state table, and the drawing that ARCHITECTURE.md shows.
 *
 *     unit_agent_states --draw      prints the drawing
 *     unit_agent_states             runs the tests; ARCHITECTURE.md must hold exactly that drawing */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent.h"

/* What a state does, in a few words: for the drawing. */
static const char *const does[OTA_ST_COUNT] = {
    [OTA_ST_START] = "read journal and boot control",
    [OTA_ST_IDLE] = "wait for the next check-in",
    [OTA_ST_POLL] = "one conditional request",
    [OTA_ST_TRUST] = "TUF: offer to release",
    [OTA_ST_PLAN] = "choose component, slot, source",
    [OTA_ST_DOWNLOAD] = "fill the spare slot",
    [OTA_ST_SEAL] = "read back and hash",
    [OTA_ST_READY] = "wait until nothing holds it back",
    [OTA_ST_ARM] = "hand the trial to the boot control",
    [OTA_ST_REBOOT] = "restart into the trial",
    [OTA_ST_TRIAL] = "judge health",
    [OTA_ST_CONFIRM] = "make the trial permanent",
    [OTA_ST_REVERT] = "give the trial up",
    [OTA_ST_REFUSE] = "drop this try, keep the cause",
    [OTA_ST_REPORT] = "deliver or keep the outcome",
    [OTA_ST_FAULT] = "device failed: back off",
};

struct edges {
    uint8_t to[8];
    const char *label[8];
    size_t count;
};

static void add_edge(struct edges *e, uint8_t to, const char *label)
{
    if (to >= OTA_ST_COUNT)
        return;
    e->to[e->count] = to;
    e->label[e->count++] = label;
}

static struct edges edges_of(const struct otai_row *row)
{
    struct edges e = { .count = 0 };

    add_edge(&e, row->done, "done");
    add_edge(&e, row->same, "same");
    add_edge(&e, row->retry, "retry");
    add_edge(&e, row->reject, "reject");
    add_edge(&e, row->device, "device");
    return e;
}

static bool edge_exists(uint8_t from, uint8_t to)
{
    struct edges e = edges_of(&otai_rows[from]);

    if (otai_rows[from].done == OTAI_ST_RESUME)
        for (size_t s = 0; s < OTA_ST_COUNT; s++)
            if (otai_rows[s].resume == to)
                return true;
    for (size_t i = 0; i < e.count; i++)
        if (e.to[i] == to)
            return true;
    return false;
}

/* Every state that can be reached from `from`, as a set. */
static uint32_t reach(uint8_t from)
{
    uint32_t seen = 1u << from;

    for (bool grew = true; grew;) {
        grew = false;
        for (uint8_t s = 0; s < OTA_ST_COUNT; s++)
            for (uint8_t t = 0; t < OTA_ST_COUNT; t++)
                if ((seen & 1u << s) && !(seen & 1u << t) && edge_exists(s, t)) {
                    seen |= 1u << t;
                    grew = true;
                }
    }
    return seen;
}

static void every_row_is_whole(void **state)
{
    (void)state;
    for (size_t s = 0; s < OTA_ST_COUNT; s++) {
        assert_non_null(otai_rows[s].name);
        assert_non_null(does[s]);
        assert_non_null(otai_rows[s].step);
        assert_true(otai_rows[s].done < OTA_ST_COUNT || otai_rows[s].done == OTAI_ST_RESUME);
        assert_true(otai_rows[s].resume < OTA_ST_COUNT);
        assert_string_equal(ota_state_name((enum ota_state)s), otai_rows[s].name);
        for (size_t other = 0; other < s; other++)
            assert_string_not_equal(otai_rows[other].name, otai_rows[s].name);
    }
    assert_string_equal(ota_state_name(OTA_ST_COUNT), "unknown");
}

static void every_state_is_reached_from_start(void **state)
{
    (void)state;
    assert_int_equal(reach(OTA_ST_START), (1u << OTA_ST_COUNT) - 1u);
}

static void every_state_leads_home(void **state)
{
    (void)state;
    for (uint8_t s = 0; s < OTA_ST_COUNT; s++)
        assert_true(reach(s) & 1u << OTA_ST_IDLE);
}

/* A step that talks to the network can meet RETRY; one that judges bytes or images can meet REJECT; all but FAULT itself
 * touch the device. */
static void every_error_class_has_an_edge(void **state)
{
    static const uint8_t networked[] = { OTA_ST_POLL, OTA_ST_TRUST, OTA_ST_DOWNLOAD, OTA_ST_REPORT };
    static const uint8_t judging[] = { OTA_ST_POLL, OTA_ST_TRUST, OTA_ST_PLAN, OTA_ST_DOWNLOAD, OTA_ST_SEAL,
                                       OTA_ST_REBOOT, OTA_ST_TRIAL, OTA_ST_CONFIRM, OTA_ST_REPORT };

    (void)state;
    for (size_t i = 0; i < sizeof networked; i++)
        assert_int_equal(otai_rows[networked[i]].retry, OTA_ST_IDLE);
    for (size_t i = 0; i < sizeof judging; i++)
        assert_true(otai_rows[judging[i]].reject < OTA_ST_COUNT);
    for (uint8_t s = 0; s < OTA_ST_COUNT; s++)
        assert_true(s == OTA_ST_FAULT || otai_rows[s].device < OTA_ST_COUNT);
}

/* Before the trial is armed a rejection never touches the boot control; after it, it always does. */
static void rejections_undo_what_was_done(void **state)
{
    (void)state;
    for (uint8_t s = OTA_ST_POLL; s <= OTA_ST_SEAL; s++)
        assert_int_equal(otai_rows[s].reject, OTA_ST_REFUSE);
    for (uint8_t s = OTA_ST_REBOOT; s <= OTA_ST_CONFIRM; s++)
        assert_int_equal(otai_rows[s].reject, OTA_ST_REVERT);
}

/* Success is told only behind CONFIRM: no other way leads from a trial to REPORT but through REVERT. */
static void report_comes_after_the_verdict(void **state)
{
    (void)state;
    for (uint8_t s = OTA_ST_PLAN; s <= OTA_ST_TRIAL; s++)
        assert_false(edge_exists(s, OTA_ST_REPORT));
}

static void every_journaled_state_can_be_resumed(void **state)
{
    (void)state;
    for (uint8_t s = 0; s < OTA_ST_COUNT; s++) {
        uint8_t back = otai_rows[s].resume;

        assert_true(back == s || back == OTA_ST_IDLE || back == OTA_ST_REBOOT);
        /* whoever holds a trial asks the boot control first what became of it */
        if (s == OTA_ST_ARM || s == OTA_ST_TRIAL)
            assert_int_equal(back, OTA_ST_REBOOT);
        if (s >= OTA_ST_ARM && s <= OTA_ST_REVERT)
            assert_true(otai_rows[s].journal);
    }
}

/* ---- the drawing ---- */

static void draw(struct otai_text *t)
{
    otai_text_add(t, "stateDiagram-v2\n    [*] --> start\n");
    for (uint8_t s = 0; s < OTA_ST_COUNT; s++) {
        otai_text_add(t, "    ");
        otai_text_add(t, otai_rows[s].name);
        otai_text_add(t, ": ");
        otai_text_add(t, otai_rows[s].name);
        otai_text_add(t, otai_rows[s].journal ? " [journaled] " : " ");
        otai_text_add(t, does[s]);
        otai_text_add(t, "\n");
    }
    for (uint8_t s = 0; s < OTA_ST_COUNT; s++) {
        for (uint8_t to = 0; to < OTA_ST_COUNT; to++) {
            struct edges e = edges_of(&otai_rows[s]);
            const char *glue = ": ";
            bool any = false;

            if (otai_rows[s].done == OTAI_ST_RESUME)
                for (uint8_t r = 0; r < OTA_ST_COUNT; r++)
                    if (otai_rows[r].resume == to) {
                        add_edge(&e, to, "resume");
                        break;
                    }
            for (size_t i = 0; i < e.count; i++) {
                if (e.to[i] != to)
                    continue;
                if (!any) {
                    otai_text_add(t, "    ");
                    otai_text_add(t, otai_rows[s].name);
                    otai_text_add(t, " --> ");
                    otai_text_add(t, otai_rows[to].name);
                }
                otai_text_add(t, glue);
                otai_text_add(t, e.label[i]);
                glue = ", ";
                any = true;
            }
            if (any)
                otai_text_add(t, "\n");
        }
    }
}

static char drawing[8192];
static char paper[65536];

static void the_paper_shows_this_table(void **state)
{
    struct otai_text t;
    FILE *f = fopen(OTA_SOURCE_DIR "/ARCHITECTURE.md", "r");

    (void)state;
    assert_non_null(f);
    size_t n = fread(paper, 1, sizeof paper - 1, f);
    fclose(f);
    paper[n] = '\0';
    otai_text_init(&t, drawing, sizeof drawing);
    draw(&t);
    assert_false(t.full);
    assert_non_null(strstr(paper, drawing)); /* remake it with: unit_agent_states --draw */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(every_state_is_reached_from_start),
        cmocka_unit_test(every_state_leads_home),
        cmocka_unit_test(every_error_class_has_an_edge),
        cmocka_unit_test(rejections_undo_what_was_done),
        cmocka_unit_test(report_comes_after_the_verdict),
        cmocka_unit_test(every_journaled_state_can_be_resumed),
        cmocka_unit_test(the_paper_shows_this_table),
    };

    if (argc == 2 && strcmp(argv[1], "--draw") == 0) {
        struct otai_text t;

        otai_text_init(&t, drawing, sizeof drawing);
        draw(&t);
        fputs(drawing, stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
