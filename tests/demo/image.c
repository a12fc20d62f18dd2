/* SPDX-License-Identifier: Apache-2.0 */
/* An image for the supervisor's tests. IMAGE_A or IMAGE_B, by the slot it runs from, says how it ends: a status, or
 * "crash", or "wait" for a signal. It appends its slot's letter to the file IMAGE_TRACE. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave_trace(const char *slot)
{
    const char *path = getenv("IMAGE_TRACE");
    FILE *f = path ? fopen(path, "a") : NULL;

    if (!f)
        exit(99);
    (void)fputs(slot, f);
    (void)fclose(f);
}

int main(void)
{
    const char *slot = getenv("OTA_SLOT");
    const char *end = slot ? getenv(strcmp(slot, "a") == 0 ? "IMAGE_A" : "IMAGE_B") : NULL;

    if (!end)
        return 98;
    leave_trace(slot);
    if (strcmp(end, "crash") == 0)
        (void)raise(SIGKILL);
    while (strcmp(end, "wait") == 0)
        (void)pause();
    return atoi(end);
}
