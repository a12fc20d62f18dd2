/* SPDX-License-Identifier: Apache-2.0 */
/* Events about updates of the platform: one update at a time, one registration, the limits of each kind. */
#include <errno.h>
#include <stdlib.h>

#include <applibs/sysevent.h>

#include "sphere_sim.h"

#define SYSTEM_MAX 1440u /* minutes */
#define APP_MAX 10020u
#define ANSWER_MIN 1u /* how long an update stays pending when nobody asks for time */

struct SysEvent_Info {
    SysEvent_Info_UpdateData data;
};

struct EventRegistration {
    SysEvent_Events mask;
    SysEvent_EventsCallback *callback;
    void *context;
};

static struct {
    struct EventRegistration *registered;
    SysEvent_UpdateType type; /* Invalid: no update */
    SysEvent_Status status;
    bool told, deferred_once; /* the status went out; one application may defer one update once */
    unsigned minutes_left;
    SysEvent_Events other; /* UpdateStarted, NoUpdateAvailable: to go out */
} sys;

static int fail(int number)
{
    errno = number;
    return -1;
}

static void set(SysEvent_Status status, unsigned minutes)
{
    sys.status = status;
    sys.told = false;
    sys.minutes_left = minutes;
}

void sphere_sim_offer(SysEvent_UpdateType type)
{
    sys.type = type;
    sys.deferred_once = false;
    set(SysEvent_Status_Pending, ANSWER_MIN);
}

void sphere_sim_start_download(void)
{
    sys.other |= SysEvent_Events_UpdateStarted;
}

void sphere_sim_no_update(void)
{
    sys.type = SysEvent_UpdateType_Invalid;
    sys.other |= SysEvent_Events_NoUpdateAvailable;
}

void sphere_sim_pass(unsigned minutes)
{
    if (sys.type == SysEvent_UpdateType_Invalid || sys.status == SysEvent_Status_Final || sys.status == SysEvent_Status_Complete)
        return;
    sys.minutes_left -= minutes < sys.minutes_left ? minutes : sys.minutes_left;
    if (sys.minutes_left == 0)
        set(SysEvent_Status_Final, 0);
}

static void tell(SysEvent_Events event, SysEvent_Status status)
{
    SysEvent_Info info = { .data = { .update_type = sys.type } };

    if (!sys.registered || !(sys.registered->mask & event))
        return;
    if (status == SysEvent_Status_Pending)
        info.data.max_deferral_time_in_minutes = sys.type == SysEvent_UpdateType_System ? SYSTEM_MAX : APP_MAX;
    sys.registered->callback(event, status, &info, sys.registered->context);
}

/* Called by the loop: an application hears of events in its own thread only. */
void sphere_sim_deliver(void)
{
    SysEvent_Events other = sys.other;

    if (!sys.registered)
        return;
    sys.other = 0;
    for (SysEvent_Events e = SysEvent_Events_UpdateStarted; e <= SysEvent_Events_NoUpdateAvailable; e <<= 1)
        if (other & e)
            tell(e, SysEvent_Status_Invalid);
    while (sys.type != SysEvent_UpdateType_Invalid && !sys.told) { /* the callback may change it: then that is told, too */
        sys.told = true;
        tell(SysEvent_Events_UpdateReadyForInstall, sys.status);
    }
}

int SysEvent_Info_GetUpdateData(const SysEvent_Info *info, SysEvent_Info_UpdateData *update_info)
{
    if (!info || !update_info)
        return fail(EFAULT);
    if (info->data.update_type == SysEvent_UpdateType_Invalid)
        return fail(EINVAL);
    *update_info = info->data;
    return 0;
}

EventRegistration *SysEvent_RegisterForEventNotifications(EventLoop *el, SysEvent_Events eventBitmask,
                                                          SysEvent_EventsCallback *callback, void *context)
{
    int number = !sphere_sim_manifest()->system_events                   ? EACCES
                 : !el || !callback                                      ? EFAULT
                 : eventBitmask & ~(SysEvent_Events)SysEvent_Events_Mask ? EINVAL
                 : sys.registered                                        ? EINVAL
                                                                         : 0;
    struct EventRegistration *r = number ? NULL : malloc(sizeof *r);

    if (!r) {
        errno = number ? number : ENOMEM;
        return NULL;
    }
    *r = (struct EventRegistration){ eventBitmask, callback, context };
    sys.registered = r;
    return r;
}

int SysEvent_UnregisterForEventNotifications(EventRegistration *reg)
{
    if (!reg || reg != sys.registered)
        return fail(EFAULT);
    sys.registered = NULL;
    free(reg);
    return 0;
}

int SysEvent_DeferEvent(SysEvent_Events event, uint32_t requested_defer_time_in_minutes)
{
    unsigned max = sys.type == SysEvent_UpdateType_System ? SYSTEM_MAX : APP_MAX;

    if (!sphere_sim_manifest()->deferral)
        return fail(EACCES);
    if (event != SysEvent_Events_UpdateReadyForInstall || sys.type == SysEvent_UpdateType_Invalid ||
        sys.status != SysEvent_Status_Pending || requested_defer_time_in_minutes == 0 || sys.deferred_once)
        return fail(EINVAL);
    sys.deferred_once = true;
    set(SysEvent_Status_Deferred, requested_defer_time_in_minutes < max ? requested_defer_time_in_minutes : max);
    return 0;
}

int SysEvent_ResumeEvent(SysEvent_Events event)
{
    if (!sphere_sim_manifest()->deferral)
        return fail(EACCES);
    if (event != SysEvent_Events_UpdateReadyForInstall || sys.status != SysEvent_Status_Deferred)
        return fail(EINVAL);
    set(SysEvent_Status_Final, 0);
    return 0;
}
