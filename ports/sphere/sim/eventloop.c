/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop on poll(2). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include <applibs/eventloop.h>

#include "sphere_sim.h"

#define SOURCES_MAX 16
#define POLL_MS 100

struct EventRegistration {
    EventLoop *loop;
    int fd;
    EventLoop_IoEvents events;
    EventLoopIoCallback *callback;
    void *context;
};

struct EventLoop {
    struct EventRegistration *source[SOURCES_MAX];
    size_t count;
    bool running, stop;
};

static void *refuse(int number)
{
    errno = number;
    return NULL;
}

EventLoop *EventLoop_Create(void)
{
    return calloc(1, sizeof(EventLoop));
}

void EventLoop_Close(EventLoop *el)
{
    if (!el)
        return;
    for (size_t i = 0; i < el->count; i++)
        free(el->source[i]);
    free(el);
}

EventRegistration *EventLoop_RegisterIo(EventLoop *el, int fd, EventLoop_IoEvents eventBitmask, EventLoopIoCallback *callback,
                                        void *context)
{
    if (!el || !callback)
        return refuse(EFAULT);
    if (eventBitmask & ~(EventLoop_IoEvents)(EventLoop_Input | EventLoop_Output | EventLoop_Error))
        return refuse(EINVAL);
    if (fd < 0)
        return refuse(EBADF);
    for (size_t i = 0; i < el->count; i++)
        if (el->source[i]->fd == fd)
            return refuse(EEXIST);
    if (el->count == SOURCES_MAX)
        return refuse(ENOMEM);
    struct EventRegistration *r = malloc(sizeof *r);
    if (!r)
        return NULL;
    *r = (struct EventRegistration){ el, fd, eventBitmask, callback, context };
    el->source[el->count++] = r;
    return r;
}

int EventLoop_UnregisterIo(EventLoop *el, EventRegistration *reg)
{
    for (size_t i = 0; el && i < el->count; i++)
        if (el->source[i] == reg) {
            el->source[i] = el->source[--el->count];
            free(reg);
            return 0;
        }
    errno = EFAULT;
    return -1;
}

int EventLoop_Stop(EventLoop *el)
{
    el->stop = true;
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Call whoever has news; a callback may register and unregister, also itself. */
static bool dispatch(EventLoop *el, const struct pollfd *fds, size_t count, bool one)
{
    bool any = false;

    for (size_t i = 0; i < count && !(any && one); i++) {
        if (!fds[i].revents)
            continue;
        for (size_t k = 0; k < el->count; k++)
            if (el->source[k]->fd == fds[i].fd) {
                struct EventRegistration r = *el->source[k];
                r.callback(el, r.fd,
                           fds[i].revents & POLLIN    ? EventLoop_Input
                           : fds[i].revents & POLLOUT ? EventLoop_Output
                                                      : EventLoop_Error,
                           r.context);
                any = true;
                break;
            }
    }
    return any;
}

static EventLoop_Run_Result run(EventLoop *el, int duration, bool one)
{
    int64_t end = now_ms() + duration;

    for (;;) {
        struct pollfd fds[SOURCES_MAX];
        size_t count = el->count;
        int64_t left = end - now_ms();

        int slice = duration < 0 ? -1 : left > 0 ? (int)left : 0;

        if (sphere_sim_poll()) {
            sphere_sim_poll()();
            slice = slice < 0 || slice > POLL_MS ? POLL_MS : slice;
        }
        sphere_sim_deliver();
        for (size_t i = 0; i < count; i++)
            fds[i] = (struct pollfd){ el->source[i]->fd,
                                      (short)((el->source[i]->events & EventLoop_Input ? POLLIN : 0) |
                                              (el->source[i]->events & EventLoop_Output ? POLLOUT : 0)),
                                      0 };
        int n = poll(fds, (nfds_t)count, slice);
        if (n < 0)
            return EventLoop_Run_Failed; /* EINTR included, as on the platform */
        bool any = n > 0 && dispatch(el, fds, count, one);
        if (el->stop || (any && one))
            return EventLoop_Run_Finished;
        if (duration >= 0 && now_ms() >= end)
            return any ? EventLoop_Run_Finished : EventLoop_Run_FinishedEmpty;
    }
}

EventLoop_Run_Result EventLoop_Run(EventLoop *el, int duration_in_milliseconds, bool process_one_event)
{
    if (!el || el->running) {
        errno = el ? EBUSY : EFAULT;
        return EventLoop_Run_Failed;
    }
    el->running = true;
    el->stop = false;
    EventLoop_Run_Result result = run(el, duration_in_milliseconds, process_one_event);
    el->running = false;
    return result;
}
