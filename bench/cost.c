/* SPDX-License-Identifier: Apache-2.0 */
/* Run a command and write down what it cost: bench_cost OUT COMMAND [ARG...]
 *
 * A small program on purpose: Linux counts the resident pages of whoever forks into the peak of what it forks, so a
 * script's interpreter in this place would be seen in the figures of small programs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOT_RUN 127

static double now_s(void)
{
    struct timespec t = { 0, 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Everything that the command itself waited for is in u, too. @return its exit status; 128 + signal; -1 */
static int run(char **argv, struct rusage *u)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)execvp(argv[0], argv);
        (void)fprintf(stderr, "bench_cost: %s: %s\n", argv[0], strerror(errno));
        _exit(NOT_RUN);
    }
    if (pid < 0 || wait4(pid, &status, 0, u) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct rusage u;
    double start = now_s();
    int status = argc < 3 ? -1 : run(argv + 2, &u);
    FILE *out = status < 0 ? NULL : fopen(argv[1], "w");

    if (!out) {
        (void)fprintf(stderr, argc < 3 ? "usage: bench_cost OUT COMMAND [ARG...]\n" : "bench_cost: %s\n", strerror(errno));
        return 1;
    }
    (void)fprintf(out, "{\"status\": %d, \"user_s\": %.6f, \"sys_s\": %.6f, \"wall_s\": %.6f, \"peak_kib\": %ld}\n", status,
                  seconds(u.ru_utime), seconds(u.ru_stime), now_s() - start, u.ru_maxrss);
    return fclose(out) == 0 ? 0 : 1;
}
