/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name. */
#ifndef APPLIBS_EVENTLOOP_H
#define APPLIBS_EVENTLOOP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct EventLoop EventLoop;
typedef struct EventRegistration EventRegistration;
typedef uint32_t EventLoop_IoEvents;
enum { EventLoop_None = 0, EventLoop_Input = 1, EventLoop_Output = 4, EventLoop_Error = 8 };
typedef int EventLoop_Run_Result;
enum { EventLoop_Run_Failed = -1, EventLoop_Run_FinishedEmpty = 0, EventLoop_Run_Finished = 1 };
typedef void EventLoopIoCallback(EventLoop *el, int fd, EventLoop_IoEvents events, void *context);

EventLoop *EventLoop_Create(void);
void EventLoop_Close(EventLoop *el);
EventLoop_Run_Result EventLoop_Run(EventLoop *el, int duration_in_milliseconds, bool process_one_event);
int EventLoop_Stop(EventLoop *el);
EventRegistration *EventLoop_RegisterIo(EventLoop *el, int fd, EventLoop_IoEvents eventBitmask, EventLoopIoCallback *callback,
                                        void *context);
int EventLoop_UnregisterIo(EventLoop *el, EventRegistration *reg);

#endif
