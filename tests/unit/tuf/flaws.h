/* SPDX-License-Identifier: Apache-2.0 */
/* Flaws of other clients, each by its number or its place: what went wrong there must not happen here. A table of them is
 * run row by row; a row whose scenario made no check fails, and so does a table that got shorter. */
#ifndef FLAWS_H
#define FLAWS_H

#include "refusal.h"

#define FLAWS_MAX 64

struct flaw {
    const char *id; /* as others know it */
    void (*scenario)(void);
};

static struct {
    const struct flaw *list;
    size_t count, least;
} flaws_run;

static inline void refused(const char *name, int role, ota_err err, const char *where)
{
    expect_refusal(name, role, err, where);
    expect_recovery(name);
}

static inline void plain_world(void)
{
    begin(false);
    today();
}

static inline void world_of_two(void)
{
    begin(true);
    today();
}

static inline void expect_ok(const char *name)
{
    struct ota_fault f;

    ota_err err = refresh_and_find();
    ota_tuf_fault(client, &f);
    if (err != OTA_DONE)
        fail_msg("%s: %s at %s", name, ota_err_name(err), f.where);
    cases++;
}

static void flaw_scenario(void **state)
{
    const struct flaw *f = *state;
    unsigned before = cases;

    f->scenario();
    if (cases == before)
        fail_msg("%s: nothing was checked", f->id);
}

static void flaws_are_all_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < flaws_run.count; i++)
        for (size_t e = 0; e < i; e++)
            assert_string_not_equal(flaws_run.list[i].id, flaws_run.list[e].id);
    print_message("%zu past flaws of others\n", flaws_run.count);
    assert_true(flaws_run.count >= flaws_run.least); /* a flaw that is fixed leaves its test for good */
}

static inline int run_flaws(const struct flaw *list, size_t count, size_t least)
{
    static struct CMUnitTest tests[FLAWS_MAX];

    if (count >= FLAWS_MAX || !open_world())
        return 1;
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){ list[i].id, flaw_scenario, NULL, NULL, (void *)(uintptr_t)&list[i] };
    tests[count] = (struct CMUnitTest)cmocka_unit_test(flaws_are_all_here);
    flaws_run.list = list;
    flaws_run.count = count;
    flaws_run.least = least;
    int failed = _cmocka_run_group_tests("flaws", tests, count + 1, NULL, NULL);
    close_world();
    return failed;
}

#endif
