/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that lie, and what a device without one can know: times that signed metadata vouches for. */
#include "flow.h"

#define HOUR 3600LL
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

static void clock_says(int64_t utc_s)
{
    dev->clock.utc_s = utc_s - (int64_t)(dev->clock.ms / 1000u);
}

/* How wrong the clock is from now on; time passes while a device backs off, too. */
static void clock_is_off_by(int64_t s)
{
    dev->clock.utc_s = SIM_NOW_S + s;
}

/* A new timestamp, with the time at which it says that it was made. */
static void issue(int64_t issued_s, int64_t expires_s)
{
    cloud.os.issued_s = cloud.product.issued_s = issued_s;
    sim_cloud_refresh(&cloud, expires_s);
    flow_serve();
}

static void expect_clock_unknown(void)
{
    uint32_t requests = dev->net.requests;

    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_string_equal(ota_err_name(sim_status(dev).last_fault.err), "RETRY_CLOCK");
    assert_int_equal(sim_status(dev).holds & OTA_HOLD_CLOCK, OTA_HOLD_CLOCK);
    assert_int_equal(dev->net.requests, requests);
}

static void expect_checked_in(void)
{
    uint32_t requests = dev->net.requests;

    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(dev->net.requests > requests);
    assert_int_equal(sim_status(dev).holds & OTA_HOLD_CLOCK, 0);
}

/* A device has taken version 2.0.0, from a timestamp that was made when the simulation began. */
static void begin(void)
{
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    expect_checked_in();
}

FLOW(a_clock_behind_the_last_signed_time_is_unknown)
{
    (void)state;
    begin();
    clock_is_off_by(-2 * DAY);
    expect_clock_unknown();
    sim_power_cycle(dev); /* the journal keeps it */
    expect_clock_unknown();
    clock_is_off_by(0);
    expect_checked_in();
}

FLOW(a_clock_a_little_behind_is_believed)
{
    (void)state;
    begin();
    sim_power_cycle(dev);
    clock_says(SIM_NOW_S - 200);
    expect_checked_in();
    sim_power_cycle(dev);
    clock_says(SIM_NOW_S - 360);
    expect_clock_unknown();
}

/* The monotonic clock counts on from the last signed time while the device is up. */
FLOW(a_clock_that_goes_back_while_the_device_is_up_is_unknown)
{
    (void)state;
    begin();
    dev->clock.ms += 10 * DAY * 1000;
    clock_is_off_by(-DAY); /* still nine days after the signed time */
    expect_clock_unknown();
    clock_is_off_by(0);
    expect_checked_in();
}

/* As far as its metadata allows, a device may live years ahead: the way back must stay open (uptane reference
 * implementation #171, #173). */
FLOW(a_clock_far_ahead_and_back_again_lifts_nothing)
{
    (void)state;
    begin();
    issue(SIM_NOW_S + HOUR, SIM_NOW_S + 6 * YEAR);
    clock_says(SIM_NOW_S + 5 * YEAR);
    expect_checked_in();
    clock_says(SIM_NOW_S + 10 * YEAR); /* beyond its expiry: refused, and nothing learned either */
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_string_equal(ota_err_name(sim_status(dev).last_fault.err), "REJECT_FREEZE");
    sim_power_cycle(dev);
    clock_says(SIM_NOW_S + 2 * HOUR);
    expect_checked_in();
    clock_says(SIM_NOW_S + HOUR - 301); /* the signed time did count */
    expect_clock_unknown();
}

/* A stolen timestamp key can name any time: the floor stays where the clock had been. */
FLOW(a_signed_time_in_the_future_lifts_nothing_beyond_the_clock)
{
    (void)state;
    begin();
    issue(SIM_NOW_S + 10 * YEAR, SIM_NOW_S + 11 * YEAR);
    clock_says(SIM_NOW_S + DAY);
    expect_checked_in();
    sim_power_cycle(dev);
    expect_checked_in();
    clock_says(SIM_NOW_S + DAY / 2);
    expect_clock_unknown();
}

/* An older signed time, or none, takes nothing back. */
FLOW(the_floor_never_falls)
{
    (void)state;
    begin();
    issue(SIM_NOW_S - 9 * DAY, SIM_EXPIRES_S);
    expect_checked_in();
    issue(0, SIM_EXPIRES_S);
    expect_checked_in();
    clock_says(SIM_NOW_S - DAY);
    expect_clock_unknown();
}

/* No battery: every start begins in 1970, until somebody sets the clock. */
FLOW(a_device_without_a_battery_waits_for_the_time)
{
    (void)state;
    clock_says(0);
    expect_checked_in(); /* straight from the factory, without a configured floor, 1970 is as good as any time */
    clock_says(SIM_NOW_S + HOUR);
    begin();
    for (int start = 0; start < 3; start++) {
        sim_power_cycle(dev);
        clock_says(0);
        expect_clock_unknown();
        dev->clock.utc_s = INT64_MIN;
        expect_clock_unknown();
        clock_says(SIM_NOW_S + DAY * (start + 1));
        expect_checked_in();
    }
}

FLOW(without_signed_times_only_the_configured_floor_counts)
{
    (void)state;
    issue(0, SIM_EXPIRES_S);
    expect_checked_in();
    clock_says(SIM_NOW_S - DAY);
    expect_checked_in();
}

FLOW_MAIN(FLOW_TEST(a_clock_behind_the_last_signed_time_is_unknown), FLOW_TEST(a_clock_a_little_behind_is_believed),
          FLOW_TEST(a_clock_that_goes_back_while_the_device_is_up_is_unknown),
          FLOW_TEST(a_clock_far_ahead_and_back_again_lifts_nothing),
          FLOW_TEST(a_signed_time_in_the_future_lifts_nothing_beyond_the_clock), FLOW_TEST(the_floor_never_falls),
          FLOW_TEST(a_device_without_a_battery_waits_for_the_time),
          FLOW_TEST(without_signed_times_only_the_configured_floor_counts))
