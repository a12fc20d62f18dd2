/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's steps and the platform's update events on the application's event loop. */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <applibs/sysevent.h>

#include "ota/sphere.h"

/* The port of the network is polled this often while an exchange is open: there is no descriptor of it to wait for. */
#define NET_POLL_MS 20u

static void set_timer(const struct ota_sphere_loop *l, uint32_t ms)
{
    const struct itimerspec t = { .it_value = { .tv_sec = (time_t)(ms / 1000u),
                                                .tv_nsec = ms ? (long)(ms % 1000u) * 1000000L : 1L } };

    (void)timerfd_settime(l->timer_fd, 0, &t, NULL); /* fails for a wrong descriptor or time only */
}

static void stop(struct ota_sphere_loop *l, ota_err err)
{
    if (l->cfg.stopped)
        l->cfg.stopped(l, err);
}

static void on_timer(EventLoop *loop, int fd, EventLoop_IoEvents events, void *context)
{
    struct ota_sphere_loop *l = context;
    struct ota_wait wait = { 0 };
    uint64_t times;

    (void)loop, (void)events;
    if (read(fd, &times, sizeof times) < 0 && errno == EAGAIN)
        return; /* set anew in between */
    if (l->cfg.before)
        l->cfg.before(l);
    ota_err err = ota_step(l->cfg.agent, &wait);
    if (err != OTA_OK) {
        stop(l, err);
        return;
    }
    set_timer(l, wait.wait_for_net && wait.ms > NET_POLL_MS ? NET_POLL_MS : wait.ms);
}

void ota_sphere_loop_wake(struct ota_sphere_loop *l)
{
    set_timer(l, 0);
}

static enum ota_sphere_update update_of(SysEvent_Events event, SysEvent_Status status)
{
    if (event == SysEvent_Events_NoUpdateAvailable)
        return OTA_SPHERE_NONE;
    if (event == SysEvent_Events_UpdateStarted)
        return OTA_SPHERE_STARTED;
    switch (status) {
    case SysEvent_Status_Pending:
        return OTA_SPHERE_PENDING;
    case SysEvent_Status_Final:
        return OTA_SPHERE_FINAL;
    case SysEvent_Status_Deferred:
        return OTA_SPHERE_DEFERRED;
    case SysEvent_Status_Complete:
        return OTA_SPHERE_COMPLETE;
    default:
        return OTA_SPHERE_NONE;
    }
}

static void on_event(SysEvent_Events event, SysEvent_Status status, const SysEvent_Info *info, void *context)
{
    struct ota_sphere_loop *l = context;
    SysEvent_Info_UpdateData data = { 0 };
    bool ready = event == SysEvent_Events_UpdateReadyForInstall;

    if (ready && SysEvent_Info_GetUpdateData(info, &data) != 0)
        data = (SysEvent_Info_UpdateData){ 0 };
    l->update = update_of(event, status);
    if (l->cfg.update) /* the limit is only defined while an update is pending */
        l->cfg.update(l, l->update, data.update_type == SysEvent_UpdateType_System,
                      l->update == OTA_SPHERE_PENDING ? data.max_deferral_time_in_minutes * 60u : 0);
}

ota_err ota_sphere_defer(struct ota_sphere_loop *l, uint32_t seconds, int32_t *port_code)
{
    ota_err err;

    if (port_code)
        *port_code = 0;
    if (l->update != OTA_SPHERE_PENDING && !(seconds == 0 && l->update == OTA_SPHERE_DEFERRED))
        return OTA_USAGE_STATE;
    int done = seconds ? SysEvent_DeferEvent(SysEvent_Events_UpdateReadyForInstall, seconds / 60u + (seconds % 60u != 0))
                       : SysEvent_ResumeEvent(SysEvent_Events_UpdateReadyForInstall);
    if (done != 0) {
        if (port_code)
            *port_code = errno;
        return OTA_DEVICE_BOOT;
    }
    err = ota_defer(l->cfg.agent, seconds, NULL);
    return err == OTA_USAGE_STATE ? OTA_OK : err; /* our own update is past it: that holds nothing back */
}

ota_err ota_sphere_loop_open(struct ota_sphere_loop *l, const struct ota_sphere_loop_config *cfg, struct ota_fault *fault)
{
    *l = (struct ota_sphere_loop){ .cfg = *cfg, .timer_fd = -1 };
    if (!cfg->loop || !cfg->agent)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, cfg->loop ? "loop.agent" : "loop.loop", 0);
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->timer_fd < 0)
        return ota_fault_set(fault, OTA_DEVICE_STORE, "timerfd_create", errno);
    l->timer = EventLoop_RegisterIo(cfg->loop, l->timer_fd, EventLoop_Input, on_timer, l);
    if (l->timer)
        l->events = SysEvent_RegisterForEventNotifications(cfg->loop, SysEvent_Events_Mask, on_event, l);
    if (!l->events) {
        int number = errno;
        const char *where = l->timer ? "SysEvent_RegisterForEventNotifications" : "EventLoop_RegisterIo";
        ota_sphere_loop_close(l);
        return ota_fault_set(fault, OTA_DEVICE_STORE, where, number);
    }
    ota_sphere_loop_wake(l);
    return OTA_OK;
}

void ota_sphere_loop_close(struct ota_sphere_loop *l)
{
    if (l->events)
        (void)SysEvent_UnregisterForEventNotifications(l->events);
    if (l->timer)
        (void)EventLoop_UnregisterIo(l->cfg.loop, l->timer);
    if (l->timer_fd >= 0)
        (void)close(l->timer_fd);
    l->events = l->timer = NULL;
    l->timer_fd = -1;
}
